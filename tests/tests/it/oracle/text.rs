//! The oracle's sets in the words of the language.

use super::term::{CellTest, Did, Model, MoneyTest, Often, Rows, STATES, Term, Top, Whose, Window};
use super::world::{ATTRIBUTES, BRANDS, CATEGORIES, Cell, DECIMAL_SCALE, ITEMS, Kind, TOUCHPOINTS};

/// A name, quoted when it has to be.
pub fn name(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_ascii_lowercase() || c == '_') && text != "none";
    if plain || text == "none" {
        text.to_owned()
    } else {
        format!("\"{}\"", text.replace('"', "\"\""))
    }
}

/// A text or date literal.
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A day as a literal.
pub fn day(day: i32) -> String {
    literal(&date_text(day))
}

/// A calendar day, by counting years and months: not by the arithmetic of the product.
pub fn date_text(day: i32) -> String {
    let leap = |year: i32| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut year = 1970;
    let mut rest = day;
    while rest < 0 {
        year -= 1;
        rest += if leap(year) { 366 } else { 365 };
    }
    loop {
        let length = if leap(year) { 366 } else { 365 };
        if rest < length {
            break;
        }
        rest -= length;
        year += 1;
    }
    let february = if leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if rest < length {
            break;
        }
        rest -= length;
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", rest + 1)
}

/// A number of minor units or of last digits, with its point.
pub fn decimal(value: i64, scale: u8) -> String {
    let unit = 10_i64.pow(u32::from(scale));
    let sign = if value < 0 { "-" } else { "" };
    let (whole, rest) = (value.abs() / unit, value.abs() % unit);
    if rest == 0 && value % 3 == 0 {
        return format!("{sign}{whole}");
    }
    format!("{sign}{whole}.{rest:0width$}", width = usize::from(scale))
}

/// The name of an attribute, with its brand's.
pub fn attribute(index: usize) -> String {
    let (text, brand, _) = ATTRIBUTES[index];
    brand.map_or_else(|| name(text), |brand| format!("{}.{}", name(BRANDS[brand]), name(text)))
}

fn cell(value: &Cell, kind: Kind) -> String {
    match (value, kind) {
        (Cell::Text(text), _) => literal(text),
        (Cell::Number(number), Kind::Boolean) => {
            (if *number == 0 { "FALSE" } else { "true" }).to_owned()
        }
        (Cell::Number(number), Kind::Date) => day(i32::try_from(*number).unwrap()),
        (Cell::Number(number), Kind::Decimal) => decimal(*number, DECIMAL_SCALE),
        (Cell::Number(number), _) => number.to_string(),
    }
}

fn brand(whose: Whose) -> String {
    match whose {
        Whose::Brand(index) => format!("{} ", name(BRANDS[index])),
        Whose::Any => "ANY BRAND ".to_owned(),
        Whose::Subject => String::new(),
    }
}

/// Words for the rows of DID, SPENT and SUM, each with a space before it.
pub fn rows(rows: &Rows) -> String {
    let mut text = String::new();
    if rows.target_categories {
        text += " IN TARGET CATEGORIES";
    }
    let list = |known: &[&str], indexes: &[usize]| -> String {
        let names = indexes.iter().map(|&i| literal(known.get(i).unwrap_or(&"unheard of")));
        names.collect::<Vec<_>>().join(", ")
    };
    if !rows.touchpoints.is_empty() {
        text += &format!(" VIA {}", list(&TOUCHPOINTS, &rows.touchpoints));
    }
    if !rows.categories.is_empty() {
        text += &format!(" IN CATEGORY ({})", list(&CATEGORIES, &rows.categories));
    }
    match rows.window {
        Some(Window::Before(days)) => text += &format!(" BEFORE LAST {days} DAYS"),
        Some(Window::Last(days)) => text += &format!(" IN LAST {days} DAYS"),
        Some(Window::Between(a, b)) => text += &format!(" BETWEEN {} AND {}", day(a), day(b)),
        Some(Window::On(at)) => text += &format!(" ON {}", day(at)),
        None => {}
    }
    if !rows.items.is_empty() {
        text += &format!(" ITEM {}", list(&ITEMS, &rows.items));
    }
    text
}

fn did(did: &Did) -> String {
    let behaviours = match &did.behaviours[..] {
        [] => "ANY".to_owned(),
        [one] => (*one).to_owned(),
        many => format!("({})", many.join(", ")),
    };
    let often = match did.often {
        Often::Once => String::new(),
        Often::Times(times) => format!(" {times} TIMES"),
        Often::Days(days) => format!(" ON {days} DAYS"),
    };
    format!("{}DID {behaviours}{often}{}", brand(did.brand), rows(&did.rows))
}

