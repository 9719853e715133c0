//! What rows of every format become.

use std::sync::Arc;

use super::{Loaded, gzip, load, load_source, names, render, settings, stream};
use crate::import::copy::{CopyFormat, CopyHeader, CopyIn, CsvDialect};
use crate::import::{
    AmountUnit, Compression, EventColumn, EventOptions, EventSource, Format, MissingConsumer,
    NewBehaviours, RejectOptions, Returns, Rounding,
};

const CSV: &str = "consumer,brand,behaviour,time,touchpoint,category,item,order,amount,count\n\
    u1,estee,buy,2017-11-11 20:15:00,live,skin,i1,o1,12.50,2\n\
    \"u2\",\"雅诗兰黛\",view,2017-11-11,,,,,,\n\
    id:u1,estee,refund,2017-11-12T00:00:00Z,,,,o1,12.5,1\n";

const ROWS: [&str; 3] = [
    "u1 estee buy 17481 72900 2 live skin i1 o1 1250",
    "u2 雅诗兰黛 view 17481 0 1 - - - - 0",
    "u1 estee refund 17482 28800 1 - - - o1 1250",
];

fn rows(text: &str, options: &EventOptions) -> Vec<String> {
    load(text.as_bytes(), options).unwrap_or_else(|error| panic!("{error}")).rows
}

fn options(change: impl FnOnce(&mut EventOptions)) -> EventOptions {
    let mut options = EventOptions::default();
    change(&mut options);
    options
}

#[test]
fn csv_in_every_compression_gives_the_same_rows() {
    let plain = load(CSV.as_bytes(), &EventOptions::default()).unwrap();
    assert_eq!(plain.rows, ROWS);
    let Loaded { report, rows } = load(&gzip(CSV.as_bytes()), &EventOptions::default()).unwrap();
    assert_eq!(rows, ROWS);
    assert_eq!(report.understood.unwrap().compression, Compression::Gzip);
    let zstd = zstd::stream::encode_all(CSV.as_bytes(), 1).unwrap();
    assert_eq!(load(&zstd, &EventOptions::default()).unwrap().rows, ROWS);
    let two = [gzip(&CSV.as_bytes()[..40]), gzip(&CSV.as_bytes()[40..])].concat();
    assert_eq!(load(&two, &EventOptions::default()).unwrap().rows, ROWS);
    let marked = format!("\u{feff}{}", CSV.replace('\n', "\r\n"));
    assert_eq!(load(marked.as_bytes(), &EventOptions::default()).unwrap().rows, ROWS);
    let tabs = CSV.replace(',', "\t");
    let tabs = load(tabs.as_bytes(), &EventOptions::default()).unwrap();
    assert_eq!(tabs.rows, ROWS);
    assert_eq!(tabs.report.understood.unwrap().delimiter, Some('\t'));
    assert_eq!((plain.report.rows, plain.report.kept), (3, 3));
    let days = plain.report.days.map(|(first, last)| (first.to_string(), last.to_string()));
    assert_eq!(days, Some(("2017-11-11".to_owned(), "2017-11-12".to_owned())));
}

#[test]
fn json_lines_give_the_same_rows() {
    let text = [
        r#"{"consumer":"u1","brand":"estee","behaviour":"buy","time":"2017-11-11 20:15:00","#,
        r#""touchpoint":"live","amount":12.50,"x":{"y":[1]}}"#,
        "\n\n",
        r#"{"time":"2017-11-11","brand":"\u96c5\u8bd7\u5170\u9edb","behaviour":"view","#,
        r#""consumer":"u2","amount":null,"category":"skin"}"#,
        "\n",
        r#"{"consumer":3,"brand":"a\"b","behaviour":"view","time":"2017-11-11","order":"o1","#,
        r#""count":2}"#,
    ]
    .concat();
    let loaded = load(text.as_bytes(), &EventOptions::default()).unwrap();
    assert_eq!(
        loaded.rows,
        [
            "u1 estee buy 17481 72900 1 live - - - 1250",
            "u2 雅诗兰黛 view 17481 0 1 - skin - - 0",
            "3 a\"b view 17481 0 2 - - - o1 0",
        ]
    );
    let understood = loaded.report.understood.unwrap();
    assert_eq!(understood.format, Format::JsonLines);
    assert_eq!(understood.unused, ["x"]);
}

