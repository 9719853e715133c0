//! The lanes of a brand in all segments of a view, found once for all statements that read them,
//! and filters of those asked for one consumer after the other.

mod brand;
mod cache;
mod filter;
mod growth;
#[cfg(test)]
mod tests;

pub use brand::BrandLanes;
pub use cache::LaneCache;
pub use filter::Hashed;
