//! The measurements of the service, in little: they run, and what they measure holds.

use std::time::Duration;

use serde_json::Value;
use throng::{Background, CompactionOptions, UseMemo};
use throng_benches::{cancel, fair, store_of_loads};

/// Within this a statement has to end even here, without optimisation and beside other tests; the
/// figure of a release is in docs/benchmarks.md.
const LATE_MS_MAX: f64 = 2_000.0;

#[test]
fn statements_end_when_they_are_told_to_and_share_the_cores() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let quiet = CompactionOptions { background: Background::Off, ..CompactionOptions::default() };
    store_of_loads(&path, 160_000, quiet).unwrap();
    let mut told: Vec<Value> = Vec::new();
    cancel(&path, 4, None, &mut |report| told.push(report.clone())).unwrap();
    assert!(told.len() >= 12, "every statement is told about");
    let mut ended = 0;
    for report in &told {
        for how in ["cancel", "deadline"] {
            ended += report[how]["ended"].as_u64().unwrap();
            if let Some(late) = report[how]["max_ms"].as_f64() {
                assert!(late < LATE_MS_MAX, "{report}");
            }
        }
    }
    assert!(ended > 0, "some were ended in the middle of their work");
    told.clear();
    fair(&path, Duration::from_millis(200), UseMemo::No, &mut |report| told.push(report.clone()))
        .unwrap();
    assert_eq!(told.len(), 4);
    assert!(told.iter().all(|report| report["light"]["asked"].as_u64().unwrap() > 0), "{told:?}");
    let beside = told.iter().skip(1);
    // Heavy statements go on beside light ones.
    assert!(beside.clone().count() == 3);
    for report in beside {
        assert!(report["light"]["heavy_asked"].as_u64().unwrap() > 0, "{report}");
    }
}
