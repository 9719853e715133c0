//! A full disk: writes are refused, nothing is lost, and with room it goes on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use throng::{CreateOptions, Database, Date, Event, EventBatch, When};

use super::trial::GOOD;
use crate::command::{Ended, query, run, throng};

/// Too small for the second load, large enough for a store.
const ROOM_BYTES: usize = 24 << 20;

/// A small file system of its own, in memory.
struct SmallDisk {
    dir: tempfile::TempDir,
}

impl SmallDisk {
    /// None, with the reason printed, where the system does not let us mount one.
    fn new() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let options = format!("size={ROOM_BYTES}");
        let output = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "tmpfs"])
            .arg(dir.path())
            .output();
        match output {
            Ok(output) if output.status.success() => Some(Self { dir }),
            Ok(output) => {
                println!("no small disk: {}", String::from_utf8_lossy(&output.stderr).trim());
                None
            }
            Err(error) => {
                println!("no small disk: mount: {error}");
                None
            }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Fills what is left but for so many bytes.
    fn fill(&self, but: usize) {
        let chunk = vec![0_u8; 64 << 10];
        let mut file = fs::File::create(self.path("ballast")).unwrap();
        while std::io::Write::write_all(&mut file, &chunk).is_ok() {}
        let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
        file.set_len(length.saturating_sub(but) as u64).unwrap();
    }

    fn make_room(&self) {
        fs::remove_file(self.path("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.dir.path()).output();
    }
}

/// Half a million events of consumers with long names: more than any small disk has room for.
fn large_file(path: &Path) {
    let mut csv = "consumer,brand,behaviour,time,amount\n".to_owned();
    for i in 0..400_000_u32 {
        let name = u64::from(i).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        csv += &format!("device:{name:016x}{name:016x},estee,view,2017-11-12 00:00:01,\n");
    }
    fs::write(path, csv).unwrap();
}

#[test]
fn a_load_that_does_not_fit() {
    let Some(disk) = SmallDisk::new() else { return limited_file_size() };
    let files = tempfile::tempdir().unwrap();
    let (good, large) = (files.path().join("good.csv"), files.path().join("large.csv"));
    fs::write(&good, GOOD).unwrap();
    large_file(&large);
    let data = disk.path("store");
    run(&data, &["load", "events", good.to_str().unwrap()]).good();
    disk.fill(6 << 20);
    let load = ["load", "events", large.to_str().unwrap()];
    run(&data, &load).bad(&["no space left"]);
    assert_eq!(query(&data, "SUM ANY BRAND.spend"), [["119.90"]]);
    assert_eq!(query(&data, "COUNT"), [["3"]]);
    let left = fs::metadata(disk.path("ballast")).unwrap().len();
    assert!(left > 0);
    // What the failed load wrote is gone, so that a small one has room.
    run(&data, &["load", "events", good.to_str().unwrap()]).good();
    assert_eq!(query(&data, "SUM ANY BRAND.spend"), [["239.80"]]);
}

/// Where nothing can be mounted: a limit on the size of files stands for the full disk.
fn limited_file_size() {
    println!("a limit on the size of files stands for the full disk");
    let files = tempfile::tempdir().unwrap();
    let (good, large) = (files.path().join("good.csv"), files.path().join("large.csv"));
    fs::write(&good, GOOD).unwrap();
    large_file(&large);
    let data = files.path().join("store");
    run(&data, &["load", "events", good.to_str().unwrap()]).good();
    let program = throng(&data).get_program().to_owned();
    let mut limited = Command::new("bash");
    // The signal is ignored, so that the write itself fails.
    limited.args(["-c", "trap '' XFSZ; ulimit -f 1024; exec \"$@\"", "bash"]);
    limited.arg(program).arg("--data").arg(&data).args(["load", "events"]).arg(&large);
    Ended::of(limited.output().unwrap()).bad(&["file too large"]);
    assert_eq!(query(&data, "SUM ANY BRAND.spend"), [["119.90"]]);
    run(&data, &["load", "events", large.to_str().unwrap()]).good();
    assert_eq!(query(&data, "COUNT"), [["400003"]]);
}

/// A batch of buys of 1.00 by new consumers.
fn batch(number: u32) -> EventBatch {
    let consumers: Vec<String> =
        (0..2_000).map(|i| format!("device:{number:08}{i:08}-with-a-long-name")).collect();
    let mut batch = EventBatch::new();
    for consumer in &consumers {
        let event = Event::new(consumer, "estee", "buy", When::day(Date(17_000)));
        batch.push(&Event { amount: 100, ..event });
    }
    batch
}

#[test]
fn a_log_that_does_not_fit() {
    let Some(disk) = SmallDisk::new() else {
        println!("skipped: a full log needs a small disk (root, and mount)");
        return;
    };
    let data = disk.path("store");
    let db = Database::create(&data, &CreateOptions::default()).unwrap();
    disk.fill(2 << 20);
    let mut kept = 0;
    let error = loop {
        match db.ingest(&batch(kept), None) {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
        assert!(kept < 1_000, "the disk is never full");
    };
    let message = error_chain(&error);
    assert!(message.to_lowercase().contains("no space left"), "{message}");
    let spent = |db: &Database| db.query("SUM estee.spend").unwrap().rows[0][0].to_string();
    let expected = format!("{}.00", kept * 2_000);
    assert_eq!(spent(&db), expected, "after the refusal");
    // It stays so, and with room the same handle, or a new one, goes on.
    assert!(db.ingest(&batch(kept), None).is_err());
    disk.make_room();
    let db = match db.ingest(&batch(kept), None) {
        Ok(_) => db,
        Err(error) => {
            println!("the handle asks to be opened again: {}", error_chain(&error));
            drop(db);
            let db = Database::open(&data).unwrap();
            assert_eq!(spent(&db), expected, "after opening again");
            let _ = db.ingest(&batch(kept), None).unwrap();
            db
        }
    };
    assert_eq!(spent(&db), format!("{}.00", (kept + 1) * 2_000));
    drop(db);
    let db = Database::open(&data).unwrap();
    assert_eq!(spent(&db), format!("{}.00", (kept + 1) * 2_000));
}

fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text += &format!(": {source}");
        next = source.source();
    }
    text
}