#[test]
fn foreign_columns_and_codes_are_translated() {
    let text = "user_id,brand_id,type,visit\n10944750,13451,0,6-4\n10944750,13451,1,6-4\n";
    let options = options(|options| {
        options.map("consumer=user_id").unwrap();
        options.map("brand=brand_id").unwrap();
        options.map("behaviour=type").unwrap();
        options.map("time=visit").unwrap();
        options.set("touchpoint=tmall").unwrap();
        options.translate("behaviour:0=click,1=buy,2=favorite").unwrap();
        options.time.format = Some("%m-%d".to_owned());
        options.time.year = Some(2013);
        options.namespace = Some("taobao".to_owned());
    });
    assert_eq!(
        rows(text, &options),
        [
            "taobao:10944750 13451 click 15860 0 1 tmall - - - 0",
            "taobao:10944750 13451 buy 15860 0 1 tmall - - - 0",
        ]
    );
}

#[test]
fn returns_become_refunds_and_products_are_exact() {
    let text = "InvoiceNo,Quantity,InvoiceDate,UnitPrice,CustomerID\n\
        536365,6,2010-12-01 08:26:00,2.55,17850.0\n\
        C536379,-1,2010-12-01 09:41:00,27.50,14527.0\n\
        A563185,1,2011-08-12,-11062.06,15000.0\n\
        536366,3,2010-12-01,0.345,1.50\n\
        536544,1,2010-12-01,2.51,\n";
    let options = options(|options| {
        options.map("consumer=CustomerID").unwrap();
        options.map("time=InvoiceDate").unwrap();
        options.map("amount=Quantity*UnitPrice").unwrap();
        options.map("count=Quantity").unwrap();
        options.map("order=InvoiceNo").unwrap();
        options.set("brand=shop").unwrap();
        options.set("behaviour=buy").unwrap();
        options.returns = Returns::Refund;
        options.rounding = Rounding::HalfUp;
        options.missing_consumer = MissingConsumer::Skip;
        options.trim_zero = vec![EventColumn::Consumer];
    });
    let loaded = load(text.as_bytes(), &options).unwrap();
    assert_eq!(
        loaded.rows,
        [
            "17850 shop buy 14944 30360 6 - - - 536365 1530",
            "14527 shop refund 14944 34860 1 - - - C536379 2750",
            "15000 shop refund 15198 0 1 - - - A563185 1106206",
            "1.50 shop buy 14944 0 3 - - - 536366 104",
        ]
    );
    assert_eq!((loaded.report.rows, loaded.report.kept, loaded.report.skipped), (5, 4, 1));
}

#[test]
fn amounts_may_be_in_minor_units_and_behaviours_new() {
    let text = "consumer,brand,behaviour,time,amount\nu,b,dance,20171111,1250\n";
    let options = options(|options| {
        options.amount_unit = AmountUnit::Minor;
        options.new_behaviours = NewBehaviours::Add;
    });
    assert_eq!(rows(text, &options), ["u b dance 17481 0 1 - - - - 1250"]);
}

#[test]
fn namespaces_are_put_before_identities_that_lack_them() {
    let text = "consumer,brand,behaviour,time\nu1,b,view,20171111\ntaobao:u2,b,view,20171111\n\
                id:u3,b,view,20171111\ndevice:u4,b,view,20171111\n";
    let options = options(|options| options.namespace = Some("taobao".to_owned()));
    let loaded = rows(text, &options);
    let consumers: Vec<&str> = loaded.iter().filter_map(|row| row.split(' ').next()).collect();
    assert_eq!(consumers, ["taobao:u1", "taobao:u2", "u3", "taobao:device:u4"]);
}

