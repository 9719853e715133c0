//! The word loops over one chunk, as plain code: compiled once for each level of instructions.
//!
//! Each is inlined into a copy per level (see `dispatch`), where the compiler vectorises it with
//! what that level has. So there is one text of each loop, and it is also its own naive twin.

use throng_storage::container::{CHUNK_SIZE, CHUNK_WORDS, ChunkBits};
use throng_storage::prefetch::Ahead;

#[inline(always)]
pub(super) fn and(target: &mut ChunkBits, other: &ChunkBits) {
    for (t, o) in target.iter_mut().zip(other) {
        *t &= o;
    }
}

#[inline(always)]
pub(super) fn or(target: &mut ChunkBits, other: &ChunkBits) {
    for (t, o) in target.iter_mut().zip(other) {
        *t |= o;
    }
}

#[inline(always)]
pub(super) fn and_not(target: &mut ChunkBits, other: &ChunkBits) {
    for (t, o) in target.iter_mut().zip(other) {
        *t &= !o;
    }
}

#[inline(always)]
pub(super) fn and_either(target: &mut ChunkBits, left: &ChunkBits, right: &ChunkBits) {
    for (t, (l, r)) in target.iter_mut().zip(left.iter().zip(right)) {
        *t &= l | r;
    }
}

#[inline(always)]
pub(super) fn both_of(target: &mut ChunkBits, left: &ChunkBits, right: &ChunkBits) {
    for (t, (l, r)) in target.iter_mut().zip(left.iter().zip(right)) {
        *t = l & r;
    }
}

#[inline(always)]
pub(super) fn both_of_either(
    target: &mut ChunkBits,
    one: &ChunkBits,
    left: &ChunkBits,
    right: &ChunkBits,
) {
    for ((t, o), (l, r)) in target.iter_mut().zip(one).zip(left.iter().zip(right)) {
        *t = o & (l | r);
    }
}

#[inline(always)]
pub(super) fn either_of(target: &mut ChunkBits, left: &ChunkBits, right: &ChunkBits) {
    for (t, (l, r)) in target.iter_mut().zip(left.iter().zip(right)) {
        *t = l | r;
    }
}

#[inline(always)]
pub(super) fn set_all(target: &mut ChunkBits, positions: &[u16]) {
    each_apart(positions, |position| target[usize::from(position) / 64] |= 1 << (position % 64));
}

#[inline(always)]
pub(super) fn set_all_of_eight(
    target: &mut [[u64; 8]; CHUNK_WORDS],
    set: usize,
    positions: &[u16],
) {
    each_apart(positions, |position| {
        target[usize::from(position) / 64][set % 8] |= 1 << (position % 64);
    });
}

#[inline(always)]
pub(super) fn side_by_side(target: &mut [[u64; 8]; CHUNK_WORDS], sets: &[&ChunkBits; 8]) {
    for (block, lines) in target.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let words = sets.map(|set| &set.as_chunks::<LANES>().0[block]);
        for (lane, line) in lines.iter_mut().enumerate() {
            for (word, words) in line.iter_mut().zip(words) {
                *word = words[lane];
            }
        }
    }
}

#[inline(always)]
pub(super) fn unset_all(target: &mut ChunkBits, positions: &[u16]) {
    each_apart(positions, |position| target[usize::from(position) / 64] &= !(1 << (position % 64)));
}

#[inline(always)]
pub(super) fn set_all_ahead(target: &mut ChunkBits, positions: &[u16], ahead: &mut Ahead) {
    let set = |position: u16| target[usize::from(position) / 64] |= 1 << (position % 64);
    each_apart_ahead(positions, ahead, set);
}

#[inline(always)]
pub(super) fn unset_all_ahead(target: &mut ChunkBits, positions: &[u16], ahead: &mut Ahead) {
    let unset = |position: u16| target[usize::from(position) / 64] &= !(1 << (position % 64));
    each_apart_ahead(positions, ahead, unset);
}

