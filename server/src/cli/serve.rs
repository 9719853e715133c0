//! `throng serve`: PostgreSQL's clients ask a store.

use std::io::Write;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args as ClapArgs;
use throng::{BackupPlaces, Database};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::session::open;
use super::{CliError, Context};
use crate::wire::{self, ServeOptions};

/// Serve the store to PostgreSQL's clients: psql, drivers, notebooks.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The loopback address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7654")]
    listen: String,

    /// Let clients back the store up, to directories in this one: BACKUP TO 'name'. Without it
    /// no client can have the server write files.
    #[arg(long, value_name = "DIR")]
    backup_root: Option<PathBuf>,

    /// Working memory of one statement, at most: a number with kB, MB or GB. Clients may set less
    /// (SET statement_memory), not more.
    #[arg(long, value_name = "SIZE", default_value = "1GB", value_parser = memory)]
    statement_memory: usize,

    /// Memory for what was asked before and may be asked again; 0 keeps nothing. A client may do
    /// without (SET memo = off).
    #[arg(long, value_name = "SIZE", default_value = "256MB", value_parser = memo)]
    memo: usize,
}

fn memo(text: &str) -> Result<usize, String> {
    wire::memory::parse(text).ok_or_else(|| "it is a number with kB, MB or GB, or 0".to_owned())
}

fn memory(text: &str) -> Result<usize, String> {
    let bytes = wire::memory::parse(text).filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| "it is a number above 0 with kB, MB or GB, such as 512MB".to_owned())
}

/// Serves until SIGINT or SIGTERM.
///
/// # Errors
/// When the store cannot be opened, or the address not be listened on.
pub fn run(context: &Context, args: &Args) -> Result<(), CliError> {
    let address = resolve(&args.listen)?;
    wire::check_loopback(address)?;
    let backups = match &args.backup_root {
        Some(root) => BackupPlaces::Below(std::path::absolute(root)?),
        None => BackupPlaces::Nowhere,
    };
    let database = open(&context.data)?;
    database.memo().set_limit(args.memo);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let options = ServeOptions { backups, statement_memory: args.statement_memory };
    runtime.block_on(listen(Arc::new(database), address, options, &context.data))
}

async fn listen(
    database: Arc<Database>,
    address: SocketAddr,
    options: ServeOptions,
    data: &Path,
) -> Result<(), CliError> {
    let listener =
        TcpListener::bind(address).await.map_err(|source| CliError::Listen { address, source })?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    announce(listener.local_addr()?, data)?;
    let shutdown = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    Ok(wire::serve(database, listener, options, shutdown).await?)
}

/// One line, with what to type next.
fn announce(address: SocketAddr, data: &Path) -> std::io::Result<()> {
    let (host, port) = (address.ip(), address.port());
    let mut stdout = std::io::stdout().lock();
    writeln!(
        stdout,
        "serving {} on {address}; ask with: psql -h {host} -p {port} -U throng throng",
        data.display()
    )?;
    stdout.flush()
}

/// The address as given, or of a name such as `localhost`.
fn resolve(listen: &str) -> Result<SocketAddr, CliError> {
    let malformed = || CliError::Address { text: listen.to_owned() };
    listen.to_socket_addrs().map_err(|_| malformed())?.next().ok_or_else(malformed)
}
