//! Looking at every byte of a store, and comparing what is said in two places.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::finding::{Fault, Finding, Note};
use super::report::Report;
use super::rows::{Erased, Presence, RowCheck};
use super::survey::Survey;
use super::{keys, sets};
use crate::catalog::CatalogError;
use crate::error::CorruptError;
use crate::segment::Segment;
use crate::store::types::KeyTable;

impl Survey {
    /// Reads every block of every file, compares it with its checksum, and compares indexes with
    /// rows, names and keys with what names them, and the directory with the manifest. `progress`
    /// is told (done, total) bytes. Takes 2 bytes of memory per consumer, twice.
    pub fn check(&self, progress: &mut dyn FnMut(u64, u64)) -> Report {
        let sizes = self.sizes();
        let mut report = Report {
            findings: self.findings.clone(),
            notes: self.notes.clone(),
            files: sizes.len() as u64,
            bytes: sizes.iter().sum(),
            events: self.segments.iter().map(|(_, segment)| segment.rows()).sum(),
        };
        let (mut done, total) = (0, report.bytes);
        progress(done, total);
        let logged = self.log.batches.iter().map(|batch| batch.body.events.len() as u64);
        report.events += logged.sum::<u64>();
        let erased = self.erased();
        for table in KeyTable::ALL {
            let (parts, buried) = (&self.parts[table as usize], &erased.buried[table as usize]);
            keys::check(table, parts, buried, &mut |bytes| {
                done += bytes;
                progress(done, total);
            })
            .into_iter()
            .for_each(|finding| report.findings.push(finding));
        }
        self.check_segments(&mut report, &erased, &mut |bytes| {
            done += bytes;
            progress(done, total);
        });
        let consumers = self.limits().keys[0];
        for (key, (_, index)) in &self.indexes {
            report.findings.extend(sets::check(key, index, consumers, &erased.gone));
            done += index.bytes();
            progress(done, total);
        }
        self.check_catalog(&mut report);
        progress(total, total);
        report
    }

    /// Who was taken out, as the manifest and the log say.
    fn erased(&self) -> Erased {
        let erasures = &self.state.erasures;
        let mut buried = erasures.buried.clone();
        let gone = &buried[0] - &erasures.pending;
        let logged = self.log.batches.iter().filter_map(|batch| batch.body.forgetting.as_ref());
        logged.for_each(|forgetting| buried[0] |= forgetting.consumers());
        Erased { buried, gone }
    }

    /// Bytes of each file, as far as it can be opened.
    fn sizes(&self) -> Vec<u64> {
        let mut sizes: Vec<u64> = Vec::new();
        sizes.extend(self.segments.iter().map(|(_, segment)| segment.bytes()));
        sizes.extend(self.indexes.values().map(|(_, index)| index.bytes()));
        sizes.extend(self.parts.iter().flatten().map(|part| part.bytes()));
        sizes.push(self.log.bytes);
        sizes
    }

    fn check_segments(&self, report: &mut Report, erased: &Erased, progress: &mut dyn FnMut(u64)) {
        let limits = self.limits();
        let mut known = Presence::new(limits.keys[0]);
        for (_, segment) in &self.segments {
            let damage = segment.block_file().damage();
            report.findings.extend(damage.into_iter().map(Finding::bytes));
            // Where the presence lane itself cannot be read, the blocks above say it.
            let _: Result<(), CorruptError> = known.add(segment);
        }
        let name = |table, id| self.name(table, id);
        let mut check = RowCheck::new(limits, &known, &name, erased);
        for segments in by_merge(&self.segments) {
            report.findings.extend(check.segments(&segments));
            segments.iter().for_each(|segment| progress(segment.bytes()));
        }
    }

    fn check_catalog(&self, report: &mut Report) {
        let catalog = match self.catalog() {
            Ok(Some(catalog)) => catalog,
            Ok(None) => return,
            Err(error) => return report.findings.push(Finding::io(error)),
        };
        let path = self.files.dir.join(crate::catalog::DIR);
        match catalog.content() {
            // What a damaged dump or log would say of them is not known.
            Ok(_) if !self.definitions_are_whole() => {}
            Ok((held, _)) if *held == self.definitions => {}
            Ok((_, version)) if version < self.edits + self.log.last => {
                report.notes.push(Note::CatalogBehind { path });
            }
            Ok(_) => {
                let fault = Fault::Bytes("the catalog has other definitions than the store");
                report.findings.push(Finding::new(&path, 0, fault));
            }
            Err(CatalogError::Io(error)) => report.findings.push(Finding::io(error)),
            Err(_) => {
                let fault = Fault::Bytes("the catalog cannot be read");
                report.findings.push(Finding::new(&path, 0, fault));
            }
        }
    }
}

/// The segments, those of one merge together.
fn by_merge(segments: &[(u64, Arc<Segment>)]) -> Vec<Vec<&Segment>> {
    let mut merges: BTreeMap<u64, Vec<&Segment>> = BTreeMap::new();
    for (number, segment) in segments {
        merges.entry(segment.arrival().unwrap_or(*number)).or_default().push(segment);
    }
    merges.into_values().collect()
}
