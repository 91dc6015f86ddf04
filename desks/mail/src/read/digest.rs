//! Digests in plain text (RFC 1153): many messages of a list in the body of one.

/// Hyphens of the line behind the preamble (RFC 1153, section "Message Format": 70).
const PREAMBLE_HYPHENS: usize = 70;
/// Hyphens of the line between two messages (the same: 30).
const MESSAGE_HYPHENS: usize = 30;

/// The messages of a digest, each with the few header fields that digests keep (From, Date, Subject); none for a text that is no
/// digest. At most `limit`.
///
/// A line of hyphens alone is only a boundary where an empty line or the beginning of a header comes behind it: signatures and
/// tables have such lines too.
pub(super) fn messages(text: &str, limit: usize) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    let mut current: Option<String> = None;
    for line in text.lines() {
        let line = line.trim_end_matches('\r');
        let hyphens = if line.trim_end().bytes().all(|b| b == b'-') {
            line.trim_end().len()
        } else {
            0
        };
        match (&mut current, hyphens) {
            (None, PREAMBLE_HYPHENS) => current = Some(String::new()),
            (None, _) => {}
            (Some(message), MESSAGE_HYPHENS) => {
                found.extend(whole(message));
                message.clear();
                if found.len() >= limit {
                    return found;
                }
            }
            (Some(message), _) => {
                message.push_str(line);
                message.push_str("\r\n");
            }
        }
    }
    // What comes behind the last boundary is the digest's own end ("End of … Digest"), or a message when it has a header.
    found.extend(current.as_ref().and_then(|message| whole(message)));
    found
}

/// A message of a digest, when it begins with From and one of Subject and Date.
fn whole(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_start_matches(['\r', '\n']);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut names = Vec::new();
    for line in head.split("\r\n").take(50) {
        if line.starts_with([' ', '\t']) && !names.is_empty() {
            continue;
        }
        let (name, _) = line.split_once(':')?;
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !is_name {
            return None;
        }
        names.push(name.to_ascii_lowercase());
    }
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    let is_message = has("from") && (has("subject") || has("date")) && !body.trim().is_empty();
    is_message.then(|| text.as_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::messages;
    use proptest::prelude::*;

    /// The example of RFC 1153, shortened, with invented people.
    fn digest() -> String {
        let (seventy, thirty) = ("-".repeat(70), "-".repeat(30));
        format!(
            "Clerks Digest        Tue, 3 Nov 2026      Volume 5 : Issue 7\n\nToday's Topics:\n    Ballot boxes\n    Your mailbox\n\n{seventy}\n\n\
             Date: Mon, 2 Nov 2026 09:00:00 -0600\nFrom: Ann Clerk <ann@adams.example>\nSubject: Ballot boxes\n\nThey came today.\n\n-- \nAnn\n\n{thirty}\n\n\
             Date: Mon, 2 Nov 2026 10:00:00 -0600\nFrom: Help Desk <help@evil.example>\nSubject: Your mailbox\n  is full\n\nSign in at http://evil.example/.\n\n{thirty}\n\n\
             End of Clerks Digest\n********************\n"
        )
    }

    #[test]
    fn each_message_comes_out_with_its_header() {
        let found = messages(&digest(), 10);
        let texts: Vec<String> = found
            .into_iter()
            .map(|bytes| String::from_utf8(bytes).unwrap())
            .collect();
        assert_eq!(texts.len(), 2);
        assert!(texts[0].starts_with("Date: Mon, 2 Nov 2026 09:00:00 -0600\r\nFrom: Ann"));
        assert!(
            texts[1].contains("Subject: Your mailbox\r\n  is full\r\n\r\nSign in at http://evil.example/.")
        );
    }

    #[test]
    fn a_signature_or_a_table_is_no_boundary() {
        let plain = format!("Hello\n\n{}\nFrom: nobody in particular\n\nBye\n", "-".repeat(30));
        assert!(messages(&plain, 10).is_empty());
        let table = format!("a   b\n{}\n1   2\n\n3   4\n", "-".repeat(70));
        assert!(messages(&table, 10).is_empty());
        assert_eq!(messages(&digest(), 1).len(), 1);
    }

    proptest! {
        #[test]
        fn any_text_is_cut_without_a_panic(text in "(\\PC|\n|\r\n|-{30}\n|-{70}\n|From: a\n){0,60}") {
            for message in messages(&text, 5) {
                prop_assert!(message.len() <= text.len() * 2 + 4);
            }
        }
    }
}
