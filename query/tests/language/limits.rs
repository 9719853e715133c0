//! Each limit: the most that is allowed, and one more.

use throng_query::limits::{
    DECIMAL_SCALE_MAX, EVERY_DATES_MAX, LIST_LENGTH_MAX, MODEL_STAGES_MAX, NAME_BYTES_MAX,
    NESTING_DEPTH_MAX, OVERLAP_PAIRS_OPERANDS_MAX, OVERLAP_REGIONS_OPERANDS_MAX, PARAMETERS_MAX,
    PARTITIONS_MAX, PROFILE_PARTITIONS_MAX, STATE_BEHAVIOURS_MAX, STATEMENT_BYTES_MAX, TERMS_MAX,
    WINDOW_DAYS_MAX, all,
};
use throng_query::{describe, parse};

use crate::catalog::Names;

/// The SQLSTATE of a statement's error.
fn state(text: &str) -> Option<&'static str> {
    let outcome = parse(text).and_then(|ast| describe(&ast, &Names));
    outcome.err().map(|error| error.sqlstate())
}

fn check(make: impl Fn(usize) -> String, most: usize, refusal: &str) {
    let at_most = make(most);
    let start: String = at_most.chars().take(60).collect();
    assert_eq!(state(&at_most), None, "{start}");
    assert_eq!(state(&make(most + 1)), Some(refusal), "{start}");
}

fn repeated(n: usize, part: impl Fn(usize) -> String, joint: &str) -> String {
    (0..n).map(part).collect::<Vec<_>>().join(joint)
}

#[test]
fn nesting_has_a_limit_and_no_depth_overflows_the_stack() {
    let parentheses = |n| format!("COUNT WHERE {}ALL{}", "(".repeat(n), ")".repeat(n));
    check(parentheses, NESTING_DEPTH_MAX, "54001");
    check(|n| format!("COUNT WHERE {} ALL", "NOT ".repeat(n)), NESTING_DEPTH_MAX, "54001");
    let mixed = |n| format!("OVERLAP estee, ({}ALL{})", "NOT (".repeat(n), ")".repeat(n));
    assert_eq!(state(&mixed(NESTING_DEPTH_MAX / 2 - 1)), None);
    assert_eq!(state(&mixed(NESTING_DEPTH_MAX / 2)), Some("54001"));
    assert_eq!(state(&parentheses(400_000)), Some("54001"));
    assert_eq!(state(&format!("COUNT WHERE {}", "NOT ".repeat(250_000))), Some("54001"));
    assert_eq!(state(&format!("COUNT {}", "/*".repeat(500_000))), Some("42601"));
}

#[test]
fn lists_terms_and_bytes_have_limits() {
    let ages = |n| format!("COUNT WHERE age IN ({})", repeated(n, |i| format!("'{i}'"), ","));
    check(ages, LIST_LENGTH_MAX, "54000");
    let items =
        |n| format!("COUNT WHERE estee DID buy ITEM {}", repeated(n, |i| format!("'{i}'"), ","));
    check(items, LIST_LENGTH_MAX, "54000");
    let terms = |n| format!("COUNT WHERE {}", repeated(n, |_| "vip = TRUE".to_owned(), " OR "));
    check(terms, TERMS_MAX, "54001");
    let bytes = |n: usize| format!("COUNT{}", " ".repeat(n - 5));
    check(bytes, STATEMENT_BYTES_MAX, "54000");
    let name = |n: usize| format!("CREATE BEHAVIOUR {}", "n".repeat(n));
    check(name, NAME_BYTES_MAX, "54000");
}

#[test]
fn parameters_have_a_limit() {
    let text = |n| format!("COUNT WHERE age = ${n}");
    // One parameter alone leaves the others unused, which is an error of its own.
    assert_eq!(state(&text(PARAMETERS_MAX)), Some("42P18"));
    assert_eq!(state(&text(PARAMETERS_MAX + 1)), Some("42601"));
    assert_eq!(state("COUNT WHERE age = $99999999999999999999999"), Some("42601"));
}

#[test]
fn queries_have_limits() {
    let set = |i: usize| format!("(city_tier = {i}) AS s{i}");
    let pairs = |n| format!("OVERLAP {}", repeated(n, set, ", "));
    check(pairs, OVERLAP_PAIRS_OPERANDS_MAX, "54000");
    let regions = |n| format!("OVERLAP {} REGIONS", repeated(n, set, ", "));
    check(regions, OVERLAP_REGIONS_OPERANDS_MAX, "54000");
    let parts = |n| format!("COUNT BY {}", repeated(n, |_| "age".to_owned(), ", "));
    check(parts, PARTITIONS_MAX, "54000");
    let profile = |n| format!("PROFILE BY {}", repeated(n, |_| "age".to_owned(), ", "));
    check(profile, PROFILE_PARTITIONS_MAX, "54000");
    let from: throng_query::date::Date = "2010-01-01".parse().unwrap();
    let every = |n| {
        let to = from.plus_days(i32::try_from(n).unwrap() - 1);
        format!("COUNT EVERY 1 DAY FROM '{from}' TO '{to}'")
    };
    check(every, EVERY_DATES_MAX, "54000");
    let window = |n| format!("COUNT WHERE estee DID buy IN LAST {n} DAYS");
    check(window, WINDOW_DAYS_MAX as usize, "22023");
    let distinct = |n| format!("COUNT WHERE estee DID buy ON {n} DAYS");
    check(distinct, WINDOW_DAYS_MAX as usize, "22023");
}

#[test]
fn definitions_have_limits() {
    let stages = |n| {
        let rule = |i| format!("STAGE s{i} WHEN DID buy");
        format!("CREATE MODEL m AS {}", repeated(n, rule, ", "))
    };
    check(stages, MODEL_STAGES_MAX, "54000");
    let state = |n| {
        let behaviours = repeated(n, |_| "view".to_owned(), ", ");
        format!("CREATE STATE s FROM {behaviours} UNTIL buy")
    };
    check(state, STATE_BEHAVIOURS_MAX, "54000");
    let decimal = |n| format!("CREATE ATTRIBUTE x DECIMAL({n})");
    check(decimal, DECIMAL_SCALE_MAX as usize, "22003");
}

#[test]
fn every_limit_has_a_name() {
    let names: Vec<&str> = all().iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), 18);
    assert!(names.iter().all(|name| name.ends_with("_max")));
}
