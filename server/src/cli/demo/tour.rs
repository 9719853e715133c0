//! The chapters of the demo: each says what it asks, asks it, and draws the answer.

use std::time::Instant;

use throng::market::{Brand, Festival, Market};
use throng::{Answer, Date};

use super::chart;
use super::run::Stage;
use crate::cli::CliError;
use crate::cli::session::duration;
use crate::render::{OutputFormat, Tone, bars, matrix, regions, write_answer};

/// The brand that is looked at: the largest one.
pub(super) fn leader(market: &Market) -> String {
    market.brands().first().map(|brand| quoted(&brand.name)).unwrap_or_default()
}

/// The festival that is looked at.
pub(super) fn festival(market: &Market) -> Option<&Festival> {
    market.calendar().festivals().iter().max_by(|a, b| a.visits.total_cmp(&b.visits))
}

/// The name as an identifier of the language: quoted unless it is a plain word.
fn quoted(name: &str) -> String {
    let plain = name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && name.chars().next().is_some_and(char::is_alphabetic);
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Five brands that compete with the leader, itself the first.
fn rivals(market: &Market) -> Vec<&Brand> {
    let Some(first) = market.brands().first() else { return Vec::new() };
    market.brands().iter().filter(|brand| brand.sector == first.sector).take(5).collect()
}

/// The days that the tour is about.
struct Days {
    presale: Date,
    eve: Date,
    after: Date,
}

pub(super) fn show(market: &Market, mut stage: Stage<'_>) -> Result<(), CliError> {
    let Some(festival) = festival(market) else { return Ok(()) };
    let days = Days {
        presale: festival.presale,
        eve: festival.day.plus_days(-1),
        after: festival.day.plus_days(1),
    };
    let brand = leader(market);
    stages(&mut stage, &brand, &days)?;
    flow(&mut stage, &brand, &days)?;
    overlap(&mut stage, market, &days)?;
    segment(&mut stage, &brand, &days)?;
    profile(&mut stage, &brand, &days)?;
    money(&mut stage, &brand, &days)
}

impl Stage<'_> {
    fn chapter(&mut self, title: &str, text: &str) -> Result<(), CliError> {
        let rule = "━".repeat(self.columns.saturating_sub(title.chars().count() + 4));
        writeln!(self.out, "{} {}", self.style.paint(Tone::Strong, &format!("━━ {title}")), {
            self.style.paint(Tone::Faint, &rule)
        })?;
        writeln!(self.out, "{text}\n")?;
        Ok(())
    }

    /// Shows a statement, runs it, and tells how long it took.
    fn ask(&mut self, statement: &str) -> Result<Answer, CliError> {
        for line in statement.lines() {
            writeln!(self.out, "  {}", self.style.paint(Tone::Statement, line))?;
        }
        self.out.flush()?;
        let start = Instant::now();
        let answer = self.session.ask(statement.trim_end_matches(';'))?;
        let time = format!("  -- {}", duration(start.elapsed()));
        writeln!(self.out, "{}\n", self.style.paint(Tone::Faint, &time))?;
        Ok(answer)
    }

    fn draw(&mut self, drawing: &str) -> Result<(), CliError> {
        writeln!(self.out, "{drawing}")?;
        self.out.flush()?;
        Ok(())
    }

    fn table(&mut self, answer: &Answer) -> Result<(), CliError> {
        write_answer(answer, OutputFormat::Table, self.style, self.out)?;
        self.draw("")
    }
}

fn stages(stage: &mut Stage<'_>, brand: &str, days: &Days) -> Result<(), CliError> {
    stage.chapter(
        "Who is where",
        "Everyone is in one stage of a brand on any day: Opportunity, Awareness,\n\
         Interest, Purchase, Loyalty, or none. The eve of the festival and the day\n\
         after it:",
    )?;
    let before = stage.ask(&format!("COUNT BY {brand}.stage AS OF '{}';", days.eve))?;
    let after = stage.ask(&format!("COUNT BY {brand}.stage AS OF '{}';", days.after))?;
    let chart = chart::change(&before, &after, (days.eve, days.after));
    stage.draw(&bars(&chart, stage.columns, stage.style))
}

