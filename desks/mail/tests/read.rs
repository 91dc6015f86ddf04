//! Intake: containers, Outlook files, reports, forwards, bounces, addresses.

use std::io::{BufReader, Cursor, Write};

use pollwatch_mail::limits::Budget;
use pollwatch_mail::message::Message;
use pollwatch_mail::read::{
    Container, How, Item, Original, Position, addresses, date, delivery_failures, read_messages, sniff,
    unwrap,
};
use proptest::prelude::*;

fn opened(raw: &str) -> Vec<Original> {
    unwrap(raw.as_bytes(), &mut Budget::default())
}

fn message_of(original: &Original) -> Message {
    Message::read(&original.bytes, &mut Budget::default())
}

fn split(name: &str, bytes: &[u8], capacity: usize) -> (Vec<(String, Vec<u8>)>, Vec<String>) {
    let mut messages = Vec::new();
    let mut problems = Vec::new();
    let mut source = BufReader::with_capacity(capacity, bytes);
    read_messages(name, None, Position::default(), &mut source, &mut |item| {
        match item {
            Item::Message(message) => messages.push((message.locator, message.bytes)),
            Item::Problem { locator, what } => problems.push(format!("{locator}: {what}")),
        }
        true
    })
    .expect("memory does not fail");
    (messages, problems)
}

const MBOX: &str = "From ana@a.example Sat Mar 19 04:34:00 2016\nSubject: one\n\nFrom here on,\n>From quoted\n>>From twice\n\n\
From ben@b.example Sat Mar 19 04:35:00 2016\nSubject: two\n\nbody\n\n";

#[test]
fn an_mbox_is_split_at_its_from_lines_and_unquoted() {
    let (messages, problems) = split("in.mbox", MBOX.as_bytes(), 7);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(messages[0].0, "in.mbox:1");
    assert_eq!(
        messages[0].1,
        b"Subject: one\n\nFrom here on,\nFrom quoted\n>From twice\n"
    );
    assert_eq!(
        messages[1],
        ("in.mbox:2".to_owned(), b"Subject: two\n\nbody\n".to_vec())
    );
    let (crlf, _) = split("in.mbox", MBOX.replace('\n', "\r\n").as_bytes(), 100);
    assert_eq!(crlf[1].1, b"Subject: two\r\n\r\nbody\r\n");
}

#[test]
fn a_stopped_run_reads_on_inside_an_mbox() {
    let mut next = Position::default();
    let stopped = read_messages("in.mbox", None, next, &mut MBOX.as_bytes(), &mut |item| {
        if let Item::Message(message) = item {
            next = message.next;
        }
        false
    })
    .expect("memory does not fail");
    assert!(!stopped.is_complete);
    assert_eq!(stopped.position, next);
    let mut rest = &MBOX.as_bytes()[next.offset as usize..];
    let mut seen = Vec::new();
    let reached = read_messages("in.mbox", None, next, &mut rest, &mut |item| {
        if let Item::Message(message) = item {
            seen.push(message.locator);
        }
        true
    })
    .expect("memory does not fail");
    assert_eq!(seen, ["in.mbox:2"]);
    assert!(reached.is_complete);
    assert_eq!(
        reached.position,
        Position {
            offset: MBOX.len() as u64,
            records: 2
        }
    );
}

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        archive
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .expect("memory");
        archive.write_all(bytes).expect("memory");
    }
    archive.finish().expect("memory").into_inner()
}

const LURE: &str = "From: IT <it@mc-help.example>\r\nTo: w@county.example\r\nSubject: Migration\r\n\
Date: Fri, 18 Oct 2024 07:02:00 +0000\r\nMessage-ID: <1@mc-help.example>\r\n\r\nSign in: https://mc-migrate.example/owa\r\n";

#[test]
fn zips_hold_messages_archives_and_problems() {
    let inner = zipped(&[("b.eml", LURE.as_bytes())]);
    let bomb = vec![0_u8; 20 << 20];
    let archive = zipped(&[
        ("dir/a.eml", LURE.as_bytes()),
        ("in.zip", &inner),
        ("c.png", b"\x89PNG\0\0"),
        ("z.eml", &bomb),
    ]);
    let (messages, problems) = split("m.zip", &archive, 4096);
    let names: Vec<&str> = messages.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["m.zip:dir/a.eml", "m.zip:in.zip:b.eml"]);
    assert_eq!(messages[0].1, LURE.as_bytes());
    assert_eq!(problems.len(), 2, "{problems:?}");
}

