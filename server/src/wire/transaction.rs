//! The state of a connection between its messages: settings, and the transaction as drivers see it.
//!
//! Every statement of Throng commits by itself. Transactions are accepted because drivers begin
//! them unasked: they fail, and can be read-only, as PostgreSQL's do; they undo nothing.

use pgwire::messages::response::TransactionStatus;

use throng::{Database, Effect};

use super::error::WireError;
use super::select::Environment;
use super::session::{Access, Scope, SessionError, SessionStatement};
use super::settings::Settings;

/// Who is connected, and what holds for its statements.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) settings: Settings,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) process: i32,
    transaction: Option<Transaction>,
}

#[derive(Debug)]
struct Transaction {
    state: State,
    access: Option<Access>,
    /// What ROLLBACK returns to.
    settings_before: Settings,
    /// What SET LOCAL hid, to return at the end.
    local: Vec<(String, Option<String>)>,
    wrote: Wrote,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Failed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wrote {
    Nothing,
    Something,
}

/// What a statement about the session did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Applied {
    pub(super) tag: &'static str,
    /// Settings that the client is to be told.
    pub(super) told: Vec<(&'static str, String)>,
    pub(super) warning: Option<Warning>,
}

/// What is done, but perhaps not as meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Warning {
    InTransaction,
    NoTransaction,
    Kept,
    LocalOutside,
}

impl Warning {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::InTransaction => "25001",
            Self::NoTransaction | Self::LocalOutside => "25P01",
            Self::Kept => "01000",
        }
    }

    pub(super) fn message(self) -> &'static str {
        match self {
            Self::InTransaction => "there is already a transaction in progress",
            Self::NoTransaction => "there is no transaction in progress",
            Self::Kept => {
                "what this transaction wrote is kept: each statement of Throng commits by itself"
            }
            Self::LocalOutside => "SET LOCAL has no effect outside a transaction",
        }
    }
}

impl Access {
    /// Refuses a statement that would change the store where that may not be.
    ///
    /// # Errors
    /// [`WireError::ReadOnly`], or what is wrong with the statement.
    pub(super) fn check(self, database: &Database, text: &str) -> Result<(), WireError> {
        if self == Self::ReadOnly && database.prepare(text)?.effect == Effect::Changes {
            return Err(WireError::ReadOnly);
        }
        Ok(())
    }
}

impl Session {
    pub(super) fn new(settings: Settings, user: String, database: String, process: i32) -> Self {
        Self { settings, user, database, process, transaction: None }
    }

