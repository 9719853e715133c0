//! The text of sets.

use crate::bind::unscaled_text;
use crate::builtin::{DEFAULT_MODEL, state_of};
use crate::catalog::Catalog;
use crate::plan::{
    AtLeast, AttributeRef, AttributeTest, AttributeValue, BrandRef, Comparison, Did, RankedBy,
    RowFilter, Set, TargetCategories, Top, Window,
};

use super::words::{attribute_value, date, leading_name, list, quote_name, quote_text};

/// The text of a set.
#[must_use]
pub fn set_text(set: &Set, catalog: &dyn Catalog) -> String {
    text_at(set, Binding::Or, catalog)
}

/// How tightly the surroundings bind: a set that binds less is put in parentheses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Binding {
    Or,
    And,
    Not,
}

fn text_at(set: &Set, around: Binding, catalog: &dyn Catalog) -> String {
    match set {
        Set::And(parts) => joined(parts, " AND ", Binding::And, around, catalog, "ALL"),
        Set::Or(parts) => joined(parts, " OR ", Binding::Or, around, catalog, "NOT ALL"),
        Set::Not(inner) => match inner.as_ref() {
            Set::Stage { .. } | Set::State { .. } | Set::Group { .. } => {
                leaf(inner, Sign::Negated, catalog)
            }
            inner => format!("NOT {}", text_at(inner, Binding::Not, catalog)),
        },
        other => leaf(other, Sign::Plain, catalog),
    }
}

