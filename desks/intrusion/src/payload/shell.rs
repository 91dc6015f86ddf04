//! A command as a shell reads it: without the signs that split its words for a filter's eyes.

use std::sync::LazyLock;

use regex::bytes::Regex;

/// Appends to `out` what a shell makes of `text`: quotes, backslashes, carets and empty variables taken out.
///
/// Returns whether a sign stood inside a word (`w'h'oami`, `c\at`) or a variable anywhere (`c$@at`), which is how filters are
/// slipped past; a sentence has an apostrophe there too, so that this alone says nothing.
pub(super) fn unquoted(text: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    let mut splits_word = false;
    let mut at = 0;
    while at < text.len() {
        let taken = match &text[at..] {
            [b'\'' | b'"' | b'^', ..] => 1,
            [b'\\', next, ..] if next.is_ascii_alphanumeric() => 1,
            [b'$', b'{', b'i', b'f', b's', b'}', ..] => {
                out.push(b' ');
                at += 6;
                continue;
            }
            [b'$', b'i', b'f', b's', rest @ ..] => {
                out.push(b' ');
                at += 4 + if rest.starts_with(b"$9") { 2 } else { 0 };
                continue;
            }
            [b'$', b'(', b'e', b'c', b'h', b'o', b')', ..] => 7,
            [b'$', b'(', b')', ..] | [b'`', b'`', ..] => 2,
            [b'$', b'{', rest @ ..] => match rest.iter().take(24).position(|&byte| byte == b'}') {
                Some(length)
                    if rest[..length]
                        .iter()
                        .all(|b| b.is_ascii_alphanumeric() || *b == b'_') =>
                {
                    length + 3
                }
                _ => 0,
            },
            [b'$', b'@' | b'*' | b'!' | b'?' | b'-' | b'$' | b'#', ..] => 2,
            // A variable of one letter, or `_`, is empty wherever it was not set.
            [b'$', name, rest @ ..] if name.is_ascii_alphabetic() || *name == b'_' => match rest.first() {
                Some(next) if *name != b'_' && (next.is_ascii_alphanumeric() || *next == b'_') => 0,
                _ => 2,
            },
            _ => 0,
        };
        if taken == 0 {
            out.push(text[at]);
            at += 1;
            continue;
        }
        let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
        splits_word |= text[at] == b'$'
            || is_letter(out.last()) && is_letter(text.get(at + taken))
            || at == 0 && text.len() > taken;
        at += taken;
    }
    splits_word
}

/// A command whose word was split by quotes: nothing but a command is written so. With an argument, or alone.
static SPLIT_COMMAND: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?-u)^(?:whoami|ifconfig|ipconfig|uname|hostname|netstat|systeminfo|printenv|lsof|tasklist|ip\s+(?:a|addr|r|route|l|link)|(?:cat|tac|head|tail|nl|more|less|ls|ll|id|wget|curl|nc|ncat|ping|nslookup|dig|bash|sh|zsh|python[0-9.]*|perl|ruby|php|echo|rm|cp|mv|chmod|uname|zcat|zstdcat|type|dir|net|cmd|powershell)(?:\s+[\w/.~$*?-][^\s]*(?:\s+-?[\w/.~$*?-]\S*)*)?)\s*;?$",
    )
    .expect("the pattern is a constant that a test compiles")
});

/// Whether `bare`, the text without its signs, is a command and `text` split the command's own word.
pub(super) fn is_split_command(text: &[u8], bare: &[u8]) -> bool {
    let word_end = text
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(text.len());
    let word = &text[..word_end];
    let inner_quotes = word
        .iter()
        .enumerate()
        .filter(|(place, byte)| matches!(**byte, b'\'' | b'"' | b'\\') && *place + 1 < word.len())
        .count();
    inner_quotes >= 1 && SPLIT_COMMAND.is_match(bare)
}

/// A command line, as web shells take it in a parameter.
static COMMAND_LINE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?-u)^\s*(?:whoami|id|dir|ls|pwd|ipconfig|ifconfig|ver|hostname|systeminfo|uname|ps|netstat|tasklist|set|env|w|who)\s*$|^\s*(?:whoami|id|dir|ls|ll|cat|type|ipconfig|ifconfig|uname|ps|netstat|tasklist|net|netsh|nslookup|ping|tracert|wget|curl|certutil|powershell|cmd|bash|sh|nc|python[0-9.]*|perl|php|ruby|echo|copy|del|move|ren|mkdir|md|rm|cp|mv|chmod|chown|find|grep|head|tail|more|reg|sc|wmic|schtasks|attrib|icacls|tar|zip|7z|rar|sqlcmd|mysql|mysqldump|pg_dump|psql|whoami\.exe|cd)(?:\.exe)?\s+\S",
    )
    .expect("the pattern is a constant that a test compiles")
});

/// Names of parameters that say what they are for.
const COMMAND_PARAMETERS: &[&[u8]] = &[
    b"cmd",
    b"command",
    b"exec",
    b"execute",
    b"shell",
    b"cmdline",
    b"system",
    b"execmd",
    b"shellcmd",
    b"runcmd",
    b"oscmd",
];

/// Short names that published web shells take commands by. Innocent pages use them too, so that they count only where the page
/// is a script.
const SHORT_PARAMETERS: &[&[u8]] = &[
    b"c", b"x", b"run", b"do", b"e", b"z0", b"ex", b"0", b"1", b"q", b"p", b"a",
];

/// Whether `name=value` hands a command to a page; both decoded and in lower case.
pub(super) fn is_command_parameter(name: &[u8], value: &[u8], runs_script: bool) -> bool {
    let is_named_so = COMMAND_PARAMETERS.contains(&name) || runs_script && SHORT_PARAMETERS.contains(&name);
    is_named_so && COMMAND_LINE.is_match(value)
}

/// Whether a path names a page that a server runs.
pub(super) fn is_script(path: &[u8]) -> bool {
    const ENDINGS: &[&[u8]] = &[
        b".php", b".phtml", b".asp", b".aspx", b".ashx", b".asmx", b".jsp", b".jspx", b".cfm", b".cgi",
        b".pl", b".py", b".php5", b".php7",
    ];
    ENDINGS.iter().any(|ending| path.ends_with(ending))
}
