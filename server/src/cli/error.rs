//! Why a command failed, what to do about it, and the exit code that says so.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use throng::DatabaseError;
use throng::import::LoadError;
use throng::kernel::Level;
use throng::market::{MarketError, MarketLoadError};
use throng::storage::io::IoError;

use crate::wire::ServeError;

/// The kernels that this machine has.
fn kernels() -> String {
    let levels = Level::ALL.into_iter().filter(|level| level.is_available());
    levels.map(Level::name).collect::<Vec<_>>().join(", ")
}

/// Why a command failed. Every subcommand adds the variants it needs.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Kernels that there are not, or not on this machine.
    #[error("there are no kernels `{asked}` on this machine; it has {}", kernels())]
    Kernels {
        /// What was asked for.
        asked: String,
    },
    /// The store cannot be opened.
    #[error("cannot open the store {}: {source}", path.display())]
    Open {
        /// Its directory.
        path: PathBuf,
        /// Why.
        source: DatabaseError,
    },
    /// The store cannot be made.
    #[error("cannot make a store in {}: {source}", path.display())]
    Create {
        /// Its directory.
        path: PathBuf,
        /// Why.
        source: DatabaseError,
    },
    /// The store has another time zone or currency than asked for.
    #[error("the store's {what} is {stored}, not {asked}; it was fixed when the store was made")]
    Settings {
        /// What differs.
        what: &'static str,
        /// The store's.
        stored: String,
        /// What was asked for.
        asked: String,
    },
    /// A file could not be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A store was not copied.
    #[error("{0}")]
    Copy(DatabaseError),
    /// A store was not repaired.
    #[error("{0}")]
    Repair(DatabaseError),
    /// Something is wrong with the store, and nothing can or may be done about it.
    #[error("{count} damaged things are left")]
    Damaged {
        /// How many.
        count: usize,
    },
    /// Something is wrong with the store.
    #[error("{count} findings")]
    Findings {
        /// How many.
        count: usize,
    },
    /// A statement gave no answer.
    #[error(transparent)]
    Statement(DatabaseError),
    /// A market with these options does not exist.
    #[error(transparent)]
    Market(#[from] MarketError),
    /// A market could not be loaded.
    #[error(transparent)]
    MarketLoad(#[from] MarketLoadError),
    /// A file could not be made.
    #[error(transparent)]
    File(#[from] IoError),
    /// The address is none.
    #[error("`{text}` is not an address and port, such as 127.0.0.1:7654")]
    Address {
        /// What was given.
        text: String,
    },
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The server does not serve.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Output could not be written, or input not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl CliError {
    /// Whether the reader of our output went away.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// What the user can do about it.
    fn hint(&self) -> Option<String> {
        match self {
            Self::Open { path, .. } if !path.exists() => Some(format!(
                "a store is made by its first load: throng --data {} load events FILE",
                path.display()
            )),
            Self::Findings { .. } => {
                Some("throng doctor says what can be done about them".to_owned())
            }
            Self::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse => {
                Some("--listen 127.0.0.1:0 takes a free port".to_owned())
            }
            _ => None,
        }
    }

    /// 2 for wrong usage, 1 for everything else.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Market(_)
            | Self::Settings { .. }
            | Self::Load(LoadError::Option(_))
            | Self::Kernels { .. }
            | Self::Address { .. }
            | Self::Serve(ServeError::NotLoopback { .. }) => 2,
            _ => 1,
        }
    }

    /// The whole message for stderr: what, why, and what to do.
    pub(crate) fn report(&self) -> String {
        if let Self::Statement(error) = self {
            return error.render();
        }
        match self.hint() {
            Some(hint) => format!("error: {self}\nhint: {hint}"),
            None => format!("error: {self}"),
        }
    }
}
