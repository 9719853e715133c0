//! Times of files to days and seconds of the store's zone.

use std::fmt;
use std::sync::Arc;

use hashbrown::HashMap;
use jiff::fmt::strtime::{self, BrokenDownTime};
use throng_query::date::Date;

use super::error::{OptionError, Reason};
use super::options::TimeOptions;
use crate::time::{DAY_MAX, DAY_MIN, DAY_SECONDS, Zone};

/// The first number that is not taken for unix seconds: 2150, in seconds.
const SECONDS_END: u64 = 5_680_281_600;
/// The first number that is taken for unix milliseconds: 1973, in milliseconds.
const MILLIS_START: u64 = 100_000_000_000;
/// Values of a strptime format that are remembered.
const REMEMBERED_MAX: usize = 1 << 16;

/// A day and a second within it.
pub(super) type Moment = (i32, u32);

/// How the times of a file are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeKind {
    /// `2017-11-11`, with or without a time of day, with or without an offset.
    Text,
    /// `20171111`.
    Compact,
    /// Seconds since 1970 in UTC.
    Seconds,
    /// Milliseconds since 1970 in UTC.
    Millis,
    /// A format in the manner of strptime.
    Format(String),
}

impl TimeKind {
    fn word(&self) -> &'static str {
        match self {
            Self::Text => "dates",
            Self::Compact => "YYYYMMDD",
            Self::Seconds => "unix seconds",
            Self::Millis => "unix milliseconds",
            Self::Format(_) => "of the given format",
        }
    }
}

impl fmt::Display for TimeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("YYYY-MM-DD, with a time of day and an offset where given"),
            Self::Format(format) => f.write_str(format),
            _ => f.write_str(self.word()),
        }
    }
}

/// Whether somebody said so, or the first rows did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Certainty {
    Told,
    Guessed,
}

/// Reads the times of one file. Each worker has its own.
#[derive(Debug, Clone)]
pub(super) struct TimeReader {
    kind: TimeKind,
    certainty: Certainty,
    year: Option<i16>,
    zone: Arc<Zone>,
    /// The last date read, as text and as a day.
    date: ([u8; 10], i32),
    remembered: HashMap<Box<[u8]>, Moment>,
}

