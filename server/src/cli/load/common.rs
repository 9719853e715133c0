//! What loads of events and of attributes have in common: files, rejects, tokens, the store.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use throng::import::{EventSource, Format, InputOptions, LoadMode, MissingConsumer, RejectOptions};
use throng::storage::store::OpenError;
use throng::{Database, DatabaseError};

use super::super::create::SettingsArgs;
use super::super::{CliError, Context};

/// Options of every load.
#[derive(Debug, clap::Args)]
pub(super) struct CommonArgs {
    /// The files; `-` is standard input. Compression (.gz, .zst) and format are told from their
    /// first bytes.
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,

    /// Put before every identity that does not have it yet: `taobao` makes `taobao:u1` of `u1`.
    #[arg(long, value_name = "NAME")]
    pub(super) namespace: Option<String>,

    /// Leave out rows without a consumer instead of rejecting them.
    #[arg(long)]
    pub(super) skip_missing_consumer: bool,

    /// csv, jsonl or parquet, where the first bytes do not tell.
    #[arg(long, value_name = "FORMAT", value_parser = clap::value_parser!(Format))]
    pub(super) format: Option<Format>,

    /// The character between the fields of CSV; `\t` is a tab.
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    pub(super) delimiter: Option<u8>,

    /// Load at most once: a second load with the same token changes nothing. Of several files the
    /// second has TOKEN/2, the third TOKEN/3.
    #[arg(long, value_name = "TOKEN")]
    pub(super) token: Option<String>,

    /// Read and check everything, show how the file is understood, and keep nothing.
    #[arg(long)]
    pub(super) dry_run: bool,

    /// How many bad rows may be left out; with one more the load fails whole.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) max_rejects: u64,

    /// Where bad rows are listed [default: FILE.rejects.csv]; of several files the second has
    /// FILE.2, the third FILE.3.
    #[arg(long, value_name = "FILE")]
    pub(super) rejects: Option<PathBuf>,

    #[command(flatten)]
    pub(super) settings: SettingsArgs,
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        [byte] => Ok(*byte),
        b"\\t" => Ok(b'\t'),
        _ => Err("a delimiter is one ASCII character, or \\t".to_owned()),
    }
}

impl CommonArgs {
    pub(super) fn input(&self) -> InputOptions {
        InputOptions { format: self.format, delimiter: self.delimiter }
    }

    pub(super) fn mode(&self) -> LoadMode {
        if self.dry_run { LoadMode::DryRun } else { LoadMode::Apply }
    }

    pub(super) fn missing_consumer(&self) -> MissingConsumer {
        if self.skip_missing_consumer { MissingConsumer::Skip } else { MissingConsumer::Reject }
    }

    /// The token of the file at a position.
    pub(super) fn token(&self, at: usize) -> Option<String> {
        let token = self.token.as_ref()?;
        Some(if at == 0 { token.clone() } else { format!("{token}/{}", at + 1) })
    }

    /// Where the bad rows of the file at a position go.
    pub(super) fn rejects(&self, at: usize, file: &Path) -> RejectOptions {
        let path = match &self.rejects {
            Some(path) if at == 0 => path.clone(),
            Some(path) => with_suffix(path, &format!(".{}", at + 1)),
            None if is_stdin(file) => PathBuf::from("stdin.rejects.csv"),
            None => with_suffix(file, ".rejects.csv"),
        };
        RejectOptions { max: self.max_rejects, file: Some(path) }
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

pub(super) fn source(file: &Path) -> EventSource {
    if is_stdin(file) {
        EventSource::Stream { name: "stdin".to_owned(), reader: Box::new(io::stdin()) }
    } else {
        EventSource::File(file.to_owned())
    }
}

/// The store that is loaded into. One that was made for this load is removed again when nothing
/// could be loaded, so that the next try may choose other settings.
pub(super) struct Target {
    pub(super) database: Option<Database>,
    path: PathBuf,
    made: Made,
}

/// Whether the store is there for this load alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    Before,
    InEmpty,
    InNew,
}

impl Target {
    /// Opens the store, or makes it. A dry run makes none.
    pub(super) fn open(context: &Context, common: &CommonArgs) -> Result<Self, CliError> {
        let path = context.data.clone();
        let (database, made) = match Database::open(&path) {
            Ok(database) => {
                common.settings.check(&database)?;
                (Some(database), Made::Before)
            }
            Err(DatabaseError::Open(OpenError::Missing { .. })) => {
                let made = if path.exists() { Made::InEmpty } else { Made::InNew };
                let options = common.settings.options();
                let database = match common.mode() {
                    LoadMode::DryRun => None,
                    LoadMode::Apply => {
                        let made = Database::create(&path, &options);
                        Some(
                            made.map_err(|source| CliError::Create { path: path.clone(), source })?,
                        )
                    }
                };
                (database, made)
            }
            Err(source) => return Err(CliError::Open { path, source }),
        };
        Ok(Self { database, path, made })
    }

    /// From now on the store stays whatever comes.
    pub(super) fn keep(&mut self) {
        self.made = Made::Before;
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let Some(database) = self.database.take() else { return };
        drop(database);
        // What cannot be removed is an empty store, which does no harm.
        match self.made {
            Made::Before => {}
            Made::InNew => drop(fs::remove_dir_all(&self.path)),
            Made::InEmpty => {
                drop(fs::remove_dir_all(&self.path));
                drop(fs::create_dir(&self.path));
            }
        }
    }
}