/// As [`each_apart`]; after every 64 positions some of what will be read soon is loaded.
#[inline(always)]
fn each_apart_ahead(positions: &[u16], ahead: &mut Ahead, mut visit: impl FnMut(u16)) {
    const SOME: usize = 16;
    let quarter = positions.len() / 4 / SOME * SOME;
    let (a, rest) = positions.split_at(quarter);
    let (b, rest) = rest.split_at(quarter);
    let (c, rest) = rest.split_at(quarter);
    let (d, rest) = rest.split_at(quarter);
    let parts = [a, b, c, d].map(|part| part.as_chunks::<SOME>().0);
    for (((a, b), c), d) in parts[0].iter().zip(parts[1]).zip(parts[2]).zip(parts[3]) {
        for some in 0..SOME {
            visit(a[some]);
            visit(b[some]);
            visit(c[some]);
            visit(d[some]);
        }
        ahead.load();
    }
    each_apart(rest, visit);
}

/// Calls `visit` with every position, neighbours of an ascending list not one after the other:
/// they are often in the same word, which must be written before it can be read again.
#[inline(always)]
fn each_apart<N: Copy>(positions: &[N], mut visit: impl FnMut(N)) {
    let quarter = positions.len() / 4;
    let (a, rest) = positions.split_at(quarter);
    let (b, rest) = rest.split_at(quarter);
    let (c, rest) = rest.split_at(quarter);
    let (d, rest) = rest.split_at(quarter);
    for (((a, b), c), d) in a.iter().zip(b).zip(c).zip(d) {
        visit(*a);
        visit(*b);
        visit(*c);
        visit(*d);
    }
    rest.iter().for_each(|position| visit(*position));
}

#[inline(always)]
pub(super) fn count(bits: &ChunkBits) -> u32 {
    bits.iter().map(|word| word.count_ones()).sum()
}

#[inline(always)]
pub(super) fn count_and(left: &ChunkBits, right: &ChunkBits) -> u32 {
    left.iter().zip(right).map(|(l, r)| (l & r).count_ones()).sum()
}

#[inline(always)]
pub(super) fn count_without(bits: &ChunkBits, without: &ChunkBits) -> u32 {
    bits.iter().zip(without).map(|(b, w)| (b & !w).count_ones()).sum()
}

#[inline(always)]
pub(super) fn in_several(sets: &[&ChunkBits], several: &mut ChunkBits) {
    for (block, several) in several.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
        let (mut any, mut more) = ([0_u64; LANES], [0_u64; LANES]);
        for set in sets {
            for (lane, word) in set[block * LANES..(block + 1) * LANES].iter().enumerate() {
                more[lane] |= any[lane] & word;
                any[lane] |= word;
            }
        }
        *several = more;
    }
}

#[inline(always)]
pub(super) fn count_codes(sets: &[&ChunkBits; 16], of: &ChunkBits, counters: &mut [u32]) {
    for (number, word) in of.iter().enumerate().filter(|(_, word)| **word != 0) {
        let words: [u64; 16] = std::array::from_fn(|set| sets[set][number]);
        let mut rest = *word;
        while rest != 0 {
            let bit = rest & rest.wrapping_neg();
            rest ^= bit;
            let mut code = 0_usize;
            for (set, word) in words.iter().enumerate() {
                code |= usize::from(word & bit != 0) << set;
            }
            if let Some(counter) = counters.get_mut(code) {
                *counter += 1;
            }
        }
    }
}

#[inline(always)]
pub(super) fn or_at_most(target: &mut ChunkBits, values: &[u16; CHUNK_SIZE], max: u16) {
    for (word, values) in target.iter_mut().zip(values.as_chunks::<64>().0) {
        let mut bytes = [0_u8; 8];
        for (byte, values) in bytes.iter_mut().zip(values.as_chunks::<8>().0) {
            for (bit, value) in values.iter().enumerate() {
                *byte |= u8::from(*value <= max) << bit;
            }
        }
        *word |= u64::from_le_bytes(bytes);
    }
}

/// Words of each set that are transposed at a time: as many as the widest registers hold.
const LANES: usize = 8;

