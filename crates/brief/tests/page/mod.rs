//! A tiny reader of HTML, strict where a browser forgives: it asserts that a page is well formed and cannot act.

/// Elements that have no end tag (HTML Standard, 13.1.2), as far as the page uses them.
const VOID: [&str; 3] = ["meta", "br", "link"];

/// Elements that a page of ours may have. Anything else came from somebody's text.
const KNOWN: [&str; 66] = [
    "html",
    "head",
    "meta",
    "title",
    "style",
    "body",
    "div",
    "span",
    "header",
    "main",
    "section",
    "footer",
    "nav",
    "article",
    "p",
    "h1",
    "h2",
    "h3",
    "h4",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "a",
    "strong",
    "code",
    "pre",
    "mark",
    "br",
    "time",
    "table",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "th",
    "td",
    "figure",
    "figcaption",
    "details",
    "summary",
    "svg",
    "g",
    "rect",
    "circle",
    "polygon",
    "polyline",
    "line",
    "text",
    "desc",
    "bdi",
    "em",
    "small",
    "b",
    "i",
    "abbr",
    "caption",
    "colgroup",
    "col",
    "hr",
    "line",
    "path",
    "circle",
    "use",
];

/// The page taken apart.
pub struct Page {
    /// The text between tags, unescaped, style sheet left out.
    pub text: String,
    /// Every attribute: element, name, value.
    pub attributes: Vec<(String, String, String)>,
    /// Elements by name, in order.
    pub elements: Vec<String>,
}

/// Reads `page`, or says what is wrong with it.
pub fn read(page: &str) -> Result<Page, String> {
    let mut rest = page.strip_prefix("<!DOCTYPE html>").ok_or("no doctype")?;
    let mut open: Vec<String> = Vec::new();
    let mut read = Page {
        text: String::new(),
        attributes: vec![],
        elements: vec![],
    };
    while let Some(at) = rest.find('<') {
        let (text, tag) = rest.split_at(at);
        if text.contains('>') {
            return Err(format!("a bare > in {text:?}"));
        }
        read.text.push_str(&unescape(text)?);
        read.text.push('\n');
        let end = end_of_tag(tag).ok_or_else(|| format!("a tag that does not end: {tag:.60?}"))?;
        let inside = &tag[1..end];
        rest = &tag[end + 1..];
        if let Some(name) = inside.strip_prefix('/') {
            let expected = open.pop();
            if expected.as_deref() != Some(name) {
                return Err(format!("</{name}> closes {expected:?}"));
            }
            continue;
        }
        let (name, attributes) = inside.split_at(inside.find(' ').unwrap_or(inside.len()));
        if !KNOWN.contains(&name) {
            return Err(format!("an element of somebody else's: {name:?}"));
        }
        read.elements.push(name.to_owned());
        read_attributes(name, attributes, &mut read.attributes)?;
        if name == "style" {
            let end = rest.find("</style>").ok_or("a style sheet that does not end")?;
            rest = &rest[end + "</style>".len()..];
        } else if !VOID.contains(&name) {
            open.push(name.to_owned());
        }
    }
    if !open.is_empty() {
        return Err(format!("never closed: {open:?}"));
    }
    Ok(read)
}

fn end_of_tag(tag: &str) -> Option<usize> {
    let mut is_quoted = false;
    for (at, c) in tag.char_indices() {
        match c {
            '"' => is_quoted = !is_quoted,
            '>' if !is_quoted => return Some(at),
            _ => {}
        }
    }
    None
}

fn read_attributes(
    element: &str,
    mut rest: &str,
    out: &mut Vec<(String, String, String)>,
) -> Result<(), String> {
    while let Some(attribute) = rest.strip_prefix(' ') {
        let (name, value) = attribute
            .split_once("=\"")
            .ok_or_else(|| format!("an attribute without value in {element}: {attribute:.60}"))?;
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
            return Err(format!("an odd attribute: {name:?}"));
        }
        let (value, after) = value.split_once('"').ok_or("a value that does not end")?;
        out.push((element.to_owned(), name.to_owned(), unescape(value)?));
        rest = after;
    }
    if rest.is_empty() {
        Ok(())
    } else {
        Err(format!("odd rest of a tag: {rest:?}"))
    }
}

fn unescape(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (entity, c) = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"')]
            .into_iter()
            .find(|(entity, _)| rest.starts_with(entity))
            .ok_or_else(|| format!("a bare & in {rest:.40?}"))?;
        out.push(c);
        rest = &rest[entity.len()..];
    }
    out.push_str(rest);
    Ok(out)
}

/// Asserts that the page loads nothing, runs nothing, leads nowhere outside, and shows nothing that rearranges text.
pub fn assert_harmless(page: &str) -> Page {
    let read = read(page).unwrap_or_else(|why| panic!("{why}"));
    let lower = page.to_lowercase();
    for never in [
        "<script",
        "<iframe",
        "<object",
        "<embed",
        "<img",
        "<form",
        "<base",
        "javascript:",
        "http://",
        "https://",
    ] {
        assert!(!lower.contains(never), "{never}");
    }
    let mut ids = std::collections::BTreeSet::new();
    for (element, name, value) in &read.attributes {
        assert!(
            !name.starts_with("on") && name != "style" && name != "src",
            "{element} {name}={value:?}"
        );
        if name == "href" {
            assert!(value.starts_with('#'), "{value:?}");
        }
        if name == "id" {
            assert!(
                value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
                "{value:?}"
            );
            assert!(ids.insert(value.clone()), "two elements with id {value:?}");
        }
    }
    for (element, name, value) in &read.attributes {
        if name == "href" || name == "aria-labelledby" {
            for id in value.split(' ') {
                assert!(
                    ids.contains(id.trim_start_matches('#')),
                    "{element} points at {id:?}"
                );
            }
        }
    }
    let unseen = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(u32::from(c), 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0xFEFF | 0x61C | 0xAD | 0xE0000..=0xE0FFF)
    };
    assert_eq!(
        page.chars().find(|c| unseen(*c)),
        None,
        "a character that does not show"
    );
    read
}
