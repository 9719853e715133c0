//! How a consumer moved between two stages of a model.

use throng_query::builtin::is_outside;

use super::partial::GroupKey;

/// What became of a consumer from one day to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Move {
    /// In no relation with the brand before.
    New,
    /// Nearer to the brand.
    Deepened,
    /// In the same stage.
    Stayed,
    /// Further from the brand.
    Shallowed,
    /// In no relation with the brand any more.
    Lost,
}

impl Move {
    /// Between two places in a model's order, where the deepest stage is first and none is outside;
    /// none for who is outside on both days.
    pub fn between(from: Option<u32>, to: Option<u32>) -> Option<Self> {
        match (from, to) {
            (None, None) => None,
            (None, Some(_)) => Some(Self::New),
            (Some(_), None) => Some(Self::Lost),
            (Some(from), Some(to)) if to < from => Some(Self::Deepened),
            (Some(from), Some(to)) if to > from => Some(Self::Shallowed),
            (Some(_), Some(_)) => Some(Self::Stayed),
        }
    }

    /// As answers call it.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Deepened => "deepened",
            Self::Stayed => "stayed",
            Self::Shallowed => "shallowed",
            Self::Lost => "lost",
        }
    }
}

/// The place of a stage in its model; none for those that are no relation with the brand.
pub fn place_of(model: &str, key: &GroupKey) -> Option<u32> {
    match key {
        GroupKey::Stage(place, name) if !is_outside(model, name) => Some(*place),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_places_is_one_kind_of_move() {
        assert_eq!(Move::between(None, None), None);
        assert_eq!(Move::between(None, Some(3)), Some(Move::New));
        assert_eq!(Move::between(Some(3), None), Some(Move::Lost));
        assert_eq!(Move::between(Some(3), Some(0)), Some(Move::Deepened));
        assert_eq!(Move::between(Some(0), Some(3)), Some(Move::Shallowed));
        assert_eq!(Move::between(Some(1), Some(1)), Some(Move::Stayed));
    }

    #[test]
    fn opportunity_is_outside_of_aipl_only() {
        let key = GroupKey::Stage(4, "O".to_owned());
        assert_eq!(place_of("aipl", &key), None);
        assert_eq!(place_of("mine", &key), Some(4));
        assert_eq!(place_of("mine", &GroupKey::Stage(5, "none".to_owned())), None);
    }
}