fn joined(
    parts: &[Set],
    word: &str,
    own: Binding,
    around: Binding,
    catalog: &dyn Catalog,
    empty: &str,
) -> String {
    match parts {
        [] => empty.to_owned(),
        [only] => text_at(only, around, catalog),
        parts => {
            // One step tighter than its own, so that a nested set of the same kind stays apart.
            let inside = if own == Binding::Or { Binding::And } else { Binding::Not };
            let texts: Vec<String> =
                parts.iter().map(|part| text_at(part, inside, catalog)).collect();
            let text = texts.join(word);
            if own < around { format!("({text})") } else { text }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Plain,
    Negated,
}

fn leaf(set: &Set, sign: Sign, catalog: &dyn Catalog) -> String {
    match set {
        Set::Stage { brand, model, stages, categories, as_of } => {
            let mut text = match brand {
                BrandRef::Named(brand) => stage_name(brand, model),
                BrandRef::Subject | BrandRef::Any => format!("stage({})", quote_name(model)),
            };
            text.push_str(&categories_text(categories));
            if let Some(day) = as_of {
                text.push_str(&format!(" AS OF {}", date(*day)));
            }
            format!("{text} {}", chosen_text(stages, sign))
        }
        Set::State { brand, state, .. } => {
            let not = if sign == Sign::Negated { "NOT " } else { "" };
            let state = match state_of(state) {
                Some(built_in) => built_in.to_uppercase(),
                None => quote_name(state),
            };
            format!("{}IS {not}{state}", brand_prefix(brand))
        }
        Set::Did(did) => did_text(did),
        Set::Spent { spend, comparison, amount } => {
            let amount = unscaled_text(*amount, catalog.currency().exponent);
            let prefix = brand_prefix(&spend.brand);
            let rows = rows_text(spend.window, &spend.rows);
            format!("{prefix}SPENT {} {amount}{rows}", comparison_text(*comparison))
        }
        Set::Price { of, comparison, amount } => {
            let amount = unscaled_text(*amount, catalog.currency().exponent);
            let (prefix, rows) = (brand_prefix(&of.brand), rows_text(of.window, &of.rows));
            format!("{prefix}PRICE {} {amount}{rows}", comparison_text(*comparison))
        }
        Set::Attribute { attribute, test } => attribute_text(attribute, test, catalog),
        Set::Audience(name) => format!("AUDIENCE {}", quote_name(name)),
        Set::Group { partition, groups, as_of } => {
            let day = as_of.map_or(String::new(), |day| format!(" AS OF {}", date(day)));
            let text = format!("PARTITION {}{day}", quote_name(partition));
            format!("{text} {}", chosen_text(groups, sign))
        }
        Set::Top(top) => {
            let percent = unscaled_text(i64::from(top.per_million), 4);
            format!("TOP {percent} PERCENT {}", ranking_text(top, catalog))
        }
        Set::Sample { per_million, seed } => {
            let percent = unscaled_text(i64::from(*per_million), 4);
            format!("SAMPLE {percent} PERCENT SEED {seed}")
        }
        Set::All | Set::And(_) | Set::Or(_) | Set::Not(_) => "ALL".to_owned(),
    }
}

fn chosen_text(names: &[String], sign: Sign) -> String {
    match (names, sign) {
        ([name], Sign::Plain) => format!("= {}", quote_name(name)),
        ([name], Sign::Negated) => format!("<> {}", quote_name(name)),
        (names, sign) => {
            let not = if sign == Sign::Negated { "NOT " } else { "" };
            format!("{not}IN ({})", list(names, |name| quote_name(name)))
        }
    }
}

/// `[OF (set)] BY brand.spend window filters`.
fn ranking_text(top: &Top, catalog: &dyn Catalog) -> String {
    let among = match &top.among {
        Some(set) => format!("OF ({}) ", set_text(set, catalog)),
        None => String::new(),
    };
    let brand = match &top.of.brand {
        BrandRef::Named(name) => format!("{}.", leading_name(name)),
        BrandRef::Any => "ANY BRAND.".to_owned(),
        BrandRef::Subject => String::new(),
    };
    let word = match top.by {
        RankedBy::Spend => "spend",
        RankedBy::Frequency => "frequency",
        RankedBy::Recency => "recency",
        RankedBy::Price => "price",
    };
    format!("{among}BY {brand}{word}{}", rows_text(top.of.window, &top.of.rows))
}

/// `estee.stage`, or `estee.stage(aipl_quick)`.
pub(super) fn stage_name(brand: &str, model: &str) -> String {
    let brand = leading_name(brand);
    if model == DEFAULT_MODEL {
        format!("{brand}.stage")
    } else {
        format!("{brand}.stage({})", quote_name(model))
    }
}

/// ` IN CATEGORY 'c', ...`, or nothing for all.
pub(super) fn categories_text(categories: &[String]) -> String {
    if categories.is_empty() {
        return String::new();
    }
    format!(" IN CATEGORY {}", list(categories, |name| quote_text(name)))
}

/// The brand before DID, with a space; nothing for the subject of a model.
fn brand_prefix(brand: &BrandRef) -> String {
    match brand {
        BrandRef::Named(name) => format!("{} ", leading_name(name)),
        BrandRef::Subject => String::new(),
        BrandRef::Any => "ANY BRAND ".to_owned(),
    }
}

fn did_text(did: &Did) -> String {
    let behaviours = match did.behaviours.as_slice() {
        [] => "ANY".to_owned(),
        [one] => quote_name(one),
        several => format!("({})", list(several, |name| quote_name(name))),
    };
    let often = match did.at_least {
        AtLeast::Times(1) => String::new(),
        AtLeast::Times(n) => format!(" {n} TIMES"),
        AtLeast::Days(1) => " ON 1 DAY".to_owned(),
        AtLeast::Days(n) => format!(" ON {n} DAYS"),
    };
    let prefix = brand_prefix(&did.brand);
    format!("{prefix}DID {behaviours}{often}{}", rows_text(did.window, &did.rows))
}

/// Window and filters, each with a space before it.
pub(super) fn rows_text(window: Window, rows: &RowFilter) -> String {
    let mut text = match window {
        Window::Always => String::new(),
        Window::LastDays(1) => " IN LAST 1 DAY".to_owned(),
        Window::LastDays(n) => format!(" IN LAST {n} DAYS"),
        Window::BeforeLastDays(1) => " BEFORE LAST 1 DAY".to_owned(),
        Window::BeforeLastDays(n) => format!(" BEFORE LAST {n} DAYS"),
        Window::Between(from, to) if from == to => format!(" ON {}", date(from)),
        Window::Between(from, to) => format!(" BETWEEN {} AND {}", date(from), date(to)),
    };
    let filters = [
        (" VIA ", &rows.touchpoints),
        (" IN CATEGORY ", &rows.categories),
        (" ITEM ", &rows.items),
    ];
    for (word, values) in filters {
        if !values.is_empty() {
            text.push_str(word);
            text.push_str(&list(values, |value| quote_text(value)));
        }
    }
    if rows.target_categories == TargetCategories::Only {
        text.push_str(" IN TARGET CATEGORIES");
    }
    text
}

fn comparison_text(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "=",
        Comparison::NotEqual => "<>",
        Comparison::Less => "<",
        Comparison::LessOrEqual => "<=",
        Comparison::Greater => ">",
        Comparison::GreaterOrEqual => ">=",
    }
}

/// `age`, or `estee.level`.
pub(super) fn attribute_name(attribute: &AttributeRef) -> String {
    match &attribute.brand {
        Some(brand) => format!("{}.{}", leading_name(brand), leading_name(&attribute.name)),
        None => leading_name(&attribute.name),
    }
}

fn attribute_text(attribute: &AttributeRef, test: &AttributeTest, catalog: &dyn Catalog) -> String {
    let kind = catalog.attribute(attribute.brand.as_deref(), &attribute.name);
    let name = attribute_name(attribute);
    let value = |value: &AttributeValue| attribute_value(value, kind);
    match test {
        AttributeTest::Compare(comparison, against) => {
            format!("{name} {} {}", comparison_text(*comparison), value(against))
        }
        AttributeTest::In(values) => format!("{name} IN ({})", list(values, value)),
        AttributeTest::NotIn(values) => format!("{name} NOT IN ({})", list(values, value)),
        AttributeTest::Between(low, high) => {
            format!("{name} BETWEEN {} AND {}", value(low), value(high))
        }
        AttributeTest::Unknown => format!("{name} IS UNKNOWN"),
        AttributeTest::Known => format!("{name} IS NOT UNKNOWN"),
    }
}
