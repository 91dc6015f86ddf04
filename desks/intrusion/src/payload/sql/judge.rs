//! What the shape of a statement says.

use regex::bytes::Regex;

use crate::hit::{Facts, Weight};

use super::facts::read_facts;
use super::token::{Entry, Token, Tokens};

/// One pattern over shapes: see `Token::letter` for the letters.
struct Shape {
    rule: &'static str,
    weight: Weight,
    entered: Entered,
    pattern: &'static str,
}

/// For which way of entering the text a pattern holds.
#[derive(PartialEq, Eq)]
enum Entered {
    /// Any.
    Either,
    /// Only where the text closes a string that the application has opened.
    Inside,
}

/// Every pattern needs two independent things of SQL (a keyword in its place and an operand, a closed string and an
/// operator), which is what a sentence about unions and committees does not have.
const SHAPES: &[Shape] = &[
    strong(
        "sql-union",
        r"Ua?\(*i?Ea?i?(?:[1hzsqvoiCS+-]|\(|[fdx]\(|n[,(ce;+=])|UaEn|Ua?\(*En(?:F[nsS](?:[WLBHceU;,)&.]))",
    ),
    sign("sql-union", r"^Ua?\(*EnF(?:[nsS]?$)"),
    strong("sql-union", r"UV\("),
    strong(
        "sql-tautology",
        r"&!?\(*!?-?\(*[1hsv]\)*(?:[=~]|o?=)!?\(*-?[1hsqv]",
    ),
    inside(
        "sql-condition",
        Weight::Strong,
        r"^s\)*&!?\(*!?(?:[fdx]\(|~|[1hsnv]\)*[=~Ij?]|E(?:[1ho(]|[fd]\()|[1z]e|\(E)",
    ),
    strong(
        "sql-condition",
        r"(?:^|[^n])[1s]\)*&!?\(*(?:[fdx]\(+(?:[fdxE1hsv]|n[,)(])|n[=~][1hsv])",
    ),
    inside("sql-condition", Weight::Sign, r"^s\)*&!?\(*[q1]"),
    inside("sql-comment-ends", Weight::Strong, r"^s\)*(?:[&UB].{0,40})?e"),
    // A union is followed by a query or a bracket; what else stands behind the word is prose.
    strong("sql-comment-ends", r"^[1s]\)*(?:[&B][1hzsfdE(!-]|U[E(]).{0,40}e"),
    inside("sql-call-out", Weight::Strong, r"^s\)*[o&+-]?d\("),
    strong("sql-tautology", r"^s=s"),
    strong("sql-tautology", r"[1s]\+!?\(*[1hs]=[1hsq]|^!\(*[1hs]=[1hsq]"),
    inside("sql-stacked", Weight::Strong, r"^s\)*;(?:[eckEd]|$)"),
    strong("sql-stacked", r"[1sn)];+(?:kT|kn[=(]|E[1hsfdxo(]|dT|d\()"),
    strong(
        "sql-call-out",
        r"(?:^|[^nx.])d\((?:[1h](?:[,)+*o-]|$)|[sqvfxEdo(-]|n[,.:])",
    ),
    strong("sql-call-out", r"dT[sq1]"),
    strong(
        "sql-call-out",
        r"(?:^|[s&(,=;+-])D\((?:[1h][,)+*o-]|[sqvfxEdD(-]|n[,.:])",
    ),
    strong("sql-subquery", r"\(i?E+a?(?:[1hsvoiC]|\(+[1hEsfdxo]|[fdx]\()"),
    strong("sql-subquery", r"\(E[^;]{1,24}F(?:S|n[W)B].*[=~]|\()"),
    sign("sql-subquery", r"\(En?F[nsS]"),
    strong(
        "sql-select",
        r"^[;(]*i?Ea?(?:o|[fd]\(.*|[1hs].*|n(?:,n)*)F(?:S|s|n(?:$|[WBLc;,]))",
    ),
    strong(
        "sql-select",
        r"^\(*Ea?[fd]\((?:[^)]*\)+(?:$|[,F;ec])|[1hsvnE(,fd]*$)",
    ),
    strong("sql-order", r"^[1s]\)*B1(?:,1)*(?:[ec]|$)"),
    strong("sql-order", r"(?:^|[1s)])B(?:[fd]\(|\(E|C)"),
    // A name compared behind the word alone is prose ("having trouble <3"); entered from a value, or cut off by a comment, it is not.
    strong(
        "sql-having",
        r"H(?:f\([^)]*\)[=~I]|[1s]=[1sqhn]|n=[1sqhn][^;]{0,20}e)|[1s)]Hn=[1sqhn]",
    ),
    strong("sql-case", r"(?:^|[(,=E&+-])CN?[^;]{1,20}N[^;]{0,20}N"),
    strong("sql-case", r"^CN(?:\(?[1sn]\)?N[1sn](?:N|$)|n[=~I1][^;]{1,12}N)"),
    inside("sql-like", Weight::Strong, r"^s\)*~!?(?:[sqh(]|n[=;]|1;)"),
    strong("sql-like", r"\)~\("),
    strong("sql-cast", r"[)ns1x]t"),
    strong("sql-json", r"(?:sj|j[sq]|tj|&s\?[s|])"),
    strong(
        "sql-code-string",
        r"[fx]\((?:h|f\(|x\(f)|f\(1\)(?:[+,-]f\(1\))+|f\([^()]*,\(?E|[+]f\(",
    ),
    strong("sql-executed-comment", r"i\(*[UEFW&kdfB]|[1s)]i"),
    strong("sql-if", r"(?:^|[,(&=B+-])f\(\(*[1hs]\)*[=~]"),
    inside(
        "sql-concat",
        Weight::Strong,
        r"^s[+](?:[(sfdx1hEn]|$)|^s-\(+[Efd]|^s[o-][fd]\(",
    ),
    strong("sql-catalogue", r"[FU,(.E]S|S[.W=]"),
    strong("sql-limit", r"[1s)]L1(?:,1)?[ec]"),
    strong("sql-statement", r"kT?n?(?:\((?:n|s)(?:,(?:n|s))*\))V\("),
];