/// Exchanges the high part of each word of `low` with the low part of that of `high`.
#[inline(always)]
fn exchange(words: &mut [[u64; LANES]; 8], low: usize, high: usize, shift: u32, mask: u64) {
    let (before, after) = words.split_at_mut(high);
    for (low, high) in before[low].iter_mut().zip(&mut after[0]) {
        let differ = ((*low >> shift) ^ *high) & mask;
        *high ^= differ;
        *low ^= differ << shift;
    }
}

/// Each word as 8 bytes of 8 bits, transposed.
#[inline(always)]
fn transpose_bits(words: &mut [u64; LANES]) {
    for word in words {
        for (shift, mask) in
            [(7, 0x00AA_00AA_00AA_00AA), (14, 0x0000_CCCC_0000_CCCC), (28, 0x0000_0000_F0F0_F0F0)]
        {
            let differ = (*word ^ (*word >> shift)) & mask;
            *word ^= differ ^ (differ << shift);
        }
    }
}

/// Two transpositions: of the bytes of 8 words, by exchanging ever smaller blocks, and of the bits
/// within each 8 bytes (Warren, Hacker's Delight, section 7-3).
#[inline(always)]
pub(super) fn codes(sets: &[&ChunkBits; 8], codes: &mut [u64; CHUNK_SIZE / 8]) {
    for block in 0..CHUNK_WORDS / LANES {
        let mut words = [[0_u64; LANES]; 8];
        for (words, set) in words.iter_mut().zip(sets) {
            words.copy_from_slice(&set[block * LANES..(block + 1) * LANES]);
        }
        for low in 0..4 {
            exchange(&mut words, low, low + 4, 32, 0x0000_0000_FFFF_FFFF);
        }
        for low in [0, 1, 4, 5] {
            exchange(&mut words, low, low + 2, 16, 0x0000_FFFF_0000_FFFF);
        }
        for low in [0, 2, 4, 6] {
            exchange(&mut words, low, low + 1, 8, 0x00FF_00FF_00FF_00FF);
        }
        words.iter_mut().for_each(transpose_bits);
        let out = &mut codes[block * LANES * 8..(block + 1) * LANES * 8];
        for (lane, out) in out.as_chunks_mut::<8>().0.iter_mut().enumerate() {
            for (word, out) in words.iter().zip(out) {
                *out = word[lane];
            }
        }
    }
}

/// Places of the binary counters: enough for as many numbers as there are positions, and one more.
const PLACES: usize = 18;

/// Numbers side by side.
type Words = [u64; LANES];

#[inline(always)]
fn each(a: Words, b: Words, with: impl Fn(u64, u64) -> u64) -> Words {
    std::array::from_fn(|lane| with(a[lane], b[lane]))
}

/// Adds three numbers bit by bit: sums and carries.
#[inline(always)]
fn add(a: Words, b: Words, c: Words) -> (Words, Words) {
    let either = each(a, b, |a, b| a ^ b);
    let both = each(a, b, |a, b| a & b);
    let carry = each(both, each(either, c, |e, c| e & c), |a, b| a | b);
    (each(either, c, |e, c| e ^ c), carry)
}

