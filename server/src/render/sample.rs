//! Answers that the renderers are tested with.

use throng::{Answer, Column, ColumnType, Decimal, Value};

pub(super) fn answer() -> Answer {
    let column = |name: &str, kind| Column { name: name.to_owned(), kind };
    let text = |text: &str| Value::Text(text.to_owned());
    let day = |text: &str| Value::Date(text.parse().unwrap());
    let money = |unscaled| Value::Numeric(Decimal { unscaled, scale: 2 });
    Answer {
        columns: vec![
            column("brand", ColumnType::Text),
            column("day", ColumnType::Date),
            column("count", ColumnType::Integer),
            column("sum", ColumnType::Numeric { scale: 2 }),
            column("share", ColumnType::Double),
            column("member", ColumnType::Boolean),
        ],
        rows: vec![
            vec![
                text("澜禾"),
                day("2017-11-11"),
                Value::Integer(12_345),
                money(1_000_050),
                Value::Double(0.25),
                Value::Boolean(true),
            ],
            vec![
                text("Say \"hi\""),
                day("2017-11-12"),
                Value::Integer(7),
                money(-5),
                Value::Double(0.123_456),
                Value::Boolean(false),
            ],
            vec![
                text("a,b\nc"),
                Value::Null,
                Value::Integer(0),
                Value::Null,
                Value::Null,
                Value::Null,
            ],
        ],
        tag: "COUNT 3".to_owned(),
        notices: Vec::new(),
    }
}

pub(super) fn definition() -> Answer {
    Answer { tag: "CREATE AUDIENCE".to_owned(), ..Answer::default() }
}
