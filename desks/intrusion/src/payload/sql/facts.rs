//! What can be read off an injection beyond that it is one: whether its condition holds, how long it waits, what it asks for.

use std::cmp::Ordering;

use crate::hit::Facts;

use super::token::Token;

/// Reads the facts off `tokens` of `text`.
pub(super) fn read_facts(text: &[u8], tokens: &[Token]) -> Facts {
    let word = |token: &Token| &text[token.start..token.end];
    let mut facts = Facts::default();
    let mut selects = false;
    for (place, token) in tokens.iter().enumerate() {
        let rest = &tokens[place + 1..];
        match token.letter {
            b'&' if facts.truth.is_none() => facts.truth = truth_after(text, rest),
            b'E' => selects = true,
            b'S' => facts.reads_schema = true,
            b'v' if word(token).starts_with(b"@@") => facts.reads_schema = true,
            b'f' if matches!(
                word(token),
                b"version" | b"database" | b"current_user" | b"db_name" | b"sqlite_version"
            ) =>
            {
                facts.reads_schema = true;
            }
            b'F' if selects => {
                // `FROM (SELECT …)`, `FROM dual` and `FROM information_schema` are no table of the application.
                if let Some(table) = rest.first()
                    && matches!(table.letter, b'n' | b's')
                {
                    facts.reads_data = true;
                }
            }
            b'L' => facts.row = facts.row.or_else(|| row_after(text, word(token), rest)),
            b'd' => facts.sleep_seconds = facts.sleep_seconds.or_else(|| seconds(text, word(token), rest)),
            _ => {}
        }
    }
    facts
}

/// Whether the comparison of two literals that follows holds.
fn truth_after(text: &[u8], tokens: &[Token]) -> Option<bool> {
    let mut at = 0;
    let mut is_negated = false;
    while let Some(token) = tokens.get(at) {
        match token.letter {
            b'(' => {}
            b'!' => is_negated = !is_negated,
            _ => break,
        }
        at += 1;
    }
    let left = tokens.get(at)?;
    let mut next = at + 1;
    while tokens.get(next).is_some_and(|token| token.letter == b')') {
        next += 1;
    }
    let operator = tokens.get(next)?;
    let mut right_at = next + 1;
    while tokens.get(right_at).is_some_and(|token| token.letter == b'(') {
        right_at += 1;
    }
    let right = tokens.get(right_at)?;
    // A literal that is only the beginning of a longer expression decides nothing.
    if tokens
        .get(right_at + 1)
        .is_some_and(|token| b"-o+t".contains(&token.letter))
    {
        return None;
    }
    let order = literal_order(text, left, right)?;
    let holds = match &text[operator.start..operator.end] {
        b"=" | b"==" | b"<=>" | b"like" | b"rlike" | b"regexp" | b"glob" => order == Ordering::Equal,
        b"<>" | b"!=" => order != Ordering::Equal,
        b"<" => order == Ordering::Less,
        b">" => order == Ordering::Greater,
        b"<=" => order != Ordering::Greater,
        b">=" => order != Ordering::Less,
        _ => return None,
    };
    Some(holds != is_negated)
}

fn literal_order(text: &[u8], left: &Token, right: &Token) -> Option<Ordering> {
    let spelled = |token: &Token| &text[token.start..token.end];
    match (left.letter, right.letter) {
        (b'1', b'1') => {
            let number = |token: &Token| std::str::from_utf8(spelled(token)).ok()?.parse::<f64>().ok();
            number(left)?.partial_cmp(&number(right)?)
        }
        // The application closes the last string.
        (b's', b's' | b'q') => {
            let inner = |token: &Token| {
                let all = spelled(token);
                let quote = all.first().copied().unwrap_or_default();
                let all = all.strip_prefix(&[quote]).unwrap_or(all);
                all.strip_suffix(&[quote]).unwrap_or(all).to_vec()
            };
            Some(inner(left).cmp(&inner(right)))
        }
        (b'h', b'h') => Some(spelled(left).cmp(spelled(right))),
        _ => None,
    }
}

/// The row of `LIMIT n,1` and `OFFSET n`.
fn row_after(text: &[u8], word: &[u8], tokens: &[Token]) -> Option<u64> {
    let number = |token: &Token| {
        std::str::from_utf8(&text[token.start..token.end])
            .ok()?
            .parse()
            .ok()
    };
    let first = tokens.first().filter(|token| token.letter == b'1')?;
    match word {
        b"offset" => number(first),
        b"limit" if tokens.get(1).is_some_and(|token| token.letter == b',') => number(first),
        _ => None,
    }
}

/// Seconds of `SLEEP(5)`, `pg_sleep(5)`, `RECEIVE_MESSAGE(x,5)` and `WAITFOR DELAY '0:0:5'`.
fn seconds(text: &[u8], word: &[u8], tokens: &[Token]) -> Option<u16> {
    let spelled = |token: &Token| &text[token.start..token.end];
    let whole = |token: &Token| {
        let digits = spelled(token).split(|&byte| byte == b'.').next()?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    };
    match word {
        b"sleep" | b"pg_sleep" | b"dbms_lock.sleep" | b"dbms_session.sleep" => {
            let mut inner = tokens.iter().skip_while(|token| token.letter == b'(');
            whole(inner.next().filter(|token| token.letter == b'1')?)
        }
        b"dbms_pipe.receive_message" => {
            let comma = tokens.iter().take(16).rposition(|token| token.letter == b',')?;
            whole(tokens.get(comma + 1).filter(|token| token.letter == b'1')?)
        }
        b"waitfor" => {
            let time = tokens
                .iter()
                .take(3)
                .find(|token| matches!(token.letter, b's' | b'q'))?;
            let time = std::str::from_utf8(spelled(time)).ok()?.trim_matches(['\'', '"']);
            time.split(':').try_fold(0_u16, |total, part| {
                let part: u16 = part.trim().split('.').next()?.parse().ok()?;
                total.checked_mul(60)?.checked_add(part)
            })
        }
        _ => None,
    }
}
