//! A little of what `cargo power-cuts` does at length, and proof that it can fail.

use std::sync::atomic::Ordering;

use throng_cuts::{Batch, Deleted, Ending, Honesty, Load, Row, Search, Step, Sweep, explore};
use throng_storage::store::{Depth, Links};

fn batch(token: Option<&str>, amounts: std::ops::Range<i64>) -> Batch {
    let row = |amount| Row {
        // Long enough that it stands nowhere by chance.
        names: [format!("consumer{amount}"), "b".into(), "did".into(), "i".into()],
        day: 17_000,
        second: 1,
        amount,
    };
    Batch { token: token.map(str::to_owned), rows: amounts.map(row).collect() }
}

/// Everything once, as short as it gets.
fn written_down() -> Vec<Step> {
    let load = Load {
        batch: batch(Some("t1"), 10..14),
        index: Some(("i".to_owned(), Some(2))),
        definition: Some(("d".to_owned(), "1".to_owned())),
        memory: 100,
        ending: Ending::Commit,
    };
    vec![
        Step::Open,
        Step::Batches(vec![batch(Some("t0"), 0..2), batch(None, 2..4)]),
        Step::Backup(Links::Allowed),
        Step::Load(load),
        Step::Define(vec![("e".to_owned(), Some("2".to_owned()))]),
        Step::Checkpoint,
        Step::Backup(Links::Never),
        Step::Batches(vec![batch(Some("t0"), 20..21)]),
        // A checkpoint with something between its parts.
        Step::Batches(vec![batch(Some("t2"), 30..33)]),
        Step::Advance,
        Step::Batches(vec![batch(Some("t3"), 40..43)]),
        Step::Backup(Links::Allowed),
        Step::Define(vec![("e".to_owned(), Some("3".to_owned()))]),
        Step::Advance,
        Step::Batches(vec![batch(Some("t2"), 50..51), batch(None, 51..53)]),
        Step::Define(vec![("e".to_owned(), None)]),
        Step::Compact(Depth::Full, None),
        Step::Advance,
        Step::Restore,
        Step::Open,
    ]
}

/// People and events are taken out, in memory, in files, in an index and while a checkpoint is
/// under way; one comes again; and all is merged.
fn erasing() -> Vec<Step> {
    let forget = |who: &[&str]| Step::Forget(who.iter().map(|&one| one.to_owned()).collect());
    let load = Load {
        batch: batch(Some("t1"), 10..16),
        index: Some(("i".to_owned(), Some(4))),
        definition: None,
        memory: 100,
        ending: Ending::Commit,
    };
    let days = (16_990, 17_000);
    let deleted = Deleted { brand: "b".to_owned(), behaviour: Some("did".to_owned()), days };
    vec![
        Step::Open,
        Step::Load(load),
        Step::Batches(vec![batch(None, 20..23)]),
        forget(&["consumer11", "consumer20", "nobody"]),
        Step::Batches(vec![batch(None, 30..33), batch(None, 20..21)]),
        Step::Advance,
        forget(&["consumer30", "consumer12"]),
        Step::Advance,
        Step::Backup(Links::Allowed),
        Step::Advance,
        Step::CompactAll(None),
        Step::Backup(Links::Never),
        Step::Batches(vec![batch(Some("t2"), 11..12), batch(None, 40..42)]),
        Step::Delete(deleted),
        Step::Batches(vec![batch(None, 50..53)]),
        forget(&["consumer51", "consumer13"]),
        Step::Open,
        Step::CompactAll(Some(2)),
        Step::CompactAll(None),
        Step::Open,
    ]
}

#[test]
fn nothing_acknowledged_is_lost_in_power_cuts() {
    let search = Search::new(1, 1, Honesty::Honest);
    let scripts = explore(&search, 2_500, 2, &|| {}).unwrap_or_else(|failure| panic!("{failure}"));
    println!("{scripts} scripts, {} states", search.total());
    assert!(search.states.iter().all(|states| states.load(Ordering::Relaxed) > 100));
}

