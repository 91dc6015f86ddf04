//! PROOF: what authentication says for and against the sender.

use crate::authenticate::{MethodResult, State};
use crate::detect::claim::Claims;
use crate::detect::{Graded, graded};
use crate::evidence::Quote;
use crate::scene::Scene;
use crate::signal::Signal;

/// Looks at the authentication.
pub fn detect(scene: &Scene<'_>, claims: &Claims<'_>) -> Vec<Graded> {
    let authentication = scene.authentication;
    let mut found = Vec::new();
    let field = scene
        .message
        .fields
        .iter()
        .find(|field| field.name == "authentication-results");
    let quote = || {
        field.map_or_else(Quote::default, |field| {
            Quote::new(
                "0",
                field.offset,
                &format!("Authentication-Results: {}", field.value),
            )
        })
    };
    let is_excused = authentication.list_signs || authentication.overridden_by_arc.is_some();
    if authentication.dmarc == Some(MethodResult::Fail) {
        let is_somebodys = claims.from_owner.is_some();
        let grade = match (is_excused, is_somebodys) {
            (true, _) => 0.0,
            (false, true) => 1.0,
            (false, false) => 0.4,
        };
        let says = match &authentication.overridden_by_arc {
            Some(sealer) => {
                format!("DMARC failed on the last hop; {sealer}, which we trust, says that it passed before.")
            }
            None if is_excused => "DMARC failed, as it does when a mailing list passes mail on.".to_owned(),
            None => format!("DMARC failed: {} did not send this.", scene.from_domain()),
        };
        found.push(graded(Signal::DmarcFail, grade, says, quote()));
    }
    if matches!(
        authentication.spf,
        Some(MethodResult::Fail | MethodResult::Softfail)
    ) {
        let grade = if is_excused { 0.0 } else { 1.0 };
        found.push(graded(
            Signal::SpfFail,
            grade,
            "The server that sent it is not one that the sender's domain lists (SPF).",
            quote(),
        ));
    }
    if authentication.aligned == Some(false)
        && authentication.state == State::Recorded
        && authentication.dmarc != Some(MethodResult::Pass)
    {
        found.push(graded(
            Signal::Unaligned,
            if is_excused { 0.0 } else { 1.0 },
            format!(
                "Nothing that was checked belongs to {}, the domain that it says it is from.",
                scene.from_domain()
            ),
            quote(),
        ));
    }
    for claim in &authentication.untrusted {
        found.push(graded(
            Signal::UntrustedResults,
            // Without results of our own every relay's field is foreign; beside ours it was put there to be believed.
            if authentication.state == State::Recorded && authentication.dmarc != Some(MethodResult::Pass) {
                1.0
            } else {
                0.0
            },
            format!(
                "It brought a check result of its own along ({}); only our mail server's counts.",
                claim.claims
            ),
            claim.quote.clone(),
        ));
    }
    found
}
