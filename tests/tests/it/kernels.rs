//! Containers and the word loops over them, beside CRoaring: every pair of kinds, every level of
//! instructions.

use croaring::Bitmap;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use throng::kernel::{self, Level};
use throng::storage::container::{CHUNK_SIZE, ChunkBits, Container, Run};

/// Positions that a container of sixteen bits' positions holds as a list at most, in CRoaring too.
const ARRAY_MAX: usize = 4_096;
/// Rounds of random sets of each pair of kinds.
const ROUNDS: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Empty,
    Array,
    Bitset,
    Runs,
    Full,
}

const KINDS: [Kind; 5] = [Kind::Empty, Kind::Array, Kind::Bitset, Kind::Runs, Kind::Full];

/// The same positions in Throng's and in CRoaring's form.
struct Set {
    kind: Kind,
    positions: Vec<u16>,
    runs: Vec<Run>,
    bits: Box<ChunkBits>,
    twin: Bitmap,
}

impl Set {
    fn draw(kind: Kind, rng: &mut Pcg64) -> Self {
        let mut runs = Vec::new();
        let positions: Vec<u16> = match kind {
            Kind::Empty => Vec::new(),
            Kind::Full => (0..=u16::MAX).collect(),
            Kind::Array => array(rng),
            Kind::Bitset => {
                let share = rng.random_range(0.07..0.99);
                (0..=u16::MAX).filter(|_| rng.random_bool(share)).collect()
            }
            Kind::Runs => {
                runs = some_runs(rng);
                runs.iter().flat_map(|run| run.first..=run.last).collect()
            }
        };
        let mut bits = kernel::zeroed();
        for position in &positions {
            bits[usize::from(position / 64)] |= 1 << (position % 64);
        }
        let wide: Vec<u32> = positions.iter().map(|position| u32::from(*position)).collect();
        let mut twin = Bitmap::of(&wide);
        if matches!(kind, Kind::Runs | Kind::Full) {
            twin.run_optimize();
        }
        Self { kind, positions, runs, bits, twin }
    }

    /// Containers are never empty: there is none for nobody.
    fn container(&self) -> Option<Container<'_>> {
        match self.kind {
            Kind::Empty => None,
            Kind::Array => Some(Container::Array(&self.positions)),
            Kind::Bitset => Some(Container::Bitset(&self.bits)),
            Kind::Runs => Some(Container::Runs(&self.runs)),
            Kind::Full => Some(Container::Full),
        }
    }

    /// The container as the bits that the loops work on.
    fn opened(&self) -> Box<ChunkBits> {
        let mut bits = kernel::zeroed();
        if let Some(container) = self.container() {
            kernel::or_container(&mut bits, &container);
        }
        bits
    }
}

/// Few positions: anywhere, close together, or at both ends.
fn array(rng: &mut Pcg64) -> Vec<u16> {
    let count = rng.random_range(1..=ARRAY_MAX);
    let span = if rng.random_bool(0.5) { u16::MAX } else { rng.random_range(63..9_000) };
    let first = rng.random_range(0..=u16::MAX - span);
    let mut positions: Vec<u16> = (0..count).map(|_| first + rng.random_range(0..=span)).collect();
    if rng.random_bool(0.3) {
        positions.extend([0, u16::MAX]);
    }
    positions.sort_unstable();
    positions.dedup();
    positions.truncate(ARRAY_MAX);
    positions
}

/// Runs that do not touch, short or long.
fn some_runs(rng: &mut Pcg64) -> Vec<Run> {
    let longest = [1, 70, 3_000, 30_000][rng.random_range(0..4)];
    let (mut runs, mut next) = (Vec::new(), rng.random_range(0..200_u32));
    while next <= u32::from(u16::MAX) {
        let last = (next + rng.random_range(0..longest)).min(u32::from(u16::MAX));
        let (first, end) = (u16::try_from(next).unwrap(), u16::try_from(last).unwrap());
        runs.push(Run { first, last: end });
        next = last + 2 + rng.random_range(0..longest);
    }
    runs
}

fn bits_of(twin: &Bitmap) -> Box<ChunkBits> {
    let mut bits = kernel::zeroed();
    for position in twin.iter() {
        let word = &mut bits[position as usize / 64];
        *word |= 1 << (position % 64);
    }
    bits
}

