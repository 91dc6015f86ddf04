//! PATH, in files: how strongly each signal that an attachment gives speaks in this message.

use crate::detect::Graded;
use crate::scene::Scene;

/// Takes over the signals of the attachments; each signal once, with the first words that gave it.
pub fn detect(scene: &Scene<'_>) -> Vec<Graded> {
    let mut found: Vec<Graded> = Vec::new();
    for seen in &scene.attached {
        if !found.iter().any(|known| known.seen.signal == seen.signal) {
            found.push(Graded {
                seen: seen.clone(),
                grade: 1.0,
            });
        }
    }
    found
}
