//! `fixture DIR`: makes the store of this format version and its answers, to be checked in once.

use std::fs;
use std::path::PathBuf;

use throng_care::fixture;

#[expect(clippy::disallowed_methods, reason = "it writes files that are checked in")]
fn main() {
    let dir: PathBuf = std::env::args().nth(1).expect("the directory to make").into();
    let store = dir.join("store");
    let database = fixture::make(&store);
    let answers = fixture::answers(&database);
    drop(database);
    // Made anew wherever it is wanted, and larger than all the rest.
    fs::remove_dir_all(store.join("catalog")).expect("the catalog is there");
    fs::remove_file(store.join("LOCK")).expect("the lock is there");
    fs::write(dir.join("answers.txt"), answers).expect("the answers can be written");
}
