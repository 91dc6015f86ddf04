//! What is left of a text when names, numbers and addresses are taken out, and how alike two texts are.

/// Numbers of a signature. With 128 the estimate of a Jaccard index of 0.85 has a standard error of 0.032
/// (`sqrt(j(1-j)/128)`; Broder 1997, "On the resemblance and containment of documents").
pub(super) const SIGNATURE_LENGTH: usize = 128;
/// Words of a shingle.
const SHINGLE_WORDS: usize = 5;
/// Fewest different shingles from which two texts are compared: below, "please see the attached invoice" would join strangers.
const FEWEST_SHINGLES: usize = 10;
/// Most words that are read of one text.
const MAX_WORDS: usize = 20_000;

const GREETINGS: &[&str] = &[
    "hi",
    "hello",
    "dear",
    "hey",
    "hola",
    "estimado",
    "estimada",
    "estimados",
    "querido",
    "querida",
    "bonjour",
    "cher",
    "chere",
    "hallo",
    "guten",
    "liebe",
    "lieber",
    "ola",
    "caro",
    "cara",
    "prezado",
    "prezada",
    "attention",
    "attn",
];

/// The words of `text` in lower case; addresses, links, numbers, greeted names and the recipients' own names replaced.
pub(super) fn masked_words(text: &str, names: &[String]) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for line in text.lines() {
        let mut raw = line.split_whitespace().peekable();
        let greets = raw
            .peek()
            .is_some_and(|first| GREETINGS.contains(&bare(first).as_str()));
        if greets {
            words.extend(raw.next().map(bare));
            let rest: Vec<&str> = raw.collect();
            // "Hi Ana" alone, or "Dear Ms Moss, your …": the name ends at the first comma or after the short line.
            let comma = rest
                .iter()
                .take(5)
                .position(|word| word.ends_with([',', ':', '!']));
            let name_words = match comma {
                Some(at) => at + 1,
                None if rest.len() <= 4 => rest.len(),
                None => 0,
            };
            push(&mut words, "<name>");
            for word in rest.iter().skip(name_words) {
                push_word(&mut words, word, names);
            }
        } else {
            for word in raw {
                push_word(&mut words, word, names);
            }
        }
        if words.len() > MAX_WORDS {
            words.truncate(MAX_WORDS);
            break;
        }
    }
    words
}

fn push(words: &mut Vec<String>, mask: &str) {
    if words.last().is_none_or(|last| last != mask) {
        words.push(mask.to_owned());
    }
}

fn push_word(words: &mut Vec<String>, word: &str, names: &[String]) {
    if word.contains("://") || word.to_ascii_lowercase().contains("www.") {
        return push(words, "<link>");
    }
    if word.contains('@') {
        return push(words, "<address>");
    }
    for piece in word.split(|c: char| !c.is_alphanumeric()) {
        if piece.is_empty() {
            continue;
        }
        let lower = piece.to_lowercase();
        if piece.chars().any(|c| c.is_ascii_digit()) {
            push(words, "<number>");
        } else if piece.chars().next().is_some_and(char::is_uppercase) && names.contains(&lower) {
            push(words, "<name>");
        } else {
            words.push(lower);
        }
    }
}

fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

/// The signature of a masked text; empty when it is too short to compare.
pub(super) fn signature(words: &[String]) -> Vec<u32> {
    let mut shingles: Vec<u64> = words
        .windows(SHINGLE_WORDS)
        .map(|window| {
            let mut hash = FNV_OFFSET;
            for word in window {
                hash = fnv(hash, word.as_bytes());
                hash = fnv(hash, b"\0");
            }
            hash
        })
        .collect();
    shingles.sort_unstable();
    shingles.dedup();
    if shingles.len() < FEWEST_SHINGLES {
        return Vec::new();
    }
    (0..SIGNATURE_LENGTH as u64)
        .map(|row| {
            let seed = spread(row.wrapping_add(1));
            shingles
                .iter()
                .map(|shingle| (spread(shingle ^ seed) >> 32) as u32)
                .min()
                .unwrap_or(u32::MAX)
        })
        .collect()
}

/// The estimated share of shingles that two texts have in common: 0 to 1, and 0 when either has no signature.
pub(super) fn likeness(a: &[u32], b: &[u32]) -> f64 {
    if a.len() != SIGNATURE_LENGTH || b.len() != SIGNATURE_LENGTH {
        return 0.0;
    }
    let same = a.iter().zip(b).filter(|(x, y)| x == y).count();
    same as f64 / SIGNATURE_LENGTH as f64
}

// Kept runs hold these numbers, so they must not change with a library: FNV-1a and the finaliser of SplitMix64.
const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

fn fnv(mut hash: u64, bytes: &[u8]) -> u64 {
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash
}

fn spread(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A subject without its reply marks, numbers, addresses and names; `None` when what is left says too little.
pub(super) fn subject_template(subject: &str, names: &[String]) -> Option<String> {
    let words = masked_words(strip_reply_marks(subject), names);
    let letters: usize = words
        .iter()
        .filter(|word| !word.starts_with('<'))
        .map(|word| word.chars().count())
        .sum();
    let plain = words.iter().filter(|word| !word.starts_with('<')).count();
    (plain >= 2 && letters >= 8).then(|| words.join(" "))
}

/// A subject without "Re:", "Fwd:", "RV:", "Undeliverable:" and their like.
pub(super) fn strip_reply_marks(subject: &str) -> &str {
    const MARKS: &[&str] = &[
        "re",
        "fw",
        "fwd",
        "rv",
        "aw",
        "wg",
        "tr",
        "enc",
        "res",
        "undeliverable",
        "undelivered",
        "undelivered mail",
        "delivery status notification (failure)",
        "no se puede entregar",
        "no entregado",
        "automatic reply",
        "failure notice",
        "returned mail",
        "mail delivery failed",
    ];
    let mut rest = subject.trim();
    while let Some((mark, after)) = rest.split_once(':') {
        if !MARKS.contains(&mark.trim().to_lowercase().as_str()) {
            break;
        }
        rest = after.trim();
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_numbers_and_addresses_do_not_part_two_texts() {
        let text = |name: &str, mail: &str, number: u32| {
            format!(
                "Hi {name},\nsomeone just used your password to try to sign in to your account {mail} from a place that you \
                 do not know. Case {number}. Please change it now: https://a{number}.example/x"
            )
        };
        let one = masked_words(&text("Ana", "ana@x.example", 4411), &[]);
        let two = masked_words(&text("Tom Beckett", "tom@x.example", 9), &[]);
        assert_eq!(one, two);
        assert!(likeness(&signature(&one), &signature(&two)) > 0.99);
    }

    #[test]
    fn short_texts_have_no_signature_and_others_differ() {
        assert!(signature(&masked_words("Please review the attached invoice.", &[])).is_empty());
        let one = masked_words("a b c d e f g h i j k l m n o p q r s t", &[]);
        let two = masked_words("t s r q p o n m l k j i h g f e d c b a", &[]);
        assert!(likeness(&signature(&one), &signature(&two)) < 0.2);
    }

    #[test]
    fn subjects_lose_marks_and_numbers() {
        assert_eq!(
            subject_template("Fwd: RE: Your parcel 88123 waits", &[]).as_deref(),
            Some("your parcel <number> waits")
        );
        assert_eq!(subject_template("Invoice 12", &[]), None);
    }
}
