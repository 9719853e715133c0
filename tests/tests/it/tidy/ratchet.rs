//! Exceptions from the rules: a list that may only shrink.

use std::collections::BTreeMap;
use std::fs;

use super::source::root;

/// One thing that a rule does not like.
#[derive(Debug)]
pub struct Finding {
    /// The rule.
    pub rule: &'static str,
    /// The file, and what in it.
    pub place: String,
    /// How much: lines, columns, or how often.
    pub size: usize,
    /// For the reader.
    pub message: String,
}

/// Fails for every finding that the list does not allow, and for every entry that is not needed.
///
/// An entry is `rule place size # reason`. Its size must be the finding's: when the code gets
/// better the entry has to follow, so that it never gets worse again.
pub fn check(rules: &[&str], findings: Vec<Finding>) {
    let path = root().join("tests/tidy.allow");
    let list = fs::read_to_string(&path).unwrap();
    let mut allowed = BTreeMap::new();
    for line in list.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (entry, reason) = line.split_once('#').expect("an entry ends with `# reason`");
        assert!(!reason.trim().is_empty(), "tidy.allow: no reason: {line}");
        let parts: Vec<&str> = entry.split_whitespace().collect();
        let [rule, place, size] = parts[..] else { panic!("tidy.allow: {line}") };
        if rules.contains(&rule) {
            allowed.insert((rule.to_owned(), place.to_owned()), size.parse::<usize>().unwrap());
        }
    }
    let mut problems = Vec::new();
    for finding in findings {
        let key = (finding.rule.to_owned(), finding.place.clone());
        match allowed.remove(&key) {
            None => {
                problems.push(format!("{}: {}: {}", finding.rule, finding.place, finding.message))
            }
            Some(size) if size == finding.size => {}
            Some(size) => problems.push(format!(
                "{}: {}: {} (tidy.allow says {size}: it may only shrink, and must follow)",
                finding.rule, finding.place, finding.message
            )),
        }
    }
    for (rule, place) in allowed.keys() {
        problems.push(format!("tidy.allow: `{rule} {place}` is not needed any more: remove it"));
    }
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}
