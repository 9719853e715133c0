//! The stores that every version must read, and files of versions to come.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and looks at files behind the product's back"
)]

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use throng::Database;
use throng_care::fixture;
use throng_storage::store::{OpenError, Store, Survey};

#[test]
fn a_store_of_every_format_version_opens_answers_and_is_whole() {
    for version in fixture::CHECKED_IN {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("store");
        fixture::copy_to(version, &store);
        let report = Survey::open(&store).unwrap().check(&mut |_, _| {});
        assert_eq!((report.findings, report.notes), (vec![], vec![]));
        let answers = fixture::checked_in(version).join("answers.txt");
        let expected = fs::read_to_string(answers).unwrap();
        let database = Database::open(&store).unwrap();
        assert_eq!(fixture::answers(&database), expected);
        // It is worked with like any other.
        database.store().checkpoint().unwrap();
        assert_eq!(fixture::answers(&database), expected);
        drop(database);
        let report = throng::care::check(&store, &mut |_, _| {}).unwrap();
        assert_eq!(report.findings, []);
        let database = Database::open(&store).unwrap();
        assert_eq!(fixture::answers(&database), expected);
        // Merges take its segments in, whatever their version.
        let (merged, _) = database.store().compact_all(&mut |_| ControlFlow::Continue(())).unwrap();
        assert!(merged.jobs > 0);
        assert_eq!(fixture::answers(&database), expected);
    }
}

#[test]
fn a_store_made_now_answers_as_the_ones_made_then() {
    let dir = tempfile::tempdir().unwrap();
    let database = fixture::make(&dir.path().join("store"));
    for version in fixture::CHECKED_IN {
        let answers = fixture::checked_in(version).join("answers.txt");
        let expected = fs::read_to_string(answers).unwrap();
        assert_eq!(fixture::answers(&database), expected, "{version}");
    }
    drop(database);
    let report = throng::care::check(&dir.path().join("store"), &mut |_, _| {}).unwrap();
    assert_eq!((report.findings, report.notes), (vec![], vec![]));
}

/// Where each kind of file says its version, from its begin or from its end, and the newest.
const VERSIONS: [(&str, &str, i64, u8); 8] = [
    ("STORE", "", 8, 1),
    ("STORE", "", 16, 1),
    ("MANIFEST", "", 8, 1),
    ("wal-", ".log", 8, 1),
    ("seg-", ".seg", 8, 2),
    ("idx-", ".idx", 8, 1),
    ("dict-consumer-", ".dict", -88, 1),
    ("catalog-", ".dump", 4, 1),
];

#[test]
fn a_file_of_a_newer_version_is_refused_by_name_and_version() {
    let newest = fixture::CHECKED_IN[fixture::CHECKED_IN.len() - 1];
    for (begin, end, at, version) in VERSIONS {
        let dir = tempfile::tempdir().unwrap();
        fixture::copy_to(newest, dir.path());
        let path = find(dir.path(), begin, end);
        let mut bytes = fs::read(&path).unwrap();
        let at = usize::try_from(if at < 0 { bytes.len() as i64 + at } else { at }).unwrap();
        assert_eq!(bytes[at], version, "{begin}{end} has its version there");
        bytes[at] = 9;
        fs::write(&path, &bytes).unwrap();
        let Err(error) = Store::open(dir.path()) else { panic!("{begin}{end} is not refused") };
        let error = error.to_string();
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(error.contains(name), "{error}");
        let reads = format!("reads version {version}");
        assert!(error.contains("version 9") && error.contains(&reads), "{error}");
        let report = throng::care::check(dir.path(), &mut |_, _| {}).unwrap();
        let named = report.findings.iter().find(|finding| finding.path.ends_with(name));
        assert!(named.unwrap().to_string().contains("version 9"), "{:?}", report.findings);
        bytes[at] = version;
        fs::write(&path, &bytes).unwrap();
        assert!(!matches!(Store::open(dir.path()), Err(OpenError::Corrupt(_))));
    }
}

fn find(dir: &Path, begin: &str, end: &str) -> std::path::PathBuf {
    let mut paths: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let fits = |path: &&std::path::PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with(begin) && name.ends_with(end)
    };
    paths.iter().find(fits).unwrap().clone()
}
