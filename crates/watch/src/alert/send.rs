//! The ways out: a command, a web address, a mail relay.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, header};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Message as Mail, SmtpTransport, Transport};
use pollwatch_engine::{AlertChannel, MailRelay, MailSecurity};
use ring::hmac;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

use super::message::Message;

/// Longest that a command, a web address or a relay may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Longest secret or password that is read from a file, in bytes.
const MAX_SECRET_BYTES: u64 = 4_096;
/// Fewest bytes of a secret that signs: those of a SHA-256 (RFC 2104, section 3, advises no fewer than the hash has).
const MIN_SECRET_BYTES: usize = 32;

/// A way out, checked.
pub enum Sender {
    /// A command.
    Command(Vec<String>, PathBuf),
    /// A web address, and the key that signs.
    Webhook(Box<ureq::Agent>, String, hmac::Key),
    /// A mail relay.
    Mail(Box<SmtpTransport>, Mailbox, Vec<Mailbox>),
}

impl Sender {
    /// The way that `alert` names.
    ///
    /// Errors: why it cannot be used, in words.
    pub fn open(dir: &Path, alert: &AlertChannel) -> Result<Sender, String> {
        if let Some(command) = &alert.command {
            return Ok(Sender::Command(command.clone(), dir.to_path_buf()));
        }
        if let Some(webhook) = &alert.webhook {
            check_url(&webhook.url)?;
            let secret = read_secret(dir, &webhook.secret_file)?;
            if secret.len() < MIN_SECRET_BYTES {
                return Err(format!(
                    "{} holds fewer than {MIN_SECRET_BYTES} characters: put a longer secret there",
                    webhook.secret_file
                ));
            }
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            return Ok(Sender::Webhook(Box::new(agent()?), webhook.url.clone(), key));
        }
        match &alert.mail {
            Some(relay) => mail_sender(dir, relay),
            None => Err("it names neither command, webhook nor mail".to_owned()),
        }
    }

    /// Sends, waiting for the answer.
    ///
    /// Errors: why it did not go out, in words; it may be tried again.
    pub fn send(&self, message: &Message) -> Result<(), String> {
        let body = serde_json::to_vec(message).map_err(|error| error.to_string())?;
        match self {
            Sender::Command(command, dir) => run(command, dir, &body),
            Sender::Webhook(agent, url, key) => post(agent, url, key, message, &body),
            Sender::Mail(transport, from, to) => mail(transport, from, to, message),
        }
    }
}

/// Runs a command with `body` on its standard input; what it prints goes where the daemon's own output goes.
fn run(command: &[String], dir: &Path, body: &[u8]) -> Result<(), String> {
    let (program, arguments) = command.split_first().ok_or("the command is empty")?;
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| format!("{program} cannot be started: {error}"))?;
    let mut stdin = child.stdin.take();
    let body = body.to_vec();
    // A command that does not read must not hold the daemon up.
    std::thread::spawn(move || {
        if let Some(stdin) = &mut stdin {
            let _ = stdin.write_all(&body);
        }
    });
    let begun = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("{program} ended with {status}")),
            Ok(None) if begun.elapsed() > TIMEOUT => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!(
                    "{program} took longer than {} seconds",
                    TIMEOUT.as_secs()
                ));
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(10)),
            Err(error) => return Err(format!("{program} cannot be waited for: {error}")),
        }
    }
}

/// Only https goes out of this machine.
fn check_url(url: &str) -> Result<(), String> {
    let parsed = url::Url::parse(url).map_err(|error| format!("{url:?} is no web address: {error}"))?;
    let is_local = match parsed.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match parsed.scheme() {
        "https" => Ok(()),
        "http" if is_local => Ok(()),
        _ => Err(format!(
            "{url:?} must begin with https://, or with http:// on this machine"
        )),
    }
}

fn agent() -> Result<ureq::Agent, String> {
    let roots = rustls_native_certs::load_native_certs();
    let certificates: Vec<Certificate<'static>> = roots
        .certs
        .iter()
        .map(|certificate| Certificate::from_der(certificate.as_ref()).to_owned())
        .collect();
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::Specific(Arc::new(certificates)))
        .build();
    Ok(ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent("Pollwatch")
        .tls_config(tls)
        .build()
        .new_agent())
}

fn post(
    agent: &ureq::Agent,
    url: &str,
    key: &hmac::Key,
    message: &Message,
    body: &[u8],
) -> Result<(), String> {
    let signature = sign(key, message.at.as_second(), body);
    let answer = agent
        .post(url)
        .header("content-type", "application/json")
        .header("pollwatch-delivery", &message.delivery)
        .header("pollwatch-signature", &signature)
        .send(body)
        .map_err(|error| format!("the web address does not answer: {error}"))?;
    let status = answer.status();
    if status.is_success() {
        Ok(())
    } else {
        Err(format!("the web address answers {status}"))
    }
}

