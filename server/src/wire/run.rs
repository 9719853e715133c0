//! Statements on blocking threads, or at once where they are brief: bounded in number, ended by
//! cancel, time-out and disconnect.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use throng::{
    Answer, Database, DatabaseError, ExecuteError, ExecuteOptions, Length, Parameter, Prepared,
    UseMemo,
};

use super::cancel::Begun;
use super::connection::Connection;
use super::error::WireError;
use super::frames::Bounded;
use super::server::Shared;
use crate::clock;

/// The longest text of a statement, in bytes, that is parsed on a thread on which others wait.
const BRIEF_TEXT_MAX: usize = 4 << 10;

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
        run_as(&begun, self.allowed(), &self.server, self.socket.get_ref(), work).await
    }

    /// Answers a statement: on this thread when it is brief, else as [`Self::run`] does. Handing a
    /// statement to another thread and its answer back costs more than what the memo has, or one
    /// consumer's rows.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(super) async fn ask(
        &self,
        text: String,
        parameters: Vec<Parameter>,
    ) -> Result<Answer, WireError> {
        let (begun, allowed) = (self.registered.current.begin(), self.allowed());
        let access = self.session.access();
        let may_be_brief = self.is_quickly_read(&text);
        let work = move |database: &Database, options: &ExecuteOptions| {
            access.check(database, &text)?;
            Ok(database.execute(&text, &parameters, options)?)
        };
        if may_be_brief && let Some(done) = at_once(&begun, allowed, &self.server, &work) {
            return done;
        }
        run_as(&begun, allowed, &self.server, self.socket.get_ref(), work).await
    }

    /// Parses and binds a statement: on this thread when it is short.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub(super) async fn prepare(&self, text: String) -> Result<Prepared, WireError> {
        if self.is_quickly_read(&text) {
            return caught(|| Ok(self.server.database.prepare(&text)?));
        }
        self.run(move |database, _| Ok(database.prepare(&text)?)).await
    }

    /// Whether parsing and binding a statement keeps others waiting for no longer than it takes to
    /// hand it to another thread.
    fn is_quickly_read(&self, text: &str) -> bool {
        text.len() <= BRIEF_TEXT_MAX && self.server.database.is_ready()
    }

    /// What a statement that begins now may take.
    pub(super) fn allowed(&self) -> Allowed {
        let settings = &self.session.settings;
        let timeout = settings.statement_timeout();
        Allowed {
            deadline: timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            memory: settings.statement_memory(),
            memo: if settings.is_on("memo") { UseMemo::Yes } else { UseMemo::No },
        }
    }
}

/// What one statement may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowed {
    /// When it has to end.
    pub(super) deadline: Option<Instant>,
    /// Bytes of working memory.
    pub(super) memory: usize,
    /// Whether what was asked before may be used again.
    pub(super) memo: UseMemo,
}

/// Runs work as part of a statement that has begun.
///
/// # Errors
/// What the work answers, or how it was ended.
pub(super) async fn run_as<T: Send + 'static>(
    begun: &Begun,
    allowed: Allowed,
    server: &Arc<Shared>,
    client: &Bounded,
    work: impl FnOnce(&Database, &ExecuteOptions) -> Result<T, WireError> + Send + 'static,
) -> Result<T, WireError> {
    let too_late = async {
        match allowed.deadline {
            Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
            None => std::future::pending().await,
        }
    };
    let turn = tokio::select! {
        // A statement that is cancelled already does not take a turn that is free.
        biased;
        () = begun.cancelled() => return Err(ended(server)),
        () = too_late => return Err(WireError::Timeout),
        () = client.gone() => return Err(WireError::Cancelled),
        turn = Arc::clone(&server.turns).acquire_owned() => turn,
    };
    let options = options(begun, allowed, server);
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
    // A panic ends its statement only: the thread's work is dropped, the connection goes on.
    told(result.unwrap_or(Err(WireError::Panicked)), server)
}

/// Runs work of a statement on this thread, on which others wait; none when it would take longer.
fn at_once<T>(
    begun: &Begun,
    allowed: Allowed,
    server: &Shared,
    work: &impl Fn(&Database, &ExecuteOptions) -> Result<T, WireError>,
) -> Option<Result<T, WireError>> {
    let options = ExecuteOptions { length: Length::Brief, ..options(begun, allowed, server) };
    match caught(|| work(&server.database, &options)) {
        Err(WireError::Database(DatabaseError::Execute(ExecuteError::TakesLonger))) => None,
        done => Some(told(done, server)),
    }
}