/// Eight words of each lane are added at a time before anything is carried on: Warren, Hacker's
/// Delight, 2nd edition, section 5-1 (Harley and Seal's method), kept for each bit apart.
#[inline(always)]
pub(super) fn count_bits(
    (left, left_shift): (&[u64], u32),
    (right, right_shift): (&[u64], u32),
    counts: &mut [u64; 64],
) {
    const GROUP: usize = 8 * LANES;
    let mut counters = [[0_u64; LANES]; PLACES];
    let length = left.len().min(right.len());
    for from in (0..length).step_by(GROUP) {
        let mut numbers = [0_u64; GROUP];
        let end = length.min(from + GROUP);
        for (to, (left, right)) in
            numbers.iter_mut().zip(left[from..end].iter().zip(&right[from..end]))
        {
            *to = (left >> left_shift) & (right >> right_shift);
        }
        let word = |place: usize| std::array::from_fn(|lane| numbers[place * LANES + lane]);
        let [ones, twos, fours, ..] = counters;
        let (ones, twos_a) = add(ones, word(0), word(1));
        let (ones, twos_b) = add(ones, word(2), word(3));
        let (twos, fours_a) = add(twos, twos_a, twos_b);
        let (ones, twos_a) = add(ones, word(4), word(5));
        let (ones, twos_b) = add(ones, word(6), word(7));
        let (twos, fours_b) = add(twos, twos_a, twos_b);
        let (fours, mut more) = add(fours, fours_a, fours_b);
        counters[..3].copy_from_slice(&[ones, twos, fours]);
        for sum in &mut counters[3..] {
            if more.iter().all(|word| *word == 0) {
                break;
            }
            (*sum, more) = (each(*sum, more, |s, m| s ^ m), each(*sum, more, |s, m| s & m));
        }
    }
    for lanes in 1..LANES {
        // The counters of one lane more are added to those of the first.
        let mut carry = 0;
        for sum in &mut counters {
            let (a, b) = (sum[0], sum[lanes]);
            sum[0] = a ^ b ^ carry;
            carry = a & b | (a ^ b) & carry;
        }
    }
    for (place, sum) in counters.iter().enumerate() {
        let mut bits = sum[0];
        while bits != 0 {
            counts[bits.trailing_zeros() as usize] += 1 << place;
            bits &= bits - 1;
        }
    }
}

/// Whether every consumer has a bit in so many words.
#[inline(always)]
fn fit(consumers: &[u32], words: usize) -> bool {
    let last = consumers.iter().copied().max();
    last.is_none_or(|last| ((last >> 6) as usize) < words)
}

#[inline(always)]
pub(super) fn see(
    (seen, again): (&mut [u64], &mut [u64]),
    consumers: &[u32],
    found: &mut Vec<u32>,
) -> bool {
    if !fit(consumers, seen.len().min(again.len())) {
        return false;
    }
    found.reserve(consumers.len());
    let room = found.spare_capacity_mut();
    let mut before = 0;
    let mut one = |consumer: u32| {
        // SAFETY: every consumer has its word, as was seen; there is room for all consumers, of
        // whom fewer were passed than there are.
        let (word, place) = unsafe {
            (seen.get_unchecked_mut((consumer >> 6) as usize), room.get_unchecked_mut(before))
        };
        // Written before it is known whether it stays, so that no branch has to be guessed.
        place.write(consumer);
        let bit = 1_u64 << (consumer & 63);
        before += usize::from(*word & bit != 0);
        *word |= bit;
    };
    each_apart(consumers, &mut one);
    let first = found.len();
    // SAFETY: so many were written just above.
    unsafe { found.set_len(first + before) };
    for consumer in &found[first..] {
        if let Some(word) = again.get_mut((consumer >> 6) as usize) {
            *word |= 1_u64 << (consumer & 63);
        }
    }
    true
}

#[inline(always)]
pub(super) fn rank_all(words: &[u64], ranks: &mut [u32]) -> u32 {
    let mut sum = 0;
    for (word, rank) in words.iter().zip(ranks) {
        *rank = sum;
        sum += word.count_ones();
    }
    sum
}

#[inline(always)]
pub(super) fn ranks_of(
    (words, ranks): (&[u64], &[u32]),
    consumers: &[u32],
    places: &[u32],
    found: &mut Vec<u32>,
) {
    // A loop of its own, as what is given to `extend` may be made without these instructions.
    found.clear();
    found.resize(places.len(), 0);
    for (found, place) in found.iter_mut().zip(places) {
        let consumer = consumers.get(*place as usize).copied().unwrap_or(0);
        let word = (consumer >> 6) as usize;
        let bits = words.get(word).copied().unwrap_or(0);
        let before = ranks.get(word).copied().unwrap_or(0);
        *found = before + (bits & ((1 << (consumer & 63)) - 1)).count_ones();
    }
}
