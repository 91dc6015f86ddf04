//! Letters that some server or database takes for ASCII.

/// The ASCII letter that a character is folded to; `None` where it stays as it is, `Some(0)` where it vanishes.
///
/// What is folded: full-width forms and enclosed letters and digits (Unicode 16, NFKC), quotation marks, slashes, dots and
/// brackets that IIS and SQL Server map by best fit (Microsoft best-fit table of code page 1252), blanks, and characters
/// that have no width.
pub(super) fn folded(character: u32) -> Option<u8> {
    let ascii = match character {
        // Full-width forms of ! to ~.
        0xff01..=0xff5e => (character - 0xff01 + 0x21) as u8,
        // Circled digits and letters.
        0x2460..=0x2468 => (character - 0x2460) as u8 + b'1',
        0x24ea => b'0',
        0x24b6..=0x24cf => (character - 0x24b6) as u8 + b'a',
        0x24d0..=0x24e9 => (character - 0x24d0) as u8 + b'a',
        // Quotation marks, primes and modifier apostrophes.
        0x02b9 | 0x02bb | 0x02bc | 0x02c8 | 0x2018..=0x201b | 0x2032 => b'\'',
        0x02ba | 0x201c..=0x201f | 0x2033 => b'"',
        0x2035 => b'`',
        0x2044 | 0x2215 => b'/',
        0x2216 | 0xfe68 => b'\\',
        0x3002 | 0xff61 | 0x2024 => b'.',
        0x2039 | 0x2329 | 0x3008 | 0xfe64 => b'<',
        0x203a | 0x232a | 0x3009 | 0xfe65 => b'>',
        0x2010..=0x2015 | 0x2212 => b'-',
        0x00a0 | 0x1680 | 0x2000..=0x200a | 0x2028 | 0x2029 | 0x202f | 0x205f | 0x3000 => b' ',
        0x00ad | 0x200b..=0x200f | 0x2060 | 0xfeff => 0,
        _ => return None,
    };
    Some(ascii)
}

/// One character read leniently at the start of `bytes`, as lenient servers read UTF-8: over-long forms count.
pub(super) struct Read {
    /// The code point.
    pub character: u32,
    /// Bytes that it takes.
    pub length: usize,
    /// Whether it is written longer than it needs to be (RFC 3629, section 10: a way round filters).
    pub is_overlong: bool,
}

/// Reads the character at the start of `bytes`; `None` when they begin with no lead byte and its continuations.
pub(super) fn read_lenient(bytes: &[u8]) -> Option<Read> {
    let (length, first) = match *bytes.first()? {
        lead @ 0xc0..=0xdf => (2, lead & 0x1f),
        lead @ 0xe0..=0xef => (3, lead & 0x0f),
        lead @ 0xf0..=0xf7 => (4, lead & 0x07),
        _ => return None,
    };
    let mut character = u32::from(first);
    for &byte in bytes.get(1..length)? {
        if byte & 0xc0 != 0x80 {
            return None;
        }
        character = character << 6 | u32::from(byte & 0x3f);
    }
    let least = [0, 0, 0x80, 0x800, 0x1_0000][length];
    Some(Read {
        character,
        length,
        is_overlong: character < least,
    })
}
