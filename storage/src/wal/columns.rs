//! Events as bytes: for each column that is there, its least value, a width, and the differences.

use super::reader::{Reader, Wrong, put_varint};
use crate::rows::EventColumns;

/// Rows of one run of columns at most.
pub(super) const ROWS_MAX: usize = 1 << 28;

/// Appends events.
pub(crate) fn put_columns(out: &mut Vec<u8>, events: &EventColumns) {
    put_varint(out, events.len() as u64);
    put(out, &events.consumer);
    put(out, &events.brand);
    put(out, &events.behaviour);
    put(out, &events.day);
    put(out, &events.second);
    put(out, &events.count);
    put(out, &events.touchpoint);
    put(out, &events.category);
    put(out, &events.item);
    put(out, &events.order);
    put(out, &events.amount);
}

/// Takes events.
pub(crate) fn take_columns(reader: &mut Reader<'_>) -> Result<EventColumns, Wrong> {
    take_columns_within(reader, ROWS_MAX)
}

/// Takes events, unless there are more than a number.
pub(super) fn take_columns_within(
    reader: &mut Reader<'_>,
    rows_max: usize,
) -> Result<EventColumns, Wrong> {
    let rows = usize::try_from(reader.varint()?).map_err(|_| "too many rows")?;
    if rows > rows_max {
        return Err("too many rows");
    }
    Ok(EventColumns {
        consumer: take(reader, rows)?,
        brand: take(reader, rows)?,
        behaviour: take(reader, rows)?,
        day: take(reader, rows)?,
        second: take(reader, rows)?,
        count: take(reader, rows)?,
        touchpoint: take(reader, rows)?,
        category: take(reader, rows)?,
        item: take(reader, rows)?,
        order: take(reader, rows)?,
        amount: take(reader, rows)?,
    })
}

/// Width of a column that is not there.
const ABSENT: u8 = 255;

fn put<T: Copy + Into<i64>>(out: &mut Vec<u8>, column: &[T]) {
    let values = || column.iter().map(|&value| value.into());
    let (Some(least), Some(greatest)) = (values().min(), values().max()) else {
        out.push(ABSENT);
        return;
    };
    let differences = || values().map(|value| value.wrapping_sub(least).cast_unsigned());
    let widest = greatest.wrapping_sub(least).cast_unsigned();
    let width: u8 = match widest {
        0 => 0,
        1..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    };
    out.push(width);
    out.extend_from_slice(&least.to_le_bytes());
    let width = usize::from(width);
    out.reserve(width * column.len());
    for difference in differences() {
        out.extend_from_slice(&difference.to_le_bytes()[..width]);
    }
}

fn take<T: TryFrom<i64> + Clone>(reader: &mut Reader<'_>, rows: usize) -> Result<Vec<T>, Wrong> {
    let width = reader.u8()?;
    if width == ABSENT {
        return Ok(Vec::new());
    }
    let least = i64::from_le_bytes(reader.array()?);
    let value = |difference: u64| {
        let value = least.wrapping_add(difference.cast_signed());
        T::try_from(value).map_err(|_| "a value is outside its column's range")
    };
    let width = usize::from(width);
    match width {
        0 => Ok(vec![value(0)?; rows]),
        1 | 2 | 4 | 8 => reader
            .bytes(rows * width)?
            .chunks_exact(width)
            .map(|bytes| {
                let mut wide = [0; 8];
                wide[..width].copy_from_slice(bytes);
                value(u64::from_le_bytes(wide))
            })
            .collect(),
        _ => Err("a column has an unknown width"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_back_at_every_width() {
        for amount in
            [vec![7; 3], vec![-5, 0, 250], vec![i64::MIN, i64::MAX, 0], vec![0, 70_000, 9]]
        {
            let events = EventColumns {
                consumer: vec![1, 2, u32::MAX],
                brand: vec![1, 1, 1],
                behaviour: vec![u16::MAX, 1, 2],
                day: vec![17_000, 0, -4],
                count: vec![2, 3, 4],
                amount,
                ..EventColumns::default()
            };
            let mut bytes = Vec::new();
            put_columns(&mut bytes, &events);
            let mut reader = Reader(&bytes);
            assert_eq!(take_columns(&mut reader).unwrap(), events);
            reader.end().unwrap();
            for cut in 0..bytes.len() {
                assert!(take_columns(&mut Reader(&bytes[..cut])).is_err());
            }
        }
    }
}
