//! Serde values in a checked envelope. The only user of `bincode`.
//!
//! Envelope, little-endian: magic `THVE`, version u16, kind u16, length u32, crc32 u32 over the
//! preceding 12 bytes and the payload, payload (bincode 2, standard configuration).

use serde::Serialize;
use serde::de::DeserializeOwned;

const MAGIC: [u8; 4] = *b"THVE";
/// The newest version of the envelope.
pub(crate) const VERSION: u16 = 1;
const HEADER: usize = 16;

/// Bytes that a decoded value may claim at most.
const VALUE_BYTES_MAX: usize = 1 << 30;

/// What kind of value an envelope holds. Engines number theirs from 256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ValueKind(pub u16);

/// A value that cannot be put into or taken out of its envelope.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// Not an envelope.
    #[error("not an enveloped value")]
    Magic,
    /// Written by another version.
    #[error("the value has version {found}, this program reads up to {VERSION}")]
    Version {
        /// The version in the envelope.
        found: u16,
    },
    /// A value of another kind.
    #[error("the value is of kind {found}, expected {expected}")]
    Kind {
        /// The kind in the envelope.
        found: u16,
        /// The kind asked for.
        expected: u16,
    },
    /// Shorter or longer than its envelope says.
    #[error("the value has {found} bytes, its envelope says {expected}")]
    Length {
        /// Bytes there are.
        found: usize,
        /// Bytes there should be.
        expected: usize,
    },
    /// Changed bytes.
    #[error("the value does not match its checksum")]
    Checksum,
    /// The payload is not such a value.
    #[error("the value does not decode")]
    Payload(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The value is too long or cannot be serialised.
    #[error("the value does not encode")]
    Encode(#[source] Box<dyn std::error::Error + Send + Sync>),
}

fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<VALUE_BYTES_MAX>()
}

/// Puts bytes into an envelope.
///
/// # Errors
/// When there are more than 4 GiB.
pub fn seal(kind: ValueKind, payload: &[u8]) -> Result<Vec<u8>, CodecError> {
    let length = u32::try_from(payload.len()).map_err(|e| CodecError::Encode(e.into()))?;
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&kind.0.to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    let crc = checksum(&bytes, payload);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes.extend_from_slice(payload);
    Ok(bytes)
}

/// The bytes in an envelope.
///
/// # Errors
/// When they are not what the envelope says.
pub fn unseal(kind: ValueKind, bytes: &[u8]) -> Result<&[u8], CodecError> {
    let Some((header, payload)) = bytes.split_first_chunk::<HEADER>() else {
        return Err(CodecError::Magic);
    };
    let [m0, m1, m2, m3, v0, v1, k0, k1, l0, l1, l2, l3, c0, c1, c2, c3] = *header;
    if [m0, m1, m2, m3] != MAGIC {
        return Err(CodecError::Magic);
    }
    let found = u16::from_le_bytes([v0, v1]);
    if found != VERSION {
        return Err(CodecError::Version { found });
    }
    let expected = u32::from_le_bytes([l0, l1, l2, l3]) as usize;
    if payload.len() != expected {
        return Err(CodecError::Length { found: payload.len(), expected });
    }
    if checksum(&header[..12], payload) != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Err(CodecError::Checksum);
    }
    let found = u16::from_le_bytes([k0, k1]);
    if found != kind.0 {
        return Err(CodecError::Kind { found, expected: kind.0 });
    }
    Ok(payload)
}

/// The bytes with a length and checksum that match, when they are long enough to be an envelope.
pub(crate) fn reseal(bytes: Vec<u8>) -> Vec<u8> {
    let Some((header, payload)) = bytes.split_first_chunk::<HEADER>() else { return bytes };
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
    let begin = [&header[..8], &length].concat();
    let crc = checksum(&begin, payload).to_le_bytes();
    [&begin[..], &crc, payload].concat()
}

fn checksum(header: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(header);
    hasher.update(payload);
    hasher.finalize()
}

/// Encodes a value into an envelope.
///
/// # Errors
/// When it does not serialise.
pub fn encode<T: Serialize>(kind: ValueKind, value: &T) -> Result<Vec<u8>, CodecError> {
    let payload = bincode::serde::encode_to_vec(value, config())
        .map_err(|e| CodecError::Encode(Box::new(e)))?;
    seal(kind, &payload)
}

/// Decodes the value in an envelope.
///
/// # Errors
/// When the bytes are damaged, of another kind or version, or do not decode to the last byte.
pub fn decode<T: DeserializeOwned>(kind: ValueKind, bytes: &[u8]) -> Result<T, CodecError> {
    let payload = unseal(kind, bytes)?;
    let (value, read) = decode_payload(payload).map_err(|e| CodecError::Payload(Box::new(e)))?;
    if read != payload.len() {
        return Err(CodecError::Length { found: payload.len(), expected: read });
    }
    Ok(value)
}

/// Decodes a value that may claim 16 to 256 times its bytes: a text's length is believed before its
/// bytes are read, and a small number counts as its whole width.
fn decode_payload<T: DeserializeOwned>(
    payload: &[u8],
) -> Result<(T, usize), bincode::error::DecodeError> {
    match payload.len() {
        0x0..0x100 => decode_within::<0x1000, T>(payload),
        0x100..0x1000 => decode_within::<0x1_0000, T>(payload),
        0x1000..0x1_0000 => decode_within::<0x10_0000, T>(payload),
        0x1_0000..0x10_0000 => decode_within::<0x100_0000, T>(payload),
        0x10_0000..0x100_0000 => decode_within::<0x1000_0000, T>(payload),
        _ => decode_within::<VALUE_BYTES_MAX, T>(payload),
    }
}

fn decode_within<const MAX: usize, T: DeserializeOwned>(
    payload: &[u8],
) -> Result<(T, usize), bincode::error::DecodeError> {
    bincode::serde::decode_from_slice(payload, bincode::config::standard().with_limit::<MAX>())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: ValueKind = ValueKind(9);

    #[test]
    fn a_value_comes_back() {
        let value = (vec![1_u64, 2, 3], Some("x".to_owned()));
        let bytes = encode(KIND, &value).unwrap();
        assert_eq!(decode::<(Vec<u64>, Option<String>)>(KIND, &bytes).unwrap(), value);
    }

    #[test]
    fn values_of_every_size_come_back_and_a_claimed_length_is_not_believed() {
        for count in [0, 30, 250, 4_000, 60_000, 1_000_000, 3_000_000] {
            let numbers = vec![1_u64; count];
            let bytes = encode(KIND, &numbers).unwrap();
            assert_eq!(decode::<Vec<u64>>(KIND, &bytes).unwrap(), numbers);
            let texts = vec![String::new(); count];
            let bytes = encode(KIND, &texts).unwrap();
            assert_eq!(decode::<Vec<String>>(KIND, &bytes).unwrap(), texts);
        }
        let mut claims = vec![252, 0, 0, 0, 32];
        claims.extend_from_slice(b"short");
        let bytes = seal(KIND, &claims).unwrap();
        assert!(matches!(decode::<String>(KIND, &bytes), Err(CodecError::Payload(_))));
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_noticed() {
        let bytes = encode(KIND, &(7_u32, "seven")).unwrap();
        for at in 0..bytes.len() {
            assert!(decode::<(u32, String)>(KIND, &bytes[..at]).is_err(), "cut at {at}");
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            assert!(decode::<(u32, String)>(KIND, &changed).is_err(), "changed at {at}");
        }
        assert!(matches!(
            decode::<(u32, String)>(ValueKind(8), &bytes),
            Err(CodecError::Kind { found: 9, expected: 8 })
        ));
    }
}
