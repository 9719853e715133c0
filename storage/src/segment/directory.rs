//! The lanes of a segment as its directory lists them, in each version of the format.

#![deny(clippy::indexing_slicing)]

use std::ops::Range;

use crate::bits::width_of;
use crate::bytes::{u16_at, u32_at, u64_at};
use crate::container::CHUNK_SIZE;
use crate::segment::layout::{
    DIRECTORY_HEAD_LEN, DirectoryHead, LANE_LEN, LaneEntry, PAGE_LEN, PageKind, VERSION_PACKED,
};

/// Lanes of a group.
const GROUP_LANES: usize = 32;
/// Bytes of the place of a group, before the groups.
const ANCHOR_LEN: usize = 20;
/// Fields of a lane, packed one after the other.
const FIELDS: usize = 12;
/// Zero bytes after the groups, so that 64 bits may be loaded wherever a field begins.
const SLACK: usize = 8;
/// Wider fields would not be held by 64 bits that begin with any bit of a byte.
const WIDTH_MAX: u8 = 56;

/// A directory whose bytes were verified.
#[derive(Debug, Clone, Copy)]
pub(super) struct Directory<'a> {
    head: &'a DirectoryHead,
    /// All of it, from its head on.
    bytes: &'a [u8],
    version: u32,
    /// Where the last lane ends in the file.
    lanes_end: u64,
}

/// Some lanes, with how to read them.
#[derive(Debug, Clone, Copy)]
struct Group<'a> {
    lanes: usize,
    brand: u32,
    /// Where its first lane begins in the file, and its last ends.
    begin: u64,
    end: u64,
    /// Bits of a lane.
    bits: usize,
    /// Of each field, the first of its lane's bits and the mask of its width.
    fields: [(usize, u64); FIELDS],
    data: &'a [u8],
}

impl<'a> Directory<'a> {
    /// The lanes of a directory with such a head, in a file where they end at `lanes_end`.
    pub(super) fn new(
        head: &'a DirectoryHead,
        bytes: &'a [u8],
        version: u32,
        lanes_end: u64,
    ) -> Self {
        Self { head, bytes, version, lanes_end }
    }

    fn packed(self) -> bool {
        self.version >= VERSION_PACKED
    }

    /// Lanes, the presence lane among them.
    pub(super) fn len(self) -> usize {
        (self.head.lanes as usize).saturating_add(self.head.presence as usize)
    }

    /// Groups without that of the presence lane.
    fn groups(self) -> usize {
        (self.head.lanes as usize).div_ceil(GROUP_LANES)
    }

    /// Whether so many lanes can be in so many bytes.
    pub(super) fn fits(self) -> bool {
        let length = self.bytes.len();
        if self.packed() {
            let anchors = (self.groups() + self.head.presence as usize).checked_mul(ANCHOR_LEN);
            return anchors.is_some_and(|anchors| DIRECTORY_HEAD_LEN + anchors + SLACK <= length);
        }
        let lanes = self.len().checked_mul(LANE_LEN);
        lanes.is_some_and(|lanes| lanes + DIRECTORY_HEAD_LEN == length)
    }

    /// A lane; the presence lane is behind all others.
    pub(super) fn get(self, at: usize) -> Option<LaneEntry> {
        if !self.packed() {
            let start = at.checked_mul(LANE_LEN)?.checked_add(DIRECTORY_HEAD_LEN)?;
            return LaneEntry::read(self.bytes.get(start..)?);
        }
        let lanes = self.head.lanes as usize;
        let (group, lane) =
            if at < lanes { (at / GROUP_LANES, at % GROUP_LANES) } else { (self.groups(), 0) };
        self.group(group)?.entry(lane, self.head)
    }

    /// The lane of a brand and behaviour.
    pub(super) fn find(self, brand: u32, behaviour: u16) -> Option<LaneEntry> {
        let key = (brand, behaviour);
        let (at, group) = self.place(key)?;
        let entry = match group {
            Some(group) => group.entry(at % GROUP_LANES, self.head),
            // Behind them is the presence lane.
            None if at < self.head.lanes as usize => self.get(at),
            None => None,
        };
        entry.filter(|entry| entry.key() == key)
    }