impl TimeReader {
    /// A reader for what the options say, or the samples show.
    pub(super) fn new<'a>(
        options: &TimeOptions,
        zone: Arc<Zone>,
        samples: impl Iterator<Item = &'a [u8]>,
    ) -> Result<Self, OptionError> {
        let (kind, certainty) = match options.format.as_deref() {
            Some("unix") => (TimeKind::Seconds, Certainty::Told),
            Some("unix-ms") => (TimeKind::Millis, Certainty::Told),
            Some(format) => {
                check_format(format)?;
                (TimeKind::Format(format.to_owned()), Certainty::Told)
            }
            None => (guess(samples), Certainty::Guessed),
        };
        Ok(Self {
            kind,
            certainty,
            year: options.year,
            zone,
            date: ([0; 10], 0),
            remembered: HashMap::new(),
        })
    }

    pub(super) fn kind(&self) -> &TimeKind {
        &self.kind
    }

    /// The day and second of a time.
    pub(super) fn read(&mut self, text: &[u8]) -> Result<Moment, Reason> {
        match self.kind {
            TimeKind::Seconds => self.seconds(text),
            TimeKind::Millis => self.millis(text),
            TimeKind::Text => self.text(text),
            TimeKind::Compact => self.compact(text),
            TimeKind::Format(_) => self.formatted(text),
        }
    }

    fn instant(&self, seconds: i64) -> Result<Moment, Reason> {
        let late = if seconds < 0 { Reason::TooEarly } else { Reason::TooLate };
        self.zone.local(seconds).ok_or(late)
    }

    fn wall(&self, day: i32, wall: u32) -> Result<Moment, Reason> {
        if day < DAY_MIN {
            return Err(Reason::TooEarly);
        }
        if day > DAY_MAX {
            return Err(Reason::TooLate);
        }
        Ok((day, self.zone.second_of_wall(day, wall)))
    }

    fn mixed(&self, other: &TimeKind) -> Reason {
        Reason::TimeMixed { format: self.kind.word(), other: other.word() }
    }

    fn seconds(&self, text: &[u8]) -> Result<Moment, Reason> {
        let seconds = whole_part(text)?;
        if self.certainty == Certainty::Guessed {
            if seconds.unsigned_abs() >= MILLIS_START {
                return Err(self.mixed(&TimeKind::Millis));
            }
            if text.len() == 8 && compact_day(text).is_some() {
                return Err(self.mixed(&TimeKind::Compact));
            }
        }
        self.instant(seconds)
    }

    fn millis(&self, text: &[u8]) -> Result<Moment, Reason> {
        let millis = whole_part(text)?;
        if self.certainty == Certainty::Guessed && (0..MILLIS_START as i64).contains(&millis) {
            return Err(self.mixed(&TimeKind::Seconds));
        }
        self.instant(millis.div_euclid(1000))
    }

    fn compact(&self, text: &[u8]) -> Result<Moment, Reason> {
        match compact_day(text) {
            Some(day) => self.wall(day, 0),
            None if whole_part(text).is_ok() && text.len() > 8 => {
                Err(self.mixed(&TimeKind::Seconds))
            }
            None => Err(Reason::TimeFormat { format: self.kind.to_string() }),
        }
    }

    fn text(&mut self, text: &[u8]) -> Result<Moment, Reason> {
        let Some((date, rest)) = text.split_first_chunk::<10>() else {
            return Err(self.not_text(text));
        };
        let day = if *date == self.date.0 {
            self.date.1
        } else {
            let Some(day) = dashed_day(date) else { return Err(self.not_text(text)) };
            self.date = (*date, day);
            day
        };
        if rest.is_empty() {
            return self.wall(day, 0);
        }
        let (wall, offset) = time_of_day(rest).ok_or(Reason::Time)?;
        match offset {
            None => self.wall(day, wall),
            Some(offset) => {
                let utc = i64::from(day) * i64::from(DAY_SECONDS) + i64::from(wall);
                self.instant(utc - i64::from(offset))
            }
        }
    }

    fn not_text(&self, text: &[u8]) -> Reason {
        let other = match whole_part(text) {
            Ok(_) if compact_day(text).is_some() => TimeKind::Compact,
            Ok(number) if number.unsigned_abs() >= MILLIS_START => TimeKind::Millis,
            Ok(_) => TimeKind::Seconds,
            Err(_) => return Reason::Time,
        };
        self.mixed(&other)
    }

    fn formatted(&mut self, text: &[u8]) -> Result<Moment, Reason> {
        if let Some(&moment) = self.remembered.get(text) {
            return Ok(moment);
        }
        let TimeKind::Format(format) = &self.kind else { return Err(Reason::Time) };
        let wrong = |_| Reason::TimeFormat { format: format.clone() };
        let mut parts = strtime::parse(format, text).map_err(wrong)?;
        if parts.year().is_none() && parts.timestamp().is_none() {
            parts.set_year(self.year).map_err(wrong)?;
        }
        let moment = self.moment_of(&parts).ok_or_else(|| match parts.year() {
            None => Reason::NoYear,
            Some(_) => Reason::TimeFormat { format: format.clone() },
        })??;
        if self.remembered.len() < REMEMBERED_MAX {
            self.remembered.insert(text.into(), moment);
        }
        Ok(moment)
    }

    fn moment_of(&self, parts: &BrokenDownTime) -> Option<Result<Moment, Reason>> {
        if let Some(timestamp) = parts.timestamp() {
            return Some(self.instant(timestamp.as_second()));
        }
        if parts.offset().is_some() || parts.iana_time_zone().is_some() {
            let instant = match parts.iana_time_zone() {
                Some(_) => parts.to_zoned().ok()?.timestamp(),
                None => parts.to_timestamp().ok()?,
            };
            return Some(self.instant(instant.as_second()));
        }
        let date = parts.to_date().ok()?;
        let wall = if parts.hour().is_some() {
            let time = parts.to_time().ok()?;
            i32::from(time.hour()) * 3600 + i32::from(time.minute()) * 60 + i32::from(time.second())
        } else {
            0
        };
        let month = u32::from(date.month().unsigned_abs());
        let day_of_month = u32::from(date.day().unsigned_abs());
        let Some(day) = Date::from_ymd(i32::from(date.year()), month, day_of_month) else {
            return Some(Err(Reason::TooEarly));
        };
        Some(self.wall(day.0, wall.unsigned_abs()))
    }
}

/// Whether anything could ever match a format.
fn check_format(format: &str) -> Result<(), OptionError> {
    let wrong = |reason: String| OptionError::TimeFormat { text: format.to_owned(), reason };
    if !format.contains('%') {
        return Err(wrong(
            "it has no `%`; unix and unix-ms are the formats with a name".to_owned(),
        ));
    }
    // What is printed with a format shows whether its directives are known.
    let now = jiff::Timestamp::UNIX_EPOCH.to_zoned(jiff::tz::TimeZone::UTC);
    strtime::format(format, &now).map(|_| ()).map_err(|error| wrong(error.to_string()))
}

