//! One client, from its first message to its last.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::{FutureExt, SinkExt, StreamExt};
use pgwire::api::{ClientInfo, DefaultClient};
use pgwire::error::{ErrorInfo, PgWireError};
use pgwire::messages::response::{CommandComplete, EmptyQueryResponse, ReadyForQuery};
use pgwire::messages::startup::ParameterStatus;
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use pgwire::tokio::server::PgWireMessageServerCodec;
use throng::Answer;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_util::codec::Framed;

use super::cancel::Registered;
use super::copy::Copying;
use super::error::{Problem, WireError, error_info};
use super::extended::Portal;
use super::frames::Bounded;
use super::limits::STARTUP_TIMEOUT;
use super::server::Shared;
use super::session::{SessionError, SessionStatement};
use super::startup::{self, Started};
use super::statement::Parsed;
use super::transaction::Session;
use super::value::{Formats, data_row, row_description};

pub(super) type Socket = Framed<Bounded, PgWireMessageServerCodec<()>>;

/// A client that has been welcomed.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) socket: Socket,
    pub(super) server: Arc<Shared>,
    pub(super) registered: Registered,
    pub(super) session: Session,
    /// Prepared statements by name, none for an empty text. The unnamed one is "".
    pub(super) prepared: HashMap<String, Option<Arc<Parsed>>>,
    /// Portals by name, none for an empty text. The unnamed one is "".
    pub(super) portals: HashMap<String, Option<Portal>>,
    pub(super) phase: Phase,
}

/// What the next message may be.
#[derive(Debug)]
pub(super) enum Phase {
    Ready,
    /// After an error in the extended protocol: everything up to Sync is skipped.
    Skipping,
    /// Rows of a COPY.
    Copying(Box<Copying>),
}

/// Which protocol a statement came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Via {
    Simple,
    Extended,
}

/// Serves one client. Errors of its socket end it silently: there is nobody to tell.
pub(super) async fn serve(
    stream: TcpStream,
    address: SocketAddr,
    door: OwnedSemaphorePermit,
    server: Arc<Shared>,
    mut ending: watch::Receiver<()>,
) {
    // A client that reads slowly must not wait for Nagle's timer; without it all still works.
    let _ = stream.set_nodelay(true);
    let codec = PgWireMessageServerCodec::new(DefaultClient::new(address, false));
    let mut socket = Framed::new(Bounded::new(stream), codec);
    let first = AssertUnwindSafe(startup::start(&mut socket, &server)).catch_unwind();
    let started = tokio::select! {
        first = tokio::time::timeout(STARTUP_TIMEOUT, first) => first,
        _ = ending.changed() => return,
    };
    let Ok(Ok(Ok(Started::Session(session)))) = started else { return };
    drop(door);
    // The client may be gone already.
    let _ = greet(socket, server, *session, ending).await;
}

async fn greet(
    mut socket: Socket,
    server: Arc<Shared>,
    session: Session,
    ending: watch::Receiver<()>,
) -> io::Result<()> {
    let Ok(_seat) = Arc::clone(&server.seats).try_acquire_owned() else {
        let message = "too many clients are connected already".to_owned();
        return fatal(&mut socket, error_info("FATAL", "53300", message)).await;
    };
    let (process, secret) = socket.pid_and_secret_key();
    let registered = server.connections.register(process, &secret);
    startup::welcome(&mut socket, &session).await?;
    let ahead = socket.read_buffer().to_vec();
    socket.get_mut().follow(&ahead).map_err(io::Error::other)?;
    let mut connection = Connection {
        socket,
        server,
        registered,
        session,
        prepared: HashMap::new(),
        portals: HashMap::new(),
        phase: Phase::Ready,
    };
    connection.ready().await?;
    connection.converse(ending).await
}

/// Tells the client why its connection ends.
///
/// # Errors
/// When the socket fails.
pub(super) async fn fatal(socket: &mut Socket, info: Box<ErrorInfo>) -> io::Result<()> {
    socket.send(PgWireBackendMessage::ErrorResponse((*info).into())).await?;
    socket.close().await
}

/// What came from the client.
enum Received {
    Message(PgWireFrontendMessage),
    /// It went away, or said goodbye.
    Gone,
    /// It does not speak the protocol.
    Broken(Box<ErrorInfo>),
}

impl Connection {
    async fn converse(&mut self, mut ending: watch::Receiver<()>) -> io::Result<()> {
        loop {
            let received = tokio::select! {
                received = receive(&mut self.socket) => received,
                _ = ending.changed() => {
                    let message = "the server is ending".to_owned();
                    return fatal(&mut self.socket, error_info("FATAL", "57P01", message)).await;
                }
            };
            match received {
                Received::Message(message) => self.handle(message).await?,
                Received::Gone => return Ok(()),
                Received::Broken(info) => return fatal(&mut self.socket, info).await,
            }
        }
    }

