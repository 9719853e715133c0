//! Telling the processor what will be read soon.

/// Bytes of a cache line.
const LINE: usize = 64;

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
