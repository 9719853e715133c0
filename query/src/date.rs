//! Calendar days of the proleptic Gregorian calendar, without zones and clocks.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A calendar day: days since 1970-01-01.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Date(pub i32);

/// Text that is not a calendar day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a calendar day: write it as YYYY-MM-DD")]
pub struct DateError;

impl Date {
    /// The first day a date may be written as: 0001-01-01.
    pub const MIN: Self = Self(-719_162);
    /// The last day a date may be written as: 9999-12-31.
    pub const MAX: Self = Self(2_932_896);

    /// The day of a year, month (1..=12) and day of month, if it exists.
    #[must_use]
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Self> {
        if !(1..=9999).contains(&year) || day == 0 || day > days_in_month(year, month)? {
            return None;
        }
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
        let y = if month <= 2 { year - 1 } else { year };
        let era = y.div_euclid(400);
        let year_of_era = y.rem_euclid(400);
        let shifted = i32::try_from((month + 9) % 12).ok()?;
        let day_of_year = (153 * shifted + 2) / 5 + i32::try_from(day).ok()? - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Some(Self(era * 146_097 + day_of_era - 719_468))
    }

    /// Year, month (1..=12) and day of month.
    #[must_use]
    pub fn ymd(self) -> (i32, u32, u32) {
        // Hinnant, civil_from_days.
        let z = self.0 + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = doy - (153 * mp + 2) / 5 + 1;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let year = yoe + era * 400 + i32::from(month <= 2);
        (year, month.unsigned_abs(), day.unsigned_abs())
    }

    /// The day `days` later (earlier when negative), kept within [`Date::MIN`] and [`Date::MAX`].
    #[must_use]
    pub fn plus_days(self, days: i32) -> Self {
        Self(self.0.saturating_add(days)).clamp(Self::MIN, Self::MAX)
    }

    /// The same day of the month `months` later, or the month's last day where it has no such day.
    #[must_use]
    pub fn plus_months(self, months: u32) -> Self {
        let (year, month, day) = self.ymd();
        let index = i64::from(year) * 12 + i64::from(month) - 1 + i64::from(months);
        let (Ok(year), Ok(month)) =
            (i32::try_from(index.div_euclid(12)), u32::try_from(index.rem_euclid(12) + 1))
        else {
            return Self::MAX;
        };
        let last = days_in_month(year, month).unwrap_or(31);
        Self::from_ymd(year, month, day.min(last)).unwrap_or(Self::MAX)
    }
}

/// How many days a month has; none when there is no such month.
#[must_use]
pub fn days_in_month(year: i32, month: u32) -> Option<u32> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(28 + u32::from(leap)),
        _ => None,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.ymd();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Date {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let digits = text.as_bytes();
        if digits.len() != 10 || digits.get(4) != Some(&b'-') || digits.get(7) != Some(&b'-') {
            return Err(DateError);
        }
        let number = |range: std::ops::Range<usize>| -> Result<u32, DateError> {
            let part = text.get(range).ok_or(DateError)?;
            if !part.bytes().all(|b| b.is_ascii_digit()) {
                return Err(DateError);
            }
            part.parse().map_err(|_| DateError)
        };
        let year = i32::try_from(number(0..4)?).map_err(|_| DateError)?;
        Self::from_ymd(year, number(5..7)?, number(8..10)?).ok_or(DateError)
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    #[test]
    fn every_day_round_trips_through_its_parts_and_its_text() {
        for days in (Date::MIN.0..=Date::MAX.0).step_by(13) {
            let (year, month, day) = Date(days).ymd();
            assert_eq!(Date::from_ymd(year, month, day), Some(Date(days)));
            assert_eq!(Date(days).to_string().parse(), Ok(Date(days)));
        }
        assert_eq!(Date::from_ymd(1970, 1, 1), Some(Date(0)));
        assert_eq!(Date::MIN.to_string(), "0001-01-01");
        assert_eq!(Date::MAX.to_string(), "9999-12-31");
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for text in
            ["2017-02-29", "2017-13-01", "2017-00-10", "2017-1-01", "2017-04-31", "17-01-01"]
        {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
        assert!("2016-02-29".parse::<Date>().is_ok());
    }

    #[test]
    fn months_end_on_their_last_day() {
        let start: Date = "2017-01-31".parse().unwrap();
        assert_eq!(start.plus_months(1).to_string(), "2017-02-28");
        assert_eq!(start.plus_months(13).to_string(), "2018-02-28");
        assert_eq!(start.plus_months(2).to_string(), "2017-03-31");
    }
}