    async fn handle(&mut self, message: PgWireFrontendMessage) -> io::Result<()> {
        match (&self.phase, message) {
            (Phase::Copying(_), message) => self.copy_message(message).await,
            (_, PgWireFrontendMessage::Sync(_)) => self.sync().await,
            (Phase::Skipping, _) => Ok(()),
            (Phase::Ready, PgWireFrontendMessage::Query(query)) => self.simple(query.query).await,
            (Phase::Ready, PgWireFrontendMessage::Flush(_)) => self.socket.flush().await,
            // The rest of a COPY that failed.
            (
                Phase::Ready,
                PgWireFrontendMessage::CopyData(_)
                | PgWireFrontendMessage::CopyDone(_)
                | PgWireFrontendMessage::CopyFail(_),
            ) => Ok(()),
            (Phase::Ready, message) => self.extended(message).await,
        }
    }

    /// Tells that the next statement may come.
    pub(super) async fn ready(&mut self) -> io::Result<()> {
        let ready = ReadyForQuery::new(self.session.status());
        self.socket.send(PgWireBackendMessage::ReadyForQuery(ready)).await
    }

    /// Answers with an error; the transaction, if there is one, has failed.
    pub(super) async fn refuse(&mut self, info: Box<ErrorInfo>) -> io::Result<()> {
        self.session.fail();
        self.socket.feed(PgWireBackendMessage::ErrorResponse((*info).into())).await
    }

    pub(super) async fn complete(&mut self, tag: String) -> io::Result<()> {
        let complete = CommandComplete::new(tag);
        self.socket.feed(PgWireBackendMessage::CommandComplete(complete)).await
    }

    pub(super) async fn empty(&mut self) -> io::Result<()> {
        self.socket.feed(PgWireBackendMessage::EmptyQueryResponse(EmptyQueryResponse::new())).await
    }

    /// What the asker should know beside the answer.
    pub(super) async fn notices(&mut self, notices: &[String]) -> io::Result<()> {
        if !self.session.settings.wants_notices() {
            return Ok(());
        }
        for notice in notices {
            let info = error_info("NOTICE", "00000", notice.clone());
            self.socket.feed(PgWireBackendMessage::NoticeResponse((*info).into())).await?;
        }
        Ok(())
    }

    /// Sends a whole answer of the simple protocol.
    pub(super) async fn answer(&mut self, answer: &Answer) -> Result<(), Problem> {
        self.notices(&answer.notices).await?;
        if answer.columns.is_empty() {
            return Ok(self.complete(answer.tag.clone()).await?);
        }
        let formats = Formats::default();
        let description = row_description(&answer.columns, &formats);
        self.socket.feed(PgWireBackendMessage::RowDescription(description)).await?;
        for row in &answer.rows {
            let row = data_row(row, &formats)?;
            self.socket.feed(PgWireBackendMessage::DataRow(row)).await?;
        }
        Ok(self.complete(format!("SELECT {}", answer.rows.len())).await?)
    }

    /// Does what a statement about the session says; answers its rows, if it has any.
    pub(super) async fn session_statement(
        &mut self,
        statement: &SessionStatement,
    ) -> Result<Option<Answer>, Problem> {
        let answer = statement.answer(&self.session.environment())?;
        if !answer.columns.is_empty() {
            return Ok(Some(answer));
        }
        match statement {
            SessionStatement::DiscardAll if self.session.is_in_transaction() => {
                return Err(SessionError::InTransaction.into());
            }
            SessionStatement::DiscardAll => {
                self.prepared.clear();
                self.portals.clear();
            }
            SessionStatement::Deallocate(None) => self.prepared.clear(),
            SessionStatement::Deallocate(Some(name)) => {
                let known = self.prepared.remove(name);
                known.ok_or_else(|| WireError::UnknownStatement { name: name.clone() })?;
            }
            SessionStatement::Close(None)
            | SessionStatement::Commit
            | SessionStatement::Rollback => self.portals.clear(),
            SessionStatement::Close(Some(name)) => {
                let known = self.portals.remove(name);
                known.ok_or_else(|| WireError::UnknownPortal { name: name.clone() })?;
            }
            _ => {}
        }
        let applied = self.session.apply(statement)?;
        for (name, value) in applied.told {
            let status = ParameterStatus::new(name.to_owned(), value);
            self.socket.feed(PgWireBackendMessage::ParameterStatus(status)).await?;
        }
        if let Some(warning) = applied.warning {
            let info = error_info("WARNING", warning.code(), warning.message().to_owned());
            self.socket.feed(PgWireBackendMessage::NoticeResponse((*info).into())).await?;
        }
        self.complete(applied.tag.to_owned()).await?;
        Ok(None)
    }
}

/// The next message. What cannot be decoded, even by a panic in the decoder, ends the connection.
async fn receive(socket: &mut Socket) -> Received {
    let broken = |code: &str, message: String| Received::Broken(error_info("FATAL", code, message));
    match AssertUnwindSafe(socket.next()).catch_unwind().await {
        Ok(Some(Ok(PgWireFrontendMessage::Terminate(_))) | None) => Received::Gone,
        Ok(Some(Ok(message))) => Received::Message(message),
        Ok(Some(Err(PgWireError::IoError(error))))
            if error.kind() == io::ErrorKind::InvalidData =>
        {
            broken("08P01", error.to_string())
        }
        Ok(Some(Err(PgWireError::IoError(_)))) => Received::Gone,
        Ok(Some(Err(error))) => broken("08P01", error.to_string()),
        Err(_) => broken("08P01", "a message is malformed".to_owned()),
    }
}
