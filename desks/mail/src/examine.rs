//! One message from bytes to judgement: unwrap, lay out, detect, weigh, and find the words for it.

use std::sync::{Arc, Mutex};

use pollwatch_model::{NameJudge, Register};
use pollwatch_names::defang;
use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use crate::answer::{self, Answer, Ask, Facts, Language, VerdictWord};
use crate::authenticate::{Authentication, Boundary, authenticate};
use crate::campaign::{CampaignLink, Outcome, Traits, TraitsInput, statements};
use crate::detect::ask::{self, Wants};
use crate::detect::claim::{self, Headers};
use crate::detect::{Graded, attachment, path, proof};
use crate::evidence::Via;
use crate::explain::kept_indicators;
use crate::imitate::{How, Imitation};
use crate::indicator::{MailIndicator, Role, indicators};
use crate::judge::{Circumstances, Scored, Verdict, Weights};
use crate::known::{Kind, Known};
use crate::limits::{self, Budget};
use crate::message::Message;
use crate::read::{How as Came, Original, Report, date, delivery_failures, is_delivery_report, unwrap};
use crate::scene::Scene;
use crate::signal::Signal;

/// Hosts whose judgement is remembered.
const MAX_SEEN_HOSTS: usize = 20_000;

/// Judges messages against one register. Cheap to use again, costly to make.
pub struct Examiner {
    known: Known,
    weights: Weights,
    boundary: Boundary,
    names: Option<Arc<dyn NameJudge>>,
    register: Arc<Register>,
    /// Hosts that were judged before: the same few are in every message of a mailbox.
    seen_hosts: Mutex<FxHashMap<String, Option<Imitation>>>,
}

/// A message, judged.
#[derive(Debug, Clone)]
pub struct Judged {
    /// SHA-256 of the original's bytes, hex: the subject of its finding.
    pub message: String,
    /// The original's bytes: the evidence.
    pub bytes: Vec<u8>,
    /// How the original lay in what was handed in.
    pub how: Came,
    /// Where it lay there; empty for the input itself.
    pub part: String,
    /// Whether its header fields are lost.
    pub headers_lost: bool,
    /// Its subject, decoded; hostile.
    pub subject: String,
    /// From, as it shows; hostile.
    pub from: String,
    /// Date of the message, by its own account.
    pub date: Option<jiff::Timestamp>,
    /// Verdict, probability and signals.
    pub scored: Scored,
    /// What spoke against phishing.
    pub against: Vec<String>,
    /// What could not be checked or was not looked at.
    pub not_checked: Vec<String>,
    /// What to search for.
    pub indicators: Vec<MailIndicator>,
    /// Recipients and others aimed at. Never leaves the own office.
    pub victims: Vec<String>,
    /// Who reported it.
    pub reporter: Option<String>,
    /// What the reporter says that came of it.
    pub outcome: Outcome,
    /// Authentication.
    pub authentication: Authentication,
    /// Who it claims to be from.
    pub claimed: Option<String>,
    /// The target of the register that it is aimed at: place in the register.
    pub target: Option<usize>,
    /// The words for the reporter.
    pub answer: Answer,
    /// The language of the answer.
    pub language: Language,
    /// What is kept to join it with others.
    pub traits: Traits,
}

impl Examiner {
    /// An examiner for `register`. `names` is the lookalike desk's judgement, where it is at hand.
    pub fn new(register: Arc<Register>, names: Option<Arc<dyn NameJudge>>) -> Examiner {
        let ids: Vec<String> = register
            .targets
            .iter()
            .flat_map(|target| target.mail.authserv_ids.clone())
            .collect();
        let hosted: Vec<String> = register
            .targets
            .iter()
            .flat_map(|target| target.mail.hosted_by.clone())
            .collect();
        Examiner {
            known: Known::compile(&register),
            weights: Weights::built_in(),
            boundary: Boundary::from_ids(&ids, &hosted),
            names,
            register,
            seen_hosts: Mutex::default(),
        }
    }

