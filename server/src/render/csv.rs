//! An answer as comma-separated values.

use std::io::{self, Write};

use throng::{Answer, Value};

use super::text::for_machines;

pub(super) fn write(answer: &Answer, out: &mut dyn Write) -> io::Result<()> {
    if answer.columns.is_empty() {
        return Ok(());
    }
    let mut line = String::new();
    for column in &answer.columns {
        cell(&mut line, &column.name);
    }
    end(&mut line, out)?;
    for row in &answer.rows {
        for value in row {
            match value {
                Value::Null => line.push(','),
                Value::Text(text) => cell(&mut line, text),
                other => cell(&mut line, &for_machines(other)),
            }
        }
        end(&mut line, out)?;
    }
    Ok(())
}

/// Adds a cell and a comma. Empty text is quoted, so that it is not taken for null.
fn cell(line: &mut String, text: &str) {
    if !text.is_empty() && !text.contains([',', '"', '\n', '\r']) {
        line.push_str(text);
    } else {
        line.push('"');
        line.push_str(&text.replace('"', "\"\""));
        line.push('"');
    }
    line.push(',');
}

/// Writes a line without its last comma.
fn end(line: &mut String, out: &mut dyn Write) -> io::Result<()> {
    line.pop();
    line.push('\n');
    out.write_all(line.as_bytes())?;
    line.clear();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::sample::{answer, definition};
    use super::write;

    #[test]
    fn cells_are_quoted_only_where_they_must_be() {
        let mut out = Vec::new();
        write(&answer(), &mut out).unwrap();
        write(&definition(), &mut out).unwrap();
        let wanted = "brand,day,count,sum,share,member\n\
            澜禾,2017-11-11,12345,10000.50,0.25,true\n\
            \"Say \"\"hi\"\"\",2017-11-12,7,-0.05,0.123456,false\n\
            \"a,b\nc\",,0,,,\n";
        assert_eq!(String::from_utf8(out).unwrap(), wanted);
    }
}
