//! What is said of bad input: each a clear word with its place.

use super::{load, load_source, stream};
use crate::import::{EventOptions, EventSource, LoadError, LoadMode, RejectOptions};

const HEADER: &str = "consumer,brand,behaviour,time,amount,count\n";

fn error(text: &[u8]) -> String {
    load(text, &EventOptions::default()).err().unwrap().to_string()
}

/// The first line of the error for one row under the usual header.
fn row(row: &str) -> String {
    let text = format!("{HEADER}u0,b,view,2017-11-11,,\n{row}\n");
    error(text.as_bytes()).lines().next().unwrap().to_owned()
}

#[test]
fn files_that_are_no_tables_are_named_for_what_they_are() {
    assert_eq!(error(b""), "stdin is empty: not even a header");
    assert_eq!(error(b"\n \n"), "stdin is empty: not even a header");
    assert_eq!(error(HEADER.as_bytes()), "stdin has a header but no rows");
    assert!(error(b"abc\0def").contains("byte 3 of its content is 0x00"));
    assert!(error(b"PK\x03\x04\0\0").contains("a zip archive"));
    assert!(error(b"\xff\xfec\0o\0n\0").contains("UTF-16"));
    assert!(error(b"[{\"consumer\":1}]").contains("one object per line"));
    let directory = tempfile::tempdir().unwrap();
    let source = EventSource::File(directory.path().to_owned());
    let failed = load_source(source, &EventOptions::default()).err().unwrap();
    assert!(matches!(failed, LoadError::Directory { .. }), "{failed}");
    let source = EventSource::File(directory.path().join("absent.csv"));
    let failed = load_source(source, &EventOptions::default()).err().unwrap().to_string();
    assert!(failed.starts_with("cannot open") && failed.contains("absent.csv"), "{failed}");
    let truncated = super::gzip(format!("{HEADER}u,b,view,2017-11-11,,\n").as_bytes());
    let failed = error(&truncated[..truncated.len() - 9]);
    assert!(failed.starts_with("cannot read stdin at byte"), "{failed}");
}

#[test]
fn headers_are_checked_and_names_suggested() {
    assert_eq!(
        error(b"consumer,brand,behavior,time\n"),
        "stdin:1: no column `behaviour`; did you mean `behavior`? then add --map \
         \"behaviour=behavior\""
    );
    assert!(error(b"a,b\n1,2\n").contains("the file has a, b"));
    assert_eq!(
        error(b"consumer,brand,behaviour,time,brand\n"),
        "stdin:1: columns 2 and 5 are both called `brand`"
    );
    assert!(error(b"consumer,br\xffand\n").starts_with("stdin:1:2: the header cannot be read"));
    let mut options = EventOptions::default();
    options.map("amount=Quantity*UnitPrize").unwrap();
    let text = b"consumer,brand,behaviour,time,Quantity,UnitPrice\n";
    let failed = load(text, &options).err().unwrap().to_string();
    assert_eq!(
        failed,
        "stdin:1: no column `UnitPrize`, which `amount` is mapped to; did you mean `UnitPrice`?"
    );
    options.set("amount=1").unwrap();
    let failed = load(text, &options).err().unwrap().to_string();
    assert_eq!(failed, "column `amount` is mapped or set twice");
}

