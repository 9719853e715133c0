//! Statements on blocking threads, bounded in number, ended by cancel, time-out and disconnect.

use std::sync::Arc;
use std::time::Instant;

use throng::{Database, DatabaseError, ExecuteError, ExecuteOptions};

use super::cancel::Begun;
use super::connection::Connection;
use super::error::WireError;
use super::frames::Bounded;
use super::server::Shared;

impl Connection {
    /// Runs work of one statement on a blocking thread, when it is its turn.
    ///
    /// # Errors
    /// What the work answers, or how it was ended.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database, &ExecuteOptions) -> Result<T, WireError> + Send + 'static,
    ) -> Result<T, WireError> {
        let begun = self.registered.current.begin();
        run_as(&begun, self.deadline(), &self.server, self.socket.get_ref(), work).await
    }

    /// When a statement that begins now has to end.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let timeout = self.session.settings.statement_timeout()?;
        Instant::now().checked_add(timeout)
    }
}

/// Runs work as part of a statement that has begun.
///
/// # Errors
/// What the work answers, or how it was ended.
pub(super) async fn run_as<T: Send + 'static>(
    begun: &Begun,
    deadline: Option<Instant>,
    server: &Arc<Shared>,
    client: &Bounded,
    work: impl FnOnce(&Database, &ExecuteOptions) -> Result<T, WireError> + Send + 'static,
) -> Result<T, WireError> {
    let too_late = async {
        match deadline {
            Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
            None => std::future::pending().await,
        }
    };
    let ended =
        || if server.connections.is_ending() { WireError::Ending } else { WireError::Cancelled };
    let turn = tokio::select! {
        // A statement that is cancelled already does not take a turn that is free.
        biased;
        () = begun.cancelled() => return Err(ended()),
        () = too_late => return Err(WireError::Timeout),
        () = client.gone() => return Err(WireError::Cancelled),
        turn = Arc::clone(&server.turns).acquire_owned() => turn,
    };
    let options =
        ExecuteOptions { cancel: Arc::clone(&begun.cancel), deadline, ..ExecuteOptions::default() };
    let database = Arc::clone(&server.database);
    let mut task = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work(&database, &options)
    });
    let result = tokio::select! {
        result = &mut task => result,
        () = client.gone() => {
            begun.cancel.cancel();
            task.await
        }
    };
    match result {
        Ok(Err(WireError::Database(DatabaseError::Execute(error)))) => Err(match error {
            ExecuteError::Cancelled => ended(),
            ExecuteError::Deadline => WireError::Timeout,
            error => WireError::Database(DatabaseError::Execute(error)),
        }),
        Ok(result) => result,
        // A panic ends its statement only: the thread's work is dropped, the connection goes on.
        Err(_) => Err(WireError::Panicked),
    }
}
