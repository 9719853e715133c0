//! What the sets of an attribute's index are, kept in the header of the index.

use throng_query::plan::AttributeRef;

const VERSION: u8 = 1;
const TAG_VALUES: u8 = 1;
const TAG_FLAGS: u8 = 2;
const TAG_SLICES: u8 = 3;

/// What the sets of an attribute's index are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttributeLayout {
    /// There is no index: nobody's value is known.
    Empty,
    /// Of a text attribute: set `i` is the consumers whose value is the `i`-th; ascending.
    Values(Vec<String>),
    /// Of a boolean attribute: set 0 is false, set 1 is true.
    Flags,
    /// Of an integer, decimal or date: set 0 is those whose value is known; set `1 + i` is those
    /// where bit `i` of `value - min` is 1. The difference is taken modulo 2^64.
    Slices {
        /// The smallest value.
        min: i64,
        /// How many bits; 0 when all values are alike, at most 64.
        bits: u32,
    },
}

/// A header that is not a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the header of an attribute's index does not decode")]
pub struct LayoutError;

/// The key of an attribute's index, and the name of its definition after `attr:`. A dot within a
/// name is written `\.`, so that no two attributes share a key.
#[must_use]
pub fn index_key(attribute: &AttributeRef) -> String {
    let escape = |name: &str| name.replace('\\', "\\\\").replace('.', "\\.");
    match &attribute.brand {
        None => format!("attr:{}", escape(&attribute.name)),
        Some(brand) => format!("attr:{}.{}", escape(brand), escape(&attribute.name)),
    }
}

/// The value whose difference to `min` has these bits.
#[must_use]
pub fn value_of_bits(min: i64, difference: u64) -> i64 {
    min.wrapping_add_unsigned(difference)
}

impl AttributeLayout {
    /// The bytes for the header of an index.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        match self {
            Self::Empty => out.push(0),
            Self::Values(values) => {
                out.push(TAG_VALUES);
                put_length(&mut out, values.len());
                for value in values {
                    put_length(&mut out, value.len());
                    out.extend_from_slice(value.as_bytes());
                }
            }
            Self::Flags => out.push(TAG_FLAGS),
            Self::Slices { min, bits } => {
                out.push(TAG_SLICES);
                out.extend_from_slice(&min.to_le_bytes());
                out.extend_from_slice(&bits.to_le_bytes());
            }
        }
        out
    }

    /// Reads a header of an index with `sets` sets.
    ///
    /// # Errors
    /// When the bytes are no layout, or not of so many sets.
    pub fn decode(bytes: &[u8], sets: u32) -> Result<Self, LayoutError> {
        let mut rest = bytes;
        let [version, tag] = take::<2>(&mut rest)?;
        if version != VERSION {
            return Err(LayoutError);
        }
        let layout = match tag {
            TAG_VALUES => Self::Values(take_values(&mut rest)?),
            TAG_FLAGS => Self::Flags,
            TAG_SLICES => {
                let min = i64::from_le_bytes(take(&mut rest)?);
                Self::Slices { min, bits: u32::from_le_bytes(take(&mut rest)?) }
            }
            _ => return Err(LayoutError),
        };
        if rest.is_empty() && layout.sets() == Some(sets) { Ok(layout) } else { Err(LayoutError) }
    }

    /// How many sets an index of this layout has; none when no index can have it.
    fn sets(&self) -> Option<u32> {
        match self {
            Self::Empty => None,
            Self::Values(values) => u32::try_from(values.len()).ok(),
            Self::Flags => Some(2),
            Self::Slices { bits, .. } => (*bits <= 64).then(|| bits + 1),
        }
    }
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    let length = u32::try_from(length).expect("names and lists of values are far below 4 GiB");
    out.extend_from_slice(&length.to_le_bytes());
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], LayoutError> {
    let (first, others) = rest.split_first_chunk::<N>().ok_or(LayoutError)?;
    *rest = others;
    Ok(*first)
}

fn take_values(rest: &mut &[u8]) -> Result<Vec<String>, LayoutError> {
    let count = u32::from_le_bytes(take(rest)?);
    let mut values: Vec<String> = Vec::new();
    for _ in 0..count {
        let length = u32::from_le_bytes(take(rest)?);
        let length = usize::try_from(length).map_err(|_| LayoutError)?;
        let (text, others) = rest.split_at_checked(length).ok_or(LayoutError)?;
        *rest = others;
        let text = std::str::from_utf8(text).map_err(|_| LayoutError)?;
        if values.last().is_some_and(|last| last.as_str() >= text) {
            return Err(LayoutError);
        }
        values.push(text.to_owned());
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_round_trip_and_damage_is_noticed() {
        let layouts = [
            (AttributeLayout::Values(vec!["".into(), "18-24".into(), "岁".into()]), 3),
            (AttributeLayout::Values(vec![]), 0),
            (AttributeLayout::Flags, 2),
            (AttributeLayout::Slices { min: i64::MIN, bits: 64 }, 65),
        ];
        for (layout, sets) in layouts {
            let bytes = layout.encode();
            assert_eq!(AttributeLayout::decode(&bytes, sets), Ok(layout.clone()));
            assert_eq!(AttributeLayout::decode(&bytes, sets + 1), Err(LayoutError));
            for end in 0..bytes.len() {
                assert_eq!(AttributeLayout::decode(&bytes[..end], sets), Err(LayoutError));
            }
        }
        let unsorted = AttributeLayout::Values(vec!["b".into(), "a".into()]).encode();
        assert_eq!(AttributeLayout::decode(&unsorted, 2), Err(LayoutError));
        assert_eq!(value_of_bits(i64::MIN, u64::MAX), i64::MAX);
    }

    #[test]
    fn no_two_attributes_share_a_key() {
        let key = |brand: Option<&str>, name: &str| {
            index_key(&AttributeRef { brand: brand.map(str::to_owned), name: name.to_owned() })
        };
        assert_eq!(key(None, "age"), "attr:age");
        assert_eq!(key(Some("estee"), "level"), "attr:estee.level");
        assert_ne!(key(None, "a.b"), key(Some("a"), "b"));
        assert_ne!(key(Some("a.b"), "c"), key(Some("a"), "b.c"));
        assert_ne!(key(Some("a\\"), "b"), key(None, "a\\.b"));
    }
}
