//! What the tests in a real browser need: Debian's Chromium, and axe-core for the rules of accessibility.
//!
//! What is missing is installed, and that is said. What cannot be had is named, and the tests that need it are skipped; with
//! `CI` set, where nothing may be left out, that is a failure.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use sha2::{Digest as _, Sha256};

/// Where the tests look for the browser (tests/browser/chrome.rs).
const BROWSERS: [&str; 4] = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/usr/bin/google-chrome-stable",
];

/// The rules that pages are held to; it is never part of the project or of what is built (MPL-2.0).
const AXE_VERSION: &str = "4.14.1";
/// Of `axe.min.js` in that version: what is run beside our pages is what was looked at.
const AXE_SHA256: &str = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c";
/// Longest file that is taken out of a package, in bytes.
const MAX_FILE_BYTES: u64 = 8 << 20;

/// Whether nothing may be skipped.
pub fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| !value.is_empty() && value != "false")
}

/// Installs what is missing. Gives one sentence for each thing that cannot be had; with `CI` set that is an error.
pub fn set_up() -> anyhow::Result<Vec<String>> {
    let mut skipped = Vec::new();
    for (tests, got) in [
        ("all tests in a browser", chromium()),
        ("the rules of accessibility (axe-core)", axe()),
    ] {
        if let Err(error) = got {
            if is_ci() {
                return Err(error.context(format!("{tests} must not be skipped where CI is set")));
            }
            skipped.push(format!("{tests}: {error:#}"));
        }
    }
    Ok(skipped)
}

fn chromium() -> anyhow::Result<()> {
    if std::env::var_os("CHROMIUM").is_some() || BROWSERS.iter().any(|path| Path::new(path).is_file()) {
        return Ok(());
    }
    println!("The tests of the console run in Chromium, which is not on this machine.");
    install(&["chromium"])?;
    ensure!(
        Path::new(BROWSERS[0]).is_file(),
        "the package chromium has no {}",
        BROWSERS[0]
    );
    Ok(())
}

/// Where the tests look for axe-core: in the folder that holds what is built.
fn axe_path() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("cannot tell where xtask lies")?;
    let target = own.ancestors().nth(2).context("xtask lies in no target folder")?;
    Ok(target.join(format!("axe-core-{AXE_VERSION}.min.js")))
}

fn axe() -> anyhow::Result<()> {
    let path = axe_path()?;
    if std::fs::read(&path).is_ok_and(|bytes| is_axe(&bytes)) {
        return Ok(());
    }
    if !can_run("npm") {
        println!("axe-core comes by npm, which is not on this machine.");
        install(&["npm"])?;
    }
    println!("Fetching axe-core {AXE_VERSION} by npm (for tests alone).");
    let folder = tempfile::tempdir()?;
    let status = Command::new("npm")
        .args([
            "pack",
            "--silent",
            &format!("axe-core@{AXE_VERSION}"),
            "--pack-destination",
        ])
        .arg(folder.path())
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .status()
        .context("cannot start npm")?;
    ensure!(status.success(), "npm cannot fetch axe-core {AXE_VERSION}");
    let package = folder.path().join(format!("axe-core-{AXE_VERSION}.tgz"));
    let package = std::fs::File::open(&package).context("npm left no package")?;
    let mut files = tar::Archive::new(flate2::read::GzDecoder::new(package));
    for file in files.entries()? {
        let file = file?;
        if file.path()?.as_ref() != Path::new("package/axe.min.js") {
            continue;
        }
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
        ensure!(
            is_axe(&bytes),
            "axe-core {AXE_VERSION} is not the file that it was (SHA-256 {})",
            digest(&bytes)
        );
        return std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()));
    }
    bail!("axe-core {AXE_VERSION} has no axe.min.js")
}

fn is_axe(bytes: &[u8]) -> bool {
    digest(bytes) == AXE_SHA256
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Installs packages of Debian or Ubuntu, as root or by `sudo` without a password.
pub fn install(packages: &[&str]) -> anyhow::Result<()> {
    let names = packages.join(" ");
    ensure!(
        can_run("apt-get"),
        "{names} is missing, and there is no apt-get to install it with"
    );
    let is_root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|said| said.stdout.trim_ascii() == b"0");
    let is_sudo = !is_root
        && Command::new("sudo")
            .args(["-n", "true"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success());
    ensure!(
        is_root || is_sudo,
        "{names} is missing; install it with: sudo apt-get install {names}"
    );
    println!("Installing with apt-get: {names} (once).");
    for arguments in [&["update"][..], &["install", "-y", "--no-install-recommends"]] {
        let mut command = if is_root {
            Command::new("apt-get")
        } else {
            let mut sudo = Command::new("sudo");
            sudo.args(["-n", "apt-get"]);
            sudo
        };
        // Another apt-get may be at work: wait for it.
        command
            .args(["-q", "-o", "DPkg::Lock::Timeout=300"])
            .args(arguments);
        if arguments[0] == "install" {
            command.args(packages);
        }
        let status = command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .context("cannot start apt-get")?;
        ensure!(status.success(), "apt-get {} failed for {names}", arguments[0]);
    }
    Ok(())
}

/// Whether a program is there.
pub fn can_run(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
