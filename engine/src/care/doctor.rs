//! What is wrong with a store and what can be done, and doing it.

use std::path::Path;

use roaring::RoaringBitmap;
use throng_storage::store::{
    BulkOptions, Diagnosis, Finding, Remedy, Repaired, Report, Store, Survey, Trouble,
};

use super::check::check_survey;
use crate::attribute::{AttributeLayout, KNOWN_KEY, index_of_sets};
use crate::error::DatabaseError;

/// A store that was looked at. While this is held nobody can open it.
#[derive(Debug)]
pub struct Examination {
    /// None when not even its manifest can be read.
    survey: Option<Survey>,
    diagnosis: Diagnosis,
    report: Report,
}

/// Memory of the load that puts the known consumers back.
const LOAD_BYTES: usize = 1 << 20;

impl Examination {
    /// Looks at every byte of a store. `progress` is told (done, total) bytes.
    ///
    /// # Errors
    /// When there is no store, or another process has it.
    pub fn of(dir: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Self, DatabaseError> {
        match Survey::open(dir) {
            Ok(survey) => {
                let report = check_survey(&survey, progress);
                let diagnosis = survey.diagnose(&report);
                Ok(Self { survey: Some(survey), diagnosis, report })
            }
            Err(error) => {
                let finding = Finding::of_open(error)?;
                let report = Report { findings: vec![finding.clone()], ..Report::default() };
                let (findings, losses) = (vec![finding], Vec::new());
                let trouble = Trouble { findings, remedy: Remedy::Restore, losses };
                let diagnosis = Diagnosis { troubles: vec![trouble] };
                Ok(Self { survey: None, diagnosis, report })
            }
        }
    }

    /// What is wrong, and what can be done.
    #[must_use]
    pub fn diagnosis(&self) -> &Diagnosis {
        &self.diagnosis
    }

    /// What the check found.
    #[must_use]
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Does what can be done. Damaged files are moved aside, never removed.
    ///
    /// # Errors
    /// When a file cannot be written; then the store is as it was.
    pub fn repair(self) -> Result<Repaired, DatabaseError> {
        let Some(survey) = self.survey else { return Ok(Repaired::default()) };
        let dir = survey.dir().to_owned();
        let known = Remedy::DropIndex { key: KNOWN_KEY.to_owned() };
        let drops_known = |trouble: &Trouble| trouble.remedy == known;
        let known_is_lost = self.diagnosis.troubles.iter().any(drops_known);
        let repaired = survey.repair(&self.diagnosis)?;
        if known_is_lost {
            know_again(&dir)?;
        }
        Ok(repaired)
    }
}

/// Everyone with a value of some attribute is known by attributes.
fn know_again(dir: &Path) -> Result<(), DatabaseError> {
    let store = Store::open(dir)?;
    let snapshot = store.snapshot();
    let mut known = RoaringBitmap::new();
    for key in snapshot.index_keys().filter(|key| key.starts_with("attr:")) {
        let Some(index) = snapshot.index(key) else { continue };
        // Sets beside the first of a number are parts of it.
        let sets = match AttributeLayout::decode(index.header(), index.sets()) {
            Ok(AttributeLayout::Slices { .. }) => 1,
            _ => index.sets(),
        };
        for set in 0..sets {
            known |= index.read_set(set).map_err(crate::error::ExecuteError::from)?;
        }
    }
    let mut bulk = store.bulk(BulkOptions { token: None, memory: LOAD_BYTES })?;
    bulk.put_index(KNOWN_KEY, index_of_sets(Vec::new(), &[known]))?;
    bulk.commit(&mut |_, _| {})?;
    Ok(())
}
