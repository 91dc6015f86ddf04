//! The texts, as a reporter reads them.

use super::*;

fn full(verdict: VerdictWord) -> Facts {
    Facts {
        claimed: Some("Google".to_owned()),
        leads_to: Some("x.example".to_owned()),
        asks_for: Ask::Password,
        proven: Some("google.com".to_owned()),
        ..Facts::new(verdict)
    }
}

const VERDICTS: [VerdictWord; 5] = [
    VerdictWord::Phishing,
    VerdictWord::Suspicious,
    VerdictWord::Unwanted,
    VerdictWord::NoSign,
    VerdictWord::CannotTell,
];
const LANGUAGES: [Language; 2] = [Language::English, Language::Spanish];
const ASKS: [Ask; 7] = [
    Ask::Password,
    Ask::Payment,
    Ask::OpenFile,
    Ask::Call,
    Ask::Scan,
    Ask::Reply,
    Ask::None,
];

#[test]
fn every_verdict_in_both_languages() {
    let table = [
        (
            VerdictWord::Phishing,
            Language::English,
            "Phishing",
            "This is phishing: it says that it is from Google and asks for your password, but it leads to x[.]example, which is not theirs.",
            "Do not click and do not type your password; if you want to check your account, type its address yourself.",
        ),
        (
            VerdictWord::Phishing,
            Language::Spanish,
            "Correo de engaño (phishing)",
            "Es un correo de engaño (phishing): dice que viene de Google y pide su contraseña, pero lleva a x[.]example, que no les pertenece.",
            "No haga clic ni escriba su contraseña; si quiere revisar su cuenta, escriba usted la dirección del sitio.",
        ),
        (
            VerdictWord::Suspicious,
            Language::English,
            "Suspicious: it may be phishing",
            "This may be phishing: it says that it is from Google and asks for your password, but it leads to x[.]example, which is not theirs.",
            "Do not click and do not type your password; if you want to check your account, type its address yourself.",
        ),
        (
            VerdictWord::Suspicious,
            Language::Spanish,
            "Sospechoso: puede ser un engaño (phishing)",
            "Puede ser un correo de engaño (phishing): dice que viene de Google y pide su contraseña, pero lleva a x[.]example, que no les pertenece.",
            "No haga clic ni escriba su contraseña; si quiere revisar su cuenta, escriba usted la dirección del sitio.",
        ),
        (
            VerdictWord::Unwanted,
            Language::English,
            "Unwanted mail",
            "This is advertising or a common swindle, and we saw no attempt to get your password.",
            "Do not answer and do not buy anything from it; delete it.",
        ),
        (
            VerdictWord::Unwanted,
            Language::Spanish,
            "Correo no deseado",
            "Es publicidad o una estafa común, y no vimos ningún intento de obtener su contraseña.",
            "No responda ni compre nada; bórrelo.",
        ),
        (
            VerdictWord::NoSign,
            Language::English,
            "No sign of phishing",
            "We found no sign of phishing; it was sent by google.com's own servers.",
            "If you did not expect it, ask the sender by phone before you click, pay or answer.",
        ),
        (
            VerdictWord::NoSign,
            Language::Spanish,
            "Sin señales de engaño",
            "No encontramos señales de engaño; lo enviaron los servidores propios de google.com.",
            "Si usted no lo esperaba, pregunte al remitente por teléfono antes de hacer clic, pagar o responder.",
        ),
        (
            VerdictWord::CannotTell,
            Language::English,
            "We cannot tell yet",
            "We cannot tell, because we could not read the message.",
            "Please send us the original as an attachment, and do not click, open or answer until you hear from us.",
        ),
        (
            VerdictWord::CannotTell,
            Language::Spanish,
            "Todavía no podemos decirlo",
            "No podemos decirlo, porque no pudimos leer el mensaje.",
            "Por favor, envíenos el original como archivo adjunto, y no haga clic, no abra nada ni responda hasta que le contestemos.",
        ),
    ];
    for (verdict, language, headline, what, now) in table {
        let told = answer(&full(verdict), language);
        assert_eq!(told.headline, headline);
        assert_eq!(told.sentences, [what, now]);
    }
}

