//! Streams of batches that are found again by what they are made of.

/// The brand of every streamed batch.
pub const STREAM_BRAND: &str = "stream";

/// How many events, of as many consumers, a streamed batch has.
#[must_use]
pub fn batch_size(batch: u32) -> u32 {
    1 + batch * 37 % 91
}

/// The item of every event of a batch: what it is found by.
#[must_use]
pub fn batch_item(round: u32, batch: u32) -> String {
    format!("r{round} b{batch}")
}