/// Enough rows for many blocks, whatever the threads.
#[test]
fn rows_keep_the_order_of_the_file() {
    let mut text = String::from("consumer,brand,behaviour,time,order\n");
    for i in 0..120_000 {
        text.push_str(&format!("u{i},brand {},view,{},{}\n", i % 7, 1_500_000_000 + i, i % 3));
    }
    assert!(text.len() > 3 << 20);
    for threads in [1, 3] {
        let options = options(|options| options.threads = Some(threads));
        let loaded = load(text.as_bytes(), &options).unwrap();
        assert_eq!(loaded.rows.len(), 120_000);
        for (i, row) in loaded.rows.iter().enumerate() {
            assert!(row.starts_with(&format!("u{i} brand {} view", i % 7)), "{i}: {row}");
        }
    }
}

#[test]
fn a_copy_gives_the_same_rows_wherever_its_bytes_are_cut() {
    let columns: Vec<String> = CSV.lines().next().unwrap().split(',').map(str::to_owned).collect();
    let dialect = CsvDialect { header: CopyHeader::Skip, ..CsvDialect::csv() };
    for cut in 0..CSV.len() {
        let mut copy = CopyIn::start(&settings(), names(), &columns, dialect).unwrap();
        copy.feed(&CSV.as_bytes()[..cut]).unwrap();
        copy.feed(&CSV.as_bytes()[cut..]).unwrap();
        copy.flush().unwrap();
        assert_eq!(copy.rows(), 3);
    }
    let text = "u1\testee\tbuy\t2017-11-11\t\\N\na\\tb\testee\tview\t2017-11-11\t\\N\n\\.\n";
    let columns = ["consumer", "brand", "behaviour", "time", "amount"].map(str::to_owned);
    let names = names();
    let mut copy =
        CopyIn::start(&settings(), Arc::clone(&names), &columns, CsvDialect::text()).unwrap();
    copy.feed(text.as_bytes()).unwrap();
    let mut rows = Vec::new();
    for batch in copy.into_batches().unwrap() {
        render(batch, &names, &mut rows);
    }
    assert_eq!(rows, ["u1 estee buy 17481 0 1 - - - - 0", "a\tb estee view 17481 0 1 - - - - 0"]);
}

#[test]
fn a_copy_ends_at_its_first_bad_row() {
    let columns = ["consumer", "brand", "behaviour", "time"].map(str::to_owned);
    let dialect = CsvDialect { format: CopyFormat::Csv, ..CsvDialect::csv() };
    let mut copy = CopyIn::start(&settings(), names(), &columns, dialect).unwrap();
    copy.feed(b"u1,b,view,2017-11-11\nu2,b,vew,2017-11-11\n").unwrap();
    let error = copy.flush().unwrap_err().to_string();
    assert!(
        error.starts_with("COPY:2:behaviour: `vew`: unknown behaviour; did you mean `view`?"),
        "{error}"
    );
    let unknown = CopyIn::start(&settings(), names(), &["consumer".to_owned()], dialect);
    assert!(unknown.unwrap_err().to_string().contains("no column `brand`"));
}

#[test]
fn batches_of_a_copy_join_into_one() {
    let columns = ["consumer", "brand", "behaviour", "time", "amount", "item"].map(str::to_owned);
    let names = names();
    let mut copy =
        CopyIn::start(&settings(), Arc::clone(&names), &columns, CsvDialect::csv()).unwrap();
    let parts = [
        "u1,b,view,2017-11-11,,\n",
        "u2,b,buy,2017-11-11 00:00:01,5,i\n",
        "u3,b,view,2017-11-12,,j\n",
    ];
    for part in parts {
        copy.feed(part.as_bytes()).unwrap();
        copy.flush().unwrap();
    }
    let batch = crate::import::batch::EventBatch::joined(copy.into_batches().unwrap());
    let mut rows = Vec::new();
    render(batch, &names, &mut rows);
    assert_eq!(
        rows,
        [
            "u1 b view 17481 0 1 - - - - 0",
            "u2 b buy 17481 1 1 - - i - 500",
            "u3 b view 17482 0 1 - - j - 0",
        ]
    );
}

mod parquet_file {
    use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    use super::*;