    pub(super) fn environment(&self) -> Environment<'_> {
        Environment {
            settings: &self.settings,
            database: &self.database,
            user: &self.user,
            process: self.process,
        }
    }

    pub(super) fn status(&self) -> TransactionStatus {
        match self.transaction.as_ref().map(|transaction| transaction.state) {
            None => TransactionStatus::Idle,
            Some(State::Open) => TransactionStatus::Transaction,
            Some(State::Failed) => TransactionStatus::Error,
        }
    }

    pub(super) fn is_read_only(&self) -> bool {
        let by_default = || {
            self.settings.is_on("default_transaction_read_only")
                || self.settings.is_on("transaction_read_only")
        };
        match self.transaction.as_ref().and_then(|transaction| transaction.access) {
            Some(access) => access == Access::ReadOnly,
            None => by_default(),
        }
    }

    pub(super) fn is_in_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// What the next statement may do.
    pub(super) fn access(&self) -> Access {
        if self.is_read_only() { Access::ReadOnly } else { Access::ReadWrite }
    }

    /// A statement failed.
    pub(super) fn fail(&mut self) {
        if let Some(transaction) = &mut self.transaction {
            transaction.state = State::Failed;
        }
    }

    /// A statement changed the store.
    pub(super) fn note_write(&mut self) {
        if let Some(transaction) = &mut self.transaction {
            transaction.wrote = Wrote::Something;
        }
    }

    /// Whether a statement may run now; none stands for one of Throng's own.
    ///
    /// # Errors
    /// When the transaction has failed and the statement does not end it.
    pub(super) fn admit(&self, statement: Option<&SessionStatement>) -> Result<(), WireError> {
        let ends = matches!(
            statement,
            Some(
                SessionStatement::Commit
                    | SessionStatement::Rollback
                    | SessionStatement::RollbackTo
            )
        );
        if self.status() == TransactionStatus::Error && !ends {
            return Err(WireError::TransactionFailed);
        }
        Ok(())
    }

    /// Does what a statement without rows says, as far as it concerns settings and transactions.
    ///
    /// # Errors
    /// When a setting does not take its value.
    pub(super) fn apply(&mut self, statement: &SessionStatement) -> Result<Applied, SessionError> {
        use SessionStatement as S;
        let tagged = |tag| Ok(Applied { tag, ..Applied::default() });
        match statement {
            S::Set { name, value, scope } => self.set(name, value.as_deref(), *scope),
            S::ResetAll => {
                self.settings.reset();
                Ok(Applied {
                    told: self.reported(),
                    ..Applied { tag: "RESET", ..Applied::default() }
                })
            }
            S::Begin(access) => Ok(self.begin(*access)),
            S::Commit => Ok(self.commit()),
            S::Rollback => Ok(self.rollback()),
            S::SetTransaction(access) => Ok(self.set_transaction(*access)),
            S::RollbackTo => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.state = State::Open;
                }
                tagged("ROLLBACK")
            }
            S::DiscardAll => {
                self.settings.reset();
                Ok(Applied { tag: "DISCARD ALL", told: self.reported(), warning: None })
            }
            S::Savepoint => tagged("SAVEPOINT"),
            S::Release => tagged("RELEASE"),
            S::Discard(tag) => tagged(tag),
            S::Deallocate(Some(_)) => tagged("DEALLOCATE"),
            S::Deallocate(None) => tagged("DEALLOCATE ALL"),
            S::Close(Some(_)) => tagged("CLOSE CURSOR"),
            S::Close(None) => tagged("CLOSE CURSOR ALL"),
            S::Unlisten => tagged("UNLISTEN"),
            S::Show(_) | S::ShowAll => tagged("SHOW"),
            S::Select(_) => tagged("SELECT"),
        }
    }

    fn reported(&self) -> Vec<(&'static str, String)> {
        self.settings.reported().map(|(name, value)| (name, value.to_owned())).collect()
    }

    fn set(
        &mut self,
        name: &str,
        value: Option<&str>,
        scope: Scope,
    ) -> Result<Applied, SessionError> {
        let before = self.settings.get(name).map(|(_, value)| value.to_owned());
        let told = self.settings.set(name, value)?;
        let mut applied = Applied { tag: "SET", told: told.into_iter().collect(), warning: None };
        let is_this = |(local, _): &(String, Option<String>)| local.eq_ignore_ascii_case(name);
        match (scope, &mut self.transaction) {
            // What SET LOCAL hid before is what holds after the transaction.
            (Scope::Transaction, Some(transaction)) if transaction.local.iter().any(is_this) => {}
            (Scope::Transaction, Some(transaction)) => {
                transaction.local.push((name.to_owned(), before));
            }
            (Scope::Transaction, None) => {
                applied.told.extend(self.settings.set(name, before.as_deref())?);
                applied.warning = Some(Warning::LocalOutside);
            }
            (Scope::Session, Some(transaction)) => transaction.local.retain(|set| !is_this(set)),
            (Scope::Session, None) => {}
        }
        Ok(applied)
    }

    fn begin(&mut self, access: Option<Access>) -> Applied {
        let warning = match &mut self.transaction {
            Some(transaction) => {
                transaction.access = access.or(transaction.access);
                Some(Warning::InTransaction)
            }
            None => {
                self.transaction = Some(Transaction {
                    state: State::Open,
                    access,
                    settings_before: self.settings.clone(),
                    local: Vec::new(),
                    wrote: Wrote::Nothing,
                });
                None
            }
        };
        Applied { tag: "BEGIN", told: Vec::new(), warning }
    }

    fn set_transaction(&mut self, access: Option<Access>) -> Applied {
        let warning = match &mut self.transaction {
            Some(transaction) => {
                transaction.access = access.or(transaction.access);
                None
            }
            None => Some(Warning::NoTransaction),
        };
        Applied { tag: "SET", told: Vec::new(), warning }
    }

    fn commit(&mut self) -> Applied {
        if self.status() == TransactionStatus::Error {
            return self.rollback();
        }
        let Some(mut transaction) = self.transaction.take() else {
            let warning = Some(Warning::NoTransaction);
            return Applied { tag: "COMMIT", told: Vec::new(), warning };
        };
        let mut told = Vec::new();
        while let Some((name, value)) = transaction.local.pop() {
            // It was the setting's value before, so it is taken again.
            told.extend(self.settings.set(&name, value.as_deref()).ok().flatten());
        }
        Applied { tag: "COMMIT", told, warning: None }
    }

    fn rollback(&mut self) -> Applied {
        let Some(transaction) = self.transaction.take() else {
            let warning = Some(Warning::NoTransaction);
            return Applied { tag: "ROLLBACK", told: Vec::new(), warning };
        };
        let before = self.reported();
        self.settings = transaction.settings_before;
        let told = self.reported().into_iter().filter(|told| !before.contains(told)).collect();
        let warning = (transaction.wrote == Wrote::Something).then_some(Warning::Kept);
        Applied { tag: "ROLLBACK", told, warning }
    }
}

