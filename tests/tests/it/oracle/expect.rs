//! What SQLite answers to a question.

use std::cmp::Ordering;
use std::fmt;

use rusqlite::types::Value as Sql;

use super::question::{Dates, Measure, Members, Operand, Part, Question, Unit};
use super::sql::{self, universe};
use super::sqlite::Twin;
use super::term::Term;
use super::text::{date_text, decimal};
use super::world::{ATTRIBUTES, BRANDS, CATEGORIES, DECIMAL_SCALE, Kind};

/// One value of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Out {
    Null,
    Text(String),
    Integer(i64),
    /// In units of the last digit, with the number of digits.
    Numeric(i64, u8),
    Double(f64),
    Boolean(bool),
    Date(i32),
}

pub type Row = Vec<Out>;

impl fmt::Display for Out {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Text(text) => f.write_str(text),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Numeric(number, scale) => f.write_str(&numeric_text(*number, *scale)),
            Self::Double(number) => write!(f, "{number:.9e}"),
            Self::Boolean(truth) => write!(f, "{truth}"),
            Self::Date(day) => f.write_str(&date_text(*day)),
        }
    }
}

fn numeric_text(number: i64, scale: u8) -> String {
    let unit = 10_i64.pow(u32::from(scale));
    let sign = if number < 0 { "-" } else { "" };
    let (whole, rest) = (number.abs() / unit, number.abs() % unit);
    if scale == 0 {
        number.to_string()
    } else {
        format!("{sign}{whole}.{rest:0w$}", w = usize::from(scale))
    }
}

