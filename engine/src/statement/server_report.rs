//! SHOW SERVER: what answers, what it runs on, and what it does now.

use throng_query::catalog::Catalog;
use throng_query::date::Date;
use throng_query::plan::NameKind;
use throng_storage::store::KeyTable;

use super::Reading;
use super::reading::{text, text_or_null};
use crate::answer::Value;
use crate::compactor::Background;
use crate::kernel::{self, Level};
use crate::options::MEMORY_DEFAULT;

const DAY_SECONDS: i64 = 86_400;

/// One row per property, with its value as text; null where nobody knows it.
pub(super) fn lines(reading: &Reading<'_>) -> Vec<Vec<Value>> {
    let (view, vitals, options) = (reading.view, reading.vitals, reading.options);
    let snapshot = view.snapshot();
    let segments = snapshot.segments();
    let events: u64 = segments.iter().map(|segment| segment.rows()).sum();
    let uptime = vitals.uptime().as_secs();
    let opened = options.now.map(|now| now.saturating_sub(i64::try_from(uptime).unwrap_or(0)));
    let levels = Level::ALL.into_iter().filter(|level| level.is_available());
    let levels: Vec<_> = levels.map(Level::name).collect();
    let merging = match vitals.compaction() {
        with if with.background == Background::On => {
            format!("{} % of a core", with.core_percent.clamp(1, 100))
        }
        _ => "off".to_owned(),
    };
    let memo = view.memo().usage();
    let number = |number: usize| Some(number.to_string());
    [
        ("version", Some(env!("CARGO_PKG_VERSION").to_owned())),
        ("store", Some(vitals.place().display().to_string())),
        ("open_since", opened.and_then(moment)),
        ("uptime_seconds", Some(uptime.to_string())),
        ("kernels", Some(kernel::level().name().to_owned())),
        ("kernels_available", Some(levels.join(", "))),
        ("workers", number(options.workers())),
        ("statement_memory", number(options.memory.unwrap_or(MEMORY_DEFAULT))),
        ("memo_limit", number(memo.limit)),
        ("memo_bytes", number(memo.bytes)),
        ("memo_sets", number(memo.sets)),
        ("memo_passes", number(memo.passes)),
        ("memo_hits", Some(memo.hits.to_string())),
        ("memo_misses", Some(memo.misses.to_string())),
        ("lane_filter_bytes", number(view.filter_bytes())),
        ("statements_running", number(vitals.running())),
        ("connections", options.connections.and_then(number)),
        ("background_merging", Some(merging)),
        ("events", Some(events.to_string())),
        ("consumers", Some(snapshot.keys_known(KeyTable::Consumer).to_string())),
        ("brands", number(view.names(NameKind::Brand).len())),
        ("segments", number(segments.len())),
    ]
    .map(|(name, value)| vec![text(name), text_or_null(value)])
    .into()
}

/// `2017-11-12T09:30:00Z`; none beyond the days that have a name.
fn moment(seconds: i64) -> Option<String> {
    let day = Date(i32::try_from(seconds.div_euclid(DAY_SECONDS)).ok()?);
    let second = seconds.rem_euclid(DAY_SECONDS);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    Some(format!("{day}T{hour:02}:{minute:02}:{second:02}Z"))
}

#[cfg(test)]
mod tests {
    use super::moment;

    #[test]
    fn moments_are_told_in_utc() {
        assert_eq!(moment(1_510_479_000).as_deref(), Some("2017-11-12T09:30:00Z"));
        assert_eq!(moment(-1).as_deref(), Some("1969-12-31T23:59:59Z"));
        assert_eq!(moment(i64::MAX), None);
    }
}
