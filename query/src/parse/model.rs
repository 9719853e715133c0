//! The rules of a stage model.

use crate::ast::StageRule;
use crate::error::QueryError;

use super::cursor::{Expect, Parser};

impl Parser {
    /// `STAGE s WHEN set, STAGE t WHEN set, ...`
    pub(super) fn stage_rules(&mut self) -> Result<Vec<StageRule>, QueryError> {
        self.comma_list(|parser| {
            parser.require_word("STAGE")?;
            let stage = parser.name(Expect::NewName)?;
            parser.require_word("WHEN")?;
            let rule = parser.set()?;
            Ok(StageRule { stage, rule })
        })
    }
}
