//! Looking at a store: its bytes, and what only the engine knows of definitions and attributes.

use std::path::Path;

use throng_storage::store::{Fault, Finding, Report, Survey};

use super::indexes;
use crate::definition::decodes;
use crate::error::DatabaseError;

/// Reads every byte of a store that nobody has open, compares it with its checksum, and compares
/// what is said in two places. `progress` is told (done, total) bytes.
///
/// # Errors
/// When there is no store, or another process has it.
pub fn check(dir: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Report, DatabaseError> {
    match Survey::open(dir) {
        Ok(survey) => Ok(check_survey(&survey, progress)),
        Err(error) => {
            let finding = Finding::of_open(error)?;
            Ok(Report { findings: vec![finding], ..Report::default() })
        }
    }
}

/// The same of a store that is being looked at already.
pub(super) fn check_survey(survey: &Survey, progress: &mut dyn FnMut(u64, u64)) -> Report {
    let mut report = survey.check(progress);
    for ((kind, name), value) in survey.definitions() {
        if !decodes(*kind, value) {
            let (kind, name) = (*kind, name.clone());
            let fault = Fault::Definition { kind, name, what: "does not decode" };
            report.findings.push(Finding::new(survey.dir(), 0, fault));
        }
    }
    // Sets that cannot be read were named with their file already.
    let unsound: Vec<_> = report.findings.iter().map(|finding| finding.path.clone()).collect();
    let sound = |path: &Path| !unsound.iter().any(|other| other == path);
    report.findings.extend(indexes::check(survey, &sound));
    report
}
