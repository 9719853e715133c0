//! Whole statements.

use crate::ast::{Literal, Name, Show as ShowNode, Statement as Node};
use crate::builtin::state_of;
use crate::error::{ErrorCode, QueryError};
use crate::plan::{
    Backup, Column, ColumnType, DeleteEvents, Forget, IfMissing, NameKind, PLAN_VERSION, Plan,
    Show, Statement,
};

use super::binder::Binder;
use super::columns::column;
use super::show::show_columns;

/// What FORGET and DELETE say.
fn erased_columns() -> Vec<Column> {
    vec![column("consumers", ColumnType::Integer), column("events", ColumnType::Integer)]
}

/// What BACKUP says.
fn backup_columns() -> Vec<Column> {
    let number = |name| column(name, ColumnType::Integer);
    let [linked, copied, kept, removed] = ["linked", "copied", "kept", "removed"].map(number);
    let [bytes, events, consumers] = ["bytes", "events", "consumers"].map(number);
    let directory = column("directory", ColumnType::Text);
    vec![directory, linked, copied, kept, removed, bytes, events, consumers]
}

impl Binder<'_> {
    pub fn plan(&mut self, node: &Node) -> Result<Plan, QueryError> {
        let (statement, columns) = self.statement(node)?;
        Ok(Plan { version: PLAN_VERSION, statement, columns })
    }

    fn statement(&mut self, node: &Node) -> Result<(Statement, Vec<Column>), QueryError> {
        match node {
            Node::Query(query) => {
                let (query, columns) = self.query(query)?;
                Ok((Statement::Query(query), columns))
            }
            Node::Explain { mode, format, query } => {
                let (query, _) = self.query(query)?;
                let columns = vec![column("plan", ColumnType::Text)];
                Ok((Statement::Explain { mode: *mode, format: *format, query }, columns))
            }
            Node::Consumer { identity, brand, as_of } => {
                let identity = self.identity(identity)?;
                let brand = match brand {
                    Some(brand) => self.known_literal(NameKind::Brand, brand)?,
                    None => None,
                };
                let as_of = self.optional_date(as_of.as_ref())?;
                let columns = ["section", "name", "value", "time"];
                let columns = columns.iter().map(|name| column(*name, ColumnType::Text));
                Ok((Statement::Consumer { identity, brand, as_of }, columns.collect()))
            }
            Node::Match { identity, audiences, as_of } => {
                let identity = self.identity(identity)?;
                let known = |name: &Name| self.known(NameKind::Audience, name);
                let audiences = audiences.iter().map(known).collect::<Result<_, _>>()?;
                let as_of = self.optional_date(as_of.as_ref())?;
                let columns = vec![
                    column("audience", ColumnType::Text),
                    column("matches", ColumnType::Boolean),
                ];
                Ok((Statement::Match { identity, audiences, as_of }, columns))
            }
            Node::Create { exists, what } => {
                let create = self.create(*exists, what)?;
                Ok((Statement::Create(create), Vec::new()))
            }
            Node::AlterModel { name, stages, text, missing } => {
                let model = self.altered_model(name, stages, text, *missing)?;
                Ok((Statement::AlterModel { model, missing: *missing }, Vec::new()))
            }
            Node::Drop { kind, brand, name, missing } => {
                self.check_drop(*kind, brand.as_ref(), name, *missing)?;
                let brand = brand.as_ref().map(|brand| brand.text.clone());
                let (kind, name, missing) = (*kind, name.text.clone(), *missing);
                Ok((Statement::Drop { kind, name, brand, missing }, Vec::new()))
            }
            Node::Forget { identities, missing } => {
                let identity = |one: &Literal| self.identity(one);
                let identities = identities.iter().map(identity).collect::<Result<_, _>>()?;
                let forget = Forget { identities, missing: *missing };
                Ok((Statement::Forget(forget), erased_columns()))
            }
            Node::DeleteEvents { brand, first, last, behaviours } => {
                let delete = self.delete_events(brand, (first, last), behaviours)?;
                Ok((Statement::DeleteEvents(delete), erased_columns()))
            }
            Node::Backup { dir, files, verify } => {
                let (dir, files, verify) = (self.directory(dir)?, *files, *verify);
                let backup = Backup { dir, files, verify };
                Ok((Statement::Backup(backup), backup_columns()))
            }
            Node::Show(show) => {
                let show = self.show(show)?;
                let columns = show_columns(&show);
                Ok((Statement::Show(show), columns))
            }
        }
    }

    fn delete_events(
        &mut self,
        brand: &Name,
        (first, last): (&Literal, &Literal),
        behaviours: &[Name],
    ) -> Result<DeleteEvents, QueryError> {
        let brand = self.known(NameKind::Brand, brand)?;
        let known = |name: &Name| self.known(NameKind::Behaviour, name);
        let behaviours = behaviours.iter().map(known).collect::<Result<_, _>>()?;
        let (first, last) = self.days_between(first, last)?.unwrap_or_default();
        Ok(DeleteEvents { brand, behaviours, first, last })
    }

    fn identity(&mut self, literal: &Literal) -> Result<String, QueryError> {
        let identity = self.text(literal)?;
        if identity.as_ref().is_some_and(String::is_empty) {
            let message = "an identity cannot be empty";
            return Err(QueryError::new(ErrorCode::BadValue, literal.span.clone(), message));
        }
        Ok(identity.unwrap_or_default())
    }

    fn directory(&mut self, literal: &Literal) -> Result<String, QueryError> {
        let dir = self.text(literal)?;
        let bad = |message: &str| {
            Err(QueryError::new(ErrorCode::BadValue, literal.span.clone(), message))
        };
        match dir {
            Some(dir) if dir.is_empty() => bad("the directory of a backup has no name"),
            Some(dir) if dir.contains(char::is_control) => {
                bad("the name of a directory has a control character")
            }
            dir => Ok(dir.unwrap_or_default()),
        }
    }

    fn show(&self, show: &ShowNode) -> Result<Show, QueryError> {
        Ok(match show {
            ShowNode::Names(kind) => Show::Names(*kind),
            ShowNode::Definition { kind, name } => {
                Show::Definition { kind: *kind, name: self.known(*kind, name)? }
            }
            // A dropped model has versions too, so the engine looks it up.
            ShowNode::Versions { model } => Show::Versions { model: model.text.clone() },
            ShowNode::Store => Show::Store,
            ShowNode::Storage => Show::Storage,
            ShowNode::Server => Show::Server,
            ShowNode::Limits => Show::Limits,
            ShowNode::Measures => Show::Measures,
            ShowNode::Erasures => Show::Erasures,
        })
    }

    fn check_drop(
        &self,
        kind: NameKind,
        brand: Option<&Name>,
        name: &Name,
        missing: IfMissing,
    ) -> Result<(), QueryError> {
        if kind == NameKind::Model && crate::builtin::is_model(&name.text) {
            let message = format!("model `{}` is built in", name.text);
            return Err(QueryError::new(ErrorCode::NotSupported, name.span.clone(), message));
        }
        if let (NameKind::State, Some(built_in)) = (kind, state_of(&name.text)) {
            let message = format!("state `{built_in}` is built in");
            return Err(QueryError::new(ErrorCode::NotSupported, name.span.clone(), message));
        }
        if missing == IfMissing::Ignore {
            return Ok(());
        }
        if kind == NameKind::Attribute {
            let written = crate::ast::AttributeName { brand: brand.cloned(), name: name.clone() };
            return self.attribute(&written).map(drop);
        }
        self.known(kind, name).map(drop)
    }
}
