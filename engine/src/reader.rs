//! One moment of a database: every statement asked of it sees the same data.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use throng_query::plan::{Plan, Statement};
use throng_query::{Ast, Description};
use throng_storage::store::Settings;

use crate::answer::Answer;
use crate::definition::told;
use crate::error::{DatabaseError, ExecuteError};
use crate::matched::AUDIENCES_BRIEF;
use crate::options::{ExecuteOptions, Length, Parameter, Prepared};
use crate::statement::{Reading, consumer, matching, show};
use crate::time::Zone;
use crate::view::View;
use crate::vitals::Vitals;

/// One moment of a database. It keeps what it sees alive and never changes.
#[derive(Debug, Clone)]
pub struct Reader {
    view: Arc<View>,
    zone: Arc<Zone>,
    settings: Settings,
    vitals: Arc<Vitals>,
}

impl Reader {
    pub(crate) fn new(
        view: Arc<View>,
        zone: Arc<Zone>,
        settings: Settings,
        vitals: Arc<Vitals>,
    ) -> Self {
        Self { view, zone, settings, vitals }
    }

    /// What it sees.
    #[must_use]
    pub fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// Runs one statement.
    ///
    /// # Errors
    /// See [`DatabaseError`]. Definitions are not changed here: see [`DatabaseError::ReadOnly`].
    pub fn query(&self, text: &str) -> Result<Answer, DatabaseError> {
        self.execute(text, &[], &ExecuteOptions::default())
    }

    /// Runs one statement with parameters and bounds.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub fn execute(
        &self,
        text: &str,
        parameters: &[Parameter],
        options: &ExecuteOptions,
    ) -> Result<Answer, DatabaseError> {
        self.run(&self.bind(text, parameters)?, options)
    }

    /// Parses and binds one statement without running it.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub fn prepare(&self, text: &str) -> Result<Prepared, DatabaseError> {
        let ast = parse(text)?;
        let description = throng_query::describe(&ast, &*self.view)
            .map_err(|error| DatabaseError::query(error, text))?;
        let Description { parameters, columns } = description;
        Ok(Prepared { parameters, columns, effect: ast.effect() })
    }

    /// The plan of a statement.
    ///
    /// # Errors
    /// See [`DatabaseError`].
    pub fn bind(&self, text: &str, parameters: &[Parameter]) -> Result<Plan, DatabaseError> {
        let ast = parse(text)?;
        throng_query::bind(&ast, &*self.view, parameters)
            .map_err(|error| DatabaseError::query(error, text))
    }

    /// Runs a plan that only reads. A panic, which is a defect, ends this statement only: what
    /// statements share is whole after every step.
    pub(crate) fn run(
        &self,
        plan: &Plan,
        options: &ExecuteOptions,
    ) -> Result<Answer, DatabaseError> {
        let _running = self.vitals.begin();
        let answered = catch_unwind(AssertUnwindSafe(|| self.answer(plan, options)));
        answered.unwrap_or(Err(ExecuteError::Panicked.into()))
    }

    fn answer(&self, plan: &Plan, options: &ExecuteOptions) -> Result<Answer, DatabaseError> {
        if options.length == Length::Brief && !self.may_be_brief(plan) {
            return Err(ExecuteError::TakesLonger.into());
        }
        let (view, columns) = (&*self.view, plan.columns.as_slice());
        let (zone, settings, vitals) = (&*self.zone, &self.settings, &*self.vitals);
        let reading = Reading { view, zone, settings, columns, options, vitals };
        let answer = match &plan.statement {
            Statement::Query(query) => {
                let answer = crate::measure::run(view, query, columns, options)?;
                answer.noting(told(view, &crate::measure::uses(view, query)))
            }
            Statement::Explain { mode, format, query } => {
                let answer =
                    crate::measure::explain(view, (*mode, *format), query, columns, options)?;
                answer.noting(told(view, &crate::measure::uses(view, query)))
            }
            Statement::Consumer { identity, brand, as_of } => {
                consumer::run(&reading, identity, brand.as_deref(), *as_of)?
            }
            Statement::Match { identity, audiences, as_of } => {
                matching::run(&reading, identity, audiences, *as_of)?
            }
            Statement::Show(what) => show::run(&reading, what)?,
            Statement::Create(_)
            | Statement::AlterModel { .. }
            | Statement::Drop { .. }
            | Statement::Forget(_)
            | Statement::DeleteEvents(_)
            | Statement::Backup(_) => return Err(DatabaseError::ReadOnly),
        };
        Ok(answer)
    }
}

impl Reader {
    /// Whether a statement is one that may turn out to be brief.
    fn may_be_brief(&self, plan: &Plan) -> bool {
        match &plan.statement {
            Statement::Query(_) => true,
            Statement::Consumer { brand, .. } => {
                let audiences = self.view.definitions().audiences().count();
                brand.is_some() && audiences <= AUDIENCES_BRIEF
            }
            // Its list tells.
            Statement::Match { .. } => true,
            _ => false,
        }
    }
}

fn parse(text: &str) -> Result<Ast, DatabaseError> {
    throng_query::parse(text).map_err(|error| DatabaseError::query(error, text))
}