/// One container by itself.
fn alone(set: &Set) {
    let opened = set.opened();
    assert!(opened == bits_of(&set.twin), "{:?}", set.kind);
    assert_eq!(u64::from(kernel::count(&opened)), set.twin.cardinality());
    assert_eq!(kernel::is_empty(&opened), set.twin.is_empty());
    let mut listed = Vec::new();
    kernel::for_each(&opened, |position| listed.push(u32::from(position)));
    assert_eq!(listed, set.twin.to_vec());
    let Some(container) = set.container() else { return };
    assert_eq!(u64::from(container.cardinality()), set.twin.cardinality());
    assert!(container.iter().map(u32::from).eq(set.twin.iter()), "{:?}", set.kind);
    for position in (0..=u16::MAX).step_by(7).chain([0, u16::MAX]) {
        assert_eq!(container.contains(position), set.twin.contains(position.into()));
    }
}

fn pair(a: &Set, b: &Set) {
    let (x, y, kinds) = (a.opened(), b.opened(), (a.kind, b.kind));
    let changed = |change: fn(&mut ChunkBits, &ChunkBits)| {
        let mut target = x.clone();
        change(&mut target, &y);
        target
    };
    assert!(changed(kernel::and) == bits_of(&a.twin.and(&b.twin)), "and of {kinds:?}");
    assert!(changed(kernel::or) == bits_of(&a.twin.or(&b.twin)), "or of {kinds:?}");
    assert!(changed(kernel::and_not) == bits_of(&a.twin.andnot(&b.twin)), "and not of {kinds:?}");
    let shared = a.twin.and_cardinality(&b.twin);
    assert_eq!(u64::from(kernel::count_and(&x, &y)), shared, "count of {kinds:?}");
    assert_eq!(u64::from(kernel::count_listed(&x, &b.positions)), shared, "list of {kinds:?}");
    let Some(container) = b.container() else { return };
    let mut joined = x.clone();
    container.or_into(&mut joined);
    assert!(joined == bits_of(&a.twin.or(&b.twin)), "or of a container of {kinds:?}");
}

#[test]
fn every_pair_of_kinds_is_as_croaring_has_it() {
    let best = kernel::level();
    let mut rng = Pcg64::seed_from_u64(11);
    let mut compared = 0;
    for round in 0..ROUNDS {
        let sets: Vec<Set> = KINDS
            .iter()
            .flat_map(|kind| [*kind; 2])
            .map(|kind| Set::draw(kind, &mut rng))
            .collect();
        // Other tests run meanwhile: what they find does not depend on the level.
        let level = Level::ALL[round % Level::ALL.len()];
        if !kernel::force(level) {
            continue;
        }
        for a in &sets {
            alone(a);
            for b in &sets {
                pair(a, b);
                compared += 1;
            }
        }
    }
    assert!(kernel::force(best));
    assert!(compared >= 100 * ROUNDS / Level::ALL.len(), "{compared}");
}

#[test]
fn codes_and_limits_are_as_croaring_has_them() {
    let mut rng = Pcg64::seed_from_u64(12);
    let kinds = [KINDS.as_slice(), &KINDS[1..4]].concat();
    let sets: Vec<Set> = kinds.into_iter().map(|kind| Set::draw(kind, &mut rng)).collect();
    let opened: Vec<Box<ChunkBits>> = sets.iter().map(Set::opened).collect();
    let mut codes = Box::new([0_u64; CHUNK_SIZE / 8]);
    kernel::codes(&std::array::from_fn(|at| &*opened[at]), &mut codes);
    for (position, code) in (0..).zip(codes.iter().flat_map(|word| word.to_le_bytes())) {
        let expected = (0..8).filter(|at| sets[*at].twin.contains(position));
        assert_eq!(code, expected.map(|at| 1_u8 << at).sum::<u8>(), "{position}");
    }
    let mut values = Box::new([0_u16; CHUNK_SIZE]);
    values.iter_mut().for_each(|value| *value = rng.random());
    for (set, max) in sets.iter().zip([0, 1, 100, 30_000, 40_000, 65_000, 65_534, u16::MAX]) {
        let mut target = set.opened();
        kernel::or_at_most(&mut target, &values, max);
        let low: Vec<u32> = (0..).zip(values.iter()).filter(|v| *v.1 <= max).map(|v| v.0).collect();
        assert!(target == bits_of(&set.twin.or(&Bitmap::of(&low))), "{:?} {max}", set.kind);
    }
}
