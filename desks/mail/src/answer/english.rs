//! The English words.

use crate::campaign::Outcome;

use super::{Answer, Ask, Facts, VerdictWord};

pub(super) fn answer(facts: &Facts) -> Answer {
    Answer {
        headline: headline(facts),
        sentences: [what(facts), now(facts)],
        steps: steps(facts),
    }
}

fn headline(facts: &Facts) -> String {
    let words = match facts.verdict {
        _ if facts.is_urgent() => "Urgent: others may know your password",
        VerdictWord::Phishing if facts.is_compromised_partner => {
            "Phishing from a real account that was probably taken over"
        }
        VerdictWord::Phishing => "Phishing",
        VerdictWord::Suspicious if facts.is_compromised_partner => {
            "Suspicious: the sender's account is probably taken over"
        }
        VerdictWord::Suspicious => "Suspicious: it may be phishing",
        VerdictWord::Unwanted => "Unwanted mail",
        VerdictWord::NoSign => "No sign of phishing",
        VerdictWord::CannotTell => "We cannot tell yet",
    };
    words.to_owned()
}

fn what(facts: &Facts) -> String {
    match facts.verdict {
        VerdictWord::Phishing => format!("This is phishing: {}.", reason(facts)),
        VerdictWord::Suspicious => format!("This may be phishing: {}.", reason(facts)),
        VerdictWord::Unwanted => match facts.deciding.first() {
            Some(why) => format!("This is advertising or a common swindle: {}.", continued(why)),
            None => "This is advertising or a common swindle, and we saw no attempt to get your password."
                .to_owned(),
        },
        VerdictWord::NoSign => match (&facts.proven, facts.headers_lost) {
            (Some(proven), _) => {
                format!("We found no sign of phishing; it was sent by {proven}'s own servers.")
            }
            (None, true) => {
                "We found no sign of phishing, but the copy that we got does not show who sent it.".to_owned()
            }
            (None, false) => "We found no sign of phishing, but we could not show who sent it.".to_owned(),
        },
        VerdictWord::CannotTell => match (facts.not_checked.first(), facts.headers_lost) {
            (Some(part), _) => format!("We cannot tell, because we could not read {part}."),
            (None, true) => {
                "We cannot tell, because the copy that we got does not show who sent it.".to_owned()
            }
            (None, false) => "We cannot tell, because we could not read the message.".to_owned(),
        },
    }
}

fn reason(facts: &Facts) -> String {
    let wants = match facts.asks_for {
        Ask::Password => Some("asks for your password"),
        Ask::Payment => Some("asks for money"),
        Ask::OpenFile => Some("wants you to open a file"),
        Ask::Call => Some("wants you to call a number"),
        Ask::Scan => Some("wants you to scan a code"),
        Ask::Reply => Some("wants you to answer"),
        Ask::None => None,
    };
    if facts.is_compromised_partner {
        let whose = facts.claimed.as_deref().unwrap_or("the sender");
        let leads = facts
            .leads_to
            .as_ref()
            .map(|host| format!(", and it leads to {host}"))
            .unwrap_or_default();
        return format!(
            "it was sent from the real account of {whose}{leads}, so the account is probably taken over"
        );
    }
    match (&facts.claimed, &facts.leads_to, wants) {
        (Some(claimed), Some(host), Some(wants)) => {
            format!(
                "it says that it is from {claimed} and {wants}, but it leads to {host}, which is not theirs"
            )
        }
        (Some(claimed), Some(host), None) => {
            format!("it says that it is from {claimed}, but it leads to {host}, which is not theirs")
        }
        (None, Some(host), Some(wants)) => format!("it {wants} and leads to {host}"),
        (claimed, _, wants) => match (facts.deciding.first(), claimed, wants) {
            (Some(why), _, _) => continued(why),
            (None, Some(claimed), Some(wants)) => {
                format!("it says that it is from {claimed} and {wants}, and nothing shows that it is")
            }
            (None, Some(claimed), None) => {
                format!("it says that it is from {claimed}, and nothing shows that it is")
            }
            (None, None, Some(wants)) => format!("it {wants}, and does not show who it is from"),
            (None, None, None) => "what it says and where it leads do not fit together".to_owned(),
        },
    }
}

