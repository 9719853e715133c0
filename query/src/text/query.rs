//! The text of queries.

use crate::bind::{categories_label, consumer_assets};
use crate::builtin::DEFAULT_MODEL;
use crate::catalog::Catalog;
use crate::plan::{
    BrandRef, Dates, Direction, Flow, Grow, Ledger, Measure, Method, Named, NamedKind, Operand,
    OverlapShape, Partition, Query, Set, StepUnit, Valuation,
};

use super::set::{attribute_name, categories_text, rows_text, set_text, stage_name};
use super::words::{date, leading_name, list, quote_name};

/// The text of a query.
#[must_use]
pub fn query_text(query: &Query, catalog: &dyn Catalog) -> String {
    let mut text = measure_text(&query.measure, catalog);
    if let Some(filter) = &query.filter {
        text.push_str(&format!(" WHERE {}", set_text(filter, catalog)));
    }
    if let Some(versus) = &query.versus {
        text.push_str(&format!(" VERSUS {}", set_text(versus, catalog)));
    }
    if !query.partitions.is_empty() {
        text.push_str(&format!(" BY {}", partitions_text(&query.partitions, catalog)));
    }
    match query.dates {
        Dates::AsOf(None) => {}
        Dates::AsOf(Some(day)) => text.push_str(&format!(" AS OF {}", date(day))),
        Dates::Every { step, unit, from, to } => {
            let (from, to) = (date(from), date(to));
            text.push_str(&format!(" EVERY {step} {} FROM {from} TO {to}", unit_word(step, unit)));
        }
    }
    if let Some(days) = query.forecast_days {
        text.push_str(&format!(" FORECAST {days} DAYS"));
    }
    if !query.order.is_empty() {
        let keys = list(&query.order, |key| match key.direction {
            Direction::Ascending => (key.column + 1).to_string(),
            Direction::Descending => format!("{} DESC", key.column + 1),
        });
        text.push_str(&format!(" ORDER BY {keys}"));
    }
    if let Some(limit) = query.limit {
        text.push_str(&format!(" LIMIT {limit}"));
    }
    text
}

fn unit_word(step: u32, unit: StepUnit) -> &'static str {
    match (unit, step) {
        (StepUnit::Day, 1) => "DAY",
        (StepUnit::Day, _) => "DAYS",
        (StepUnit::Week, 1) => "WEEK",
        (StepUnit::Week, _) => "WEEKS",
        (StepUnit::Month, 1) => "MONTH",
        (StepUnit::Month, _) => "MONTHS",
    }
}

fn measure_text(measure: &Measure, catalog: &dyn Catalog) -> String {
    match measure {
        Measure::Count => "COUNT".to_owned(),
        Measure::Profile => "PROFILE".to_owned(),
        Measure::Compare { set, base } => {
            let [set, base] = [set, base].map(|operand| operand_text(operand, catalog));
            format!("PROFILE {set} AGAINST {base}")
        }
        Measure::Named(named) => named_text(named),
        Measure::Purchases(of) => {
            let (figure, rows) = (of.figure.word(), rows_text(of.of.window, &of.of.rows));
            format!("SUM {}.{figure}{rows}", summed_brand(&of.of.brand))
        }
        Measure::Flow(Flow { brand, categories, model, from, to }) => {
            let (brand, model) = (leading_name(brand), quote_name(model));
            let brand = format!("{brand}{}", categories_text(categories));
            format!("FLOW {brand} FROM {} TO {} USING {model}", date(*from), date(*to))
        }
        Measure::Spend(spend) => {
            let brand = summed_brand(&spend.brand);
            format!("SUM {brand}.spend{}", rows_text(spend.window, &spend.rows))
        }
        Measure::Asset(of) => format!("ASSET {}", valuation_text(of)),
        Measure::Backtest(of) => format!("BACKTEST {}", valuation_text(of)),
        Measure::Ledger(Ledger { brand, categories, horizon_days, from, to }) => {
            let (from, to) = (date(*from), date(*to));
            let brand = format!("{}{}", leading_name(brand), categories_text(categories));
            format!("LEDGER {brand} FROM {from} TO {to} HORIZON {horizon_days} DAYS")
        }
        Measure::AttributeSum { attribute, .. } => format!("SUM {}", attribute_name(attribute)),
        Measure::Overlap { operands, shape } => {
            let operands = list(operands, |operand| operand_text(operand, catalog));
            match shape {
                OverlapShape::Pairs => format!("OVERLAP {operands}"),
                OverlapShape::Regions => format!("OVERLAP {operands} REGIONS"),
            }
        }
    }
}