const fn strong(rule: &'static str, pattern: &'static str) -> Shape {
    Shape {
        rule,
        weight: Weight::Strong,
        entered: Entered::Either,
        pattern,
    }
}

const fn sign(rule: &'static str, pattern: &'static str) -> Shape {
    Shape {
        rule,
        weight: Weight::Sign,
        entered: Entered::Either,
        pattern,
    }
}

const fn inside(rule: &'static str, weight: Weight, pattern: &'static str) -> Shape {
    Shape {
        rule,
        weight,
        entered: Entered::Inside,
        pattern,
    }
}

/// What a field is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expects {
    /// A value.
    Value,
    /// A condition in a language like SQL, as map servers and OData take it by name.
    Condition,
}

/// Whether a rule says no more than that there is a condition.
fn is_condition(rule: &str) -> bool {
    matches!(
        rule,
        "sql-tautology"
            | "sql-condition"
            | "sql-like"
            | "sql-case"
            | "sql-order"
            | "sql-code-string"
            | "sql-having"
    )
}

/// The compiled patterns.
pub(crate) struct SqlGrammar {
    shapes: Vec<Regex>,
}

/// What the grammar says of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Judged {
    pub rule: &'static str,
    pub weight: Weight,
    pub fingerprint: u64,
    pub facts: Facts,
}

/// Buffers of the grammar, used again for every field.
#[derive(Debug, Default)]
pub(crate) struct SqlScratch {
    tokens: Tokens,
}

impl SqlGrammar {
    pub fn new() -> Self {
        let compile = |shape: &Shape| {
            Regex::new(&format!("(?-u){}", shape.pattern))
                .expect("the patterns are constants that a test compiles")
        };
        SqlGrammar {
            shapes: SHAPES.iter().map(compile).collect(),
        }
    }

    /// Judges `text`, which is decoded and in lower case: as it stands, and from inside a string of either quote.
    /// The strongest answer counts; of equals, the first.
    pub fn judge(&self, text: &[u8], expects: Expects, scratch: &mut SqlScratch) -> Option<Judged> {
        let mut best: Option<Judged> = None;
        let entries = [Entry::Bare, Entry::Inside(b'\''), Entry::Inside(b'"')];
        for entry in entries {
            if let Entry::Inside(quote) = entry
                && memchr::memchr(quote, text).is_none()
            {
                continue;
            }
            scratch.tokens.read(text, entry);
            mark_final_comment(text, &mut scratch.tokens);
            let Some(judged) = self.judge_tokens(text, expects, &scratch.tokens, entry) else {
                continue;
            };
            if best.is_none_or(|best| judged.weight > best.weight) {
                best = Some(judged);
            }
            if best.is_some_and(|best| best.weight == Weight::Strong) {
                break;
            }
        }
        best
    }

