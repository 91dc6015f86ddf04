//! The text that Python prints for strings and tuples: tickets are hashes of that text.
//!
//! Source: Python language reference, `repr` of `str` and `tuple` (`unicode_repr` of CPython 3). For tickets made with
//! NumPy: the text that NumPy 1 leads to, `('BALDWIN', 'Precinct 1')`; NumPy 2 writes `(np.str_('BALDWIN'), …)`, and no
//! published audit used that.

use std::fmt::Write as _;

/// One value inside a ticket's tuple.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// `'text'`
    Text(&'a str),
    /// `12`
    Number(u64),
    /// `None`
    Nothing,
    /// `('a', 'b')`
    Tuple(&'a [Value<'a>]),
}

/// Appends what Python's `repr` prints for `value`.
pub fn push(text: &mut String, value: Value<'_>) {
    match value {
        Value::Text(inner) => push_text(text, inner),
        Value::Number(number) => {
            let _ = write!(text, "{number}");
        }
        Value::Nothing => text.push_str("None"),
        Value::Tuple(values) => {
            text.push('(');
            for (index, inner) in values.iter().enumerate() {
                if index > 0 {
                    text.push_str(", ");
                }
                push(text, *inner);
            }
            if values.len() == 1 {
                text.push(',');
            }
            text.push(')');
        }
    }
}

/// What Python's `repr` prints for a tuple of strings, such as the key of a batch.
#[must_use]
pub fn tuple_of_texts(texts: &[&str]) -> String {
    let values: Vec<Value<'_>> = texts.iter().map(|text| Value::Text(text)).collect();
    let mut text = String::new();
    push(&mut text, Value::Tuple(&values));
    text
}

/// The quote is double only when the text holds a single quote and no double one.
fn push_text(text: &mut String, inner: &str) {
    let quote = if inner.contains('\'') && !inner.contains('"') {
        '"'
    } else {
        '\''
    };
    text.push(quote);
    for character in inner.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            _ if character == quote => {
                text.push('\\');
                text.push(character);
            }
            ' '..='~' => text.push(character),
            _ if is_printable(character) => text.push(character),
            _ => {
                let code = u32::from(character);
                let _ = match code {
                    0..=0xff => write!(text, "\\x{code:02x}"),
                    0x100..=0xffff => write!(text, "\\u{code:04x}"),
                    _ => write!(text, "\\U{code:08x}"),
                };
            }
        }
    }
    text.push(quote);
}

/// Whether Python keeps a character as it is: all but the general categories C and Z, save the space.
///
/// The tables of Unicode differ from one Python to the next for characters not yet assigned; names of batches hold none.
fn is_printable(character: char) -> bool {
    use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory as _};
    !matches!(
        character.general_category_group(),
        GeneralCategoryGroup::Other | GeneralCategoryGroup::Separator
    )
}
