//! Telling the processor what will be read soon.

use std::collections::VecDeque;
use std::ops::Range;

/// Bytes of a cache line.
const LINE: usize = 64;

/// What will be read soon, and is loaded a few cache lines at a time beside work that waits for no
/// memory. Asking for all of it at once makes the processor wait, as it has room for some dozens
/// of lines that are under way.
#[derive(Debug, Default)]
pub struct Ahead {
    /// Addresses. What was there may be gone by now: loading is a hint, nothing is read.
    present: Range<usize>,
    ranges: VecDeque<Range<usize>>,
    /// Lines that could have been loaded beside something since the turn before.
    beside: usize,
    /// Whether there is enough such work.
    is_beside: bool,
}

impl Ahead {
    /// Lines that are loaded at a time: with fewer, what is loaded falls behind what is read where
    /// 64 positions are set between two times.
    const LINES: usize = 12;
    /// Lines from which on it is.
    const BESIDE_MIN: usize = 64;
    /// Ranges that wait, at most.
    const RANGES_MAX: usize = 16;

    /// Bytes to be read after the next turn, or soon after it.
    pub fn add(&mut self, bytes: &[u8]) {
        if !self.is_beside {
            return prefetch_all(bytes);
        }
        let start = bytes.as_ptr().addr();
        self.ranges.push_back(start..start + bytes.len());
        if self.ranges.len() > Self::RANGES_MAX
            && let Some(oldest) = self.ranges.pop_front()
        {
            oldest.step_by(LINE).for_each(far_line_at);
        }
    }

    /// Loads the next dozen lines: to be called after some 64 steps of work.
    #[inline]
    pub fn load(&mut self) {
        self.beside += Self::LINES;
        let Range { start, end } = self.present;
        if end.wrapping_sub(start) >= Self::LINES * LINE {
            for line in 0..Self::LINES {
                far_line_at(start + line * LINE);
            }
            self.present.start = start + Self::LINES * LINE;
        } else {
            self.go_on();
        }
    }

    /// Loads what is left of the present range, and begins the next.
    #[cold]
    fn go_on(&mut self) {
        let next = self.ranges.pop_front().unwrap_or_default();
        std::mem::replace(&mut self.present, next).step_by(LINE).for_each(far_line_at);
    }

    /// Begins what comes after: what is added from now on is loaded at once, unless there was
    /// enough work beside which it could have been.
    pub fn turn(&mut self) {
        self.is_beside = std::mem::take(&mut self.beside) >= Self::BESIDE_MIN;
        let left = self.ranges.drain(..);
        let present = std::mem::take(&mut self.present);
        std::iter::once(present).chain(left).flat_map(|r| r.step_by(LINE)).for_each(far_line_at);
    }
}

fn far_line_at(address: usize) {
    far_line(std::ptr::without_provenance(address));
}

/// Starts to load the cache line at a position of a slice; nothing beyond its end.
#[inline]
pub(crate) fn prefetch<T>(slice: &[T], position: usize) {
    if let Some(item) = slice.get(position) {
        line(std::ptr::from_ref(item).cast());
    }
}

/// Starts to load all cache lines of some bytes, one a turn of a few cycles. Eight a turn, which is
/// what the compiler would make of it, leave no room for what is read meanwhile: counting the
/// members of six sets of 100 M consumers takes a tenth longer.
#[inline]
pub(crate) fn prefetch_all(bytes: &[u8]) {
    let mut position = 0;
    while let Some(byte) = bytes.get(position) {
        far_line(std::ptr::from_ref(byte).cast());
        position = std::hint::black_box(position + LINE);
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn line(address: *const i8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch is a hint that reads no value and never faults; SSE is part of x86_64.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address) }
}

/// The same, not to the smallest cache, which has something else until then.
#[cfg(target_arch = "x86_64")]
#[inline]
fn far_line(address: *const i8) {
    use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
    // SAFETY: as above.
    unsafe { _mm_prefetch::<_MM_HINT_T1>(address) }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn line(_address: *const i8) {}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn far_line(_address: *const i8) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ahead_is_loaded_beside_work_and_by_the_next_turn() {
        let bytes = vec![0; 3 * Ahead::LINES * LINE + 100];
        let mut ahead = Ahead::default();
        ahead.add(&bytes);
        assert!(ahead.ranges.is_empty(), "there was no work beside which it could be loaded");
        (0..Ahead::BESIDE_MIN).for_each(|_| ahead.load());
        ahead.turn();
        ahead.add(&bytes);
        ahead.add(&bytes[..70]);
        assert_eq!(ahead.ranges.len(), 2);
        // The first goes on to what there is, three load whole rounds, the others what is left.
        (0..4).for_each(|_| ahead.load());
        assert_eq!((ahead.present.len(), ahead.ranges.len()), (100, 1));
        ahead.load();
        assert_eq!((ahead.present.len(), ahead.ranges.len()), (70, 0));
        ahead.turn();
        assert_eq!((ahead.present.len(), ahead.ranges.len()), (0, 0));
        ahead.add(&bytes);
        assert!(ahead.ranges.is_empty(), "there was too little");
    }
}
