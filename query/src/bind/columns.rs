//! The columns of a query's answer. Their names hang on the text alone, never on the values of
//! parameters, so that a description and a run agree.

use crate::ast::{Literal, LiteralKind, Measure as MeasureNode, Partition, Query as Node};
use crate::builtin::DEFAULT_MODEL;
use crate::error::QueryError;
use crate::plan::{AttributeType, Column, ColumnType, Measure, NamedKind, OverlapShape};

use super::binder::Binder;

pub(super) fn column(name: impl Into<String>, kind: ColumnType) -> Column {
    Column { name: name.into(), kind }
}

const PAIRS: [(&str, ColumnType); 7] = [
    ("left", ColumnType::Text),
    ("right", ColumnType::Text),
    ("left_count", ColumnType::Integer),
    ("right_count", ColumnType::Integer),
    ("both", ColumnType::Integer),
    ("jaccard", ColumnType::Double),
    ("lift", ColumnType::Double),
];

const REGIONS: [(&str, ColumnType); 3] =
    [("region", ColumnType::Text), ("sets", ColumnType::Integer), ("count", ColumnType::Integer)];

const PROFILE: [(&str, ColumnType); 9] = [
    ("attribute", ColumnType::Text),
    ("value", ColumnType::Text),
    ("count", ColumnType::Integer),
    ("share", ColumnType::Double),
    ("base", ColumnType::Integer),
    ("base_share", ColumnType::Double),
    ("tgi", ColumnType::Double),
    ("z", ColumnType::Double),
    ("small", ColumnType::Boolean),
];

const FAST: [(&str, ColumnType); 7] = [
    ("fertility", ColumnType::Integer),
    ("advancing", ColumnType::Double),
    ("superiority", ColumnType::Integer),
    ("thriving", ColumnType::Double),
    ("deepened", ColumnType::Integer),
    ("start", ColumnType::Integer),
    ("active", ColumnType::Integer),
];

const GROW: [&str; 7] = ["before", "after", "change", "penetration", "range", "frequency", "price"];

/// Digits after the currency's own that a value per head has: of many consumers each is worth less
/// than a minor unit.
pub const HEAD_DIGITS: u8 = 4;

const FLOW: [(&str, ColumnType); 7] = [
    ("from", ColumnType::Text),
    ("to", ColumnType::Text),
    ("kind", ColumnType::Text),
    ("count", ColumnType::Integer),
    ("start", ColumnType::Integer),
    ("end", ColumnType::Integer),
    ("rate", ColumnType::Double),
];

