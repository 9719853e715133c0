//! Telling the processor what will be read soon.

/// Starts to load the cache line at a position of a slice; nothing beyond its end.
#[inline]
pub(super) fn prefetch<T>(slice: &[T], position: usize) {
    if let Some(item) = slice.get(position) {
        line(std::ptr::from_ref(item).cast());
    }
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn line(address: *const i8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: a prefetch is a hint that reads no value and never faults; SSE is part of x86_64.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address) }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn line(_address: *const i8) {}
