//! What is offered at a cursor.

use throng_query::{CompletionKind, complete};

use crate::catalog::Names;

/// The texts offered at `|`.
fn offered(text: &str) -> Vec<String> {
    let cursor = text.find('|').unwrap();
    let found = complete(&text.replace('|', ""), cursor, &Names);
    found.into_iter().map(|completion| completion.text).collect()
}

fn has(text: &str, wanted: &[&str]) {
    let found = offered(text);
    for word in wanted {
        assert!(found.iter().any(|known| known == word), "{text}: no {word} in {found:?}");
    }
}

#[test]
fn keywords_and_names_are_offered_where_they_may_stand() {
    has("|", &["COUNT", "OVERLAP", "SHOW", "CREATE"]);
    assert_eq!(offered("CO|"), ["CONSUMER", "COUNT"]);
    has("COUNT |", &["WHERE", "BY", "AS OF", "EVERY", "ORDER BY", "LIMIT"]);
    assert_eq!(offered("COUNT WH|"), ["WHERE"]);
    has("COUNT WHERE |", &["NOT", "ALL", "ANY BRAND", "estee", "\"SK-II\"", "city_tier"]);
    assert_eq!(offered("COUNT WHERE est|"), ["estee"]);
    assert_eq!(offered("COUNT WHERE 雅|"), ["雅诗兰黛"]);
    has("COUNT WHERE estee |", &["DID", "SPENT", "IS"]);
    has("COUNT WHERE estee.|", &["stage", "level", "points"]);
    assert_eq!(offered("COUNT WHERE estee.le|"), ["level"]);
    assert_eq!(offered("COUNT WHERE estee.stage = |"), ["A", "I", "L", "O", "P", "none"]);
    has("COUNT WHERE estee.stage(|", &["aipl", "aipl_quick"]);
    has("COUNT WHERE estee DID |", &["ANY", "buy", "\"any\""]);
    assert_eq!(offered("COUNT WHERE estee DID (buy, fav|"), ["favorite"]);
    has("COUNT WHERE estee DID buy |", &["ONCE", "ON", "IN", "BETWEEN", "VIA", "ITEM", "AND"]);
    has("COUNT WHERE estee DID buy IN |", &["LAST", "CATEGORY", "TARGET"]);
    has("COUNT WHERE estee DID buy VIA |", &["'live'", "'o''clock'"]);
    assert_eq!(offered("COUNT WHERE estee DID buy VIA 'li|"), ["'live'"]);
    assert_eq!(offered("COUNT WHERE \"SK|"), ["\"SK-II\""]);
    has("COUNT BY estee.stage, |", &["age", "estee", "AUDIENCE"]);
    has("COUNT WHERE AUDIENCE |", &["warm", "\"双11 buyers\""]);
    has("SHOW |", &["BRANDS", "CREATE", "LIMITS"]);
    has("MATCH CONSUMER 'u1' AGAINST AUDIENCE |", &["warm"]);
    has("COUNT WHERE PARTITION crowd = |", &["genz", "\"young town\"", "rest"]);
    has("COUNT WHERE TOP 20 PERCENT BY estee.|", &["SPEND", "FREQUENCY", "RECENCY"]);
    has("FAST |", &["estee"]);
    has("GROW estee IN LAST 3 DAYS |", &["AGAINST", "VIA", "BY"]);
    has("SUM estee.|", &["SPEND", "PURCHASE_DAYS", "points"]);
    has("EXPLAIN |", &["ANALYZE", "COUNT"]);
}

#[test]
fn only_the_statement_at_the_cursor_counts() {
    assert_eq!(offered("SHOW BRANDS; CO| WHERE"), ["CONSUMER", "COUNT"]);
    assert_eq!(offered("nonsense here; SHOW BR|"), ["BRANDS"]);
    assert_eq!(offered("COUNT WHERE estee DID buy VIA ';'; SHOW BR|"), ["BRANDS"]);
}

#[test]
fn nothing_is_offered_where_nothing_fits() {
    for text in ["SHOW NOTHING |", "COUNT -- a comment |", "COUNT /* |", "COUNT WHERE age = 'x|"] {
        assert_eq!(offered(text), [""; 0], "{text}");
    }
}

#[test]
fn a_completion_replaces_the_word_begun() {
    let text = "COUNT WHERE \"SK";
    let found = complete(text, text.len(), &Names);
    assert_eq!(found[0].replaces, 12..15);
    assert_eq!(found[0].kind, CompletionKind::Name);
    let found = complete("COUNT wh estee", 8, &Names);
    assert_eq!((found[0].text.as_str(), found[0].replaces.clone()), ("WHERE", 6..8));
    assert_eq!(found[0].kind, CompletionKind::Keyword);
}
