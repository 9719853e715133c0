//! Heavy statements over the reference events.

use throng::market::ReferenceEvents;
use throng::{Database, DatabaseError};

/// A statement and what it is called in reports.
#[derive(Debug, Clone)]
pub struct Heavy {
    pub name: &'static str,
    pub text: String,
}

/// The five bands of spenders that some statements are divided by.
///
/// # Errors
/// When the store does not take it.
pub fn prepare(database: &Database) -> Result<(), DatabaseError> {
    let brand = ReferenceEvents::brand_name(1);
    let definition = format!("5 BANDS BY {brand}.spend IN LAST 365 DAYS REST never");
    database.query(&format!("CREATE PARTITION IF NOT EXISTS bands AS {definition}")).map(drop)
}

/// A daily trend of the largest brand over 90 days.
pub fn trend() -> Heavy {
    let brand = ReferenceEvents::brand_name(1);
    let days = "EVERY 1 DAY FROM '2017-09-15' TO '2017-12-13'";
    Heavy { name: "trend of 90 days", text: format!("COUNT BY {brand}.stage {days}") }
}

/// All pairs of twenty sets of buyers.
pub fn overlap() -> Heavy {
    Heavy { name: "190 pairs of buyers", text: format!("OVERLAP {}", buyers(20)) }
}

fn buyers(sets: u32) -> String {
    let set = |number: u32| {
        let brand = ReferenceEvents::brand_name(number * 3 + 1);
        format!("({brand} DID buy) AS b{number}")
    };
    (0..sets).map(set).collect::<Vec<_>>().join(", ")
}

/// Statements of every kind that takes long.
pub fn all() -> Vec<Heavy> {
    let brand = ReferenceEvents::brand_name(1);
    let heavy = |name, text: String| Heavy { name, text };
    let year = "EVERY 1 DAY FROM '2017-01-01' TO '2017-12-30'";
    vec![
        heavy("trend of a year", format!("COUNT BY {brand}.stage {year}")),
        heavy("money by bands, a year by weeks", {
            let weeks = "EVERY 1 WEEK FROM '2017-01-01' TO '2017-12-30'";
            format!("SUM {brand}.spend IN LAST 30 DAYS BY PARTITION bands, {brand}.stage {weeks}")
        }),
        heavy("pairs of sets, SAMPLE", {
            let set =
                |n: u32| format!("(SAMPLE {n} PERCENT SEED {n} AND NOT {brand} DID buy) AS s{n}");
            format!("OVERLAP {}", (1..=20).map(set).collect::<Vec<_>>().join(", "))
        }),
        overlap(),
        heavy("regions of ten sets", format!("OVERLAP {} REGIONS", buyers(10))),
        heavy(
            "asset by bands",
            format!("ASSET {brand} HORIZON 365 DAYS USING cohort BY PARTITION bands"),
        ),
        heavy("asset, markov", format!("ASSET {brand} HORIZON 365 DAYS USING markov")),
        heavy(
            "ledger",
            format!("LEDGER {brand} FROM '2017-11-01' TO '2017-12-13' HORIZON 90 DAYS"),
        ),
        heavy(
            "growth by stage",
            format!("GROW {brand} IN LAST 90 DAYS BY {brand}.stage, PARTITION bands"),
        ),
        heavy("profile", {
            let about = "TOP 100 BRANDS OF ANY BRAND DID view, BRANDS OF ANY BRAND DID buy";
            format!("PROFILE WHERE {brand} DID view BY {about}, PARTITION bands, {brand}.stage")
        }),
        heavy("everybody's top fifth", {
            format!("COUNT WHERE TOP 20 PERCENT BY {brand}.spend IN LAST 700 DAYS")
        }),
        heavy("forecast", {
            format!("COUNT WHERE {brand}.stage IN (A, I) {year} FORECAST 90 DAYS")
        }),
    ]
}
