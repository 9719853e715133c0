//! Partitions as the executor meets them: how each splits a set within one chunk.

use std::collections::HashMap;

use throng_query::plan::{About, AttributeType, NameKind, Partition, Set};
use throng_storage::index::IndexCursor;
use throng_storage::names::NameTable;
use throng_storage::store::KeyTable;

use super::partial::GroupKey;
use crate::attribute::{AttributeLayout, value_of_bits};
use crate::error::ExecuteError;
use crate::exec::{
    ChunkSet, Compiler, KeyChoice, KeyReader, Leaf, NONE_STAGE, Node, NodeId, Pool, Program,
    RangeReader, RowKey, SetBuilder, Worker,
};
use crate::view::{AttributeInfo, View};

/// Values up to this many become nodes of the program, shared with the rest of the statement.
const NODES_MAX: usize = 64;

/// The code of those in no other group: unknown values, stage `none`, outside the audience.
const REST_CODE: u128 = u128::MAX;
/// The code of all groups of a partition together, from which the rest follows.
pub const TOTAL_CODE: u128 = u128::MAX - 1;

/// One partition of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Groups {
    /// Each group is a node; who is in none of them is in the rest.
    Nodes {
        /// Disjoint groups.
        nodes: Vec<(GroupKey, NodeId)>,
        /// What the rest is called.
        rest: GroupKey,
    },
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
    /// What consumers' events are about: one may be in several groups, and there is no rest.
    Keys {
        /// Which part of the events.
        what: About,
        /// Which events; none when no row can matter.
        choice: Option<KeyChoice>,
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
    /// The keys of rows.
    Keys(Option<KeyReader<'v>>),
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
            Partition::Stage { brand, model, categories, as_of } => {
                let day = as_of.map(|day| day.0);
                let stages = compiler.stages(brand, model, categories, day)?;
                Ok(Self::placed(stages, NONE_STAGE.to_owned()))
            }
            Partition::Own { name, as_of } => {
                let (groups, rest) = compiler.groups(name, as_of.map(|day| day.0))?;
                Ok(Self::placed(groups, rest))
            }
            Partition::About { what, of, .. } => {
                let key = match what {
                    About::Category => RowKey::Category,
                    About::Item => RowKey::Item,
                    About::Touchpoint => RowKey::Touchpoint,
                    About::Brand => RowKey::Brand,
                };
                Ok(Self::Keys { what: *what, choice: compiler.about(of, key)? })
            }
            Partition::Audience(name) => {
                let inside = compiler.set(&Set::Audience(name.clone()))?;
                Ok(Self::Nodes { nodes: vec![(GroupKey::In, inside)], rest: GroupKey::Out })
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

    /// Groups in the order of their rules, the rest last.
    fn placed(groups: Vec<(String, NodeId)>, rest: String) -> Self {
        let keyed =
            (0..).zip(groups).map(|(place, (name, node))| (GroupKey::Stage(place, name), node));
        let nodes: Vec<_> = keyed.collect();
        let place = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
        Self::Nodes { nodes, rest: GroupKey::Stage(place, rest) }
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
        let sets = (0..).zip(values);
        let nodes = sets.map(|(set, value)| (value, compiler.index(&key, vec![set]))).collect();
        Self::Nodes { nodes, rest: GroupKey::Unknown }
    }

    /// The nodes of its groups.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> {
        let nodes = match self {
            Self::Nodes { nodes, .. } => nodes.as_slice(),
            Self::Values { .. } | Self::Numbers { .. } | Self::Keys { .. } => &[],
        };
        nodes.iter().map(|(_, node)| *node)
    }

    /// The index that it is read from, where its groups are no nodes; none where it is read from
    /// rows.
    pub fn index(&self) -> Option<&str> {
        match self {
            Self::Values { key, .. } | Self::Numbers { key, .. } => Some(key),
            Self::Nodes { .. } | Self::Keys { .. } => None,
        }
    }

    /// How many groups it names.
    pub fn keys(&self) -> usize {
        match self {
            Self::Nodes { nodes, .. } => nodes.len(),
            Self::Values { values, .. } => values.len(),
            Self::Numbers { .. } | Self::Keys { .. } => 0,
        }
    }

    /// Whether its groups are nodes.
    pub fn are_nodes(&self) -> bool {
        matches!(self, Self::Nodes { .. })
    }

    /// How many members each group has, where each is a set of an index.
    pub fn stored(&self, view: &View, program: &Program) -> Option<Vec<i128>> {
        let members = |key: &str, set: u32| {
            let index = view.index(key)?;
            (set < index.sets()).then(|| i128::from(index.cardinality(set)))
        };
        match self {
            Self::Nodes { nodes, .. } => {
                let of = |(_, node): &(GroupKey, NodeId)| match &program.nodes()[node.0] {
                    Node::Nobody => Some(0),
                    Node::Leaf(Leaf::Index { key, sets }) => match sets.as_slice() {
                        [set] => members(key, *set),
                        _ => None,
                    },
                    _ => None,
                };
                nodes.iter().map(of).collect()
            }
            Self::Values { key, values } => {
                let sets = (0..).zip(values);
                sets.map(|(set, _)| members(key, set)).collect()
            }
            Self::Numbers { .. } | Self::Keys { .. } => None,
        }
    }

    /// Whether all groups but the rest are within the statement's universe.
    pub fn is_within_universe(&self, compiler: &Compiler<'_>) -> bool {
        self.nodes().all(|node| compiler.is_within(node))
    }

    /// Opens it for one worker.
    pub fn open<'v>(&self, view: &'v View) -> GroupReader<'v> {
        match self {
            Self::Nodes { .. } => GroupReader::Nodes,
            Self::Values { key, values } => {
                let cursors = view.index(key).map_or_else(Vec::new, |index| {
                    (0..index.sets()).take(values.len()).map(|set| index.cursor(set)).collect()
                });
                GroupReader::Values(cursors)
            }
            Self::Numbers { key, .. } => {
                GroupReader::Numbers(RangeReader::open(view, key, 0, u64::MAX))
            }
            Self::Keys { choice, .. } => {
                GroupReader::Keys(choice.as_ref().map(|choice| KeyReader::new(view, choice)))
            }
        }
    }

    /// What a code stands for.
    ///
    /// # Errors
    /// When an item's key cannot be read.
    pub fn key(&self, view: &View, code: u128) -> Result<GroupKey, ExecuteError> {
        let place = usize::try_from(code).unwrap_or(usize::MAX);
        let key = match self {
            Self::Keys { what, .. } => return named(view, *what, code),
            Self::Nodes { nodes, rest } => nodes.get(place).map_or(rest, |(key, _)| key).clone(),
            _ if code == REST_CODE => GroupKey::Unknown,
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
        };
        Ok(key)
    }
}

