//! What a person says that they did with a message, in English and Spanish.
//!
//! A sentence is a claim, kept with its words. Questions, conditions, orders and near misses are no statements: "did anyone
//! click?", "if I clicked", "do not click", "I almost clicked".

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use super::people::Outcome;

/// Whom a statement is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Who {
    /// The one who writes.
    Writer,
    /// Somebody else.
    Other,
}

/// What somebody says that a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// That it is real.
    Genuine,
    /// That it is not.
    Fake,
}

/// One sentence that says something about what was done, or what the message is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// What was done; [`Outcome::Unknown`] when the sentence only says what the message is.
    pub outcome: Outcome,
    /// By whom.
    pub who: Who,
    /// The sentence, at most 300 characters.
    pub says: String,
    /// What it says that the message is. A helpdesk's answer is kept as this, right or wrong; it decides nothing.
    pub helpdesk_verdict: Option<Said>,
}

/// Most bytes of a text that are read.
const MAX_BYTES: usize = 64 << 10;
/// Most statements of one text.
const MAX_STATEMENTS: usize = 50;

/// What the writer of `text` says, in order. `text` is their own words; lines that quote, and all behind the head of a
/// forwarded message, are left out here too.
pub fn statements(text: &str) -> Vec<Statement> {
    let mut found = Vec::new();
    for sentence in sentences(&own_words(text)) {
        if found.len() >= MAX_STATEMENTS {
            break;
        }
        read_sentence(&sentence, &mut found);
    }
    found
}

fn own_words(text: &str) -> String {
    let mut own = String::new();
    for line in text.lines() {
        let trimmed = line.trim();
        let folded = fold(trimmed);
        let is_head = folded.contains("forwarded message")
            || folded.contains("original message")
            || folded.contains("mensaje original")
            || folded.contains("mensaje reenviado")
            || folded.starts_with("begin forwarded")
            || trimmed.starts_with("_____")
            || (["from:", "de:"].iter().any(|field| folded.starts_with(field)) && folded.contains('@'))
            || ((folded.ends_with(" wrote:") || folded.ends_with(" escribio:")) && folded.len() < 200);
        if is_head || own.len() > MAX_BYTES {
            break;
        }
        if trimmed.starts_with('>') {
            continue;
        }
        own.push_str(trimmed);
        own.push('\n');
    }
    own
}

/// Sentences with their end mark. A line ends a sentence only when the next one is empty: mail is wrapped.
fn sentences(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for paragraph in text.split("\n\n") {
        let mut sentence = String::new();
        let mut chars = paragraph.chars().peekable();
        while let Some(c) = chars.next() {
            if c == '\u{bf}' && !sentence.trim().is_empty() {
                // A Spanish question may begin behind a comma.
                found.push(std::mem::take(&mut sentence));
            }
            sentence.push(if c == '\n' { ' ' } else { c });
            let ends = matches!(c, '.' | '!' | '?') && chars.peek().is_none_or(|next| next.is_whitespace());
            if ends {
                found.push(std::mem::take(&mut sentence));
            }
        }
        found.push(sentence);
    }
    found.retain(|sentence| sentence.chars().any(char::is_alphanumeric));
    found
}

/// Lower case, without accents, apostrophes made plain.
fn fold(text: &str) -> String {
    text.nfd()
        .filter(|c| !unicode_normalization::char::is_combining_mark(*c))
        .map(|c| {
            if matches!(c, '\u{2019}' | '\u{2018}' | '\u{b4}' | '`') {
                '\''
            } else {
                c
            }
        })
        .collect::<String>()
        .to_lowercase()
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|word| !word.is_empty())
        .collect()
}

