//! Names and values as the language writes them.

use crate::bind::unscaled_text;
use crate::date::Date;
use crate::keywords::{is_keyword, is_reserved};
use crate::lexer::{continues_word, starts_word};
use crate::plan::{AttributeType, AttributeValue};

/// `'text'`.
#[must_use]
pub fn quote_text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A name, in double quotes where it must be.
#[must_use]
pub fn quote_name(name: &str) -> String {
    let mut chars = name.chars();
    let plain = chars.next().is_some_and(starts_word) && chars.all(continues_word);
    if plain && !is_reserved(name) { name.to_owned() } else { quoted(name) }
}

/// A name where a keyword could stand as well: quoted when it is one.
pub(super) fn leading_name(name: &str) -> String {
    if is_keyword(name) { quoted(name) } else { quote_name(name) }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

pub(super) fn date(day: Date) -> String {
    format!("'{day}'")
}

/// A value of an attribute of this type.
pub(crate) fn attribute_value(value: &AttributeValue, kind: Option<AttributeType>) -> String {
    match value {
        AttributeValue::Text(text) => quote_text(text),
        AttributeValue::Boolean(truth) => if *truth { "TRUE" } else { "FALSE" }.to_owned(),
        AttributeValue::Number(number) => match kind {
            Some(AttributeType::Decimal { scale }) => unscaled_text(*number, scale),
            Some(AttributeType::Date) => {
                i32::try_from(*number).map_or_else(|_| number.to_string(), |days| date(Date(days)))
            }
            _ => number.to_string(),
        },
    }
}

/// Items between commas.
pub(super) fn list<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join(", ")
}
