//! The stage models that every store has, written in the language itself.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use throng_query::plan::Model;

/// Name and text of each built-in model.
pub const MODELS: [(&str, &str); 2] = [
    (
        "aipl",
        "STAGE L WHEN DID buy ON 2 DAYS IN LAST 365 DAYS \
         OR (DID review_positive IN LAST 365 DAYS AND DID buy),\n\
         STAGE P WHEN DID buy IN LAST 913 DAYS,\n\
         STAGE I WHEN IS member OR IS follower OR DID (search, favorite, cart, interact, coupon, \
         share, sample, deposit) IN LAST 15 DAYS OR DID view ON 2 DAYS IN LAST 15 DAYS,\n\
         STAGE A WHEN DID (exposure, click, content, watch, category_search, view) \
         IN LAST 15 DAYS,\n\
         STAGE O WHEN ANY BRAND DID ANY IN TARGET CATEGORIES IN LAST 30 DAYS",
    ),
    (
        "aipl_quick",
        "STAGE L WHEN DID buy ON 2 DAYS IN LAST 365 DAYS \
         OR (DID review_positive IN LAST 365 DAYS AND DID buy),\n\
         STAGE P WHEN DID buy IN LAST 913 DAYS,\n\
         STAGE I WHEN IS member OR IS follower OR DID (click, search, favorite, cart, interact, \
         coupon, share, sample, deposit) IN LAST 15 DAYS OR DID view ON 2 DAYS IN LAST 15 DAYS,\n\
         STAGE A WHEN DID (exposure, content, watch, category_search, view) IN LAST 15 DAYS,\n\
         STAGE O WHEN ANY BRAND DID ANY IN TARGET CATEGORIES IN LAST 30 DAYS",
    ),
];

/// Whether a model of this name comes with every store.
#[must_use]
pub fn is_built_in(name: &str) -> bool {
    MODELS.iter().any(|(model, _)| *model == name)
}

/// The built-in models, bound once for the whole process.
pub(super) fn models() -> &'static BTreeMap<String, Arc<Model>> {
    static BOUND: LazyLock<BTreeMap<String, Arc<Model>>> = LazyLock::new(BTreeMap::new);
    &BOUND
}
