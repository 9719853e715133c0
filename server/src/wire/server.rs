//! The listener: accepts clients on the loopback interface until it is told to end.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::thread::JoinHandle;
use std::time::Duration;

use pgwire::api::RandomPidSecretKeyGenerator;
use throng::{BackupPlaces, Database, MEMORY_DEFAULT};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot, watch};
use tokio::task::JoinSet;

use super::cancel::Connections;
use super::connection;
use super::limits::{
    CONNECTIONS_MAX, SHUTDOWN_GRACE, SHUTDOWN_LAST, STARTUPS_MAX, STATEMENTS_RUNNING_MAX,
};

/// How long to wait when the system has no socket to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address can be reached from elsewhere.
    #[error(
        "refusing to listen on {address}: only loopback addresses, such as 127.0.0.1, are served \
         until there is authentication"
    )]
    NotLoopback {
        /// The address asked for.
        address: SocketAddr,
    },
    /// The socket or a thread failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What a server lets its clients do.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Where their BACKUP TO may write; nowhere unless said otherwise.
    pub backups: BackupPlaces,
    /// Bytes of working memory that a statement may take; clients may set less, not more.
    pub statement_memory: usize,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self { backups: BackupPlaces::Nowhere, statement_memory: MEMORY_DEFAULT }
    }
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) database: Arc<Database>,
    pub(super) options: ServeOptions,
    pub(super) time_zone: String,
    pub(super) connections: Arc<Connections>,
    pub(super) keys: RandomPidSecretKeyGenerator,
    /// One for each statement that may run.
    pub(super) turns: Arc<Semaphore>,
    /// One for each client that may be connected.
    pub(super) seats: Arc<Semaphore>,
    /// Bytes of rows that COPYs under way have taken.
    pub(super) copied_bytes: AtomicUsize,
}

impl Shared {
    pub(super) fn new(database: Arc<Database>, options: ServeOptions) -> Self {
        Self {
            options,
            time_zone: database.store().settings().time_zone.clone(),
            database,
            connections: Arc::new(Connections::default()),
            keys: RandomPidSecretKeyGenerator::default(),
            turns: Arc::new(Semaphore::new(STATEMENTS_RUNNING_MAX)),
            seats: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            copied_bytes: AtomicUsize::new(0),
        }
    }

    /// Clients that are connected.
    pub(super) fn connected(&self) -> usize {
        CONNECTIONS_MAX - self.seats.available_permits()
    }
}

/// Refuses an address that other machines could reach.
///
/// # Errors
/// [`ServeError::NotLoopback`].
pub fn check_loopback(address: SocketAddr) -> Result<(), ServeError> {
    if address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    Err(ServeError::NotLoopback { address })
}

/// Serves a database to the clients of a listener until `shutdown` is ready. Then clients that wait
/// are told and closed; statements that run have a few seconds to end by themselves.
///
/// # Errors
/// When the listener is not on the loopback interface, or does not know its address.
pub async fn serve(
    database: Arc<Database>,
    listener: TcpListener,
    options: ServeOptions,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    check_loopback(listener.local_addr()?)?;
    let shared = Arc::new(Shared::new(database, options));
    let (end, ending) = watch::channel(());
    let doors = Arc::new(Semaphore::new(STARTUPS_MAX));
    let mut clients = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            Some(_) = clients.join_next() => continue,
            accepted = accept(&listener, &doors) => accepted,
        };
        if let Some((stream, address, door)) = accepted {
            let shared = Arc::clone(&shared);
            clients.spawn(connection::serve(stream, address, door, shared, ending.clone()));
        }
    }
    drop(listener);
    drop(end);
    finish(&mut clients, &shared).await;
    Ok(())
}

/// The next client, when there is room for another startup.
async fn accept(
    listener: &TcpListener,
    doors: &Arc<Semaphore>,
) -> Option<(tokio::net::TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let door = Arc::clone(doors).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, address)) => Some((stream, address, door)),
        Err(_) => {
            // The client is gone, or no socket is free: neither ends the server.
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

/// Waits for the clients that were told to end; then ends their statements; then leaves them.
async fn finish(clients: &mut JoinSet<()>, shared: &Shared) {
    let all_gone = async |clients: &mut JoinSet<()>| while clients.join_next().await.is_some() {};
    if tokio::time::timeout(SHUTDOWN_GRACE, all_gone(clients)).await.is_err() {
        shared.connections.cancel_all();
        // Whoever is left after this ends with the process; nothing of it was acknowledged.
        let _ = tokio::time::timeout(SHUTDOWN_LAST, all_gone(clients)).await;
    }
    clients.abort_all();
}

/// A server on threads of its own. Dropping it ends it.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

/// Serves a database from threads of its own, for programs without an async runtime.
///
/// # Errors
/// When the listener is not on the loopback interface or no thread can be started.
pub fn start(
    database: Arc<Database>,
    listener: std::net::TcpListener,
    options: ServeOptions,
) -> Result<Running, ServeError> {
    let address = listener.local_addr()?;
    check_loopback(address)?;
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // They answer brief statements themselves.
        .worker_threads(throng::storage::cores().max(2))
        .max_blocking_threads(STATEMENTS_RUNNING_MAX)
        .thread_name("throng-wire")
        .enable_all()
        .build()?;
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::Builder::new().name("throng-serve".to_owned()).spawn(move || {
        let served = runtime.block_on(async {
            let listener = TcpListener::from_std(listener)?;
            // A dropped sender ends the server as well as a message.
            serve(database, listener, options, async { drop(stopped.await) }).await
        });
        runtime.shutdown_timeout(SHUTDOWN_LAST);
        served
    })?;
    Ok(Running { address, stop: Some(stop), thread: Some(thread) })
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends the server, and waits until it has.
    ///
    /// # Errors
    /// When it had ended by an error.
    pub fn stop(mut self) -> Result<(), ServeError> {
        self.end()
    }

    /// Waits until the server ends by itself.
    fn end(&mut self) -> Result<(), ServeError> {
        drop(self.stop.take());
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(served)) => served,
            Some(Err(_)) => Err(io::Error::other("the server's thread panicked").into()),
            None => Ok(()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Its result was not asked for.
        let _ = self.end();
    }
}