/// The name of what events are about; 0 stands for nothing.
fn named(view: &View, what: About, code: u128) -> Result<GroupKey, ExecuteError> {
    let id = u32::try_from(code).unwrap_or(0);
    let snapshot = view.snapshot();
    let table = match what {
        _ if id == 0 => return Ok(GroupKey::Unknown),
        About::Item => {
            let key = snapshot.key(KeyTable::Item, id)?.unwrap_or_default();
            return Ok(GroupKey::Text(String::from_utf8_lossy(&key).into_owned()));
        }
        About::Category => NameTable::Category,
        About::Touchpoint => NameTable::Touchpoint,
        About::Brand => NameTable::Brand,
    };
    let name = snapshot.names().name(table, id);
    Ok(name.map_or(GroupKey::Unknown, |name| GroupKey::Text(name.to_string())))
}

/// What is split: everyone, or a set within the worker's chunk.
#[derive(Debug, Clone, Copy)]
pub enum Part<'s> {
    /// The universe, without its members being known.
    All,
    /// These.
    Of(&'s ChunkSet),
}

/// The groups of a part within the worker's chunk, each with its code, without the rest; empty
/// ones are left out. For partitions whose groups are not nodes.
///
/// # Errors
/// When bytes of the store are corrupt.
pub fn split(
    reader: &mut GroupReader<'_>,
    worker: &mut Worker<'_>,
    part: Part<'_>,
) -> Result<Vec<(u128, ChunkSet)>, ExecuteError> {
    let chunk = worker.chunk();
    match reader {
        GroupReader::Nodes | GroupReader::Keys(_) => Ok(Vec::new()),
        GroupReader::Values(cursors) => by_value(cursors, chunk, part, worker.pool()),
        GroupReader::Numbers(slices) => by_number(slices, chunk, part, worker.pool()),
    }
}

fn by_value(
    cursors: &mut [IndexCursor<'_>],
    chunk: u32,
    of: Part<'_>,
    pool: &mut Pool,
) -> Result<Vec<(u128, ChunkSet)>, ExecuteError> {
    let mut groups = Vec::new();
    for (code, cursor) in (0..).zip(cursors) {
        let Some(container) = cursor.chunk(chunk)? else { continue };
        let mut builder = SetBuilder::new(pool);
        builder.push_container(&container, pool);
        let mut group = builder.finish(pool);
        if let Part::Of(set) = of {
            group.intersect(set, pool);
        }
        if group.is_empty() {
            pool.recycle(group);
        } else {
            groups.push((code, group));
        }
    }
    Ok(groups)
}

fn by_number(
    slices: &mut RangeReader<'_>,
    chunk: u32,
    of: Part<'_>,
    pool: &mut Pool,
) -> Result<Vec<(u128, ChunkSet)>, ExecuteError> {
    let mut values = Vec::new();
    slices.values(chunk, of.set(), pool, &mut values)?;
    values.sort_unstable_by_key(|(low, difference)| (*difference, *low));
    let mut groups = Vec::new();
    for alike in values.chunk_by(|a, b| a.1 == b.1) {
        let Some((_, difference)) = alike.first() else { continue };
        let mut lows = pool.list();
        lows.extend(alike.iter().map(|(low, _)| *low));
        groups.push((u128::from(*difference), ChunkSet::from_sorted(lows, pool)));
    }
    Ok(groups)
}

impl<'s> Part<'s> {
    /// The set; none for everyone.
    pub fn set(self) -> Option<&'s ChunkSet> {
        match self {
            Self::All => None,
            Self::Of(set) => Some(set),
        }
    }
}

/// Turns what all groups of the partition at a level have together into what the rest has: the
/// others are taken off. None when a number does not fit.
pub fn settle(cells: &mut HashMap<Vec<u128>, Vec<i128>>, level: usize) -> Option<()> {
    let has = |codes: &[u128], code| codes.get(level) == Some(&code);
    let (mut totals, others): (HashMap<_, _>, HashMap<_, _>) =
        std::mem::take(cells).into_iter().partition(|(codes, _)| has(codes, TOTAL_CODE));
    for (codes, numbers) in &others {
        let mut total = codes.clone();
        total[level] = TOTAL_CODE;
        let rest = totals.entry(total).or_insert_with(|| vec![0; numbers.len()]);
        for (rest, number) in rest.iter_mut().zip(numbers) {
            *rest = rest.checked_sub(*number)?;
        }
    }
    *cells = others;
    for (mut codes, numbers) in totals {
        codes[level] = REST_CODE;
        cells.insert(codes, numbers);
    }
    Some(())
}
