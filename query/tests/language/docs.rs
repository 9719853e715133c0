//! The reference in docs/language.md says what is so.

use throng_query::limits::all;
use throng_query::plan::{NameKind, Show};
use throng_query::{ErrorCode, bind, builtin, describe, parse, show_columns, split_statements};

use crate::catalog::{BEHAVIOURS, Names};

const REFERENCE: &str = include_str!("../../../docs/language.md");

#[test]
fn every_example_is_a_statement() {
    let mut count = 0;
    for block in REFERENCE.split("```sql\n").skip(1) {
        let block = block.split("```").next().unwrap();
        for range in split_statements(block) {
            let text = &block[range];
            let ast = parse(text).unwrap_or_else(|error| panic!("{}", error.render(text)));
            let description = describe(&ast, &Names);
            let description = description.unwrap_or_else(|error| panic!("{}", error.render(text)));
            if description.parameters.is_empty() {
                bind(&ast, &Names, &[]).unwrap();
            }
            count += 1;
        }
    }
    assert!(count >= 40, "only {count} examples");
}

#[test]
fn every_limit_code_and_behaviour_is_listed() {
    for (name, value) in all() {
        let row = format!("| `{name}` | {value} |");
        assert!(REFERENCE.contains(&row), "{row}");
    }
    for code in ErrorCode::ALL {
        let row = format!("| `{}` |", code.sqlstate());
        assert!(REFERENCE.contains(&row), "{row}");
    }
    for behaviour in BEHAVIOURS.iter().filter(|name| **name != "any") {
        assert!(REFERENCE.contains(&format!("`{behaviour}`")), "{behaviour}");
    }
    for (model, _) in builtin::models() {
        assert!(REFERENCE.contains(&format!("`{model}`")), "{model}");
    }
}

#[test]
fn the_columns_of_show_are_listed() {
    let shows = [
        ("SHOW AUDIENCES", Show::Names(NameKind::Audience)),
        ("SHOW BRANDS", Show::Names(NameKind::Brand)),
        ("SHOW BEHAVIOURS", Show::Names(NameKind::Behaviour)),
        ("SHOW ATTRIBUTES", Show::Names(NameKind::Attribute)),
        ("SHOW MODELS", Show::Names(NameKind::Model)),
        ("SHOW PARTITIONS", Show::Names(NameKind::Partition)),
        ("SHOW CATEGORIES", Show::Names(NameKind::Category)),
        ("SHOW VERSIONS OF MODEL name", Show::Versions { model: "name".to_owned() }),
        ("SHOW STATES", Show::Names(NameKind::State)),
        ("SHOW STORE", Show::Store),
        ("SHOW STORAGE", Show::Storage),
        ("SHOW LIMITS", Show::Limits),
        ("SHOW SERVER", Show::Server),
        ("SHOW ERASURES", Show::Erasures),
        ("SHOW MEASURES", Show::Measures),
    ];
    for (statement, show) in shows {
        let names = show_columns(&show).into_iter().map(|column| format!("`{}`", column.name));
        let row = format!("{statement}` | {}", names.collect::<Vec<_>>().join(", "));
        assert!(REFERENCE.contains(&row), "{row}");
    }
}

#[test]
fn the_words_said_to_be_reserved_are() {
    let line = REFERENCE.split("cannot be plain names: `").nth(1).unwrap();
    let words: Vec<&str> = line.split('`').next().unwrap().split(' ').collect();
    for word in throng_query::keywords() {
        let error = parse(&format!("DROP BRAND {word}")).err();
        // `IF` goes on with EXISTS here.
        let refused = error.is_some() && *word != "IF";
        assert_eq!(refused, words.contains(word), "{word}");
    }
}
