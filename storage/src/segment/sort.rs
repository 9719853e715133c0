//! Bringing rows into the order of the file: by lane, consumer, day and second.

#![expect(clippy::cast_possible_truncation, reason = "positions and fields are cut to their bits")]

use crate::rows::EventColumns;

/// From this many rows on a lane is sorted by radix.
const RADIX_ROWS: usize = 4096;
/// Bits of a radix pass.
const RADIX_BITS: u32 = 11;
/// The directory of counters may have this many slots per row before keys are hashed instead.
const SLOTS_PER_ROW: usize = 4;
const SLOTS_MIN: usize = 1 << 16;

/// How (consumer, day, second) are packed into one key.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyLayout {
    pub(super) first_day: i32,
    day_bits: u32,
    second_bits: u32,
    /// All bits of a key: 65 at most.
    bits: u32,
}

impl KeyLayout {
    pub(super) fn new(events: &EventColumns, first_day: i32, last_day: i32) -> Self {
        let bits = |max: u32| 32 - max.leading_zeros();
        let consumer = bits(events.consumer.iter().copied().max().unwrap_or(0));
        let day_bits = bits(last_day.abs_diff(first_day));
        let second_bits = bits(events.second.iter().copied().max().unwrap_or(0));
        Self { first_day, day_bits, second_bits, bits: consumer + day_bits + second_bits }
    }

    fn wide_key(self, events: &EventColumns, row: usize) -> u128 {
        let day = events.day[row].abs_diff(self.first_day);
        let second = events.second.get(row).copied().unwrap_or(0);
        let high = u128::from(events.consumer[row]) << self.day_bits | u128::from(day);
        high << self.second_bits | u128::from(second)
    }

    /// The key when it fits in 64 bits; cut otherwise.
    fn key(self, events: &EventColumns, row: usize) -> u64 {
        if self.bits > 64 {
            return 0;
        }
        let day = u64::from(events.day[row].abs_diff(self.first_day));
        let second = events.second.get(row).copied().unwrap_or(0);
        let high = u64::from(events.consumer[row]) << self.day_bits | day;
        high << self.second_bits | u64::from(second)
    }
}

/// The rows of a lane.
#[derive(Debug, Clone, Copy)]
pub(super) struct LaneRange {
    pub(super) brand: u32,
    pub(super) behaviour: u16,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Rows grouped by lane, each lane still in the order of the input.
#[derive(Debug)]
pub(super) struct Grouped {
    pub(super) lanes: Vec<LaneRange>,
    keys: Vec<u64>,
    rows: Vec<u32>,
    layout: KeyLayout,
}

impl Grouped {
    /// Groups by (brand, behaviour).
    pub(super) fn new(events: &EventColumns, layout: KeyLayout) -> Self {
        let rows = events.len();
        let brands = events.brand.iter().max().map_or(0, |&max| max as usize + 1);
        let behaviours = events.behaviour.iter().max().map_or(0, |&max| usize::from(max) + 1);
        let slots = brands.saturating_mul(behaviours);
        if slots <= SLOTS_MIN.max(rows.saturating_mul(SLOTS_PER_ROW)) {
            let slot =
                |brand: u32, behaviour: u16| brand as usize * behaviours + usize::from(behaviour);
            return Self::scatter(events, layout, slots, slot);
        }
        let mut keys: Vec<(u32, u16)> = Vec::new();
        let mut seen = hashbrown::HashMap::new();
        for (&brand, &behaviour) in events.brand.iter().zip(&events.behaviour) {
            seen.entry((brand, behaviour)).or_insert_with(|| {
                keys.push((brand, behaviour));
                0_usize
            });
        }
        keys.sort_unstable();
        for (slot, key) in keys.iter().enumerate() {
            seen.insert(*key, slot);
        }
        let slot = |brand: u32, behaviour: u16| seen.get(&(brand, behaviour)).copied().unwrap_or(0);
        Self::scatter(events, layout, keys.len(), slot)
    }

