//! PostgreSQL's text format of COPY: fields between delimiters, `\N` for no value, and a backslash
//! before whatever would be misread.

use memchr::{memchr, memchr2};

use super::block::{RowView, not_utf8, trim_line_end};
use super::error::Reason;
use super::options::ROW_BYTES_MAX;
use super::record::Record;

/// One past the last line end that no backslash takes the meaning from.
pub(super) fn last_row_end(block: &[u8]) -> Option<usize> {
    let mut end = None;
    let mut at = 0;
    while let Some(found) = block.get(at..).and_then(|rest| memchr2(b'\\', b'\n', rest)) {
        at += found;
        if block.get(at) == Some(&b'\\') {
            at += 2;
        } else {
            at += 1;
            end = Some(at);
        }
    }
    end
}

/// Splits rows; gives the lines there are. A line of only `\.` ends the rows.
pub(super) fn each_row(
    data: &[u8],
    delimiter: u8,
    fields: usize,
    record: &mut Record,
    visit: &mut dyn FnMut(RowView<'_>),
) -> u64 {
    let mut lines = 0;
    let mut at = 0;
    while at < data.len() {
        let rest = data.get(at..).unwrap_or(&[]);
        let length = row_length(rest);
        let whole = rest.get(..length).unwrap_or(&[]);
        let raw = trim_line_end(whole);
        at += length;
        if raw == b"\\." {
            return lines;
        }
        let mut fault = split(raw, delimiter, record);
        if raw.len() > ROW_BYTES_MAX {
            fault = Some((usize::MAX, Reason::RowLength { found: raw.len() }));
        } else if record.len() != fields {
            let found = record.len();
            fault = Some((usize::MAX, Reason::Fields { found, expected: fields }));
        }
        let fault = fault.or_else(|| not_utf8(raw, record));
        visit(RowView { line: lines, data: raw, record, raw, fault });
        lines += memchr::memchr_iter(b'\n', whole).count() as u64;
    }
    lines
}

fn row_length(rest: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = rest.get(at..).and_then(|rest| memchr2(b'\\', b'\n', rest)) {
        at += found;
        if rest.get(at) == Some(&b'\n') {
            return at + 1;
        }
        at += 2;
    }
    rest.len()
}

fn split(raw: &[u8], delimiter: u8, record: &mut Record) -> Option<(usize, Reason)> {
    record.clear();
    let mut from = 0;
    loop {
        let mut end = from;
        let mut escaped = false;
        while let Some(found) = raw.get(end..).and_then(|rest| memchr2(b'\\', delimiter, rest)) {
            end += found;
            if raw.get(end) == Some(&delimiter) {
                break;
            }
            escaped = true;
            end += 2;
        }
        let found = raw.get(end) == Some(&delimiter);
        let end = if found { end } else { raw.len() };
        let field = raw.get(from..end).unwrap_or(&[]);
        if !escaped {
            record.push(from, end);
        } else if field == b"\\N" {
            record.push(end, end);
        } else {
            let start = record.scratch().len();
            unescape(field, record.scratch());
            record.push_scratch(start);
        }
        if !found {
            return None;
        }
        from = end + 1;
    }
}

fn unescape(field: &[u8], out: &mut Vec<u8>) {
    let mut rest = field;
    while let Some(at) = memchr(b'\\', rest) {
        out.extend_from_slice(rest.get(..at).unwrap_or(&[]));
        rest = rest.get(at + 1..).unwrap_or(&[]);
        let Some((&byte, after)) = rest.split_first() else { return };
        rest = after;
        match byte {
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(11),
            b'x' => rest = numeric(rest, 16, 2, None, out),
            b'0'..=b'7' => rest = numeric(rest, 8, 2, Some(byte), out),
            _ => out.push(byte),
        }
    }
    out.extend_from_slice(rest);
}

/// A byte written in octal or hexadecimal digits.
fn numeric<'a>(
    rest: &'a [u8],
    radix: u32,
    most: usize,
    first: Option<u8>,
    out: &mut Vec<u8>,
) -> &'a [u8] {
    let digit = |byte: u8| char::from(byte).to_digit(radix);
    let length = rest.iter().take(most).take_while(|&&byte| digit(byte).is_some()).count();
    let digits = rest.get(..length).unwrap_or(&[]);
    if first.is_none() && length == 0 {
        out.push(b'x');
        return rest;
    }
    let all = first.iter().chain(digits);
    let value = all.fold(0_u32, |value, &byte| value * radix + digit(byte).unwrap_or(0));
    out.push(value.to_le_bytes()[0]);
    rest.get(length..).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::{Record, each_row, last_row_end};

    fn rows(data: &[u8]) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        each_row(data, b'\t', 2, &mut Record::default(), &mut |row| {
            assert!(row.fault.is_none(), "{:?}", row.fault);
            let field = |i| String::from_utf8(row.record.get(row.data, i).to_vec()).unwrap();
            rows.push(vec![field(0), field(1)]);
        });
        rows
    }

    #[test]
    fn escapes_are_those_of_copy() {
        assert_eq!(rows(b"a\tb\n\\N\tx\\ty\n"), [["a", "b"], ["", "x\ty"]]);
        assert_eq!(rows(b"a\\\nb\tc\\\\\r\n\\.\nignored\t1\n"), [["a\nb", "c\\"]]);
        assert_eq!(rows(b"\\x41\\101\t\\q\\x"), [["AA", "qx"]]);
        assert_eq!(rows(b"a\\\tb\tc"), [["a\tb", "c"]]);
    }

    #[test]
    fn an_escaped_line_end_ends_no_row() {
        assert_eq!(last_row_end(b"a\\\nb"), None);
        assert_eq!(last_row_end(b"a\nb\\\nc"), Some(2));
        assert_eq!(last_row_end(b"a\\\\\nb"), Some(4));
    }
}
