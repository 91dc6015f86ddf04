//! `pollwatch mail check`, as the helpdesk and the security team run it.

use crate::harness::Place;

const REGISTER: &str = r#"schema = 1
owner = "Harbor County"

[[target]]
id = "harbor"
name = "Harbor County Elections"
kind = "office"
domains = ["harborcounty.example"]
mail = { authserv_ids = ["mx.harborcounty.example"] }
"#;

const ATTACK: &str = "Return-Path: <a@harborcounty-support.example>\r\n\
Authentication-Results: mx.harborcounty.example; spf=pass smtp.mailfrom=harborcounty-support.example; dmarc=none header.from=harborcounty-support.example\r\n\
Received: from m.example (m.example [203.0.113.9]) by mx.harborcounty.example; Tue, 06 Nov 2018 08:00:00 +0000\r\n\
From: Harbor County IT <help@harborcounty-support.example>\r\n\
To: pat.private@harborcounty.example\r\n\
Subject: Your password expires today\x1b[31m\r\n\
Date: Tue, 06 Nov 2018 08:00:00 +0000\r\n\
Message-ID: <1@harborcounty-support.example>\r\n\
Content-Type: text/html; charset=utf-8\r\n\r\n\
<p>Your password expires today. Sign in to keep your account.</p>\
<p><a href=\"https://harborcounty-support.example/owa?e=pat.private@harborcounty.example\">Sign in</a></p>\r\n";

const HONEST: &str = "Authentication-Results: mx.harborcounty.example; dmarc=pass header.from=harborcounty.example\r\n\
Received: from m.example (m.example [203.0.113.8]) by mx.harborcounty.example; Tue, 06 Nov 2018 09:00:00 +0000\r\n\
From: Robin Clerk <robin@harborcounty.example>\r\nTo: pat.private@harborcounty.example\r\n\
Subject: Poll worker schedule\r\nDate: Tue, 06 Nov 2018 09:00:00 +0000\r\nMessage-ID: <2@harborcounty.example>\r\n\r\n\
The schedule for Tuesday is on the board.\r\n";

fn place() -> Place {
    let place = Place::new();
    place.write("register.toml", REGISTER);
    place
}

#[test]
fn the_helpdesk_gets_the_answer_first_and_hostile_bytes_stay_visible() {
    let place = place();
    place.write("attack.eml", ATTACK);
    let output = place.run(&["mail", "check", "--register", "register.toml", "attack.eml"]);
    let text = output.out.as_str();
    assert!(text.starts_with("[!!] PHISHING"), "{text}");
    assert!(text.contains("harborcounty-support[.]example"), "{text}");
    assert!(text.contains("from.lookalike_domain"), "{text}");
    assert!(
        !text.contains('\u{1b}'),
        "an escape sequence of the message reached the terminal"
    );
    assert!(
        !text.contains("https://harborcounty-support"),
        "a link was printed so that it can be followed"
    );
}

#[test]
fn a_pasted_text_is_judged() {
    let place = place();
    let pasted = "From: Google <no-reply@accounts.googlemail.com>\nSubject: Someone has your password\n\nHi\n\n\
Someone just used your password to try to sign in to your Google Account.\n\nCHANGE PASSWORD <https://bit.ly/1PibSU0>\n";
    let output = place.run_with_input(
        &["mail", "check", "--register", "register.toml", "-"],
        pasted.as_bytes(),
    );
    assert!(output.out.contains("PHISHING"), "{}", output.out);
    assert!(output.out.contains("What could not be checked"), "{}", output.out);
}

