//! The binary: arguments, exit codes, words for people, and the only place that prints.
#![allow(clippy::print_stdout, clippy::print_stderr)]
#![allow(missing_docs)]

use std::process::ExitCode;

use clap::Parser;

/// The status with which the program ends when nobody reads what it prints any more.
static STATUS_WHEN_CLOSED: std::sync::atomic::AtomicU8 = std::sync::atomic::AtomicU8::new(0);

/// Prints; unlike the standard library's macros it ends quietly when the reader went away (`pollwatch … | head`), and says
/// so when the disk behind it is full.
macro_rules! print {
    ($($text:tt)*) => { crate::put(format_args!($($text)*)) };
}

/// [`print`], with a line feed.
macro_rules! println {
    () => { crate::put(format_args!("\n")) };
    ($($text:tt)*) => {{
        crate::put(format_args!($($text)*));
        crate::put(format_args!("\n"));
    }};
}

fn put(text: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    if let Err(error) = std::io::stdout().lock().write_fmt(text) {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            let status = STATUS_WHEN_CLOSED.load(std::sync::atomic::Ordering::Relaxed);
            std::process::exit(status.into());
        }
        eprintln!("pollwatch: cannot print: {error}");
        std::process::exit(2);
    }
}

mod arguments;
mod commands;
mod demo_data;
mod screen;
mod words;

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    // Rust's own message can quote the text that was being read: a message body must not reach a log.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map(|place| format!(" at {}:{}", place.file(), place.line()));
        eprintln!(
            "pollwatch: an internal fault{}; please report this line",
            place.unwrap_or_default()
        );
    }));
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(error) if words::is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", words::for_people(&error));
            ExitCode::from(2)
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let workspace = arguments.workspace.as_deref();
    match arguments.command {
        Command::Demo { dir } => commands::demo::run(dir),
        Command::Init { dir, owner, origin } => commands::init::run(&dir, &owner, origin),
        Command::Register(command) => commands::register::run(workspace, command),
        Command::Lookalike(command) => commands::lookalike::run(workspace, command),
        Command::Mail(command) => commands::mail::run(workspace, command),
        Command::Intrusion(command) => commands::intrusion::run(workspace, command),
        Command::Audit(command) => commands::audit::run(workspace, command),
        Command::Rolls(command) => commands::rolls::run(workspace, command),
        Command::Findings(command) => commands::findings::run(workspace, command),
        Command::Tally(arguments) => commands::tally::run(workspace, arguments),
        Command::Export(arguments) => commands::transfer::export(workspace, arguments),
        Command::Import(arguments) => commands::transfer::import(workspace, arguments),
        Command::Brief { tlp, output } => commands::brief::run(workspace, tlp, &output),
        Command::Verify { checkpoint, key } => commands::verify::run(workspace, checkpoint, key),
        Command::Watch { once } => commands::watch::run(workspace, once),
        Command::Serve(arguments) => commands::serve::run(workspace, arguments),
        Command::Account(command) => commands::account::run(workspace, command),
        Command::Status => commands::status::run(workspace),
        Command::Backup { dir, with_key } => commands::keep::backup(workspace, &dir, with_key),
        Command::Restore { from, dir } => commands::keep::restore(&from, &dir),
        Command::Key(command) => commands::keep::key(workspace, command),
    }
}
