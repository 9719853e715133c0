//! The measurement of capacity in little: it writes what it found, and does nothing twice.
#![expect(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test of files that panics")]

use std::fs;
use std::path::Path;
use std::process::Command;

fn run(dir: &Path, sizes: &str, brands: &str) -> (bool, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["capacity", "--sizes", sizes, "--brands", brands, "--days", "200"])
        .args(["--memory", "64", "--keep", "--dir"])
        .arg(dir.join("work"))
        .arg("--out")
        .arg(dir.join("docs"))
        .output()
        .unwrap();
    let text = [out.stdout, out.stderr].concat();
    (out.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn two_sizes_are_measured_written_down_and_not_measured_again() {
    let dir = tempfile::tempdir().unwrap();
    let (done, text) = run(dir.path(), "20k", "50");
    assert!(done, "{text}");
    let state = dir.path().join("work").join("state.json");
    let first: serde_json::Value = serde_json::from_slice(&fs::read(&state).unwrap()).unwrap();
    let size = &first["sizes"]["20000"];
    assert_eq!(size["open"]["events"], 20_000);
    assert!(size["open"]["consumers"].as_u64().unwrap() <= 2_000);
    assert!(size["load"]["peak"].as_u64().unwrap() > 1 << 20);
    // 200 days from the first of 2016 touch four blocks of 64 days.
    assert_eq!(size["loads"].as_object().unwrap().len(), 4);
    // Every stage and those in none: the brand's consumers are counted.
    assert!(size["ask"]["questions"]["largest"]["rows"].as_u64().unwrap() >= 4);
    assert_eq!(run(dir.path(), "20k,100k", "50"), {
        let path = dir.path().join("docs").join("capacity.md");
        let told = format!("20 k events: measured before\nwritten: {}\n", path.display());
        (true, told)
    });
    let both: serde_json::Value = serde_json::from_slice(&fs::read(&state).unwrap()).unwrap();
    assert_eq!(both["sizes"]["20000"], *size);
    let text = fs::read_to_string(dir.path().join("docs").join("capacity.md")).unwrap();
    assert!(text.contains("| events | 20 k | 100 k | growth |"), "{text}");
    assert!(text.contains("## What 100 M events need"), "{text}");
    let plot = fs::read_to_string(dir.path().join("docs").join("capacity.svg")).unwrap();
    assert_eq!(plot.matches("<polyline").count(), 8);
    assert_eq!(plot.matches("<circle").count(), 16);
    assert!(!plot.contains("NaN") && !plot.contains("inf"), "{plot}");
    // Figures of other settings are not mixed in.
    let (done, text) = run(dir.path(), "20k", "40");
    assert!(!done && text.contains("go on with the same flags"), "{text}");
}
