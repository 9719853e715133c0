//! CSV: where its rows end, and their fields. Quotes as in RFC 4180; a quote within a field that
//! does not begin with one is an ordinary character.

use memchr::{Memchr3, memchr, memchr3_iter, memrchr};

use super::error::Reason;
use super::options::ROW_BYTES_MAX;
use super::record::Record;

const QUOTE: u8 = b'"';

/// One past the last line end outside quotes; the block begins with a row.
pub(super) fn last_row_end(block: &[u8], delimiter: u8) -> Option<usize> {
    if memchr(QUOTE, block).is_none() {
        return memrchr(b'\n', block).map(|at| at + 1);
    }
    let mut end = None;
    let mut at = 0;
    let mut field_start = true;
    while let Some(&byte) = block.get(at) {
        if byte == QUOTE && field_start {
            match closing_quote(block, at + 1) {
                Some(close) => at = close,
                None => return end,
            }
            field_start = false;
        } else if byte == b'\n' {
            end = Some(at + 1);
            field_start = true;
        } else {
            field_start = byte == delimiter;
        }
        at += 1;
    }
    end
}

/// The quote that ends a field whose text begins at `from`. At the end of a block it may be the
/// first half of a doubled one: then the row goes on, and the caller looks again with more bytes.
fn closing_quote(block: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        at += memchr(QUOTE, block.get(at..)?)?;
        if block.get(at + 1) != Some(&QUOTE) {
            return Some(at);
        }
        at += 2;
    }
}

/// The rows of one block.
pub(super) struct Rows<'a> {
    data: &'a [u8],
    delimiter: u8,
    /// Where the next row begins.
    at: usize,
    /// Delimiters, line ends and quotes, from `base` on.
    marks: Memchr3<'a>,
    base: usize,
    /// Line ends before `at`.
    lines: u64,
}

/// A row that was split, or could not be.
pub(super) struct Row {
    /// Line ends of the block before it.
    pub(super) line: u64,
    /// Its bytes in the block.
    pub(super) range: std::ops::Range<usize>,
    /// Why it is bad, and the field that is.
    pub(super) fault: Option<(usize, Reason)>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(data: &'a [u8], delimiter: u8) -> Self {
        let marks = memchr3_iter(delimiter, b'\n', QUOTE, data);
        Self { data, delimiter, at: 0, marks, base: 0, lines: 0 }
    }

    /// Line ends so far.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// Splits the next row that is not an empty line.
    pub(super) fn next(&mut self, record: &mut Record) -> Option<Row> {
        loop {
            if self.at >= self.data.len() {
                return None;
            }
            let (start, line) = (self.at, self.lines);
            record.clear();
            let mut fault = self.split(record);
            let range = start..self.at;
            let empty = record.len() <= 1 && record.get(self.data, 0).is_empty();
            if fault.is_none() && empty && self.data.get(start) != Some(&QUOTE) {
                continue;
            }
            if range.len() > ROW_BYTES_MAX {
                fault = Some((usize::MAX, Reason::RowLength { found: range.len() }));
            }
            return Some(Row { line, range, fault });
        }
    }

    fn split(&mut self, record: &mut Record) -> Option<(usize, Reason)> {
        let mut field = self.at;
        let mut fault = None;
        loop {
            if self.data.get(field) == Some(&QUOTE) {
                let (end, trouble) = self.quoted(field, record);
                if let Some(reason) = trouble {
                    fault = fault.or(Some((record.len().saturating_sub(1), reason)));
                }
                self.marks = memchr3_iter(
                    self.delimiter,
                    b'\n',
                    QUOTE,
                    self.data.get(end + 1..).unwrap_or(&[]),
                );
                self.base = end + 1;
                self.at = (end + 1).min(self.data.len());
                match self.data.get(end) {
                    Some(b'\n') => {
                        self.lines += 1;
                        return fault;
                    }
                    Some(_) => {
                        field = end + 1;
                        continue;
                    }
                    None => return fault,
                }
            }
            match self.mark() {
                Some((at, b'\n')) => {
                    let bare = at > field && self.data.get(at - 1) == Some(&b'\r');
                    record.push(field, at - usize::from(bare));
                    self.at = at + 1;
                    self.lines += 1;
                    return fault;
                }
                Some((at, _)) => {
                    record.push(field, at);
                    field = at + 1;
                }
                None => {
                    let end = self.data.len();
                    let bare = end > field && self.data.get(end - 1) == Some(&b'\r');
                    record.push(field, end - usize::from(bare));
                    self.at = end;
                    return fault;
                }
            }
        }
    }

    /// The next delimiter or line end; quotes within a field say nothing.
    #[inline]
    fn mark(&mut self) -> Option<(usize, u8)> {
        loop {
            let at = self.base + self.marks.next()?;
            let byte = self.data.get(at).copied()?;
            if byte != QUOTE {
                return Some((at, byte));
            }
        }
    }

    /// Takes the field whose quote is at `open`; gives the delimiter or line end after it.
    fn quoted(&mut self, open: usize, record: &mut Record) -> (usize, Option<Reason>) {
        let Some(close) = closing_quote(self.data, open + 1) else {
            let rest = self.data.get(open..).unwrap_or(&[]);
            self.lines += memchr::memchr_iter(b'\n', rest).count() as u64;
            record.push(open, self.data.len());
            return (self.data.len(), Some(Reason::Unclosed));
        };
        let text = self.data.get(open + 1..close).unwrap_or(&[]);
        self.lines += memchr::memchr_iter(b'\n', text).count() as u64;
        if memchr(QUOTE, text).is_none() {
            record.push(open + 1, close);
        } else {
            let start = record.scratch().len();
            let mut half = false;
            for &byte in text {
                half = byte == QUOTE && !half;
                if !half {
                    record.scratch().push(byte);
                }
            }
            record.push_scratch(start);
        }
        let rest = self.data.get(close + 1..).unwrap_or(&[]);
        let gap = memchr::memchr2(self.delimiter, b'\n', rest).unwrap_or(rest.len());
        let between = rest.get(..gap).unwrap_or(&[]);
        let clean =
            between.is_empty() || (between == b"\r" && rest.get(gap) != Some(&self.delimiter));
        (close + 1 + gap, (!clean).then_some(Reason::AfterQuote))
    }
}

/// The delimiter that the first line has most of.
pub(super) fn guess_delimiter(block: &[u8]) -> u8 {
    let line = block.split(|&byte| byte == b'\n').next().unwrap_or(&[]);
    let mut quoted = false;
    let mut counts = [(b',', 0_usize), (b'\t', 0), (b';', 0), (b'|', 0)];
    for &byte in line {
        quoted ^= byte == QUOTE;
        for (delimiter, count) in &mut counts {
            *count += usize::from(!quoted && byte == *delimiter);
        }
    }
    // The first of equals wins: a comma.
    let mut best = counts[0];
    for candidate in counts {
        if candidate.1 > best.1 {
            best = candidate;
        }
    }
    best.0
}
