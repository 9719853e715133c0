//! Partitions as rules or bands, and the top of a ranking.

use crate::ast::{Bands, Brand, Division, Literal, Ranking, SetKind, Spend, StageRule, Top};
use crate::error::QueryError;
use crate::lexer::Symbol;
use crate::plan::{NameKind, RankedBy};

use super::cursor::{Expect, Parser, Subject};

const RANKED: [(&str, RankedBy); 4] = [
    ("SPEND", RankedBy::Spend),
    ("FREQUENCY", RankedBy::Frequency),
    ("RECENCY", RankedBy::Recency),
    ("PRICE", RankedBy::Price),
];

impl Parser {
    /// `GROUP a WHEN set, ... [REST name]` or `n BANDS [OF (set)] BY value [REST name]`.
    pub(super) fn division(&mut self) -> Result<Division, QueryError> {
        let (mut rules, mut bands) = (Vec::new(), None);
        if self.is_word_after(0, "GROUP") {
            rules = self.comma_list(|parser| {
                parser.require_word("GROUP")?;
                let stage = parser.name(Expect::NewName)?;
                parser.require_word("WHEN")?;
                Ok(StageRule { stage, rule: parser.set()? })
            })?;
        } else {
            self.wants(Expect::Word("GROUP"));
            let count = self.number(Expect::Other("a number of bands"))?;
            self.require_any(&["BANDS", "BAND"])?;
            bands = Some(Bands { count, ranking: self.ranking()? });
        }
        let rest = if self.word("REST") { Some(self.name(Expect::NewName)?) } else { None };
        Ok(Division { rules, bands, rest })
    }

    /// `TOP p PERCENT [OF (set)] BY value`, after its first word.
    pub(super) fn top(&mut self) -> Result<SetKind, QueryError> {
        let percent = self.number(Expect::Other("a number of percent"))?;
        self.require_word("PERCENT")?;
        Ok(SetKind::Top(Top { percent, ranking: self.ranking()? }))
    }

    /// `[OF (set)] BY brand.spend [window] [filters]`.
    fn ranking(&mut self) -> Result<Ranking, QueryError> {
        let mut among = None;
        if self.word("OF") {
            self.require_symbol(Symbol::Open)?;
            self.enter()?;
            among = Some(Box::new(self.set()?));
            self.leave();
            self.require_symbol(Symbol::Close)?;
        }
        self.require_word("BY")?;
        let start = self.span().start;
        let is_own = RANKED.iter().any(|(word, _)| self.is_word_after(0, word))
            && !self.is_symbol_after(1, Symbol::Point);
        let brand = if self.subject == Subject::Asked && is_own {
            Brand::Subject(start..start)
        } else if self.phrase("ANY BRAND")? {
            let brand = Brand::Any(self.since(start));
            self.require_symbol(Symbol::Point)?;
            brand
        } else {
            let name = self.name(Expect::Name(NameKind::Brand))?;
            self.require_symbol(Symbol::Point)?;
            Brand::Named(name)
        };
        let by = RANKED.iter().find(|(word, _)| self.word(word));
        let Some((_, by)) = by else { return Err(self.unexpected()) };
        Ok(Ranking { among, by: *by, of: Spend { brand, rows: self.rows()? } })
    }

    /// `PARTITION name [AS OF d] = group` and its like, after its first word.
    pub(super) fn group_leaf(&mut self) -> Result<SetKind, QueryError> {
        let partition = self.name(Expect::Name(NameKind::Partition))?;
        let as_of = if self.phrase("AS OF")? { Some(self.date()?) } else { None };
        let of = partition.text.clone();
        let group = |parser: &mut Self| parser.name_or_text(Expect::Group(of.clone()));
        let (sign, groups): (_, Vec<Literal>) = self.chosen(group)?;
        Ok(SetKind::Group { partition, as_of, sign, groups })
    }
}
