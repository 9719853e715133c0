//! The extended protocol: statements prepared once, bound to values, executed in parts.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use futures::SinkExt;
use pgwire::api::Type;
use pgwire::messages::data::{NoData, ParameterDescription};
use pgwire::messages::extendedquery::{
    Bind, BindComplete, Close, CloseComplete, Describe, Execute, Parse, ParseComplete,
    PortalSuspended, TARGET_TYPE_BYTE_PORTAL, TARGET_TYPE_BYTE_STATEMENT,
};
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use throng::query::split_statements;
use throng::{Answer, Parameter, Value};

use super::connection::{Connection, Phase, Via};
use super::error::{Place, Problem, WireError};
use super::limits::{PORTAL_BYTES_MAX, PORTALS_MAX, PREPARED_BYTES_MAX, PREPARED_MAX};
use super::parameter::{ParameterError, Sent, decode};
use super::statement::{Parsed, Statement, classify};
use super::value::{Formats, data_row, row_description};

/// A statement with its values, and how far it has been executed.
#[derive(Debug)]
pub(super) struct Portal {
    parsed: Arc<Parsed>,
    parameters: Vec<Parameter>,
    formats: Formats,
    progress: Progress,
}

#[derive(Debug)]
enum Progress {
    /// Not executed yet.
    Bound,
    /// Rows that have not been sent.
    Rows(std::vec::IntoIter<Vec<Value>>),
    /// Executed to the end.
    Done,
}

impl Connection {
    /// Answers a message of the extended protocol; an error is told, and the rest is skipped.
    ///
    /// # Errors
    /// When the socket fails.
    pub(super) async fn extended(&mut self, message: PgWireFrontendMessage) -> io::Result<()> {
        // The text that an error's place is counted in.
        let mut source: Option<(String, Range<usize>)> = None;
        let done = match message {
            PgWireFrontendMessage::Parse(parse) => {
                source = Some((parse.query.clone(), statement_range(&parse.query)));
                self.parse(parse).await
            }
            PgWireFrontendMessage::Bind(bind) => self.bind(bind).await,
            PgWireFrontendMessage::Describe(describe) => self.describe(describe).await,
            PgWireFrontendMessage::Execute(execute) => {
                let name = execute.name.clone().unwrap_or_default();
                if let Some(Some(portal)) = self.portals.get(&name) {
                    source = Some((portal.parsed.whole.clone(), portal.parsed.range.clone()));
                }
                self.execute(name, execute).await
            }
            PgWireFrontendMessage::Close(close) => self.close(close).await,
            _ => Err(WireError::Unexpected { what: "it belongs to the startup" }.into()),
        };
        match done {
            Ok(()) => Ok(()),
            Err(Problem::Io(error)) => Err(error),
            Err(Problem::Wire(error)) => {
                let place =
                    source.as_ref().map(|(whole, range)| Place { whole, base: range.start });
                self.phase = Phase::Skipping;
                self.refuse(error.info(place)).await?;
                self.socket.flush().await
            }
        }
    }

    /// The end of a series: errors are over, and without a transaction so are the portals.
    pub(super) async fn sync(&mut self) -> io::Result<()> {
        self.phase = Phase::Ready;
        if !self.session.is_in_transaction() {
            self.portals.clear();
        }
        self.ready().await
    }

    async fn parse(&mut self, message: Parse) -> Result<(), Problem> {
        let name = message.name.unwrap_or_default();
        if name.is_empty() {
            self.prepared.remove("");
        } else if self.prepared.contains_key(&name) {
            return Err(WireError::DuplicateStatement { name }.into());
        } else if self.prepared.len() >= PREPARED_MAX {
            let what = "prepared statements";
            return Err(WireError::TooMany { what, limit: PREPARED_MAX }.into());
        }
        let ranges = split_statements(&message.query);
        let parsed = match <[_; 1]>::try_from(ranges) {
            Ok([range]) => {
                Some(Arc::new(self.parsed(message.query, range, &message.type_oids).await?))
            }
            Err(ranges) if ranges.is_empty() => None,
            Err(_) => return Err(WireError::SeveralStatements.into()),
        };
        let held = |parsed: &Arc<Parsed>| parsed.whole.len();
        let bytes: usize = self.prepared.values().flatten().chain(&parsed).map(held).sum();
        if bytes > PREPARED_BYTES_MAX {
            let what = "bytes of prepared statements";
            return Err(WireError::TooMany { what, limit: PREPARED_BYTES_MAX }.into());
        }
        self.prepared.insert(name, parsed);
        Ok(self.socket.feed(PgWireBackendMessage::ParseComplete(ParseComplete::new())).await?)
    }

