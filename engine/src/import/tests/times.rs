//! Times against what jiff says of them.

use std::sync::Arc;

use jiff::civil;
use jiff::tz::TimeZone;
use rand::{RngExt, SeedableRng};

use crate::import::error::Reason;
use crate::import::options::TimeOptions;
use crate::import::time::{TimeKind, TimeReader};
use crate::time::Zone;

fn reader(zone: &str, options: &TimeOptions, samples: &[&str]) -> TimeReader {
    let zone = Arc::new(Zone::new(zone).unwrap());
    TimeReader::new(options, zone, samples.iter().map(|text| text.as_bytes())).unwrap()
}

fn format(format: &str, year: Option<i16>) -> TimeOptions {
    TimeOptions { format: Some(format.to_owned()), year }
}

/// The day and the seconds since its first moment, as jiff has them.
fn twin(instant: jiff::Timestamp, zone: &TimeZone) -> (i32, u32) {
    let local = instant.to_zoned(zone.clone());
    let days = local.date().since(civil::date(1970, 1, 1)).unwrap().get_days();
    let start = local.start_of_day().unwrap().timestamp();
    (days, u32::try_from(instant.as_second() - start.as_second()).unwrap())
}

#[test]
fn instants_are_the_same_as_jiffs_in_every_shape() {
    let mut random = rand_pcg::Pcg64::seed_from_u64(7);
    for zone_name in ["Asia/Shanghai", "Europe/London", "America/Sao_Paulo", "UTC"] {
        let zone = TimeZone::get(zone_name).unwrap();
        let mut seconds = reader(zone_name, &TimeOptions::default(), &["1500000000"]);
        let mut millis = reader(zone_name, &format("unix-ms", None), &[]);
        let mut text = reader(zone_name, &TimeOptions::default(), &["2017-11-11"]);
        for _ in 0..20_000 {
            let at = random.random_range(100_000_000_i64..5_600_000_000);
            let instant = jiff::Timestamp::from_second(at).unwrap();
            let expected = Ok(twin(instant, &zone));
            assert_eq!(seconds.read(at.to_string().as_bytes()), expected, "{at}");
            assert_eq!(millis.read((at * 1000 + 999).to_string().as_bytes()), expected, "{at}");
            assert_eq!(text.read(instant.to_string().as_bytes()), expected, "{instant}");
            let offset = jiff::tz::Offset::from_seconds(random.random_range(-720..720) * 60);
            let shifted = instant.display_with_offset(offset.unwrap()).to_string();
            assert_eq!(text.read(shifted.as_bytes()), expected, "{shifted}");
            let local = instant.to_zoned(zone.clone()).datetime();
            let wall = zone.to_timestamp(local).unwrap();
            let expected = Ok(twin(wall, &zone));
            assert_eq!(text.read(local.to_string().as_bytes()), expected, "{local}");
            assert_eq!(text.read(local.to_string().replace('T', " ").as_bytes()), expected);
        }
    }
}

#[test]
fn every_day_reads_the_same_in_every_shape() {
    let mut dashed = reader("Asia/Shanghai", &TimeOptions::default(), &["2017-11-11"]);
    let mut compact = reader("Asia/Shanghai", &TimeOptions::default(), &["20171111"]);
    assert_eq!(*compact.kind(), TimeKind::Compact);
    let mut date = civil::date(1970, 1, 1);
    for day in 0..=65_534 {
        let text = date.to_string();
        assert_eq!(dashed.read(text.as_bytes()), Ok((day, 0)));
        assert_eq!(compact.read(text.replace('-', "").as_bytes()), Ok((day, 0)));
        date = date.tomorrow().unwrap();
    }
    assert_eq!(dashed.read(date.to_string().as_bytes()), Err(Reason::TooLate));
}

