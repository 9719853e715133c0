//! Blocks through threads: one reads and cuts, some parse, the caller takes the batches in the
//! order of the file. A fixed number of blocks is under way, whatever the file's size.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::thread;

use crossbeam::channel::{Receiver, Sender, bounded};

use super::block::{Block, RowView};
use super::error::LoadError;
use super::input::Input;
use super::record::Record;

/// Turns rows into batches. Every worker has one.
pub(super) trait RowParser: Send {
    /// What becomes of the rows of a block.
    type Batch: Send;
    /// Takes a row, good or bad.
    fn row(&mut self, row: RowView<'_>);
    /// The batch of the rows since the last one.
    fn finish(&mut self) -> Self::Batch;
}

/// A block on its way to the workers, or why there are no more.
type Work = (u64, Result<Block, LoadError>);

/// A block after its worker.
struct Done<B> {
    number: u64,
    parsed: Result<(B, u64), LoadError>,
    /// The block's memory, to be used again: who has it may have a block under way.
    buffer: Vec<u8>,
}

/// Runs all blocks of an input through parsers. `consume` is given each batch and the lines before
/// its block, in the order of the file, until it breaks.
pub(super) fn run<P: RowParser>(
    input: &mut Input,
    threads: usize,
    make: impl Fn() -> P,
    mut consume: impl FnMut(P::Batch, u64) -> Result<ControlFlow<()>, LoadError>,
) -> Result<(), LoadError> {
    let threads = threads.max(1);
    let under_way = threads * 2 + 2;
    let (free, buffers) = bounded::<Vec<u8>>(under_way);
    for _ in 0..under_way {
        free.send(Vec::new()).map_err(|_| LoadError::Worker)?;
    }
    let (send_work, work) = bounded::<Work>(under_way);
    let (send_done, done) = bounded::<Done<P::Batch>>(under_way);
    let (syntax, fields, base) = (input.syntax.clone(), input.header.len(), input.lines);
    thread::scope(|scope| {
        let reader = scope.spawn(move || read(input, &buffers, &send_work));
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let (work, send_done, syntax) = (work.clone(), send_done.clone(), syntax.clone());
                let mut parser = make();
                scope.spawn(move || {
                    let mut record = Record::default();
                    for (number, block) in work {
                        let done = parse(
                            number,
                            block,
                            &mut parser,
                            &mut record,
                            |block, record, visit| block.each_row(&syntax, fields, record, visit),
                        );
                        if send_done.send(done).is_err() {
                            return;
                        }
                    }
                })
            })
            .collect();
        drop((work, send_done));
        let result = in_order(&done, &free, base, &mut consume);
        // Whoever waits on a channel now learns that nobody is at its other end.
        drop((done, free));
        let mut failed = reader.join().is_err();
        for worker in workers {
            failed |= worker.join().is_err();
        }
        match result {
            Ok(()) if failed => Err(LoadError::Worker),
            result => result,
        }
    })
}

fn read(input: &mut Input, buffers: &Receiver<Vec<u8>>, work: &Sender<Work>) {
    let mut number = 0;
    while let Ok(buffer) = buffers.recv() {
        let next = match input.next(buffer) {
            Ok(Some(block)) => Ok(block),
            Ok(None) => return,
            Err(error) => Err(error),
        };
        let last = next.is_err();
        if work.send((number, next)).is_err() || last {
            return;
        }
        number += 1;
    }
}

fn parse<P: RowParser>(
    number: u64,
    block: Result<Block, LoadError>,
    parser: &mut P,
    record: &mut Record,
    each_row: impl Fn(&Block, &mut Record, &mut dyn FnMut(RowView<'_>)) -> u64,
) -> Done<P::Batch> {
    match block {
        Err(error) => Done { number, parsed: Err(error), buffer: Vec::new() },
        Ok(block) => {
            let lines = each_row(&block, record, &mut |row| parser.row(row));
            let parsed = Ok((parser.finish(), lines));
            let buffer = match block {
                Block::Text { bytes, .. } => bytes,
                Block::Table(_) => Vec::new(),
            };
            Done { number, parsed, buffer }
        }
    }
}

fn in_order<B>(
    done: &Receiver<Done<B>>,
    free: &Sender<Vec<u8>>,
    mut lines: u64,
    consume: &mut impl FnMut(B, u64) -> Result<ControlFlow<()>, LoadError>,
) -> Result<(), LoadError> {
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    for item in done {
        waiting.insert(item.number, item);
        while let Some(item) = waiting.remove(&next) {
            next += 1;
            let (batch, count) = item.parsed.map_err(|error| at_line(error, lines))?;
            // The reader may have ended: then nobody wants the buffer.
            let _ = free.send(item.buffer);
            if consume(batch, lines)?.is_break() {
                return Ok(());
            }
            lines += count;
        }
    }
    if waiting.is_empty() { Ok(()) } else { Err(LoadError::Worker) }
}

/// Moves a line that counts from its block to one that counts from the file.
fn at_line(error: LoadError, lines: u64) -> LoadError {
    match error {
        LoadError::RowTooLong { file, line } => LoadError::RowTooLong { file, line: line + lines },
        other => other,
    }
}