    async fn parsed(
        &mut self,
        whole: String,
        range: Range<usize>,
        type_oids: &[u32],
    ) -> Result<Parsed, WireError> {
        let text = whole.get(range.clone()).unwrap_or_default().to_owned();
        let statement = match classify(&text) {
            Ok(statement) => statement,
            Err(error) => {
                self.session.admit(None)?;
                return Err(error);
            }
        };
        let (columns, parameters) = match &statement {
            Statement::Session(about) => {
                self.session.admit(Some(about))?;
                (about.columns(&self.session.settings), Vec::new())
            }
            Statement::Copy(copy) => {
                self.session.admit(None)?;
                // Told now rather than at Execute: behind that drivers have sent a Sync already,
                // and send another when they give up.
                self.open_copy(&self.registered.current.begin(), copy).await?;
                (Vec::new(), Vec::new())
            }
            Statement::Query => {
                self.session.admit(None)?;
                let prepared = self.prepare(text).await?;
                (prepared.columns, prepared.parameters)
            }
        };
        let given = type_oids.iter().map(|oid| Type::from_oid(*oid)).collect();
        Ok(Parsed { whole, range, statement, columns, parameters, given })
    }

    async fn bind(&mut self, message: Bind) -> Result<(), Problem> {
        let statement = message.statement_name.clone().unwrap_or_default();
        let name = message.portal_name.clone().unwrap_or_default();
        let parsed = self
            .prepared
            .get(&statement)
            .cloned()
            .ok_or(WireError::UnknownStatement { name: statement })?;
        if name.is_empty() {
            self.portals.remove("");
        } else if self.portals.contains_key(&name) {
            return Err(WireError::DuplicatePortal { name }.into());
        } else if self.portals.len() >= PORTALS_MAX {
            return Err(WireError::TooMany { what: "portals", limit: PORTALS_MAX }.into());
        }
        let portal = parsed.map(|parsed| bound(parsed, message)).transpose()?;
        self.portals.insert(name, portal);
        Ok(self.socket.feed(PgWireBackendMessage::BindComplete(BindComplete::new())).await?)
    }

    async fn describe(&mut self, message: Describe) -> Result<(), Problem> {
        let name = message.name.unwrap_or_default();
        let (columns, formats, parameters) = match message.target_type {
            TARGET_TYPE_BYTE_STATEMENT => {
                let Some(parsed) = self.prepared.get(&name) else {
                    return Err(WireError::UnknownStatement { name }.into());
                };
                let parsed = parsed.as_deref();
                let types = |parsed: &Parsed| {
                    let count = parsed.parameter_count();
                    (0..count).map(|index| parsed.parameter_type(index).oid()).collect()
                };
                let parameters = ParameterDescription::new(parsed.map(types).unwrap_or_default());
                (parsed.map(|p| p.columns.clone()), Formats::default(), Some(parameters))
            }
            TARGET_TYPE_BYTE_PORTAL => match self.portals.get(&name) {
                Some(Some(p)) => (Some(p.parsed.columns.clone()), p.formats.clone(), None),
                Some(None) => (None, Formats::default(), None),
                None => return Err(WireError::UnknownPortal { name }.into()),
            },
            _ => return Err(WireError::Unexpected { what: "it describes nothing" }.into()),
        };
        if let Some(parameters) = parameters {
            self.socket.feed(PgWireBackendMessage::ParameterDescription(parameters)).await?;
        }
        let message = match columns {
            Some(columns) if !columns.is_empty() => {
                PgWireBackendMessage::RowDescription(row_description(&columns, &formats))
            }
            _ => PgWireBackendMessage::NoData(NoData::new()),
        };
        Ok(self.socket.feed(message).await?)
    }

    async fn close(&mut self, message: Close) -> Result<(), Problem> {
        let name = message.name.unwrap_or_default();
        match message.target_type {
            TARGET_TYPE_BYTE_STATEMENT => drop(self.prepared.remove(&name)),
            TARGET_TYPE_BYTE_PORTAL => drop(self.portals.remove(&name)),
            _ => return Err(WireError::Unexpected { what: "it closes nothing" }.into()),
        }
        Ok(self.socket.feed(PgWireBackendMessage::CloseComplete(CloseComplete::new())).await?)
    }

