//! The stage models every store has, in the language itself.

/// The model of `brand.stage` when none is named.
pub const DEFAULT_MODEL: &str = "aipl";

/// The stages of [`DEFAULT_MODEL`] that are a brand's consumer assets: a bare brand in OVERLAP.
pub const ASSET_STAGES: [&str; 4] = ["A", "I", "P", "L"];

/// The stage of whoever matches no rule of a model.
pub const NO_STAGE: &str = "none";

const AIPL: &str = "\
STAGE L WHEN DID buy ON 2 DAYS IN LAST 365 DAYS
    OR (DID review_positive IN LAST 365 DAYS AND DID buy),
STAGE P WHEN DID buy IN LAST 913 DAYS,
STAGE I WHEN IS MEMBER OR IS FOLLOWER
    OR DID (search, favorite, cart, interact, coupon, share, sample, deposit) IN LAST 15 DAYS
    OR DID view ON 2 DAYS IN LAST 15 DAYS,
STAGE A WHEN DID (exposure, click, content, watch, category_search, view) IN LAST 15 DAYS,
STAGE O WHEN ANY BRAND DID ANY IN TARGET CATEGORIES IN LAST 30 DAYS";

const AIPL_QUICK: &str = "\
STAGE L WHEN DID buy ON 2 DAYS IN LAST 365 DAYS
    OR (DID review_positive IN LAST 365 DAYS AND DID buy),
STAGE P WHEN DID buy IN LAST 913 DAYS,
STAGE I WHEN IS MEMBER OR IS FOLLOWER
    OR DID (click, search, favorite, cart, interact, coupon, share, sample, deposit)
        IN LAST 15 DAYS
    OR DID view ON 2 DAYS IN LAST 15 DAYS,
STAGE A WHEN DID (exposure, content, watch, category_search, view) IN LAST 15 DAYS,
STAGE O WHEN ANY BRAND DID ANY IN TARGET CATEGORIES IN LAST 30 DAYS";

/// Name and text after AS of every built-in model. They cannot be replaced or dropped.
#[must_use]
pub fn models() -> &'static [(&'static str, &'static str)] {
    &[(DEFAULT_MODEL, AIPL), ("aipl_quick", AIPL_QUICK)]
}

/// Whether a model is built in.
#[must_use]
pub fn is_model(name: &str) -> bool {
    models().iter().any(|(known, _)| *known == name)
}
