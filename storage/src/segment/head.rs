//! The head of a page with the descriptors of its columns, in each version of the format.

#![deny(clippy::indexing_slicing)]

use crate::bytes::{u16_at, u32_at, u64_at};
use crate::segment::layout::{
    COLUMNS, ColumnHead, Encoding, PageEntry, PageHead, PageKind, Repeats, VERSION_PACKED,
};

/// Version 1: bytes of the head before its columns' descriptors.
const WIDE_HEAD_LEN: usize = 12;
/// Version 1: bytes of a descriptor.
const WIDE_COLUMN_LEN: usize = 8;

/// Where the descriptor's encoding ends, and its kind of base begins.
const ENCODING_BITS: u32 = 2;
/// Where the head's low bits end, and its form of repeats begins.
const LOW_BITS: u32 = 5;

/// The columns that a page stores, by their place in [`COLUMNS`].
pub(super) type ColumnHeads = [Option<ColumnHead>; COLUMNS.len()];

/// The head of a page at the start of some bytes, with the columns' descriptors and the length of
/// both.
pub(super) fn read(
    version: u32,
    entry: &PageEntry,
    bytes: &[u8],
) -> Option<(PageHead, ColumnHeads, usize)> {
    if version < VERSION_PACKED { read_wide(bytes) } else { read_short(entry, bytes) }
}

fn repeats_of(code: u8) -> Option<Repeats> {
    Some(match code {
        0 => Repeats::None,
        1 => Repeats::Packed,
        2 => Repeats::Listed,
        _ => return None,
    })
}

fn read_wide(bytes: &[u8]) -> Option<(PageHead, ColumnHeads, usize)> {
    let (head, mut rest) = bytes.split_first_chunk::<WIDE_HEAD_LEN>()?;
    let [.., low_bits, repeats, repeat_bits, stored] = *head;
    let page = PageHead {
        base: u32_at(head, 0)?,
        span: u32_at(head, 4)?,
        low_bits,
        repeats: repeats_of(repeats)?,
        repeat_bits,
    };
    let mut columns: ColumnHeads = [None; COLUMNS.len()];
    let mut next = 0;
    for _ in 0..stored {
        let (head, after) = rest.split_first_chunk::<WIDE_COLUMN_LEN>()?;
        let [column, encoding, bits, value_bits, ..] = *head;
        let small = u32_at(head, 4)?;
        let (encoding, values, base) = match encoding {
            0 => (Encoding::Constant, 0, Some(i64::from(small))),
            1 => (Encoding::Packed, 0, Some(i64::from(small))),
            4 => (Encoding::Constant, 0, None),
            5 => (Encoding::Packed, 0, None),
            6 => (Encoding::Dictionary, small, None),
            _ => return None,
        };
        let column = usize::from(column);
        if column < next {
            return None;
        }
        *columns.get_mut(column)? = Some(ColumnHead { encoding, bits, value_bits, values, base });
        next = column + 1;
        rest = after;
    }
    Some((page, columns, bytes.len() - rest.len()))
}

/// The head of a page without its columns' descriptors, with the length of both; none where a
/// version has it otherwise.
pub(super) fn read_start(
    version: u32,
    entry: &PageEntry,
    bytes: &[u8],
) -> Option<(PageHead, usize)> {
    if version < VERSION_PACKED {
        return None;
    }
    let (page, stored, mut rest) = start(entry, bytes)?;
    for _ in 0..stored.count_ones() {
        let (_, length) = read_column(rest)?;
        rest = rest.get(length..)?;
    }
    Some((page, length(entry, bytes, rest)))
}

fn read_short(entry: &PageEntry, bytes: &[u8]) -> Option<(PageHead, ColumnHeads, usize)> {
    let (page, stored, mut rest) = start(entry, bytes)?;
    let mut columns: ColumnHeads = [None; COLUMNS.len()];
    for (place, column) in columns.iter_mut().enumerate() {
        if stored >> place & 1 != 0 {
            let (head, length) = read_column(rest)?;
            *column = Some(head);
            rest = rest.get(length..)?;
        }
    }
    Some((page, columns, length(entry, bytes, rest)))
}

/// The length of a head of which `rest` is what follows.
fn length(entry: &PageEntry, bytes: &[u8], rest: &[u8]) -> usize {
    let length = bytes.len() - rest.len();
    // Runs are read in place.
    if entry.kind == PageKind::Runs { length.next_multiple_of(2) } else { length }
}