fn read_sentence(sentence: &str, found: &mut Vec<Statement>) {
    let folded = fold(sentence);
    let is_question = folded.trim_end().ends_with('?') || folded.trim_start().starts_with('\u{bf}');
    let clauses = clauses(&folded);
    let last = clauses.len().saturating_sub(1);
    let mut was_denied = false;
    let mut is_asking = folded.trim_start().starts_with('\u{bf}');
    let says = || sentence.trim().chars().take(300).collect::<String>();
    let mut best: Vec<(Outcome, Who)> = Vec::new();
    for (at, clause) in clauses.iter().enumerate() {
        let list = words(clause);
        is_asking |= is_question && list.first().is_some_and(|first| ASKING.contains(first));
        if is_asking || (is_question && at == last) {
            continue;
        }
        // "my user name, and password": short pieces without a verb still belong to the verb before.
        let tail: Vec<&str> = clauses[at + 1..]
            .iter()
            .map(|next| words(next))
            .take_while(|next| next.len() <= 3 && next.iter().all(|word| verb_of(word).is_none()))
            .flatten()
            .collect();
        for (outcome, who) in read_clause(&list, &tail, &mut was_denied) {
            if !best.contains(&(outcome, who)) {
                best.push((outcome, who));
            }
        }
    }
    let verdict = if is_question {
        None
    } else {
        verdict_in(&words(&folded))
    };
    // "I did not click but entered my password" says two things; "not clicked" yields to what was done by the same person.
    let done = |who: Who| {
        best.iter()
            .any(|(o, w)| *w == who && *o > Outcome::ReportedUnclicked)
    };
    let kept: Vec<(Outcome, Who)> = best
        .iter()
        .copied()
        .filter(|(outcome, who)| *outcome != Outcome::ReportedUnclicked || !done(*who))
        .collect();
    if kept.is_empty() {
        if let Some(verdict) = verdict {
            found.push(Statement {
                outcome: Outcome::Unknown,
                who: Who::Other,
                says: says(),
                helpdesk_verdict: Some(verdict),
            });
        }
        return;
    }
    for (outcome, who) in kept {
        found.push(Statement {
            outcome,
            who,
            says: says(),
            helpdesk_verdict: verdict,
        });
    }
}

/// First words that make a clause of a question a question itself.
const ASKING: &[&str] = &[
    "did", "do", "does", "should", "could", "can", "what", "is", "are", "has", "have", "was", "were", "will",
    "would", "who", "how", "why", "when", "anyone", "anybody", "am", "hice", "debo", "deberia", "que", "es",
    "alguien", "ha", "han", "he", "puedo", "como", "cuando", "quien", "por", "hay", "tengo",
];

fn clauses(sentence: &str) -> Vec<String> {
    let spaced = sentence
        .replace(" but ", ", but ")
        .replace(" pero ", ", pero ")
        .replace(" sino ", ", pero ")
        .replace(" and ", ", and ")
        .replace(" y ", ", y ")
        .replace(" then ", ", then ")
        .replace(" luego ", ", luego ")
        .replace(" - ", ", ")
        .replace(['\u{2013}', '\u{2014}'], ",");
    spaced
        .split([',', ';', ':', '(', ')'])
        .filter(|clause| clause.chars().any(char::is_alphanumeric))
        .map(str::to_owned)
        .collect()
}

const DENIALS: &[&str] = &[
    "not", "never", "without", "didn't", "didnt", "haven't", "havent", "hadn't", "hasn't", "nobody", "nor",
    "neither", "none", "no", "nunca", "sin", "ni", "tampoco", "jamas", "nadie",
];
/// What makes a deed something that did not happen, or may not have.
const HEDGES: &[&str] = &[
    "if", "whether", "almost", "nearly", "unless", "about", "before", "si", "casi", "antes", "don't", "dont",
    "instead", "unsure",
];
/// The same, only right before the verb: "might have clicked", but not "I would like to say that I clicked".
const MODALS: &[&str] = &[
    "would", "could", "might", "may", "please", "cannot", "can't", "podria", "habria", "hubiera",
];
/// "I should not have clicked", "I wish I hadn't": it was done.
const REGRETS: &[&str] = &[
    "should",
    "shouldn't",
    "shouldnt",
    "wish",
    "regret",
    "debi",
    "debia",
    "deberia",
];
const CONJUNCTIONS: &[&str] = &[
    "when", "that", "because", "since", "until", "cuando", "que", "porque", "hasta",
];
const OTHERS: &[&str] = &[
    "he",
    "she",
    "they",
    "someone",
    "somebody",
    "nobody",
    "colleague",
    "coworker",
    "boss",
    "chair",
    "clerk",
    "candidate",
    "user",
    "intern",
    "staffer",
    "assistant",
    "director",
    "volunteer",
    "else",
    "one",
    "anyone",
    "anybody",
    "everyone",
    "nadie",
];
const WRITERS: &[&str] = &["i", "we", "i've", "ive", "i'd", "we've", "yo"];
/// Things on an attacker's side that one opens or uses.
const THINGS: &[&str] = &[
    "link",
    "links",
    "button",
    "page",
    "site",
    "website",
    "attachment",
    "file",
    "document",
    "pdf",
    "form",
    "url",
    "invoice",
    "enlace",
    "enlaces",
    "boton",
    "pagina",
    "sitio",
    "adjunto",
    "archivo",
    "documento",
    "formulario",
    "liga",
    "vinculo",
    "web",
    "factura",
];
const SECRETS: &[&str] = &[
    "password",
    "passwords",
    "passcode",
    "credentials",
    "credential",
    "username",
    "passphrase",
    "contrasena",
    "contrasenas",
    "clave",
    "claves",
    "credenciales",
];
/// Secrets only with "my" before them: "I sent the details to the helpdesk" gives nothing away.
const OWN_SECRETS: &[&str] = &[
    "login",
    "pin",
    "code",
    "user",
    "account",
    "usuario",
    "codigo",
    "datos",
    "info",
    "information",
    "details",
    "pass",
];

