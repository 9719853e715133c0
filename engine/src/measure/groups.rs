//! Partitions as the executor meets them: how each splits a set within one chunk.

use throng_query::plan::{AttributeType, NameKind, Partition, Set};
use throng_storage::index::IndexCursor;

use super::partial::GroupKey;
use crate::attribute::{AttributeLayout, value_of_bits};
use crate::error::ExecuteError;
use crate::exec::{ChunkSet, Compiler, NodeId, Pool, RangeReader, SetBuilder, Worker, known_sets};
use crate::view::{AttributeInfo, View};

/// Values up to this many become nodes of the program, shared with the rest of the statement.
const NODES_MAX: usize = 64;

/// The code of the group of unknown values.
const UNKNOWN_CODE: u128 = u128::MAX;

/// One partition of a statement.
#[derive(Debug)]
pub enum Groups {
    /// Each group is a node.
    Nodes(Vec<(GroupKey, NodeId)>),
    /// Each group is a set of an index; the rest is unknown.
    Values {
        /// The index.
        key: String,
        /// The value of each set.
        values: Vec<String>,
    },
    /// Each group is a number; the rest is unknown.
    Numbers {
        /// The index.
        key: String,
        /// What 0 in its slices stands for.
        min: i64,
        /// What its numbers are.
        kind: AttributeType,
    },
}

/// The cursors of one worker into one partition.
#[derive(Debug)]
pub enum GroupReader<'v> {
    /// Nodes are read by the worker.
    Nodes,
    /// One cursor per value.
    Values(Vec<IndexCursor<'v>>),
    /// The slices.
    Numbers(RangeReader<'v>),
}

impl Groups {
    /// Compiles a partition.
    ///
    /// # Errors
    /// When the plan names what the store does not have.
    pub fn compile(
        compiler: &mut Compiler<'_>,
        view: &View,
        partition: &Partition,
    ) -> Result<Self, ExecuteError> {
        match partition {
            Partition::Stage { brand, model, as_of } => {
                let stages = compiler.stages(brand, model, as_of.map(|day| day.0))?;
                let stages = (0..).zip(stages);
                let keyed =
                    stages.map(|(place, (name, node))| (GroupKey::Stage(place, name), node));
                Ok(Self::Nodes(keyed.collect()))
            }
            Partition::Audience(name) => {
                let inside = compiler.set(&Set::Audience(name.clone()))?;
                let universe = compiler.universe();
                let outside = compiler.program.minus(universe, inside);
                Ok(Self::Nodes(vec![(GroupKey::In, inside), (GroupKey::Out, outside)]))
            }
            Partition::Attribute(attribute) => {
                let info = view.attribute_info(attribute).ok_or_else(|| ExecuteError::Unknown {
                    kind: NameKind::Attribute,
                    name: attribute.name.clone(),
                })?;
                Ok(Self::attribute(compiler, &info))
            }
        }
    }

    fn attribute(compiler: &mut Compiler<'_>, info: &AttributeInfo) -> Self {
        let key = info.key.clone();
        let values: Vec<GroupKey> = match &info.layout {
            AttributeLayout::Slices { min, .. } => {
                return Self::Numbers { key, min: *min, kind: info.kind };
            }
            AttributeLayout::Values(values) if values.len() > NODES_MAX => {
                return Self::Values { key, values: values.clone() };
            }
            AttributeLayout::Values(values) => values.iter().cloned().map(GroupKey::Text).collect(),
            AttributeLayout::Flags => vec![GroupKey::Boolean(false), GroupKey::Boolean(true)],
            AttributeLayout::Empty => Vec::new(),
        };
        let known = compiler.index(&key, known_sets(info));
        let universe = compiler.universe();
        let unknown = compiler.program.minus(universe, known);
        let sets = (0..).zip(values);
        let mut groups: Vec<_> =
            sets.map(|(set, value)| (value, compiler.index(&key, vec![set]))).collect();
        groups.push((GroupKey::Unknown, unknown));
        Self::Nodes(groups)
    }

    /// Opens it for one worker.
    pub fn open<'v>(&self, view: &'v View) -> GroupReader<'v> {
        match self {
            Self::Nodes(_) => GroupReader::Nodes,
            Self::Values { key, values } => {
                let cursors = view.index(key).map_or_else(Vec::new, |index| {
                    (0..index.sets()).take(values.len()).map(|set| index.cursor(set)).collect()
                });
                GroupReader::Values(cursors)
            }
            Self::Numbers { key, .. } => {
                GroupReader::Numbers(RangeReader::open(view, key, 0, u64::MAX))
            }
        }
    }

    /// What a code stands for.
    pub fn key(&self, code: u128) -> GroupKey {
        if code == UNKNOWN_CODE {
            return GroupKey::Unknown;
        }
        let place = usize::try_from(code).unwrap_or(usize::MAX);
        match self {
            Self::Nodes(groups) => {
                groups.get(place).map_or(GroupKey::Unknown, |(key, _)| key.clone())
            }
            Self::Values { values, .. } => {
                values.get(place).cloned().map_or(GroupKey::Unknown, GroupKey::Text)
            }
            Self::Numbers { min, kind, .. } => {
                let difference = u64::try_from(code).unwrap_or(u64::MAX);
                let number = value_of_bits(*min, difference);
                match kind {
                    AttributeType::Decimal { scale } => GroupKey::Decimal(number, *scale),
                    AttributeType::Date => {
                        i32::try_from(number).map_or(GroupKey::Unknown, GroupKey::Day)
                    }
                    _ => GroupKey::Number(number),
                }
            }
        }
    }
}

