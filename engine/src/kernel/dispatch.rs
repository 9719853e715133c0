//! One copy of each loop per level of instructions, and the choice between them at run time.

use throng_storage::container::{CHUNK_SIZE, CHUNK_WORDS, ChunkBits};
pub use throng_storage::level::{Level, force, level};
use throng_storage::prefetch::Ahead;

use super::plain;

/// Makes the copies of a loop and the function that chooses one.
macro_rules! dispatched {
    ($(#[$doc:meta])* $name:ident($($argument:ident: $kind:ty),*) $(-> $result:ty)?) => {
        $(#[$doc])*
        #[inline]
        pub fn $name($($argument: $kind),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,popcnt,bmi1,bmi2")]
                fn avx2($($argument: $kind),*) $(-> $result)? {
                    plain::$name($($argument),*)
                }
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vpopcntdq")]
                #[target_feature(enable = "avx2,popcnt,bmi1,bmi2")]
                fn avx512($($argument: $kind),*) $(-> $result)? {
                    plain::$name($($argument),*)
                }
                match level() {
                    Level::Portable => {}
                    // SAFETY: a level in use is one whose instructions this machine has.
                    Level::Avx2 => return unsafe { avx2($($argument),*) },
                    // SAFETY: a level in use is one whose instructions this machine has.
                    Level::Avx512 => return unsafe { avx512($($argument),*) },
                }
            }
            plain::$name($($argument),*)
        }
    };
}

dispatched! {
    /// `target &= other`.
    and(target: &mut ChunkBits, other: &ChunkBits)
}
dispatched! {
    /// `target |= other`.
    or(target: &mut ChunkBits, other: &ChunkBits)
}
dispatched! {
    /// `target &= !other`.
    and_not(target: &mut ChunkBits, other: &ChunkBits)
}
dispatched! {
    /// `target &= left | right`.
    and_either(target: &mut ChunkBits, left: &ChunkBits, right: &ChunkBits)
}
dispatched! {
    /// `target = left & right`.
    both_of(target: &mut ChunkBits, left: &ChunkBits, right: &ChunkBits)
}
dispatched! {
    /// `target = one & (left | right)`.
    both_of_either(target: &mut ChunkBits, one: &ChunkBits, left: &ChunkBits, right: &ChunkBits)
}
dispatched! {
    /// `target = left | right`.
    either_of(target: &mut ChunkBits, left: &ChunkBits, right: &ChunkBits)
}
dispatched! {
    /// Sets some positions.
    set_all(target: &mut ChunkBits, positions: &[u16])
}
dispatched! {
    /// Sets some positions of one of eight sets, whose words are side by side.
    set_all_of_eight(target: &mut [[u64; 8]; CHUNK_WORDS], set: usize, positions: &[u16])
}
dispatched! {
    /// Copies the words of eight sets so that they are side by side.
    side_by_side(target: &mut [[u64; 8]; CHUNK_WORDS], sets: &[&ChunkBits; 8])
}
dispatched! {
    /// Unsets some positions.
    unset_all(target: &mut ChunkBits, positions: &[u16])
}
dispatched! {
    /// Sets some positions, and loads what will be read soon meanwhile.
    set_all_ahead(target: &mut ChunkBits, positions: &[u16], ahead: &mut Ahead)
}
dispatched! {
    /// Unsets some positions, and loads what will be read soon meanwhile.
    unset_all_ahead(target: &mut ChunkBits, positions: &[u16], ahead: &mut Ahead)
}
dispatched! {
    /// How many positions are set.
    count(bits: &ChunkBits) -> u32
}
dispatched! {
    /// How many positions are set in both.
    count_and(left: &ChunkBits, right: &ChunkBits) -> u32
}
dispatched! {
    /// How many positions are set that are not in `without`.
    count_without(bits: &ChunkBits, without: &ChunkBits) -> u32
}
dispatched! {
    /// The positions that are in two or more of some sets.
    in_several(sets: &[&ChunkBits], several: &mut ChunkBits)
}
dispatched! {
    /// Counts the positions of `of` by the sets they are in: a bit of the counter's place for each.
    count_codes(sets: &[&ChunkBits; 16], of: &ChunkBits, counters: &mut [u32])
}
dispatched! {
    /// Sets every position whose value is at most `max`.
    or_at_most(target: &mut ChunkBits, values: &[u16; CHUNK_SIZE], max: u16)
}

dispatched! {
    /// Of every position the sets it is in, as the bits of a byte; 8 positions to a word, the first
    /// in its lowest byte.
    codes(sets: &[&ChunkBits; 8], codes: &mut [u64; CHUNK_SIZE / 8])
}

dispatched! {
    /// Adds to `counts` how many of some numbers have each bit: what two lists of the same length
    /// have at each place, shifted to the right, has in common. At most 2^17 numbers.
    count_bits(left: (&[u64], u32), right: (&[u64], u32), counts: &mut [u64; 64])
}

dispatched! {
    /// Notes who of some consumers was seen, and in the second list who was seen before, a bit for
    /// each; the latter are appended to `found`, in any order. False when a consumer has no bit in
    /// both lists; then nothing is noted.
    see(planes: (&mut [u64], &mut [u64]), consumers: &[u32], found: &mut Vec<u32>) -> bool
}
dispatched! {
    /// For each word how many bits before it are set; and how many are in all.
    rank_all(words: &[u64], ranks: &mut [u32]) -> u32
}
dispatched! {
    /// The ranks of the bits of some consumers among all bits that are set, of those consumers that
    /// are at some places of a list.
    ranks_of(
        words: (&[u64], &[u32]),
        consumers: &[u32],
        places: &[u32],
        found: &mut Vec<u32>
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    type Bits = Box<ChunkBits>;

    /// Every loop on one pair of bitsets.
    fn results(x: &ChunkBits, y: &ChunkBits, values: &[u16; CHUNK_SIZE]) -> (Vec<Bits>, [u32; 3]) {
        let listed = |change: fn(&mut ChunkBits, &[u16])| {
            let mut target = Box::new(*x);
            change(&mut target, &values[..4_567]);
            target
        };
        let changed = |change: fn(&mut ChunkBits, &ChunkBits)| {
            let mut target = Box::new(*x);
            change(&mut target, y);
            target
        };
        let mut limited = Box::new(*x);
        or_at_most(&mut limited, values, 30_000);
        let of_two = |change: fn(&mut ChunkBits, &ChunkBits, &ChunkBits)| {
            let mut target = limited.clone();
            change(&mut target, x, y);
            target
        };
        let [narrowed, both, either] = [and_either, both_of, either_of].map(of_two);
        let anew = |of: fn(u64, u64, u64) -> u64| {
            Box::new(std::array::from_fn(|word| of(limited[word], x[word], y[word])))
        };
        assert!(narrowed == anew(|t, x, y| t & (x | y)));
        assert!((both, either) == (anew(|_, x, y| x & y), anew(|_, x, y| x | y)));
        let mut target = Box::new(*x);
        both_of_either(&mut target, &limited, x, y);
        assert!(target == anew(|t, x, y| t & (x | y)));
        let sets = vec![changed(and), changed(or), changed(and_not), limited];
        let sets = sets.into_iter().chain([listed(set_all), listed(unset_all)]).collect();
        fn set_ahead(target: &mut ChunkBits, positions: &[u16]) {
            set_all_ahead(target, positions, &mut Ahead::default());
        }
        fn unset_ahead(target: &mut ChunkBits, positions: &[u16]) {
            unset_all_ahead(target, positions, &mut Ahead::default());
        }
        assert!(listed(set_ahead) == listed(set_all));
        assert!(listed(unset_ahead) == listed(unset_all));
        (sets, [count(x), count_and(x, y), super::super::count_listed(x, &values[..4_567])])
    }

    #[test]
    fn codes_say_who_is_in_which_set() {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(8);
        let mut draw = || Box::new([0; CHUNK_WORDS].map(|_: u64| rng.random::<u64>()));
        let sets: Vec<Bits> = (0..8).map(|_| draw()).collect();
        let mut expected = vec![0_u8; CHUNK_SIZE];
        for (bit, set) in sets.iter().enumerate() {
            for (position, code) in expected.iter_mut().enumerate() {
                *code |= u8::from(set[position / 64] >> (position % 64) & 1 == 1) << bit;
            }
        }
        for level in Level::ALL {
            if force(level) {
                let mut found = Box::new([0; CHUNK_SIZE / 8]);
                codes(&std::array::from_fn(|bit| &*sets[bit]), &mut found);
                let found: Vec<u8> = found.iter().flat_map(|word| word.to_le_bytes()).collect();
                assert!(found == expected, "{}", level.name());
            }
        }
    }

    #[test]
    fn bits_of_numbers_are_counted_one_by_one() {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(3);
        for length in [0, 1, 7, 8, 9, 63, 64, 65, 1_000, 65_536] {
            let mut draw = || (0..length).map(|_| rng.random::<u64>()).collect::<Vec<_>>();
            for (left, right) in
                [(draw(), draw()), (vec![u64::MAX; length], vec![u64::MAX; length])]
            {
                for shifts in [(0, 0), (3, 17), (63, 1)] {
                    let mut expected = [5; 64];
                    for (left, right) in left.iter().zip(&right) {
                        let both = left >> shifts.0 & right >> shifts.1;
                        expected.iter_mut().enumerate().for_each(|(bit, n)| *n += both >> bit & 1);
                    }
                    for level in Level::ALL {
                        if force(level) {
                            let mut found = [5; 64];
                            count_bits((&left, shifts.0), (&right, shifts.1), &mut found);
                            assert_eq!(found, expected, "{} of {length}", level.name());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn positions_in_several_sets_are_counted_by_their_sets() {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(9);
        let mut draw = |few: bool| {
            let word = |_: u64| rng.random::<u64>() & if few { rng.random::<u64>() } else { !0 };
            Box::new([0; CHUNK_WORDS].map(word))
        };
        let sets: Vec<Bits> = (0..16).map(|set| draw(set % 3 > 0)).collect();
        for count in [1, 2, 9, 16] {
            let nobody = [0; CHUNK_WORDS];
            let own: [&ChunkBits; 16] =
                std::array::from_fn(|set| if set < count { &*sets[set] } else { &nobody });
            let mut several = Box::new([0; CHUNK_WORDS]);
            let mut expected = vec![0_u32; 1 << count];
            for position in 0..CHUNK_SIZE {
                let (word, bit) = (position / 64, position % 64);
                let code = (0..count).map(|set| (own[set][word] >> bit & 1) << set).sum::<u64>();
                if code.count_ones() > 1 {
                    several[word] |= 1 << bit;
                    expected[usize::try_from(code).unwrap()] += 1;
                }
            }
            let alone = (0..CHUNK_WORDS).map(|word| (own[0][word] & !several[word]).count_ones());
            let alone: u32 = alone.sum();
            for level in Level::ALL {
                if force(level) {
                    let mut found = Box::new([1; CHUNK_WORDS]);
                    in_several(&own[..count], &mut found);
                    assert!(found == several, "{}", level.name());
                    let mut counters = vec![0; 1 << count];
                    count_codes(&own, &found, &mut counters);
                    assert_eq!(counters, expected, "{}", level.name());
                    assert_eq!(count_without(own[0], &found), alone, "{}", level.name());
                }
            }
        }
    }

    #[test]
    fn every_level_gives_what_the_naive_loops_give() {
        let mut rng = rand_pcg::Pcg64::seed_from_u64(7);
        let mut draw = || Box::new([0; CHUNK_WORDS].map(|_: u64| rng.random::<u64>()));
        let (x, y) = (draw(), draw());
        let mut values = Box::new([0_u16; CHUNK_SIZE]);
        values.iter_mut().for_each(|value| *value = rng.random());
        let zip = |merge: fn(u64, u64) -> u64| -> Bits {
            let mut words = Box::new([0; CHUNK_WORDS]);
            (0..CHUNK_WORDS).for_each(|i| words[i] = merge(x[i], y[i]));
            words
        };
        let mut limited = x.clone();
        for (i, value) in values.iter().enumerate() {
            limited[i / 64] |= u64::from(*value <= 30_000) << (i % 64);
        }
        let (mut more, mut less) = (x.clone(), x.clone());
        for value in &values[..4_567] {
            more[usize::from(*value) / 64] |= 1 << (value % 64);
            less[usize::from(*value) / 64] &= !(1 << (value % 64));
        }
        let sets = vec![zip(|a, b| a & b), zip(|a, b| a | b), zip(|a, b| a & !b), limited];
        let sets: Vec<Bits> = sets.into_iter().chain([more, less]).collect();
        let ones = |words: &ChunkBits| words.iter().map(|word| word.count_ones()).sum::<u32>();
        let listed = values[..4_567].iter();
        let listed = listed.filter(|of| x[usize::from(**of) / 64] >> (**of % 64) & 1 == 1).count();
        let numbers = [ones(&x), ones(&zip(|a, b| a & b)), u32::try_from(listed).unwrap()];
        let expected = (sets, numbers);
        for level in Level::ALL {
            if force(level) {
                assert_eq!(results(&x, &y, &values), expected, "{}", level.name());
            }
        }
    }
}