fn names_secret(after: &[&str]) -> bool {
    after.iter().enumerate().any(|(at, word)| {
        let is_own = || {
            let before = &after[at.saturating_sub(3)..at];
            before.iter().any(|word| {
                matches!(
                    *word,
                    "my" | "our" | "her" | "his" | "their" | "mi" | "mis" | "su" | "sus" | "nuestros"
                )
            })
        };
        SECRETS.contains(word) || (OWN_SECRETS.contains(word) && is_own())
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    /// Went there, by itself ("clicked").
    Visit,
    /// Went there, if the thing follows ("opened the attachment").
    VisitThing,
    /// Gave, if a secret follows.
    Give,
    /// Changed, if a secret and a thing of theirs follow.
    Change,
    /// Signed in, if a thing of theirs is named.
    SignIn,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// English past or participle, or base form behind "did".
    Past,
    /// English base form.
    Base,
    /// Spanish first person, past.
    First,
    /// Spanish third person, past.
    Third,
    /// Spanish participle or infinitive: the auxiliary says who, a denial makes it none.
    Participle,
}

fn verb_of(word: &str) -> Option<(Verb, Form)> {
    let found = match word {
        "clicked" | "clicking" | "tapped" | "scanned" => (Verb::Visit, Form::Past),
        "click" | "tap" | "scan" => (Verb::Visit, Form::Base),
        "opened" | "followed" | "visited" | "pressed" | "hit" | "used" | "downloaded" | "ran" | "opening" => {
            (Verb::VisitThing, Form::Past)
        }
        "open" | "follow" | "visit" | "press" | "download" => (Verb::VisitThing, Form::Base),
        "entered" | "typed" | "gave" | "given" | "provided" | "submitted" | "filled" | "supplied"
        | "shared" | "keyed" | "put" | "entering" | "typing" | "sent" | "giving" => (Verb::Give, Form::Past),
        "enter" | "type" | "give" | "provide" | "submit" | "fill" | "share" => (Verb::Give, Form::Base),
        "changed" | "reset" | "updated" => (Verb::Change, Form::Past),
        "logged" | "signed" => (Verb::SignIn, Form::Past),
        "clic" | "click'" => return None,
        "pinche" | "clique" | "cliquee" | "clickee" | "escanee" => (Verb::Visit, Form::First),
        "pincho" | "cliqueo" | "escaneo" => (Verb::Visit, Form::Third),
        "pinchado" | "clicado" | "cliqueado" | "escaneado" | "pinchar" | "escanear" => {
            (Verb::Visit, Form::Participle)
        }
        "abri" | "pulse" | "presione" | "segui" | "entre" | "descargue" | "use" => {
            (Verb::VisitThing, Form::First)
        }
        "abrio" | "pulso" | "presiono" | "siguio" | "entro" | "descargo" => (Verb::VisitThing, Form::Third),
        "abierto" | "pulsado" | "presionado" | "seguido" | "entrado" | "abrir" | "descargado" => {
            (Verb::VisitThing, Form::Participle)
        }
        "puse" | "ingrese" | "escribi" | "introduje" | "di" | "meti" | "entregue" | "proporcione"
        | "teclee" | "comparti" | "envie" | "rellene" | "llene" => (Verb::Give, Form::First),
        "puso" | "ingreso" | "escribio" | "introdujo" | "dio" | "metio" | "entrego" | "tecleo"
        | "compartio" | "envio" => (Verb::Give, Form::Third),
        "puesto" | "ingresado" | "escrito" | "introducido" | "dado" | "metido" | "entregado"
        | "proporcionado" | "tecleado" | "compartido" | "enviado" | "poner" | "ingresar" | "dar" => {
            (Verb::Give, Form::Participle)
        }
        "cambie" => (Verb::Change, Form::First),
        "cambio" => (Verb::Change, Form::Third),
        "cambiado" => (Verb::Change, Form::Participle),
        _ => return None,
    };
    Some(found)
}

/// "hice clic", "he hecho click", "di clic": the verb stands before the thing.
fn spanish_click(list: &[&str], at: usize) -> Option<Form> {
    if !list[at + 1..]
        .iter()
        .take(2)
        .any(|next| matches!(*next, "clic" | "click" | "clics"))
    {
        return None;
    }
    match list[at] {
        "hice" | "di" => Some(Form::First),
        "hizo" | "dio" => Some(Form::Third),
        "hecho" | "dado" | "hacer" | "dar" => Some(Form::Participle),
        _ => None,
    }
}

fn read_clause(list: &[&str], tail: &[&str], was_denied: &mut bool) -> Vec<(Outcome, Who)> {
    let mut found = Vec::new();
    let mut denied_here = false;
    let begins_anew = list.iter().any(|word| WRITERS.contains(word))
        || list.first().is_some_and(|word| matches!(*word, "but" | "pero"));
    let inherited = *was_denied && !begins_anew;
    // Base forms behind a denied auxiliary: "did not click or enter".
    for at in 0..list.len() {
        let click = spanish_click(list, at);
        let Some((verb, form)) = click
            .map(|form| (Verb::Visit, form))
            .or_else(|| verb_of(list[at]))
        else {
            continue;
        };
        if matches!(list[at], "click" | "clic")
            && at > 0
            && (spanish_click(list, at - 1).is_some() || at > 1 && spanish_click(list, at - 2).is_some())
        {
            continue;
        }
        let before = &list[..at];
        let near = &before[before.len().saturating_sub(6)..];
        let mut after = list[at + 1..].to_vec();
        after.extend_from_slice(tail);
        // "I did not know that it was fake when I clicked": what is denied stands before the verb's own subject.
        let own = near
            .iter()
            .rposition(|word| WRITERS.contains(word) || CONJUNCTIONS.contains(word))
            .map_or(near, |at| &near[at + 1..]);
        let is_regret =
            near.iter().any(|word| REGRETS.contains(word)) && matches!(form, Form::Past | Form::Participle);
        let says_no = own.iter().any(|word| DENIALS.contains(word));
        let is_denied = !is_regret && says_no
            // A list goes on being denied in its base forms, or behind "or" and "ni".
            || (!is_regret && inherited && (form == Form::Base || list.first().is_some_and(|w| matches!(*w, "or" | "nor" | "ni" | "o"))));
        let last_words = |count: usize| &near[near.len().saturating_sub(count)..];
        let is_hedged = !is_regret
            && (last_words(4).iter().any(|word| HEDGES.contains(word))
                || last_words(3).iter().any(|word| MODALS.contains(word)));
        denied_here |= is_denied;
        let does_emphasis = near.iter().rev().take(2).any(|word| *word == "did");
        match form {
            Form::Base if !is_denied && !does_emphasis => continue,
            // "Do not click": an order. What was not done is told with did, have, had or never.
            Form::Base if is_denied && !inherited => {
                let is_told = near
                    .iter()
                    .any(|word| matches!(*word, "did" | "didn't" | "didnt" | "never" | "have" | "haven't"));
                if !is_told {
                    continue;
                }
            }
            Form::Participle => {
                let has_auxiliary = near
                    .iter()
                    .any(|word| matches!(*word, "he" | "hemos" | "ha" | "han" | "habia" | "haber" | "sin"));
                if !has_auxiliary {
                    continue;
                }
            }
            _ => {}
        }
        if is_hedged {
            // "before clicking", "almost clicked": not done, and not said in so many words either.
            continue;
        }
        let has = |set: &[&str], within: usize| after.iter().take(within).any(|word| set.contains(word));
        let outcome = match verb {
            Verb::Visit => Outcome::Visited,
            Verb::VisitThing if has(THINGS, 7) => Outcome::Visited,
            // "I haven't opened it" says that nothing was clicked; "I opened it" may mean the mail.
            Verb::VisitThing
                if is_denied && (after.is_empty() || has(&["it", "anything", "lo", "nada", "any"], 3)) =>
            {
                Outcome::Visited
            }
            Verb::Give if names_secret(&after[..after.len().min(8)]) => Outcome::CredentialsEntered,
            Verb::Change if has(SECRETS, 4) && uses_their_thing(&after) => Outcome::CredentialsEntered,
            Verb::SignIn if after.first() == Some(&"in") && uses_their_thing(&after) => {
                Outcome::CredentialsEntered
            }
            _ => continue,
        };
        let who = match form {
            Form::First => Who::Writer,
            Form::Third => Who::Other,
            Form::Participle if near.iter().any(|word| matches!(*word, "ha" | "han")) => Who::Other,
            Form::Participle => Who::Writer,
            Form::Past | Form::Base => who_before(before),
        };
        match (is_denied, outcome) {
            (false, outcome) => found.push((outcome, who)),
            (true, Outcome::Visited) => found.push((Outcome::ReportedUnclicked, who)),
            // "I did not enter my password" leaves open whether they clicked.
            (true, _) => {}
        }
    }
    *was_denied = denied_here || (inherited && found.is_empty());
    found
}

/// Whether the deed was done through the message: "with the button", "from the link", "there".
fn uses_their_thing(after: &[&str]) -> bool {
    const THERE: &[&str] = &[
        "link",
        "button",
        "page",
        "site",
        "website",
        "form",
        "enlace",
        "boton",
        "pagina",
        "sitio",
        "formulario",
        "liga",
        "vinculo",
    ];
    const WAYS: &[&str] = &[
        "with", "through", "using", "via", "from", "on", "at", "by", "con", "en", "desde", "por", "del",
        "usando",
    ];
    after.iter().any(|word| THERE.contains(word)) && after.iter().any(|word| WAYS.contains(word))
}

fn who_before(before: &[&str]) -> Who {
    before
        .iter()
        .rev()
        .find_map(|word| {
            if WRITERS.contains(word) {
                Some(Who::Writer)
            } else if OTHERS.contains(word) {
                Some(Who::Other)
            } else {
                None
            }
        })
        .unwrap_or(Who::Writer)
}

fn verdict_in(list: &[&str]) -> Option<Said> {
    const BE: &[&str] = &[
        "is", "looks", "appears", "seems", "was", "it's", "that's", "es", "parece", "era",
    ];
    const GENUINE: &[&str] = &[
        "legitimate",
        "legit",
        "real",
        "genuine",
        "authentic",
        "valid",
        "safe",
        "legitimo",
        "legitima",
        "autentico",
        "autentica",
        "verdadero",
        "seguro",
    ];
    const FAKE: &[&str] = &[
        "phishing",
        "scam",
        "fake",
        "fraud",
        "fraudulent",
        "malicious",
        "estafa",
        "falso",
        "falsa",
        "fraude",
    ];
    for (at, word) in list.iter().enumerate() {
        if !BE.contains(word) {
            continue;
        }
        let is_denied = list[..at].iter().rev().take(1).any(|word| DENIALS.contains(word))
            || list[at + 1..].iter().take(2).any(|word| DENIALS.contains(word));
        let is_unsure = list[..at]
            .iter()
            .rev()
            .take(4)
            .any(|word| matches!(*word, "if" | "whether" | "si"));
        if is_unsure {
            continue;
        }
        for next in list[at + 1..].iter().take(4) {
            let said = if GENUINE.contains(next) {
                Said::Genuine
            } else if FAKE.contains(next) {
                Said::Fake
            } else {
                continue;
            };
            return Some(match (said, is_denied) {
                (Said::Genuine, false) | (Said::Fake, true) => Said::Genuine,
                _ => Said::Fake,
            });
        }
    }
    None
}

#[cfg(test)]
#[path = "say_tests.rs"]
mod tests;
