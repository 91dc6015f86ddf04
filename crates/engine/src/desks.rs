//! Every desk that this build has. A new desk is one line here.

use std::sync::Arc;

use pollwatch_lookalike::NamesJudge;
use pollwatch_model::{Desk, Judges, Register};

static ROLLS: pollwatch_rolls::RollsDesk = pollwatch_rolls::RollsDesk::new();

/// The desks, in the order in which people read about them.
pub fn all() -> &'static [&'static dyn Desk] {
    static ALL: [&dyn Desk; 5] = [
        &pollwatch_lookalike::LookalikeDesk,
        &pollwatch_mail::MailDesk,
        &pollwatch_intrusion::IntrusionDesk,
        &ROLLS,
        &pollwatch_audit::AuditDesk,
    ];
    &ALL
}

/// The desk of a name.
pub fn named(name: &str) -> Option<&'static dyn Desk> {
    all().iter().copied().find(|desk| desk.card().name == name)
}

/// The judgements of other desks that the desk `name` may ask for.
pub fn judges(name: &str, register: &Register) -> Judges {
    match name {
        "mail" => Judges {
            names: Some(Arc::new(NamesJudge::compile(register))),
        },
        _ => Judges::default(),
    }
}

/// What the design foresees and this build does not have: title, and what goes unseen without it. The brief names them.
pub const ABSENT: &[(&str, &str)] = &[
    ("Coordinated accounts", "whether false accounts worked on voters"),
    (
        "Posture",
        "how well the protected domains are configured against attack",
    ),
];