/// The parts of a set within the worker's chunk, each with its code; empty parts are left out.
/// For partitions whose groups are not nodes.
///
/// # Errors
/// When bytes of the store are corrupt.
pub fn split(
    reader: &mut GroupReader<'_>,
    worker: &mut Worker<'_>,
    set: &ChunkSet,
) -> Result<Vec<(u128, ChunkSet)>, ExecuteError> {
    let chunk = worker.chunk();
    let pool = worker.pool();
    let mut rest = set.copied(pool);
    let mut parts = match reader {
        GroupReader::Nodes => Vec::new(),
        GroupReader::Values(cursors) => by_value(cursors, chunk, &mut rest, pool)?,
        GroupReader::Numbers(slices) => by_number(slices, chunk, &mut rest, pool)?,
    };
    if rest.is_empty() {
        pool.recycle(rest);
    } else {
        parts.push((UNKNOWN_CODE, rest));
    }
    Ok(parts)
}

fn by_value(
    cursors: &mut [IndexCursor<'_>],
    chunk: u32,
    rest: &mut ChunkSet,
    pool: &mut Pool,
) -> Result<Vec<(u128, ChunkSet)>, ExecuteError> {
    let mut parts = Vec::new();
    for (code, cursor) in (0..).zip(cursors) {
        let Some(container) = cursor.chunk(chunk)? else { continue };
        let mut builder = SetBuilder::new(pool);
        builder.push_container(&container, pool);
        let mut part = builder.finish(pool);
        part.intersect(rest, pool);
        if part.is_empty() {
            pool.recycle(part);
        } else {
            rest.subtract(&part, pool);
            parts.push((code, part));
        }
    }
    Ok(parts)
}

fn by_number(
    slices: &mut RangeReader<'_>,
    chunk: u32,
    rest: &mut ChunkSet,
    pool: &mut Pool,
) -> Result<Vec<(u128, ChunkSet)>, ExecuteError> {
    let mut values = Vec::new();
    slices.values(chunk, rest, pool, &mut values)?;
    values.sort_unstable_by_key(|(low, difference)| (*difference, *low));
    let mut parts = Vec::new();
    for alike in values.chunk_by(|a, b| a.1 == b.1) {
        let Some((_, difference)) = alike.first() else { continue };
        let mut lows = pool.list();
        lows.extend(alike.iter().map(|(low, _)| *low));
        let part = ChunkSet::from_sorted(lows, pool);
        rest.subtract(&part, pool);
        parts.push((u128::from(*difference), part));
    }
    Ok(parts)
}