    fn judge_tokens(&self, text: &[u8], expects: Expects, tokens: &Tokens, entry: Entry) -> Option<Judged> {
        let is_inside = entry != Entry::Bare;
        if is_inside && tokens.closed_at.is_none() {
            return None;
        }
        let mut found: Option<(&'static str, Weight)> = None;
        for (shape, pattern) in SHAPES.iter().zip(&self.shapes) {
            if shape.entered == Entered::Inside && (!is_inside || is_apostrophe(text, tokens)) {
                continue;
            }
            if expects == Expects::Condition && is_condition(shape.rule) {
                continue;
            }
            if found.is_some_and(|(_, weight)| weight >= shape.weight) || !pattern.is_match(&tokens.shape) {
                continue;
            }
            if shape.rule == "sql-json" && !has_json(text) || ends_as_sentence(text, tokens) {
                continue;
            }
            found = Some((shape.rule, shape.weight));
            if shape.weight == Weight::Strong {
                break;
            }
        }
        if tokens.inline_comments > 0 && found.is_none_or(|(_, weight)| weight == Weight::Sign) {
            let has_keyword = tokens
                .shape
                .iter()
                .filter(|letter| b"UEFWHBk&Ld".contains(letter))
                .count();
            if has_keyword >= 1 && tokens.shape.len() >= 2 {
                let weight = if has_keyword >= 2 {
                    Weight::Strong
                } else {
                    Weight::Sign
                };
                found = found.max(Some(("sql-hidden-words", weight)));
            }
        }
        let (rule, weight) = found?;
        Some(Judged {
            rule,
            weight,
            fingerprint: fingerprint(&tokens.shape),
            facts: read_facts(text, &tokens.tokens),
        })
    }
}

/// Whether nothing but a dash or a semicolon stands apart behind a quote that a plural or a measure has by right: "the Voters' --",
/// "3' ;". Behind another word ("admin' --") the quote is no apostrophe.
fn ends_as_sentence(text: &[u8], tokens: &Tokens) -> bool {
    tokens.closed_at.is_some_and(|closed| {
        let has_quote_by_right =
            closed >= 2 && (text[closed - 2] == b's' || text[closed - 2].is_ascii_digit());
        has_quote_by_right
            && text[closed..].starts_with(b" ")
            && matches!(text[closed..].trim_ascii(), b"--" | b";" | b"#")
    })
}

/// Whether a string of `text` begins as JSON or as a path into it: an arrow between two quoted names is no operator.
fn has_json(text: &[u8]) -> bool {
    memchr::memchr2_iter(b'\'', b'"', text).any(|at| matches!(text.get(at + 1), Some(b'{' | b'[' | b'$')))
}

/// Whether the quote that closes the string is the apostrophe of a word: a letter on either side, and no word of SQL next.
fn is_apostrophe(text: &[u8], tokens: &Tokens) -> bool {
    let Some(closed) = tokens.closed_at else {
        return false;
    };
    let is_letter = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphabetic);
    closed >= 2
        && text[closed - 1] == b'\''
        && is_letter(text.get(closed - 2))
        && is_letter(text.get(closed))
        && tokens
            .shape
            .get(1)
            .is_none_or(|letter| !b"&UBHd".contains(letter))
}

/// A comment that hides nothing but what the application would have added is given the letter `e`: nothing that could be a
/// word stands behind its sign. "Workers' #1 demand" and "first time voting -- help" go on, an injection's comment does not.
fn mark_final_comment(text: &[u8], tokens: &mut Tokens) {
    let Some(&Token {
        letter: b'c',
        start,
        end,
    }) = tokens.tokens.last()
    else {
        return;
    };
    let has_word = text[start..end].iter().any(u8::is_ascii_alphanumeric);
    if !has_word && let (Some(last), Some(token)) = (tokens.shape.last_mut(), tokens.tokens.last_mut()) {
        *last = b'e';
        token.letter = b'e';
    }
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo; RFC 9923): the same on every machine and in every version.
pub(crate) fn fingerprint(shape: &[u8]) -> u64 {
    shape.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The names of the grammar's rules.
#[cfg(test)]
pub(crate) fn rule_names() -> impl Iterator<Item = &'static str> {
    SHAPES.iter().map(|shape| shape.rule).chain(["sql-hidden-words"])
}