    async fn execute(&mut self, name: String, message: Execute) -> Result<(), Problem> {
        // The portal is taken out while it runs; statements such as COMMIT close all that are in.
        let mut portal = match self.portals.get_mut(&name) {
            Some(portal) => match portal.take() {
                Some(portal) => portal,
                None => return Ok(self.empty().await?),
            },
            None => return Err(WireError::UnknownPortal { name }.into()),
        };
        let limit = usize::try_from(message.max_rows).ok().filter(|rows| *rows > 0);
        let executed = self.execute_portal(&mut portal, limit).await;
        match self.portals.get_mut(&name) {
            Some(place) if executed.is_ok() => *place = Some(portal),
            _ => drop(self.portals.remove(&name)),
        }
        executed
    }

    async fn execute_portal(
        &mut self,
        portal: &mut Portal,
        limit: Option<usize>,
    ) -> Result<(), Problem> {
        if matches!(portal.progress, Progress::Bound) {
            let Some(answer) = self.start_portal(portal).await? else {
                portal.progress = Progress::Done;
                return Ok(());
            };
            self.notices(&answer.notices).await?;
            portal.progress = Progress::Rows(answer.rows.into_iter());
        }
        let Progress::Rows(rows) = &mut portal.progress else {
            return Ok(self.complete("SELECT 0".to_owned()).await?);
        };
        let mut sent = 0_usize;
        while limit.is_none_or(|limit| sent < limit)
            && let Some(row) = rows.next()
        {
            let row = data_row(&row, &portal.formats)?;
            self.socket.feed(PgWireBackendMessage::DataRow(row)).await?;
            sent += 1;
        }
        // As PostgreSQL: a portal that gave exactly as many rows as asked for is suspended, even
        // when there are no more.
        if limit == Some(sent) {
            let suspended = PgWireBackendMessage::PortalSuspended(PortalSuspended::new());
            return Ok(self.socket.feed(suspended).await?);
        }
        portal.progress = Progress::Done;
        Ok(self.complete(format!("SELECT {sent}")).await?)
    }

    /// Runs a portal's statement: its answer when it has rows, none when all has been said.
    async fn start_portal(&mut self, portal: &Portal) -> Result<Option<Answer>, Problem> {
        let parsed = Arc::clone(&portal.parsed);
        match &parsed.statement {
            Statement::Session(statement) => {
                self.session.admit(Some(statement))?;
                self.session_statement(statement).await
            }
            Statement::Copy(copy) => {
                self.session.admit(None)?;
                self.begin_copy(copy, Via::Extended).await?;
                Ok(None)
            }
            Statement::Query => {
                self.session.admit(None)?;
                let answer = self.ask(parsed.text().to_owned(), portal.parameters.clone()).await?;
                if answer.columns != parsed.columns {
                    return Err(WireError::ColumnsChanged.into());
                }
                if answer.columns.is_empty() {
                    self.session.note_write();
                    self.notices(&answer.notices).await?;
                    self.complete(answer.tag).await?;
                    return Ok(None);
                }
                Ok(Some(answer))
            }
        }
    }
}

/// The bytes of a text's first statement.
fn statement_range(text: &str) -> Range<usize> {
    split_statements(text).into_iter().next().unwrap_or(0..0)
}

/// The portal of a statement and the values in a Bind.
fn bound(parsed: Arc<Parsed>, message: Bind) -> Result<Portal, WireError> {
    let wanted = parsed.parameter_count();
    let given = message.parameters.len();
    if wanted != given {
        return Err(ParameterError::Count { wanted, given }.into());
    }
    let bytes: usize = message.parameters.iter().flatten().map(|bytes| bytes.len()).sum();
    if bytes > PORTAL_BYTES_MAX {
        let what = "bytes of values for one statement";
        return Err(WireError::TooMany { what, limit: PORTAL_BYTES_MAX });
    }
    let formats = Formats::new(message.parameter_format_codes, given)?;
    let parameters = parsed
        .parameters
        .iter()
        .zip(&message.parameters)
        .enumerate()
        .map(|(index, (wanted, bytes))| {
            decode(Sent {
                number: index + 1,
                given: parsed.given.get(index).and_then(Option::as_ref),
                wanted: *wanted,
                format: formats.of(index),
                bytes: bytes.as_deref(),
            })
        })
        .collect::<Result<_, _>>()?;
    let formats = Formats::new(message.result_column_format_codes, parsed.columns.len())?;
    Ok(Portal { parsed, parameters, formats, progress: Progress::Bound })
}
