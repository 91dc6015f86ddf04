//! The Spanish words, in the form of usted.

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
        _ if facts.is_urgent() => "Urgente: otra persona puede conocer su contraseña",
        VerdictWord::Phishing if facts.is_compromised_partner => {
            "Engaño enviado desde una cuenta real, probablemente tomada por otros"
        }
        VerdictWord::Phishing => "Correo de engaño (phishing)",
        VerdictWord::Suspicious if facts.is_compromised_partner => {
            "Sospechoso: la cuenta del remitente probablemente fue tomada por otros"
        }
        VerdictWord::Suspicious => "Sospechoso: puede ser un engaño (phishing)",
        VerdictWord::Unwanted => "Correo no deseado",
        VerdictWord::NoSign => "Sin señales de engaño",
        VerdictWord::CannotTell => "Todavía no podemos decirlo",
    };
    words.to_owned()
}

fn what(facts: &Facts) -> String {
    match facts.verdict {
        VerdictWord::Phishing => format!("Es un correo de engaño (phishing): {}.", reason(facts)),
        VerdictWord::Suspicious => format!("Puede ser un correo de engaño (phishing): {}.", reason(facts)),
        VerdictWord::Unwanted => {
            "Es publicidad o una estafa común, y no vimos ningún intento de obtener su contraseña.".to_owned()
        }
        VerdictWord::NoSign => match (&facts.proven, facts.headers_lost) {
            (Some(proven), _) => {
                format!("No encontramos señales de engaño; lo enviaron los servidores propios de {proven}.")
            }
            (None, true) => {
                "No encontramos señales de engaño, pero la copia que recibimos no muestra quién lo envió."
                    .to_owned()
            }
            (None, false) => {
                "No encontramos señales de engaño, pero no pudimos comprobar quién lo envió.".to_owned()
            }
        },
        // What could not be read is named in English only; here it is said that something could not.
        VerdictWord::CannotTell => match (facts.not_checked.is_empty(), facts.headers_lost) {
            (false, _) => "No podemos decirlo, porque no pudimos leer una parte del mensaje.".to_owned(),
            (true, true) => {
                "No podemos decirlo, porque la copia que recibimos no muestra quién lo envió.".to_owned()
            }
            (true, false) => "No podemos decirlo, porque no pudimos leer el mensaje.".to_owned(),
        },
    }
}

fn reason(facts: &Facts) -> String {
    let wants = match facts.asks_for {
        Ask::Password => Some("pide su contraseña"),
        Ask::Payment => Some("pide dinero"),
        Ask::OpenFile => Some("quiere que usted abra un archivo"),
        Ask::Call => Some("quiere que usted llame a un número"),
        Ask::Scan => Some("quiere que usted escanee un código"),
        Ask::Reply => Some("quiere que usted responda"),
        Ask::None => None,
    };
    if facts.is_compromised_partner {
        let whose = match &facts.claimed {
            Some(claimed) => format!("de {claimed}"),
            None => "del remitente".to_owned(),
        };
        let leads = facts
            .leads_to
            .as_ref()
            .map(|host| format!(" y lleva a {host}"))
            .unwrap_or_default();
        return format!(
            "salió de la cuenta real {whose}{leads}, así que otra persona probablemente tomó esa cuenta"
        );
    }
    match (&facts.claimed, &facts.leads_to, wants) {
        (Some(claimed), Some(host), Some(wants)) => {
            format!("dice que viene de {claimed} y {wants}, pero lleva a {host}, que no les pertenece")
        }
        (Some(claimed), Some(host), None) => {
            format!("dice que viene de {claimed}, pero lleva a {host}, que no les pertenece")
        }
        (None, Some(host), Some(wants)) => format!("{wants} y lleva a {host}"),
        (None, Some(host), None) => format!("lleva a {host}, y lo que dice no encaja con ese sitio"),
        (Some(claimed), None, Some(wants)) => {
            format!("dice que viene de {claimed} y {wants}, y nada demuestra que sea así")
        }
        (Some(claimed), None, None) => format!("dice que viene de {claimed}, y nada demuestra que sea así"),
        (None, None, Some(wants)) => format!("{wants}, y no muestra de quién viene"),
        (None, None, None) => "lo que dice y adonde lleva no encajan".to_owned(),
    }
}

