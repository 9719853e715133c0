//! Sets of a hundred million consumers, held as frozen audiences: expressions, all pairs, all
//! regions, beside the bitmaps of `roaring` and CRoaring in one run.
//!
//! The sets are samples, so whoever knows their seed has the same members.

use std::hint::black_box;
use std::io::Write;
use std::path::Path;
use std::thread;
use std::time::Instant;

use croaring::Bitmap;
use roaring::RoaringBitmap;
use throng::query::sample;
use throng::storage::dictionary::KeyColumn;
use throng::storage::io;
use throng::storage::names::NameTable;
use throng::storage::rows::EventColumns;
use throng::storage::store::{BulkOptions, KeyTable};
use throng::{CreateOptions, Database};

use crate::growth::quiet;
use crate::{Failure, Outcome, THREADS, median};

/// Consumers interned at a time.
const KEYS_AT_ONCE: u32 = 1 << 20;
/// The day of everybody's one event.
const DAY: i32 = 17_000;
/// Sets of which all regions are asked.
const REGION_SETS: usize = 10;

/// The expression of six sets.
pub(crate) const SIX_SETS: &str = "COUNT WHERE (AUDIENCE p1 OR AUDIENCE l1) AND NOT AUDIENCE l2 \
    AND (AUDIENCE age3 OR AUDIENCE age4) AND AUDIENCE tier1";

/// A set: its name and members per million.
struct Sample {
    name: String,
    per_million: u32,
    seed: u64,
}

/// The six sets of the expression, and the twenty of the pairs.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "densities are between 500 and 200,000 per million"
)]
fn samples() -> Vec<Sample> {
    let six = [("p1", 30), ("l1", 10), ("l2", 20), ("age3", 150), ("age4", 200), ("tier1", 120)];
    let six = six.map(|(name, per_mille)| (name.to_owned(), per_mille * 1000));
    let twenty = (0..20).map(|i| {
        let density = 0.0005 * 400_f64.powf(f64::from(i) / 19.0);
        (format!("s{i:02}"), (density * 1e6).round() as u32)
    });
    let all = six.into_iter().chain(twenty);
    (100..).zip(all).map(|(seed, (name, per_million))| Sample { name, per_million, seed }).collect()
}

/// Makes the store: everybody has one event; and its audiences.
///
/// # Errors
/// When it cannot be written.
pub fn make_sets(path: &Path, consumers: u32) -> Outcome {
    let database = Database::create(path, &CreateOptions::default())?;
    let store = database.store();
    let brand = store.names().intern(NameTable::Brand, "brand")?;
    let view = database.view()?.behaviour_id("view").ok_or("there is no behaviour view")?;
    let mut bulk = store.bulk(BulkOptions { token: None, memory: 2 << 30 })?;
    for first in (0..consumers).step_by(KEYS_AT_ONCE as usize) {
        let mut keys = KeyColumn::default();
        for consumer in first..consumers.min(first + KEYS_AT_ONCE) {
            keys.push(consumer.to_string().as_bytes());
        }
        let mut ids = Vec::new();
        bulk.intern(KeyTable::Consumer, &keys, &mut ids)?;
        let count = ids.len();
        let events = EventColumns {
            consumer: ids,
            brand: vec![brand; count],
            behaviour: vec![view; count],
            day: vec![DAY; count],
            ..EventColumns::default()
        };
        bulk.push(events)?;
    }
    bulk.commit(&mut |_, _| {})?;
    for set in samples() {
        let percent = f64::from(set.per_million) / 1e4;
        let (name, seed) = (set.name, set.seed);
        let text = format!("CREATE FROZEN AUDIENCE {name} AS SAMPLE {percent} PERCENT SEED {seed}");
        database.query(&text)?;
    }
    Ok(())
}

/// Writes each set's members as 32-bit numbers, for systems that load files.
///
/// # Errors
/// When a file cannot be written.
pub fn write_sets(out: &Path, consumers: u32) -> Outcome {
    std::fs::create_dir_all(out)?;
    for set in samples() {
        let members = members(&set, consumers).into_iter().flat_map(u32::to_le_bytes);
        let bytes: Vec<u8> = members.collect();
        io::create(&out.join(format!("{}.bin", set.name)))?.write_all(&bytes)?;
    }
    Ok(())
}

fn members(set: &Sample, consumers: u32) -> Vec<u32> {
    (0..consumers).filter(|id| sample::contains(*id, set.per_million, set.seed)).collect()
}

/// Times the questions in Throng, in `roaring` and in CRoaring, and reading the same bytes alone.
///
/// # Errors
/// When the store cannot be read, or answers differ.
pub fn sets(path: &Path, consumers: u32, rounds: usize) -> Outcome {
    let samples = samples();
    let lists: Vec<Vec<u32>> = on_two(&samples, |set| members(set, consumers));
    let rust: Vec<RoaringBitmap> = lists
        .iter()
        .map(|list| RoaringBitmap::from_sorted_iter(list.iter().copied()))
        .collect::<Result<_, _>>()?;
    let c: Vec<Bitmap> = lists.iter().map(|list| Bitmap::of(list)).collect();
    drop(lists);
    let database = quiet(path)?;
    expression(&database, &rust, &c, rounds)?;
    pairs(&database, &rust, &c, rounds)?;
    regions(&database, &samples, rounds)
}

