//! What a store should hold, in a form that is quick to compare.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use throng_storage::dictionary::KeyColumn;
use throng_storage::names::{NameTable, Names};
use throng_storage::rows::EventColumns;
use throng_storage::store::{BulkOptions, KeyTable, Store, WriteError};

/// One event. The amount tells it from all others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    /// Names and keys: consumer, brand, behaviour, item.
    pub names: [String; 4],
    /// The calendar day.
    pub day: i32,
    /// The second of the day.
    pub second: u32,
    /// Its own number.
    pub amount: i64,
}

/// Which events, and how often each.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Rows(BTreeMap<Row, usize>);

impl Rows {
    /// With one more.
    pub fn add(&mut self, row: Row) {
        *self.0.entry(row).or_default() += 1;
    }

    /// Without those that are not to stay.
    pub fn retain(&mut self, stays: impl Fn(&Row) -> bool) {
        self.0.retain(|row, _| stays(row));
    }
}

/// How many, and the sum of their hashes.
impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = |one: (&Row, &usize)| {
            let mut hasher = DefaultHasher::new();
            one.hash(&mut hasher);
            hasher.finish()
        };
        let sum = self.0.iter().map(hash).fold(0_u64, u64::wrapping_add);
        write!(f, "{} rows ({sum:016x})", self.0.values().sum::<usize>())
    }
}

/// The content of a store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Model {
    /// Its events.
    pub rows: Rows,
    /// Its definitions.
    pub definitions: BTreeMap<(u8, String), Vec<u8>>,
    /// Members of the only set of each index.
    pub indexes: BTreeMap<String, BTreeSet<String>>,
    /// Tokens that were applied.
    pub tokens: BTreeSet<String>,
}

impl Model {
    /// What a store holds, of these tokens.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn of(store: &Store, tokens: &BTreeSet<String>) -> Result<Self, String> {
        let snapshot = store.snapshot();
        let name = |table, id: u32| match id {
            0 => Ok(String::new()),
            id => match snapshot.names().name(table, id) {
                Some(name) => Ok(name.to_string()),
                None => Err(format!("{table:?} {id} has no name")),
            },
        };
        let key = |table: KeyTable, id: u32| {
            if id < table.first_id() {
                return Ok(String::new());
            }
            let key = snapshot.key(table, id).map_err(|error| error.to_string())?;
            let key = key.ok_or_else(|| format!("{table:?} {id} has no key"))?;
            if snapshot.id(table, &key).map_err(|error| error.to_string())? != Some(id) {
                return Err(format!("{table:?} {id} is not found by its key"));
            }
            Ok(String::from_utf8_lossy(&key).into_owned())
        };
        // Files may hold them until everything is merged; nobody who reads may see them.
        let pending = snapshot.erasures().pending();
        let mut rows = Rows::default();
        for segment in snapshot.segments() {
            let events = segment.read_all().map_err(|error| error.to_string())?;
            for i in (0..events.len()).filter(|&i| !pending.contains(events.consumer[i])) {
                rows.add(Row {
                    names: [
                        key(KeyTable::Consumer, events.consumer[i])?,
                        name(NameTable::Brand, events.brand[i])?,
                        name(NameTable::Behaviour, u32::from(events.behaviour[i]))?,
                        key(KeyTable::Item, events.item.get(i).copied().unwrap_or(0))?,
                    ],
                    day: events.day[i],
                    second: events.second.get(i).copied().unwrap_or(0),
                    amount: events.amount.get(i).copied().unwrap_or(0),
                });
            }
        }
        let mut indexes = BTreeMap::new();
        for name in snapshot.index_keys() {
            let Some(index) = snapshot.index(name) else { continue };
            let members = index.read_set(0).map_err(|error| error.to_string())?;
            let members = members.into_iter().filter(|id| !pending.contains(*id));
            let members = members.map(|id| key(KeyTable::Consumer, id));
            indexes.insert(name.to_owned(), members.collect::<Result<_, _>>()?);
        }
        Ok(Self {
            rows,
            definitions: snapshot.definitions().clone(),
            indexes,
            tokens: applied(store, tokens)?,
        })
    }
}

/// Those of some tokens that a store knows.
fn applied(store: &Store, tokens: &BTreeSet<String>) -> Result<BTreeSet<String>, String> {
    let mut applied = BTreeSet::new();
    for token in tokens {
        let options = BulkOptions { token: Some(token.clone()), memory: 1 << 20 };
        match store.bulk(options) {
            Ok(load) if load.repeated() => {
                applied.insert(token.clone());
            }
            Ok(_) => {}
            Err(WriteError::ReadOnly(_)) => return Err("read-only".to_owned()),
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(applied)
}

/// Gives the ids of keys.
pub type Intern<'i> = dyn FnMut(KeyTable, &KeyColumn, &mut Vec<u32>) -> Result<(), WriteError> + 'i;

/// Rows as columns, with keys and names interned.
///
/// # Errors
/// When a key is not taken.
pub fn columns_of(
    rows: &[Row],
    names: &Names,
    intern: &mut Intern<'_>,
) -> Result<EventColumns, WriteError> {
    let mut events = EventColumns::default();
    let keys = |at: usize| rows.iter().map(|row| row.names[at].as_bytes()).collect::<KeyColumn>();
    intern(KeyTable::Consumer, &keys(0), &mut events.consumer)?;
    intern(KeyTable::Item, &keys(3), &mut events.item)?;
    let named = |table, name: &str| names.intern(table, name).unwrap_or_default();
    for row in rows {
        events.brand.push(named(NameTable::Brand, &row.names[1]));
        let behaviour = named(NameTable::Behaviour, &row.names[2]);
        events.behaviour.push(u16::try_from(behaviour).unwrap_or_default());
        events.day.push(row.day);
        events.second.push(row.second);
        events.amount.push(row.amount);
    }
    Ok(events)
}
