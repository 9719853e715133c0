//! Dictionaries: every key is found at its position.

use std::sync::Arc;

use roaring::RoaringBitmap;

use super::finding::{Fault, Finding};
use crate::dictionary::{Dictionary, Part};
use crate::error::CorruptError;
use crate::store::types::KeyTable;

/// Keys that are looked up before progress is told.
const STEP: u32 = 1 << 16;

/// What is wrong with the parts of a dictionary, in which the keys at some positions are not to be
/// found. `progress` is told bytes.
pub(super) fn check(
    table: KeyTable,
    parts: &[Arc<Part>],
    buried: &RoaringBitmap,
    progress: &mut dyn FnMut(u64),
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut sound = true;
    for part in parts {
        let damage = part.damage();
        sound &= damage.is_empty();
        findings.extend(damage.into_iter().map(Finding::bytes));
    }
    let follow = parts.windows(2).all(|pair| match pair {
        [before, after] => before.first().saturating_add(before.count()) == after.first(),
        _ => true,
    });
    let begins = parts.first().is_none_or(|part| part.first() == 0);
    if !sound || !follow || !begins {
        // A search meets the damage again at every second key.
        parts.iter().for_each(|part| progress(part.bytes()));
        return findings;
    }
    let dictionary = Dictionary::new(parts.to_vec());
    dictionary.bury(buried);
    for part in parts {
        findings.extend(check_part(table, part, &dictionary, progress));
    }
    findings
}

/// The first key of a part that is not found where it stands.
fn check_part(
    table: KeyTable,
    part: &Part,
    dictionary: &Dictionary,
    progress: &mut dyn FnMut(u64),
) -> Option<Finding> {
    let buried = dictionary.buried();
    let mut told = 0;
    let mut found = None;
    for index in 0..part.count() {
        let position = part.first() + index;
        let what = match look_up(part, index, dictionary) {
            // A forgotten key comes again at another position, or not at all.
            Ok(at) if buried.contains(position) && at != Some(position) => None,
            Ok(Some(at)) if at == position => None,
            Ok(Some(_)) => Some("the key stands at another position as well"),
            Ok(None) => Some("the hash table does not find the key"),
            Err(error) => {
                found = Some(Finding::bytes(error));
                break;
            }
        };
        if let Some(what) = what {
            let fault = Fault::Key { table, position, what };
            found = Some(Finding::new(part.path(), part.table_at(), fault));
            break;
        }
        if index % STEP == STEP - 1 {
            let done = part.bytes() * u64::from(index) / u64::from(part.count());
            progress(done - told);
            told = done;
        }
    }
    progress(part.bytes() - told);
    found
}

fn look_up(part: &Part, index: u32, dictionary: &Dictionary) -> Result<Option<u32>, CorruptError> {
    dictionary.find(part.key(index)?)
}
