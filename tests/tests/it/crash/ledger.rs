//! What was sent, what was acknowledged, and what a store has of it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Child;

use throng::{Database, Value};
use throng_tests::{STREAM_BRAND, batch_item, batch_size};

/// Kills of a run of all tests, unless `THRONG_KILLS` says another number.
const KILLS: u32 = 200;

/// How many of all kills a test does, given its share of [`KILLS`].
pub fn rounds(share: u32) -> u32 {
    let kills = std::env::var("THRONG_KILLS").ok().and_then(|text| text.parse().ok());
    (kills.unwrap_or(KILLS) * share / KILLS).max(1)
}

/// Batches tried beyond the last acknowledged one: those that were under way.
const BATCHES_BEYOND: u32 = 12;

/// The batches that a store is known to have.
#[derive(Default)]
pub struct Ledger {
    events: i64,
    pub acknowledged: usize,
    pub unacknowledged_kept: usize,
}

impl Ledger {
    /// A backup that was being written when the program was killed is the one before, or the new
    /// one, and has no batch of this round in part; or there is none yet.
    pub fn check_backup(&self, data: &Path, round: u32) {
        if !data.join("STORE").exists() {
            return;
        }
        let db = Database::open(data).unwrap_or_else(|error| panic!("backup {round}: {error}"));
        for batch in 0..BATCHES_BEYOND {
            let item = batch_item(round, batch);
            let found = count(&db, &format!("COUNT WHERE {STREAM_BRAND} DID buy ITEM '{item}'"));
            let size = i64::from(batch_size(batch));
            assert!(found == 0 || found == size, "backup {round}, batch {batch}: {found}");
        }
        let spent = spend(&db, STREAM_BRAND);
        assert!(spent <= self.events * 100, "backup {round}: more than the store ever had");
    }

    /// Opens the store and looks for every batch of a round: whole or absent, and whole when it
    /// was acknowledged. Together they are all that there is.
    pub fn check(&mut self, data: &Path, round: u32, acknowledged: &BTreeSet<u32>) {
        let db = Database::open(data).unwrap_or_else(|error| panic!("round {round}: {error}"));
        let beyond = acknowledged.last().map_or(0, |last| last + 1) + BATCHES_BEYOND;
        for batch in 0..beyond {
            let item = batch_item(round, batch);
            let size = i64::from(batch_size(batch));
            let found = count(&db, &format!("COUNT WHERE {STREAM_BRAND} DID buy ITEM '{item}'"));
            let place = format!("round {round}, batch {batch}");
            assert!(found == 0 || found == size, "{place}: {found} of {size} are there");
            let is_acknowledged = acknowledged.contains(&batch);
            assert!(!is_acknowledged || found == size, "{place} was acknowledged and is gone");
            self.events += found;
            self.unacknowledged_kept += usize::from(found > 0 && !is_acknowledged);
        }
        self.acknowledged += acknowledged.len();
        assert_eq!(spend(&db, STREAM_BRAND), self.events * 100, "round {round}: all rounds");
    }
}

/// The one number of a COUNT. A brand that no kept event names is not known: nobody.
pub fn count(db: &Database, statement: &str) -> i64 {
    match db.query(statement) {
        Ok(answer) => match answer.rows[0][0] {
            Value::Integer(number) => number,
            ref other => panic!("{statement}: {other:?}"),
        },
        Err(error) if error.to_string().contains("no brand is called") => 0,
        Err(error) => panic!("{statement}: {error}"),
    }
}

/// Net spend at a brand, in minor units.
pub fn spend(db: &Database, brand: &str) -> i64 {
    match db.query(&format!("SUM {brand}.spend")) {
        Ok(answer) => match &answer.rows[0][0] {
            Value::Numeric(sum) => i64::try_from(sum.unscaled).unwrap(),
            Value::Null => 0,
            other => panic!("{other:?}"),
        },
        Err(error) if error.to_string().contains("no brand is called") => 0,
        Err(error) => panic!("{error}"),
    }
}

/// SIGKILL: nothing of the process runs any more.
pub fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}