    /// The same examiner with other weights: for fitting and for ablation.
    pub fn with_weights(self, weights: Weights) -> Examiner {
        Examiner { weights, ..self }
    }

    /// The weights in use.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// What it compares with.
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// Judges every message that is meant by `raw`: at least one. `locator` is where it came from.
    pub fn examine(&self, raw: &[u8], locator: &str, language: Option<Language>) -> Vec<Judged> {
        let mut budget = Budget::default();
        let originals = unwrap(raw, &mut budget);
        let several = originals.len();
        let outer: Vec<String> = budget.cuts().map(str::to_owned).collect();
        originals
            .into_iter()
            .take(limits::MAX_PARTS)
            .map(|original| self.judge(original, locator, language, several, &outer))
            .collect()
    }

    fn imitation(&self, host: &str) -> Option<Imitation> {
        let seen = self.seen_hosts.lock().ok();
        if let Some(known) = seen.as_ref().and_then(|seen| seen.get(host)) {
            return known.clone();
        }
        drop(seen);
        let judged = self.look_up(host);
        if let Ok(mut seen) = self.seen_hosts.lock() {
            if seen.len() >= MAX_SEEN_HOSTS {
                seen.clear();
            }
            seen.insert(host.to_owned(), judged.clone());
        }
        judged
    }

    fn look_up(&self, host: &str) -> Option<Imitation> {
        let own = self.known.imitation(host);
        if own.as_ref().is_some_and(|own| own.strength >= 3) {
            return own;
        }
        let asked = self.names.as_ref().and_then(|names| names.judge_name(host));
        let asked = asked
            .filter(|judgement| judgement.confidence.get() >= 0.6)
            .and_then(|judgement| {
                let identity = self.known.identities.iter().position(|identity| {
                    identity.target == Some(judgement.target) && identity.kind != Kind::Partner
                })?;
                Some(Imitation {
                    identity: identity as u32,
                    how: How::WithWords,
                    of: judgement.protected,
                    strength: if judgement.confidence.get() >= 0.9 { 3 } else { 2 },
                })
            });
        asked.or(own)
    }