/// Half of the work on each of two threads, in order.
fn on_two<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let (left, right) = items.split_at(items.len() / THREADS);
    thread::scope(|scope| {
        let right = scope.spawn(|| right.iter().map(&work).collect::<Vec<R>>());
        let mut all: Vec<R> = left.iter().map(&work).collect();
        all.extend(right.join().unwrap_or_default());
        all
    })
}

fn timed<R>(
    rounds: usize,
    mut work: impl FnMut() -> Result<R, Failure>,
) -> Result<(f64, R), Failure> {
    let mut result = work()?;
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let start = Instant::now();
        result = black_box(work()?);
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok((median(&mut times), result))
}

fn say(question: &str, system: &str, ms: f64, answer: u64) {
    let line = serde_json::json!({
        "question": question, "system": system, "ms": ms, "answer": answer,
    });
    println!("{line}");
}

fn same(question: &str, answers: &[u64]) -> Outcome {
    match answers.windows(2).all(|two| two[0] == two[1]) {
        true => Ok(()),
        false => Err(format!("{question}: the answers differ: {answers:?}").into()),
    }
}

/// `(p1 or l1) and not l2 and (age3 or age4) and tier1`.
fn expression(database: &Database, rust: &[RoaringBitmap], c: &[Bitmap], rounds: usize) -> Outcome {
    const NAME: &str = "six sets";
    let number = |text: &str| -> Result<u64, Failure> {
        Ok(database.query(text)?.rows[0][0].to_string().parse()?)
    };
    let (ms, throng) = timed(rounds, || number(SIX_SETS))?;
    say(NAME, "Throng", ms, throng);
    let six = |at: usize| &rust[at];
    let (ms, roaring) = timed(rounds, || {
        let mut set = six(0) | six(1);
        set -= six(2);
        set &= six(3) | six(4);
        Ok(set.intersection_len(six(5)))
    })?;
    say(NAME, "roaring, pairwise, 1 core", ms, roaring);
    let (ms, croaring) = timed(rounds, || {
        let mut set = c[0].or(&c[1]);
        set.andnot_inplace(&c[2]);
        set.and_inplace(&c[3].or(&c[4]));
        Ok(set.and_cardinality(&c[5]))
    })?;
    say(NAME, "CRoaring, pairwise, 1 core", ms, croaring);
    same(NAME, &[throng, roaring, croaring])?;
    let bytes: usize = rust[..6].iter().map(RoaringBitmap::serialized_size).sum();
    let words = vec![0x0123_4567_89AB_CDEF_u64; bytes / 8];
    let (ms, ones) = timed(rounds, || {
        let halves: Vec<&[u64]> = words.chunks(words.len().div_ceil(THREADS)).collect();
        let ones = on_two(&halves, |half| {
            half.iter().map(|word| u64::from(word.count_ones())).sum::<u64>()
        });
        Ok(ones.iter().sum())
    })?;
    say(NAME, &format!("reading and counting the bits of {:.1} MB", bytes as f64 / 1e6), ms, ones);
    Ok(())
}

/// All pairs of the twenty sets.
fn pairs(database: &Database, rust: &[RoaringBitmap], c: &[Bitmap], rounds: usize) -> Outcome {
    const NAME: &str = "190 pairs of 20 sets";
    let names: Vec<String> = (0..20).map(|i| format!("AUDIENCE s{i:02}")).collect();
    let text = format!("OVERLAP {}", names.join(", "));
    let (ms, throng) = timed(rounds, || {
        let rows = database.query(&text)?.rows;
        let mut sum = 0;
        for row in rows {
            sum += row[4].to_string().parse::<u64>()?;
        }
        Ok(sum)
    })?;
    say(NAME, "Throng", ms, throng);
    let twenty = |i: usize| (i + 1..20).map(move |j| (6 + i, 6 + j));
    let all: Vec<(usize, usize)> = (0..20).flat_map(twenty).collect();
    let (ms, roaring) =
        timed(rounds, || Ok(all.iter().map(|(i, j)| rust[*i].intersection_len(&rust[*j])).sum()))?;
    say(NAME, "roaring, pairwise, 1 core", ms, roaring);
    let (ms, croaring) =
        timed(rounds, || Ok(all.iter().map(|(i, j)| c[*i].and_cardinality(&c[*j])).sum()))?;
    say(NAME, "CRoaring, pairwise, 1 core", ms, croaring);
    same(NAME, &[throng, roaring, croaring])
}

/// All exclusive regions of ten of them, and all pairs of the same ten.
fn regions(database: &Database, samples: &[Sample], rounds: usize) -> Outcome {
    let ten = samples.iter().skip(6).step_by(2).take(REGION_SETS);
    let names: Vec<String> = ten.map(|set| format!("AUDIENCE {}", set.name)).collect();
    for (what, shape) in [("45 pairs of 10 sets", ""), ("regions of 10 sets", " REGIONS")] {
        let text = format!("OVERLAP {}{shape}", names.join(", "));
        let (ms, rows) = timed(rounds, || Ok(database.query(&text)?.rows.len() as u64))?;
        say(what, "Throng", ms, rows);
    }
    Ok(())
}
