//! What a run touched: per node, how often it was computed, how many bytes and rows it read.

use std::time::Duration;

use throng_storage::container::{CHUNK_WORDS, Container};
use throng_storage::segment::LaneChunk;

/// What one leaf reads; reset for each.
#[derive(Debug, Clone, Copy, Default)]
pub struct Touched {
    /// Bytes of columns and containers.
    pub bytes: u64,
    /// Rows decoded.
    pub rows: u64,
    /// Containers read in place.
    pub containers: Containers,
}

/// Containers by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Containers {
    /// Lists of positions.
    pub arrays: u64,
    /// A bit for each position.
    pub bitsets: u64,
    /// Ranges of positions.
    pub runs: u64,
    /// All positions, of which nothing is read.
    pub full: u64,
}

/// Whether the time of every node is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// No clock is read.
    Off,
    /// Two clock readings a node and chunk.
    On,
}

/// How a program was run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Way {
    /// A set of each node, chunk by chunk.
    #[default]
    Sets,
    /// Row by row: consumers were counted by the combination of leaves they are in.
    Rows,
    /// Row by row of one leaf; whatever else there is was asked of its members, one by one.
    Lead,
    /// Row by row, all days at once.
    Days,
    /// From the memo alone.
    Memo,
}

/// The account of one node.
#[derive(Debug, Clone, Copy, Default)]
pub struct NodeTrace {
    /// Chunks for which it was computed.
    pub chunks: u64,
    /// Of these, chunks in which it had a member.
    pub occupied: u64,
    /// Bytes read by it, without its children.
    pub bytes: u64,
    /// Rows decoded by it.
    pub rows: u64,
    /// Containers read by it in place.
    pub containers: Containers,
    /// Time spent in it, without its children, over all workers.
    pub time: Duration,
    /// Whether its members came from the memo.
    pub remembered: bool,
}

/// The account of a run.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// By node.
    pub nodes: Vec<NodeTrace>,
    /// Chunks visited.
    pub chunks: u64,
    /// Workers that ran.
    pub workers: usize,
    /// From start to end.
    pub elapsed: Duration,
    /// How it was run.
    pub way: Way,
    /// Consumers who were looked up one by one.
    pub consumers: u64,
}

impl Touched {
    /// A chunk of a lane whose rows were decoded.
    pub fn rows(&mut self, chunk: &LaneChunk<'_>) {
        self.rows += u64::from(chunk.rows());
        self.bytes += u64::from(chunk.bytes());
    }

    /// A chunk of a lane of which only the consumers were read.
    pub fn consumers(&mut self, chunk: &LaneChunk<'_>) {
        self.bytes += u64::from(chunk.bytes()).min(CHUNK_WORDS as u64 * 8);
    }

    /// A container read in place.
    pub fn container(&mut self, container: &Container<'_>) {
        let (kind, bytes) = match container {
            Container::Array(lows) => (&mut self.containers.arrays, lows.len() as u64 * 2),
            Container::Bitset(_) => (&mut self.containers.bitsets, CHUNK_WORDS as u64 * 8),
            Container::Runs(runs) => (&mut self.containers.runs, runs.len() as u64 * 4),
            Container::Full => (&mut self.containers.full, 0),
        };
        *kind += 1;
        self.bytes += bytes;
    }
}

impl Containers {
    fn add(&mut self, other: Self) {
        self.arrays += other.arrays;
        self.bitsets += other.bitsets;
        self.runs += other.runs;
        self.full += other.full;
    }
}

impl NodeTrace {
    /// Adds what was read for it.
    pub fn add(&mut self, touched: Touched) {
        self.bytes += touched.bytes;
        self.rows += touched.rows;
        self.containers.add(touched.containers);
    }
}

impl Trace {
    /// Bytes read by all nodes.
    pub fn bytes(&self) -> u64 {
        self.nodes.iter().map(|node| node.bytes).sum()
    }

    /// Rows decoded by all nodes.
    pub fn rows(&self) -> u64 {
        self.nodes.iter().map(|node| node.rows).sum()
    }

    /// Adds another worker's account of the same program.
    pub fn merge(&mut self, other: &Self) {
        if self.nodes.len() < other.nodes.len() {
            self.nodes.resize(other.nodes.len(), NodeTrace::default());
        }
        for (mine, theirs) in self.nodes.iter_mut().zip(&other.nodes) {
            mine.chunks += theirs.chunks;
            mine.occupied += theirs.occupied;
            mine.bytes += theirs.bytes;
            mine.rows += theirs.rows;
            mine.containers.add(theirs.containers);
            mine.time += theirs.time;
            mine.remembered |= theirs.remembered;
        }
        self.chunks += other.chunks;
        self.workers += other.workers;
        self.consumers += other.consumers;
        self.elapsed = self.elapsed.max(other.elapsed);
    }
}