    fn judge(
        &self,
        original: Original,
        locator: &str,
        language: Option<Language>,
        several: usize,
        outer: &[String],
    ) -> Judged {
        let mut budget = Budget::default();
        for cut in outer {
            budget.cut(cut.clone());
        }
        let message = Message::read(&original.bytes, &mut budget);
        let headers = if original.headers_lost {
            Headers::Lost
        } else {
            Headers::Present
        };
        let authentication = match headers {
            Headers::Lost => Authentication {
                why_not: "forwarding took away its header, so its sender cannot be checked".to_owned(),
                ..Authentication::default()
            },
            Headers::Present => authenticate(&message, &self.boundary, None),
        };
        let scene = Scene::new(&message, &authentication, &self.known, &mut budget);
        let imitates = |host: &str| self.imitation(host);
        let claims = claim::detect(&scene, &imitates, headers);
        let asks = ask::detect(&scene);
        let paths = path::detect(&scene, &claims, asks.wants, &imitates);
        let is_report = is_delivery_report(&message);
        let mut graded: Vec<Graded> = Vec::new();
        graded.extend(claims.graded.iter().cloned());
        graded.extend(proof::detect(&scene, &claims));
        graded.extend(asks.graded.iter().cloned());
        graded.extend(paths.graded.iter().cloned());
        graded.extend(attachment::detect(&scene));
        path::strongest_of_each(&mut graded);
        let has_text =
            scene.passages.iter().any(|passage| passage.words.len() > 1) || !scene.subject.words.is_empty();
        let has_anything = has_text || !scene.links.is_empty() || !scene.files.is_empty();
        let is_payment_to_impostor = asks.wants == Wants::Payment
            && graded.iter().any(|one| {
                matches!(
                    one.seen.signal,
                    Signal::LookalikeDomain | Signal::FreemailImpersonation | Signal::DisplayVip
                ) && one.grade >= 0.7
            });
        let circumstances = Circumstances {
            is_proven: claims.is_proven,
            is_own_spoofed: graded
                .iter()
                .any(|one| one.seen.signal == Signal::DmarcFail && one.grade >= 1.0),
            answers_to_impostor: is_payment_to_impostor,
            is_delivery_report: is_report,
            quotes_indicators: scene.quoted.len() >= 2,
            is_unreadable: !has_anything || (scene.is_encrypted && scene.links.is_empty()),
            unwanted: asks.unwanted,
        };
        let scored = self.weights.judge(graded, &circumstances);
        let is_alarm = scored.verdict.is_alarm();
        let found = indicators(&scene, &claims, &asks, &paths, is_alarm, false);
        let victims = victims(&scene, original.report.as_ref());
        let says = original.report.as_ref().and_then(|report| report.says.as_ref());
        let outcome = says
            .map(|quote| statements(&quote.text))
            .unwrap_or_default()
            .iter()
            .map(|statement| statement.outcome)
            .max()
            .unwrap_or_default();
        let language =
            language.unwrap_or_else(|| answer::language_of(says.map_or("", |quote| quote.text.as_str())));
        let claimed = claims
            .identity
            .and_then(|identity| self.known.identities.get(identity as usize))
            .map(|identity| identity.name.clone());
        let not_checked = not_checked(&authentication, headers, &budget, &scene);
        let against = against(&claims, &authentication, &scene, is_report);
        let asked = paths
            .asked
            .iter()
            .chain(&paths.hostile)
            .find_map(|at| scene.links.get(*at))
            .filter(|_| is_alarm);
        let facts = Facts {
            claimed: claimed.clone(),
            leads_to: asked
                .map(|link| link.host.clone())
                .filter(|host| !host.is_empty())
                .map(|host| defang(&host)),
            asks_for: match asks.wants {
                Wants::Credentials => Ask::Password,
                Wants::Payment => Ask::Payment,
                Wants::Call => Ask::Call,
                Wants::Nothing if scene.links.iter().any(|link| link.found.via == Via::Qr) => Ask::Scan,
                Wants::Nothing if !scene.files.is_empty() => Ask::OpenFile,
                Wants::Nothing => Ask::None,
            },
            deciding: scored
                .weighed
                .iter()
                .filter(|one| one.weight > 0.3)
                .take(4)
                .map(|one| one.seen.says.clone())
                .collect(),
            proven: authentication.proven_domain.clone(),
            not_checked: not_checked.clone(),
            headers_lost: original.headers_lost,
            is_compromised_partner: is_alarm
                && authentication.proven_domain.is_some()
                && found.iter().any(|one| one.role == Role::CompromisedParty),
            own_action: outcome,
            several,
            ..Facts::new(match scored.verdict {
                Verdict::Phishing => VerdictWord::Phishing,
                Verdict::Suspicious => VerdictWord::Suspicious,
                Verdict::Unwanted => VerdictWord::Unwanted,
                Verdict::NoSign => VerdictWord::NoSign,
                Verdict::CannotTell => VerdictWord::CannotTell,
            })
        };
        let digest = hex::encode(Sha256::digest(&original.bytes));
        let target = self.target_of(&victims);
        let probability = scored.probability;
        let kept = if is_alarm {
            kept_indicators(&found, &victims)
        } else {
            Vec::new()
        };
        let traits = self.traits_of(
            &scene, &original, &digest, locator, is_alarm, &claimed, target, is_report, &paths,
        );
        Judged {
            answer: answer::answer(&facts, language),
            message: digest,
            how: original.how,
            part: original.part,
            headers_lost: original.headers_lost,
            subject: scene.subject.text.clone(),
            from: scene
                .from
                .iter()
                .map(|one| format!("{} <{}>", one.name, one.address).trim().to_owned())
                .collect::<Vec<_>>()
                .join(", "),
            date: date(&message),
            scored,
            against,
            not_checked,
            indicators: found,
            victims,
            reporter: original.report.and_then(|report| report.reporter),
            outcome,
            claimed,
            target,
            language,
            traits: Traits {
                probability,
                indicators: kept,
                ..traits
            },
            bytes: original.bytes,
            authentication: authentication.clone(),
        }
    }

