//! `throng generate`: a seeded market, to files or into a store.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use throng::Date;
use throng::market::{ATTRIBUTE_HEADER, EVENT_HEADER, FileFormat, Market, MarketOptions};
use throng::storage::io::{self as files, Disk, SystemDisk};

use super::session::duration;
use super::{CliError, Context};
use crate::render::grouped;

/// Make a market: consumers, brands, campaigns, a shopping festival, as events and attributes.
///
/// The same options make the same market, on any machine and number of threads. With --out it goes
/// to files, else into the store of --data, which is made when it does not exist.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many consumers. Numbers may end in k, M or G.
    #[arg(long, default_value = "200k", value_parser = parse_count)]
    consumers: u64,

    /// How many brands.
    #[arg(long, default_value = "50", value_parser = parse_count)]
    brands: u64,

    /// How many events, exactly.
    #[arg(long, default_value = "6M", value_parser = parse_count)]
    events: u64,

    /// How many days.
    #[arg(long, default_value = "120", value_parser = parse_count)]
    days: u64,

    /// The seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// The first day.
    #[arg(long, value_name = "YYYY-MM-DD", default_value = "2017-08-15")]
    start: Date,

    /// Write files into this directory instead of a store.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// The format of the files.
    #[arg(long, value_enum, default_value_t = Format::Csv, requires = "out")]
    format: Format,

    /// Threads; all cores by default.
    #[arg(long)]
    threads: Option<usize>,
}

/// The format of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Comma-separated values.
    Csv,
    /// One JSON object per line.
    Jsonl,
}

impl Args {
    fn options(&self) -> MarketOptions {
        // What does not fit is out of range in any case, and refused as such.
        MarketOptions {
            consumers: u32::try_from(self.consumers).unwrap_or(u32::MAX),
            brands: u32::try_from(self.brands).unwrap_or(u32::MAX),
            events: self.events,
            days: u32::try_from(self.days).unwrap_or(u32::MAX),
            seed: self.seed,
            start: self.start,
        }
    }
}

pub(super) fn run(context: &Context, args: &Args) -> Result<(), CliError> {
    let market = Market::new(args.options())?;
    let threads = args.threads.unwrap_or_else(cores);
    match &args.out {
        Some(out) => to_files(&market, args.format, out, threads),
        None => super::populate::into_store(&market, context, threads),
    }
}

pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A bar on standard error, when that is a terminal.
pub(super) fn progress_bar(what: &'static str, events: u64) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let template = "{msg:>10} {bar:30} {percent:>3} % {human_pos} events, {per_sec}, {eta} left";
    let bar = ProgressBar::new(events).with_message(what);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn to_files(market: &Market, format: Format, out: &Path, threads: usize) -> Result<(), CliError> {
    let (format, extension) = match format {
        Format::Csv => (FileFormat::Csv, "csv"),
        Format::Jsonl => (FileFormat::JsonLines, "jsonl"),
    };
    let start = Instant::now();
    SystemDisk.create_dir(out)?;
    let path = |name: &str| out.join(format!("{name}.{extension}"));
    let mut events = create(&path("events"))?;
    let mut attributes = create(&path("attributes"))?;
    if format == FileFormat::Csv {
        events.write_all(EVENT_HEADER.as_bytes())?;
        attributes.write_all(ATTRIBUTE_HEADER.as_bytes())?;
    }
    let bar = progress_bar("writing", market.options().events);
    market.for_each(
        threads,
        |block| {
            let (mut events, mut attributes) = (String::new(), String::new());
            market.write_events(&block, format, &mut events);
            market.write_attributes(&block, format, &mut attributes);
            (block.events.len() as u64, events, attributes)
        },
        |(count, event_lines, attribute_lines)| {
            events.write_all(event_lines.as_bytes())?;
            attributes.write_all(attribute_lines.as_bytes())?;
            bar.inc(count);
            Ok::<(), io::Error>(())
        },
    )?;
    bar.finish_and_clear();
    let mut brands = create(&out.join("brands.sql"))?;
    for statement in market.definitions() {
        writeln!(brands, "{statement};")?;
    }
    for file in [events, attributes, brands] {
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    }
    report(market, start, &format!("in {}", out.display()))?;
    let (events, attributes) = (path("events"), path("attributes"));
    writeln!(
        io::stderr(),
        "load them with:\n  throng --data DIR load events {}\n  throng --data DIR load attributes \
         {}\n  throng --data DIR query - < {}",
        events.display(),
        attributes.display(),
        out.join("brands.sql").display()
    )?;
    Ok(())
}

fn create(path: &Path) -> Result<BufWriter<File>, CliError> {
    Ok(BufWriter::with_capacity(1 << 20, files::create(path)?))
}

/// Tells on standard error what was made, and how fast.
pub(super) fn report(market: &Market, start: Instant, place: &str) -> io::Result<()> {
    let options = market.options();
    let elapsed = start.elapsed();
    #[expect(clippy::cast_precision_loss, reason = "a rate with few digits")]
    let rate = options.events as f64 / elapsed.as_secs_f64().max(1e-9) / 1e6;
    writeln!(
        io::stderr(),
        "{} events of {} consumers at {} brands from {} to {} {place}: {} ({rate:.2} M events/s)",
        grouped(options.events.cast_signed()),
        grouped(i64::from(options.consumers)),
        grouped(i64::from(options.brands)),
        options.start,
        market.end(),
        duration(elapsed),
    )
}

/// `10000`, `10_000`, `10k`, `2.5M`, `1G`.
fn parse_count(text: &str) -> Result<u64, String> {
    let problem = || format!("`{text}` is not a number such as 5000, 200k or 1.5M");
    let digits = text.replace('_', "");
    let (digits, zeros) = match digits.chars().last() {
        Some('k' | 'K') => (&digits[..digits.len() - 1], 3),
        Some('m' | 'M') => (&digits[..digits.len() - 1], 6),
        Some('g' | 'G') => (&digits[..digits.len() - 1], 9),
        _ => (digits.as_str(), 0),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty()
        || part.len() > zeros
        || !format!("{whole}{part}").bytes().all(|b| b.is_ascii_digit())
    {
        return Err(problem());
    }
    format!("{whole}{part:0<zeros$}").parse().map_err(|_| problem())
}

#[cfg(test)]
mod tests {
    use super::parse_count;

    #[test]
    fn counts_may_be_short() {
        assert_eq!(parse_count("5000"), Ok(5000));
        assert_eq!(parse_count("10_000"), Ok(10_000));
        assert_eq!(parse_count("200k"), Ok(200_000));
        assert_eq!(parse_count("1.5M"), Ok(1_500_000));
        assert_eq!(parse_count("1G"), Ok(1_000_000_000));
        for bad in ["", "k", "1.5", "-1", "1e6", "1.2345k", "ten", "99999999999G"] {
            assert!(parse_count(bad).is_err(), "{bad}");
        }
    }
}
