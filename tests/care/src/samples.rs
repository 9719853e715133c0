//! Valid files of every kind: what mutations begin with.

use std::fs;
use std::io::Write;
use std::sync::Arc;

use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::fixture;

/// Files of the checked-in stores whose names begin and end so.
pub(crate) fn files(begin: &str, end: &str) -> Vec<Vec<u8>> {
    let of = |version| fs::read_dir(fixture::checked_in(version).join("store")).unwrap();
    let entries = fixture::CHECKED_IN.into_iter().flat_map(of);
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let fits = |path: &&std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with(begin) && name.ends_with(end)
    };
    names.iter().filter(fits).map(|path| fs::read(path).unwrap()).collect()
}

pub(crate) fn csv() -> Vec<Vec<u8>> {
    let quoted = "consumer;brand;behaviour;time\r\n\"u\"\"1\";\"a;b\";view;2017-11-11\r\n";
    vec![fixture::events(0..40).into_bytes(), quoted.as_bytes().to_vec()]
}

pub(crate) fn attributes() -> Vec<Vec<u8>> {
    vec![fixture::attributes().into_bytes()]
}

pub(crate) fn json_lines() -> Vec<Vec<u8>> {
    let mut text = String::new();
    for n in 0..30 {
        text.push_str(&format!(
            "{{\"consumer\":\"u{n}\",\"brand\":\"estee\",\"behaviour\":\"buy\",\
             \"time\":\"2017-11-{:02}T10:00:00\",\"amount\":{n}.5,\"item\":null,\
             \"touchpoint\":\"\\u76f4\\\\x\"}}\n",
            1 + n % 28
        ));
    }
    vec![text.into_bytes()]
}

pub(crate) fn gzip() -> Vec<Vec<u8>> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    out.write_all(&csv()[0]).unwrap();
    vec![out.finish().unwrap()]
}

pub(crate) fn zstandard() -> Vec<Vec<u8>> {
    vec![zstd::encode_all(&csv()[0][..], 3).unwrap()]
}

pub(crate) fn parquet() -> Vec<Vec<u8>> {
    let schema = "message events { required binary consumer (UTF8); required binary brand (UTF8); \
                  required binary behaviour (UTF8); required int64 time (TIMESTAMP_MILLIS); }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut bytes = Vec::new();
    let properties = Arc::new(WriterProperties::default());
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for column in ["u", "brand", "view"] {
        let mut column_writer = group.next_column().unwrap().unwrap();
        let values: Vec<ByteArray> = (0..40)
            .map(|n| if column == "u" { format!("u{n}") } else { column.to_owned() })
            .map(|text| ByteArray::from(text.as_str()))
            .collect();
        column_writer.typed::<ByteArrayType>().write_batch(&values, None, None).unwrap();
        column_writer.close().unwrap();
    }
    let mut column = group.next_column().unwrap().unwrap();
    let times: Vec<i64> = (0..40).map(|n| 1_510_000_000_000 + n * 60_000).collect();
    column.typed::<Int64Type>().write_batch(&times, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    vec![bytes]
}
