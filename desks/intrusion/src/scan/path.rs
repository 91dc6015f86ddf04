//! The shape of a target: its path with whatever names a record or a person taken out, and the names of its parameters.
//!
//! Requests of one shape are answers from one place of the program, so their sizes can be compared. The shape is also all
//! that is ever shown of a target: values of a query never are, nor parts of a path that look personal.

/// What stands for something taken out.
const HIDDEN: &[u8] = "…".as_bytes();
/// Longest shape, in bytes.
const MAX_SHAPE: usize = 240;
/// Parts of a path behind which a record or a person is named.
const PERSONAL: &[&[u8]] = &[
    b"voter",
    b"voters",
    b"user",
    b"users",
    b"person",
    b"people",
    b"member",
    b"members",
    b"profile",
    b"profiles",
    b"account",
    b"accounts",
    b"registrant",
    b"registrants",
    b"record",
    b"records",
    b"name",
    b"names",
    b"email",
    b"by-name",
    b"lookup",
    b"verify",
    b"reset",
    b"confirm",
    b"unsubscribe",
    b"token",
];
/// What stands behind those and names nobody.
const PLAIN: &[&[u8]] = &[
    b"lookup",
    b"status",
    b"search",
    b"login",
    b"logout",
    b"register",
    b"index",
    b"new",
    b"edit",
    b"list",
    b"view",
    b"export",
    b"import",
    b"upload",
    b"download",
    b"profile",
    b"settings",
    b"check",
    b"find",
    b"results",
    b"confirm",
    b"reset",
    b"verify",
    b"history",
    b"api",
    b"admin",
    b"home",
    b"registration",
    b"address",
    b"update",
    b"submit",
    b"all",
    b"me",
];

/// What a target comes down to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shape {
    /// The number that the target names a record by: of the first parameter that is a number, else of the last part of the
    /// path that is one. A number of more than 18 digits, or a text that is an identifier, by its hash.
    pub record: Option<u64>,
    /// Where the query begins, or the length of the target.
    pub path_end: usize,
    /// Whether the path asks for a picture, a style sheet, a script for browsers or a font.
    pub is_static: bool,
}

/// Writes the shape of `target` into `shape` (cleared first).
pub fn shape_of(target: &[u8], shape: &mut Vec<u8>) -> Shape {
    shape.clear();
    let path_end = memchr::memchr2(b'?', b'#', target).unwrap_or(target.len());
    let path = &target[..path_end];
    let mut found = Shape {
        record: None,
        path_end,
        is_static: is_static(path),
    };
    let mut behind_personal = false;
    for part in path
        .split(|byte| *byte == b'/')
        .skip(usize::from(path.starts_with(b"/")))
    {
        shape.push(b'/');
        match kind_of(part, behind_personal) {
            Part::Plain => shape.extend_from_slice(part),
            Part::Number => {
                shape.push(b'0');
                found.record = number(part);
            }
            Part::Hidden => shape.extend_from_slice(HIDDEN),
        }
        behind_personal = PERSONAL.contains(&part);
        if shape.len() > MAX_SHAPE {
            break;
        }
    }
    if shape.is_empty() {
        shape.push(b'/');
    }
    let Some(query) = target.get(path_end + 1..) else {
        return found;
    };
    let mut from_query = None;
    let mut lead = b'?';
    for pair in query.split(|byte| *byte == b'&').take(24) {
        if pair.is_empty() {
            continue;
        }
        shape.push(lead);
        lead = b'&';
        match memchr::memchr(b'=', pair) {
            Some(at) => {
                name(&pair[..at], shape);
                shape.push(b'=');
                if from_query.is_none() {
                    from_query = number(&pair[at + 1..]);
                }
            }
            // A query without a name is a value.
            None => shape.extend_from_slice(HIDDEN),
        }
        if shape.len() > MAX_SHAPE {
            break;
        }
    }
    found.record = from_query.or(found.record);
    found
}

fn name(name: &[u8], shape: &mut Vec<u8>) {
    let is_name = name.len() <= 32
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']'));
    match is_name {
        true => shape.extend_from_slice(name),
        false => shape.extend_from_slice(HIDDEN),
    }
}

enum Part {
    Plain,
    Number,
    Hidden,
}

fn kind_of(part: &[u8], behind_personal: bool) -> Part {
    let mut digits = 0usize;
    let mut is_odd = false;
    for byte in part {
        digits += usize::from(byte.is_ascii_digit());
        is_odd |= !(byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'~'));
    }
    if digits > 0 && digits == part.len() {
        return Part::Number;
    }
    // Anything encoded, addressed or long, and what has the digits of a record's number, may name somebody.
    if is_odd
        || part.len() > 40
        || digits >= 5
        || (behind_personal && !part.is_empty() && !PLAIN.contains(&part))
    {
        return Part::Hidden;
    }
    Part::Plain
}

/// A number as a record's name.
fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 18 || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(
        text.iter()
            .fold(0, |value, byte| value * 10 + u64::from(byte - b'0')),
    )
}

fn is_static(path: &[u8]) -> bool {
    let tail = &path[path.len().saturating_sub(6)..];
    let Some(dot) = memchr::memrchr(b'.', tail) else {
        return false;
    };
    matches!(
        &tail[dot + 1..],
        b"css"
            | b"js"
            | b"mjs"
            | b"png"
            | b"jpg"
            | b"jpeg"
            | b"gif"
            | b"svg"
            | b"ico"
            | b"woff"
            | b"woff2"
            | b"ttf"
            | b"eot"
            | b"webp"
            | b"avif"
            | b"map"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(target: &str) -> (String, Option<u64>) {
        let mut text = Vec::new();
        let found = shape_of(target.as_bytes(), &mut text);
        (String::from_utf8(text).unwrap(), found.record)
    }

    #[test]
    fn values_and_people_are_taken_out() {
        assert_eq!(
            shape("/voter/status?id=2000017"),
            ("/voter/status?id=".into(), Some(2_000_017))
        );
        assert_eq!(
            shape("/voter/lookup?last=Nguyen&yob=1970"),
            ("/voter/lookup?last=&yob=".into(), Some(1970))
        );
        assert_eq!(
            shape("/voters/jane-doe/history"),
            ("/voters/…/history".into(), None)
        );
        assert_eq!(shape("/u/jane%40example.org"), ("/u/…".into(), None));
        assert_eq!(shape("/results/2024/12"), ("/results/0/0".into(), Some(12)));
        assert_eq!(shape("/?jane.doe@example.org"), ("/?…".into(), None));
        assert_eq!(shape("/a?<script>=1"), ("/a?…=".into(), Some(1)));
        assert_eq!(shape(""), ("/".into(), None));
    }
}
