//! Keeping a store from the command line: backups, checks, repairs.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and damages files behind the product's back"
)]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// Exit code, standard output and standard error.
type Ended = (Option<i32>, String, String);

fn throng(data: &Path, arguments: &[&str], input: &str) -> Ended {
    let mut child = Command::new(env!("CARGO_BIN_EXE_throng"))
        .arg("--data")
        .arg(data)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn good(data: &Path, arguments: &[&str]) -> String {
    let (code, out, err) = throng(data, arguments, "");
    assert_eq!(code, Some(0), "{out}{err}");
    out
}

/// Changes a byte, counted from the end, of the first file with an ending.
fn damage(store: &Path, ending: &str, from_end: usize) -> PathBuf {
    let mut paths: Vec<_> = fs::read_dir(store).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let is_it = |path: &&PathBuf| path.extension().is_some_and(|e| e == ending);
    let path = paths.iter().find(is_it).unwrap();
    let mut bytes = fs::read(path).unwrap();
    let at = bytes.len() - from_end;
    bytes[at] ^= 0x10;
    fs::write(path, bytes).unwrap();
    path.clone()
}

#[test]
fn a_store_is_kept_checked_repaired_and_brought_back() {
    let dir = tempfile::tempdir().unwrap();
    let [store, backup, again] = ["store", "backup", "again"].map(|name| dir.path().join(name));
    let market = ["generate", "--consumers", "2000", "--events", "20k", "--seed", "5"];
    throng(&store, &market, "");
    let target = backup.to_str().unwrap();
    assert!(good(&store, &["check"]).starts_with("nothing is wrong: "));
    assert_eq!(good(&store, &["doctor"]), "nothing is wrong\n");
    let copied = good(&store, &["backup", target, "--copy"]);
    assert!(copied.contains(" files new, 0 kept, 0 removed; "), "{copied}");
    assert!(good(&store, &["backup", target]).contains(": 0 files new, "));
    let whole = good(&store, &["query", "SUM ANY BRAND.spend", "-q"]);

    let index = damage(&store, "idx", 2);
    let segment = damage(&store, "seg", 2_000);
    let (code, out, err) = throng(&store, &["check", "--format", "json"], "");
    assert_eq!(code, Some(1), "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["clean"], false);
    let named = |path: &Path| {
        let findings = report["findings"].as_array().unwrap();
        findings.iter().any(|finding| finding["file"] == path.to_str().unwrap())
    };
    assert!(named(&index) && named(&segment), "{out}");
    assert!(err.contains("throng doctor"), "{err}");

    let (code, out, _) = throng(&store, &["doctor", "--repair"], "no\n");
    assert_eq!(code, Some(1));
    assert!(out.contains("lost by that:") && out.contains("nothing was changed"), "{out}");
    assert!(out.contains("the values of attribute `") || out.contains("who is known"), "{out}");
    let (code, out, err) = throng(&store, &["doctor", "--repair"], "repair\n");
    assert_eq!(code, Some(0), "{out}{err}");
    assert!(out.ends_with("nothing is wrong any more\n"), "{out}");
    let aside = store.join("damaged");
    assert!(aside.join(index.file_name().unwrap()).exists());
    assert!(aside.join(segment.file_name().unwrap()).exists());
    good(&store, &["check"]);

    assert!(good(&again, &["restore", target]).contains("20,000 events"));
    assert_eq!(good(&again, &["query", "SUM ANY BRAND.spend", "-q"]), whole);
    let (code, _, err) = throng(&again, &["restore", target], "");
    assert_eq!(code, Some(1));
    assert!(err.contains("holds `"), "{err}");
    let (code, _, err) = throng(&again, &["backup", store.to_str().unwrap()], "");
    assert_eq!(code, Some(1));
    assert!(err.contains("a store, not a backup"), "{err}");
}