#[cfg(test)]
mod tests {
    use super::{Session, Warning};
    use crate::wire::session::parse;
    use crate::wire::settings::Settings;
    use pgwire::messages::response::TransactionStatus;

    fn session() -> Session {
        Session::new(Settings::new("UTC", "ann", 1 << 30), "ann".to_owned(), "shop".to_owned(), 1)
    }

    fn apply(session: &mut Session, text: &str) -> (&'static str, Option<Warning>) {
        let statement = parse(text).unwrap().unwrap();
        session.admit(Some(&statement)).unwrap();
        let applied = session.apply(&statement).unwrap();
        (applied.tag, applied.warning)
    }

    #[test]
    fn a_failed_transaction_waits_for_its_end() {
        let mut session = session();
        assert_eq!(apply(&mut session, "BEGIN"), ("BEGIN", None));
        assert_eq!(session.status(), TransactionStatus::Transaction);
        assert_eq!(apply(&mut session, "BEGIN").1, Some(Warning::InTransaction));
        session.note_write();
        session.fail();
        assert_eq!(session.status(), TransactionStatus::Error);
        assert!(session.admit(None).is_err());
        assert_eq!(apply(&mut session, "ROLLBACK TO SAVEPOINT a"), ("ROLLBACK", None));
        assert!(session.admit(None).is_ok());
        session.fail();
        assert_eq!(apply(&mut session, "COMMIT"), ("ROLLBACK", Some(Warning::Kept)));
        assert_eq!(session.status(), TransactionStatus::Idle);
        assert_eq!(apply(&mut session, "COMMIT"), ("COMMIT", Some(Warning::NoTransaction)));
        session.fail();
        assert_eq!(session.status(), TransactionStatus::Idle);
    }

    #[test]
    fn settings_follow_their_transaction() {
        let mut session = session();
        let name =
            |session: &Session| session.settings.get("application_name").unwrap().1.to_owned();
        apply(&mut session, "SET application_name = a");
        apply(&mut session, "BEGIN");
        apply(&mut session, "SET application_name = b");
        apply(&mut session, "SET LOCAL application_name = c");
        apply(&mut session, "SET LOCAL application_name = d");
        assert_eq!(name(&session), "d");
        apply(&mut session, "COMMIT");
        assert_eq!(name(&session), "b");
        apply(&mut session, "BEGIN");
        apply(&mut session, "SET LOCAL application_name = c");
        apply(&mut session, "SET application_name = b");
        apply(&mut session, "COMMIT");
        assert_eq!(name(&session), "b");
        apply(&mut session, "BEGIN");
        apply(&mut session, "SET application_name = e");
        apply(&mut session, "ROLLBACK");
        assert_eq!(name(&session), "b");
        let outside = apply(&mut session, "SET LOCAL application_name = f");
        assert_eq!(outside.1, Some(Warning::LocalOutside));
        assert_eq!(name(&session), "b");
    }

    #[test]
    fn transactions_can_be_read_only() {
        let mut session = session();
        assert!(!session.is_read_only());
        apply(&mut session, "BEGIN READ ONLY");
        assert!(session.is_read_only());
        apply(&mut session, "COMMIT");
        apply(&mut session, "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY");
        assert!(session.is_read_only());
        apply(&mut session, "BEGIN READ WRITE");
        assert!(!session.is_read_only());
    }
}
