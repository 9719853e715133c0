//! What a plan prints means the same plan.

use throng_query::plan::{Query, Statement};
use throng_query::{bind, bind_set, keywords, parse, query_text, set_text};

use crate::catalog::Names;
use crate::random::Random;

fn bound(text: &str) -> Query {
    let ast = parse(text).unwrap_or_else(|error| panic!("{}", error.render(text)));
    let plan = bind(&ast, &Names, &[]).unwrap_or_else(|error| panic!("{}", error.render(text)));
    match plan.statement {
        Statement::Query(query) => query,
        other => panic!("{text} became {other:?}"),
    }
}

#[test]
fn every_query_prints_a_text_that_means_the_same() {
    let mut random = Random(1);
    for _ in 0..3_000 {
        let query = random.query();
        let text = query_text(&query, &Names);
        assert_eq!(bound(&text), query, "{text}");
    }
}

#[test]
fn every_set_prints_a_text_that_means_the_same() {
    let mut random = Random(2);
    for _ in 0..3_000 {
        let set = random.set(5);
        let text = set_text(&set, &Names);
        let again =
            bind_set(&text, &Names).unwrap_or_else(|error| panic!("{}", error.render(&text)));
        assert_eq!(again, set, "{text}");
    }
}

#[test]
fn case_space_and_comments_change_nothing() {
    let mut random = Random(3);
    for _ in 0..1_000 {
        let query = random.query();
        let text = disguised(&query_text(&query, &Names), &mut random);
        assert_eq!(bound(&text), query, "{text}");
    }
}

/// Keywords in any case, and other space between words outside quotes.
fn disguised(text: &str, random: &mut Random) -> String {
    let mut out = String::new();
    let mut word = String::new();
    let mut quote = None;
    for c in text.chars().chain([' ']) {
        if quote.is_none() && (c.is_alphanumeric() || c == '_') {
            word.push(c);
            continue;
        }
        if keywords().contains(&word.as_str()) && random.one_in(2) {
            word = word.to_lowercase();
        }
        out.push_str(&std::mem::take(&mut word));
        match quote {
            Some(open) if open == c => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            _ => {}
        }
        if c == ' ' && quote.is_none() {
            let space = [" ", "\n", "\t \r\n", " /* AND 'x */ ", " -- OR \"\n", "\u{3000}"];
            let chosen: &str = random.pick::<&str>(&space);
            out.push_str(chosen);
        } else {
            out.push(c);
        }
    }
    out
}