fn flow(stage: &mut Stage<'_>, brand: &str, days: &Days) -> Result<(), CliError> {
    stage.chapter(
        "How they moved",
        "A count by two partitions is a flow: from the first day of the presale (rows)\n\
         to the day after the festival (columns). The shade is the share of the row.",
    )?;
    let statement = format!(
        "COUNT BY {brand}.stage AS OF '{}', {brand}.stage AS OF '{}';",
        days.presale, days.after
    );
    let answer = stage.ask(&statement)?;
    let flow = chart::flow(&answer, days.presale, days.after);
    stage.draw(&matrix(&flow, stage.style))
}

fn overlap(stage: &mut Stage<'_>, market: &Market, days: &Days) -> Result<(), CliError> {
    stage.chapter(
        "Whom brands share",
        "A bare brand stands for its consumer assets, the stages A, I, P and L. A lift\n\
         above 1 says: more in common than chance. First pairs, then exclusive regions.",
    )?;
    let names: Vec<String> = rivals(market).iter().map(|brand| quoted(&brand.name)).collect();
    let list = names.join(", ");
    let pairs = stage
        .ask(&format!("OVERLAP {list}\n  AS OF '{}' ORDER BY lift DESC LIMIT 5;", days.after))?;
    stage.table(&pairs)?;
    let answer = stage.ask(&format!(
        "OVERLAP {list}\n  REGIONS AS OF '{}' ORDER BY count DESC LIMIT 14;",
        days.after
    ))?;
    let labels: Vec<String> = rivals(market).iter().map(|brand| brand.name.clone()).collect();
    let found = chart::regions(&answer, &labels);
    stage.draw(&regions(&labels, &found, stage.columns, stage.style))
}

fn segment(stage: &mut Stage<'_>, brand: &str, days: &Days) -> Result<(), CliError> {
    stage.chapter(
        "A segment, and how it is found",
        "Young people of large cities who filled a cart and did not buy:",
    )?;
    let set = format!(
        "COUNT WHERE {brand} DID cart IN LAST 14 DAYS\n  \
         AND NOT {brand} DID buy IN LAST 14 DAYS\n  \
         AND age IN ('18-24', '25-29') AND city_tier <= 2 AS OF '{}';",
        days.after
    );
    let answer = stage.ask(&set)?;
    stage.table(&answer)?;
    let program = stage.ask(&format!("EXPLAIN ANALYZE\n{set}"))?;
    stage.table(&program)
}

fn profile(stage: &mut Stage<'_>, brand: &str, days: &Days) -> Result<(), CliError> {
    stage.chapter(
        "Who the buyers are",
        "A TGI of 120 says: by a fifth more common among them than among everybody; a z\n\
         beyond 3 says that it is no accident.",
    )?;
    let statement =
        format!("PROFILE WHERE {brand}.stage IN (P, L) BY gender, age\n  AS OF '{}';", days.after);
    let answer = stage.ask(&statement)?;
    stage.table(&answer)
}

fn money(stage: &mut Stage<'_>, brand: &str, days: &Days) -> Result<(), CliError> {
    stage.chapter(
        "What they spent",
        "Net money of the last thirty days by stage, in yuan. Refunds are subtracted on\n\
         their day; who gave everything back has left the stage, hence less than nothing:",
    )?;
    let statement =
        format!("SUM {brand}.spend IN LAST 30 DAYS BY {brand}.stage AS OF '{}';", days.after);
    let answer = stage.ask(&statement)?;
    let chart = chart::sums(&answer);
    stage.draw(&bars(&chart, stage.columns, stage.style))
}

#[cfg(test)]
mod tests {
    use throng::market::MarketOptions;

    use super::{Market, festival, leader, quoted, rivals};

    #[test]
    fn names_are_quoted_only_where_they_must_be() {
        assert_eq!(quoted("Aurelle"), "Aurelle");
        assert_eq!(quoted("澜禾"), "澜禾");
        assert_eq!(quoted("KV-9"), "\"KV-9\"");
        assert_eq!(quoted("9a"), "\"9a\"");
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }

    #[test]
    fn the_default_market_has_what_the_tour_needs() {
        let market = Market::new(MarketOptions::default()).unwrap();
        assert_eq!(leader(&market), "Aurelle");
        assert_eq!(rivals(&market).len(), 5);
        assert_eq!(festival(&market).unwrap().day.to_string(), "2017-11-11");
    }
}