/// `t=SECONDS,v1=HEX`: HMAC-SHA-256 (RFC 2104) over the seconds, a full stop and the body, so that a recorded message cannot
/// be sent again later as a new one.
fn sign(key: &hmac::Key, seconds: i64, body: &[u8]) -> String {
    let mut context = hmac::Context::with_key(key);
    context.update(seconds.to_string().as_bytes());
    context.update(b".");
    context.update(body);
    format!("t={seconds},v1={}", hex::encode(context.sign().as_ref()))
}

fn mail_sender(dir: &Path, relay: &MailRelay) -> Result<Sender, String> {
    let (host, port) = relay
        .relay
        .rsplit_once(':')
        .and_then(|(host, port)| Some((host.trim_matches(['[', ']']), port.parse::<u16>().ok()?)))
        .ok_or_else(|| {
            format!(
                "relay {:?} needs a port, such as mail.county.example:587",
                relay.relay
            )
        })?;
    let address = |text: &String| {
        text.parse::<Mailbox>()
            .map_err(|error| format!("{text:?} is no mail address: {error}"))
    };
    let from = address(&relay.from)?;
    let to = relay.to.iter().map(address).collect::<Result<Vec<_>, _>>()?;
    if to.is_empty() {
        return Err("it names no recipient".to_owned());
    }
    let tls = match relay.security {
        MailSecurity::None => {
            let is_local = host == "localhost"
                || host
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback());
            if !is_local {
                return Err(format!(
                    "security = \"none\" is only for a relay on this machine, and {host} is not"
                ));
            }
            Tls::None
        }
        MailSecurity::Starttls => Tls::Required(parameters(host)?),
        MailSecurity::Tls => Tls::Wrapper(parameters(host)?),
    };
    let mut builder = SmtpTransport::builder_dangerous(host)
        .port(port)
        .timeout(Some(TIMEOUT))
        .tls(tls);
    if !relay.user.is_empty() {
        let password = read_secret(dir, &relay.password_file)?;
        builder = builder.credentials(Credentials::new(relay.user.clone(), password));
    }
    Ok(Sender::Mail(Box::new(builder.build()), from, to))
}

fn parameters(host: &str) -> Result<TlsParameters, String> {
    TlsParameters::new(host.to_owned()).map_err(|error| format!("TLS to {host} cannot be used: {error}"))
}

fn mail(transport: &SmtpTransport, from: &Mailbox, to: &[Mailbox], message: &Message) -> Result<(), String> {
    let domain = from.email.domain();
    let mut builder = Mail::builder()
        .from(from.clone())
        .subject(message.subject.clone())
        .message_id(Some(format!("<{}@{domain}>", message.delivery)))
        .header(header::ContentTransferEncoding::QuotedPrintable);
    for recipient in to {
        builder = builder.to(recipient.clone());
    }
    let mail = builder
        .header(ContentType::TEXT_PLAIN)
        .body(message.text.clone())
        .map_err(|error| format!("the mail cannot be written: {error}"))?;
    transport
        .send(&mail)
        .map(|_| ())
        .map_err(|error| format!("the relay did not take the mail: {error}"))
}

fn read_secret(dir: &Path, file: &str) -> Result<String, String> {
    use std::io::Read;
    if file.is_empty() {
        return Err("it names no file with the secret".to_owned());
    }
    let path = dir.join(file);
    let mut text = String::new();
    std::fs::File::open(&path)
        .and_then(|opened| opened.take(MAX_SECRET_BYTES).read_to_string(&mut text))
        .map_err(|error| format!("the secret in {} cannot be read: {error}", path.display()))?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encrypted_addresses_go_out_of_this_machine() {
        assert!(check_url("https://alerts.county.example/hook").is_ok());
        assert!(check_url("http://127.0.0.1:8080/hook").is_ok());
        assert!(check_url("http://[::1]/hook").is_ok());
        assert!(check_url("http://localhost/hook").is_ok());
        assert!(check_url("http://localhost.attacker.example/").is_err());
        assert!(check_url("http://10.0.0.1/").is_err());
        assert!(check_url("file:///etc/passwd").is_err());
        assert!(check_url("hook").is_err());
    }

    #[test]
    fn the_signature_is_hmac_sha_256_over_time_and_body() {
        // Computed with Python's hmac module: hmac.new(b"k" * 32, b"1700000000.{}", "sha256").
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[b'k'; 32]);
        assert_eq!(sign(&key, 1_700_000_000, b"{}"), SIGNED);
    }

    const SIGNED: &str = "t=1700000000,v1=0b3b35525c10b3757ffa78df69037021fc3168d8390a51a4fcb4a8d56a25b557";
}
