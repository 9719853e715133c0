//! The word loops over one chunk, at every level of instructions that this machine has.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use throng::kernel::{self, Level};
use throng::storage::container::{CHUNK_SIZE, CHUNK_WORDS, ChunkBits};

/// Bytes of one chunk's bitset.
const BYTES: u64 = CHUNK_WORDS as u64 * 8;

/// Splitmix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
fn word(seed: u64) -> u64 {
    let mut word = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

fn bits(seed: u64) -> Box<ChunkBits> {
    let mut bits = kernel::zeroed();
    (0..).zip(bits.iter_mut()).for_each(|(at, place)| *place = word((seed << 32) | at));
    bits
}

/// Times a loop over two bitsets, the second of which it reads.
fn change(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    loop_over: fn(&mut ChunkBits, &ChunkBits),
) {
    let (mut target, other) = (bits(1), bits(2));
    group.throughput(Throughput::Bytes(2 * BYTES));
    group.bench_function(name, |bencher| {
        bencher.iter(|| loop_over(black_box(&mut target), black_box(&other)));
    });
}

fn at_level(group: &mut BenchmarkGroup<'_, WallTime>) {
    change(group, "and", kernel::and);
    change(group, "or", kernel::or);
    change(group, "and_not", kernel::and_not);
    let (left, right) = (bits(3), bits(4));
    group.throughput(Throughput::Bytes(BYTES));
    group.bench_function("count", |bencher| bencher.iter(|| kernel::count(black_box(&left))));
    group.throughput(Throughput::Bytes(2 * BYTES));
    group.bench_function("count_and", |bencher| {
        bencher.iter(|| kernel::count_and(black_box(&left), black_box(&right)));
    });
    let mut values = Box::new([0_u16; CHUNK_SIZE]);
    for (at, value) in (0..).zip(values.iter_mut()) {
        let [low, high, ..] = word(at).to_le_bytes();
        *value = u16::from_le_bytes([low, high]);
    }
    let mut target = kernel::zeroed();
    group.throughput(Throughput::Bytes(CHUNK_SIZE as u64 * 2));
    group.bench_function("or_at_most", |bencher| {
        bencher.iter(|| kernel::or_at_most(black_box(&mut target), black_box(&values), 30_000));
    });
    let sets: Vec<Box<ChunkBits>> = (10..18).map(bits).collect();
    let mut codes = Box::new([0_u64; CHUNK_SIZE / 8]);
    group.throughput(Throughput::Bytes(8 * BYTES));
    group.bench_function("codes", |bencher| {
        let eight: [&ChunkBits; 8] = std::array::from_fn(|at| &*sets[at]);
        bencher.iter(|| kernel::codes(black_box(&eight), black_box(&mut codes)));
    });
}

fn kernels(criterion: &mut Criterion) {
    let best = kernel::level();
    for level in Level::ALL {
        if !kernel::force(level) {
            println!("{}: this machine has no such instructions", level.name());
            continue;
        }
        let mut group = criterion.benchmark_group(format!("kernels/{}", level.name()));
        group.warm_up_time(Duration::from_millis(300));
        group.measurement_time(Duration::from_secs(1)).sample_size(30);
        at_level(&mut group);
        group.finish();
    }
    kernel::force(best);
}

criterion_group!(benches, kernels);
criterion_main!(benches);
