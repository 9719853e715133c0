//! Index files: every set is as its entry says, in order, and within the consumers there are.

use roaring::RoaringBitmap;

use super::finding::{Fault, Finding};
use crate::container::Container;
use crate::error::CorruptError;
use crate::index::IndexFile;

/// What a set was found to hold.
#[derive(Debug, Default)]
struct Found {
    containers: u32,
    members: u64,
    greatest: Option<u32>,
    unsorted: bool,
}

/// What is wrong with the index of a key, in a store where some consumers are gone.
pub(super) fn check(
    key: &str,
    index: &IndexFile,
    consumers: u32,
    gone: &RoaringBitmap,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        index.block_file().damage().into_iter().map(Finding::bytes).collect();
    if !findings.is_empty() {
        return findings;
    }
    let mut chunk_end = 0;
    for set in 0..index.sets() {
        let (containers, offset) = index.containers(set);
        let mut wrong = |offset, fault| {
            let fault = Fault::Set { key: key.to_owned(), set, fault: Box::new(fault) };
            findings.push(Finding::new(index.path(), offset, fault));
        };
        let found = match read(index, set) {
            Ok(found) => found,
            Err(error) => {
                wrong(error.offset, Fault::Bytes(error.what));
                continue;
            }
        };
        let mut differs = |what, stated, found| {
            if stated != found {
                wrong(offset, Fault::Differs { what, stated, found });
            }
        };
        differs("containers", u64::from(containers), u64::from(found.containers));
        differs("members", index.cardinality(set), found.members);
        if !gone.is_empty() && index.read_set(set).is_ok_and(|set| !set.is_disjoint(gone)) {
            wrong(offset, Fault::Bytes("a member is a consumer who was forgotten"));
        }
        if found.unsorted {
            wrong(offset, Fault::Bytes("the members of a chunk do not ascend"));
        }
        if let Some(id) = found.greatest {
            chunk_end = chunk_end.max((id >> 16) + 1);
            if id >= consumers {
                let (id, end) = (u64::from(id), u64::from(consumers));
                wrong(offset, Fault::Id { column: "consumer", id, end });
            }
        }
    }
    if chunk_end != index.chunk_end() {
        let (stated, found) = (u64::from(index.chunk_end()), u64::from(chunk_end));
        let fault = Fault::Differs { what: "chunks", stated, found };
        findings.push(Finding::new(index.path(), 0, fault));
    }
    findings
}

fn read(index: &IndexFile, set: u32) -> Result<Found, CorruptError> {
    let mut found = Found::default();
    let mut cursor = index.cursor(set);
    let mut next = cursor.next_chunk(0)?;
    while let Some(chunk) = next {
        if let Some(container) = cursor.chunk(chunk)? {
            found.containers += 1;
            found.members += u64::from(container.cardinality());
            found.unsorted |= !ascends(container);
            let greatest = container.iter().last().map(|low| chunk << 16 | u32::from(low));
            found.greatest = found.greatest.max(greatest);
        }
        next = match chunk.checked_add(1) {
            Some(after) => cursor.next_chunk(after)?.filter(|&next| next > chunk),
            None => None,
        };
    }
    Ok(found)
}

fn ascends(container: Container<'_>) -> bool {
    match container {
        Container::Array(positions) => positions.is_sorted_by(|a, b| a < b),
        Container::Runs(runs) => {
            let apart = |a: u16, b: u16| b.checked_sub(a).is_some_and(|gap| gap > 1);
            runs.iter().all(|run| run.first <= run.last)
                && runs.is_sorted_by(|a, b| apart(a.last, b.first))
        }
        Container::Bitset(_) | Container::Full => true,
    }
}