fn summed_brand(brand: &BrandRef) -> String {
    match brand {
        BrandRef::Named(name) => leading_name(name),
        BrandRef::Any | BrandRef::Subject => "ANY BRAND".to_owned(),
    }
}

fn named_text(named: &Named) -> String {
    let brand = leading_name(&named.brand);
    match &named.kind {
        NamedKind::Fast { days } => format!("FAST {brand} IN LAST {days} DAYS"),
        NamedKind::Deepening { days } => format!("DEEPENING {brand} IN LAST {days} DAYS"),
        NamedKind::Reservoir => format!("RESERVOIR {brand}"),
        NamedKind::Penetration { window, rows } => {
            format!("PENETRATION {brand}{}", rows_text(*window, rows))
        }
        NamedKind::Grow(Grow { period, against, rows }) => {
            let against = against.map_or(String::new(), |(first, last)| {
                format!(" AGAINST BETWEEN {} AND {}", date(first), date(last))
            });
            format!("GROW {brand}{}{against}", rows_text(*period, rows))
        }
    }
}

fn valuation_text(of: &Valuation) -> String {
    let method = match of.method {
        Method::Cohort => "cohort",
        Method::Markov => "markov",
    };
    let brand = format!("{}{}", leading_name(&of.brand), categories_text(&of.categories));
    format!("{brand} HORIZON {} DAYS USING {method}", of.horizon_days)
}

fn operand_text(operand: &Operand, catalog: &dyn Catalog) -> String {
    let label = &operand.label;
    if operand.set == consumer_assets(label.clone()) {
        return leading_name(label);
    }
    let set = set_text(&operand.set, catalog);
    let own = match &operand.set {
        Set::Audience(name) => name,
        _ => &set,
    };
    if own == label { format!("({set})") } else { format!("({set}) AS {}", quote_name(label)) }
}

fn partitions_text(partitions: &[Partition], catalog: &dyn Catalog) -> String {
    let last = partitions.len().saturating_sub(1);
    let texts = partitions.iter().enumerate().map(|(index, partition)| match partition {
        Partition::Stage { brand, model, categories, as_of } => {
            let stage = format!("{}{}", stage_name(brand, model), categories_text(categories));
            match as_of {
                // Behind the last partition it would be the statement's day.
                Some(day) if index == last => format!("({stage} AS OF {})", date(*day)),
                Some(day) => format!("{stage} AS OF {}", date(*day)),
                None => stage,
            }
        }
        Partition::Attribute(attribute) => attribute_name(attribute),
        Partition::Audience(name) => format!("AUDIENCE {}", quote_name(name)),
        Partition::About { what, of, top } => {
            let top = top.map_or(String::new(), |top| format!("TOP {top} "));
            let did = set_text(&Set::Did(of.clone()), catalog);
            format!("{top}{} OF {did}", what.plural())
        }
        Partition::Own { name, as_of: None } => format!("PARTITION {}", quote_name(name)),
        Partition::Own { name, as_of: Some(day) } => {
            let text = format!("PARTITION {} AS OF {}", quote_name(name), date(*day));
            if index == last { format!("({text})") } else { text }
        }
    });
    texts.collect::<Vec<_>>().join(", ")
}

/// What a partition is called in an answer: `estee.stage`, `age`, `warm`.
#[must_use]
pub fn partition_label(partition: &Partition) -> String {
    match partition {
        Partition::Stage { brand, model, categories, .. } => {
            let categories = categories_label(categories);
            if model == DEFAULT_MODEL {
                return format!("{brand}.stage{categories}");
            }
            format!("{brand}.stage({model}){categories}")
        }
        Partition::Attribute(attribute) => match &attribute.brand {
            Some(brand) => format!("{brand}.{}", attribute.name),
            None => attribute.name.clone(),
        },
        Partition::About { what, .. } => what.word().to_owned(),
        Partition::Audience(name) | Partition::Own { name, .. } => name.clone(),
    }
}
