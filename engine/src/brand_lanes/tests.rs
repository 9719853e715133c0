//! Filters of lanes: made by questions, right, taken over by later views, and let go.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use throng_storage::segment::Lane;

use super::{BrandLanes, Hashed};
use crate::view::View;
use crate::{CreateOptions, Database, Date, Event, EventBatch, When};

/// Rows that a question may read.
const ROWS: u64 = 1 << 12;

/// A store of one brand whose consumers have events of several behaviours.
fn store() -> (tempfile::TempDir, Database) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store");
    let database = Database::create(&path, &CreateOptions::default()).unwrap();
    (dir, database)
}

/// Every third consumer, or so, does something on a day.
fn load(database: &Database, brand: &str, day: i32, every: u32) {
    load_of(database, brand, day, (0..9_000).step_by(every as usize));
}

/// These do.
fn load_of(database: &Database, brand: &str, day: i32, numbers: impl Iterator<Item = u32>) {
    let mut batch = EventBatch::new();
    for number in numbers {
        let behaviour = ["buy", "view", "cart"][number as usize % 3];
        let when = When::day(Date(17_000 + day));
        batch.push(&Event::new(&format!("id:{number}"), brand, behaviour, when));
    }
    database.ingest(&batch, None).unwrap();
}

/// Asks for a brand as often as is needed for filters of all of its lanes.
fn ask(view: &View, brand: u32) -> Arc<BrandLanes> {
    for _ in 0..40 {
        view.brand_lanes_for_one(brand, &mut { ROWS });
    }
    view.brand_lanes_for_one(brand, &mut { ROWS })
}

/// How many lanes, and how often a lane may have somebody whom it does not have; whoever it has it
/// may have.
fn lanes_and_wrong(view: &View, lanes: &BrandLanes) -> (usize, usize) {
    lanes_and_wrong_of(view, lanes, 0..9_000)
}

/// The same for some consumers.
fn lanes_and_wrong_of(
    view: &View,
    lanes: &BrandLanes,
    consumers: impl Iterator<Item = u32>,
) -> (usize, usize) {
    let segments = view.snapshot().segments();
    let mut there: HashMap<u64, Vec<u32>> = HashMap::new();
    lanes.each(&[], |segment, lane| {
        let lane = segments[segment].attach(lane);
        let (chunks, there) = (0..view.chunk_end(), there.entry(key(&lane)).or_default());
        lane.wide_cursor().append_consumers(chunks, there).unwrap();
    });
    let mut wrong = 0;
    for consumer in consumers {
        let hashed = Hashed::new(consumer);
        let places = 0..lanes.behaviours().count();
        let some = places.flat_map(|place| lanes.lanes_at(place, segments, hashed));
        let some: Vec<u64> = some.map(|lane| key(&lane)).collect();
        let have = there.iter().filter(|(_, there)| there.binary_search(&consumer).is_ok());
        let mut known = 0;
        for (lane, _) in have {
            assert!(some.contains(lane), "{consumer}");
            known += 1;
        }
        wrong += some.len() - known;
    }
    (there.len(), wrong)
}

/// What tells a lane from others.
fn key(lane: &Lane<'_>) -> u64 {
    lane.rows() << 40 | lane.offset() << 8 | u64::from(lane.behaviour())
}

/// Everything into files, and merged.
fn compact(database: &Database) {
    let _ = database.compact(&mut |_| ControlFlow::Continue(())).unwrap();
}

