//! A store's names, made up.

use throng_query::builtin;
use throng_query::catalog::{Catalog, Currency};
use throng_query::plan::{AttributeType, NameKind};

pub const BRANDS: &[&str] = &["estee", "lancome", "oppo", "SK-II", "雅诗兰黛", "limit", "sample"];
pub const AUDIENCES: &[&str] = &["warm", "loyal", "双11 buyers"];
pub const PARTITIONS: &[(&str, &[&str])] =
    &[("crowd", &["genz", "young town", "rest"]), ("RFM 5", &["1", "2", "3", "4", "5", "none"])];
pub const STATES: &[&str] = &["member", "follower", "on trial", "subscriber"];
pub const TOUCHPOINTS: &[&str] = &["live", "search_ad", "o'clock", "抖音"];
pub const CATEGORIES: &[&str] = &["skincare", "makeup", "手机"];
pub const BEHAVIOURS: &[&str] = &[
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
    "any",
];
pub const ATTRIBUTES: &[(Option<&str>, &str, AttributeType)] = &[
    (None, "age", AttributeType::Text),
    (None, "gender", AttributeType::Text),
    (None, "city_tier", AttributeType::Integer),
    (None, "power", AttributeType::Decimal { scale: 2 }),
    (None, "vip", AttributeType::Boolean),
    (None, "birthday", AttributeType::Date),
    (None, "count", AttributeType::Integer),
    (None, "order", AttributeType::Text),
    (None, "audience", AttributeType::Text),
    (None, "收入", AttributeType::Integer),
    (Some("estee"), "level", AttributeType::Text),
    (Some("estee"), "points", AttributeType::Integer),
    (Some("SK-II"), "member since", AttributeType::Date),
];

/// The names above, and the built-in models.
pub struct Names;

impl Catalog for Names {
    fn exists(&self, kind: NameKind, name: &str) -> bool {
        match kind {
            NameKind::Attribute => self.attribute(None, name).is_some(),
            _ => self.names(kind).iter().any(|known| known == name),
        }
    }

    fn names(&self, kind: NameKind) -> Vec<String> {
        let names: Vec<&str> = match kind {
            NameKind::Audience => AUDIENCES.to_vec(),
            NameKind::Brand => BRANDS.to_vec(),
            NameKind::Behaviour => BEHAVIOURS.to_vec(),
            NameKind::Model => builtin::models().iter().map(|(name, _)| *name).collect(),
            NameKind::Touchpoint => TOUCHPOINTS.to_vec(),
            NameKind::Category => CATEGORIES.to_vec(),
            NameKind::State => STATES.to_vec(),
            NameKind::Partition => PARTITIONS.iter().map(|(name, _)| *name).collect(),
            NameKind::Attribute => {
                let full = |(brand, name, _): &(Option<&str>, &str, AttributeType)| match brand {
                    Some(brand) => format!("{brand}.{name}"),
                    None => (*name).to_owned(),
                };
                return ATTRIBUTES.iter().map(full).collect();
            }
        };
        names.into_iter().map(str::to_owned).collect()
    }

    fn attribute(&self, brand: Option<&str>, name: &str) -> Option<AttributeType> {
        let known = ATTRIBUTES.iter().find(|(of, known, _)| *of == brand && *known == name);
        known.map(|(_, _, kind)| *kind)
    }

    fn stages(&self, model: &str) -> Option<Vec<String>> {
        let (_, text) = builtin::models().iter().find(|(name, _)| *name == model)?;
        // Each rule begins a line: what stands between STAGE and WHEN is the stage.
        let rules = text.lines().filter_map(|line| line.strip_prefix("STAGE "));
        let stage = |rule: &str| rule.split(' ').next().map(str::to_owned);
        Some(rules.filter_map(stage).collect())
    }

    fn groups(&self, partition: &str) -> Option<Vec<String>> {
        let (_, groups) = PARTITIONS.iter().find(|(name, _)| *name == partition)?;
        Some(groups.iter().map(|group| (*group).to_owned()).collect())
    }

    fn currency(&self) -> Currency {
        Currency { code: "CNY".to_owned(), exponent: 2 }
    }
}