impl Twin<'_> {
    /// The rows of the answer, in order.
    pub fn answer(&self, question: &Question) -> Vec<Row> {
        let terms = question.filter.iter().chain(&question.versus);
        terms.for_each(|term| self.prepare(term));
        for part in &question.parts {
            match part {
                Part::Audience(name) => self.prepare(&Term::Audience(name.clone())),
                Part::Stage { model, .. } => self.prepare_model(model),
                Part::Attribute(_) => {}
            }
        }
        let mut rows = Vec::new();
        match question.dates {
            Dates::Newest => rows = self.rows(question, self.newest_day()),
            Dates::AsOf(day) => rows = self.rows(question, day),
            Dates::Every { step, unit, from, to } => {
                for day in dates(step, unit, from, to) {
                    for mut row in self.rows(question, day) {
                        row.insert(0, Out::Date(day));
                        rows.push(row);
                    }
                }
            }
        }
        rows.sort_by(|a, b| {
            let keys = question.order.iter();
            keys.fold(Ordering::Equal, |so_far, (column, down)| {
                so_far.then_with(|| order(&a[*column], &b[*column], *down))
            })
        });
        rows.truncate(question.limit.unwrap_or(usize::MAX));
        rows
    }

    fn rows(&self, question: &Question, day: i32) -> Vec<Row> {
        match &question.measure {
            Measure::Overlap { operands, regions } => {
                self.overlap(question, operands, *regions, day)
            }
            Measure::Profile => self.profile(question, day),
            _ => self.grouped(question, day),
        }
    }

    fn is_in(&self, term: Option<&Term>, day: i32) -> String {
        term.map_or_else(|| "1".to_owned(), |term| self.asked(day).condition(term))
    }

    /// COUNT and SUM.
    fn grouped(&self, question: &Question, day: i32) -> Vec<Row> {
        let asked = self.asked(day);
        let parts: Vec<String> = (0..question.parts.len()).map(|i| format!("p{i}")).collect();
        let mut inner: Vec<String> = question
            .parts
            .iter()
            .zip(&parts)
            .map(|(part, name)| format!("{} AS {name}", self.part(part, day)))
            .collect();
        inner.push(format!("{} AS f", self.is_in(question.filter.as_ref(), day)));
        let mut outer = parts.clone();
        outer.push("coalesce(sum(f), 0)".to_owned());
        let mut present = "sum(f) > 0".to_owned();
        match &question.measure {
            Measure::Spend { brand, rows } => {
                inner.push(format!("{} AS s", asked.spent(*brand, rows)));
                outer.push("sum(CASE WHEN f THEN s END)".to_owned());
            }
            Measure::Sum { attribute } => {
                inner.push(format!("{} AS s", sql::value(*attribute)));
                outer.push("sum(CASE WHEN f THEN s END)".to_owned());
            }
            _ if question.versus.is_some() => {
                inner.push(format!("{} AS s", self.is_in(question.versus.as_ref(), day)));
                outer.push("coalesce(sum(s), 0)".to_owned());
                present = "sum(f) + sum(s) > 0".to_owned();
            }
            _ => {}
        }
        let mut sql = format!(
            "SELECT {} FROM (SELECT {} FROM person u WHERE {})",
            outer.join(", "),
            inner.join(", "),
            universe(day)
        );
        if !parts.is_empty() {
            let order: Vec<String> = parts.iter().map(|p| format!("{p} IS NULL, {p}")).collect();
            sql += &format!(
                " GROUP BY {} HAVING {present} ORDER BY {}",
                parts.join(", "),
                order.join(", ")
            );
        }
        self.select(&sql).into_iter().map(|row| self.shown(question, row)).collect()
    }

    fn shown(&self, question: &Question, row: Vec<Sql>) -> Row {
        let mut row = row.into_iter();
        let mut shown: Row = question
            .parts
            .iter()
            .zip(row.by_ref())
            .map(|(part, value)| self.part_shown(part, value))
            .collect();
        let count = integer(row.next().unwrap());
        let second = row.next();
        match (&question.measure, second) {
            (Measure::Spend { .. }, Some(sum)) => shown.push(Out::Numeric(integer_or_zero(sum), 2)),
            (Measure::Sum { attribute }, Some(sum)) => {
                let is_decimal = ATTRIBUTES[*attribute].2 == Kind::Decimal;
                let scale = if is_decimal { DECIMAL_SCALE } else { 0 };
                shown.push(Out::Numeric(integer_or_zero(sum), scale));
            }
            (_, versus) => {
                shown.push(Out::Integer(count));
                shown.extend(versus.map(|versus| Out::Integer(integer(versus))));
            }
        }
        shown
    }

    /// An expression for the part a consumer is in, in the order of the parts.
    fn part(&self, part: &Part, day: i32) -> String {
        match part {
            Part::Stage { brand, model, categories, as_of } => {
                self.asked(day).within(categories).stage(*brand, model, *as_of)
            }
            Part::Attribute(attribute) => sql::value(*attribute),
            Part::Audience(name) => {
                format!("NOT {}", self.asked(day).condition(&Term::Audience(name.clone())))
            }
        }
    }

    fn part_shown(&self, part: &Part, value: Sql) -> Out {
        match part {
            Part::Stage { model, .. } => {
                let model = self.world.models.iter().find(|known| known.name == *model).unwrap();
                let place = usize::try_from(integer(value)).unwrap();
                Out::Text(model.stage_names()[place].clone())
            }
            Part::Attribute(attribute) => attribute_shown(*attribute, value),
            Part::Audience(_) => Out::Boolean(integer(value) == 0),
        }
    }

    fn overlap(
        &self,
        question: &Question,
        operands: &[Operand],
        regions: bool,
        day: i32,
    ) -> Vec<Row> {
        let assets = |brand: usize| Term::Stage {
            brand,
            model: "aipl".to_owned(),
            stages: ["A", "I", "P", "L"].map(str::to_owned).to_vec(),
            categories: Vec::new(),
            as_of: None,
            negated: false,
        };
        let mut mask = Vec::new();
        for (place, operand) in operands.iter().enumerate() {
            let term = match &operand.members {
                Members::Brand(brand) => assets(*brand),
                Members::Audience(name) => Term::Audience(name.clone()),
                Members::Set(term) => term.clone(),
            };
            self.prepare(&term);
            mask.push(format!("({}) * {}", self.is_in(Some(&term), day), 1 << place));
        }
        let filter = self.is_in(question.filter.as_ref(), day);
        let sql = format!(
            "SELECT {} AS m, count(*) FROM person u WHERE {} AND {filter} GROUP BY m",
            mask.join(" + "),
            universe(day)
        );
        let found: Vec<(i64, i64)> = self
            .select(&sql)
            .into_iter()
            .map(|row| (integer(row[0].clone()), integer(row[1].clone())))
            .collect();
        if regions { region_rows(operands, &found) } else { pair_rows(operands, &found) }
    }

    fn profile(&self, question: &Question, day: i32) -> Vec<Row> {
        let mut rows = Vec::new();
        let filter = self.is_in(question.filter.as_ref(), day);
        let versus = self.is_in(question.versus.as_ref(), day);
        for part in &question.parts {
            let sql = format!(
                "SELECT p, sum(f), sum(v) FROM (SELECT {} AS p, {filter} AS f, {versus} AS v \
                 FROM person u WHERE {}) GROUP BY p ORDER BY p IS NULL, p",
                self.part(part, day),
                universe(day)
            );
            let found: Vec<(Sql, i64, i64)> = self
                .select(&sql)
                .into_iter()
                .map(|row| (row[0].clone(), integer(row[1].clone()), integer(row[2].clone())))
                .collect();
            let all: i64 = found.iter().map(|(_, count, _)| count).sum();
            let base: i64 = found.iter().map(|(_, _, base)| base).sum();
            for (value, count, in_base) in found {
                if count == 0 && in_base == 0 {
                    continue;
                }
                let value = match self.part_shown(part, value) {
                    Out::Null => Out::Null,
                    other => Out::Text(other.to_string()),
                };
                let mut row = vec![Out::Text(part_label(part)), value];
                row.extend(profile_row(count, all, in_base, base));
                rows.push(row);
            }
        }
        rows
    }

    fn select(&self, sql: &str) -> Vec<Vec<Sql>> {
        let mut statement =
            self.connection.prepare(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|i| row.get(i)).collect());
        rows.unwrap().map(|row| row.unwrap_or_else(|error| panic!("{error}\n{sql}"))).collect()
    }
}

