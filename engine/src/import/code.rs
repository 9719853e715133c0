//! Names to ids, remembered by each worker so that the shared tables are asked once per name.

use std::hash::{BuildHasherDefault, Hasher};

use hashbrown::HashMap;
use throng_storage::names::{NameTable, Names};
use xxhash_rust::xxh3::xxh3_64;

use super::column::nearest;
use super::error::Reason;
use super::options::NewBehaviours;

/// Hashes a byte string at once.
#[derive(Default)]
struct Whole(u64);

impl Hasher for Whole {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }
    fn write_u8(&mut self, _: u8) {}
    fn write_usize(&mut self, _: usize) {}
    fn finish(&self) -> u64 {
        self.0
    }
}

/// The ids of one table's names.
pub(super) struct Codes {
    table: NameTable,
    known: HashMap<Box<[u8]>, u32, BuildHasherDefault<Whole>>,
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
        Self { table, known: HashMap::default(), meant, unknown }
    }

    /// The id of a value; 0 of an empty one.
    #[inline]
    pub(super) fn id(&mut self, value: &[u8], names: &Names) -> Result<u32, Reason> {
        match self.known.get(value) {
            Some(&id) => Ok(id),
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
        self.known.insert(value.into(), id);
        Ok(id)
    }
}

fn unknown(name: &str, names: &Names) -> Reason {
    let known = names.all(NameTable::Behaviour);
    let suggestion = nearest(name, known.iter().map(AsRef::as_ref)).map(str::to_owned);
    Reason::Behaviour { suggestion }
}
