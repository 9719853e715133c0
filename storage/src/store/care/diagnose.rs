//! From findings to what can be done about them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::finding::Finding;
use super::log::{Batch, LostTokens};
use super::report::Report;
use super::survey::Survey;
use super::trouble::{Diagnosis, Loss, LossSource, Remedy, Trouble};
use crate::catalog::DIR as CATALOG;
use crate::dictionary::Part;
use crate::names::NameTable;
use crate::rows::EventColumns;
use crate::segment::{Lane, LaneTrace, Segment, traces};
use crate::store::columns;
use crate::store::files::FileType;

impl Survey {
    /// What can be done about what a check found.
    #[must_use]
    pub fn diagnose(&self, report: &Report) -> Diagnosis {
        let mut by_file: BTreeMap<PathBuf, Vec<Finding>> = BTreeMap::new();
        for finding in &report.findings {
            by_file.entry(finding.path.clone()).or_default().push(finding.clone());
        }
        let troubles = by_file.into_iter().map(|(path, findings)| {
            let (remedy, losses) = self.remedy(&path);
            Trouble { findings, remedy, losses }
        });
        Diagnosis { troubles: troubles.collect() }
    }

    fn remedy(&self, path: &Path) -> (Remedy, Vec<Loss>) {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        if name == CATALOG {
            return (Remedy::RebuildCatalog, Vec::new());
        }
        match FileType::parse(&name) {
            Some((FileType::Log, _)) => {
                let mut losses = self.lost_batches();
                // A manifest that cannot be read is a trouble of its own.
                match self.lost_tokens() {
                    Ok(LostTokens::Perhaps(tokens)) if !tokens.is_empty() => {
                        losses.push(Loss::Tokens { count: tokens.len() as u64 });
                    }
                    _ => {}
                }
                (Remedy::CutLog, losses)
            }
            Some((FileType::Segment, number)) => self.segment_remedy(number, path),
            Some((FileType::Index, number)) => {
                let mut entries = self.state.indexes.iter();
                let key = entries.find(|(_, entry)| entry.number == number);
                let key = key.map(|(key, _)| key.clone()).unwrap_or_default();
                (Remedy::DropIndex { key: key.clone() }, vec![Loss::Index { key }])
            }
            Some((FileType::Part(_), number)) => {
                let parts = self.parts.iter().flatten();
                let part = parts.into_iter().find(|part| part.number() == number);
                let whole = part.is_some_and(|part| keys_are_whole(part));
                let remedy = if whole { Remedy::RebuildPart { number } } else { Remedy::Restore };
                (remedy, Vec::new())
            }
            Some((FileType::Dump, _)) if self.catalog_content().is_some() => {
                (Remedy::RewriteDump, Vec::new())
            }
            _ => (Remedy::Restore, Vec::new()),
        }
    }

    fn segment_remedy(&self, number: u64, path: &Path) -> (Remedy, Vec<Loss>) {
        let Some((_, segment)) = self.segments.iter().find(|(other, _)| *other == number) else {
            return (Remedy::DropSegment { number }, self.lost_segment(number, path));
        };
        let (readable, lost) = self.lanes(segment);
        let losses = lost.into_iter().map(|lane| {
            self.lost_lane(
                &LaneTrace {
                    brand: lane.brand(),
                    behaviour: lane.behaviour(),
                    rows: lane.rows(),
                    consumers: lane.consumers_total(),
                    days: (lane.first_day(), lane.last_day()),
                },
                LossSource::Verified,
            )
        });
        let remedy = if readable.is_empty() {
            Remedy::DropSegment { number }
        } else {
            Remedy::RewriteSegment { number }
        };
        (remedy, losses.collect())
    }

    /// The lanes whose events can be read and name what there is, and those that cannot.
    pub(super) fn lanes<'s>(&self, segment: &'s Segment) -> (Vec<Lane<'s>>, Vec<Lane<'s>>) {
        let limits = self.limits();
        segment.lanes().partition(|lane| {
            let mut events = EventColumns::default();
            lane.read_into(&mut events).is_ok() && columns::check(&events, &limits).is_ok()
        })
    }

    fn lost_lane(&self, trace: &LaneTrace, source: LossSource) -> Loss {
        Loss::Events {
            brand: self.name(NameTable::Brand, trace.brand),
            behaviour: self.name(NameTable::Behaviour, u32::from(trace.behaviour)),
            days: trace.days,
            events: trace.rows,
            consumers: trace.consumers,
            source,
        }
    }

    fn lost_segment(&self, number: u64, path: &Path) -> Vec<Loss> {
        let stated = self.state.segments.get(&number).map_or(0, |entry| entry.bytes);
        let bytes = self.files.disk.read(path).unwrap_or_default();
        match traces(&bytes) {
            Some(traces) => {
                traces.iter().map(|trace| self.lost_lane(trace, LossSource::Unverified)).collect()
            }
            None => vec![Loss::UnknownEvents { path: path.to_owned(), bytes: stated }],
        }
    }

    /// What is lost by cutting the log before its damage.
    fn lost_batches(&self) -> Vec<Loss> {
        let mut losses = Vec::new();
        let mut next = self.log.last.saturating_add(1);
        for Batch { sequence, body, .. } in &self.log.behind {
            if *sequence > next {
                losses.push(Loss::UnknownBatches { from: next, to: Some(sequence - 1) });
            }
            next = sequence + 1;
            let names = body.definitions.iter().map(|change| (change.kind, change.name.clone()));
            losses.push(Loss::Batch {
                sequence: *sequence,
                events: body.events.len() as u64,
                definitions: names.collect(),
                forgotten: body.forgetting.as_ref().map_or(0, |f| f.records.len() as u64),
                token: body.token.clone(),
            });
        }
        if losses.is_empty() {
            losses.push(Loss::UnknownBatches { from: next, to: None });
        }
        losses
    }
}

/// Whether only the hash table of a part is damaged: each key is read, with its checksum.
fn keys_are_whole(part: &Part) -> bool {
    (0..part.count()).all(|index| part.key(index).is_ok())
}
