//! Statements other than definitions.

use crate::ast::{Show, Statement};
use crate::error::QueryError;
use crate::lexer::{Symbol, TokenKind};
use crate::plan::{BackupFiles, BackupVerify, ExplainFormat, ExplainMode, IfMissing, NameKind};

use super::cursor::{Expect, Parser};

const LISTS: [(&str, Show); 15] = [
    ("AUDIENCES", Show::Names(NameKind::Audience)),
    ("BRANDS", Show::Names(NameKind::Brand)),
    ("BEHAVIOURS", Show::Names(NameKind::Behaviour)),
    ("ATTRIBUTES", Show::Names(NameKind::Attribute)),
    ("MODELS", Show::Names(NameKind::Model)),
    ("PARTITIONS", Show::Names(NameKind::Partition)),
    ("STATES", Show::Names(NameKind::State)),
    ("TOUCHPOINTS", Show::Names(NameKind::Touchpoint)),
    ("CATEGORIES", Show::Names(NameKind::Category)),
    ("STORE", Show::Store),
    ("STORAGE", Show::Storage),
    ("SERVER", Show::Server),
    ("LIMITS", Show::Limits),
    ("MEASURES", Show::Measures),
    ("ERASURES", Show::Erasures),
];

impl Parser {
    pub(super) fn statement(&mut self) -> Result<Statement, QueryError> {
        if let Some(query) = self.query()? {
            return Ok(Statement::Query(query));
        }
        if self.word("CONSUMER") {
            return self.consumer();
        }
        if self.word("MATCH") {
            return self.match_audiences();
        }
        if self.word("CREATE") {
            return self.create();
        }
        if self.word("ALTER") {
            return self.alter();
        }
        if self.word("DROP") {
            return self.drop();
        }
        if self.word("FORGET") {
            return self.forget();
        }
        if self.word("DELETE") {
            return self.delete_events();
        }
        if self.word("BACKUP") {
            return self.backup();
        }
        if self.word("SHOW") {
            return self.show().map(Statement::Show);
        }
        if self.word("EXPLAIN") {
            return self.explain();
        }
        Err(self.no_statement())
    }

    fn no_statement(&self) -> QueryError {
        let mut error = self.unexpected();
        match self.kind() {
            TokenKind::End => "there is no statement".clone_into(&mut error.message),
            TokenKind::Word(word) if word.eq_ignore_ascii_case("SELECT") => {
                error = error.hint("Throng counts sets of consumers: COUNT WHERE ... BY ...");
                error.suggestion = None;
            }
            _ => {}
        }
        error
    }

    fn explain(&mut self) -> Result<Statement, QueryError> {
        let (mut mode, mut format) = (ExplainMode::Program, ExplainFormat::Text);
        if self.is_symbol_after(0, Symbol::Open) {
            self.paren_list(|parser| {
                if parser.word("ANALYZE") {
                    mode = ExplainMode::Analyze;
                    return Ok(());
                }
                parser.require_word("FORMAT")?;
                format = if parser.word("JSON") {
                    ExplainFormat::Json
                } else {
                    parser.require_word("TEXT")?;
                    ExplainFormat::Text
                };
                Ok(())
            })?;
        } else {
            self.wants(Expect::Symbol(Symbol::Open));
            if self.word("ANALYZE") {
                mode = ExplainMode::Analyze;
            }
        }
        match self.query()? {
            Some(query) => Ok(Statement::Explain { mode, format, query }),
            None => Err(self.unexpected()),
        }
    }

    fn consumer(&mut self) -> Result<Statement, QueryError> {
        let identity = self.identity()?;
        let brand = if self.word("FOR") {
            Some(self.name_or_text(Expect::Name(NameKind::Brand))?)
        } else {
            None
        };
        let as_of = if self.phrase("AS OF")? { Some(self.date()?) } else { None };
        Ok(Statement::Consumer { identity, brand, as_of })
    }