#[test]
fn steps_that_are_written_down_survive_every_cut() {
    let (search, steps) = (Search::new(2, 3, Honesty::Honest), written_down());
    let all: Vec<usize> = (0..steps.len()).collect();
    search.explore(0, &all, &steps).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(search.total() > 500);
    let (search, steps) = (Search::new(4, 3, Honesty::Honest), erasing());
    let all: Vec<usize> = (0..steps.len()).collect();
    search.explore(0, &all, &steps).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(search.total() > 500);
}

#[test]
fn a_disk_that_syncs_nothing_is_found_out() {
    let search = Search::new(1, 1, Honesty::SyncsNothing);
    let failure = explore(&search, 1_000, 1, &|| {}).unwrap_err();
    assert!(!failure.cuts.is_empty() && failure.kept.len() <= 2, "{failure}");
    let again = search.again(failure.script, &failure.kept, &failure.cuts);
    assert_eq!(again.unwrap_err(), failure.what);
}

#[test]
fn a_disk_that_leaves_renames_loose_is_found_out() {
    let search = Search::new(1, 1, Honesty::RenamesLoosely);
    let all: Vec<usize> = (0..written_down().len()).collect();
    search.explore(0, &all, &written_down()).unwrap_err();
}

#[test]
fn a_seed_gives_the_same_states_again() {
    let states = || {
        let search = Search::new(3, 0, Honesty::Honest);
        let steps = &search.steps(0)[..4];
        let failed = search.explore(0, &[0, 1, 2, 3], steps);
        failed.unwrap_or_else(|failure| panic!("{failure}"));
        search.states.map(|states| states.into_inner())
    };
    assert_eq!(states(), states());
}

/// A sync that fails may take the mark at the end of a log, and only that. It must not be missing
/// from the middle of the log later, nor from the end of one that another one follows.
#[test]
fn a_mark_that_a_failed_sync_took_is_written_again() {
    let rotating = [
        Step::Open,
        Step::Batches(vec![batch(None, 0..3)]),
        Step::Checkpoint,
        Step::Batches(vec![batch(None, 10..12)]),
        Step::Advance,
        Step::Batches(vec![batch(None, 20..22)]),
    ];
    let sweep = Sweep::default();
    for seed in 0..8 {
        let search = Search::new(seed, 0, Honesty::Honest);
        sweep.steps(&search, 0, &rotating, 1).unwrap_or_else(|failure| panic!("{failure}"));
    }
    assert!(sweep.read_only.into_inner() > 100);
}

/// A backup gives the log a number that the store had not given then. When the store has given it
/// since, and that log is one that another follows, the next backup takes it along.
#[test]
fn a_backup_gives_logs_numbers_of_its_own() {
    let steps = [
        Step::Open,
        Step::Batches(vec![batch(None, 0..3)]),
        Step::Backup(Links::Never),
        Step::Checkpoint,
        Step::Batches(vec![batch(None, 10..12)]),
        Step::Advance,
        Step::Backup(Links::Never),
        Step::Batches(vec![batch(None, 20..22)]),
        Step::Backup(Links::Allowed),
    ];
    let search = Search::new(3, 2, Honesty::Honest);
    let all: Vec<usize> = (0..steps.len()).collect();
    search.explore(0, &all, &steps).unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn an_error_at_any_call_is_named_and_leaves_everything_whole() {
    let (search, sweep) = (Search::new(1, 0, Honesty::Honest), Sweep::default());
    sweep.steps(&search, 0, &written_down(), 3).unwrap_or_else(|failure| panic!("{failure}"));
    sweep.steps(&search, 0, &erasing(), 3).unwrap_or_else(|failure| panic!("{failure}"));
    for script in 0..2 {
        sweep.script(&search, script, 29).unwrap_or_else(|failure| panic!("{failure}"));
    }
    println!("{sweep:?}");
    assert!(sweep.refused.into_inner() > 100 && sweep.read_only.into_inner() > 10);
}