/// Facts of every sort that there is.
fn many() -> Vec<Facts> {
    let mut all = Vec::new();
    for verdict in VERDICTS {
        for asks_for in ASKS {
            for (is_known, is_compromised_partner) in
                [(true, false), (true, true), (false, false), (false, true)]
            {
                for own_action in [
                    Outcome::Unknown,
                    Outcome::ReportedUnclicked,
                    Outcome::Visited,
                    Outcome::CredentialsEntered,
                    Outcome::RuleFound,
                ] {
                    let some = |text: &str| is_known.then(|| text.to_owned());
                    all.push(Facts {
                        claimed: some("Harbor Print"),
                        leads_to: some("pay.example"),
                        asks_for,
                        proven: some("harbor.example"),
                        is_compromised_partner,
                        own_action,
                        headers_lost: !is_known,
                        not_checked: some("the archive a.zip, which is encrypted")
                            .into_iter()
                            .collect(),
                        several: 2,
                        ..Facts::new(verdict)
                    });
                }
            }
        }
    }
    all
}

#[test]
fn no_answer_calls_a_message_harmless_or_has_holes() {
    for facts in many() {
        for language in LANGUAGES {
            let told = answer(&facts, language);
            let mut texts = vec![told.headline.clone()];
            texts.extend(told.sentences.clone());
            texts.extend(told.steps.clone());
            for text in texts {
                let lower = text.to_lowercase();
                for word in lower.split(|c: char| !c.is_alphabetic()) {
                    assert!(
                        !["safe", "safely", "harmless", "seguro", "segura", "inofensivo"].contains(&word),
                        "{text}"
                    );
                }
                assert!(
                    !text.contains("  ") && !text.contains("..") && !text.contains("{"),
                    "{text}"
                );
            }
            for sentence in &told.sentences {
                assert!(sentence.ends_with('.') && !sentence.contains(". "), "{sentence}");
            }
        }
    }
}

#[test]
fn a_given_password_is_urgent() {
    let facts = Facts {
        own_action: Outcome::CredentialsEntered,
        ..full(VerdictWord::Phishing)
    };
    let told = answer(&facts, Language::English);
    assert_eq!(told.headline, "Urgent: others may know your password");
    assert_eq!(
        told.sentences[1],
        "Act now: change your password from another device, sign out of all sessions, and tell your security contact at once."
    );
    let told = answer(&facts, Language::Spanish);
    assert_eq!(
        told.sentences[1],
        "Actúe ahora: cambie su contraseña desde otro dispositivo, cierre todas las sesiones y avise de inmediato a su encargado de seguridad."
    );
}

#[test]
fn a_partner_whose_account_was_taken_over() {
    let facts = Facts {
        claimed: Some("Harbor Print".to_owned()),
        leads_to: Some("pay.example".to_owned()),
        is_compromised_partner: true,
        ..Facts::new(VerdictWord::Phishing)
    };
    assert_eq!(
        answer(&facts, Language::English).sentences,
        [
            "This is phishing: it was sent from the real account of Harbor Print, and it leads to pay[.]example, so the account is \
             probably taken over.",
            "Do not click, open or answer; call them on a number you know.",
        ]
    );
    assert_eq!(
        answer(&facts, Language::Spanish).sentences,
        [
            "Es un correo de engaño (phishing): salió de la cuenta real de Harbor Print y lleva a pay[.]example, así que otra \
             persona probablemente tomó esa cuenta.",
            "No haga clic, no abra nada ni responda; llame al remitente a un número que usted ya conozca.",
        ]
    );
}

#[test]
fn names_that_the_message_chose_cannot_be_clicked() {
    let facts = Facts {
        claimed: Some("Go\u{202e}ogle\r\n<b>https://evil.example/x".to_owned()),
        deciding: vec!["The link leads to evil.example.".to_owned()],
        ..Facts::new(VerdictWord::Phishing)
    };
    let told = answer(&facts, Language::English);
    assert_eq!(
        told.sentences[0],
        "This is phishing: the link leads to evil[.]example."
    );
    let told = answer(&facts, Language::Spanish);
    assert!(
        told.sentences[0].contains("Google bhxxps://evil[.]example/x"),
        "{}",
        told.sentences[0]
    );
}

#[test]
fn the_reporters_language() {
    assert_eq!(language_of("Is this real? I got it today."), Language::English);
    assert_eq!(
        language_of("Recib\u{ed} este correo, \u{bf}es verdadero?"),
        Language::Spanish
    );
    assert_eq!(
        language_of("Hice clic en el enlace y puse mi contrase\u{f1}a"),
        Language::Spanish
    );
    assert_eq!(language_of("FYI"), Language::English);
    assert_eq!(language_of(""), Language::English);
}