/// What a profile calls a part: as a column of COUNT would be called.
fn part_label(part: &Part) -> String {
    match part {
        Part::Attribute(attribute) => {
            let (name, brand, _) = ATTRIBUTES[*attribute];
            brand.map_or_else(|| name.to_owned(), |brand| format!("{}.{name}", BRANDS[brand]))
        }
        Part::Stage { brand, model, categories, .. } => {
            let model = if model == "aipl" { String::new() } else { format!("({model})") };
            let names: Vec<&str> = categories.iter().map(|&at| CATEGORIES[at]).collect();
            let within =
                if names.is_empty() { String::new() } else { format!(" in {}", names.join(", ")) };
            format!("{}.stage{model}{within}", BRANDS[*brand])
        }
        Part::Audience(name) => name.clone(),
    }
}

fn attribute_shown(attribute: usize, value: Sql) -> Out {
    match (ATTRIBUTES[attribute].2, value) {
        (_, Sql::Null) => Out::Null,
        (Kind::Text, Sql::Text(text)) => Out::Text(text),
        (Kind::Integer, value) => Out::Integer(integer(value)),
        (Kind::Decimal, value) => Out::Numeric(integer(value), DECIMAL_SCALE),
        (Kind::Boolean, value) => Out::Boolean(integer(value) != 0),
        (Kind::Date, value) => Out::Date(i32::try_from(integer(value)).unwrap()),
        (Kind::Text, value) => panic!("{value:?} is not text"),
    }
}

fn integer(value: Sql) -> i64 {
    match value {
        Sql::Integer(number) => number,
        other => panic!("{other:?} is not an integer"),
    }
}

fn integer_or_zero(value: Sql) -> i64 {
    if value == Sql::Null { 0 } else { integer(value) }
}

#[expect(clippy::cast_precision_loss, reason = "counts of tests are far below 2^52")]
fn ratio(a: i64, b: i64) -> Out {
    if b == 0 { Out::Null } else { Out::Double(a as f64 / b as f64) }
}

#[expect(clippy::cast_precision_loss, reason = "counts of tests are far below 2^52")]
fn profile_row(count: i64, all: i64, in_base: i64, base: i64) -> Row {
    let (share, base_share) = (ratio(count, all), ratio(in_base, base));
    let (mut tgi, mut z) = (Out::Null, Out::Null);
    if let (Out::Double(share), Out::Double(base_share)) = (&share, &base_share) {
        // One division of whole numbers, so that equal values are equal when rows are ordered.
        tgi = ratio(100 * count * base, all * in_base);
        let (n, m) = (all as f64, base as f64);
        let pooled = (count + in_base) as f64 / (n + m);
        let deviation = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
        if deviation > 0.0 {
            z = Out::Double((share - base_share) / deviation);
        }
    }
    let p = (count + in_base) as f64 / (all + base) as f64;
    let expected = [all, base].map(|n| [n as f64 * p, n as f64 * (1.0 - p)]);
    // Exactly 5 are enough, however the division rounds.
    let small = !expected.as_flattened().iter().all(|cell| *cell >= 5.0 - 1e-9);
    let counts = [Out::Integer(count), share, Out::Integer(in_base), base_share];
    counts.into_iter().chain([tgi, z, Out::Boolean(small)]).collect()
}