    /// The target of the register that most of the addresses belong to.
    fn target_of(&self, addresses: &[String]) -> Option<usize> {
        let mut counts = std::collections::BTreeMap::new();
        for address in addresses {
            if let Some(target) = self.target_of_address(address) {
                *counts.entry(target).or_insert(0_usize) += 1;
            }
        }
        counts
            .into_iter()
            .max_by_key(|(target, count)| (*count, std::cmp::Reverse(*target)))
            .map(|(target, _)| target)
    }

    /// The target of the register whose person or domain `address` is of.
    pub fn target_of_address(&self, address: &str) -> Option<usize> {
        let person = self.known.people.iter().find(|person| {
            person
                .addresses
                .iter()
                .any(|own| own.eq_ignore_ascii_case(address))
        });
        if let Some(person) = person {
            return Some(person.target);
        }
        let domain = address.rsplit_once('@')?.1.to_lowercase();
        self.known
            .owners(&domain)
            .filter_map(|owner| self.known.identities.get(owner as usize))
            .filter(|identity| identity.kind == Kind::Own || identity.kind == Kind::Vendor)
            .find_map(|identity| identity.target)
    }

    #[allow(clippy::too_many_arguments)]
    fn traits_of(
        &self,
        scene: &Scene<'_>,
        original: &Original,
        digest: &str,
        locator: &str,
        is_bad: bool,
        claimed: &Option<String>,
        target: Option<usize>,
        is_report: bool,
        paths: &path::Paths,
    ) -> Traits {
        let links: Vec<CampaignLink> = scene
            .links
            .iter()
            .enumerate()
            .filter(|(_, link)| link.is_to_be_followed() && !link.host.is_empty())
            .map(|(at, link)| CampaignLink {
                url: link.url.clone(),
                host: link.host.clone(),
                registrable: link.registrable.clone(),
                is_shared_host: link.is_free_host || link.is_mailing_company,
                is_shortener: link.is_shortener,
                is_attacker: is_bad
                    && (paths.asked.contains(&at) || paths.hostile.contains(&at))
                    && !self.known.is_own(&link.host)
                    && self.known.owners(&link.host).next().is_none(),
            })
            .collect();
        let body = scene
            .passages
            .iter()
            .filter(|passage| !passage.is_attached)
            .map(|passage| passage.text.as_str())
            .collect::<Vec<_>>()
            .join("\n");
        let tags: Vec<String> = scene
            .pages
            .iter()
            .flat_map(|(_, page)| page.tags.clone())
            .collect();
        let ids = |name: &str| -> Vec<String> {
            scene
                .message
                .values(name)
                .flat_map(|value| value.split_whitespace())
                .map(|id| id.trim_matches(['<', '>', ',']).to_owned())
                .filter(|id| id.contains('@'))
                .take(50)
                .collect()
        };
        let message_id = ids("message-id").into_iter().next().unwrap_or_default();
        let mut in_reply_to = ids("in-reply-to");
        in_reply_to.extend(ids("references"));
        let report = original.report.as_ref();
        let reporter_text = report
            .and_then(|report| report.says.as_ref())
            .map_or("", |quote| quote.text.as_str());
        let from = scene.from_address().to_lowercase();
        let own_writer = self.target_of_address(&from).is_some();
        let is_sender_attacker =
            is_bad && !self.known.is_own(scene.from_domain()) && scene.authentication.proven_domain.is_none();
        let delivery = if is_report {
            String::from_utf8_lossy(&scene.message.raw).into_owned()
        } else {
            String::new()
        };
        let (reporter, said) = match report {
            Some(report) => (report.reporter.as_deref(), reporter_text),
            None if !is_bad && own_writer => (Some(from.as_str()), body.as_str()),
            None => (None, ""),
        };
        let (sending_ip, helo) = sending_host(scene.message);
        // A wallet with a right checksum belongs to one attacker, whatever else is changed from message to message.
        let contacts: Vec<String> = scene
            .wallets()
            .into_iter()
            .filter(|wallet| is_bad && wallet.is_checked)
            .map(|wallet| wallet.address)
            .collect();
        Traits::of(&TraitsInput {
            message: digest,
            locator,
            time: date(scene.message),
            is_bad,
            claim: claimed.as_deref().unwrap_or_default(),
            target: target.map_or("", |target| self.register.targets[target].id.as_str()),
            recipients: &scene.recipients,
            reporter,
            reported_at: report.and_then(|report| report.at),
            reporter_text: said,
            subject: &scene.subject.text,
            message_id: &message_id,
            in_reply_to: &in_reply_to,
            from_address: &from,
            is_sender_attacker,
            contacts: &contacts,
            links: &links,
            files: &scene.files,
            body_text: &body,
            html_tags: &tags,
            sending_ip,
            helo: &helo,
            mailer: scene
                .message
                .value("x-mailer")
                .or_else(|| scene.message.value("user-agent"))
                .unwrap_or_default(),
            delivery_report: &delivery,
            observed: Vec::new(),
        })
    }
}

