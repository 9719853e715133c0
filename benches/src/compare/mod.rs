//! Throng beside other systems: the same data and questions, measured part by part, each in
//! processes of its own, and written down as tables and a plot.

mod document;
mod growth;
mod options;
mod peers;
mod plot;
mod results;
mod run;
mod tables;

pub use options::Options;
pub use run::run;