fn pair_rows(operands: &[Operand], found: &[(i64, i64)]) -> Vec<Row> {
    let with = |mask: i64| -> i64 {
        found.iter().filter(|(m, _)| m & mask == mask).map(|(_, count)| count).sum()
    };
    let mut rows = Vec::new();
    for left in 0..operands.len() {
        for right in left + 1..operands.len() {
            let (l, r) = (with(1 << left), with(1 << right));
            let both = with(1 << left | 1 << right);
            rows.push(vec![
                Out::Text(operands[left].shown()),
                Out::Text(operands[right].shown()),
                Out::Integer(l),
                Out::Integer(r),
                Out::Integer(both),
                ratio(both, l + r - both),
                ratio(both * with(0), l * r),
            ]);
        }
    }
    rows
}

fn region_rows(operands: &[Operand], found: &[(i64, i64)]) -> Vec<Row> {
    let places = |mask: i64| (0..operands.len()).filter(move |place| mask >> place & 1 == 1);
    let mut found: Vec<(i64, i64)> = found.iter().copied().filter(|(mask, _)| *mask != 0).collect();
    found.sort_by_key(|(mask, _)| (mask.count_ones(), places(*mask).collect::<Vec<_>>()));
    let row = |(mask, count): (i64, i64)| {
        let labels: Vec<String> = places(mask).map(|place| operands[place].shown()).collect();
        let sets = i64::from(mask.count_ones());
        vec![Out::Text(labels.join(" & ")), Out::Integer(sets), Out::Integer(count)]
    };
    found.into_iter().map(row).collect()
}

/// Every date of EVERY: months are counted on the calendar, from the first date.
fn dates(step: i32, unit: Unit, from: i32, to: i32) -> Vec<i32> {
    let mut dates = Vec::new();
    for i in 0.. {
        let day = match unit {
            Unit::Day => from + i * step,
            Unit::Week => from + i * step * 7,
            Unit::Month => months_later(from, i * step),
        };
        if day > to {
            break;
        }
        dates.push(day);
    }
    dates
}

/// The same day of a later month, or that month's last: found by walking day by day.
fn months_later(from: i32, months: i32) -> i32 {
    let parts = |day: i32| {
        let text = date_text(day);
        let number = |range: std::ops::Range<usize>| text[range].parse::<i32>().unwrap();
        (number(0..4) * 12 + number(5..7) - 1, number(8..10))
    };
    let (month, day_of_month) = parts(from);
    let mut day = from;
    while parts(day + 1).0 <= month + months
        && (parts(day + 1).0 < month + months || parts(day + 1).1 <= day_of_month)
    {
        day += 1;
    }
    if months == 0 { from } else { day }
}

/// Nulls are last either way.
fn order(a: &Out, b: &Out, down: bool) -> Ordering {
    let ordering = match (a, b) {
        (Out::Null, Out::Null) => return Ordering::Equal,
        (Out::Null, _) => return Ordering::Greater,
        (_, Out::Null) => return Ordering::Less,
        (Out::Text(a), Out::Text(b)) => a.cmp(b),
        (Out::Integer(a), Out::Integer(b)) => a.cmp(b),
        (Out::Numeric(a, _), Out::Numeric(b, _)) => a.cmp(b),
        (Out::Double(a), Out::Double(b)) => a.total_cmp(b),
        (Out::Boolean(a), Out::Boolean(b)) => a.cmp(b),
        (Out::Date(a), Out::Date(b)) => a.cmp(b),
        _ => panic!("{a} and {b} in one column"),
    };
    if down { ordering.reverse() } else { ordering }
}

#[test]
fn months_end_on_their_last_day() {
    let days: Vec<String> =
        dates(1, Unit::Month, 16_831, 16_952).into_iter().map(date_text).collect();
    assert_eq!(days, ["2016-01-31", "2016-02-29", "2016-03-31", "2016-04-30", "2016-05-31"]);
    assert_eq!(decimal(-5, 2), "-0.05");
}
