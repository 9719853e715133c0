//! Statements that are not measures: definitions, SHOW, CONSUMER, MATCH, erasures and BACKUP.

pub(crate) mod backup;
#[cfg(test)]
mod backup_tests;
#[cfg(test)]
mod brief_tests;
#[cfg(test)]
mod census_tests;
pub(crate) mod consumer;
mod create;
pub(crate) mod define;
mod drop;
pub(crate) mod erase;
#[cfg(test)]
mod erase_tests;
mod erasures;
mod event_text;
#[cfg(test)]
mod lead_tests;
#[cfg(test)]
mod match_tests;
pub(crate) mod matching;
mod model;
#[cfg(test)]
mod model_tests;
mod one;
mod partition;
mod reading;
mod server_report;
#[cfg(test)]
mod service_tests;
pub(crate) mod show;
mod state;
#[cfg(test)]
mod state_tests;
mod storage_report;
mod store_report;
#[cfg(test)]
mod tests;

pub(crate) use reading::Reading;
