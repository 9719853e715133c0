//! One merge: its files, and its publishing.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;

use super::plan::Job;
use super::state::{CompactionJob, CompactionState};
use crate::io::DiskFile;
use crate::segment::{Merge, MergeError, Output, Segment, SegmentStream, StreamOptions, Without};
use crate::store::commit::{Plan, commit};
use crate::store::error::WriteError;
use crate::store::files::{Draft, FileType};
use crate::store::shared::Shared;
use crate::store::snapshot::Snapshot;

/// Asked again and again with the events merged since; `Break` ends the work.
pub(in crate::store) type Pause<'p> = dyn FnMut(u64) -> ControlFlow<()> + 'p;

/// Segments with the numbers of their files.
pub(in crate::store) type Numbered = Vec<(u64, Arc<Segment>)>;

/// Bytes that were written, and to how many segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) segments: usize,
    pub(super) bytes: u64,
}

/// The segments of a merge on their way.
struct Files<'j> {
    shared: &'j Shared,
    draft: &'j Draft,
    state: &'j CompactionState,
    job: CompactionJob,
    arrival: u64,
    pause: &'j mut Pause<'j>,
    /// The files that were begun, in the order of their numbers.
    begun: Vec<(u64, PathBuf, Arc<dyn DiskFile>)>,
}

impl Output for Files<'_> {
    fn begin(&mut self, first_day: u16) -> Result<SegmentStream, MergeError> {
        let files = &self.shared.files;
        let (number, path) = self.draft.reserve(FileType::Segment);
        let file = files.disk.create(&path).map_err(crate::segment::StreamError::from)?;
        self.begun.push((number, path, Arc::clone(&file)));
        let file_id = files.file_id(number);
        Ok(SegmentStream::new(file, StreamOptions { file_id, first_day, arrival: self.arrival }))
    }

    fn pause(&mut self, rows: u64) -> ControlFlow<()> {
        self.state.add_rows(self.job, rows);
        (self.pause)(rows)
    }
}

/// Merges the segments of a job and puts the result in their place. None when it was stopped;
/// then, and after an error, everything is as before.
pub(super) fn run(
    shared: &Shared,
    snapshot: &Snapshot,
    job: &Job,
    pause: &mut Pause<'_>,
) -> Result<Option<Made>, WriteError> {
    shared.healthy()?;
    let draft = Draft::new(&shared.files);
    let without =
        Without { consumers: snapshot.erasures().pending(), events: None, presence: None };
    let Some(segments) = write(&Writing { shared, snapshot, draft: &draft }, job, &without, pause)?
    else {
        return Ok(None);
    };
    publish(shared, draft, job, segments, pause)
}

/// Where segments are written that nothing refers to yet.
#[derive(Clone, Copy)]
pub(in crate::store) struct Writing<'w> {
    pub(in crate::store) shared: &'w Shared,
    pub(in crate::store) snapshot: &'w Snapshot,
    pub(in crate::store) draft: &'w Draft,
}

/// Writes and syncs the segments that a job makes. None when it was stopped.
pub(in crate::store) fn write(
    to: &Writing<'_>,
    job: &Job,
    without: &Without<'_>,
    pause: &mut Pause<'_>,
) -> Result<Option<Numbered>, WriteError> {
    let Writing { shared, snapshot, draft } = *to;
    let state = &*snapshot.compaction;
    let _running = state.begin(job.into());
    let inputs: Vec<Arc<Segment>> =
        job.pieces.iter().filter_map(|piece| snapshot.segment(piece.number)).cloned().collect();
    let arrival = job.pieces.iter().map(|piece| piece.arrival).max().unwrap_or_default();
    let rows_max = shared.tuning.segment_rows as u64;
    let merge = Merge { inputs: &inputs, blocks: &job.blocks, rows_max, without };
    let told = job.into();
    let mut files =
        Files { shared, draft, state, job: told, arrival, pause: &mut *pause, begun: Vec::new() };
    let merged = merge.run(&mut files);
    let begun = files.begun;
    match merged {
        Ok(()) => {}
        Err(MergeError::Stopped) => return Ok(None),
        Err(MergeError::Stream(error)) => return Err(error.into()),
        Err(MergeError::Corrupt(error)) => {
            let named = |number| shared.files.path(FileType::Segment, number) == error.path;
            let numbers = || job.pieces.iter().map(|piece| piece.number);
            let known = numbers().any(named);
            let damaged = numbers().filter(|&number| !known || named(number));
            damaged.for_each(|number| state.set_aside(number));
            return Err(error.into());
        }
    }
    let mut segments = Numbered::new();
    for (number, path, file) in begun {
        // Nothing refers to the file, and what it was made of is where it was: a disk that does
        // not confirm takes nothing away from the store.
        file.sync()?;
        drop(file);
        let mapping = shared.files.disk.map(&path)?;
        segments.push((number, Arc::new(Segment::from_mapping(mapping, path)?)));
        if pause(0).is_break() {
            return Ok(None);
        }
    }
    Ok(Some(segments))
}

/// Puts segments in the place of those of a job. None when it was stopped.
pub(super) fn publish(
    shared: &Shared,
    draft: Draft,
    job: &Job,
    segments: Numbered,
    pause: &mut Pause<'_>,
) -> Result<Option<Made>, WriteError> {
    let segments_removed = job.pieces.iter().map(|piece| piece.number).collect();
    let plan = Plan { segments, segments_removed, ..Plan::default() };
    let made = Made {
        segments: plan.segments.len(),
        bytes: plan.segments.iter().map(|(_, segment)| segment.bytes()).sum(),
    };
    let Some(turn) = shared.turn.take_unless(&mut || pause(0)) else { return Ok(None) };
    commit(shared, draft, plan)?;
    drop(turn);
    shared.present().compaction.note_merge();
    Ok(Some(made))
}
