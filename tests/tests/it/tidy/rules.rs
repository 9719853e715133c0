//! What every file must be like.

use std::path::Path;

use super::ratchet::{Finding, check};
use super::source::{files, is_unit_test, root, rust_files};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 100;

#[test]
fn every_file_says_what_it_is() {
    let mut findings = Vec::new();
    for file in rust_files().into_iter().filter(|file| !file.text.starts_with("//! ")) {
        let message = "the first line is not `//! ...`".to_owned();
        findings.push(Finding { rule: "leading_doc", place: file.path, size: 1, message });
    }
    check(&["leading_doc"], findings);
}

#[test]
fn files_are_short() {
    let mut findings = Vec::new();
    for file in rust_files().into_iter().filter(|file| !is_unit_test(&file.path)) {
        let tests = file.test_lines();
        let lines = 1..=file.text.lines().count();
        let size = lines.filter(|&line| !tests.iter().any(|test| test.contains(line))).count();
        if size > FILE_LINES_MAX {
            let message = format!("{size} lines without tests, at most {FILE_LINES_MAX}");
            findings.push(Finding { rule: "file_lines", place: file.path, size, message });
        }
    }
    check(&["file_lines"], findings);
}

#[test]
fn functions_are_short() {
    let mut findings = Vec::new();
    for file in rust_files() {
        for (name, lines) in file.functions() {
            let size = lines.count();
            if size > FUNCTION_LINES_MAX {
                let place = format!("{}:{name}", file.path);
                let message =
                    format!("{size} lines from {}, at most {FUNCTION_LINES_MAX}", lines.first);
                findings.push(Finding { rule: "function_lines", place, size, message });
            }
        }
    }
    check(&["function_lines"], findings);
}

#[test]
fn lines_are_short() {
    let mut findings = Vec::new();
    for file in rust_files() {
        let long: Vec<usize> = (1..)
            .zip(file.text.lines())
            .filter(|(_, line)| line.chars().count() > COLUMNS_MAX)
            .map(|(number, _)| number)
            .collect();
        if !long.is_empty() {
            let message = format!("lines {long:?} have over {COLUMNS_MAX} columns");
            let size = long.len();
            findings.push(Finding { rule: "columns", place: file.path, size, message });
        }
    }
    check(&["columns"], findings);
}

#[test]
fn nothing_is_left_for_later() {
    // Put together here so that this file does not find itself.
    let marks = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"]].map(|parts| parts.concat());
    let calls = ["dbg!", "todo!", "unimplemented!"];
    let mut findings = Vec::new();
    for file in rust_files() {
        let mut size = 0;
        let mut seen = Vec::new();
        for (number, line) in (1..).zip(file.text.lines()) {
            for mark in marks.iter().filter(|mark| has_word(line, mark)) {
                size += 1;
                seen.push(format!("{mark} in line {number}"));
            }
        }
        for call in calls {
            for line in file.word_lines(call.trim_end_matches('!')) {
                if file.code.lines().nth(line - 1).is_some_and(|text| text.contains(call)) {
                    size += 1;
                    seen.push(format!("{call} in line {line}"));
                }
            }
        }
        if size > 0 {
            let message = seen.join(", ");
            findings.push(Finding { rule: "left_over", place: file.path, size, message });
        }
    }
    check(&["left_over"], findings);
}

#[test]
fn links_lead_to_what_is_there() {
    let mut findings = Vec::new();
    for file in files(&[".md"]) {
        let folder = root().join(&file.path);
        let folder = folder.parent().map(Path::to_path_buf).unwrap_or_default();
        for (number, line) in (1..).zip(file.text.lines()) {
            let links = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
            let is_elsewhere = |link: &&str| link.contains("://") || link.starts_with('#');
            for link in links.filter(|link| !is_elsewhere(link)) {
                let path = link.split('#').next().unwrap_or_default();
                if !folder.join(path).exists() {
                    let message = format!("line {number}: there is no `{path}`");
                    let place = file.path.clone();
                    findings.push(Finding { rule: "links", place, size: 1, message });
                }
            }
        }
    }
    check(&["links"], findings);
}

#[test]
fn no_text_names_a_place_of_one_machine() {
    // Put together here so that this file does not find itself.
    let places = [["/wo", "rk/"], ["/ro", "ot/"], ["/ho", "me/"], ["../sha", "red"]];
    let places = places.map(|parts| parts.concat());
    let endings =
        [".rs", ".md", ".toml", ".py", ".sh", ".sql", ".java", ".case", ".allow", "run", ".yml"];
    let mut findings = Vec::new();
    for file in files(&endings) {
        let mut seen = Vec::new();
        for (number, line) in (1..).zip(file.text.lines()) {
            // The one place that looks for real data beside the clone.
            if file.path == ".ci/run" && line.contains("THRONG_REAL_DATA") {
                continue;
            }
            for place in places.iter().filter(|place| has_path(line, place)) {
                seen.push(format!("{place} in line {number}"));
            }
        }
        if !seen.is_empty() {
            let (size, message) = (seen.len(), seen.join(", "));
            findings.push(Finding { rule: "machine_path", place: file.path, size, message });
        }
    }
    check(&["machine_path"], findings);
}

fn has_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].chars().next_back().is_some_and(is_part)
            && !line[at + word.len()..].chars().next().is_some_and(is_part)
    })
}

/// Whether an absolute path (or one upwards) starts so in the line: not the middle of a longer one.
fn has_path(line: &str, start: &str) -> bool {
    line.match_indices(start).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "_-.}/:".contains(c))
            || start.starts_with("..")
    })
}

#[test]
fn words_and_paths_are_found_as_such() {
    assert!(has_word("// NOTE: x", "NOTE") && !has_word("NOTES", "NOTE"));
    assert!(has_path("see /abc/x", "/abc/") && !has_path("https://e.org/abc/x", "/abc/"));
}
