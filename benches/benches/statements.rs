//! Whole statements over reference events, in the engine: AIPL, a flow, overlaps, segments.
//!
//! `THRONG_BENCH_EVENTS` sets how many events (1,000,000 unless said).

use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use throng_benches::Reference;

const QUESTIONS: [(&str, &str); 8] = [
    ("count everybody", "COUNT"),
    ("aipl largest", "COUNT BY brand_0001.stage"),
    ("aipl small", "COUNT BY brand_0900.stage"),
    (
        "flow largest",
        "COUNT BY brand_0001.stage AS OF '2017-10-20', brand_0001.stage AS OF '2017-11-12'",
    ),
    ("view on 3 days", "COUNT WHERE brand_0001 DID view ON 3 DAYS IN LAST 15 DAYS"),
    (
        "cart twice, no buy",
        "COUNT WHERE brand_0001 DID cart 2 TIMES IN LAST 30 DAYS AND NOT brand_0001 DID buy",
    ),
    ("spent", "COUNT WHERE brand_0001 SPENT >= 500 IN LAST 365 DAYS"),
    ("overlap of assets", "OVERLAP brand_0001, brand_0002, brand_0003, brand_0004 REGIONS"),
];

fn statements(criterion: &mut Criterion) {
    let events = std::env::var("THRONG_BENCH_EVENTS").ok().and_then(|n| n.parse().ok());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("store");
    let database = Reference::of(events.unwrap_or(1_000_000)).store(&path);
    let database = database.expect("the reference store is made");
    // Reading is timed, not remembering.
    database.memo().set_limit(0);
    let mut group = criterion.benchmark_group("statements");
    group.sample_size(10).measurement_time(Duration::from_secs(2));
    for (name, text) in QUESTIONS {
        group.bench_function(name, |bencher| {
            bencher.iter(|| database.query(text).expect("the question is answered"));
        });
    }
    group.finish();
}

criterion_group!(benches, statements);
criterion_main!(benches);
