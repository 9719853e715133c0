//! One row as fields: ranges of the block's bytes, or of a scratch where they had to be rewritten.

/// Marks a range of the scratch.
const SCRATCH: u32 = 1 << 31;

/// Where a field's bytes are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Span {
    start: u32,
    end: u32,
}

/// The fields of one row. Kept from row to row so that nothing is allocated.
#[derive(Debug, Default)]
pub(super) struct Record {
    spans: Vec<Span>,
    scratch: Vec<u8>,
}

impl Record {
    pub(super) fn clear(&mut self) {
        self.spans.clear();
        self.scratch.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.spans.len()
    }

    /// A field within the block. Blocks are far shorter than 2^31 bytes.
    pub(super) fn push(&mut self, start: usize, end: usize) {
        self.spans.push(Span { start: offset(start), end: offset(end) });
    }

    /// A field that ends where the scratch does.
    pub(super) fn push_scratch(&mut self, start: usize) {
        let end = offset(self.scratch.len());
        self.spans.push(Span { start: offset(start) | SCRATCH, end });
    }

    pub(super) fn scratch(&mut self) -> &mut Vec<u8> {
        &mut self.scratch
    }

    /// Empty fields, to be filled in any order by `set`.
    pub(super) fn reset(&mut self, fields: usize) {
        self.clear();
        self.spans.resize(fields, Span::default());
    }

    pub(super) fn set(&mut self, field: usize, bytes: &[u8]) {
        let start = self.scratch.len();
        self.scratch.extend_from_slice(bytes);
        let end = offset(self.scratch.len());
        if let Some(span) = self.spans.get_mut(field) {
            *span = Span { start: offset(start) | SCRATCH, end };
        }
    }

    /// The bytes of a field; empty where the row has none.
    pub(super) fn get<'a>(&'a self, data: &'a [u8], field: usize) -> &'a [u8] {
        let Some(span) = self.spans.get(field) else { return &[] };
        let start = (span.start & !SCRATCH) as usize;
        let bytes = if span.start & SCRATCH == 0 { data } else { &self.scratch };
        bytes.get(start..span.end as usize).unwrap_or(&[])
    }
}

/// Blocks and scratches stay below 2^31 bytes: a block is a few MiB and a row at most one.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(SCRATCH - 1)
}
