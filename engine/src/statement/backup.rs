//! BACKUP TO.

use std::ops::ControlFlow;
use std::path::{Component, Path, PathBuf};
use std::time::Instant;

use throng_query::plan::{Backup, BackupFiles, BackupVerify, Column};
use throng_storage::store::{BackupError, BackupOptions, Links, Verify};

use crate::answer::{Answer, Value};
use crate::database::Database;
use crate::error::{DatabaseError, ExecuteError};
use crate::options::{BackupPlaces, ExecuteOptions};

/// Backs the store up. Until the last steps the statement can be ended.
pub(crate) fn run(
    database: &Database,
    backup: &Backup,
    columns: &[Column],
    options: &ExecuteOptions,
) -> Result<Answer, DatabaseError> {
    let dir = place(&options.backups, &backup.dir)?;
    let how = BackupOptions {
        links: match backup.files {
            BackupFiles::Linked => Links::Allowed,
            BackupFiles::Copied => Links::Never,
        },
        verify: match backup.verify {
            BackupVerify::New => Verify::New,
            BackupVerify::All => Verify::All,
        },
    };
    let mut ended = None;
    let mut watch = |_, _| {
        ended = end(options);
        if ended.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let report = match database.backup_until(&dir, how, &mut watch) {
        Err(DatabaseError::Backup(BackupError::Stopped)) => {
            return Err(ended.unwrap_or(ExecuteError::Cancelled).into());
        }
        report => report?,
    };
    let number = |number: u64| Value::Integer(i64::try_from(number).unwrap_or(i64::MAX));
    let numbers = [
        report.linked,
        report.copied,
        report.kept,
        report.removed,
        report.bytes,
        report.events,
        report.consumers,
    ];
    let mut row = vec![Value::Text(dir.display().to_string())];
    row.extend(numbers.map(number));
    let tag = "BACKUP".to_owned();
    Ok(Answer { columns: columns.to_vec(), rows: vec![row], tag, ..Answer::default() })
}

/// Why the statement has to end, when it has.
fn end(options: &ExecuteOptions) -> Option<ExecuteError> {
    if options.cancel.is_cancelled() {
        return Some(ExecuteError::Cancelled);
    }
    let late = options.deadline.is_some_and(|deadline| Instant::now() >= deadline);
    late.then_some(ExecuteError::Deadline)
}

/// Where the asker's directory is.
fn place(places: &BackupPlaces, dir: &str) -> Result<PathBuf, ExecuteError> {
    match places {
        BackupPlaces::Anywhere => Ok(PathBuf::from(dir)),
        BackupPlaces::Below(root) => {
            let is_name = |part| matches!(part, Component::Normal(_));
            if Path::new(dir).components().all(is_name) {
                return Ok(root.join(dir));
            }
            Err(ExecuteError::BackupPlace { dir: dir.to_owned() })
        }
        BackupPlaces::Nowhere => Err(ExecuteError::BackupsRefused),
    }
}