#[test]
fn many_questions_make_filters_that_later_views_take_over() {
    let (_dir, database) = store();
    load(&database, "one", 0, 2);
    compact(&database);
    let view = database.view().unwrap();
    let brand = view.brand_id("one").unwrap();
    // Few questions make none: every lane may have everybody.
    let mut rows = ROWS;
    let (lanes, wrong) = lanes_and_wrong(&view, &view.brand_lanes_for_one(brand, &mut rows));
    assert_eq!((lanes, wrong, rows), (3, 9_000 * 3 - 4_500, ROWS));
    assert_eq!(view.filter_bytes(), 0);
    let (_, wrong) = lanes_and_wrong(&view, &ask(&view, brand));
    assert!(wrong < 27_000 / 15, "{wrong}");
    let bytes = view.filter_bytes();
    assert!((4_500..9_000).contains(&bytes), "{bytes}");
    // Nothing is left to be done.
    let mut rows = ROWS;
    view.brand_lanes_for_one(brand, &mut rows);
    assert_eq!(rows, ROWS);
    // A batch more: those of before are taken over, those of its lanes are made.
    load(&database, "one", 0, 7);
    let later = database.view().unwrap();
    let (lanes, wrong) = lanes_and_wrong(&later, &later.brand_lanes_for_one(brand, &mut 0));
    assert_eq!(lanes, 6);
    assert!((25_000..28_000).contains(&wrong), "those of three lanes: {wrong}");
    let (_, wrong) = lanes_and_wrong(&later, &ask(&later, brand));
    assert!(wrong < 54_000 / 15, "{wrong}");
    assert!(later.filter_bytes() > bytes);
    drop(view);
    // Of segments that no view has any more nothing stays.
    compact(&database);
    drop(later);
    let merged = database.view().unwrap();
    let (lanes, wrong) = lanes_and_wrong(&merged, &merged.brand_lanes_for_one(brand, &mut 0));
    assert_eq!(lanes, 3);
    assert!(wrong > 9_000, "{wrong}");
    assert_eq!(merged.filter_bytes(), 0);
}

#[test]
fn filters_have_limits_and_give_way_to_brands_that_are_asked_for() {
    let (_dir, database) = store();
    load(&database, "one", 0, 1);
    load(&database, "two", 0, 1);
    database.memo().set_limit(4 * 12_000);
    let view = database.view().unwrap();
    let [one, two] = ["one", "two"].map(|name| view.brand_id(name).unwrap());
    let wrong = |brand| lanes_and_wrong(&view, &ask(&view, brand)).1;
    assert!(wrong(one) < 3_000);
    // There is room for one of the three.
    assert!(wrong(two) > 9_000);
    let bytes = view.filter_bytes();
    assert!((9_000..=12_000).contains(&bytes), "{bytes}");
    // Nobody asks for the first any more.
    for _ in 0..80_000 {
        view.brand_lanes_for_one(two, &mut { ROWS });
    }
    assert!(wrong(two) < 3_000);
    assert!(view.filter_bytes() <= 12_000);
    // Less may be kept than is, and then nothing.
    database.memo().set_limit(0);
    assert_eq!(wrong(one), 18_000);
    assert_eq!(view.filter_bytes(), 0);
}

#[test]
fn filters_that_are_made_at_once_do_not_take_more_than_they_may() {
    let (_dir, database) = store();
    // One lane each, of three chunks, so that a filter takes several questions.
    load_of(&database, "one", 0, (0..420_000).step_by(3));
    load_of(&database, "two", 0, (0..420_000).step_by(3));
    let limit = 200_000;
    database.memo().set_limit(4 * limit);
    let view = database.view().unwrap();
    let [one, two] = ["one", "two"].map(|name| view.brand_id(name).unwrap());
    // Both are begun while there is room for either.
    for _ in 0..60 {
        for brand in [one, two] {
            view.brand_lanes_for_one(brand, &mut { ROWS });
            assert!(view.filter_bytes() <= limit);
        }
    }
    let bytes = view.filter_bytes();
    assert!(bytes >= 140_000, "that of one of them: {bytes}");
    for brand in [one, two] {
        lanes_and_wrong(&view, &ask(&view, brand));
    }
}

#[test]
fn filters_of_several_chunks_are_made_piece_by_piece() {
    let (_dir, database) = store();
    load_of(&database, "one", 0, 0..150_000);
    let view = database.view().unwrap();
    let brand = view.brand_id("one").unwrap();
    let some = || (0..150_000).step_by(37);
    let mut pieces = 0;
    for question in 0..200 {
        let mut rows = ROWS;
        let lanes = view.brand_lanes_for_one(brand, &mut rows);
        pieces += u32::from(rows < ROWS);
        if question % 20 == 0 {
            lanes_and_wrong_of(&view, &lanes, some());
        }
    }
    assert!(pieces > 6, "three lanes of three chunks, in {pieces} pieces");
    let lanes = view.brand_lanes_for_one(brand, &mut 0);
    let (count, wrong) = lanes_and_wrong_of(&view, &lanes, some());
    assert_eq!(count, 3);
    assert!(wrong < 150_000 / 37 * 3 / 15, "{wrong}");
}