/// A set.
pub fn term(term: &Term) -> String {
    match term {
        Term::All => "ALL".to_owned(),
        Term::And(parts) => joined(parts, " AND "),
        Term::Or(parts) => joined(parts, " OR "),
        Term::Not(inner) => format!("NOT {}", part(inner)),
        Term::Did(asked) => did(asked),
        Term::Spent { brand: whose, rows: which, test }
        | Term::Price { brand: whose, rows: which, test } => {
            let word = if matches!(term, Term::Spent { .. }) { "SPENT" } else { "PRICE" };
            let test = match test {
                MoneyTest::Compare(sign, amount) => format!("{sign} {}", decimal(*amount, 2)),
                MoneyTest::Between(a, b) => {
                    format!("BETWEEN {} AND {}", decimal(*a, 2), decimal(*b, 2))
                }
            };
            format!("{}{word} {test}{}", brand(*whose), rows(which))
        }
        Term::State { brand: whose, state, negated } => {
            let not = if *negated { "NOT " } else { "" };
            format!("{}IS {not}{}", brand(*whose), STATES[*state].0)
        }
        Term::Stage { brand, model, stages, categories, as_of, negated } => {
            let stage = format!("{}{}", stage(*brand, model), within(categories));
            stage_test(&stage, stages, *as_of, *negated)
        }
        Term::Attribute { attribute, test } => attribute_test(*attribute, test),
        Term::Audience(audience) => format!("AUDIENCE {}", name(audience)),
        Term::Top(Top { per_million, among, by, brand: whose, rows: which }) => {
            let among = among.as_ref().map_or(String::new(), |set| format!(" OF ({})", part(set)));
            let whose = match whose {
                Whose::Brand(index) => format!("{}.", name(BRANDS[*index])),
                Whose::Any => "ANY BRAND.".to_owned(),
                Whose::Subject => String::new(),
            };
            format!("TOP {} PERCENT{among} BY {whose}{by}{}", percent(*per_million), rows(which))
        }
        Term::Sample { per_million, seed } => {
            format!("SAMPLE {} PERCENT SEED {seed}", percent(*per_million))
        }
    }
}

fn percent(per_million: u32) -> String {
    let (whole, rest) = (per_million / 10_000, per_million % 10_000);
    let rest = if rest == 0 { String::new() } else { format!(".{rest:04}") };
    format!("{whole}{rest}")
}

/// `brand.stage` of a model.
pub fn stage(brand: usize, model: &str) -> String {
    let model = if model == "aipl" { String::new() } else { format!("({})", name(model)) };
    format!("{}.stage{model}", name(BRANDS[brand]))
}

/// ` IN CATEGORY 'c', ...` behind a stage, or nothing for all.
pub fn within(categories: &[usize]) -> String {
    if categories.is_empty() {
        return String::new();
    }
    let names: Vec<String> = categories.iter().map(|&i| literal(CATEGORIES[i])).collect();
    format!(" IN CATEGORY {}", names.join(", "))
}

fn stage_test(stage: &str, stages: &[String], as_of: Option<i32>, negated: bool) -> String {
    let as_of = as_of.map_or(String::new(), |as_of| format!(" AS OF {}", day(as_of)));
    let names: Vec<String> = stages.iter().map(|stage| name(stage)).collect();
    let test = match (&names[..], negated) {
        ([one], false) => format!("= {one}"),
        ([one], true) => format!("<> {one}"),
        (_, false) => format!("IN ({})", names.join(", ")),
        (_, true) => format!("NOT IN ({})", names.join(", ")),
    };
    format!("{stage}{as_of} {test}")
}

fn attribute_test(index: usize, test: &CellTest) -> String {
    let kind = ATTRIBUTES[index].2;
    let list =
        |cells: &[Cell]| cells.iter().map(|value| cell(value, kind)).collect::<Vec<_>>().join(", ");
    let test = match test {
        CellTest::Compare(sign, value) => format!("{sign} {}", cell(value, kind)),
        CellTest::In(cells) => format!("IN ({})", list(cells)),
        CellTest::NotIn(cells) => format!("NOT IN ({})", list(cells)),
        CellTest::Between(a, b) => format!("BETWEEN {} AND {}", cell(a, kind), cell(b, kind)),
        CellTest::Unknown => "IS UNKNOWN".to_owned(),
        CellTest::Known => "IS NOT UNKNOWN".to_owned(),
    };
    format!("{} {test}", attribute(index))
}

fn joined(parts: &[Term], word: &str) -> String {
    parts.iter().map(part).collect::<Vec<_>>().join(word)
}

fn part(inner: &Term) -> String {
    match inner {
        Term::And(_) | Term::Or(_) => format!("({})", term(inner)),
        _ => term(inner),
    }
}

/// The stages of a model.
pub fn model(model: &Model) -> String {
    let stages = model
        .stages
        .iter()
        .map(|(stage, rule)| format!("STAGE {} WHEN {}", name(stage), term(rule)));
    stages.collect::<Vec<_>>().join(", ")
}

#[test]
fn days_are_counted_as_calendars_do() {
    let known = [
        (0, "1970-01-01"),
        (-1, "1969-12-31"),
        (11_016, "2000-02-29"),
        (16_860, "2016-02-29"),
        (65_534, "2149-06-05"),
    ];
    for (number, text) in known {
        assert_eq!(date_text(number), text);
    }
}
