//! A market as text: CSV and JSON lines, ready to be loaded, and the statements that define brands.
#![expect(
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    reason = "days lie within the market, amounts are not negative"
)]

use std::fmt::Write;

use throng_query::date::Date;

use super::brands::Sector;
use super::funnel::Touchpoint;
use super::generate::{Market, MarketBlock};
use crate::behaviour;

/// Columns of the events' file.
pub const EVENT_HEADER: &str =
    "consumer,brand,behaviour,time,touchpoint,category,item,order,count,amount\n";
/// Columns of the attributes' file.
pub const ATTRIBUTE_HEADER: &str =
    "consumer,age,gender,city_tier,spending_power,birth_year,registered\n";

/// How events and attributes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// Comma-separated values with a header.
    Csv,
    /// One JSON object per line; what is empty or the default is left out.
    JsonLines,
}

impl Market {
    /// The external key of a consumer.
    #[must_use]
    pub fn consumer_key(number: u32) -> String {
        format!("u{number:08}")
    }

    /// The external key of an order.
    #[must_use]
    pub fn order_key(block: u32, order: u32) -> String {
        format!("o{block}-{order}")
    }

    /// The external key of an item.
    #[must_use]
    pub fn item_key(item: u32) -> String {
        format!("i{item}")
    }

    /// The statements that give each brand its target categories.
    #[must_use]
    pub fn definitions(&self) -> Vec<String> {
        let define = |brand: &super::Brand| {
            let name = brand.name.replace('"', "\"\"");
            let categories = Sector::ALL[brand.sector].categories.map(|name| format!("'{name}'"));
            let categories = categories.join(", ");
            format!("CREATE OR REPLACE BRAND \"{name}\" TARGET CATEGORIES ({categories})")
        };
        self.brands().iter().map(define).collect()
    }

    /// Adds the lines of a block's events, without a header.
    pub fn write_events(&self, block: &MarketBlock, format: FileFormat, out: &mut String) {
        let days: Vec<String> = (0..self.options().days)
            .map(|day| self.options().start.plus_days(day.cast_signed()).to_string())
            .collect();
        let categories = Sector::category_names();
        let events = &block.events;
        for row in 0..events.len() {
            let line = Line {
                consumer: events.consumer[row],
                brand: &self.brands()[events.brand[row] as usize - 1].name,
                behaviour: behaviour::BUILT_IN[usize::from(events.behaviour[row]) - 1],
                day: &days[(events.day[row] - self.options().start.0) as usize],
                second: events.second[row],
                touchpoint: nth(events.touchpoint[row], |at| Touchpoint::ALL[at].name()),
                category: nth(events.category[row], |at| categories[at]),
                item: events.item[row],
                order: (block.index, events.order[row]),
                count: events.count[row],
                amount: events.amount[row],
            };
            match format {
                FileFormat::Csv => line.csv(out),
                // Writing to a string cannot fail.
                FileFormat::JsonLines => line.json(out).unwrap_or_default(),
            }
        }
    }

    /// Adds the lines of a block's attributes, without a header.
    pub fn write_attributes(&self, block: &MarketBlock, format: FileFormat, out: &mut String) {
        for (number, person) in (block.people.first..).zip(&block.people.all) {
            let known = |text: Option<String>| text.unwrap_or_default();
            let cells = [
                ("consumer", Self::consumer_key(number), Quote::Text),
                ("age", known(person.known_age().map(|a| a.name().to_owned())), Quote::Text),
                ("gender", known(person.known_gender().map(|g| g.name().to_owned())), Quote::Text),
                ("city_tier", person.city_tier.to_string(), Quote::Number),
                ("spending_power", person.power.name().to_owned(), Quote::Text),
                (
                    "birth_year",
                    known(person.known_birth_year().map(|y| y.to_string())),
                    Quote::Number,
                ),
                ("registered", Date::to_string(&person.registered), Quote::Text),
            ];
            match format {
                FileFormat::Csv => {
                    let values: Vec<&str> = cells.iter().map(|(_, v, _)| v.as_str()).collect();
                    out.push_str(&values.join(","));
                }
                FileFormat::JsonLines => {
                    let fields: Vec<String> = cells
                        .iter()
                        .filter(|(_, value, _)| !value.is_empty())
                        .map(|(name, value, quote)| match quote {
                            Quote::Text => format!("\"{name}\":\"{value}\""),
                            Quote::Number => format!("\"{name}\":{value}"),
                        })
                        .collect();
                    let _ = write!(out, "{{{}}}", fields.join(","));
                }
            }
            out.push('\n');
        }
    }
}

