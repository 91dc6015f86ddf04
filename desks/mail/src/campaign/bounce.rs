//! Reads which deliveries a delivery report calls failed.

use serde::{Deserialize, Serialize};

use super::text::strip_reply_marks;
use super::{bare_id, folded};

/// A delivery that failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Whom it was for, in lower case.
    pub recipient: String,
    /// Message-ID of the original; empty where the report does not say.
    pub message_id: String,
    /// Subject of the original; empty where the report does not say.
    pub subject: String,
    /// Whether it was turned away for what it is (status 5.7.x, "blocked", "spam"), not for want of a mailbox.
    pub is_policy: bool,
    /// The words that say so.
    pub quote: String,
}

/// Most lines of a report that are read.
const MAX_LINES: usize = 5_000;
/// Most failures of one report.
const MAX_FAILURES: usize = 500;

/// The failed deliveries that a report tells of: as fields (RFC 3464) or in words with a reply code of 5xx. `text` is the
/// whole text of the report, its machine-readable parts included; `subject` the report's own. Delays are no failures.
pub fn failures(text: &str, subject: &str) -> Vec<Failure> {
    let mut found: Vec<Failure> = Vec::new();
    let mut message_id = String::new();
    let mut original_subject = String::new();
    // Fields of the block at hand: original recipient, final recipient, whether it failed, status.
    let mut block = Block::default();
    let mut near = String::new();
    for line in text.lines().take(MAX_LINES) {
        let line = line.trim();
        if line.is_empty() {
            block.close(&mut found);
            near.clear();
            continue;
        }
        let (name, value) = line.split_once(':').unwrap_or(("", ""));
        let value = value.trim();
        match name.trim().to_ascii_lowercase().as_str() {
            "original-recipient" => block.original = typed_address(value),
            "final-recipient" => {
                if block.last.is_some() {
                    block.close(&mut found);
                }
                block.last = typed_address(value);
            }
            "action" => block.has_failed = value.eq_ignore_ascii_case("failed"),
            "status" => block.status = value.to_owned(),
            "diagnostic-code" => block.diagnostic = value.to_owned(),
            "message-id" if message_id.is_empty() => message_id = bare_id(value),
            "subject" if original_subject.is_empty() => original_subject = value.to_owned(),
            _ => {}
        }
        // In words: the code and the address stand on one line, or on neighbouring ones.
        let before = std::mem::replace(&mut near, line.to_owned());
        if is_field(name) {
            continue;
        }
        for said in [line.to_owned(), format!("{before} {line}")] {
            if let (true, Some(recipient)) = (has_failure_code(&said), address_of(&said)) {
                push(&mut found, recipient, is_policy(&said), &said);
                break;
            }
        }
    }
    block.close(&mut found);
    let quoted = strip_reply_marks(subject);
    for failure in &mut found {
        failure.message_id.clone_from(&message_id);
        failure.subject = match original_subject.is_empty() {
            false => original_subject.clone(),
            // "Undeliverable: <subject>" quotes the subject of the original.
            true if quoted != subject.trim() => quoted.to_owned(),
            true => String::new(),
        };
    }
    found
}

#[derive(Default)]
struct Block {
    original: Option<String>,
    last: Option<String>,
    has_failed: bool,
    status: String,
    diagnostic: String,
}

impl Block {
    fn close(&mut self, found: &mut Vec<Failure>) {
        let block = std::mem::take(self);
        if !block.has_failed {
            return;
        }
        let said = format!("{} {}", block.status, block.diagnostic);
        if let Some(recipient) = block.original.or(block.last) {
            push(found, recipient, is_policy(&said), said.trim());
        }
    }
}

fn push(found: &mut Vec<Failure>, recipient: String, is_policy: bool, quote: &str) {
    if found.len() < MAX_FAILURES && found.iter().all(|known| known.recipient != recipient) {
        found.push(Failure {
            recipient,
            is_policy,
            quote: quote.chars().take(300).collect(),
            ..Failure::default()
        });
    }
}

fn is_field(name: &str) -> bool {
    const FIELDS: &[&str] = &[
        "original-recipient",
        "final-recipient",
        "action",
        "status",
        "diagnostic-code",
        "remote-mta",
        "reporting-mta",
        "arrival-date",
        "received",
        "from",
        "to",
        "cc",
        "date",
        "subject",
        "message-id",
        "return-path",
        "reply-to",
        "authentication-results",
    ];
    FIELDS.contains(&name.trim().to_ascii_lowercase().as_str())
}

fn typed_address(value: &str) -> Option<String> {
    folded(value.split_once(';').map_or(value, |(_, address)| address))
}

/// Whether a reply code of a permanent failure stands in `said` (RFC 5321, section 4.2.1; RFC 3463, section 2).
fn has_failure_code(said: &str) -> bool {
    const WORDS: &[&str] = &[
        "user unknown",
        "no such user",
        "does not exist",
        "failed permanently",
        "could not be delivered",
        "couldn't be delivered",
        "wasn't delivered",
        "address not found",
        "mailbox unavailable",
        "recipient rejected",
        "no existe",
        "no se pudo entregar",
        "no se ha podido entregar",
        "usuario desconocido",
    ];
    let lower = said.to_lowercase();
    if WORDS.iter().any(|word| lower.contains(word)) {
        return true;
    }
    said.split(|c: char| c.is_whitespace() || "<>()[];,#-".contains(c))
        .any(|word| {
            let word = word.trim_end_matches([':', '.']);
            let is_reply =
                word.len() == 3 && word.starts_with("55") && word.bytes().all(|b| b.is_ascii_digit());
            let is_status = word.starts_with("5.")
                && word.split('.').count() == 3
                && word
                    .split('.')
                    .all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()));
            is_reply || is_status
        })
}

fn is_policy(said: &str) -> bool {
    let said = said.to_lowercase();
    [
        "5.7.",
        "spam",
        "blocked",
        "policy",
        "rejected as",
        "phish",
        "virus",
        "malware",
    ]
    .iter()
    .any(|word| said.contains(word))
}

fn address_of(said: &str) -> Option<String> {
    said.split(|c: char| c.is_whitespace() || "<>()[];,:\"'".contains(c))
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| {
            word.split_once('@')
                .is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'))
        })
        .find_map(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_fields_are_read() {
        let found = failures(
            "550 5.1.1 <Old.Staff@x.example>: user unknown",
            "Undeliverable: Your account",
        );
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].recipient, "old.staff@x.example");
        assert_eq!(found[0].subject, "Your account");
        assert!(!found[0].is_policy);

        let report = "Reporting-MTA: dns; mx.x.example\n\nOriginal-Recipient: rfc822;a@x.example\nFinal-Recipient: rfc822; \
                      b@y.example\nAction: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 550 blocked\n\nFinal-Recipient: \
                      rfc822; c@y.example\nAction: delayed\nStatus: 4.4.1\n\nFrom: m@z.example\nSubject: Pay now\n\
                      Message-ID: <one@z.example>\n";
        let found = failures(report, "Returned mail: see transcript for details");
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].recipient.as_str(), found[0].is_policy),
            ("a@x.example", true)
        );
        assert_eq!(
            (found[0].message_id.as_str(), found[0].subject.as_str()),
            ("one@z.example", "Pay now")
        );
    }

    #[test]
    fn delays_and_plain_mail_are_no_failures() {
        assert!(failures("Your message to a@x.example is delayed: 451 4.4.1 try later", "").is_empty());
        assert!(failures("Call 550 or write to a.b@x.example. Bring 5.25 dollars.", "").len() <= 1);
        assert!(failures("", "").is_empty());
    }
}
