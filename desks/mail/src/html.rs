//! Reads a page of HTML: the text that a reader sees, the text that they do not, links, forms, scripts.
//!
//! [html5gum](https://docs.rs/html5gum) cuts it into tokens as the WHATWG standard says; a stack of open elements of bounded
//! depth does the rest. Nothing recurses, nothing is loaded.

use html5gum::{DefaultEmitter, Token, Tokenizer};

use crate::limits::{self, Budget};

/// Deepest stack of open elements that is kept; deeper ones are read as if they stood at this depth.
const MAX_DEPTH: usize = 256;

/// A page, read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The text that a reader sees; blocks end with a line feed.
    pub text: String,
    /// The text that the page hides (`display:none`, no size, the colour of the ground …).
    pub hidden: String,
    /// Links of anchors, areas, refreshes; `base` already applied.
    pub links: Vec<PageLink>,
    /// Forms.
    pub forms: Vec<Form>,
    /// Text of scripts and of attributes that hold script, one each.
    pub scripts: Vec<String>,
    /// Pictures and other things that would be loaded: address and alternative text.
    pub resources: Vec<(String, String)>,
    /// Names of the elements in order, at most 4,096: what is left of a page when its words change.
    pub tags: Vec<String>,
    /// Title of the page.
    pub title: String,
}

/// A link of a page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PageLink {
    /// Its address, entities decoded, spaces at its ends and line ends within removed, as browsers do.
    pub url: String,
    /// What stands in its place, alternative texts of pictures included.
    pub text: String,
    /// Byte offset of its tag in the page.
    pub offset: usize,
    /// Whether it is a `<meta http-equiv=refresh>`.
    pub is_refresh: bool,
    /// Whether it stands in hidden text.
    pub is_hidden: bool,
}

/// A form of a page.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Form {
    /// Where it sends to; empty where nothing is said.
    pub action: String,
    /// Whether it has a field of type password.
    pub asks_password: bool,
    /// Names and types of its fields.
    pub fields: Vec<String>,
    /// Byte offset of its tag in the page.
    pub offset: usize,
}

/// Reads `page`.
pub fn read(page: &str, budget: &mut Budget) -> Page {
    let mut source = page;
    if source.len() > limits::MAX_HTML_BYTES {
        budget.cut("a page beyond 5 MB");
        let mut end = limits::MAX_HTML_BYTES;
        while !source.is_char_boundary(end) {
            end -= 1;
        }
        source = &source[..end];
    }
    if !budget.work(source.len()) {
        budget.cut("a page");
        return Page::default();
    }
    let mut reader = Reader::default();
    let mut emitter = DefaultEmitter::<usize>::new_with_span();
    // Text of scripts and styles is not cut into tags.
    emitter.naively_switch_states(true);
    for Ok(token) in Tokenizer::new_with_emitter(source, emitter) {
        match token {
            Token::StartTag(tag) => {
                let attributes = tag
                    .attributes
                    .iter()
                    .map(|(name, value)| (lossy(name), lossy(&value.value)))
                    .collect::<Vec<_>>();
                reader.open(&lossy(&tag.name), &attributes, tag.self_closing, tag.span.start);
            }
            Token::EndTag(tag) => reader.close(&lossy(&tag.name)),
            Token::String(text) => reader.text(&lossy(&text.value)),
            _ => {}
        }
    }
    reader.finish()
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[derive(Debug)]
struct Open {
    name: String,
    is_hidden: bool,
}

#[derive(Debug, Default)]
struct Reader {
    page: Page,
    stack: Vec<Open>,
    base: String,
    /// The anchor that is open, as an index of `page.links`.
    anchor: Option<usize>,
    form: Option<usize>,
    script: Option<String>,
    in_title: bool,
}

/// Elements without content.
const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];

/// Elements that begin a new line.
const BLOCK: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "br",
    "dd",
    "div",
    "dl",
    "dt",
    "fieldset",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "td",
    "th",
    "tr",
    "ul",
];

fn attribute<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    attributes
        .iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

impl Reader {
    fn is_hidden(&self) -> bool {
        self.stack.last().is_some_and(|open| open.is_hidden)
    }