/// A sentence, continued behind a colon.
fn continued(sentence: &str) -> String {
    match sentence.split_once(' ') {
        Some((first @ ("The" | "It" | "Its" | "This" | "A" | "An" | "Nothing" | "Something"), rest)) => {
            format!("{} {rest}", first.to_lowercase())
        }
        _ => sentence.to_owned(),
    }
}

fn now(facts: &Facts) -> String {
    if facts.is_urgent() {
        return "Act now: change your password from another device, sign out of all sessions, and tell your security contact at once."
            .to_owned();
    }
    if facts.is_bad() && facts.own_action == Outcome::Visited {
        return match facts.asks_for {
            Ask::OpenFile => "Stop using the computer, take it off the network but leave it on, and tell your security contact now.",
            _ => "Close the page, type nothing into it, and tell your security contact today that you opened it.",
        }
        .to_owned();
    }
    match facts.verdict {
        VerdictWord::Phishing | VerdictWord::Suspicious if facts.is_compromised_partner => {
            "Do not click, open or answer; call them on a number you know.".to_owned()
        }
        VerdictWord::Phishing | VerdictWord::Suspicious => match facts.asks_for {
            Ask::Password => "Do not click and do not type your password; if you want to check your account, type its address yourself.",
            Ask::Payment => "Do not pay and do not change bank details; ask on a phone number you know.",
            Ask::OpenFile => "Do not open the file and do not answer; ask the sender on a phone number you know.",
            Ask::Call => "Do not call the number in it; use a number you know.",
            Ask::Scan => "Do not scan the code with any phone; type the site's address yourself.",
            Ask::Reply => "Do not answer; ask the person on a phone number you know.",
            Ask::None => "Do not click, open or answer.",
        }
        .to_owned(),
        VerdictWord::Unwanted => "Do not answer and do not buy anything from it; delete it.".to_owned(),
        VerdictWord::NoSign => "If you did not expect it, ask the sender by phone before you click, pay or answer.".to_owned(),
        VerdictWord::CannotTell => "Please send us the original as an attachment, and do not click, open or answer until you hear from us.".to_owned(),
    }
}

fn steps(facts: &Facts) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    let mut say = |step: &str| steps.push(step.to_owned());
    if facts.is_urgent() {
        say("Change the password now, from another device, by typing the address of the real site yourself.");
        say("Change it everywhere else where you use the same password.");
        say("Sign out of all sessions in the account's security settings.");
        say(
            "Turn on two-step sign-in, and look for forwarding rules and recovery addresses that are not yours.",
        );
        say("Call your security contact now; do not wait for an answer by mail.");
    } else if facts.is_bad() {
        if facts.own_action == Outcome::Visited {
            say("Tell your security contact when you opened it, and on which device.");
            say("If you typed a password, change it now from another device.");
        }
        if facts.is_compromised_partner {
            say("Call the sender on a number you know, not on one from the message, and tell them about it.");
        }
        say("Keep the message until your security contact has seen it, then delete it.");
        say("Ask your colleagues whether they got it too.");
        if facts.own_action < Outcome::Visited {
            say("If you did click or type anything, say so at once; nobody will blame you.");
        }
    } else if facts.verdict == VerdictWord::NoSign && facts.own_action == Outcome::CredentialsEntered {
        say("If the page where you typed your password was not the one that you always use, change it now.");
    }
    if facts.needs_original() {
        say(
            "Send us the original: in Gmail choose \"Forward as attachment\" in the message's menu; in Outlook press Ctrl+Alt+F.",
        );
    }
    if !facts.not_checked.is_empty() {
        steps.push(format!("We could not look at: {}.", facts.not_checked.join("; ")));
    }
    if facts.several > 1 {
        steps.push(format!(
            "Your report held {} messages; each has its own answer.",
            facts.several
        ));
    }
    steps
}
