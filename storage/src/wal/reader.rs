//! Reading numbers and runs of bytes from a record.

/// What is left of a record. Every method says what is wrong instead of panicking.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

/// What is wrong with the bytes.
pub(crate) type Wrong = &'static str;

impl<'a> Reader<'a> {
    pub(crate) fn bytes(&mut self, length: usize) -> Result<&'a [u8], Wrong> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or("the record ends early")?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Wrong> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or("the record ends early")?;
        self.0 = rest;
        Ok(*bytes)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Wrong> {
        Ok(self.array::<1>()?[0])
    }

    /// A number in groups of seven bits, the lowest first.
    pub(crate) fn varint(&mut self) -> Result<u64, Wrong> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err("a number is too long")
    }

    /// A count of things that take at least one byte each.
    pub(crate) fn count(&mut self) -> Result<usize, Wrong> {
        let count = usize::try_from(self.varint()?).map_err(|_| "a count is too large")?;
        if count > self.0.len() { Err("the record ends early") } else { Ok(count) }
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Wrong> {
        u32::try_from(self.varint()?).map_err(|_| "a number is too large")
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Wrong> {
        let length = self.count()?;
        std::str::from_utf8(self.bytes(length)?).map_err(|_| "a text is not UTF-8")
    }

    pub(crate) fn end(&self) -> Result<(), Wrong> {
        if self.0.is_empty() { Ok(()) } else { Err("the record goes on after its end") }
    }
}

/// Appends a number in groups of seven bits, the lowest first.
#[expect(clippy::cast_possible_truncation, reason = "the low byte is what is wanted")]
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}
