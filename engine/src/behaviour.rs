//! The behaviours that every store knows.

/// Interned in this order when a store is made, so that their ids are 1, 2, ... in every store.
pub const BUILT_IN: [&str; 21] = [
    "exposure",
    "click",
    "view",
    "search",
    "category_search",
    "favorite",
    "cart",
    "buy",
    "refund",
    "review_positive",
    "interact",
    "coupon",
    "share",
    "sample",
    "deposit",
    "content",
    "watch",
    "join",
    "leave",
    "follow",
    "unfollow",
];

/// The id of `buy`.
pub const BUY: u16 = 8;
/// The id of `refund`.
pub const REFUND: u16 = 9;
/// The id of `join`.
pub const JOIN: u16 = 18;
/// The id of `leave`.
pub const LEAVE: u16 = 19;
/// The id of `follow`.
pub const FOLLOW: u16 = 20;
/// The id of `unfollow`.
pub const UNFOLLOW: u16 = 21;

/// Whether the name is one of [`BUILT_IN`].
#[must_use]
pub fn is_built_in(name: &str) -> bool {
    BUILT_IN.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::{BUILT_IN, BUY, FOLLOW, JOIN, LEAVE, REFUND, UNFOLLOW};

    #[test]
    fn ids_are_positions_from_one() {
        let named = [
            (BUY, "buy"),
            (REFUND, "refund"),
            (JOIN, "join"),
            (LEAVE, "leave"),
            (FOLLOW, "follow"),
            (UNFOLLOW, "unfollow"),
        ];
        for (id, name) in named {
            assert_eq!(BUILT_IN[usize::from(id) - 1], name);
        }
    }
}