    /// Calls `visit` with the lanes of a brand, in order.
    pub(super) fn each_of(self, brand: u32, mut visit: impl FnMut(LaneEntry)) {
        let Some((mut at, mut group)) = self.place((brand, 0)) else { return };
        let lanes = self.head.lanes as usize;
        while at < lanes {
            if !self.packed() {
                match self.get(at) {
                    Some(entry) if entry.brand == brand => visit(entry),
                    _ => return,
                }
                at += 1;
                continue;
            }
            let Some(of) = group.take().or_else(|| self.group(at / GROUP_LANES)) else { return };
            for lane in at % GROUP_LANES..of.lanes {
                match of.entry(lane, self.head) {
                    Some(entry) if entry.brand == brand => visit(entry),
                    _ => return,
                }
            }
            at = (at / GROUP_LANES + 1) * GROUP_LANES;
        }
    }

    /// Every lane in order, the presence lane last. It ends early where the bytes are no lane.
    pub(super) fn iter(self) -> impl Iterator<Item = LaneEntry> + use<'a> {
        Entries { directory: self, at: 0, end: self.len(), group: None }
    }

    /// The first lane that is not before a key, and its group where that was read.
    fn place(self, key: (u32, u16)) -> Option<(usize, Option<Group<'a>>)> {
        let lanes = self.head.lanes as usize;
        if !self.packed() {
            let at = partition(0..lanes, |at| Some(self.get(at)?.key() < key))?;
            return Some((at, None));
        }
        // The last group that does not begin behind it.
        let after = partition(0..self.groups(), |group| Some(self.anchor_key(group)? <= key))?;
        let Some(number) = after.checked_sub(1) else { return Some((0, None)) };
        let group = self.group(number)?;
        let lane = partition(0..group.lanes, |lane| Some(group.key(lane)? < key))?;
        let read = (lane < group.lanes).then_some(group);
        Some((number * GROUP_LANES + lane, read))
    }

    /// What is wrong with it. Group by group and field by field, since opening a store waits for
    /// it: a store has some hundred thousand lanes.
    pub(super) fn wrong(self, lanes_begin: u64) -> Option<&'static str> {
        if self.head.presence > 1 || !self.fits() {
            return Some("the directory's length is not that of its lanes");
        }
        if !self.packed() {
            return self.wrong_entries(lanes_begin);
        }
        let mut checked = Checked { key: 0, rows: 0, begin: lanes_begin };
        let mut table: Table = [[0; GROUP_LANES]; FIELDS];
        for number in 0..self.groups() + self.head.presence as usize {
            let Some(group) = self.group(number) else {
                return Some("a group of lanes is outside the directory");
            };
            if group.begin < checked.begin || group.end < group.begin || group.end > self.lanes_end
            {
                return Some("a lane is outside the file");
            }
            checked.begin = group.begin;
            if group.fill(&mut table).is_none() {
                return Some("a group of lanes is outside the directory");
            }
            let is_presence = number == self.groups();
            if !group.fits_together(&table, self.head)
                || !is_presence && !group.goes_on(&table, &mut checked)
            {
                return Some("a lane's entry contradicts itself");
            }
        }
        let other = checked.rows != self.head.rows;
        other.then_some("the lanes have more or fewer rows than the segment")
    }

    /// The same for version 1.
    fn wrong_entries(self, lanes_begin: u64) -> Option<&'static str> {
        let (mut rows, mut before) = (0, None);
        for (number, entry) in (0..).zip(self.iter()) {
            let end = entry.offset.saturating_add(entry.length);
            let list = u64::from(entry.pages) * PAGE_LEN as u64;
            if entry.offset < lanes_begin
                || end > self.lanes_end
                || list == 0
                || list > entry.length
            {
                return Some("a lane is outside the file");
            }
            let days = self.head.first_day..=self.head.last_day;
            if entry.rows == 0
                || entry.consumers > entry.rows
                || entry.first_chunk > entry.last_chunk
                || u32::from(entry.last_chunk) >= self.head.chunk_end
                || entry.first_day > entry.last_day
                || !days.contains(&entry.first_day)
                || !days.contains(&entry.last_day)
            {
                return Some("a lane's entry contradicts itself");
            }
            if number == self.head.lanes {
                continue;
            }
            if before >= Some(entry.key()) {
                return Some("the lanes are not in order");
            }
            before = Some(entry.key());
            rows += u64::from(entry.rows);
        }
        (rows != self.head.rows).then_some("the lanes have more or fewer rows than the segment")
    }

    fn anchor(self, group: usize) -> Option<&'a [u8]> {
        let start = group.checked_mul(ANCHOR_LEN)?.checked_add(DIRECTORY_HEAD_LEN)?;
        self.bytes.get(start..start.checked_add(ANCHOR_LEN)?)
    }

    /// The first lane of a group.
    fn anchor_key(self, group: usize) -> Option<(u32, u16)> {
        let anchor = self.anchor(group)?;
        Some((u32_at(anchor, 0)?, u16_at(anchor, 4)?))
    }

    fn group(self, number: usize) -> Option<Group<'a>> {
        let anchor = self.anchor(number)?;
        let end = match self.anchor(number + 1) {
            Some(next) if number + 1 < self.groups() + self.head.presence as usize => {
                u64_at(next, 8)?
            }
            _ => self.lanes_end,
        };
        let lanes = match (self.head.lanes as usize).checked_sub(number * GROUP_LANES) {
            Some(rest) if rest > 0 => rest.min(GROUP_LANES),
            _ => 1,
        };
        let stream = self.bytes.get(u32_at(anchor, 16)? as usize..)?;
        let (widths, data) = stream.split_first_chunk::<FIELDS>()?;
        let mut bits = 0;
        let mut fields = [(0, 0); FIELDS];
        for (field, &width) in fields.iter_mut().zip(widths) {
            if width > WIDTH_MAX {
                return None;
            }
            *field = (bits, (1 << width) - 1);
            bits += usize::from(width);
        }
        let group = Group {
            lanes,
            brand: u32_at(anchor, 0)?,
            begin: u64_at(anchor, 8)?,
            end,
            bits,
            fields,
            data,
        };
        ((lanes * bits).div_ceil(8) + SLACK <= data.len()).then_some(group)
    }
}