#[test]
fn times_out_of_range_say_on_which_side() {
    let mut text = reader("Asia/Shanghai", &TimeOptions::default(), &[]);
    for (time, reason) in [
        ("1800-01-01", Reason::TooEarly),
        ("1969-12-31 23:59:59", Reason::TooEarly),
        ("9999-12-31T00:00:00Z", Reason::TooLate),
        ("2149-06-06", Reason::TooLate),
        ("2017-02-29", Reason::Time),
        ("2017-11-11 24:00:00", Reason::Time),
        ("2017-11-11 10", Reason::Time),
        ("2017-11-11 10:00:00 ", Reason::Time),
        ("2017-11-11 10:00:00 PST", Reason::Time),
        ("2017-11-11X10:00", Reason::Time),
        ("11/11/2017", Reason::Time),
        ("2017-1-1", Reason::Time),
        ("2017-11-11T10:00:00.Z", Reason::Time),
        ("2017-11-11T10:00:00+8", Reason::Time),
    ] {
        assert_eq!(text.read(time.as_bytes()), Err(reason), "{time}");
    }
    for time in ["1970-01-01", "2149-06-05 23:59:59", "2017-11-11 10:00:00 UTC"] {
        assert!(text.read(time.as_bytes()).is_ok(), "{time}");
    }
    let mut unix = reader("UTC", &format("unix", None), &[]);
    assert_eq!(unix.read(b"-1"), Err(Reason::TooEarly));
    assert_eq!(unix.read(b"0"), Ok((0, 0)));
    assert_eq!(unix.read(b"0.99"), Ok((0, 0)));
    assert_eq!(unix.read(b"-0.01"), Err(Reason::TooEarly));
    assert_eq!(unix.read(b"99999999999999999999"), Err(Reason::TooLate));
    assert_eq!(unix.read(b"5662223999"), Ok((65_534, 86_399)));
    assert_eq!(unix.read(b"5662224000"), Err(Reason::TooLate));
}

#[test]
fn the_kind_follows_from_the_first_rows_and_mixtures_are_refused() {
    let kind = |samples: &[&str]| reader("UTC", &TimeOptions::default(), samples).kind().clone();
    assert_eq!(kind(&["1500000000", "0", "1500000001"]), TimeKind::Seconds);
    assert_eq!(kind(&["1500000000000"]), TimeKind::Millis);
    assert_eq!(kind(&["20171111", "20171112"]), TimeKind::Compact);
    assert_eq!(kind(&["2017-11-11", ""]), TimeKind::Text);
    assert_eq!(kind(&[]), TimeKind::Text);
    let mixed = |reason| matches!(reason, Err(Reason::TimeMixed { .. }));
    let mut seconds = reader("UTC", &TimeOptions::default(), &["1500000000"]);
    assert!(mixed(seconds.read(b"1500000000000")));
    assert!(mixed(seconds.read(b"20171111")));
    assert!(seconds.read(b"20179999").is_ok());
    let mut millis = reader("UTC", &TimeOptions::default(), &["1500000000000"]);
    assert!(mixed(millis.read(b"1500000000")));
    let mut text = reader("UTC", &TimeOptions::default(), &["2017-11-11"]);
    assert!(mixed(text.read(b"1500000000")));
    assert!(mixed(text.read(b"20171111")));
}

#[test]
fn formats_in_the_manner_of_strptime() {
    let mut short = reader("Asia/Shanghai", &format("%m-%d", Some(2013)), &[]);
    let day = civil::date(2013, 6, 4).since(civil::date(1970, 1, 1)).unwrap().get_days();
    assert_eq!(short.read(b"6-4"), Ok((day, 0)));
    assert_eq!(short.read(b"06-04"), Ok((day, 0)));
    assert!(matches!(short.read(b"2-29"), Err(Reason::TimeFormat { .. })));
    let mut bare = reader("Asia/Shanghai", &format("%m-%d", None), &[]);
    assert_eq!(bare.read(b"6-4"), Err(Reason::NoYear));
    let mut american = reader("Asia/Shanghai", &format("%m/%d/%Y %I:%M %p", None), &[]);
    assert_eq!(american.read(b"06/04/2013 03:30 PM"), Ok((day, 15 * 3600 + 30 * 60)));
    let mut offset = reader("Asia/Shanghai", &format("%Y%m%d%H%M%S%z", None), &[]);
    assert_eq!(offset.read(b"20130604000000+0000"), Ok((day, 8 * 3600)));
    let zone = Arc::new(Zone::new("UTC").unwrap());
    for wrong in ["seconds", "%Q%", "%!"] {
        let options = format(wrong, None);
        assert!(
            TimeReader::new(&options, Arc::clone(&zone), std::iter::empty()).is_err(),
            "{wrong}"
        );
    }
}
