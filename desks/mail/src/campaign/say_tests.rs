//! Sentences that reporters write, and what they say.

use super::*;

fn told(text: &str) -> Vec<(Outcome, Who)> {
    statements(text)
        .into_iter()
        .map(|said| (said.outcome, said.who))
        .collect()
}

#[test]
fn what_the_writer_did() {
    use Outcome::{CredentialsEntered, ReportedUnclicked, Visited};
    for (text, outcome) in [
        ("I did not click. Reporting.", ReportedUnclicked),
        ("I didn\u{2019}t click on anything.", ReportedUnclicked),
        ("Haven't opened it.", ReportedUnclicked),
        ("I have not clicked the link", ReportedUnclicked),
        ("I never clicked.", ReportedUnclicked),
        ("Reporting without clicking.", ReportedUnclicked),
        ("Did not open the attachment.", ReportedUnclicked),
        ("I didn't click, open, or enter my password.", ReportedUnclicked),
        ("I clicked the link before I noticed", Visited),
        ("Sorry, I clicked.", Visited),
        ("I clicked on it, is that bad?", Visited),
        ("I clicked but did not enter my password.", Visited),
        ("I opened the attachment this morning.", Visited),
        ("I did click on the button", Visited),
        ("I typed my password before I noticed. Sorry.", CredentialsEntered),
        ("I entered my password", CredentialsEntered),
        ("I clicked and typed in my credentials.", CredentialsEntered),
        (
            "I got the mail and changed my password with the button.",
            CredentialsEntered,
        ),
        ("I gave them my user name and password.", CredentialsEntered),
        ("I put in my login details, what do I do now?", CredentialsEntered),
        ("I should not have clicked.", Visited),
        ("I wish I hadn't clicked", Visited),
        ("I did not know it was fake when I clicked", Visited),
        ("I would like to report that I clicked the link.", Visited),
        ("No hice clic.", ReportedUnclicked),
        ("No deb\u{ed} haber hecho clic.", Visited),
        ("No he hecho clic en nada.", ReportedUnclicked),
        ("No abr\u{ed} el enlace.", ReportedUnclicked),
        ("No lo he abierto.", ReportedUnclicked),
        ("Lo reporto sin hacer clic.", ReportedUnclicked),
        ("Hice clic en el enlace, \u{bf}qu\u{e9} hago?", Visited),
        ("Abr\u{ed} el archivo adjunto.", Visited),
        ("He puesto mi contrase\u{f1}a", CredentialsEntered),
        (
            "No lo sab\u{ed}a, puse mi contrase\u{f1}a en la p\u{e1}gina.",
            CredentialsEntered,
        ),
        ("Ingres\u{e9} mis datos.", CredentialsEntered),
        (
            "Cambi\u{e9} mi contrase\u{f1}a con el bot\u{f3}n.",
            CredentialsEntered,
        ),
    ] {
        let best = told(text).into_iter().max_by_key(|(outcome, _)| *outcome);
        assert_eq!(best, Some((outcome, Who::Writer)), "{text}");
    }
}

#[test]
fn what_says_nothing() {
    for text in [
        "Is this real?",
        "Did anyone click?",
        "Should I click it?",
        "What happens if I clicked?",
        "Please do not click the link.",
        "Do not enter your password.",
        "If you clicked the link, call us.",
        "I almost clicked!",
        "I was about to click.",
        "I did not enter my password.",
        "I changed my password.",
        "I opened the email.",
        "I sent the details to the helpdesk.",
        "I don't think I clicked.",
        "I'm not sure whether I clicked.",
        "I might have clicked.",
        "\u{bf}Alguien hizo clic?",
        "\u{bf}Debo hacer clic?",
        "No haga clic.",
        "Casi hice clic.",
        "> I entered my password",
        "Please look.\n\n---------- Forwarded message ----------\nI entered my password",
        "Click the link to enter your password.",
        "",
    ] {
        assert_eq!(told(text), [], "{text}");
    }
}

#[test]
fn deeds_of_others_are_theirs() {
    assert_eq!(
        told("My boss clicked the link."),
        [(Outcome::Visited, Who::Other)]
    );
    assert_eq!(
        told("No one clicked."),
        [(Outcome::ReportedUnclicked, Who::Other)]
    );
    assert_eq!(
        told("She entered her password."),
        [(Outcome::CredentialsEntered, Who::Other)]
    );
    assert_eq!(
        told("Ella puso su contrase\u{f1}a."),
        [(Outcome::CredentialsEntered, Who::Other)]
    );
}

#[test]
fn a_helpdesk_answer_is_a_remark() {
    let said = statements("This is a legitimate email. He needs to change his password immediately.");
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].helpdesk_verdict, Some(Said::Genuine));
    assert_eq!(said[0].outcome, Outcome::Unknown);
    assert_eq!(
        statements("This is not legitimate.")[0].helpdesk_verdict,
        Some(Said::Fake)
    );
    assert_eq!(
        statements("Es leg\u{ed}timo.")[0].helpdesk_verdict,
        Some(Said::Genuine)
    );
    assert!(statements("Is this legitimate?").is_empty());
}