#[test]
fn inputs_are_told_apart() {
    assert_eq!(sniff(b"", "1700000.M1P2.host:2,S"), Container::Message);
    assert_eq!(sniff(LURE.as_bytes(), "x"), Container::Message);
    assert_eq!(sniff(b"\x00\x01\x02\xff", "x.bin"), Container::Message);
    assert_eq!(sniff(MBOX.as_bytes(), "x"), Container::Mbox);
    assert_eq!(sniff(b"Your mailbox is full, sign in now", ""), Container::Paste);
    assert_eq!(
        sniff(
            "De: Ana <a@a.example>\nEnviado: hoy\nPara: x\nAsunto: hola\n\nhola".as_bytes(),
            ""
        ),
        Container::Paste
    );
    assert_eq!(
        sniff(b"From: A\nSent: today\nTo: b\nSubject: c\n\nd", ""),
        Container::Paste
    );
}

#[test]
fn a_paste_becomes_a_message() {
    let found = opened("Your mailbox is full: https://x.example/");
    assert!(found[0].headers_lost);
    assert_eq!(
        message_of(&found[0]).parts[0].text.as_deref(),
        Some("Your mailbox is full: https://x.example/")
    );
    let found = opened(
        "De: Soporte <s@x.example>\nEnviado: 3 de mayo de 2024 10:00\nPara: b@b.example\nAsunto: Cuenta\n\nEntre aqui",
    );
    let message = message_of(&found[0]);
    assert_eq!(
        addresses(message.value("from").unwrap_or_default())[0].address,
        "s@x.example"
    );
    assert_eq!(message.value("subject"), Some("Cuenta"));
    assert_eq!(
        date(&message).map(|at| at.to_string()).as_deref(),
        Some("2024-05-03T10:00:00Z")
    );
}

fn wrapped(own: &str, part: &str) -> String {
    format!(
        "From: Reporter <w@county.example>\r\nTo: abuse@county.example\r\nSubject: FW: Migration\r\nMIME-Version: 1.0\r\n\
Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n{own}\r\n--b\r\n{part}\r\n--b--\r\n"
    )
}

#[test]
fn attached_messages_are_the_originals_and_the_wrapper_is_the_report() {
    let raw = wrapped(
        "I did not click.",
        &format!("Content-Type: message/rfc822\r\n\r\n{LURE}"),
    );
    let found = opened(&raw);
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].how, found[0].headers_lost, found[0].part.as_str()),
        (How::AttachedMessage, false, "2")
    );
    assert_eq!(
        message_of(&found[0]).value("from"),
        Some("IT <it@mc-help.example>")
    );
    let report = found[0].report.as_ref().expect("a report");
    assert_eq!(report.reporter.as_deref(), Some("w@county.example"));
    assert_eq!(
        report.says.as_ref().map(|says| says.text.as_str()),
        Some("I did not click.")
    );
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(LURE);
    let octets = format!(
        "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\
Content-Disposition: attachment; filename=x.eml\r\n\r\n{encoded}\r\n"
    );
    let found = opened(&wrapped("see", &octets));
    assert_eq!(
        (found[0].how, found[0].bytes.as_slice()),
        (How::AttachedFile, LURE.as_bytes())
    );
    let encoded = base64::engine::general_purpose::STANDARD.encode(zipped(&[("x.eml", LURE.as_bytes())]));
    let archive = format!(
        "Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\
Content-Disposition: attachment; filename=x.zip\r\n\r\n{encoded}\r\n"
    );
    let found = opened(&wrapped("see", &archive));
    assert_eq!((found[0].how, found[0].part.as_str()), (How::Zip, "2/x.eml"));
}

fn letter(subject: &str, body: &str) -> String {
    format!(
        "From: Sara <s@team.example>\r\nTo: helper@team.example\r\nSubject: {subject}\r\nMessage-ID: <9@team.example>\r\n\
Content-Type: text/plain; charset=utf-8\r\n\r\n{body}"
    )
}

