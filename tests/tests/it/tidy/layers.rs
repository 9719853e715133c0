//! Arrows point one way: which room may know which, and who may hold `unsafe`.

use std::fs;

use super::ratchet::{Finding, check};
use super::source::{SourceFile, is_unit_test, root, rust_files};

/// A package's folder and what its `[dependencies]` must not name.
const ABSENT: [(&str, &[&str]); 4] = [
    ("query", &["throng", "throng-storage", "throng-server", "tokio", "memmap2", "crossbeam"]),
    ("storage", &["throng", "throng-query", "throng-server", "tokio", "pgwire"]),
    ("engine", &["throng-server", "tokio", "pgwire", "sled", "bincode", "memmap2"]),
    ("server", &["throng-storage", "sled", "bincode", "memmap2", "roaring"]),
];

/// Folders whose files may hold `unsafe`.
const UNSAFE_ROOMS: [&str; 2] = ["storage/src/", "engine/src/kernel"];

/// A crate of others and the only place that may name it.
const BEHIND_ONE_MODULE: [(&str, &str); 3] =
    [("bincode", "storage/src/codec"), ("sled", "storage/src/catalog"), ("pgwire", "server/src/")];

/// What the language must not touch, as code.
const NOT_IN_QUERY: [&str; 6] =
    ["std::fs", "std::net", "std::thread", "std::env", "std::process", "SystemTime"];

fn finding(rule: &'static str, file: &SourceFile, message: String) -> Finding {
    Finding { rule, place: file.path.clone(), size: 1, message }
}

#[test]
fn packages_depend_one_way() {
    let mut findings = Vec::new();
    for (package, absent) in ABSENT {
        let text = fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap();
        let section = text.split("\n[dependencies]\n").nth(1).expect("a [dependencies] section");
        let section = section.split("\n[").next().unwrap();
        for line in section.lines() {
            let name = line.split(['.', ' ', '=']).next().unwrap();
            if absent.contains(&name) {
                let place = format!("{package}/Cargo.toml:{name}");
                let message = format!("`{package}` must not know `{name}`");
                findings.push(Finding { rule: "layer", place, size: 1, message });
            }
        }
    }
    check(&["layer"], findings);
}

#[test]
fn unsafe_is_only_where_bytes_and_kernels_are() {
    let mut findings = Vec::new();
    for file in rust_files() {
        let lines = file.word_lines("unsafe");
        if !lines.is_empty() && !UNSAFE_ROOMS.iter().any(|room| file.path.starts_with(room)) {
            findings.push(finding("unsafe_room", &file, format!("`unsafe` in lines {lines:?}")));
        }
    }
    check(&["unsafe_room"], findings);
}

#[test]
fn foreign_formats_stay_behind_one_module() {
    let mut findings = Vec::new();
    for file in rust_files() {
        for (name, room) in BEHIND_ONE_MODULE {
            if !file.word_lines(name).is_empty() && !file.path.starts_with(room) {
                let message = format!("`{name}` is only known to {room}");
                findings.push(finding("behind_one_module", &file, message));
            }
        }
    }
    check(&["behind_one_module"], findings);
}

#[test]
fn the_language_touches_nothing_outside() {
    let mut findings = Vec::new();
    for file in rust_files().iter().filter(|file| file.path.starts_with("query/src/")) {
        for name in NOT_IN_QUERY.iter().filter(|name| file.code.contains(**name)) {
            findings.push(finding("query_is_pure", file, format!("`{name}`")));
        }
    }
    check(&["query_is_pure"], findings);
}

#[test]
fn lib_and_mod_files_only_declare_and_re_export() {
    let mut findings = Vec::new();
    for file in rust_files() {
        let name = file.path.rsplit('/').next().unwrap();
        if (name != "lib.rs" && name != "mod.rs") || is_unit_test(&file.path) {
            continue;
        }
        let tests = file.test_lines();
        let functions = file.functions();
        let code: Vec<&str> = functions
            .iter()
            .filter(|(_, lines)| !tests.iter().any(|test| test.contains(lines.first)))
            .map(|(name, _)| name.as_str())
            .collect();
        if !code.is_empty() {
            let (size, message) = (code.len(), format!("functions {code:?}"));
            let place = file.path;
            findings.push(Finding { rule: "declares_only", place, size, message });
        }
    }
    check(&["declares_only"], findings);
}
