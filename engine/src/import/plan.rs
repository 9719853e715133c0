//! Which field of a file each column of an event comes from, and what each is checked against.

use std::sync::Arc;

use throng_storage::names::Names;

use super::column::{EventColumn, nearest};
use super::error::{LoadError, OptionError};
use super::options::{AmountUnit, ColumnSource, EventOptions, TrimZero};
use crate::time::Zone;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pick {
    Nothing,
    Field(usize),
    Constant(Box<[u8]>),
    Product(usize, usize),
}

/// What rows of a file are checked against: the same for all workers.
#[derive(Debug)]
pub(super) struct EventPlan {
    pub(super) file: Arc<str>,
    /// By [`EventColumn::index`].
    pub(super) picks: [Pick; EventColumn::ALL.len()],
    /// What errors call each column.
    pub(super) labels: [Arc<str>; EventColumn::ALL.len()],
    /// The header, for faults of a field.
    pub(super) fields: Vec<Arc<str>>,
    pub(super) options: EventOptions,
    /// `namespace:`, to be put before identities.
    pub(super) namespace: Option<Box<[u8]>>,
    pub(super) trim_zero: [TrimZero; EventColumn::ALL.len()],
    pub(super) names: Arc<Names>,
    pub(super) zone: Arc<Zone>,
    /// Digits that amounts are shifted by, and that are left.
    pub(super) digits: u32,
}

/// What a load is into, beside the store's own files.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) names: Arc<Names>,
    pub(super) zone: Arc<Zone>,
    pub(super) exponent: u8,
}

impl EventPlan {
    pub(super) fn new(
        file: &Arc<str>,
        header: &[String],
        options: &EventOptions,
        target: &Target,
    ) -> Result<Self, LoadError> {
        check_options(options)?;
        let mut picks = [const { Pick::Nothing }; EventColumn::ALL.len()];
        let mut labels = EventColumn::ALL.map(|column| Arc::from(column.name()));
        for column in EventColumn::ALL {
            let (pick, label) = pick(file, header, options, column)?;
            picks[column.index()] = pick;
            if let Some(label) = label {
                labels[column.index()] = label.into();
            }
        }
        let mut trim_zero = [TrimZero::Keep; EventColumn::ALL.len()];
        for column in &options.trim_zero {
            trim_zero[column.index()] = TrimZero::Trim;
        }
        Ok(Self {
            file: Arc::clone(file),
            picks,
            labels,
            fields: header.iter().map(|name| Arc::from(name.as_str())).collect(),
            namespace: prefix(options.namespace.as_deref())?,
            trim_zero,
            names: Arc::clone(&target.names),
            zone: Arc::clone(&target.zone),
            digits: match options.amount_unit {
                AmountUnit::Major => u32::from(target.exponent),
                AmountUnit::Minor => 0,
            },
            options: options.clone(),
        })
    }

    pub(super) fn pick(&self, column: EventColumn) -> &Pick {
        &self.picks[column.index()]
    }

    /// The fields of the file that are looked at.
    pub(super) fn wanted(&self) -> Vec<usize> {
        let fields = self.picks.iter().flat_map(|pick| match *pick {
            Pick::Field(field) => vec![field],
            Pick::Product(left, right) => vec![left, right],
            Pick::Nothing | Pick::Constant(_) => Vec::new(),
        });
        fields.collect()
    }
}

fn check_options(options: &EventOptions) -> Result<(), OptionError> {
    for (i, (column, _)) in options.columns.iter().enumerate() {
        if options.columns.iter().skip(i + 1).any(|(other, _)| other == column) {
            return Err(OptionError::Twice { column: *column });
        }
    }
    if let Some(&column) = options.trim_zero.iter().find(|column| !column.is_text()) {
        return Err(OptionError::Untrimmable { column });
    }
    check_delimiter(options.input.delimiter)
}

/// What stands before the identities of a namespace; nothing before those of `id`.
pub(super) fn prefix(namespace: Option<&str>) -> Result<Option<Box<[u8]>>, OptionError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    match namespace {
        Some(text) if !(1..=64).contains(&text.len()) || !text.bytes().all(allowed) => {
            Err(OptionError::Namespace { text: text.to_owned() })
        }
        None | Some("id") => Ok(None),
        Some(text) => Ok(Some(format!("{text}:").into_bytes().into())),
    }
}

pub(super) fn check_delimiter(delimiter: Option<u8>) -> Result<(), OptionError> {
    match delimiter {
        Some(byte) if !byte.is_ascii() || b"\"\r\n\\\0".contains(&byte) => {
            Err(OptionError::Delimiter)
        }
        _ => Ok(()),
    }
}

fn pick(
    file: &Arc<str>,
    header: &[String],
    options: &EventOptions,
    column: EventColumn,
) -> Result<(Pick, Option<String>), LoadError> {
    let given = options.columns.iter().find(|(target, _)| *target == column);
    match given {
        Some((_, ColumnSource::Constant(value))) => {
            Ok((Pick::Constant(value.as_bytes().into()), None))
        }
        Some((_, ColumnSource::Column(name))) => {
            if let Some(field) = header.iter().position(|known| known == name) {
                return Ok((Pick::Field(field), Some(name.clone())));
            }
            if column == EventColumn::Amount
                && let Some((left, right)) = name.split_once('*')
            {
                let left = field(file, header, column.name(), left.trim())?;
                let right = field(file, header, column.name(), right.trim())?;
                return Ok((Pick::Product(left, right), Some(name.clone())));
            }
            Ok((Pick::Field(field(file, header, column.name(), name)?), Some(name.clone())))
        }
        None => {
            let own = |known: &String| known.eq_ignore_ascii_case(column.name());
            match header.iter().position(own) {
                Some(field) => Ok((Pick::Field(field), None)),
                None if column.is_required() => Err(missing(file, header, column.name(), options)),
                None => Ok((Pick::Nothing, None)),
            }
        }
    }
}

/// The position of a column that was asked for.
pub(super) fn field(
    file: &Arc<str>,
    header: &[String],
    column: &str,
    name: &str,
) -> Result<usize, LoadError> {
    let found = header.iter().position(|known| known == name);
    found.ok_or_else(|| LoadError::UnknownSource {
        file: Arc::clone(file),
        column: column.to_owned(),
        source_column: name.to_owned(),
        suggestion: nearest(name, header.iter().map(String::as_str)).map(str::to_owned),
        found: header.to_vec(),
    })
}

fn missing(
    file: &Arc<str>,
    header: &[String],
    column: &'static str,
    options: &EventOptions,
) -> LoadError {
    // A column that is used already is not what was meant.
    let free = header.iter().filter(|name| {
        let used = options
            .columns
            .iter()
            .any(|(_, source)| matches!(source, ColumnSource::Column(taken) if taken == *name));
        !used && !EventColumn::ALL.iter().any(|other| other.name().eq_ignore_ascii_case(name))
    });
    LoadError::MissingColumn {
        file: Arc::clone(file),
        column,
        suggestion: nearest(column, free.map(String::as_str)).map(str::to_owned),
        found: header.to_vec(),
    }
}
