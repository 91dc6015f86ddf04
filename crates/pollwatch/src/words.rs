//! Errors in words for a person: what happened, and what to do next.

use std::io::ErrorKind;

use pollwatch_engine::Error;

/// Whether the reader of our output went away, which is no fault.
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause
            .downcast_ref::<std::io::Error>()
            .is_some_and(|io| io.kind() == ErrorKind::BrokenPipe)
    })
}

/// The whole message: the chain of causes in one sentence, then what to do.
pub fn for_people(error: &anyhow::Error) -> String {
    let mut message = String::from("pollwatch: ");
    let mut previous = String::new();
    for (depth, cause) in error.chain().enumerate() {
        let text = cause.to_string();
        if depth > 0 && (text == previous || previous.contains(&text)) {
            continue;
        }
        if depth > 0 {
            message.push_str(": ");
        }
        message.push_str(&text);
        previous = text;
    }
    let mut message = crate::screen::visible(&message);
    if let Some(advice) = error.chain().find_map(advice) {
        message.push_str("\n  ");
        message.push_str(advice);
    }
    message
}

fn advice(cause: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    if let Some(error) = cause.downcast_ref::<Error>() {
        let advice = match error {
            Error::NoWorkspace(_) => {
                "Make one with `pollwatch init DIR`, name one with -C DIR, or look at one with `pollwatch demo`."
            }
            Error::NotEmpty(_) => "Nothing was changed. Choose a new folder.",
            Error::Locked(_) => "Wait until it has finished. Nothing was changed.",
            Error::ReadOnly(_) => "Open it on a machine and as a user that may write there.",
            Error::Settings { .. } | Error::Register(_) => "Mend that line and run the command again.",
            Error::RecordBehindLedger { .. } => {
                "Somebody put back an old database, or the ledger is another workspace's. Nothing was changed. Restore both \
                 from one backup (`pollwatch restore`)."
            }
            Error::NoSuchFinding(_) => "`pollwatch findings list` shows what there is.",
            Error::NoSuchTally(_) => "`pollwatch tally --list` shows what was recorded.",
            Error::NoSuchTarget(_) => "`pollwatch register list` shows them.",
            Error::Refused { .. } => "Nothing of the file was taken in.",
            Error::TooLongToSend(_) => {
                "Leave its target out with --target, or send that finding by other means."
            }
            Error::Desk { .. } => {
                "What was found before that is kept; running the command again goes on from there."
            }
            Error::Ledger { .. } => {
                "Nothing was signed. `pollwatch verify` says which entry is the first bad one; keep the folder as it is for \
                 whoever looks into it."
            }
            _ => return None,
        };
        return Some(advice);
    }
    if let Some(error) = cause.downcast_ref::<pollwatch_server::Error>() {
        return match error {
            pollwatch_server::Error::Bind { source, .. } if source.kind() == ErrorKind::AddrInUse => Some(
                "Another program has that port, perhaps a console that already runs. Choose another with --listen.",
            ),
            pollwatch_server::Error::Bind { .. } => {
                Some("Choose an address of this machine and a port from 1024 on with --listen.")
            }
            pollwatch_server::Error::NotPublic { .. } => Some(
                "Nothing was started. Leave --listen out for this machine alone, or add --public with --tls-cert and --tls-key.",
            ),
            pollwatch_server::Error::Unprotected { .. } => Some(
                "Nothing was started: passwords would cross the network in the open. Give --tls-cert and --tls-key, or --proxy.",
            ),
            // Its text is that of what lies beneath, and so is the advice.
            pollwatch_server::Error::Engine(error) => advice(error),
            pollwatch_server::Error::Tls { .. } => {
                Some("Nothing was started. Certificate and key are PEM files that belong together.")
            }
            _ => None,
        };
    }
    let io = cause.downcast_ref::<std::io::Error>()?;
    match io.kind() {
        ErrorKind::NotFound => Some("Check the spelling of the path."),
        ErrorKind::PermissionDenied => {
            Some("This user may not do that there: check the owner and rights of the path.")
        }
        ErrorKind::StorageFull => Some(
            "The disk is full. What was recorded before is safe; free some space and run the command again.",
        ),
        ErrorKind::ReadOnlyFilesystem => Some("That place can only be read. Use a workspace elsewhere."),
        _ => None,
    }
}