#[test]
fn rows_are_rejected_with_line_column_value_and_reason() {
    assert_eq!(row(",b,view,2017-11-11,,"), "stdin:3:consumer: empty; every row needs one");
    assert_eq!(row("u,,view,2017-11-11,,"), "stdin:3:brand: empty; every row needs one");
    assert_eq!(row("u,b,view,,,"), "stdin:3:time: empty; every row needs one");
    assert_eq!(
        row("u,b,favourite,2017-11-11,,"),
        "stdin:3:behaviour: `favourite`: unknown behaviour; did you mean `favorite`?"
    );
    assert_eq!(
        row("u,b,view,1800-01-01,,"),
        "stdin:3:time: `1800-01-01`: before 1970-01-01, the first day there is"
    );
    assert_eq!(
        row("u,b,view,9999-01-01,,"),
        "stdin:3:time: `9999-01-01`: after 2149-06-05, the last day there is"
    );
    assert_eq!(
        row("u,b,buy,2017-11-11,1.234,"),
        "stdin:3:amount: `1.234`: has 3 decimals, the currency has 2; --round-amounts rounds"
    );
    assert!(row("u,b,buy,2017-11-11,-1,").contains("--returns-as-refunds"));
    assert!(row("u,b,refund,2017-11-11,-1,").contains("what was given back"));
    assert!(row("u,b,buy,2017-11-11,x,").ends_with("`x`: not a number"));
    for count in ["0", "-1", "1.5", "5000000000"] {
        assert!(row(&format!("u,b,buy,2017-11-11,,{count}")).contains("whole number of 1 or more"));
    }
    assert_eq!(
        row("u,b,view,2017-11-11"),
        "stdin:3: `u,b,view,2017-11-11`: the row has 4 fields, the header has 6"
    );
    assert!(row("u,b,view,2017-11-11,,,").contains("7 fields"));
    assert!(row("u,\"b\"c,view,2017-11-11,,").contains("text after the closing quote"));
    assert!(row("u,\"b,view,2017-11-11,,").contains("never closed"));
    assert!(row("id:,b,view,2017-11-11,,").contains("nothing after its namespace"));
    assert!(row(&format!("{},b,view,2017-11-11,,", "u".repeat(1025))).contains("1025 bytes"));
    assert!(row(&format!("u,{},view,2017-11-11,,", "b".repeat(257))).contains("1 to 256 bytes"));
    let text = [HEADER.as_bytes(), b"u,b\xff,view,2017-11-11,,\n"].concat();
    assert!(error(&text).contains("stdin:2:brand"), "{}", error(&text));
    assert!(error(&text).contains("byte 2 of the value is not UTF-8"));
}

#[test]
fn bad_json_is_rejected_by_line() {
    let good = r#"{"consumer":"u","brand":"b","behaviour":"view","time":"2017-11-11"}"#;
    for (bad, message) in [
        ("{\"consumer\":", "EOF while parsing"),
        ("[1]", "not a JSON object"),
        (r#"{"consumer":["u"],"brand":"b","behaviour":"view","time":"2017-11-11"}"#, "a list or"),
        (r#"{"consumer":"u"} x"#, "trailing characters"),
    ] {
        let failed = error(format!("{good}\n\n{bad}\n{good}\n").as_bytes());
        assert!(failed.starts_with("stdin:3") && failed.contains(message), "{failed}");
    }
}

#[test]
fn the_list_of_bad_rows_is_written_and_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("rejects.csv");
    let mut text = HEADER.to_owned();
    for i in 0..5_000 {
        text.push_str(&format!(
            "u{i},b,view,{},,\n",
            if i % 2 == 0 { "never, ever" } else { "2017-11-11" }
        ));
    }
    let text = text.replace("never, ever", "\"never, ever\"");
    let listed = || {
        let mut reader = csv::Reader::from_path(&path).unwrap();
        assert_eq!(reader.headers().unwrap(), vec!["file", "line", "column", "value", "reason"]);
        reader.records().map(Result::unwrap).collect::<Vec<_>>()
    };
    let mut options = EventOptions {
        rejects: RejectOptions { max: 0, file: Some(path.clone()) },
        ..EventOptions::default()
    };
    let failed = load_source(stream(text.as_bytes()), &options).err().unwrap();
    assert!(matches!(failed, LoadError::Rejected { count: 1_000, max: 0, .. }), "{failed}");
    assert!(failed.to_string().contains("rejects.csv"));
    let rows = listed();
    assert_eq!(rows.len(), 1_000);
    assert_eq!(&rows[1][1], "4");
    assert_eq!(&rows[1][3], "never, ever");
    options.rejects.max = 2_499;
    assert!(load(text.as_bytes(), &options).is_err());
    options.rejects.max = 2_500;
    let loaded = load(text.as_bytes(), &options).unwrap();
    assert_eq!((loaded.rows.len(), listed().len()), (2_500, 2_500));
    assert_eq!(loaded.report.first_rejects.len(), 10);
    options.mode = LoadMode::DryRun;
    options.rejects.max = 0;
    assert_eq!(load(text.as_bytes(), &options).unwrap().report.rejected(), 2_500);
}