/// What is before the descriptors, which columns have one, and what follows.
fn start<'b>(entry: &PageEntry, bytes: &'b [u8]) -> Option<(PageHead, u8, &'b [u8])> {
    let ([first, repeat_bits, stored], mut rest) = bytes.split_first_chunk::<3>()?;
    let mut page = PageHead {
        low_bits: first & ((1 << LOW_BITS) - 1),
        repeats: repeats_of(first >> LOW_BITS)?,
        repeat_bits: *repeat_bits,
        ..PageHead::default()
    };
    match entry.kind {
        PageKind::List => {
            let whole = |chunk: u16, low: u16| u32::from(chunk) << 16 | u32::from(low);
            page.base = whole(entry.first_chunk, u16_at(rest, 0)?);
            page.span = whole(entry.last_chunk, u16_at(rest, 2)?).checked_sub(page.base)?;
            rest = rest.get(4..)?;
        }
        PageKind::Runs => {
            page.span = u32::from(u16_at(rest, 0)?) + 1;
            rest = rest.get(2..)?;
        }
        PageKind::Bitset | PageKind::Full => {}
    }
    Some((page, *stored, rest))
}

fn read_column(bytes: &[u8]) -> Option<(ColumnHead, usize)> {
    let ([first, bits], rest) = bytes.split_first_chunk::<2>()?;
    let mut head = ColumnHead {
        encoding: match first & ((1 << ENCODING_BITS) - 1) {
            0 => Encoding::Constant,
            1 => Encoding::Packed,
            2 => Encoding::Dictionary,
            _ => return None,
        },
        bits: *bits,
        value_bits: 0,
        values: 0,
        base: None,
    };
    let mut at = 0;
    if head.encoding == Encoding::Dictionary {
        head.value_bits = *rest.first()?;
        head.values = u32::from(u16_at(rest, 1)?) + 1;
        at = 3;
    }
    let (base, length) = match first >> ENCODING_BITS {
        0 => (0, 0),
        1 => (i64::from(*rest.get(at)?), 1),
        2 => (i64::from(u16_at(rest, at)?), 2),
        3 => (i64::from(u32_at(rest, at)?), 4),
        4 => (u64_at(rest, at)?.cast_signed(), 8),
        _ => return None,
    };
    head.base = Some(base);
    Some((head, 2 + at + length))
}

/// Writes a head for consumers of a kind, with descriptors that were written before.
pub(super) fn write(
    kind: PageKind,
    head: &PageHead,
    stored: u8,
    columns: &[u8],
    out: &mut Vec<u8>,
) {
    let repeats = match head.repeats {
        Repeats::None => 0,
        Repeats::Packed => 1,
        Repeats::Listed => 2,
    };
    let start = out.len();
    out.extend_from_slice(&[head.low_bits | repeats << LOW_BITS, head.repeat_bits, stored]);
    match kind {
        PageKind::List => {
            let [a, b, ..] = head.base.to_le_bytes();
            let [c, d, ..] = (head.base + head.span).to_le_bytes();
            out.extend_from_slice(&[a, b, c, d]);
        }
        PageKind::Runs => {
            let [a, b, ..] = (head.span - 1).to_le_bytes();
            out.extend_from_slice(&[a, b]);
        }
        PageKind::Bitset | PageKind::Full => {}
    }
    out.extend_from_slice(columns);
    if kind == PageKind::Runs {
        out.resize(start + (out.len() - start).next_multiple_of(2), 0);
    }
}

/// Writes the descriptor of a column, whose base must be known.
pub(super) fn write_column(head: &ColumnHead, out: &mut Vec<u8>) {
    let encoding = match head.encoding {
        Encoding::Constant => 0,
        Encoding::Packed => 1,
        Encoding::Dictionary => 2,
    };
    let base = head.base.unwrap_or_default();
    let bytes = base.to_le_bytes();
    let (code, length) = match base {
        0 => (0, 0),
        1..=0xff => (1, 1),
        0x100..=0xffff => (2, 2),
        0x1_0000..=0xffff_ffff => (3, 4),
        _ => (4, 8),
    };
    out.extend_from_slice(&[encoding | code << ENCODING_BITS, head.bits]);
    if head.encoding == Encoding::Dictionary {
        let [a, b, ..] = head.values.saturating_sub(1).to_le_bytes();
        out.extend_from_slice(&[head.value_bits, a, b]);
    }
    out.extend(bytes.iter().take(length));
}