/// Lanes from one on, as they are asked for.
struct Entries<'a> {
    directory: Directory<'a>,
    at: usize,
    end: usize,
    /// The group of the lane that is next, once it was read.
    group: Option<Group<'a>>,
}

impl Iterator for Entries<'_> {
    type Item = LaneEntry;

    fn next(&mut self) -> Option<LaneEntry> {
        let (at, directory) = (self.at, self.directory);
        if at >= self.end {
            return None;
        }
        self.at += 1;
        if !directory.packed() {
            return directory.get(at);
        }
        let lanes = directory.head.lanes as usize;
        let (number, lane) =
            if at < lanes { (at / GROUP_LANES, at % GROUP_LANES) } else { (directory.groups(), 0) };
        if lane == 0 || self.group.is_none() {
            self.group = directory.group(number);
        }
        self.group.as_ref()?.entry(lane, directory.head)
    }
}

/// The first place of a range for which `is_before` does not hold, where it holds for none after
/// one for which it does not.
fn partition(places: Range<usize>, is_before: impl Fn(usize) -> Option<bool>) -> Option<usize> {
    let (mut from, mut to) = (places.start, places.end);
    while from < to {
        let middle = from.midpoint(to);
        if is_before(middle)? {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    Some(from)
}

/// The fields of a group's lanes, field by field.
type Table = [[u64; GROUP_LANES]; FIELDS];

/// What was found of groups so far.
struct Checked {
    /// Brand and behaviour of the last lane, one more than as a number; 0 before the first.
    key: u64,
    rows: u64,
    /// Where the last group's first lane begins.
    begin: u64,
}

impl Group<'_> {
    #[inline]
    fn field(&self, lane: usize, (first, mask): (usize, u64)) -> Option<u64> {
        let bit = lane * self.bits + first;
        Some(u64_at(self.data, bit / 8)? >> (bit % 8) & mask)
    }

    /// Decodes all fields of all lanes.
    fn fill(&self, table: &mut Table) -> Option<()> {
        for (values, (first, mask)) in table.iter_mut().zip(self.fields) {
            let mut bit = first;
            for value in values.iter_mut().take(self.lanes) {
                *value =
                    if mask == 0 { 0 } else { u64_at(self.data, bit / 8)? >> (bit % 8) & mask };
                bit += self.bits;
            }
        }
        Some(())
    }

    /// Whether every lane is one that `entry` gives and that agrees with itself.
    fn fits_together(&self, table: &Table, head: &DirectoryHead) -> bool {
        let [brand, behaviour, columns, rows, repeats, day, days, chunk, after, pages, only, at] =
            table;
        let length = self.end - self.begin;
        let days_max = u64::from(head.last_day.saturating_sub(head.first_day));
        let chunk_end = u64::from(head.chunk_end).min(1 << 16);
        let mut good = head.first_day <= head.last_day && chunk_end == u64::from(head.chunk_end);
        for lane in 0..self.lanes.min(GROUP_LANES) {
            let of = |field: &[u64; GROUP_LANES]| field.get(lane).copied().unwrap_or_default();
            let next = if lane + 1 < self.lanes { at.get(lane + 1).copied() } else { Some(length) };
            let next = next.unwrap_or(length);
            let (rows, repeats, pages, only) = (of(rows), of(repeats), of(pages), of(only));
            let consumers = rows.wrapping_sub(repeats).wrapping_add(1);
            let list = if only == 0 { (pages + 1) << PAGE_LEN.ilog2() } else { 0 };
            good &= of(brand) + u64::from(self.brand) <= u64::from(u32::MAX);
            good &= of(behaviour) <= u64::from(u16::MAX) && of(columns) <= u64::from(u8::MAX);
            good &= rows < u64::from(u32::MAX) && repeats <= rows;
            good &= of(day) + of(days) <= days_max;
            good &= of(chunk) + of(after) < chunk_end;
            good &= pages < u64::from(u32::MAX) && only <= 4;
            good &= only == 0 || pages == 0 && consumers <= CHUNK_SIZE as u64;
            good &= of(at) <= next && next <= length && list <= next.wrapping_sub(of(at));
        }
        good
    }

    /// Whether the lanes come after those before, which are noted.
    fn goes_on(&self, table: &Table, checked: &mut Checked) -> bool {
        let [brands, behaviours, _, rows, ..] = table;
        let mut good = true;
        for ((brand, behaviour), rows) in brands.iter().zip(behaviours).zip(rows).take(self.lanes) {
            let key = (u64::from(self.brand).wrapping_add(*brand) << 16 | behaviour) + 1;
            good &= checked.key < key;
            checked.key = key;
            checked.rows = checked.rows.wrapping_add(rows + 1);
        }
        good
    }

    fn key(&self, lane: usize) -> Option<(u32, u16)> {
        let [brand, behaviour, ..] = self.fields;
        let brand = u32::try_from(self.field(lane, brand)?).ok()?;
        Some((self.brand.checked_add(brand)?, u16::try_from(self.field(lane, behaviour)?).ok()?))
    }

    /// Where a lane begins in the file; that behind the last is where the group ends.
    fn offset(&self, lane: usize) -> Option<u64> {
        if lane >= self.lanes {
            return Some(self.end);
        }
        let [.., offset] = self.fields;
        self.begin.checked_add(self.field(lane, offset)?)
    }

    fn entry(&self, lane: usize, head: &DirectoryHead) -> Option<LaneEntry> {
        let mut values = [0; FIELDS];
        for (value, field) in values.iter_mut().zip(self.fields) {
            *value = self.field(lane, field)?;
        }
        let [
            brand,
            behaviour,
            columns,
            rows,
            repeats,
            first_day,
            days,
            chunk,
            after,
            pages,
            only,
            at,
        ] = values;
        let short = |value: u64| u16::try_from(value).ok();
        let rows = u32::try_from(rows).ok()?.checked_add(1)?;
        let first_day = head.first_day.checked_add(short(first_day)?)?;
        let offset = self.begin.checked_add(at)?;
        Some(LaneEntry {
            brand: self.brand.checked_add(u32::try_from(brand).ok()?)?,
            behaviour: short(behaviour)?,
            columns: u8::try_from(columns).ok()?.rotate_right(1).into(),
            rows,
            consumers: rows.checked_sub(u32::try_from(repeats).ok()?)?,
            first_day,
            last_day: first_day.checked_add(short(days)?)?,
            first_chunk: short(chunk)?,
            last_chunk: short(u64::from(head.chunk_end).checked_sub(after + 1)?)?,
            pages: u32::try_from(pages).ok()?.checked_add(1)?,
            only: match only.checked_sub(1) {
                Some(kind) => Some(PageKind::read(u8::try_from(kind).ok()?)?),
                None => None,
            },
            offset,
            length: self.offset(lane + 1)?.checked_sub(offset)?,
        })
    }
}

/// The fields of a lane, the least of each group's being 0 where a base says so.
fn fields_of(entry: &LaneEntry, first: &LaneEntry, head: &DirectoryHead) -> [u64; FIELDS] {
    let columns = entry.columns.to_le_bytes()[0];
    [
        (entry.brand - first.brand).into(),
        entry.behaviour.into(),
        // Amounts and days come first: few lanes have other columns.
        columns.rotate_left(1).into(),
        (entry.rows - 1).into(),
        (entry.rows - entry.consumers).into(),
        (entry.first_day - head.first_day).into(),
        (entry.last_day - entry.first_day).into(),
        entry.first_chunk.into(),
        u64::from(head.chunk_end) - 1 - u64::from(entry.last_chunk),
        (entry.pages - 1).into(),
        entry.only.map_or(0, |kind| u64::from(kind.code()) + 1),
        entry.offset - first.offset,
    ]
}

/// Appends a directory: lanes in ascending order, one behind the other in the file.
pub(super) fn write(
    head: &DirectoryHead,
    lanes: &[LaneEntry],
    presence: Option<&LaneEntry>,
    out: &mut Vec<u8>,
) {
    let start = out.len();
    head.write(out);
    let groups = lanes.chunks(GROUP_LANES).chain(presence.map(std::slice::from_ref));
    let mut anchors = Vec::new();
    let mut streams = Vec::new();
    let count = lanes.len().div_ceil(GROUP_LANES) + usize::from(presence.is_some());
    let streams_at = DIRECTORY_HEAD_LEN + count * ANCHOR_LEN;
    for (group, first) in groups.filter_map(|group| Some((group, group.first()?))) {
        anchors.extend_from_slice(&first.brand.to_le_bytes());
        anchors.extend_from_slice(&first.behaviour.to_le_bytes());
        anchors.extend_from_slice(&[0; 2]);
        anchors.extend_from_slice(&first.offset.to_le_bytes());
        // A directory of 4 GiB would have 2^28 lanes and more.
        let at = u32::try_from(streams_at + streams.len()).unwrap_or(u32::MAX);
        anchors.extend_from_slice(&at.to_le_bytes());
        let rows: Vec<_> = group.iter().map(|entry| fields_of(entry, first, head)).collect();
        let mut widths = [0; FIELDS];
        for row in &rows {
            for (width, value) in widths.iter_mut().zip(row) {
                *width = width_of(*value).max(*width);
            }
        }
        streams.extend(widths.iter().map(|width| width.to_le_bytes()[0]));
        pack_rows(&rows, &widths, &mut streams);
    }
    out.append(&mut anchors);
    out.append(&mut streams);
    out.resize(out.len() + SLACK, 0);
    debug_assert!(
        Directory::new(head, out.get(start..).unwrap_or_default(), VERSION_PACKED, 0).fits()
    );
}

/// Appends rows of fields, each of its own width.
fn pack_rows(rows: &[[u64; FIELDS]], widths: &[u32; FIELDS], out: &mut Vec<u8>) {
    let (mut word, mut fill) = (0_u128, 0);
    for row in rows {
        for (value, width) in row.iter().zip(widths) {
            word |= u128::from(*value) << fill;
            fill += width;
            while fill >= 8 {
                out.push(word.to_le_bytes()[0]);
                word >>= 8;
                fill -= 8;
            }
        }
    }
    if fill > 0 {
        out.push(word.to_le_bytes()[0]);
    }
}
