//! The simple protocol: a text of statements, answered one after the other until one fails.

use std::io;

use throng::query::split_statements;

use super::connection::{Connection, Phase, Via};
use super::error::{Place, Problem, WireError};
use super::statement::{Statement, classify};

/// Whether more statements follow in the same message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Follow {
    More,
    Last,
}

impl Connection {
    /// Answers a message of statements.
    ///
    /// # Errors
    /// When the socket fails.
    pub(super) async fn simple(&mut self, text: String) -> io::Result<()> {
        // A simple message takes the place of the unnamed statement and portal.
        self.prepared.remove("");
        self.portals.remove("");
        let ranges = split_statements(&text);
        if ranges.is_empty() {
            self.empty().await?;
        }
        let count = ranges.len();
        for (index, range) in ranges.into_iter().enumerate() {
            let statement = text.get(range.clone()).unwrap_or_default();
            let follow = if index + 1 < count { Follow::More } else { Follow::Last };
            match self.simple_statement(statement, follow).await {
                Ok(()) => {}
                Err(Problem::Io(error)) => return Err(error),
                Err(Problem::Wire(error)) => {
                    let place = Place { whole: &text, base: range.start };
                    self.refuse(error.info(Some(place))).await?;
                    break;
                }
            }
        }
        if matches!(self.phase, Phase::Copying(_)) {
            return Ok(());
        }
        self.ready().await
    }

    async fn simple_statement(&mut self, text: &str, follow: Follow) -> Result<(), Problem> {
        // In a failed transaction a statement is refused before it is looked at, as far as it may.
        let statement = match classify(text) {
            Ok(statement) => statement,
            Err(error) => {
                self.session.admit(None)?;
                return Err(error.into());
            }
        };
        match statement {
            Statement::Session(statement) => {
                self.session.admit(Some(&statement))?;
                if let Some(answer) = self.session_statement(&statement).await? {
                    self.answer(&answer).await?;
                }
                Ok(())
            }
            Statement::Copy(copy) => {
                self.session.admit(None)?;
                if follow == Follow::More {
                    return Err(WireError::CopyNotLast.into());
                }
                self.begin_copy(&copy, Via::Simple).await
            }
            Statement::Query => {
                self.session.admit(None)?;
                let answer = self.ask(text.to_owned(), Vec::new()).await?;
                if answer.columns.is_empty() {
                    self.session.note_write();
                }
                self.answer(&answer).await
            }
        }
    }
}