    const SCHEMA: &str = "message events {
        REQUIRED BYTE_ARRAY consumer (UTF8);
        REQUIRED BYTE_ARRAY brand (UTF8);
        OPTIONAL BYTE_ARRAY behaviour (UTF8);
        REQUIRED INT64 time (TIMESTAMP(MICROS,true));
        OPTIONAL INT64 amount (DECIMAL(12,2));
        REQUIRED INT32 count;
        OPTIONAL group list (LIST) { REPEATED group list { OPTIONAL INT32 element; } }
    }";

    fn write(rows: usize) -> Vec<u8> {
        let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
        let mut writer =
            SerializedFileWriter::new(Vec::new(), schema, Arc::new(WriterProperties::default()))
                .unwrap();
        for group in 0..2 {
            let mut columns = writer.next_row_group().unwrap();
            let mut at = 0;
            while let Some(mut column) = columns.next_column().unwrap() {
                let texts = |name: &dyn Fn(usize) -> String| -> Vec<ByteArray> {
                    (0..rows).map(|i| ByteArray::from(name(i).into_bytes())).collect()
                };
                match at {
                    0 => {
                        let values = texts(&|i| format!("u{}", group * rows + i));
                        column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
                    }
                    1 => {
                        let values = texts(&|_| "estee".to_owned());
                        column.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
                    }
                    2 => {
                        let values = texts(&|_| "buy".to_owned());
                        let levels = vec![1; rows];
                        let column = column.typed::<ByteArrayType>();
                        column.write_batch(&values, Some(&levels), None).unwrap();
                    }
                    3 => {
                        let values = vec![1_510_401_600_999_999_i64; rows];
                        column.typed::<Int64Type>().write_batch(&values, None, None).unwrap();
                    }
                    4 => {
                        // Every other amount is absent.
                        let levels: Vec<i16> = (0..rows).map(|i| i16::from(i % 2 == 0)).collect();
                        let values = vec![1234_i64; rows.div_ceil(2)];
                        let column = column.typed::<Int64Type>();
                        column.write_batch(&values, Some(&levels), None).unwrap();
                    }
                    5 => {
                        let values = vec![3; rows];
                        column.typed::<Int32Type>().write_batch(&values, None, None).unwrap();
                    }
                    _ => {
                        let levels = vec![0; rows];
                        let column = column.typed::<Int32Type>();
                        column.write_batch(&[], Some(&levels), Some(&levels)).unwrap();
                    }
                }
                column.close().unwrap();
                at += 1;
            }
            columns.close().unwrap();
        }
        writer.into_inner().unwrap()
    }

    fn load_bytes(bytes: &[u8]) -> Result<Loaded, crate::import::LoadError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
        load_source(EventSource::File(file.path().to_owned()), &EventOptions::default())
    }

    #[test]
    fn gives_the_same_rows() {
        let loaded = load_bytes(&write(20_000)).unwrap();
        assert_eq!(loaded.rows.len(), 40_000);
        assert_eq!(loaded.rows[0], "u0 estee buy 17481 72000 3 - - - - 1234");
        assert_eq!(loaded.rows[39_999], "u39999 estee buy 17481 72000 3 - - - - 0");
        assert_eq!(loaded.report.understood.unwrap().format, Format::Parquet);
    }

    #[test]
    fn that_is_damaged_is_an_error() {
        let good = write(50);
        for at in (4..good.len()).step_by(7) {
            let mut bad = good.clone();
            bad[at] ^= 0x55;
            // Either the damage is found, or it changed a value and its rows are still rows.
            let _ = load_bytes(&bad);
        }
        assert!(load_bytes(&good[..good.len() - 9]).is_err());
        let error = load(&good, &EventOptions::default()).err().unwrap();
        assert!(error.to_string().contains("give it as an uncompressed file"), "{error}");
    }
}

#[test]
fn max_rejects_are_left_out_and_counted() {
    let text = "consumer,brand,behaviour,time\nu1,b,view,1800-01-01\nu2,b,view,2017-11-11\n";
    let options = options(|options| options.rejects = RejectOptions { max: 1, file: None });
    let loaded = load_source(stream(text.as_bytes()), &options).unwrap();
    assert_eq!(loaded.rows.len(), 1);
    assert_eq!(loaded.report.rejects, [("time out of range", 1)]);
    assert_eq!(loaded.report.first_rejects[0].line, 2);
}