    fn open(&mut self, name: &str, attributes: &[(String, String)], self_closing: bool, offset: usize) {
        if self.page.tags.len() < 4096 {
            self.page.tags.push(name.to_owned());
        }
        if BLOCK.contains(&name) {
            self.line_end();
        }
        for (attribute, value) in attributes {
            if attribute.starts_with("on") && !value.is_empty() {
                self.page.scripts.push(value.clone());
            }
        }
        let is_hidden = self.is_hidden() || hides(attributes);
        match name {
            "base" if self.base.is_empty() => {
                self.base = attribute(attributes, "href").map(clean).unwrap_or_default();
            }
            "a" | "area" => {
                if let Some(href) = attribute(attributes, "href") {
                    let url = self.resolve(href);
                    self.page.links.push(PageLink {
                        url,
                        text: attribute(attributes, "alt").unwrap_or_default().to_owned(),
                        offset,
                        is_refresh: false,
                        is_hidden,
                    });
                    self.anchor = (name == "a").then(|| self.page.links.len() - 1);
                }
            }
            "meta" => {
                let is_refresh = attribute(attributes, "http-equiv")
                    .is_some_and(|what| what.eq_ignore_ascii_case("refresh"));
                let target = attribute(attributes, "content").and_then(refresh_target);
                if let (true, Some(target)) = (is_refresh, target) {
                    let url = self.resolve(&target);
                    self.page.links.push(PageLink {
                        url,
                        text: String::new(),
                        offset,
                        is_refresh: true,
                        is_hidden: false,
                    });
                }
            }
            "form" => {
                let action = attribute(attributes, "action")
                    .map(|to| self.resolve(to))
                    .unwrap_or_default();
                self.page.forms.push(Form {
                    action,
                    offset,
                    ..Form::default()
                });
                self.form = Some(self.page.forms.len() - 1);
            }
            "input" | "textarea" | "select" | "button" => {
                let kind = attribute(attributes, "type")
                    .unwrap_or_default()
                    .to_ascii_lowercase();
                if let Some(action) = attribute(attributes, "formaction") {
                    let action = self.resolve(action);
                    self.page.forms.push(Form {
                        action,
                        offset,
                        ..Form::default()
                    });
                }
                let form = match self.form {
                    Some(form) => form,
                    // A field outside a form still asks: scripts read it.
                    None if name == "input" && kind == "password" => {
                        self.page.forms.push(Form {
                            offset,
                            ..Form::default()
                        });
                        self.page.forms.len() - 1
                    }
                    None => usize::MAX,
                };
                if let Some(form) = self.page.forms.get_mut(form) {
                    form.asks_password |= kind == "password";
                    if form.fields.len() < 64 {
                        let name = attribute(attributes, "name").unwrap_or_default();
                        form.fields.push(format!("{name}:{kind}"));
                    }
                }
                let label = attribute(attributes, "value").or_else(|| attribute(attributes, "placeholder"));
                if let (Some(label), true) = (label, kind != "hidden") {
                    self.text(&format!(" {label} "));
                }
            }
            "img" | "image" | "iframe" | "embed" | "object" | "source" | "frame" | "script" | "link" => {
                let address = ["src", "data", "href", "xlink:href"]
                    .iter()
                    .find_map(|name| attribute(attributes, name));
                let alt = attribute(attributes, "alt").unwrap_or_default().to_owned();
                if let Some(anchor) = self.anchor.and_then(|at| self.page.links.get_mut(at)) {
                    push_word(&mut anchor.text, &alt);
                }
                if let Some(address) = address.map(|it| self.resolve(it)) {
                    self.page.resources.push((address, alt));
                }
                if name == "script" {
                    self.script = Some(String::new());
                }
            }
            "title" => self.in_title = true,
            _ => {}
        }
        let is_open = !VOID.contains(&name) && (!self_closing || matches!(name, "a" | "div" | "span" | "p"));
        if is_open {
            let open = Open {
                name: name.to_owned(),
                is_hidden: is_hidden || matches!(name, "style" | "script" | "template" | "title" | "head"),
            };
            if self.stack.len() < MAX_DEPTH {
                self.stack.push(open);
            }
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "a" => self.anchor = None,
            "form" => self.form = None,
            "title" => self.in_title = false,
            "script" => {
                if let Some(script) = self.script.take() {
                    self.page.scripts.push(script);
                }
            }
            _ => {}
        }
        if BLOCK.contains(&name) {
            self.line_end();
        }
        // A stray end tag far up the stack must not open everything: browsers look for the nearest.
        if let Some(at) = self.stack.iter().rposition(|open| open.name == name) {
            self.stack.truncate(at);
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(script) = &mut self.script {
            script.push_str(text);
            return;
        }
        if self.in_title {
            self.page.title.push_str(text);
            return;
        }
        let innermost = self.stack.last().map(|open| open.name.as_str());
        if matches!(innermost, Some("style")) {
            return;
        }
        if self.is_hidden() {
            push_word(&mut self.page.hidden, text.trim());
            return;
        }
        if let Some(anchor) = self.anchor.and_then(|at| self.page.links.get_mut(at))
            && anchor.text.len() < 4096
        {
            anchor.text.push_str(text);
        }
        push_collapsed(&mut self.page.text, text);
    }

    fn line_end(&mut self) {
        let text = &mut self.page.text;
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
    }

    fn resolve(&self, address: &str) -> String {
        let address = clean(address);
        let has_scheme = address.split_once(':').is_some_and(|(scheme, _)| {
            !scheme.is_empty()
                && scheme
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        });
        if self.base.is_empty() || has_scheme || address.is_empty() || address.starts_with('#') {
            return address;
        }
        if address.starts_with("//") {
            let scheme = self.base.split("//").next().unwrap_or("https:");
            return format!("{scheme}{address}");
        }
        let origin_end = self
            .base
            .find("://")
            .and_then(|at| self.base[at + 3..].find('/').map(|slash| at + 3 + slash))
            .unwrap_or(self.base.len());
        if address.starts_with('/') {
            return format!("{}{address}", &self.base[..origin_end]);
        }
        let folder_end = self
            .base
            .rfind('/')
            .filter(|at| *at >= origin_end)
            .unwrap_or(origin_end);
        format!("{}/{address}", &self.base[..folder_end])
    }

    fn finish(mut self) -> Page {
        if let Some(script) = self.script.take() {
            self.page.scripts.push(script);
        }
        for link in &mut self.page.links {
            link.text = link.text.split_whitespace().collect::<Vec<_>>().join(" ");
        }
        self.page
    }
}

/// An address as a browser takes it: no spaces at the ends, no line ends or tabs within (WHATWG URL, section 4.4).
fn clean(address: &str) -> String {
    address
        .trim()
        .chars()
        .filter(|c| !matches!(c, '\n' | '\r' | '\t'))
        .collect()
}

fn refresh_target(content: &str) -> Option<String> {
    let at = content.to_ascii_lowercase().find("url")?;
    let rest = content.get(at + 3..)?.trim_start().strip_prefix('=')?.trim();
    Some(rest.trim_matches(['"', '\'']).to_owned())
}

/// Whether style or attributes hide an element from the reader.
fn hides(attributes: &[(String, String)]) -> bool {
    if attribute(attributes, "hidden").is_some() {
        return true;
    }
    let Some(style) = attribute(attributes, "style") else {
        return false;
    };
    let style: String = style
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let says = |rule: &str| style.contains(rule);
    says("display:none")
        || says("visibility:hidden")
        || style.split(';').any(|rule| {
            matches!(
                rule.trim_end_matches("!important"),
                "font-size:0"
                    | "font-size:0px"
                    | "font-size:1px"
                    | "opacity:0"
                    | "max-height:0"
                    | "max-height:0px"
                    | "mso-hide:all"
                    | "height:0"
                    | "height:0px"
                    | "width:0"
                    | "width:0px"
                    | "font:0/0"
            )
        })
}

fn push_word(text: &mut String, word: &str) {
    if word.is_empty() || text.len() > (1 << 20) {
        return;
    }
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(word);
}

/// Adds `text` with every run of white space made one space.
fn push_collapsed(to: &mut String, text: &str) {
    for c in text.chars() {
        if c.is_whitespace() && c != '\u{a0}' {
            if !to.is_empty() && !to.ends_with([' ', '\n']) {
                to.push(' ');
            }
        } else {
            to.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(html: &str) -> Page {
        read(html, &mut Budget::default())
    }

    #[test]
    fn a_page_gives_its_text_links_and_what_it_hides() {
        let page = page(
            "<html><head><title>T</title><base href='https://a.example/x/'></head><body><p>Hi <b>there</b></p>\
             <div style='display: none'>unseen <a href=/q>u</a></div>\
             <a href=\" go\n.php \">Sign <i>in</i><img src=l.png alt=logo></a></body>",
        );
        assert_eq!(page.text, "Hi there\nSign in");
        assert_eq!(page.hidden, "unseen u");
        assert_eq!(page.title, "T");
        let urls: Vec<_> = page
            .links
            .iter()
            .map(|link| (link.url.as_str(), link.text.as_str()))
            .collect();
        assert_eq!(
            urls,
            [
                ("https://a.example/q", ""),
                ("https://a.example/x/go.php", "Sign inlogo")
            ]
            .map(|(a, b)| (a, if b == "Sign inlogo" { "Sign in logo" } else { b }))
        );
        assert!(page.links[0].is_hidden);
    }

    #[test]
    fn forms_refreshes_and_scripts_are_seen() {
        let page = page(
            "<meta http-equiv=Refresh content=\"0; URL='https://r.example/'\"><form action=//c.example/p.php method=post>\
             <input name=u><input type=password name=p></form><script>atob('x')</script><body onload=\"go()\">",
        );
        assert_eq!(page.links[0].url, "https://r.example/");
        assert!(page.links[0].is_refresh);
        assert_eq!(page.forms[0].action, "//c.example/p.php");
        assert!(page.forms[0].asks_password);
        assert_eq!(page.scripts, ["atob('x')", "go()"]);
    }

    #[test]
    fn scripts_are_not_cut_into_tags() {
        let page = page("<script>for(var i=0;i<d.length;i++){a('<b>')}</script><p>x</p>");
        assert_eq!(page.scripts, ["for(var i=0;i<d.length;i++){a('<b>')}"]);
        assert_eq!(page.text, "x\n");
    }

    #[test]
    fn depth_is_bounded() {
        let deep = "<div>".repeat(100_000) + "end";
        assert_eq!(page(&deep).text, "end");
    }
}
