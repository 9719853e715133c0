//! The stage models every store has, in the language itself.

use crate::plan::State;

/// The model of `brand.stage` when none is named.
pub const DEFAULT_MODEL: &str = "aipl";

/// The version of every built-in model: raised when the rules of one of them change.
pub const BUILT_IN_VERSION: u32 = 1;

/// The stages of [`DEFAULT_MODEL`] that are a brand's consumer assets: a bare brand in OVERLAP.
pub const ASSET_STAGES: [&str; 4] = ["A", "I", "P", "L"];

/// The stage of whoever matches no rule of a model.
pub const NO_STAGE: &str = "none";

/// The stage of `aipl` and `aipl_quick` that is no relation with the brand yet.
const OPPORTUNITY_STAGE: &str = "O";

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

/// Before the last 30 days is what tells a new buyer from one who came back. The deepest stage is
/// first, as in the other models.
const LIFECYCLE: &str = "\
STAGE active WHEN DID buy IN LAST 90 DAYS AND DID buy BEFORE LAST 30 DAYS,
STAGE new WHEN DID buy IN LAST 30 DAYS,
STAGE dormant WHEN DID buy IN LAST 365 DAYS,
STAGE lost WHEN DID buy,
STAGE prospect WHEN DID ANY";

/// Divides the stages of `aipl` further: keen and numerous are L, initial is P, perform, enthuse
/// and engage are I, discover is A.
const DEEPLINK: &str = "\
STAGE keen WHEN stage(aipl) = L AND (DID (review_positive, share) IN LAST 365 DAYS
    OR (IS MEMBER AND TOP 20 PERCENT OF (stage(aipl) = L) BY SPEND IN LAST 365 DAYS)),
STAGE numerous WHEN stage(aipl) = L,
STAGE initial WHEN stage(aipl) = P,
STAGE perform WHEN stage(aipl) = I AND DID (cart, favorite, deposit) IN LAST 15 DAYS,
STAGE enthuse WHEN stage(aipl) = I AND (IS MEMBER OR IS FOLLOWER
    OR DID (share, interact, coupon, sample, search) IN LAST 15 DAYS),
STAGE engage WHEN stage(aipl) = I,
STAGE discover WHEN stage(aipl) = A";

/// Name and text after AS of every built-in model. They cannot be replaced or dropped, and refer
/// to the stages of earlier ones only.
#[must_use]
pub fn models() -> &'static [(&'static str, &'static str)] {
    &[
        (DEFAULT_MODEL, AIPL),
        ("aipl_quick", AIPL_QUICK),
        ("lifecycle", LIFECYCLE),
        ("deeplink", DEEPLINK),
    ]
}

/// A brand's members.
pub const MEMBER: &str = "member";

/// The states of every store, each with the behaviours that begin and end it. They cannot be
/// replaced or dropped. In statements they may be written in any case, as words of the language.
#[must_use]
pub fn states() -> Vec<State> {
    let state = |name: &str, from: &str, until: &str| State {
        name: name.to_owned(),
        from: vec![from.to_owned()],
        until: vec![until.to_owned()],
    };
    vec![state(MEMBER, "join", "leave"), state("follower", "follow", "unfollow")]
}

/// The built-in state that a word means, whatever its case.
#[must_use]
pub fn state_of(word: &str) -> Option<&'static str> {
    [MEMBER, "follower"].into_iter().find(|name| name.eq_ignore_ascii_case(word))
}

/// Whether a stage of a model is outside the brand's consumer assets: `none`, and opportunity.
#[must_use]
pub fn is_outside(model: &str, stage: &str) -> bool {
    let has_opportunity = [DEFAULT_MODEL, "aipl_quick"].contains(&model);
    stage == NO_STAGE || (has_opportunity && stage == OPPORTUNITY_STAGE)
}

/// Whether a model is built in.
#[must_use]
pub fn is_model(name: &str) -> bool {
    models().iter().any(|(known, _)| *known == name)
}

#[cfg(test)]
mod tests {
    use super::{BUILT_IN_VERSION, models};

    /// Answers tell the version, so other rules must have another.
    #[test]
    fn other_rules_are_another_version() {
        // FNV-1a (Fowler, Noll, Vo).
        let mut hash = 0xCBF2_9CE4_8422_2325_u64;
        for (name, rules) in models() {
            for byte in name.bytes().chain([b'\n']).chain(rules.bytes()) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
            }
        }
        assert_eq!((BUILT_IN_VERSION, hash), (1, 0xF429_1067_A1FA_160F), "raise BUILT_IN_VERSION");
    }
}
