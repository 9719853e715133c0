//! An answer as a JSON array of objects.

use std::io::{self, Write};

use throng::{Answer, Value};

pub(super) fn write(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    if answer.columns.is_empty() {
        return Ok(());
    }
    out.write_all(b"[")?;
    for (index, row) in answer.rows.iter().enumerate() {
        out.write_all(if index == 0 { b"\n  {" } else { b",\n  {" })?;
        for (place, (column, value)) in answer.columns.iter().zip(row).enumerate() {
            if place > 0 {
                out.write_all(b", ")?;
            }
            serde_json::to_writer(&mut *out, &column.name).map_err(io::Error::from)?;
            out.write_all(b": ")?;
            serde_json::to_writer(&mut *out, &json(value)).map_err(io::Error::from)?;
        }
        out.write_all(b"}")?;
    }
    out.write_all(if answer.rows.is_empty() { b"]\n" } else { b"\n]\n" })
}

/// Numbers that every reader keeps exactly are numbers; decimals and days are strings.
fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Integer(number) => (*number).into(),
        Value::Double(number) => (*number).into(),
        Value::Boolean(truth) => (*truth).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Numeric(_) | Value::Date(_) => value.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::{answer, definition};
    use super::write;

    #[test]
    fn it_is_json_with_exact_values() {
        let mut out = Vec::new();
        write(&answer(), &mut out).unwrap();
        write(&definition(), &mut out).unwrap();
        let parsed: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let wanted = serde_json::json!([
            {"brand": "澜禾", "day": "2017-11-11", "count": 12345, "sum": "10000.50",
             "share": 0.25, "member": true},
            {"brand": "Say \"hi\"", "day": "2017-11-12", "count": 7, "sum": "-0.05",
             "share": 0.123456, "member": false},
            {"brand": "a,b\nc", "day": null, "count": 0, "sum": null, "share": null,
             "member": null},
        ]);
        assert_eq!(parsed, wanted);
        let mut empty = answer();
        empty.rows.clear();
        out.clear();
        write(&empty, &mut out).unwrap();
        assert_eq!(out, b"[]\n");
    }
}
