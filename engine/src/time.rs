//! Instants to days and seconds of the store's time zone, and back.
//!
//! A second within a day counts from the first moment of the day, so that order within the day is
//! kept on days that a clock change makes longer or shorter.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The first day an event may have: 1970-01-01.
pub const DAY_MIN: i32 = 0;
/// The last day an event may have: 2149-06-05, so that a day fits 16 bits.
pub const DAY_MAX: i32 = 65_534;
/// Seconds of a day that no clock change touches.
pub const DAY_SECONDS: u32 = 86_400;

const DAY_SECONDS_I64: i64 = DAY_SECONDS as i64;

/// A time zone with every clock change of the days an event may have.
#[derive(Debug, Clone)]
pub struct Zone {
    name: String,
    /// Invariant 1: ascending by `from`; the first begins before [`DAY_MIN`] in any zone.
    spans: Vec<Span>,
    /// Days within which a clock changes, ascending.
    odd_days: Vec<OddDay>,
}

/// A time without a clock change.
#[derive(Debug, Clone, Copy)]
struct Span {
    /// First instant, in Unix seconds.
    from: i64,
    /// Seconds east of Greenwich.
    offset: i64,
    /// The local days of its first and last instant, where a clock change makes the day odd.
    edges: (i64, i64),
}

/// A day that does not have its 24 hours from midnight to midnight.
#[derive(Debug, Clone, Copy)]
struct OddDay {
    day: i64,
    /// The first instant of the day.
    start: i64,
}

/// A time zone that is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("time zone `{name}` is not known; use an IANA name such as Asia/Shanghai")]
pub struct ZoneError {
    /// The name asked for.
    pub name: String,
}

impl Zone {
    /// A zone by its IANA name.
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn new(name: &str) -> Result<Self, ZoneError> {
        let unknown = || ZoneError { name: name.to_owned() };
        let zone = TimeZone::get(name).map_err(|_| unknown())?;
        let begin = -2 * DAY_SECONDS_I64;
        let end = (i64::from(DAY_MAX) + 3) * DAY_SECONDS_I64;
        let first = Timestamp::from_second(begin).map_err(|_| unknown())?;
        let mut changes = vec![(begin, i64::from(zone.to_offset(first).seconds()))];
        for change in zone.following(first) {
            let at = change.timestamp().as_second();
            if at > end {
                break;
            }
            let offset = i64::from(change.offset().seconds());
            if changes.last().is_some_and(|&(_, last)| last != offset) {
                changes.push((at, offset));
            }
        }
        Ok(Self::from_changes(name, &changes))
    }

    /// The zone's IANA name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn from_changes(name: &str, changes: &[(i64, i64)]) -> Self {
        let mut spans = Vec::with_capacity(changes.len());
        let mut odd_days: Vec<OddDay> = Vec::new();
        let mut add = |day: i64, start: i64| {
            if odd_days.last().is_none_or(|last| last.day < day) {
                odd_days.push(OddDay { day, start });
            }
        };
        for (i, &(from, offset)) in changes.iter().enumerate() {
            let first = (from + offset).div_euclid(DAY_SECONDS_I64);
            let mut last = i64::MAX;
            if let Some(&(next, after)) = changes.get(i + 1) {
                last = (next - 1 + offset).div_euclid(DAY_SECONDS_I64);
                // A day begins at its midnight, or when a change jumps over its midnight.
                add(last, (last * DAY_SECONDS_I64 - offset).max(from));
                let day_after = (next + after).div_euclid(DAY_SECONDS_I64);
                let midnight = (day_after * DAY_SECONDS_I64).max(next + after) - after;
                if day_after > last {
                    add(day_after, midnight);
                }
            }
            spans.push(Span { from, offset, edges: (first, last) });
        }
        Self { name: name.to_owned(), spans, odd_days }
    }

    /// The day since 1970-01-01 and the second within it; none when an event may not have the day.
    #[must_use]
    pub fn local(&self, unix_seconds: i64) -> Option<(i32, u32)> {
        let after = self.spans.partition_point(|span| span.from <= unix_seconds);
        let span = self.spans.get(after.checked_sub(1)?)?;
        let wall = unix_seconds.checked_add(span.offset)?;
        let day = wall.div_euclid(DAY_SECONDS_I64);
        let mut second = wall.rem_euclid(DAY_SECONDS_I64);
        if (day == span.edges.0 || day == span.edges.1)
            && let Some(odd) = self.odd_day(day)
        {
            second = unix_seconds - odd.start;
        }
        let day = i32::try_from(day).ok().filter(|day| (DAY_MIN..=DAY_MAX).contains(day))?;
        Some((day, u32::try_from(second).ok()?))
    }

    /// The second within a day of what the clock on the wall shows, as seconds from midnight. Of a
    /// time that the clock shows twice, the first; of one that it skips, the time after the skip.
    #[must_use]
    pub fn second_of_wall(&self, day: i32, wall_second: u32) -> u32 {
        let Some(odd) = self.odd_day(i64::from(day)) else { return wall_second };
        let wall = i64::from(day) * DAY_SECONDS_I64 + i64::from(wall_second);
        let mut at = odd.start;
        for (i, span) in self.spans.iter().enumerate() {
            let until = self.spans.get(i + 1).map_or(i64::MAX, |next| next.from);
            if wall - span.offset < until {
                at = (wall - span.offset).max(span.from);
                break;
            }
        }
        u32::try_from((at - odd.start).max(0)).unwrap_or(0)
    }

    /// What the clock on the wall shows at a second within a day, as seconds from midnight.
    #[must_use]
    pub fn wall_of_second(&self, day: i32, second: u32) -> u32 {
        let Some(odd) = self.odd_day(i64::from(day)) else { return second };
        let at = odd.start + i64::from(second);
        let after = self.spans.partition_point(|span| span.from <= at);
        let offset = self.spans.get(after.saturating_sub(1)).map_or(0, |span| span.offset);
        let wall = at + offset - i64::from(day) * DAY_SECONDS_I64;
        u32::try_from(wall.clamp(0, DAY_SECONDS_I64 - 1)).unwrap_or(0)
    }

    /// How many seconds a day has.
    #[must_use]
    pub fn day_seconds(&self, day: i32) -> u32 {
        if self.odd_day(i64::from(day)).is_none() {
            return DAY_SECONDS;
        }
        let start =
            |day: i64| self.odd_day(day).map_or_else(|| self.midnight(day), |odd| odd.start);
        let seconds = start(i64::from(day) + 1) - start(i64::from(day));
        u32::try_from(seconds).unwrap_or(0)
    }

    fn midnight(&self, day: i64) -> i64 {
        let wall = day * DAY_SECONDS_I64;
        let mut at = wall;
        for (i, span) in self.spans.iter().enumerate() {
            let until = self.spans.get(i + 1).map_or(i64::MAX, |next| next.from);
            at = (wall - span.offset).max(span.from);
            if at < until {
                break;
            }
        }
        at
    }

    fn odd_day(&self, day: i64) -> Option<OddDay> {
        let at = self.odd_days.binary_search_by_key(&day, |odd| odd.day).ok()?;
        self.odd_days.get(at).copied()
    }
}

