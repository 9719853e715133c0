//! Making the demo's store, the tour, and how to go on.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use throng::Outcome;
use throng::market::{Market, MarketOptions};

use super::tour;
use crate::cli::generate::cores;
use crate::cli::populate::{load, open_or_create};
use crate::cli::session::{Session, duration};
use crate::cli::{CliError, Context};
use crate::render::{OutputFormat, Style, Tone, columns, grouped};

/// Make a store of a shopping festival and look around in it, in under a minute.
///
/// The store stays in ./throng-demo (or --data) and is used again the next time.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many events the market has.
    #[arg(long, default_value_t = MarketOptions::default().events)]
    events: u64,

    /// How many consumers.
    #[arg(long, default_value_t = MarketOptions::default().consumers)]
    consumers: u32,
}

/// Where the tour is written, and how.
pub(super) struct Stage<'a> {
    pub(super) session: Session,
    pub(super) style: Style,
    pub(super) columns: usize,
    pub(super) out: &'a mut dyn Write,
}

pub(in crate::cli) fn run(context: &Context, args: &Args) -> Result<(), CliError> {
    let data = context.chosen.clone().unwrap_or_else(|| PathBuf::from("./throng-demo"));
    let options = MarketOptions {
        events: args.events,
        consumers: args.consumers,
        ..MarketOptions::default()
    };
    let market = Market::new(options)?;
    let style = Style::of_stdout();
    let mut out = BufWriter::new(io::stdout().lock());
    introduce(&market, &data, style, &mut out)?;
    let start = Instant::now();
    let database = open_or_create(&data)?;
    let outcome = load(&market, &database, cores())?;
    let made = match outcome {
        Outcome::Applied { .. } => format!("Made and loaded in {}.", duration(start.elapsed())),
        Outcome::Repeated => "It is there from an earlier run.".to_owned(),
    };
    writeln!(out, "{made}\n")?;
    out.flush()?;
    let session = Session::over(database, OutputFormat::Table);
    let columns = columns();
    tour::show(&market, Stage { session, style, columns, out: &mut out })?;
    go_on(&data, &market, style, &mut out)?;
    out.flush()?;
    Ok(())
}

fn introduce(market: &Market, data: &Path, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let options = market.options();
    writeln!(out, "{}", style.paint(Tone::Strong, "Throng: a shopping festival, end to end"))?;
    writeln!(
        out,
        "An invented market: {} consumers, {} brands, {} events\n\
         from {} to {}, with a presale and a festival on 11 November.\n\
         Store: {}",
        grouped(i64::from(options.consumers)),
        options.brands,
        grouped(options.events.cast_signed()),
        options.start,
        market.end(),
        data.display()
    )?;
    out.flush()
}

fn go_on(data: &Path, market: &Market, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let brand = tour::leader(market);
    let day = tour::festival(market).map_or_else(|| market.end(), |f| f.day);
    writeln!(out, "{}", style.paint(Tone::Strong, "Go on"))?;
    let data = data.display();
    let commands = [
        format!("throng --data {data} shell"),
        format!("throng --data {data} query \"COUNT BY {brand}.stage AS OF '{day}'\" --format csv"),
        format!("throng --data {data} serve --listen 127.0.0.1:7654"),
        format!("psql -h 127.0.0.1 -p 7654 -c \"COUNT BY {brand}.stage AS OF '{day}'\""),
    ];
    for command in commands {
        writeln!(out, "  {}", style.paint(Tone::Statement, &command))?;
    }
    writeln!(out, "Without an installed `throng`: cargo run --release -- --data {data} shell")
}
