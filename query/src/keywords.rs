//! The words of the language.

/// Words that cannot be names unless they are quoted: without them a reader, and the parser,
/// could not tell where a name ends and a clause begins.
pub(crate) const RESERVED: &[&str] = &[
    "AND", "ANY", "AS", "BETWEEN", "BY", "DID", "EVERY", "FROM", "IN", "IS", "LIMIT", "NOT", "OR",
    "ORDER", "SPENT", "TO", "VERSUS", "WHEN", "WHERE",
];

const KEYWORDS: &[&str] = &[
    "AGAINST",
    "ALL",
    "ALTER",
    "ANALYZE",
    "AND",
    "ANY",
    "AS",
    "ASC",
    "ASSET",
    "ATTRIBUTE",
    "ATTRIBUTES",
    "AUDIENCE",
    "AUDIENCES",
    "BACKTEST",
    "BACKUP",
    "BAND",
    "BANDS",
    "BEFORE",
    "BEHAVIOUR",
    "BEHAVIOURS",
    "BETWEEN",
    "BOOLEAN",
    "BRAND",
    "BRANDS",
    "BY",
    "CATEGORIES",
    "CATEGORY",
    "CATEGORY_DAYS",
    "CONSUMER",
    "COPY",
    "COUNT",
    "CREATE",
    "DATE",
    "DAY",
    "DAYS",
    "DECIMAL",
    "DEEPENING",
    "DELETE",
    "DESC",
    "DID",
    "DROP",
    "ERASURES",
    "EVENTS",
    "EVERY",
    "EXISTS",
    "EXPLAIN",
    "FALSE",
    "FAST",
    "FLOW",
    "FOLLOWER",
    "FOR",
    "FORECAST",
    "FORGET",
    "FORMAT",
    "FREQUENCY",
    "FROM",
    "FROZEN",
    "GROUP",
    "GROW",
    "HORIZON",
    "IF",
    "IN",
    "INTEGER",
    "IS",
    "ITEM",
    "ITEMS",
    "JSON",
    "LAST",
    "LEDGER",
    "LIMIT",
    "LIMITS",
    "MATCH",
    "MEASURES",
    "MEMBER",
    "MODEL",
    "MODELS",
    "MONTH",
    "MONTHS",
    "NOT",
    "OF",
    "ON",
    "ONCE",
    "OR",
    "ORDER",
    "OVERLAP",
    "PARTITION",
    "PARTITIONS",
    "PENETRATION",
    "PERCENT",
    "PRICE",
    "PROFILE",
    "PURCHASE_DAYS",
    "RECENCY",
    "REGIONS",
    "REPLACE",
    "RESERVOIR",
    "REST",
    "SAMPLE",
    "SEED",
    "SERVER",
    "SHOW",
    "SPEND",
    "SPENT",
    "STAGE",
    "STATE",
    "STATES",
    "STORAGE",
    "STORE",
    "SUM",
    "TARGET",
    "TEXT",
    "TIME",
    "TIMES",
    "TO",
    "TOP",
    "TOUCHPOINTS",
    "TRUE",
    "UNKNOWN",
    "UNTIL",
    "USING",
    "VERIFY",
    "VERSIONS",
    "VERSUS",
    "VIA",
    "WEEK",
    "WEEKS",
    "WHEN",
    "WHERE",
];

/// Every word of the language, in upper case and in order.
#[must_use]
pub fn keywords() -> &'static [&'static str] {
    KEYWORDS
}

/// Whether a word may not be an unquoted name.
pub(crate) fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
}

/// Whether a word has a meaning in some place.
pub(crate) fn is_keyword(word: &str) -> bool {
    KEYWORDS.iter().any(|known| known.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::{KEYWORDS, RESERVED};

    #[test]
    fn the_words_are_in_order_and_the_reserved_ones_among_them() {
        assert!(KEYWORDS.is_sorted());
        assert!(RESERVED.is_sorted());
        assert!(RESERVED.iter().all(|word| KEYWORDS.contains(word)));
    }
}
