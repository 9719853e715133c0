//! Bringing rows into the order of the file: by lane, consumer, day and second.

#![expect(clippy::cast_possible_truncation, reason = "positions and fields are cut to their bits")]

use crate::rows::EventColumns;
use crate::segment::layout::{AMOUNT, CATEGORY, COUNT, ITEM, ORDER, TOUCHPOINT};

/// From this many rows on a lane is sorted by radix.
const RADIX_ROWS: usize = 4096;
/// Rows compared at once.
const MARK_ROWS: usize = 1024;
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
    /// The columns that have a value other than their default, day and second aside.
    pub(super) columns: u8,
}

/// A row on its way: the halves of its key, and where it is in the input.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    key: [u32; 2],
    row: u32,
}

impl Cell {
    fn new(key: u64, row: u32) -> Self {
        Self { key: [key as u32, (key >> 32) as u32], row }
    }

    fn key(&self) -> u64 {
        u64::from(self.key[1]) << 32 | u64::from(self.key[0])
    }
}

/// Rows grouped by lane, each lane still in the order of the input.
#[derive(Debug)]
pub(super) struct Grouped {
    pub(super) lanes: Vec<LaneRange>,
    cells: Vec<Cell>,
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
            return Self::scatter(events, layout, slots, &slot);
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
        Self::scatter(events, layout, keys.len(), &slot)
    }

    fn scatter(
        events: &EventColumns,
        layout: KeyLayout,
        slots: usize,
        slot: &impl Fn(u32, u16) -> usize,
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
        let mut cells = vec![Cell::default(); rows];
        for (row, (&brand, &behaviour)) in (0_u32..).zip(lanes_of()) {
            let end = &mut ends[slot(brand, behaviour)];
            cells[*end as usize] = Cell::new(layout.key(events, row as usize), row);
            *end += 1;
        }
        let columns = stored_columns(events, slots, slot);
        let mut lanes = Vec::new();
        let mut start = 0;
        for (end, columns) in ends.into_iter().zip(columns) {
            let end = end as usize;
            if end > start {
                let row = cells[start].row as usize;
                let (brand, behaviour) = (events.brand[row], events.behaviour[row]);
                lanes.push(LaneRange { brand, behaviour, start, end, columns });
            }
            start = end;
        }
        Self { lanes, cells, layout }
    }
}

/// For each slot the columns in which some row differs from the default.
fn stored_columns(
    events: &EventColumns,
    slots: usize,
    slot: &impl Fn(u32, u16) -> usize,
) -> Vec<u8> {
    let mut stored = vec![0_u8; slots];
    let mut mark = |column: usize, differs: &dyn Fn(std::ops::Range<usize>, &mut [bool])| {
        let mut block = [false; MARK_ROWS];
        for start in (0..events.len()).step_by(MARK_ROWS) {
            let end = events.len().min(start + MARK_ROWS);
            let block = &mut block[..end - start];
            differs(start..end, block);
            for (row, differs) in (start..).zip(&*block) {
                if *differs {
                    stored[slot(events.brand[row], events.behaviour[row])] |= 1 << column;
                }
            }
        }
    };
    let numbers = [
        (COUNT, &events.count),
        (TOUCHPOINT, &events.touchpoint),
        (CATEGORY, &events.category),
        (ITEM, &events.item),
        (ORDER, &events.order),
    ];
    for (column, values) in numbers.into_iter().filter(|(_, values)| !values.is_empty()) {
        let default = u32::from(column == COUNT);
        mark(column, &|rows, out| compare(&values[rows], default, out));
    }
    if !events.amount.is_empty() {
        mark(AMOUNT, &|rows, out| compare(&events.amount[rows], 0, out));
    }
    stored
}

fn compare<T: PartialEq>(values: &[T], default: T, out: &mut [bool]) {
    for (differs, value) in out.iter_mut().zip(values) {
        *differs = *value != default;
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
    cells: Vec<Cell>,
    cells_spare: Vec<Cell>,
    wide: Vec<u128>,
}

impl SortedLane {
    /// Sorts a lane. Rows that agree in consumer, day and second keep the order of the input.
    pub(super) fn sort(&mut self, events: &EventColumns, grouped: &Grouped, lane: LaneRange) {
        let cells = &grouped.cells[lane.start..lane.end];
        let layout = grouped.layout;
        let place_bits = usize::BITS - (cells.len() - 1).leading_zeros();
        let out = [&mut self.row, &mut self.consumer, &mut self.day, &mut self.second];
        if layout.bits + place_bits <= 64 {
            let packed = &mut self.packed;
            packed.clear();
            let keys = (0..).zip(cells);
            packed.extend(keys.map(|(at, cell): (u64, _)| cell.key() << place_bits | at));
            if cells.len() < RADIX_ROWS {
                packed.sort_unstable();
            } else {
                // The places ascend already.
                let digits = place_bits..place_bits + layout.bits;
                radix(packed, &mut self.packed_spare, digits, |&key| key);
            }
            let mask = (1_u64 << place_bits) - 1;
            let row = |place: u64| cells[place as usize].row;
            let sorted = packed.iter().map(|&key| (key >> place_bits, row(key & mask)));
            take(sorted, layout, out);
        } else if layout.bits <= 64 && cells.len() >= RADIX_ROWS {
            self.cells.clear();
            self.cells.extend_from_slice(cells);
            radix(&mut self.cells, &mut self.cells_spare, 0..layout.bits, Cell::key);
            take(self.cells.iter().map(|cell| (cell.key(), cell.row)), layout, out);
        } else {
            let wide = &mut self.wide;
            wide.clear();
            let full = |cell: &Cell| layout.wide_key(events, cell.row as usize);
            wide.extend((0..).zip(cells).map(|(at, cell): (u128, _)| full(cell) << 32 | at));
            wide.sort_unstable();
            let [row, consumer, day, second] = out;
            row.clear();
            row.extend(wide.iter().map(|&key| cells[key as u32 as usize].row));
            gather(consumer, row, |row| events.consumer[row]);
            gather(day, row, |row| events.day[row].abs_diff(layout.first_day));
            gather(second, row, |row| events.second.get(row).copied().unwrap_or(0));
        }
    }
}

fn gather(out: &mut Vec<u32>, rows: &[u32], of: impl Fn(usize) -> u32) {
    out.clear();
    out.extend(rows.iter().map(|&row| of(row as usize)));
}

/// Takes sorted keys apart into row, consumer, day and second.
fn take(
    sorted: impl ExactSizeIterator<Item = (u64, u32)> + Clone,
    layout: KeyLayout,
    [row, consumer, day, second]: [&mut Vec<u32>; 4],
) {
    let (day_mask, second_mask) = ((1 << layout.day_bits) - 1, (1 << layout.second_bits) - 1);
    let high = layout.day_bits + layout.second_bits;
    row.clear();
    row.extend(sorted.clone().map(|(_, row)| row));
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
