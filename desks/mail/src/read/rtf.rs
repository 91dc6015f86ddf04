//! The text of Outlook's compressed RTF: unpacked (MS-OXRTFCP), and the HTML in it taken out again (MS-OXRTFEX).

use encoding_rs::Encoding;

use crate::limits;

/// What the dictionary holds at first (MS-OXRTFCP, section 2.1.2.1).
const DICTIONARY: &[u8; 207] =
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \
\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \
\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
/// Size of the dictionary in bytes (section 2.1.3.1.1).
const DICTIONARY_BYTES: usize = 4_096;
const COMPRESSED: &[u8] = b"LZFu";
const UNCOMPRESSED: &[u8] = b"MELA";
/// Deepest nesting of groups that is told apart.
const MAX_GROUPS: usize = 1_000;

/// Unpacks compressed RTF. The checksum is not looked at: a damaged text is better than none.
/// `None` when it is not compressed RTF. Bound: the stated size, at most 32 MB.
pub(super) fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let size = u32::from_le_bytes(packed.get(4..8)?.try_into().ok()?) as usize;
    let size = size.min(limits::MAX_STREAM_BYTES);
    let body = packed.get(16..)?;
    match packed.get(8..12)? {
        kind if kind == UNCOMPRESSED => Some(body[..body.len().min(size)].to_vec()),
        kind if kind == COMPRESSED => Some(unpack_runs(body, size)),
        _ => None,
    }
}

/// MS-OXRTFCP, section 3.1.3.2.
fn unpack_runs(body: &[u8], size: usize) -> Vec<u8> {
    let mut dictionary = [0_u8; DICTIONARY_BYTES];
    dictionary[..DICTIONARY.len()].copy_from_slice(DICTIONARY);
    let mut write = DICTIONARY.len();
    let mut out = Vec::new();
    let mut bytes = body.iter().copied();
    while let Some(control) = bytes.next() {
        for bit in 0..8 {
            if out.len() >= size {
                return out;
            }
            let Some(first) = bytes.next() else {
                return out;
            };
            if control >> bit & 1 == 0 {
                out.push(first);
                dictionary[write] = first;
                write = (write + 1) % DICTIONARY_BYTES;
                continue;
            }
            let Some(second) = bytes.next() else {
                return out;
            };
            let reference = usize::from(first) << 8 | usize::from(second);
            let offset = reference >> 4;
            if offset == write {
                return out;
            }
            for step in 0..(reference & 0xF) + 2 {
                let byte = dictionary[(offset + step) % DICTIONARY_BYTES];
                out.push(byte);
                dictionary[write] = byte;
                write = (write + 1) % DICTIONARY_BYTES;
            }
        }
    }
    out.truncate(size);
    out
}

/// What the RTF was made from.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    Html(String),
    Text(String),
}

#[derive(Clone, Copy, Default)]
struct Group {
    /// In a destination whose text is not shown.
    is_skipped: bool,
    /// In a tag of the HTML.
    is_tag: bool,
    /// Between `\htmlrtf` and `\htmlrtf0`: there for RTF readers only.
    is_rtf_only: bool,
    /// Bytes that stand in for one character behind `\u` (RTF 1.9.1, "Unicode RTF").
    stand_in: usize,
}

/// Takes HTML out of RTF that carries it (`\fromhtml1`), else the plain text.
pub(super) fn read(rtf: &[u8]) -> Body {
    let is_html = memchr::memmem::find(&rtf[..rtf.len().min(1_000)], b"\\fromhtml").is_some();
    let mut out = Writer {
        text: String::new(),
        bytes: Vec::new(),
        encoding: encoding_rs::WINDOWS_1252,
    };
    let mut groups = vec![Group {
        stand_in: 1,
        ..Group::default()
    }];
    let mut depth_beyond = 0_usize;
    let mut to_drop = 0_usize;
    let mut at = 0;
    while at < rtf.len() {
        let group = groups.last().copied().unwrap_or_default();
        let is_shown = !group.is_rtf_only && (group.is_tag || !group.is_skipped);
        match rtf[at] {
            b'{' => {
                if groups.len() < MAX_GROUPS {
                    groups.push(group);
                } else {
                    depth_beyond += 1;
                }
                at += 1;
            }
            b'}' => {
                if depth_beyond > 0 {
                    depth_beyond -= 1;
                } else if groups.len() > 1 {
                    groups.pop();
                }
                at += 1;
            }
            b'\\' => {
                let (word, number, next) = control(rtf, at + 1);
                at = next;
                let Some(group) = groups.last_mut() else {
                    continue;
                };
                match word {
                    b"'" => {
                        if to_drop > 0 {
                            to_drop -= 1;
                        } else if is_shown {
                            out.bytes.push(number.unwrap_or(0) as u8);
                        }
                    }
                    b"*" => group.is_skipped = true,
                    b"htmltag" => (group.is_tag, group.is_skipped) = (true, false),
                    b"htmlrtf" => group.is_rtf_only = number != Some(0),
                    b"mhtmltag" | b"fonttbl" | b"colortbl" | b"stylesheet" | b"info" | b"pict"
                    | b"object" => {
                        group.is_skipped = true;
                    }
                    b"ansicpg" => out.encoding = encoding_of(number.unwrap_or(1252) as u16),
                    b"uc" => group.stand_in = number.unwrap_or(1).clamp(0, 16) as usize,
                    b"u" => {
                        if is_shown {
                            let code = number.unwrap_or(0) as u16;
                            out.push(char::from_u32(u32::from(code)).unwrap_or(char::REPLACEMENT_CHARACTER));
                        }
                        to_drop = group.stand_in;
                    }
                    b"par" | b"line" if is_shown => out.push_str("\r\n"),
                    b"tab" if is_shown => out.push('\t'),
                    b"lquote" if is_shown => out.push('\u{2018}'),
                    b"rquote" if is_shown => out.push('\u{2019}'),
                    b"ldblquote" if is_shown => out.push('\u{201c}'),
                    b"rdblquote" if is_shown => out.push('\u{201d}'),
                    b"endash" if is_shown => out.push('\u{2013}'),
                    b"emdash" if is_shown => out.push('\u{2014}'),
                    b"bullet" if is_shown => out.push('\u{2022}'),
                    b"~" if is_shown => out.push('\u{a0}'),
                    b"\\" | b"{" | b"}" if is_shown => out.bytes.push(word[0]),
                    _ => {}
                }
            }
            b'\r' | b'\n' => at += 1,
            byte => {
                if to_drop > 0 {
                    to_drop -= 1;
                } else if is_shown {
                    out.bytes.push(byte);
                }
                at += 1;
            }
        }
    }
    out.flush();
    if is_html {
        Body::Html(out.text)
    } else {
        Body::Text(out.text)
    }
}