/// A day and a second of the clock on the wall as `YYYY-MM-DD HH:MM:SS`.
#[must_use]
pub fn render(zone: &Zone, day: i32, second: u32) -> String {
    let wall = zone.wall_of_second(day, second);
    let date = throng_query::date::Date(day);
    format!("{date} {:02}:{:02}:{:02}", wall / 3600, wall / 60 % 60, wall % 60)
}

#[cfg(test)]
mod tests {
    use jiff::civil::{self, DateTime};

    use super::*;

    /// The slow way: the zone's own arithmetic for one instant.
    fn naive(zone: &TimeZone, unix: i64) -> (i32, u32) {
        let zoned = Timestamp::from_second(unix).unwrap().to_zoned(zone.clone());
        let epoch = civil::date(1970, 1, 1);
        let day = epoch.until(zoned.date()).unwrap().get_days();
        let start = zoned.start_of_day().unwrap().timestamp().as_second();
        (day, u32::try_from(unix - start).unwrap())
    }

    #[test]
    fn instants_fall_on_the_days_and_seconds_of_their_zone() {
        let names = [
            "Asia/Shanghai",
            "America/New_York",
            "America/Sao_Paulo",
            "Australia/Lord_Howe",
            "Pacific/Apia",
            "Africa/Cairo",
            "UTC",
        ];
        for name in names {
            let (fast, slow) = (Zone::new(name).unwrap(), TimeZone::get(name).unwrap());
            let near: Vec<i64> = fast.spans[1..].iter().map(|span| span.from).collect();
            let mut instants: Vec<i64> = (86_400..5_000_000_000).step_by(9_999_991).collect();
            for at in near.iter().filter(|&&at| at > 86_400 * 2) {
                instants.extend((-90_000..90_000).step_by(1_799).map(|step| at + step));
                instants.extend([at - 1, *at, at + 1]);
            }
            for unix in instants {
                let (day, second) = naive(&slow, unix);
                assert_eq!(fast.local(unix), Some((day, second)), "{name} {unix}");
                let wall = fast.wall_of_second(day, second);
                let clock = Timestamp::from_second(unix).unwrap().to_zoned(slow.clone()).time();
                let shown = u32::try_from(clock.duration_since(civil::time(0, 0, 0, 0)).as_secs());
                assert_eq!(Ok(wall), shown, "{name} {unix}");
                assert!(fast.second_of_wall(day, wall) <= second, "{name} {unix}");
                assert!(second < fast.day_seconds(day), "{name} {unix}");
            }
        }
    }

    #[test]
    fn wall_times_become_seconds_as_the_zone_says() {
        for name in ["America/New_York", "America/Sao_Paulo", "Asia/Shanghai", "Pacific/Apia"] {
            let (fast, slow) = (Zone::new(name).unwrap(), TimeZone::get(name).unwrap());
            for day in (0..22_000).step_by(1) {
                for second in [0, 1, 5_400, 9_000, 43_200, 86_399] {
                    let date = civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(day));
                    let clock = DateTime::from_parts(date.unwrap(), civil::time(0, 0, 0, 0))
                        .checked_add(jiff::Span::new().seconds(i64::from(second)))
                        .unwrap();
                    let unix = slow.to_timestamp(clock).unwrap().as_second();
                    let (on, at) = naive(&slow, unix);
                    if on != day {
                        continue;
                    }
                    let ours = fast.second_of_wall(day, second);
                    // A skipped time is moved to the end of the skip; jiff moves it by the skip.
                    assert!(ours == at || (ours < at && at - ours <= 3_600), "{name} {day}");
                }
            }
        }
    }

    #[test]
    fn days_that_no_event_may_have_are_none() {
        let zone = Zone::new("UTC").unwrap();
        assert_eq!(zone.local(0), Some((0, 0)));
        assert_eq!(zone.local(-1), None);
        assert_eq!(zone.local(65_534 * 86_400 + 86_399), Some((65_534, 86_399)));
        assert_eq!(zone.local(65_535 * 86_400), None);
        assert_eq!((zone.local(i64::MAX), zone.local(i64::MIN)), (None, None));
        assert_eq!(render(&zone, 10_957, 45_296), "2000-01-01 12:34:56");
        assert!(Zone::new("Asia/Atlantis").is_err());
    }
}
