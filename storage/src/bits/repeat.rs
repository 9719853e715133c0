//! Values some of which come several times.

/// Values copied at a time, more than mostly lie between two that come again: copying a number of
/// them that is known takes less than asking how many they are.
const STEP: usize = 16;

/// Puts some values at the beginning of `out`, those at the given places of the result being the
/// one before once more. Places ascend; `out` may be longer than the result. False when there are
/// too few values, or when the result has another length than `length`.
pub(crate) fn repeat(values: &[u32], places: &[u32], length: usize, out: &mut Vec<u32>) -> bool {
    if values.len() + places.len() != length {
        return false;
    }
    if out.len() < length + STEP {
        out.resize(length + STEP, 0);
    }
    let mut copied = 0;
    for (again, place) in places.iter().enumerate() {
        // So many values are before it, and one at least.
        let Some(end) = (*place as usize).checked_sub(again).filter(|end| *end > 0) else {
            return false;
        };
        if end < copied || !copy(values, copied..end, again, out) {
            return false;
        }
        copied = end;
        if let Some(value) = values.get(end - 1)
            && let Some(to) = out.get_mut(*place as usize)
        {
            *to = *value;
        }
    }
    copy(values, copied..values.len(), places.len(), out)
}

/// Copies some values, so many places behind their own. False when there are not so many.
#[inline(always)]
fn copy(values: &[u32], range: std::ops::Range<usize>, by: usize, out: &mut [u32]) -> bool {
    let mut range = range;
    while let Some(values) = values.get(range.start..range.start + STEP)
        && let Some(out) = out.get_mut(range.start + by..range.start + by + STEP)
    {
        // What is too much is overwritten.
        out.copy_from_slice(values);
        if range.len() <= STEP {
            return true;
        }
        range.start += STEP;
    }
    let to = range.start + by;
    let Some(values) = values.get(range) else { return false };
    let Some(out) = out.get_mut(to..to + values.len()) else { return false };
    out.copy_from_slice(values);
    true
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_pcg::Pcg64;

    use super::*;

    #[test]
    fn values_come_again_where_they_are_to() {
        let mut random = Pcg64::seed_from_u64(21);
        let mut out = Vec::new();
        for length in [1, 2, 15, 16, 17, 40, 900] {
            for again in [0.0, 0.05, 0.5, 0.95] {
                let (mut rows, mut values, mut places) = (Vec::new(), Vec::new(), Vec::new());
                for place in 0..length {
                    match rows.last() {
                        Some(before) if random.random_bool(again) => {
                            rows.push(*before);
                            places.push(place);
                        }
                        _ => {
                            rows.push(random.random());
                            values.extend(rows.last());
                        }
                    }
                }
                assert!(repeat(&values, &places, length as usize, &mut out));
                assert_eq!(out[..rows.len()], rows);
                assert!(!repeat(&values, &places, length as usize + 1, &mut out));
                let mut wrong = places.clone();
                wrong.push(length + 9);
                assert!(!repeat(&values, &wrong, length as usize + 1, &mut out));
                wrong.insert(0, 0);
                assert!(!repeat(&values, &wrong, length as usize + 2, &mut out));
            }
        }
        assert!(!repeat(&[5, 6], &[2, 2], 4, &mut out), "places ascend");
    }
}
