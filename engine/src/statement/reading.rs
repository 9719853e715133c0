//! What a statement that only reads is given.

use throng_query::plan::Column;
use throng_storage::store::Settings;

use crate::answer::{Answer, Value};
use crate::options::ExecuteOptions;
use crate::time::{Zone, render};
use crate::view::View;
use crate::vitals::Vitals;

/// What a statement that only reads is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub view: &'a View,
    pub zone: &'a Zone,
    pub settings: &'a Settings,
    pub columns: &'a [Column],
    pub options: &'a ExecuteOptions,
    pub vitals: &'a Vitals,
}

impl Reading<'_> {
    /// An answer with the plan's columns.
    pub fn answer(&self, tag: &str, rows: Vec<Vec<Value>>) -> Answer {
        let tag = format!("{tag} {}", rows.len());
        Answer { columns: self.columns.to_vec(), rows, tag, notices: Vec::new() }
    }
}

impl Reading<'_> {
    /// A moment in the store's time zone; null when nobody said when.
    pub fn moment(&self, seconds: Option<i64>) -> Value {
        let local = seconds.and_then(|seconds| self.zone.local(seconds));
        text_or_null(local.map(|(day, second)| render(self.zone, day, second)))
    }
}

/// A text value.
pub(crate) fn text(text: impl Into<String>) -> Value {
    Value::Text(text.into())
}

/// A text value, or null.
pub(crate) fn text_or_null(text: Option<String>) -> Value {
    text.map_or(Value::Null, Value::Text)
}
