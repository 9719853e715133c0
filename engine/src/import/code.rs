//! Names to ids, remembered by each worker so that the shared tables are asked once per name.

use hashbrown::HashTable;
use throng_storage::dictionary::same;
use throng_storage::names::{NameTable, Names};
use xxhash_rust::xxh3::xxh3_64;

use super::column::nearest;
use super::error::Reason;
use super::options::NewBehaviours;

/// The ids of one table's names.
pub(super) struct Codes {
    table: NameTable,
    known: HashTable<(Box<[u8]>, u32)>,
    /// What found values stand for.
    meant: Vec<(String, String)>,
    unknown: NewBehaviours,
}

impl Codes {
    pub(super) fn new(
        table: NameTable,
        meant: Vec<(String, String)>,
        unknown: NewBehaviours,
    ) -> Self {
        Self { table, known: HashTable::new(), meant, unknown }
    }

    /// The id of a value; 0 of an empty one.
    #[inline]
    pub(super) fn id(&mut self, value: &[u8], names: &Names) -> Result<u32, Reason> {
        match self.known.find(xxh3_64(value), |(known, _)| same(known, value)) {
            Some((_, id)) => Ok(*id),
            None => self.learn(value, names),
        }
    }

    #[cold]
    fn learn(&mut self, value: &[u8], names: &Names) -> Result<u32, Reason> {
        let text = std::str::from_utf8(value)
            .map_err(|error| Reason::Utf8 { at: error.valid_up_to() + 1 })?;
        let meant = self.meant.iter().find(|(found, _)| found == text);
        let name = meant.map_or(text, |(_, meant)| meant.as_str());
        let id = match (name.is_empty(), self.table, self.unknown) {
            (true, _, _) => 0,
            (false, NameTable::Behaviour, NewBehaviours::Refuse) => {
                names.get(self.table, name).ok_or_else(|| unknown(name, names))?
            }
            _ => names.intern(self.table, name)?,
        };
        let hash = |(known, _): &(Box<[u8]>, u32)| xxh3_64(known);
        self.known.insert_unique(xxh3_64(value), (value.into(), id), hash);
        Ok(id)
    }
}

fn unknown(name: &str, names: &Names) -> Reason {
    let known = names.all(NameTable::Behaviour);
    let suggestion = nearest(name, known.iter().map(AsRef::as_ref)).map(str::to_owned);
    Reason::Behaviour { suggestion }
}