impl Binder<'_> {
    pub fn query_columns(&self, node: &Node, measure: &Measure) -> Result<Vec<Column>, QueryError> {
        let mut measured: Vec<Column> = match measure {
            Measure::Count => vec![column("count", ColumnType::Integer)],
            Measure::Spend(_) => {
                let scale = self.catalog.currency().exponent;
                vec![column("sum", ColumnType::Numeric { scale })]
            }
            Measure::AttributeSum { scale, .. } => {
                vec![column("sum", ColumnType::Numeric { scale: *scale })]
            }
            Measure::Overlap { shape: OverlapShape::Pairs, .. } => fixed(&PAIRS),
            Measure::Overlap { shape: OverlapShape::Regions, .. } => fixed(&REGIONS),
            Measure::Profile | Measure::Compare { .. } => fixed(&PROFILE),
            Measure::Flow(_) => fixed(&FLOW),
            Measure::Asset(_) => self.asset_columns(),
            Measure::Ledger(_) => vec![
                column("part", ColumnType::Text),
                column("consumers", ColumnType::Integer),
                column("amount", self.money_type()),
            ],
            Measure::Backtest(_) => self.backtest_columns(),
            Measure::Purchases(_) => vec![column("sum", ColumnType::Integer)],
            Measure::Named(named) => self.named_columns(&named.kind),
        };
        if *measure == Measure::Count && node.versus.is_some() {
            measured.push(column("versus", ColumnType::Integer));
        }
        let mut columns = Vec::new();
        if node.every.is_some() {
            columns.push(column("as_of", ColumnType::Date));
        }
        if !matches!(node.measure, MeasureNode::Profile | MeasureNode::Compare { .. }) {
            let mut taken: Vec<String> =
                columns.iter().chain(&measured).map(|column| column.name.clone()).collect();
            for partition in self.partition_columns(node)? {
                let name = unique(&partition.name, &taken);
                taken.push(name.clone());
                columns.push(column(name, partition.kind));
            }
        }
        columns.extend(measured);
        if node.forecast.is_some() {
            columns
                .extend(["forecast", "low", "high"].map(|name| column(name, ColumnType::Double)));
        }
        Ok(columns)
    }

    fn money_type(&self) -> ColumnType {
        ColumnType::Numeric { scale: self.catalog.currency().exponent }
    }

    fn named_columns(&self, kind: &NamedKind) -> Vec<Column> {
        let counts = |names: &[&str]| -> Vec<Column> {
            names.iter().map(|name| column(*name, ColumnType::Integer)).collect()
        };
        let mut columns = match kind {
            NamedKind::Fast { .. } => return fixed(&FAST),
            NamedKind::Deepening { .. } => counts(&["deepened", "start"]),
            NamedKind::Reservoir => counts(&["reserve", "buyers"]),
            NamedKind::Penetration { .. } => counts(&["buyers", "market"]),
            NamedKind::Grow(_) => {
                let money = |name: &&str| column(*name, self.money_type());
                return GROW.iter().map(money).collect();
            }
        };
        let ratio = match kind {
            NamedKind::Deepening { .. } => "deepening",
            NamedKind::Reservoir => "reservoir",
            _ => "penetration",
        };
        columns.push(column(ratio, ColumnType::Double));
        columns
    }

    fn asset_columns(&self) -> Vec<Column> {
        let exponent = self.catalog.currency().exponent;
        vec![
            column("stage", ColumnType::Text),
            column("consumers", ColumnType::Integer),
            column("value", ColumnType::Numeric { scale: exponent + HEAD_DIGITS }),
            column("asset", self.money_type()),
            column("share", ColumnType::Double),
        ]
    }

    fn backtest_columns(&self) -> Vec<Column> {
        vec![
            column("stage", ColumnType::Text),
            column("consumers", ColumnType::Integer),
            column("predicted", self.money_type()),
            column("realised", self.money_type()),
            column("error", self.money_type()),
            column("error_rate", ColumnType::Double),
        ]
    }

    fn partition_columns(&self, node: &Node) -> Result<Vec<Column>, QueryError> {
        let bases: Vec<String> = node.partitions.iter().map(base_name).collect();
        let mut columns = Vec::with_capacity(bases.len());
        for (partition, base) in node.partitions.iter().zip(&bases) {
            let repeated = bases.iter().filter(|other| *other == base).count() > 1;
            let (day, kind) = match partition {
                Partition::Stage { as_of, .. } | Partition::Own { as_of, .. } => {
                    let day = as_of.as_ref().or(node.as_of.as_ref());
                    (day.filter(|_| repeated), ColumnType::Text)
                }
                Partition::Attribute(written) => (None, column_type(self.attribute(written)?.1)),
                Partition::Audience(_) => (None, ColumnType::Boolean),
                Partition::About { .. } => (None, ColumnType::Text),
            };
            let name = match day {
                Some(day) => format!("{base}@{}", literal_label(day)),
                None => base.clone(),
            };
            columns.push(column(name, kind));
        }
        Ok(columns)
    }
}

fn fixed(columns: &[(&str, ColumnType)]) -> Vec<Column> {
    columns.iter().map(|(name, kind)| column(*name, *kind)).collect()
}

/// `estee.stage`, `estee.stage(aipl_quick)`, `age`, `estee.level`, `warm`.
fn base_name(partition: &Partition) -> String {
    match partition {
        Partition::Stage { brand, model, categories, .. } => {
            let model = match model {
                Some(model) if model.text != DEFAULT_MODEL => format!("({})", model.text),
                _ => String::new(),
            };
            let categories: Vec<String> = categories.iter().map(literal_label).collect();
            format!("{}.stage{model}{}", brand.text, categories_label(&categories))
        }
        Partition::Attribute(written) => match &written.brand {
            Some(brand) => format!("{}.{}", brand.text, written.name.text),
            None => written.name.text.clone(),
        },
        Partition::About { what, .. } => what.word().to_owned(),
        Partition::Audience(name) | Partition::Own { name, .. } => name.text.clone(),
    }
}

/// ` in skincare, makeup` behind a stage by some categories alone.
pub(crate) fn categories_label(categories: &[String]) -> String {
    if categories.is_empty() {
        return String::new();
    }
    format!(" in {}", categories.join(", "))
}

fn literal_label(literal: &Literal) -> String {
    match &literal.kind {
        LiteralKind::Parameter(number) => format!("${number}"),
        LiteralKind::Text(text) | LiteralKind::Number(text) => text.clone(),
        LiteralKind::Boolean(truth) => truth.to_string(),
    }
}

fn unique(name: &str, taken: &[String]) -> String {
    let is_taken = |name: &str| taken.iter().any(|other| other == name);
    if !is_taken(name) {
        return name.to_owned();
    }
    let numbered = (2..).map(|n| format!("{name}_{n}")).find(|candidate| !is_taken(candidate));
    numbered.unwrap_or_else(|| name.to_owned())
}

/// How values of an attribute are answered.
pub(super) fn column_type(kind: AttributeType) -> ColumnType {
    match kind {
        AttributeType::Text => ColumnType::Text,
        AttributeType::Integer => ColumnType::Integer,
        AttributeType::Decimal { scale } => ColumnType::Numeric { scale },
        AttributeType::Boolean => ColumnType::Boolean,
        AttributeType::Date => ColumnType::Date,
    }
}