    fn identity(&mut self) -> Result<crate::ast::Literal, QueryError> {
        self.text(Expect::Other("an identity such as 'taobao:u1'"))
    }

    fn forget(&mut self) -> Result<Statement, QueryError> {
        self.require_word("CONSUMER")?;
        let missing = if self.phrase("IF EXISTS")? { IfMissing::Ignore } else { IfMissing::Error };
        let identities = self.comma_list(Self::identity)?;
        Ok(Statement::Forget { identities, missing })
    }

    fn delete_events(&mut self) -> Result<Statement, QueryError> {
        self.require_word("EVENTS")?;
        self.require_word("OF")?;
        let brand = self.name(Expect::Name(NameKind::Brand))?;
        self.require_word("BETWEEN")?;
        let (first, last) = self.range(Self::date)?;
        let behaviours = if self.word("DID") {
            let behaviour = |parser: &mut Self| parser.name(Expect::Name(NameKind::Behaviour));
            if self.is_symbol_after(0, Symbol::Open) {
                self.paren_list(behaviour)?
            } else {
                self.wants(Expect::Symbol(Symbol::Open));
                vec![behaviour(self)?]
            }
        } else {
            Vec::new()
        };
        Ok(Statement::DeleteEvents { brand, first, last, behaviours })
    }

    fn backup(&mut self) -> Result<Statement, QueryError> {
        self.require_word("TO")?;
        let dir = self.text(Expect::Other("a directory such as '/backups/shop'"))?;
        let files = if self.word("COPY") { BackupFiles::Copied } else { BackupFiles::Linked };
        let verify = if self.word("VERIFY") { BackupVerify::All } else { BackupVerify::New };
        Ok(Statement::Backup { dir, files, verify })
    }

    fn match_audiences(&mut self) -> Result<Statement, QueryError> {
        self.require_word("CONSUMER")?;
        let identity = self.identity()?;
        self.require_word("AGAINST")?;
        self.require_word("AUDIENCE")?;
        let audiences = self.comma_list(|parser| parser.name(Expect::Name(NameKind::Audience)))?;
        let as_of = if self.phrase("AS OF")? { Some(self.date()?) } else { None };
        Ok(Statement::Match { identity, audiences, as_of })
    }

    fn show(&mut self) -> Result<Show, QueryError> {
        for (word, show) in LISTS {
            if self.word(word) {
                return Ok(show);
            }
        }
        if self.word("VERSIONS") {
            self.require_word("OF")?;
            self.require_word("MODEL")?;
            return Ok(Show::Versions { model: self.name(Expect::Name(NameKind::Model))? });
        }
        self.require_word("CREATE")?;
        let kinds = [
            NameKind::Audience,
            NameKind::Brand,
            NameKind::Model,
            NameKind::Partition,
            NameKind::State,
        ];
        let kind = self.kind_of_thing(&kinds)?;
        let name = self.name(Expect::Name(kind))?;
        Ok(Show::Definition { kind, name })
    }

    /// One of the words AUDIENCE, BRAND, BEHAVIOUR, ATTRIBUTE, MODEL, PARTITION and STATE.
    pub(super) fn kind_of_thing(&mut self, kinds: &[NameKind]) -> Result<NameKind, QueryError> {
        for kind in kinds {
            if self.word(keyword_of(*kind)) {
                return Ok(*kind);
            }
        }
        Err(self.unexpected())
    }
}

/// The word for a kind of thing in CREATE and DROP.
pub(super) fn keyword_of(kind: NameKind) -> &'static str {
    match kind {
        NameKind::Audience => "AUDIENCE",
        NameKind::Brand => "BRAND",
        NameKind::Behaviour => "BEHAVIOUR",
        NameKind::Attribute => "ATTRIBUTE",
        NameKind::Model => "MODEL",
        NameKind::Touchpoint => "TOUCHPOINT",
        NameKind::Category => "CATEGORY",
        NameKind::Partition => "PARTITION",
        NameKind::State => "STATE",
    }
}
