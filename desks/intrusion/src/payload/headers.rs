//! Headers beside agent and referring page, of logs that captured them: what stands in their values, and the names of files that
//! are handed in under them.

use rustc_hash::FxHashMap;

use super::inspector::{Inspector, Place, Scratch, push};
use super::sql::fingerprint;
use crate::Class;
use crate::decode::Plus;
use crate::hit::{Facts, Field, Hit, Hits, Weight};
use crate::read::Headers;

/// Values whose inspection is remembered, of browsers' unchanging headers; beyond it all are forgotten.
const MAX_KNOWN: usize = 2048;
/// Longest value that is remembered.
const MAX_KNOWN_VALUE: usize = 512;

/// What was said of values seen before, by their text.
#[derive(Debug, Default)]
pub(super) struct Known(FxHashMap<Box<[u8]>, Box<[Hit]>>);

impl Inspector {
    /// Looks at captured headers. Those that have a field of their own are left to it.
    pub(super) fn look_at_headers(&self, headers: Headers<'_>, scratch: &mut Scratch, hits: &mut Hits) {
        for (name, value) in headers.iter() {
            if has_own_field(name) {
                continue;
            }
            self.look_at_header(value, scratch, hits);
            if let Some(upload) = upload_of(name, value) {
                push(hits, upload);
            }
        }
    }

    fn look_at_header(&self, value: &[u8], scratch: &mut Scratch, hits: &mut Hits) {
        if !self.is_worth_a_look(value, scratch) {
            return;
        }
        if let Some(known) = scratch.known.0.get(value) {
            for hit in known {
                push(hits, *hit);
            }
            return;
        }
        let mut found = Hits::default();
        self.look_at_text(value, Place::header(Field::Header), scratch, &mut found);
        for hit in &found.0 {
            push(hits, *hit);
        }
        if value.len() <= MAX_KNOWN_VALUE {
            if scratch.known.0.len() >= MAX_KNOWN {
                scratch.known.0.clear();
            }
            scratch.known.0.insert(value.into(), found.0.into_boxed_slice());
        }
    }
}

fn has_own_field(name: &[u8]) -> bool {
    ["cookie", "user-agent", "referer"]
        .iter()
        .any(|own| name.eq_ignore_ascii_case(own.as_bytes()))
}

/// Whether a header of this name says what a file that is handed in shall be called: `X-Filename`, `X-File-Name`, `Filename`
/// (upload scripts for browsers), `Slug` (RFC 5023, section 9.7), `Content-Disposition` (RFC 6266), `Upload-Metadata` (tus 1.0).
/// Servers that hand headers to programs as variables make `_` of every sign, so the signs do not count.
fn names_a_file(name: &[u8]) -> bool {
    let mut plain = [0u8; 32];
    let mut length = 0;
    for byte in name.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
        let Some(slot) = plain.get_mut(length) else {
            return false;
        };
        *slot = byte.to_ascii_lowercase();
        length += 1;
    }
    let plain = &plain[..length];
    plain.ends_with(b"filename") || matches!(plain, b"slug" | b"contentdisposition" | b"uploadmetadata")
}

/// What is said of a header that names a file which a server would run, or which would change what it runs.
fn upload_of(name: &[u8], value: &[u8]) -> Option<Hit> {
    if !names_a_file(name) {
        return None;
    }
    let mut ladder = crate::decode::Ladder::default();
    let depth = ladder.climb(value, Plus::IsPlus).depth;
    let text = ladder.lower();
    let (class, rule) = match kind_of(text)? {
        Kind::Php => (Class::Php, "php-file-upload"),
        Kind::Session => (Class::Php, "php-session-upload"),
        Kind::Page => (Class::Rce, "program-file-upload"),
    };
    Some(Hit {
        class,
        rule,
        weight: Weight::Strong,
        field: Field::Header,
        depth,
        fingerprint: fingerprint(rule.as_bytes()),
        tool: None,
        facts: Facts::default(),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Php,
    Session,
    Page,
}

/// What a server would make of a file by its name, in lower case: any of its extensions counts, because Apache httpd's
/// `AddHandler` goes by any (`a.php.jpg`), and what follows the name for the file system alone is taken off (dots, blanks,
/// `::$data`).
fn kind_of(text: &[u8]) -> Option<Kind> {
    // `form-data; name="x"; filename="a.php"`: each quoted or bare piece is a name of its own.
    text.split(|byte| matches!(byte, b'"' | b'\'' | b';' | b'=' | 0))
        .find_map(kind_of_name)
}

fn kind_of_name(name: &[u8]) -> Option<Kind> {
    let name = name
        .rsplit(|byte| matches!(byte, b'/' | b'\\'))
        .next()
        .unwrap_or_default()
        .trim_ascii();
    if is_session_file(name) {
        return Some(Kind::Session);
    }
    if matches!(name, b".htaccess" | b".user.ini" | b"web.config") {
        return Some(if name == b".user.ini" {
            Kind::Php
        } else {
            Kind::Page
        });
    }
    name.split(|byte| matches!(byte, b'.' | b':'))
        .skip(1)
        .find_map(|extension| kind_of_extension(extension.trim_ascii()))
}

/// Extensions that the servers' own settings hand to a program: PHP (`mod_php`, Debian's `phar`, `phps`, `pht`), ASP and ASP.NET
/// (IIS), Java's server pages and archives, ColdFusion, server-side includes.
fn kind_of_extension(extension: &[u8]) -> Option<Kind> {
    let is_php = extension
        .strip_prefix(b"php")
        .is_some_and(|digits| digits.len() <= 4 && digits.iter().all(u8::is_ascii_digit));
    if is_php
        || matches!(
            extension,
            b"phtml" | b"phtm" | b"pht" | b"phpt" | b"phps" | b"phar" | b"pgif" | b"hphp"
        )
    {
        return Some(Kind::Php);
    }
    matches!(
        extension,
        b"asp"
            | b"aspx"
            | b"ashx"
            | b"asmx"
            | b"ascx"
            | b"asax"
            | b"asa"
            | b"cshtml"
            | b"vbhtml"
            | b"soap"
            | b"jsp"
            | b"jspx"
            | b"jspf"
            | b"jsw"
            | b"jsv"
            | b"jhtml"
            | b"war"
            | b"cfm"
            | b"cfml"
            | b"cfc"
            | b"shtml"
            | b"stm"
    )
    .then_some(Kind::Page)
}

/// The file in which PHP keeps a session, by its name: `sess_` and an id of 22 to 256 letters, digits, `,` and `-` (manual,
/// `session.sid_length`). An id made by hand may be shorter: from 20 signs on, as in rule 933220 of the OWASP Core Rule Set.
fn is_session_file(name: &[u8]) -> bool {
    name.strip_prefix(b"sess_").is_some_and(|id| {
        (20..=256).contains(&id.len())
            && id
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b',' | b'-'))
    })
}
