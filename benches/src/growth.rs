//! How Throng's times grow: with consumers, with events, with the sets of an overlap, with cores.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use serde_json::json;
use throng::market::ReferenceEvents;
use throng::{Background, CompactionOptions, Database, ExecuteOptions};

use crate::sets::SIX_SETS;
use crate::{Failure, Outcome, median};

/// Buyers' sets of an overlap.
const OVERLAPS: [u32; 7] = [2, 5, 10, 20, 40, 64, 100];
/// The largest brand and a small one.
const BRANDS: [(&str, u32); 2] = [("AIPL, largest brand", 1), ("AIPL, small brand", 1000)];

/// A store without merges and without memory of questions.
pub(crate) fn quiet(path: &Path) -> Result<Database, Failure> {
    let options = CompactionOptions { background: Background::Off, ..CompactionOptions::default() };
    let database = Database::open_with(path, options)?;
    database.memo().set_limit(0);
    Ok(database)
}

/// Prints the questions that grow over something, as lines of JSON: `consumers` and `cores of sets`
/// ask a store of sets, `events`, `brands` and `cores` one of reference events.
///
/// # Errors
/// When the store cannot be read, or there is no such growth.
pub fn growth(path: &Path, over: &str, rounds: usize) -> Outcome {
    let database = quiet(path)?;
    let asked = Asked { database, rounds };
    match over {
        "consumers" => asked.say("six sets", SIX_SETS, None, None),
        "events" => {
            BRANDS.iter().try_for_each(|(name, brand)| asked.say(name, &stages(*brand), None, None))
        }
        "brands" => OVERLAPS
            .iter()
            .try_for_each(|sets| asked.say("buyers' overlap", &overlap(*sets), Some(*sets), None)),
        "cores" | "cores of sets" => {
            let questions = match over {
                "cores" => vec![
                    (BRANDS[0].0.to_owned(), stages(BRANDS[0].1)),
                    ("buyers' overlap of 20".to_owned(), overlap(20)),
                ],
                _ => vec![("six sets".to_owned(), SIX_SETS.to_owned())],
            };
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            for (name, text) in questions {
                for threads in doubling(cores) {
                    asked.say(&name, &text, u32::try_from(threads).ok(), Some(threads))?;
                }
            }
            Ok(())
        }
        other => Err(format!(
            "--over {other}: it is consumers, events, brands, cores or \"cores of sets\""
        )
        .into()),
    }
}

/// 1, 2, 4 and so on, and the number itself.
fn doubling(number: usize) -> Vec<usize> {
    let mut all: Vec<usize> = std::iter::successors(Some(1), |n| Some(n * 2))
        .take_while(|power| *power < number)
        .collect();
    all.push(number);
    all
}

fn stages(brand: u32) -> String {
    format!("COUNT BY {}.stage", ReferenceEvents::brand_name(brand))
}

fn overlap(sets: u32) -> String {
    let buyers = |brand| format!("({} DID buy)", ReferenceEvents::brand_name(brand));
    let all: Vec<String> = (1..=sets).map(buyers).collect();
    format!("OVERLAP {}", all.join(", "))
}

struct Asked {
    database: Database,
    rounds: usize,
}

impl Asked {
    /// Times a statement and prints it; `x` is what it grows over, where the store does not say.
    fn say(&self, name: &str, text: &str, x: Option<u32>, threads: Option<usize>) -> Outcome {
        let options = ExecuteOptions { threads, ..ExecuteOptions::default() };
        let ms = timed(self.rounds, || Ok(self.database.execute(text, &[], &options)?.rows.len()))?;
        let bytes = bytes_touched(&self.database, text)?;
        println!("{}", json!({ "question": name, "x": x, "ms": ms, "bytes": bytes }));
        Ok(())
    }
}

/// The median of some times in milliseconds, after a first one.
pub(crate) fn timed<R>(
    rounds: usize,
    mut work: impl FnMut() -> Result<R, Failure>,
) -> Result<f64, Failure> {
    let _ = black_box(work()?);
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let start = Instant::now();
        let _ = black_box(work()?);
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok(median(&mut times))
}

/// Bytes of columns and sets that a statement reads, as EXPLAIN ANALYZE says it.
fn bytes_touched(database: &Database, text: &str) -> Result<f64, Failure> {
    let rows = database.query(&format!("EXPLAIN ANALYZE {text}"))?.rows;
    let mut bytes = 0.0;
    for line in rows.iter().flatten().map(ToString::to_string) {
        if line.starts_with("as of") {
            bytes += size_in(&line).ok_or(format!("no size is told: {line}"))?;
        }
    }
    Ok(bytes)
}

/// The size among the parts of a line, as `3.2 MB`.
fn size_in(line: &str) -> Option<f64> {
    line.split(", ").find_map(|part| {
        let (number, unit) = part.trim().split_once(' ')?;
        let unit = match unit {
            "B" => 1.0,
            "kB" => 1e3,
            "MB" => 1e6,
            _ => return None,
        };
        Some(number.parse::<f64>().ok()? * unit)
    })
}

#[cfg(test)]
mod tests {
    use super::{doubling, size_in};

    #[test]
    fn sizes_are_read_from_what_is_explained() {
        let line = "as of 2017-12-30: 306 chunks, 2 workers, 3.2 MB, 17 rows decoded, 1.000 ms";
        assert_eq!(size_in(line), Some(3_200_000.0));
        assert_eq!(size_in("as of 2017-12-30: 1 chunks, 12 B, 0 rows decoded"), Some(12.0));
        assert_eq!(size_in("nothing"), None);
    }

    #[test]
    fn cores_double_up_to_all() {
        assert_eq!(doubling(1), [1]);
        assert_eq!(doubling(2), [1, 2]);
        assert_eq!(doubling(6), [1, 2, 4, 6]);
    }
}
