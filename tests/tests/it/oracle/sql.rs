//! The oracle's sets as SQL conditions on one consumer, `u.id`.

use super::term::Model;
use super::term::{CellTest, Did, MoneyTest, Often, Rows, STATES, Term, Top, Whose, Window};
use super::world::{Audience, Cell};

/// What a condition is asked about.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// As of this day: later events are not seen.
    pub day: i32,
    /// The brand whose stage is asked.
    pub subject: Option<usize>,
    /// Only events in these categories are looked at, when there are any: and no state.
    pub categories: &'a [usize],
    pub models: &'a [Model],
    pub audiences: &'a [Audience],
}

/// The universe as of a day, as a condition.
pub fn universe(day: i32) -> String {
    format!("(u.known OR coalesce(u.born <= {day}, 0))")
}

pub fn text(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// A table of samples has this name: filled before the statement is asked.
pub fn sample_table(per_million: u32, seed: u64) -> String {
    format!("sample_{per_million}_{seed}")
}

impl<'a> Asked<'a> {
    /// The same by the events in some categories.
    pub fn within(self, categories: &'a [usize]) -> Self {
        Self { categories, ..self }
    }

    /// The condition that a consumer is in the set; never null.
    pub fn condition(&self, term: &Term) -> String {
        match term {
            Term::All => "1".to_owned(),
            Term::And(parts) => self.joined(parts, " AND "),
            Term::Or(parts) => self.joined(parts, " OR "),
            Term::Not(inner) => format!("NOT {}", self.condition(inner)),
            Term::Did(did) => self.did(did),
            Term::Spent { brand, rows, test } => {
                let spent = self.spent(*brand, rows);
                match test {
                    MoneyTest::Compare(sign, amount) => format!("({spent} {sign} {amount})"),
                    MoneyTest::Between(a, b) => format!("({spent} BETWEEN {a} AND {b})"),
                }
            }
            Term::Price { brand, rows, test } => {
                let (rows, void) = (self.rows(*brand, rows), self.void());
                let is = |sign: &str, price: i64| {
                    format!(
                        "coalesce((SELECT sum(e.amount) {sign} {price} * sum(e.n) FROM event e \
                         WHERE e.c = u.id AND e.behaviour = 'buy' AND {rows} AND NOT {void}), 0)"
                    )
                };
                match test {
                    MoneyTest::Compare(sign, price) => is(sign, *price),
                    MoneyTest::Between(a, b) => format!("({} AND {})", is(">=", *a), is("<=", *b)),
                }
            }
            Term::State { brand, state, negated } => self.state(*brand, *state, *negated),
            Term::Stage { brand, model, stages, categories, as_of, negated } => {
                let model = self.model(model);
                let names = model.stage_names();
                let wanted: Vec<String> = stages
                    .iter()
                    .map(|stage| names.iter().position(|name| name == stage).unwrap().to_string())
                    .collect();
                let number = self.within(categories).stage(*brand, &model.name, *as_of);
                let not = if *negated { "NOT " } else { "" };
                format!("({number} {not}IN ({}))", wanted.join(","))
            }
            Term::Attribute { attribute, test } => attribute_condition(*attribute, test),
            Term::Audience(name) => {
                let place = self.audiences.iter().position(|audience| audience.name == *name);
                let place = place.unwrap();
                let audience = &self.audiences[place];
                if audience.frozen.is_some() {
                    format!("(u.id IN (SELECT c FROM frozen WHERE k = {place}))")
                } else {
                    self.condition(&audience.set)
                }
            }
            Term::Top(top) => self.top(top),
            Term::Sample { per_million, seed } => {
                format!("(u.id IN (SELECT c FROM {}))", sample_table(*per_million, *seed))
            }
        }
    }

    fn joined(&self, parts: &[Term], word: &str) -> String {
        let parts: Vec<String> = parts.iter().map(|part| self.condition(part)).collect();
        format!("({})", parts.join(word))
    }

    fn model(&self, name: &str) -> &Model {
        self.models.iter().find(|model| model.name == name).unwrap()
    }

    /// The number of the consumer's stage: its place in the model; behind the last is none.
    pub fn stage(&self, brand: usize, model: &str, as_of: Option<i32>) -> String {
        let asked = Self { day: as_of.unwrap_or(self.day), subject: Some(brand), ..*self };
        let model = self.model(model);
        let mut cases = String::new();
        for (number, (_, rule)) in model.stages.iter().enumerate() {
            cases += &format!(" WHEN {} THEN {number}", asked.condition(rule));
        }
        format!("(CASE{cases} ELSE {} END)", model.stages.len())
    }

    fn brand(&self, whose: Whose) -> String {
        match whose {
            Whose::Any => "1".to_owned(),
            Whose::Brand(brand) => format!("e.brand = {brand}"),
            Whose::Subject => format!("e.brand = {}", self.subject.unwrap()),
        }
    }

    /// The condition that a row `e` counts.
    pub fn rows(&self, whose: Whose, rows: &Rows) -> String {
        let day = self.day;
        let mut all = vec![self.brand(whose), format!("e.day <= {day}")];
        match rows.window {
            Some(Window::Last(days)) => all.push(format!("e.day > {day} - {days}")),
            Some(Window::Before(days)) => all.push(format!("e.day <= {day} - {days}")),
            Some(Window::Between(a, b)) => all.push(format!("e.day BETWEEN {a} AND {b}")),
            Some(Window::On(on)) => all.push(format!("e.day = {on}")),
            None => {}
        }
        let among = |column: &str, indexes: &[usize]| {
            let list: Vec<String> = indexes.iter().map(usize::to_string).collect();
            format!("e.{column} IN ({})", list.join(","))
        };
        if !rows.touchpoints.is_empty() {
            all.push(among("tp", &rows.touchpoints));
        }
        if !self.categories.is_empty() {
            all.push(among("cat", self.categories));
        }
        if !rows.categories.is_empty() {
            all.push(among("cat", &rows.categories));
        }
        if !rows.items.is_empty() {
            all.push(among("item", &rows.items));
        }
        if rows.target_categories {
            // Inside a model ANY BRAND looks at the categories of the brand whose stage is asked.
            let subject = match whose {
                Whose::Brand(brand) => brand,
                Whose::Any | Whose::Subject => self.subject.unwrap(),
            };
            all.push(format!("e.cat IN (SELECT cat FROM target WHERE brand = {subject})"));
        }
        all.join(" AND ")
    }

    fn did(&self, did: &Did) -> String {
        let behaviours: Vec<String> = did.behaviours.iter().map(|name| text(name)).collect();
        let behaviours = if behaviours.is_empty() {
            "1".to_owned()
        } else {
            format!("e.behaviour IN ({})", behaviours.join(","))
        };
        let enough = match did.often {
            Often::Once => "count(*) >= 1".to_owned(),
            Often::Times(times) => format!("sum(e.n) >= {times}"),
            Often::Days(days) => format!("count(DISTINCT e.day) >= {days}"),
        };
        let rows = self.rows(did.brand, &did.rows);
        let void = self.void();
        format!(
            "(u.id IN (SELECT e.c FROM event e WHERE {behaviours} AND {rows} AND NOT {void} \
             GROUP BY e.c HAVING {enough}))"
        )
    }

    fn top(&self, top: &Top) -> String {
        let bought = Did {
            brand: top.brand,
            behaviours: vec!["buy"],
            often: Often::Once,
            rows: top.rows.clone(),
        };
        let among = match &top.among {
            Some(term) => self.condition(term),
            None => self.did(&bought),
        };
        let (rows, void) = (self.rows(top.brand, &top.rows), self.void());
        let days = |what: &str| {
            format!(
                "coalesce((SELECT {what} FROM event e WHERE e.c = u.id AND e.behaviour = 'buy' AND \
                 {rows} AND NOT {void}), -1000000)"
            )
        };
        let value = match top.by {
            "spend" => self.spent(top.brand, &top.rows),
            "frequency" => days("count(DISTINCT e.day)"),
            "price" => days("sum(e.amount) * 1.0 / sum(e.n)"),
            _ => days("max(e.day)"),
        };
        format!(
            "(u.id IN (SELECT id FROM (SELECT u.id AS id, rank() OVER (ORDER BY {value} DESC) \
             AS r, count(*) OVER () AS n FROM person u WHERE {} AND {among}) \
             WHERE (r - 1) * 1000000 < n * {}))",
            universe(self.day),
            top.per_million
        )
    }

    /// The condition that a row `e` is of a purchase whose refunds reached its amount: it is no
    /// purchase any more.
    pub fn void(&self) -> String {
        let day = self.day;
        format!(
            "(e.behaviour = 'buy' AND e.ord IS NOT NULL AND (e.c, e.brand, e.ord) IN (\
             SELECT o.c, o.brand, o.ord FROM event o \
             WHERE o.ord IN (SELECT r.ord FROM event r WHERE r.behaviour = 'refund') \
             AND o.behaviour IN ('buy', 'refund') AND o.day <= {day} \
             GROUP BY o.c, o.brand, o.ord \
             HAVING sum(o.behaviour = 'refund') > 0 \
             AND sum(CASE WHEN o.behaviour = 'refund' THEN o.amount ELSE -o.amount END) >= 0))"
        )
    }

    /// Net money of a consumer.
    pub fn spent(&self, whose: Whose, rows: &Rows) -> String {
        let rows = self.rows(whose, rows);
        format!(
            "coalesce((SELECT sum(CASE e.behaviour WHEN 'buy' THEN e.amount ELSE -e.amount END) \
             FROM event e WHERE e.c = u.id AND e.behaviour IN ('buy', 'refund') AND {rows}), 0)"
        )
    }

    fn state(&self, whose: Whose, state: usize, negated: bool) -> String {
        if !self.categories.is_empty() {
            return i32::from(negated).to_string();
        }
        let (_, from, until) = STATES[state];
        let list =
            |names: &[&str]| names.iter().map(|name| text(name)).collect::<Vec<_>>().join(",");
        let (from, until) = (list(from), list(until));
        let (brand, day) = (self.brand(whose), self.day);
        let last = format!(
            "(SELECT e.behaviour IN ({from}) FROM event e WHERE e.c = u.id AND {brand} \
             AND e.day <= {day} AND e.behaviour IN ({from}, {until}) \
             ORDER BY e.day DESC, e.sec DESC, e.behaviour IN ({from}) DESC LIMIT 1)"
        );
        let is = format!("coalesce({last}, 0)");
        if negated { format!("(NOT {is})") } else { format!("({is})") }
    }
}

fn cell(value: &Cell) -> String {
    match value {
        Cell::Text(value) => text(value),
        Cell::Number(number) => number.to_string(),
    }
}

/// The value of an attribute; null when unknown.
pub fn value(attribute: usize) -> String {
    format!("(SELECT a.v FROM attr a WHERE a.a = {attribute} AND a.c = u.id)")
}

fn attribute_condition(attribute: usize, test: &CellTest) -> String {
    let value = value(attribute);
    let list = |cells: &[Cell]| cells.iter().map(cell).collect::<Vec<_>>().join(",");
    let test = match test {
        CellTest::Compare(sign, to) => format!("{value} {sign} {}", cell(to)),
        CellTest::In(cells) => format!("{value} IN ({})", list(cells)),
        CellTest::NotIn(cells) => format!("{value} NOT IN ({})", list(cells)),
        CellTest::Between(a, b) => format!("{value} BETWEEN {} AND {}", cell(a), cell(b)),
        CellTest::Unknown => format!("{value} IS NULL"),
        CellTest::Known => format!("{value} IS NOT NULL"),
    };
    format!("coalesce({test}, 0)")
}
