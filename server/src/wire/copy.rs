//! COPY FROM STDIN: the rows of one COPY are one batch, durable as a whole or not kept at all.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::SinkExt;
use pgwire::messages::copy::CopyInResponse;
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use throng::import::copy::{CopyHeader, CopyIn, CsvDialect};
use throng::{Database, ExecuteOptions};

use super::cancel::Begun;
use super::connection::{Connection, Phase, Via};
use super::copy_statement::{CopyStatement, Header, Layout};
use super::error::{Problem, WireError};
use super::limits::{COPIES_BYTES_MAX, COPY_CHUNK_BYTES};
use super::run::{Allowed, run_as};
use super::server::Shared;

/// A COPY that has begun.
#[derive(Debug)]
pub(super) struct Copying {
    via: Via,
    begun: Begun,
    allowed: Allowed,
    rows: CopyIn,
    held: Held,
    token: Option<String>,
    /// Bytes that have not been handed to `rows`.
    waiting: Vec<u8>,
}

/// A COPY's part of what all of them may hold.
#[derive(Debug)]
struct Held {
    server: Arc<Shared>,
    bytes: usize,
}

impl Held {
    fn add(&mut self, bytes: usize) -> Result<(), WireError> {
        self.bytes += bytes;
        let before = self.server.copied_bytes.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > COPIES_BYTES_MAX {
            return Err(WireError::CopiesTooLarge { limit: COPIES_BYTES_MAX });
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.server.copied_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl CopyStatement {
    fn dialect(&self) -> CsvDialect {
        let plain = match self.layout {
            Layout::Csv => CsvDialect::csv(),
            Layout::Text => CsvDialect::text(),
        };
        let delimiter = self.delimiter.and_then(|character| u8::try_from(character).ok());
        CsvDialect {
            delimiter: delimiter.unwrap_or(plain.delimiter),
            header: match self.header {
                Header::No => CopyHeader::Absent,
                Header::Yes => CopyHeader::Skip,
            },
            ..plain
        }
    }
}

impl Connection {
    /// Asks the client for the rows.
    ///
    /// # Errors
    /// When the session may not write, or the COPY names what events have not.
    pub(super) async fn begin_copy(
        &mut self,
        copy: &CopyStatement,
        via: Via,
    ) -> Result<(), Problem> {
        if self.session.is_read_only() {
            return Err(WireError::ReadOnly.into());
        }
        let begun = self.registered.current.begin();
        let rows = self.open_copy(&begun, copy).await?;
        let count = copy.columns.len();
        let columns = i16::try_from(count).map_err(|_| WireError::TooLarge)?;
        // 0 is text, for the whole and for each column.
        let response = CopyInResponse::new(0, columns, vec![0; count]);
        self.socket.send(PgWireBackendMessage::CopyInResponse(response)).await?;
        let allowed = self.allowed();
        let held = Held { server: Arc::clone(&self.server), bytes: 0 };
        let token = copy.token.clone();
        let waiting = Vec::new();
        let copying = Copying { via, begun, allowed, rows, held, token, waiting };
        self.phase = Phase::Copying(Box::new(copying));
        Ok(())
    }

    /// Checks what the COPY names, and makes ready for its rows.
    ///
    /// # Errors
    /// When it names columns that events have not, or leaves out one that they need.
    pub(super) async fn open_copy(
        &self,
        begun: &Begun,
        copy: &CopyStatement,
    ) -> Result<CopyIn, WireError> {
        let (columns, dialect) = (copy.columns.clone(), copy.dialect());
        let work = move |database: &Database, _: &ExecuteOptions| {
            Ok(CopyIn::new(database, &columns, dialect)?)
        };
        run_as(begun, self.allowed(), &self.server, self.socket.get_ref(), work).await
    }

    /// Takes a message while rows are awaited.
    ///
    /// # Errors
    /// When the socket fails.
    pub(super) async fn copy_message(&mut self, message: PgWireFrontendMessage) -> io::Result<()> {
        let Phase::Copying(mut copying) = std::mem::replace(&mut self.phase, Phase::Ready) else {
            return Ok(());
        };
        let via = copying.via;
        let taken = match message {
            PgWireFrontendMessage::CopyData(data) => {
                copying.waiting.extend_from_slice(&data.data);
                if copying.waiting.len() < COPY_CHUNK_BYTES {
                    self.phase = Phase::Copying(copying);
                    return Ok(());
                }
                self.copy_rows(copying).await.map(Some)
            }
            // Drivers send Sync behind Execute before they know that rows are awaited.
            PgWireFrontendMessage::Sync(_) | PgWireFrontendMessage::Flush(_) => Ok(Some(copying)),
            PgWireFrontendMessage::CopyDone(_) => self.finish_copy(copying).await.map(|()| None),
            PgWireFrontendMessage::CopyFail(fail) => {
                Err(WireError::CopyFailed { reason: fail.message }.into())
            }
            _ => Err(WireError::Unexpected { what: "rows of a COPY are awaited" }.into()),
        };
        match taken {
            Ok(Some(copying)) => {
                self.phase = Phase::Copying(copying);
                return Ok(());
            }
            Ok(None) => {}
            Err(Problem::Io(error)) => return Err(error),
            Err(Problem::Wire(error)) => {
                self.refuse(error.info(None)).await?;
                if via == Via::Extended {
                    self.phase = Phase::Skipping;
                    return self.socket.flush().await;
                }
            }
        }
        match via {
            Via::Simple => self.ready().await,
            Via::Extended => Ok(()),
        }
    }

    /// Hands the waiting bytes to a statement thread.
    async fn copy_rows(&self, mut copying: Box<Copying>) -> Result<Box<Copying>, Problem> {
        copying.held.add(copying.waiting.len())?;
        let Copying { via, begun, allowed, mut rows, held, token, waiting } = *copying;
        let work = move |_: &Database, _: &ExecuteOptions| {
            rows.feed(&waiting)?;
            Ok((rows, waiting))
        };
        let client = self.socket.get_ref();
        let (rows, mut waiting) = run_as(&begun, allowed, &self.server, client, work).await?;
        waiting.clear();
        Ok(Box::new(Copying { via, begun, allowed, rows, held, token, waiting }))
    }

    async fn finish_copy(&mut self, copying: Box<Copying>) -> Result<(), Problem> {
        let Copying { begun, allowed, mut rows, token, waiting, .. } = *copying;
        let work = move |database: &Database, _: &ExecuteOptions| {
            rows.feed(&waiting)?;
            Ok(rows.finish(database, token.as_deref())?)
        };
        let client = self.socket.get_ref();
        let events = run_as(&begun, allowed, &self.server, client, work).await?;
        self.session.note_write();
        Ok(self.complete(format!("COPY {events}")).await?)
    }
}