/// Decides how the times of a file are written: what most of its first rows are.
fn guess<'a>(samples: impl Iterator<Item = &'a [u8]>) -> TimeKind {
    let (mut text, mut compact, mut seconds, mut millis) = (0_u32, 0_u32, 0_u32, 0_u32);
    for sample in samples {
        match whole_part(sample) {
            Err(_) => text += u32::from(!sample.is_empty()),
            Ok(_) if compact_day(sample).is_some() => compact += 1,
            Ok(number) if number.unsigned_abs() >= SECONDS_END => millis += 1,
            Ok(_) => seconds += 1,
        }
    }
    let most = text.max(compact).max(seconds).max(millis);
    if most == 0 || text == most {
        TimeKind::Text
    } else if seconds == most {
        TimeKind::Seconds
    } else if millis == most {
        TimeKind::Millis
    } else {
        TimeKind::Compact
    }
}

/// A whole number, or the whole part of a decimal one.
#[inline]
fn whole_part(text: &[u8]) -> Result<i64, Reason> {
    if !text.is_empty() && text.len() <= 18 {
        let mut value = 0_i64;
        let mut plain = true;
        for &byte in text {
            plain &= byte.is_ascii_digit();
            value = value * 10 + i64::from(byte & 15);
        }
        if plain {
            return Ok(value);
        }
    }
    let (negative, digits) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, text),
    };
    let mut parts = digits.splitn(2, |&byte| byte == b'.');
    let whole = parts.next().unwrap_or(&[]);
    let fraction = parts.next();
    let all_digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    if !all_digits(whole) || fraction.is_some_and(|part| !all_digits(part)) {
        return Err(Reason::Time);
    }
    let value = whole
        .iter()
        .try_fold(0_i64, |value, &byte| value.checked_mul(10)?.checked_add(i64::from(byte - b'0')));
    let value = value.unwrap_or(i64::MAX);
    // A fraction before 1970 is rounded down like any other.
    let below = fraction.is_some_and(|part| part.iter().any(|&byte| byte != b'0'));
    Ok(if negative { -value - i64::from(below) } else { value })
}

/// The day of `YYYYMMDD` if events may have it.
fn compact_day(text: &[u8]) -> Option<i32> {
    if text.len() != 8 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let day = day_of(text.get(0..4)?, text.get(4..6)?, text.get(6..8)?)?;
    (DAY_MIN..=DAY_MAX).contains(&day).then_some(day)
}

fn dashed_day(text: &[u8; 10]) -> Option<i32> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text else { return None };
    day_of(&[y1, y2, y3, y4], &[m1, m2], &[d1, d2])
}

fn day_of(year: &[u8], month: &[u8], day: &[u8]) -> Option<i32> {
    let year = i32::try_from(digits(year)?).ok()?;
    Date::from_ymd(year, digits(month)?, digits(day)?).map(|date| date.0)
}

fn digits(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0_u32, |value, &byte| {
        byte.is_ascii_digit().then(|| value * 10 + u32::from(byte - b'0'))
    })
}

/// Reads `[T ]HH:MM[:SS[.fraction]][ ][Z|UTC|GMT|+-HH[[:]MM]]`: seconds from midnight and the
/// offset in seconds, where one is given.
fn time_of_day(text: &[u8]) -> Option<(u32, Option<i32>)> {
    let (b'T' | b't' | b' ', text) = text.split_first()? else { return None };
    let [h1, h2, b':', m1, m2, rest @ ..] = text else { return None };
    let hour = digits(&[*h1, *h2]).filter(|&hour| hour < 24)?;
    let minute = digits(&[*m1, *m2]).filter(|&minute| minute < 60)?;
    let (second, mut rest) = match rest {
        // A leap second counts to the second before it.
        [b':', s1, s2, rest @ ..] => (digits(&[*s1, *s2]).filter(|&s| s <= 60)?.min(59), rest),
        _ => (0, rest),
    };
    if let [b'.' | b',', fraction @ ..] = rest {
        let length = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if length == 0 {
            return None;
        }
        rest = fraction.get(length..)?;
    }
    if let [b' ', after @ ..] = rest {
        rest = after;
        if rest.is_empty() {
            return None;
        }
    }
    Some((hour * 3600 + minute * 60 + second, offset(rest)?))
}

fn offset(text: &[u8]) -> Option<Option<i32>> {
    if text.is_empty() {
        return Some(None);
    }
    if matches!(text, b"Z" | b"z" | b"UTC" | b"GMT") {
        return Some(Some(0));
    }
    let (sign, h1, h2, minutes) = match text {
        [sign @ (b'+' | b'-'), h1, h2] => (sign, h1, h2, 0),
        [sign @ (b'+' | b'-'), h1, h2, m1, m2] | [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            (sign, h1, h2, digits(&[*m1, *m2]).filter(|&minutes| minutes < 60)?)
        }
        _ => return None,
    };
    let hours = digits(&[*h1, *h2]).filter(|&hours| hours < 24)?;
    let seconds = i32::try_from(hours * 3600 + minutes * 60).ok()?;
    Some(Some(if *sign == b'-' { -seconds } else { seconds }))
}