/// Whether JSON wants quotes.
#[derive(Debug, Clone, Copy)]
enum Quote {
    Text,
    Number,
}

/// The name of a number; none for 0.
fn nth(number: u32, name: impl Fn(usize) -> &'static str) -> &'static str {
    if number == 0 { "" } else { name(number as usize - 1) }
}

/// Adds a number with at least so many digits. A file has hundreds of millions of them, and the
/// formatting machinery would take most of the time.
fn digits(out: &mut String, number: u32, at_least: usize) {
    let mut buffer = [b'0'; 10];
    let mut rest = number;
    let mut start = buffer.len();
    while rest > 0 || buffer.len() - start < at_least {
        start -= 1;
        buffer[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend(buffer[start..].iter().copied().map(char::from));
}

/// One event with its names. No name of a market needs to be quoted or escaped.
#[derive(Debug)]
struct Line<'a> {
    consumer: u32,
    brand: &'a str,
    behaviour: &'a str,
    day: &'a str,
    second: u32,
    touchpoint: &'a str,
    category: &'a str,
    item: u32,
    order: (u32, u32),
    count: u32,
    amount: i64,
}

impl Line<'_> {
    fn time(&self, out: &mut String) {
        out.push_str(self.day);
        let (hour, minute, second) = (self.second / 3600, self.second / 60 % 60, self.second % 60);
        for (mark, part) in [(' ', hour), (':', minute), (':', second)] {
            out.push(mark);
            out.push(char::from(b'0' + (part / 10) as u8));
            out.push(char::from(b'0' + (part % 10) as u8));
        }
    }

    fn csv(&self, out: &mut String) {
        out.push('u');
        digits(out, self.consumer, 8);
        out.push(',');
        for text in [self.brand, ",", self.behaviour, ","] {
            out.push_str(text);
        }
        self.time(out);
        for text in [",", self.touchpoint, ",", self.category, ","] {
            out.push_str(text);
        }
        if self.item != 0 {
            out.push('i');
            digits(out, self.item, 1);
        }
        out.push(',');
        if self.order.1 != 0 {
            out.push('o');
            digits(out, self.order.0, 1);
            out.push('-');
            digits(out, self.order.1, 1);
        }
        out.push(',');
        if self.count != 1 {
            digits(out, self.count, 1);
        }
        out.push(',');
        if self.amount != 0 {
            let _ = write!(out, "{}.{:02}", self.amount / 100, self.amount % 100);
        }
        out.push('\n');
    }

    fn json(&self, out: &mut String) -> std::fmt::Result {
        write!(out, "{{\"consumer\":\"u{:08}\",\"brand\":\"{}\"", self.consumer, self.brand)?;
        write!(out, ",\"behaviour\":\"{}\",\"time\":\"", self.behaviour)?;
        self.time(out);
        out.push('"');
        for (name, value) in [("touchpoint", self.touchpoint), ("category", self.category)] {
            if !value.is_empty() {
                write!(out, ",\"{name}\":\"{value}\"")?;
            }
        }
        if self.item != 0 {
            write!(out, ",\"item\":\"i{}\"", self.item)?;
        }
        if self.order.1 != 0 {
            write!(out, ",\"order\":\"o{}-{}\"", self.order.0, self.order.1)?;
        }
        if self.count != 1 {
            write!(out, ",\"count\":{}", self.count)?;
        }
        if self.amount != 0 {
            write!(out, ",\"amount\":{}.{:02}", self.amount / 100, self.amount % 100)?;
        }
        out.push_str("}\n");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::digits;

    #[test]
    fn digits_are_those_of_the_number() {
        for (number, at_least, wanted) in
            [(0, 1, "0"), (7, 8, "00000007"), (123, 1, "123"), (u32::MAX, 8, "4294967295")]
        {
            let mut out = String::new();
            digits(&mut out, number, at_least);
            assert_eq!(out, wanted);
        }
    }
}