    fn scatter(
        events: &EventColumns,
        layout: KeyLayout,
        slots: usize,
        slot: impl Fn(u32, u16) -> usize,
    ) -> Self {
        let rows = events.len();
        let mut ends = vec![0_u32; slots];
        let lanes_of = || events.brand.iter().zip(&events.behaviour);
        for (&brand, &behaviour) in lanes_of() {
            ends[slot(brand, behaviour)] += 1;
        }
        let mut total = 0;
        for end in &mut ends {
            total += std::mem::replace(end, total);
        }
        let mut keys = vec![0_u64; rows];
        let mut order = vec![0_u32; rows];
        for (row, (&brand, &behaviour)) in lanes_of().enumerate() {
            let end = &mut ends[slot(brand, behaviour)];
            keys[*end as usize] = layout.key(events, row);
            order[*end as usize] = row as u32;
            *end += 1;
        }
        let mut lanes = Vec::new();
        let mut start = 0;
        for end in ends {
            let end = end as usize;
            if end > start {
                let row = order[start] as usize;
                let (brand, behaviour) = (events.brand[row], events.behaviour[row]);
                lanes.push(LaneRange { brand, behaviour, start, end });
            }
            start = end;
        }
        Self { lanes, keys, rows: order, layout }
    }
}

/// The rows of one lane in order.
#[derive(Debug, Default)]
pub(super) struct SortedLane {
    /// Where each row is in the input.
    pub(super) row: Vec<u32>,
    pub(super) consumer: Vec<u32>,
    /// Days after the segment's first.
    pub(super) day: Vec<u32>,
    pub(super) second: Vec<u32>,
    packed: Vec<u64>,
    packed_spare: Vec<u64>,
    pairs: Vec<(u64, u32)>,
    pairs_spare: Vec<(u64, u32)>,
    wide: Vec<u128>,
}

impl SortedLane {
    /// Sorts a lane. Rows that agree in consumer, day and second keep the order of the input.
    pub(super) fn sort(&mut self, events: &EventColumns, grouped: &Grouped, lane: LaneRange) {
        let keys = &grouped.keys[lane.start..lane.end];
        let rows = &grouped.rows[lane.start..lane.end];
        let layout = grouped.layout;
        let place_bits = usize::BITS - (keys.len() - 1).leading_zeros();
        if layout.bits + place_bits <= 64 {
            self.packed.clear();
            self.packed.extend((0..).zip(keys).map(|(at, key): (u64, _)| key << place_bits | at));
            if keys.len() < RADIX_ROWS {
                self.packed.sort_unstable();
            } else {
                // The places ascend already.
                let digits = place_bits..place_bits + layout.bits;
                radix(&mut self.packed, &mut self.packed_spare, digits, |&key| key);
            }
            let mask = (1_u64 << place_bits) - 1;
            let sorted = self.packed.iter().map(|&key| (key >> place_bits, (key & mask) as usize));
            take(
                sorted,
                rows,
                layout,
                [&mut self.row, &mut self.consumer, &mut self.day],
                &mut self.second,
            );
        } else if layout.bits <= 64 && keys.len() >= RADIX_ROWS {
            self.pairs.clear();
            self.pairs.extend(keys.iter().copied().zip(0_u32..));
            radix(&mut self.pairs, &mut self.pairs_spare, 0..layout.bits, |&(key, _)| key);
            let sorted = self.pairs.iter().map(|&(key, at)| (key, at as usize));
            take(
                sorted,
                rows,
                layout,
                [&mut self.row, &mut self.consumer, &mut self.day],
                &mut self.second,
            );
        } else {
            self.wide.clear();
            let full = |&row: &u32| layout.wide_key(events, row as usize);
            self.wide.extend((0..).zip(rows).map(|(at, row): (u128, _)| full(row) << 32 | at));
            self.wide.sort_unstable();
            let places = self.wide.iter().map(|&key| key as u32 as usize);
            self.row.clear();
            self.row.extend(places.map(|at| rows[at]));
            let row = &self.row;
            gather(&mut self.consumer, row, |row| events.consumer[row]);
            gather(&mut self.day, row, |row| events.day[row].abs_diff(layout.first_day));
            gather(&mut self.second, row, |row| events.second.get(row).copied().unwrap_or(0));
        }
    }
}

fn gather(out: &mut Vec<u32>, rows: &[u32], of: impl Fn(usize) -> u32) {
    out.clear();
    out.extend(rows.iter().map(|&row| of(row as usize)));
}

/// Takes sorted keys apart.
fn take(
    sorted: impl ExactSizeIterator<Item = (u64, usize)> + Clone,
    rows: &[u32],
    layout: KeyLayout,
    [row, consumer, day]: [&mut Vec<u32>; 3],
    second: &mut Vec<u32>,
) {
    let (day_mask, second_mask) = ((1 << layout.day_bits) - 1, (1 << layout.second_bits) - 1);
    let high = layout.day_bits + layout.second_bits;
    row.clear();
    row.extend(sorted.clone().map(|(_, at)| rows[at]));
    consumer.clear();
    consumer.extend(sorted.clone().map(|(key, _)| (key >> high) as u32));
    day.clear();
    day.extend(sorted.clone().map(|(key, _)| (key >> layout.second_bits & day_mask) as u32));
    second.clear();
    if layout.second_bits > 0 {
        second.extend(sorted.map(|(key, _)| (key & second_mask) as u32));
    }
}

/// Sorts by some bits of a key, keeping the order of equal ones.
fn radix<T: Copy + Default>(
    items: &mut Vec<T>,
    spare: &mut Vec<T>,
    bits: std::ops::Range<u32>,
    key: impl Fn(&T) -> u64,
) {
    spare.clear();
    spare.resize(items.len(), T::default());
    let mut shift = bits.start;
    while shift < bits.end {
        let width = RADIX_BITS.min(bits.end - shift);
        let mask = (1_u64 << width) - 1;
        let mut places = [0_u32; 1 << RADIX_BITS];
        for item in &*items {
            places[(key(item) >> shift & mask) as usize] += 1;
        }
        let mut total = 0;
        for place in &mut places {
            total += std::mem::replace(place, total);
        }
        for item in &*items {
            let place = &mut places[(key(item) >> shift & mask) as usize];
            spare[*place as usize] = *item;
            *place += 1;
        }
        std::mem::swap(items, spare);
        shift += width;
    }
}