fn now(facts: &Facts) -> String {
    if facts.is_urgent() {
        return "Actúe ahora: cambie su contraseña desde otro dispositivo, cierre todas las sesiones y avise de inmediato a su \
                encargado de seguridad."
            .to_owned();
    }
    if facts.is_bad() && facts.own_action == Outcome::Visited {
        return match facts.asks_for {
            Ask::OpenFile => {
                "Deje de usar la computadora, desconéctela de la red sin apagarla y avise ahora a su encargado de seguridad."
            }
            _ => "Cierre la página, no escriba nada en ella y avise hoy a su encargado de seguridad que la abrió.",
        }
        .to_owned();
    }
    match facts.verdict {
        VerdictWord::Phishing | VerdictWord::Suspicious if facts.is_compromised_partner => {
            "No haga clic, no abra nada ni responda; llame al remitente a un número que usted ya conozca.".to_owned()
        }
        VerdictWord::Phishing | VerdictWord::Suspicious => match facts.asks_for {
            Ask::Password => "No haga clic ni escriba su contraseña; si quiere revisar su cuenta, escriba usted la dirección del sitio.",
            Ask::Payment => "No pague ni cambie datos bancarios; pregunte por teléfono, a un número que usted ya conozca.",
            Ask::OpenFile => "No abra el archivo ni responda; pregunte al remitente por teléfono, a un número que usted ya conozca.",
            Ask::Call => "No llame al número del mensaje; use un número que usted ya conozca.",
            Ask::Scan => "No escanee el código con ningún teléfono; escriba usted la dirección del sitio.",
            Ask::Reply => "No responda; pregunte a la persona por teléfono, a un número que usted ya conozca.",
            Ask::None => "No haga clic, no abra nada ni responda.",
        }
        .to_owned(),
        VerdictWord::Unwanted => "No responda ni compre nada; bórrelo.".to_owned(),
        VerdictWord::NoSign => {
            "Si usted no lo esperaba, pregunte al remitente por teléfono antes de hacer clic, pagar o responder.".to_owned()
        }
        VerdictWord::CannotTell => {
            "Por favor, envíenos el original como archivo adjunto, y no haga clic, no abra nada ni responda hasta que le contestemos."
                .to_owned()
        }
    }
}

fn steps(facts: &Facts) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    let mut say = |step: &str| steps.push(step.to_owned());
    if facts.is_urgent() {
        say(
            "Cambie la contraseña ahora, desde otro dispositivo, escribiendo usted la dirección del sitio verdadero.",
        );
        say("Cámbiela también en todo otro lugar donde use la misma.");
        say("Cierre todas las sesiones en los ajustes de su cuenta.");
        say(
            "Active la verificación en dos pasos y busque reglas de reenvío y direcciones de recuperación que no sean suyas.",
        );
        say("Llame ahora a su encargado de seguridad; no espere una respuesta por correo.");
    } else if facts.is_bad() {
        if facts.own_action == Outcome::Visited {
            say("Diga a su encargado de seguridad cuándo lo abrió y en qué dispositivo.");
            say("Si escribió una contraseña, cámbiela ahora desde otro dispositivo.");
        }
        if facts.is_compromised_partner {
            say("Llame al remitente a un número que usted ya conozca, no a uno del mensaje, y cuénteselo.");
        }
        say("Guarde el mensaje hasta que su encargado de seguridad lo haya visto; después bórrelo.");
        say("Pregunte a sus colegas si también lo recibieron.");
        if facts.own_action < Outcome::Visited {
            say("Si hizo clic o escribió algo, dígalo de inmediato; nadie le culpará.");
        }
    } else if facts.verdict == VerdictWord::NoSign && facts.own_action == Outcome::CredentialsEntered {
        say("Si la página donde escribió su contraseña no era la de siempre, cámbiela ahora.");
    }
    if facts.needs_original() {
        say(
            "Envíenos el original: en Gmail elija \"Reenviar como archivo adjunto\" en el menú del mensaje; en Outlook pulse Ctrl+Alt+F.",
        );
    }
    if !facts.not_checked.is_empty() {
        say("Hubo partes del mensaje que no pudimos revisar.");
    }
    if facts.several > 1 {
        steps.push(format!(
            "Su reporte contenía {} mensajes; cada uno tiene su propia respuesta.",
            facts.several
        ));
    }
    steps
}