fn victims(scene: &Scene<'_>, report: Option<&Report>) -> Vec<String> {
    let mut all = scene.recipients.clone();
    if let Some(reporter) = report.and_then(|report| report.reporter.clone()) {
        all.push(reporter.to_lowercase());
    }
    for failure in delivery_failures(scene.message) {
        all.push(failure.recipient.to_lowercase());
    }
    all.retain(|address| address.contains('@'));
    all.sort();
    all.dedup();
    all
}

fn not_checked(
    authentication: &Authentication,
    headers: Headers,
    budget: &Budget,
    scene: &Scene<'_>,
) -> Vec<String> {
    let mut all = Vec::new();
    if !authentication.why_not.is_empty() {
        all.push(format!("who really sent it: {}", authentication.why_not));
    }
    if headers == Headers::Lost {
        all.push("headers: lost (inline forward)".to_owned());
    }
    if scene.is_encrypted {
        all.push("the encrypted body".to_owned());
    }
    all.extend(budget.cuts().map(|cut| format!("not looked at: {cut}")));
    all.extend(authentication.remarks.iter().cloned());
    all
}

fn against(
    claims: &claim::Claims<'_>,
    authentication: &Authentication,
    scene: &Scene<'_>,
    is_report: bool,
) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(domain) = &authentication.proven_domain {
        let who = claims
            .from_owner
            .and_then(|owner| scene.known.identities.get(owner as usize))
            .map(|identity| format!(", which belongs to {}", identity.name))
            .unwrap_or_default();
        all.push(format!("It was shown to come from {domain}{who}."));
    }
    if authentication.list_signs {
        all.push("It came over a mailing list.".to_owned());
    }
    if is_report {
        all.push("It is a notice of the mail system about another message.".to_owned());
    }
    if scene.quoted.len() >= 2 {
        all.push("It quotes addresses so that nobody follows them, as warnings do.".to_owned());
    }
    let has_links = scene.links.iter().any(crate::link::Link::is_to_be_followed);
    if !has_links && scene.files.is_empty() {
        all.push("It holds no link and no attachment.".to_owned());
    }
    all
}

/// The address and the greeting of the host that handed the message to the topmost server that says so.
fn sending_host(message: &Message) -> (Option<std::net::IpAddr>, String) {
    for value in message.values("received").take(3) {
        let Some(rest) = value.strip_prefix("from ") else {
            continue;
        };
        let helo = rest.split_whitespace().next().unwrap_or_default().to_lowercase();
        let ip = rest
            .split(['[', ']', '(', ')', ' '])
            .find_map(|word| word.trim_start_matches("IPv6:").parse().ok());
        if ip.is_some() {
            return (ip, helo);
        }
    }
    (None, String::new())
}
