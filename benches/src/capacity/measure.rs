//! What the operating system says of this process and of disks.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Between two looks at the memory.
const LOOK: Duration = Duration::from_millis(50);

/// Between two words about progress: who shows them draws no faster.
const TELL: Duration = Duration::from_millis(100);

/// Tells the parent process how far a step is, now and then: each word costs both of them.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    last: Option<Instant>,
}

impl Pulse {
    /// Whether it is time for a word.
    pub(super) fn is_due(&mut self) -> bool {
        let is_due = self.last.is_none_or(|last| last.elapsed() >= TELL);
        if is_due {
            self.last = Some(Instant::now());
        }
        is_due
    }
}

/// Bytes of a field of `/proc/self/status`; 0 where there is none.
pub(super) fn status(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let number = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or_default() * 1024
}

/// Runs a step and gives, beside its result, the most memory that was the process's own, without
/// pages of files, which the system takes back when it needs them.
pub(super) fn with_peak<T>(step: impl FnOnce() -> T) -> (T, u64) {
    let (ends, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ends.load(Ordering::Relaxed) {
                peak.fetch_max(status("RssAnon"), Ordering::Relaxed);
                std::thread::sleep(LOOK);
            }
        });
        let result = step();
        peak.fetch_max(status("RssAnon"), Ordering::Relaxed);
        ends.store(true, Ordering::Relaxed);
        result
    });
    (result, peak.into_inner())
}

/// Bytes free on the disk of a directory, if `df` tells.
pub(super) fn free(dir: &Path) -> Option<u64> {
    let out = Command::new("df").arg("-Pk").arg(dir).output().ok()?;
    let text = String::from_utf8(out.stdout).ok()?;
    let kibibytes: u64 = text.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// The processor, its cores and the memory, for the document.
pub(crate) fn machine() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let processors = read("/proc/cpuinfo");
    let model = processors.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split(": ").nth(1)).unwrap_or("an unknown processor");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = read("/proc/meminfo");
    let kibibytes = memory.lines().next().and_then(|line| line.split_whitespace().nth(1));
    let kibibytes: u64 = kibibytes.and_then(|text| text.parse().ok()).unwrap_or_default();
    format!("{model}, {cores} cores, {} GiB", (kibibytes + (1 << 19)) >> 20)
}