#[test]
fn forwards_of_many_clients_are_rebuilt() {
    let heads = [
        "---------- Forwarded message ---------\nFrom: *Bank* <no@bank.example>\nDate: Sat, Mar 19, 2016 at 4:34 AM\nSubject: Alert\nTo: <c@p.example>\n\n\n",
        "Begin forwarded message:\n\n> From: Bank <no@bank.example>\n> Subject: Alert\n> Date: 19 March 2016\n> To: c@p.example\n> \n> ",
        "________________________________\nVon: Bank <no@bank.example>\nGesendet: Samstag, 19. M\u{e4}rz 2016 04:34\nAn: c\nBetreff: Alert\n\n",
        "-----Original Message-----\nFrom: Bank [mailto:no@bank.example]\nSent: Saturday\nTo: c\nSubject: Alert\n\n",
        "De : Bank <no@bank.example>\nEnvoy\u{e9} : samedi\n\u{c0} : c\nObjet : Alert\n\n",
        "---------- Mensagem encaminhada ---------\nDe: Bank <no@bank.example>\nDate: s\u{e1}b.\nSubject: Alert\nTo: c\n\n",
    ];
    for head in heads {
        let found = opened(&letter(
            "Fwd: Alert",
            &format!("Is it real?\n\n{head}Change it: https://bad.example/x\n"),
        ));
        assert_eq!((found.len(), found[0].how), (1, How::InlineForward), "{head}");
        let message = message_of(&found[0]);
        assert_eq!(
            addresses(message.value("from").unwrap_or_default())[0].address,
            "no@bank.example",
            "{head}"
        );
        assert_eq!(message.value("subject"), Some("Alert"), "{head}");
        assert_eq!(
            message.parts[0].text.as_deref().map(str::trim),
            Some("Change it: https://bad.example/x"),
            "{head}"
        );
        let says = found[0].report.as_ref().and_then(|report| report.says.as_ref());
        assert_eq!(says.map(|says| says.text.as_str()), Some("Is it real?"));
    }
}

#[test]
fn links_of_a_forward_in_html_survive() {
    let html = "<div>real?</div><div class=\"gmail_quote\">---------- Forwarded message ---------<br>From: <b>Bank</b> \
&lt;no@bank.example&gt;<br>Date: Sat<br>Subject: Alert<br>To: &lt;c@p.example&gt;<br><br><br><a href=\"https://bad.example/x\">Change</a></div>";
    let raw = letter("Fwd: Alert", html).replace("text/plain", "text/html");
    let found = opened(&raw);
    let text = message_of(&found[0]).parts[0].text.clone().unwrap_or_default();
    assert_eq!(found[0].how, How::InlineForward);
    assert!(
        text.contains("https://bad.example/x") && !text.contains("real?"),
        "{text}"
    );
}

#[test]
fn replies_that_quote_stay_as_they_are() {
    let quote = "Sure, on Monday.\n\n-----Original Message-----\nFrom: Ben <b@b.example>\nSent: Friday\nTo: s\nSubject: Plan\n\nWhen?\n";
    assert_eq!(opened(&letter("Re: Plan", quote))[0].how, How::AsIs);
    let quote = "Yes.\n\nOn Fri, Ben wrote:\n> ---------- Forwarded message ----------\n> From: A <a@a.example>\n> Subject: P\n> \n> x\n";
    assert_eq!(opened(&letter("Re: Plan", quote))[0].how, How::AsIs);
}

#[test]
fn a_bounce_is_judged_itself_and_says_who_was_not_reached() {
    let raw = "From: MAILER-DAEMON@x.example\nTo: me@x.example\nSubject: failure notice\n\nHi. This is the qmail-send program.\n\
I'm afraid I wasn't able to deliver your message to the following addresses.\n\n<gone@y.example>:\nNo such user. (#5.1.1)\n\n\
--- Below this line is a copy of the message.\n\nReturn-Path: <me@x.example>\nMessage-ID: <77@x.example>\nSubject: Your password\n\nhi\n";
    assert_eq!(
        opened(raw).iter().map(|found| found.how).collect::<Vec<_>>(),
        [How::AsIs]
    );
    let failures = delivery_failures(&Message::read(raw.as_bytes(), &mut Budget::default()));
    assert_eq!(failures.len(), 1);
    assert_eq!(
        (failures[0].recipient.as_str(), failures[0].status.as_str()),
        ("gone@y.example", "5.1.1")
    );
    assert_eq!(failures[0].original_message_id.as_deref(), Some("77@x.example"));
    assert_eq!(failures[0].original_subject.as_deref(), Some("Your password"));
}

