//! SHOW ERASURES: what was taken out of the store, and whether its bytes are gone.

use throng_query::date::Date;
use throng_storage::erasure::{ErasureRecord, Subject};
use throng_storage::names::NameTable;

use super::Reading;
use super::reading::text;
use crate::answer::Value;

/// One row per erasure, the oldest first.
pub(super) fn lines(reading: &Reading<'_>) -> Vec<Vec<Value>> {
    let erasures = reading.view.snapshot().erasures();
    let numbered = (1_i64..).zip(erasures.records());
    let line = |(number, record)| line(reading, number, record, erasures.is_gone(record));
    numbered.map(line).collect()
}

fn line(reading: &Reading<'_>, number: i64, record: &ErasureRecord, gone: bool) -> Vec<Value> {
    let count = |number: u64| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    let (kind, subject, days, consumers) = match &record.subject {
        Subject::Consumer { salt, hash, .. } => {
            let subject = format!("sha256:{}:{}", hex(salt), hex(hash));
            ("consumer", subject, [Value::Null, Value::Null], 1)
        }
        Subject::Events { brand, behaviours, first_day, last_day, consumers } => {
            let days = [Value::Date(Date(*first_day)), Value::Date(Date(*last_day))];
            ("events", named(reading, *brand, behaviours), days, *consumers)
        }
    };
    let [first_day, last_day] = days;
    vec![
        Value::Integer(number),
        reading.moment(record.time),
        text(kind),
        text(subject),
        first_day,
        last_day,
        count(consumers),
        count(record.events),
        Value::Boolean(gone),
    ]
}

/// `brand`, or `brand DID a, b`.
fn named(reading: &Reading<'_>, brand: u32, behaviours: &[u16]) -> String {
    let names = reading.view.snapshot().names();
    let name = |table, id| names.name(table, id).map_or_else(String::new, |name| name.to_string());
    let brand = name(NameTable::Brand, brand);
    if behaviours.is_empty() {
        return brand;
    }
    let behaviour = |id: &u16| name(NameTable::Behaviour, u32::from(*id));
    let behaviours: Vec<_> = behaviours.iter().map(behaviour).collect();
    format!("{brand} DID {}", behaviours.join(", "))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
