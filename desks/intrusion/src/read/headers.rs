//! Headers of a request that a log captured beside agent, referring page and host, kept so that they can be looked at.
//!
//! Laid into the scratch space one behind the other, because a line has any number of them and most lines have none.

use super::fields::Span;

/// Most headers kept of one request: Apache httpd takes 100 (`LimitRequestFields`).
const MAX_HEADERS: usize = 128;
/// Longest name kept; a longer one is cut.
const MAX_NAME: usize = 64;
/// Longest value kept, which is the whole of a request's headers by the defaults of nginx and Apache httpd; a longer one is cut.
const MAX_VALUE: usize = 8 << 10;
/// Most bytes kept of all headers of one request.
const MAX_BYTES: usize = 64 << 10;
/// Bytes before each header: length of the name, length of the value (low byte first).
const PREFIX: usize = 3;

/// The headers of one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Headers<'a>(&'a [u8]);

impl<'a> Headers<'a> {
    /// Those that [`lay`] laid down.
    pub(crate) fn laid(text: &'a [u8]) -> Self {
        Headers(text)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Each name and value in the log's order. A name is empty where the log writes values alone.
    pub fn iter(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let [name, low, high, after @ ..] = rest else {
                return None;
            };
            let (name, after) = after.split_at_checked(usize::from(*name))?;
            let (value, after) = after.split_at_checked(usize::from(u16::from_le_bytes([*low, *high])))?;
            rest = after;
            Some((name, value))
        })
    }

    /// The first value of the header of this name, in either case; empty where there is none.
    pub fn value_of(self, name: &str) -> &'a [u8] {
        self.iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name.as_bytes()))
            .map_or(b"", |(_, value)| value)
    }
}

/// Lays headers behind one another at the end of the scratch space and tells where; the first ones within the bounds.
pub(crate) fn lay(headers: &[(Span, Span)], whole: &[u8], scratch: &mut Vec<u8>) -> Span {
    if headers.is_empty() {
        return Span::default();
    }
    let start = scratch.len();
    for (name, value) in headers.iter().take(MAX_HEADERS) {
        let (name_length, value_length) = (name.len().min(MAX_NAME), value.len().min(MAX_VALUE));
        if value_length == 0 {
            continue;
        }
        if scratch.len() - start + PREFIX + name_length + value_length > MAX_BYTES {
            break;
        }
        scratch.push(name_length as u8);
        scratch.extend_from_slice(&(value_length as u16).to_le_bytes());
        name.append_to(whole, scratch, name_length);
        value.append_to(whole, scratch, value_length);
    }
    Span::of_scratch(scratch, start)
}

/// One list of headers, made of texts, for whoever has a request and no log of it.
#[derive(Debug, Clone, Default)]
pub struct HeaderList(Vec<u8>);

impl HeaderList {
    /// With one header more; left out beyond the bounds of a request.
    #[must_use]
    pub fn with(mut self, name: &[u8], value: &[u8]) -> Self {
        let mut text = name.to_vec();
        text.extend_from_slice(value);
        let (name, value) = (
            Span::of(&text, &text[..name.len()]),
            Span::of(&text, &text[name.len()..]),
        );
        if self.0.len() + PREFIX + text.len() <= MAX_BYTES {
            lay(&[(name, value)], &text, &mut self.0);
        }
        self
    }

    /// They.
    pub fn headers(&self) -> Headers<'_> {
        Headers(&self.0)
    }
}
