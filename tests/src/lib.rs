//! What the tests in `tests/it` share with the programs that they start and kill.

mod stream;

pub use stream::{STREAM_BRAND, batch_item, batch_size};