/// Does work whose panic is an error of its statement.
fn caught<T>(work: impl FnOnce() -> Result<T, WireError>) -> Result<T, WireError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(WireError::Panicked))
}

fn options(begun: &Begun, allowed: Allowed, server: &Shared) -> ExecuteOptions {
    ExecuteOptions {
        cancel: Arc::clone(&begun.cancel),
        deadline: allowed.deadline,
        now: clock::now(),
        backups: server.options.backups.clone(),
        memory: Some(allowed.memory),
        memo: allowed.memo,
        connections: Some(server.connected()),
        ..ExecuteOptions::default()
    }
}

/// How a statement ended that was cancelled.
fn ended(server: &Shared) -> WireError {
    if server.connections.is_ending() { WireError::Ending } else { WireError::Cancelled }
}

/// A result with the wire's own words for how it was ended.
fn told<T>(result: Result<T, WireError>, server: &Shared) -> Result<T, WireError> {
    result.map_err(|error| match error {
        WireError::Database(DatabaseError::Execute(ExecuteError::Cancelled)) => ended(server),
        WireError::Database(DatabaseError::Execute(ExecuteError::Deadline)) => WireError::Timeout,
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::{Allowed, WireError, at_once, run_as};
    use crate::wire::cancel::Registered;
    use crate::wire::frames::Bounded;
    use crate::wire::limits::STATEMENTS_RUNNING_MAX;
    use crate::wire::server::{ServeOptions, Shared};
    use pgwire::messages::startup::SecretKey;
    use std::future::Future;
    use std::sync::Arc;
    use std::time::{Duration, Instant};
    use throng::{
        CreateOptions, Database, DatabaseError, Date, Event, EventBatch, ExecuteError,
        ExecuteOptions, MEMORY_DEFAULT, Probe, UseMemo, When,
    };
    use tokio::net::{TcpListener, TcpStream};

    /// A server without a listener, and one client of it.
    struct Setting {
        server: Arc<Shared>,
        registered: Registered,
        client: Bounded,
        far_end: TcpStream,
        _dir: tempfile::TempDir,
    }

    fn with<F: Future<Output = ()>>(check: impl FnOnce(Setting) -> F) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let options = CreateOptions::default();
            let database = Database::create(&dir.path().join("store"), &options).unwrap();
            let server = Arc::new(Shared::new(Arc::new(database), ServeOptions::default()));
            let registered = server.connections.register(1, &SecretKey::I32(2));
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let far_end = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let client = Bounded::new(listener.accept().await.unwrap().0);
            check(Setting { server, registered, client, far_end, _dir: dir }).await;
        });
    }

    impl Setting {
        async fn run<T: Send + 'static>(
            &self,
            deadline: Option<Instant>,
            work: impl FnOnce(&Database, &ExecuteOptions) -> Result<T, WireError> + Send + 'static,
        ) -> Result<T, WireError> {
            let begun = self.registered.current.begin();
            let allowed = Allowed { deadline, memory: MEMORY_DEFAULT, memo: UseMemo::Yes };
            run_as(&begun, allowed, &self.server, &self.client, work).await
        }
    }

    /// Works until it is cancelled or late, as the engine does.
    fn endless(_: &Database, options: &ExecuteOptions) -> Result<(), WireError> {
        loop {
            let late = options.deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if late || options.cancel.is_cancelled() {
                let error = if late { ExecuteError::Deadline } else { ExecuteError::Cancelled };
                return Err(DatabaseError::from(error).into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_panic_ends_its_statement_only() {
        with(|setting| async move {
            let panicked =
                setting.run(None, |_, _| -> Result<(), WireError> { panic!("on purpose") });
            assert!(matches!(panicked.await, Err(WireError::Panicked)));
            assert_eq!(setting.server.turns.available_permits(), STATEMENTS_RUNNING_MAX);
            let answer = setting.run(None, |database, _| Ok(database.query("COUNT")?)).await;
            assert_eq!(answer.unwrap().rows.len(), 1);
        });
    }

    #[test]
    fn what_is_brief_is_answered_at_once_and_the_rest_is_left_alone() {
        with(|setting| async move {
            let server = &setting.server;
            let begun = setting.registered.current.begin();
            let allowed = Allowed { deadline: None, memory: MEMORY_DEFAULT, memo: UseMemo::Yes };
            let count = |database: &Database, options: &ExecuteOptions| {
                Ok(database.execute("COUNT WHERE estee DID buy", &[], options)?)
            };
            let mut batch = EventBatch::new();
            batch.push(&Event::new("u1", "estee", "buy", When::day(Date(17_000))));
            server.database.ingest(&batch, None).unwrap();
            assert!(at_once(&begun, allowed, server, &count).is_none());
            let counted = setting.run(None, count).await.unwrap();
            let brief = at_once(&begun, allowed, server, &count).unwrap().unwrap();
            assert_eq!(brief.rows, counted.rows);
            let broken = |_: &Database, _: &ExecuteOptions| -> Result<(), WireError> {
                panic!("on purpose")
            };
            let panicked = at_once(&begun, allowed, server, &broken);
            assert!(matches!(panicked, Some(Err(WireError::Panicked))));
            begun.cancel.cancel();
            let cancelled = at_once(&begun, allowed, server, &count);
            assert!(matches!(cancelled, Some(Err(WireError::Cancelled))));
        });
    }

    #[test]
    fn a_worker_that_panics_ends_its_statement_only() {
        with(|setting| async move {
            let setting = &setting;
            let mut batch = EventBatch::new();
            let day = When::day(Date(17_000));
            batch.push(&Event::new("u1", "estee", "buy", day));
            setting.server.database.ingest(&batch, None).unwrap();
            let broken = setting.run(None, |database, options| {
                let probe = Probe::new(|| panic!("on purpose, in a worker"));
                let options = ExecuteOptions { probe, ..options.clone() };
                Ok(database.execute("COUNT WHERE NOT SAMPLE 5 PERCENT", &[], &options)?)
            });
            let other = setting.server.connections.register(3, &SecretKey::I32(2));
            let others = async {
                let begun = other.current.begin();
                let allowed =
                    Allowed { deadline: None, memory: MEMORY_DEFAULT, memo: UseMemo::Yes };
                let mut answered = 0;
                for _ in 0..20 {
                    let count = |database: &Database, options: &ExecuteOptions| {
                        Ok(database.execute("COUNT", &[], options)?)
                    };
                    let done =
                        run_as(&begun, allowed, &setting.server, &setting.client, count).await;
                    answered += done.unwrap().rows.len();
                }
                answered
            };
            let (broken, answered) = tokio::join!(broken, others);
            let error = broken.unwrap_err();
            assert_eq!(error.sqlstate(), "XX000", "{error}");
            assert_eq!(answered, 20);
            assert_eq!(setting.server.turns.available_permits(), STATEMENTS_RUNNING_MAX);
            let answer = setting.run(None, |database, _| Ok(database.query("COUNT")?)).await;
            assert_eq!(answer.unwrap().rows.len(), 1);
        });
    }

    #[test]
    fn a_running_statement_is_ended() {
        with(|mut setting| async move {
            let soon = Some(Instant::now() + Duration::from_millis(30));
            assert!(matches!(setting.run(soon, endless).await, Err(WireError::Timeout)));
            let cancel = async {
                tokio::time::sleep(Duration::from_millis(30)).await;
                setting.server.connections.cancel(1, &SecretKey::I32(2));
            };
            let (ended, ()) = tokio::join!(setting.run(None, endless), cancel);
            assert!(matches!(ended, Err(WireError::Cancelled)));
            let end = async {
                tokio::time::sleep(Duration::from_millis(30)).await;
                setting.server.connections.cancel_all();
            };
            let (ended, ()) = tokio::join!(setting.run(None, endless), end);
            assert!(matches!(ended, Err(WireError::Ending)));
            // A client that goes away takes its statement with it.
            tokio::io::AsyncWriteExt::shutdown(&mut setting.far_end).await.unwrap();
            let ended = tokio::time::timeout(Duration::from_secs(10), setting.run(None, endless));
            assert!(ended.await.unwrap().is_err());
        });
    }

    #[test]
    fn a_waiting_statement_is_ended() {
        with(|setting| async move {
            let turns = Arc::clone(&setting.server.turns);
            let all = u32::try_from(STATEMENTS_RUNNING_MAX).unwrap();
            let taken = turns.acquire_many_owned(all).await.unwrap();
            let soon = Some(Instant::now() + Duration::from_millis(30));
            assert!(matches!(setting.run(soon, |_, _| Ok(())).await, Err(WireError::Timeout)));
            let cancel = async {
                tokio::time::sleep(Duration::from_millis(30)).await;
                setting.server.connections.cancel(1, &SecretKey::I32(2));
            };
            let (ended, ()) = tokio::join!(setting.run(None, |_, _| Ok(())), cancel);
            assert!(matches!(ended, Err(WireError::Cancelled)));
            let release = async {
                tokio::time::sleep(Duration::from_millis(30)).await;
                drop(taken);
            };
            let (done, ()) = tokio::join!(setting.run(None, |_, _| Ok(5)), release);
            assert_eq!(done.unwrap(), 5);
        });
    }
}