/// Text in a code page, with single characters in between.
struct Writer {
    text: String,
    bytes: Vec<u8>,
    encoding: &'static Encoding,
}

impl Writer {
    fn flush(&mut self) {
        if !self.bytes.is_empty() {
            self.text
                .push_str(&self.encoding.decode_without_bom_handling(&self.bytes).0);
            self.bytes.clear();
        }
    }

    fn push(&mut self, char: char) {
        self.flush();
        self.text.push(char);
    }

    fn push_str(&mut self, text: &str) {
        self.flush();
        self.text.push_str(text);
    }
}

/// The control word or symbol at `at`, its number, and where it ends, the space behind it included.
fn control(rtf: &[u8], at: usize) -> (&[u8], Option<i32>, usize) {
    let Some(first) = rtf.get(at) else {
        return (b"", None, at);
    };
    if *first == b'\'' {
        let hex = rtf
            .get(at + 1..at + 3)
            .and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| i32::from_str_radix(hex, 16).ok());
        return (b"'", byte, (at + 3).min(rtf.len()));
    }
    if !first.is_ascii_alphabetic() {
        return (&rtf[at..=at], None, at + 1);
    }
    let length = rtf[at..]
        .iter()
        .take(32)
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count();
    let mut end = at + length;
    let digits_from = end;
    if rtf.get(end) == Some(&b'-') {
        end += 1;
    }
    end += rtf[end..]
        .iter()
        .take(10)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let number = std::str::from_utf8(&rtf[digits_from..end])
        .ok()
        .and_then(|digits| digits.parse().ok());
    let next = end + usize::from(rtf.get(end) == Some(&b' '));
    (&rtf[at..at + length], number, next)
}

/// The encoding of a Windows code page; Windows-1252 for those that no mail uses.
pub(super) fn encoding_of(code_page: u16) -> &'static Encoding {
    let label = match code_page {
        65001 => "utf-8".to_owned(),
        1200 => "utf-16le".to_owned(),
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        54936 => "gb18030".to_owned(),
        20866 => "koi8-r".to_owned(),
        50220..=50222 => "iso-2022-jp".to_owned(),
        28591..=28606 => format!("iso-8859-{}", code_page - 28590),
        874 | 1250..=1258 => format!("windows-{code_page}"),
        _ => String::new(),
    };
    Encoding::for_label(label.as_bytes()).unwrap_or(encoding_rs::WINDOWS_1252)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worked_examples_of_ms_oxrtfcp_are_unpacked() {
        // Section 3.1.1.
        let packed = hex::decode(
            "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0",
        )
        .expect("hex");
        assert_eq!(
            unpack(&packed).as_deref(),
            Some(&b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"[..])
        );
        // Section 3.1.2: reading from the dictionary beyond what was written.
        let packed =
            hex::decode("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0").expect("hex");
        assert_eq!(
            unpack(&packed).as_deref(),
            Some(&b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"[..])
        );
    }

    #[test]
    fn html_is_taken_out_and_rtf_only_text_left_out() {
        let rtf = b"{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 \\deff0{\\fonttbl{\\f0 Arial;}}{\\*\\htmltag64 <p>}\\htmlrtf {\\htmlrtf0 \
            Gr\\'fc\\u223?e {\\*\\htmltag84 <a href=\"https://a.example/\\{x\\}\">}here\\htmlrtf \\par\\htmlrtf0 {\\*\\htmltag92 </a>}\
            {\\*\\htmltag72 </p>}\\htmlrtf }\\htmlrtf0}";
        assert_eq!(
            read(rtf),
            Body::Html("<p>Gr\u{fc}\u{df}e <a href=\"https://a.example/{x}\">here</a></p>".to_owned())
        );
        assert_eq!(
            read(b"{\\rtf1\\ansi one\\par two}"),
            Body::Text("one\r\ntwo".to_owned())
        );
    }
}
