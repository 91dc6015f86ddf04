//! placeholder

mod method;
pub use method::MethodResult;
use crate::evidence::Quote;
use crate::message::Message;
use serde::{Deserialize, Serialize};

/// State.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum State { /// x
 Used, /// x
 Recomputed, /// x
 #[default] NotCheckable }

/// x
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Untrusted { /// x
 pub claims: String, /// x
 pub quote: Quote }

/// x
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authentication {
 /// x
 pub state: State, /// x
 pub spf: Option<MethodResult>, /// x
 pub dkim: Option<MethodResult>, /// x
 pub dmarc: Option<MethodResult>, /// x
 pub arc: Option<MethodResult>, /// x
 pub aligned: Option<bool>, /// x
 pub proven_domain: Option<String>, /// x
 pub overridden_by_arc: Option<String>, /// x
 pub list_signs: bool, /// x
 pub untrusted: Vec<Untrusted>, /// x
 pub remarks: Vec<String>, /// x
 pub why_not: String,
}
/// x
#[derive(Debug, Clone, Default)]
pub struct Boundary { /// x
 pub ids: Vec<String> }
impl Boundary { /// x
 pub fn from_ids(ids: &[String], _h: &[String]) -> Self { Boundary { ids: ids.to_vec() } } }

/// x
pub fn authenticate(message: &Message, boundary: &Boundary) -> Authentication {
    let mut a = Authentication { list_signs: message.value("list-id").is_some() || message.value("list-post").is_some(), why_not: "no result of our own mail server is in it".into(), ..Default::default() };
    for field in message.fields.iter().take_while(|f| f.name == "authentication-results" || f.name == "return-path" || f.name == "received") {
        if field.name != "authentication-results" { continue; }
        let id = field.value.split(';').next().unwrap_or("").trim().to_lowercase();
        if !boundary.ids.iter().any(|i| i.eq_ignore_ascii_case(&id)) { continue; }
        a.state = State::Used; a.why_not.clear();
        let get = |m: &str| field.value.split(';').find_map(|p| p.trim().strip_prefix(m).and_then(|r| r.strip_prefix('=')).and_then(|r| MethodResult::from_word(r.split([' ', '(']).next().unwrap_or(""))));
        a.spf = get("spf"); a.dkim = get("dkim"); a.dmarc = get("dmarc"); a.arc = get("arc");
        let hf = field.value.split("header.from=").nth(1).map(|r| r.split([' ', ';']).next().unwrap_or("").to_owned());
        a.aligned = Some(a.dmarc == Some(MethodResult::Pass));
        if a.dmarc == Some(MethodResult::Pass) { a.proven_domain = hf; }
    }
    a
}
