//! Where rows and fields end, against the csv crate, wherever blocks are cut.

use std::sync::Arc;

use rand::{RngExt, SeedableRng};

use crate::import::block::{Block, Cutter, Syntax};
use crate::import::csv::{Rows, guess_delimiter, last_row_end};
use crate::import::error::{LoadError, Reason};
use crate::import::options::ROW_BYTES_MAX;
use crate::import::record::Record;

/// Rows as (line, fields), cut in blocks of so many bytes.
fn split(text: &[u8], block: usize) -> Vec<(u64, Vec<String>)> {
    let syntax = Syntax::Csv { delimiter: b',' };
    let reader = Box::new(std::io::Cursor::new(text.to_vec()));
    let mut cutter = Cutter::new(Arc::from("test"), reader).with_block(block);
    let mut rows = Vec::new();
    let mut lines = 0;
    let mut record = Record::default();
    while let Some(Block::Text { bytes, .. }) = cutter.next(Vec::new(), &syntax).unwrap() {
        let mut found = Rows::new(&bytes, b',');
        while let Some(row) = found.next(&mut record) {
            assert!(row.fault.is_none(), "{:?}", row.fault);
            let field = |i| String::from_utf8(record.get(&bytes, i).to_vec()).unwrap();
            rows.push((lines + row.line, (0..record.len()).map(field).collect()));
        }
        lines += found.lines();
    }
    rows
}

/// The csv crate's rows.
fn twin(text: &[u8]) -> Vec<(u64, Vec<String>)> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
    let rows = reader.records().map(|record| {
        let record = record.unwrap();
        let line = record.position().unwrap().line() - 1;
        (line, record.iter().map(str::to_owned).collect())
    });
    rows.collect()
}

fn fields(rows: Vec<(u64, Vec<String>)>) -> Vec<Vec<String>> {
    rows.into_iter().map(|(_, fields)| fields).collect()
}

const HARD: &[u8] =
    b"a,b,c\n1,\"x, \"\"y\"\"\nz\",3\r\n\n\"\",,\"\"\"\"\n5\" disk,a\"b,\n\"q\"\r\n\
    \xe9\x9b\x85,\"\xe8\xaf\x97\",\xe5\x85\xb0\nlast,\"row\",without end";

#[test]
fn rows_are_the_same_wherever_blocks_are_cut() {
    let expected = fields(twin(HARD));
    assert_eq!(expected.len(), 7);
    for block in 45..=HARD.len() + 1 {
        assert_eq!(fields(split(HARD, block)), expected, "blocks of {block} bytes");
    }
    let lines: Vec<u64> = split(HARD, 50).into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, [0, 1, 4, 5, 6, 7, 8]);
}

#[test]
fn random_rows_are_the_csv_crates() {
    let mut random = rand_pcg::Pcg64::seed_from_u64(11);
    for _ in 0..3_000 {
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        for _ in 0..random.random_range(1..8) {
            let fields = random.random_range(1..5);
            let row: Vec<String> = (0..fields)
                .map(|_| {
                    let length = random.random_range(0..7);
                    let letter =
                        |_| *b"ab,\"\n\r x".get(random.random_range(0..8)).unwrap() as char;
                    (0..length).map(letter).collect()
                })
                .collect();
            writer.write_record(&row).unwrap();
        }
        let text = writer.into_inner().unwrap();
        let expected = fields(twin(&text));
        for block in [text.len() + 1, 120.min(text.len() + 1)] {
            assert_eq!(fields(split(&text, block.max(90))), expected, "{:?}", text.escape_ascii());
        }
    }
}

#[test]
fn the_cut_is_after_the_last_whole_row_at_every_byte() {
    for end in 0..HARD.len() {
        let part = &HARD[..end];
        let cut = last_row_end(part, b',').unwrap_or(0);
        assert!(cut <= end);
        // What is before the cut is whole rows of the whole; a longer part never moves it back.
        let before = fields(split(&HARD[..cut], 1 << 12));
        assert_eq!(before, fields(twin(HARD))[..before.len()], "{end}");
        assert!(last_row_end(&HARD[..end + 1], b',').unwrap_or(0) >= cut);
    }
}

#[test]
fn faults_of_quotes_keep_to_their_row() {
    let text = b"a,\"b\"x,c\nd,e,f\ng,\"h";
    let mut rows = Rows::new(text, b',');
    let mut record = Record::default();
    let first = rows.next(&mut record).unwrap();
    assert_eq!(first.fault, Some((1, Reason::AfterQuote)));
    let second = rows.next(&mut record).unwrap();
    assert_eq!((second.fault, record.get(text, 2)), (None, b"f".as_slice()));
    let third = rows.next(&mut record).unwrap();
    assert_eq!((third.line, third.fault), (2, Some((1, Reason::Unclosed))));
    assert!(rows.next(&mut record).is_none());
}

#[test]
fn a_row_without_end_is_refused_with_its_line() {
    let syntax = Syntax::Csv { delimiter: b',' };
    let endless = std::io::Read::chain(
        std::io::Cursor::new(b"a,b\n".to_vec()),
        std::io::Read::take(std::io::repeat(b'x'), 100 << 20),
    );
    let mut cutter = Cutter::new(Arc::from("big.csv"), Box::new(endless));
    assert!(cutter.next(Vec::new(), &syntax).unwrap().is_some());
    let error = cutter.next(Vec::new(), &syntax).err().unwrap();
    assert!(matches!(error, LoadError::RowTooLong { line: 1, .. }), "{error}");
    let long = [vec![b'x'; ROW_BYTES_MAX + 1], b"\n".to_vec()].concat();
    let row = Rows::new(&long, b',').next(&mut Record::default()).unwrap();
    assert!(matches!(row.fault, Some((_, Reason::RowLength { .. }))));
}

#[test]
fn delimiters_are_told_from_the_header() {
    for (header, delimiter) in
        [("a,b", b','), ("a;b,c;d", b';'), ("a\tb", b'\t'), ("a|b|c", b'|'), ("a", b',')]
    {
        assert_eq!(guess_delimiter(header.as_bytes()), delimiter);
    }
    assert_eq!(guess_delimiter(b"\"a;b;c\",d\n;;;;"), b',');
}