#[test]
fn addresses_are_read_as_shown() {
    let read = |value: &str| {
        addresses(value)
            .into_iter()
            .map(|entry| format!("{}|{}", entry.name, entry.address))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        read("\"Doe, J\" <j@a.example>, b@b.example (Ben)"),
        ["Doe, J|j@a.example", "Ben|b@b.example"]
    );
    assert_eq!(
        read("Team: a@a.example, =?utf-8?Q?B=C3=A9n?= <b@b.example>;"),
        ["|a@a.example", "B\u{e9}n|b@b.example"]
    );
    assert_eq!(
        read("boss@county.example <x@evil.example"),
        ["boss@county.example|x@evil.example"]
    );
    assert_eq!(
        read("<a@a.example> <b@b.example>"),
        ["|a@a.example", "|b@b.example"]
    );
    assert_eq!(read("Google"), ["Google|"]);
}

fn msg_file() -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).expect("memory");
    let mut put = |path: &str, bytes: &[u8]| {
        file.create_stream(path)
            .and_then(|mut at| at.write_all(bytes))
            .expect("memory")
    };
    let wide = |text: &str| {
        text.encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<u8>>()
    };
    put("/__properties_version1.0", &[0; 32]);
    put("/__substg1.0_0037001F", &wide("Migration"));
    put("/__substg1.0_0C1A001E", b"IT, Desk");
    put("/__substg1.0_5D01001F", &wide("it@mc-help.example"));
    put(
        "/__substg1.0_10130102",
        b"<p><a href=\"https://mc-migrate.example/\">Sign in</a></p>",
    );
    file.create_storage("/__attach_version1.0_#00000000")
        .expect("memory");
    let mut put = |path: &str, bytes: &[u8]| {
        file.create_stream(path)
            .and_then(|mut at| at.write_all(bytes))
            .expect("memory")
    };
    put("/__attach_version1.0_#00000000/__substg1.0_37010102", b"PK rest");
    put(
        "/__attach_version1.0_#00000000/__substg1.0_3707001F",
        &wide("list\u{e4}.zip"),
    );
    file.flush().expect("memory");
    file.into_inner().into_inner()
}

#[test]
fn an_outlook_file_becomes_a_message() {
    let found = unwrap(&msg_file(), &mut Budget::default());
    let message = message_of(&found[0]);
    let from = &addresses(message.value("from").unwrap_or_default())[0];
    assert_eq!(
        (from.name.as_str(), from.address.as_str()),
        ("IT, Desk", "it@mc-help.example")
    );
    assert_eq!(message.value("subject"), Some("Migration"));
    assert!(
        message.parts[0]
            .text
            .as_deref()
            .is_some_and(|text| text.contains("mc-migrate.example"))
    );
    assert_eq!(
        (message.parts[1].name.as_str(), message.parts[1].bytes.as_slice()),
        ("list\u{e4}.zip", &b"PK rest"[..])
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn joined_mboxes_split_into_what_was_joined(
        bodies in prop::collection::vec(prop::collection::vec("[a-z .]{0,20}|From me Sat Mar 19 04:34:00 2016|From here", 0..6), 1..5),
        capacity in 1_usize..64,
    ) {
        let messages: Vec<String> = bodies.iter().map(|lines| format!("Subject: x\n\n{}\nend\n", lines.join("\n"))).collect();
        let mut joined = String::new();
        for message in &messages {
            joined.push_str("From a@a.example Sat Mar 19 04:34:00 2016\n");
            for line in message.lines() {
                if line.starts_with("From ") {
                    joined.push('>');
                }
                joined.push_str(line);
                joined.push('\n');
            }
            joined.push('\n');
        }
        let (found, _) = split("m", joined.as_bytes(), capacity);
        let found: Vec<String> = found.into_iter().map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned()).collect();
        prop_assert_eq!(found, messages);
    }

    #[test]
    fn no_bytes_stop_the_readers(bytes in prop::collection::vec(any::<u8>(), 0..400), text in "(From|De|Fwd|--|<|>|:|\n|@|a| |\"|\\(|=\\?|é){0,60}") {
        for raw in [&bytes[..], text.as_bytes()] {
            prop_assert!(!unwrap(raw, &mut Budget::default()).is_empty());
            prop_assert_eq!(split("x", raw, 3), split("x", raw, 4096));
            addresses(&String::from_utf8_lossy(raw));
        }
    }

    #[test]
    fn damaged_outlook_files_stop_nothing(at in 0_usize..6_000, byte in any::<u8>()) {
        let mut file = msg_file();
        let at = at % file.len();
        file[at] ^= byte;
        prop_assert!(!unwrap(&file, &mut Budget::default()).is_empty());
    }
}
