//! Gathers the lines of one record where a record may take several.

use pollwatch_model::Position;

use super::split::without_line_end;

/// Largest record of any format but plain lines, in bytes, line ends included: 1 MiB. A certificate with the most names that
/// public CAs put into one (a few thousand) stays far below it.
pub const MAX_RECORD_BYTES: usize = 1 << 20;

/// Lines of a record that has begun and not ended.
#[derive(Debug, Default)]
pub(super) struct Pending {
    raw: Vec<u8>,
    lines: u64,
    nesting: u32,
}

/// What a line means for the nesting (open quotes, open parentheses) of a record.
pub(super) type Nesting = Result<u32, &'static str>;

/// One record, or one line that could not become part of any.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gathered<'a> {
    /// Its bytes, with inner line ends, without the last one.
    pub(super) text: &'a [u8],
    /// The line it begins at, from 1.
    pub(super) line: u64,
    /// How many lines it takes.
    pub(super) lines: u64,
    /// What is wrong with it, if it is lost.
    pub(super) broken: Option<&'static str>,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.lines == 0
    }

    /// Takes in the line that begins at `at`; gives what is complete with it to `each`.
    ///
    /// `nest` says how deep the nesting is after a line, given how deep it was before. Where the nesting never closes within
    /// the bound, or closes in a way that the format forbids, the fault lies in some line before: every line gathered so far
    /// is then read as a record of its own, so that one stray quote loses one line and not all that follows.
    pub(super) fn take(
        &mut self,
        at: Position,
        raw: &[u8],
        nest: &dyn Fn(u32, &[u8]) -> Nesting,
        each: &mut dyn FnMut(Gathered<'_>),
    ) {
        let text = without_line_end(raw);
        let nesting = nest(self.nesting, text);
        let first_line = at.record + 1 - self.lines;
        if self.is_empty() && nesting == Ok(0) {
            return each(Gathered {
                text,
                line: first_line,
                lines: 1,
                broken: None,
            });
        }
        self.raw.extend_from_slice(raw);
        self.lines += 1;
        match nesting {
            Ok(0) => {
                let text = without_line_end(&self.raw);
                each(Gathered {
                    text,
                    line: first_line,
                    lines: self.lines,
                    broken: None,
                });
                self.clear();
            }
            Ok(deeper) if self.raw.len() <= MAX_RECORD_BYTES => self.nesting = deeper,
            Ok(_) | Err(_) => self.line_by_line(first_line, nest, each),
        }
    }

    /// The input, or what can be read of it, ends within the record, at `at`.
    pub(super) fn end(
        &mut self,
        at: Position,
        nest: &dyn Fn(u32, &[u8]) -> Nesting,
        each: &mut dyn FnMut(Gathered<'_>),
    ) {
        if !self.is_empty() {
            self.line_by_line(at.record + 1 - self.lines, nest, each);
        }
    }

    fn line_by_line(
        &mut self,
        first_line: u64,
        nest: &dyn Fn(u32, &[u8]) -> Nesting,
        each: &mut dyn FnMut(Gathered<'_>),
    ) {
        for (line, raw) in (first_line..).zip(self.raw.split_inclusive(|byte| *byte == b'\n')) {
            let text = without_line_end(raw);
            let broken = match nest(0, text) {
                Ok(0) => None,
                Ok(_) => Some("a quote or parenthesis is opened and never closed"),
                Err(why) => Some(why),
            };
            each(Gathered {
                text,
                line,
                lines: 1,
                broken,
            });
        }
        self.clear();
    }

    fn clear(&mut self) {
        self.raw.clear();
        self.lines = 0;
        self.nesting = 0;
    }
}