#[test]
fn verdicts_are_one_line_a_message_and_findings_name_nobody() {
    let place = place();
    place.write(
        "box.mbox",
        format!(
            "From a Tue Nov  6 08:00:00 2018\n{}\nFrom b Tue Nov  6 09:00:00 2018\n{}\n",
            ATTACK.replace("\r\n", "\n"),
            HONEST.replace("\r\n", "\n")
        ),
    );
    let verdicts = place.run(&[
        "mail",
        "check",
        "--register",
        "register.toml",
        "--verdicts",
        "box.mbox",
    ]);
    let lines: Vec<serde_json::Value> = verdicts
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect();
    assert_eq!(lines.len(), 2, "{}", verdicts.out);
    assert_eq!(lines[0]["verdict"], "phishing");
    assert_eq!(lines[1]["verdict"], "no-sign");
    for key in [
        "file",
        "message",
        "probability",
        "signals",
        "indicators",
        "victims",
        "reporter",
        "authentication",
        "not_checked",
        "answer",
    ] {
        assert!(lines[0].get(key).is_some(), "{key} is missing");
    }
    assert_eq!(lines[0]["victims"][0], "pat.private@harborcounty.example");
    let findings = place.run(&[
        "mail",
        "check",
        "--register",
        "register.toml",
        "--format",
        "jsonl",
        "box.mbox",
    ]);
    assert_eq!(findings.out.lines().count(), 1);
    assert!(findings.out.contains("\"phishing-message\""));
    assert!(
        !findings.out.contains("pat.private"),
        "a finding names a recipient: {}",
        findings.out
    );
    let failing = place.run(&[
        "mail",
        "check",
        "--register",
        "register.toml",
        "--fail-on",
        "high",
        "box.mbox",
    ]);
    assert_eq!(failing.code, Some(1));
}

#[test]
fn a_recorded_mailbox_is_found_briefed_and_verified_without_names() {
    let place = Place::with_workspace();
    place.write("attack.eml", ATTACK);
    place.ws(&["mail", "check", "--record", "attack.eml"]).succeeds();
    let found = place.recorded();
    assert!(
        found.iter().any(|finding| finding["kind"] == "phishing-message"),
        "{found:?}"
    );
    place
        .ws(&["brief", "--tlp", "amber", "--output", "brief.html"])
        .succeeds();
    let brief = std::fs::read_to_string(place.path("brief.html")).expect("the brief");
    assert!(brief.contains("Who was sent phishing mail"));
    assert!(!brief.contains("pat.private"), "the brief names a recipient");
    place.ws(&["verify"]).succeeds();
}

#[test]
fn a_campaign_carries_its_messages_as_evidence_and_what_to_search_for() {
    let place = place();
    place.run(&["init", "ws", "--owner", "Harbor County"]).succeeds();
    place.write("ws/register.toml", REGISTER);
    let second = ATTACK
        .replace("pat.private", "sam.secret")
        .replace("<1@", "<3@")
        .replace("08:00:00", "08:05:00");
    place.write("box/1.eml", ATTACK);
    place.write("box/2.eml", second);
    place.ws(&["mail", "check", "--record", "box"]).succeeds();
    let found = place.recorded();
    let campaign = found
        .iter()
        .find(|finding| finding["kind"] == "phishing-campaign")
        .expect("a campaign");
    let indicators = campaign["indicators"].as_array().unwrap();
    assert!(
        indicators
            .iter()
            .any(|one| one["value"] == "harborcounty-support.example"),
        "{campaign:#}"
    );
    assert_eq!(campaign["evidence"][0]["media_type"], "application/json");
    let text = campaign.to_string();
    assert!(
        !text.contains("pat.private") && !text.contains("sam.secret"),
        "{text}"
    );
    let id = campaign["id"].as_str().unwrap();
    let shown = place.ws(&["findings", "show", id]);
    shown.succeeds();
    for message in campaign["details"]["messages"].as_array().unwrap() {
        let digest = message.as_str().unwrap();
        assert!(
            shown.out.replace(['\n', ' '], "").contains(&digest[..32]),
            "{digest} in {}",
            shown.out
        );
    }
    assert!(!shown.out.contains("pat.private"), "{}", shown.out);
    place.ws(&["verify"]).succeeds();
}
