//! Bad input: a clear message with file and line, the rest done, nothing lost.

use std::io::Write;

use crate::harness::{Place, REGISTER};

fn scan(place: &Place, arguments: &[&str]) -> crate::harness::Ran {
    let mut all = vec![
        "lookalike",
        "scan",
        "--protect",
        "register.toml",
        "--format",
        "jsonl",
        "--min-severity",
        "low",
    ];
    all.extend(arguments);
    place.run(&all)
}

fn place() -> Place {
    let place = Place::new();
    place.write("register.toml", REGISTER);
    place
}

#[test]
fn bad_records_are_named_counted_and_stepped_over() {
    let place = place();
    let mut names = Vec::new();
    names.extend(b"maplestreetbakery.com\n");
    names.extend(b"nul\0byte.com\n");
    names.extend(b"\xff\xfe.com\n");
    names.extend(format!("{}.com\n", "a".repeat(64)).as_bytes());
    names.extend(format!("{}com\n", "abcdefgh.".repeat(30)).as_bytes());
    names.extend(b"xn--a-ecp.ru.xn--\n");
    names.extend(vec![b'x'; 200_000]);
    names.extend(b"\nwakefieldvotes.com\n");
    place.write("names.txt", names);
    let ran = scan(&place, &["names.txt"]);
    ran.succeeds();
    assert_eq!(
        ran.json_lines().len(),
        1,
        "the name behind all that is still found: {ran:#?}"
    );
    for line in 2..=5 {
        ran.says(&format!("names.txt:{line}: "));
    }
    ran.says("names.txt:7: ");
    assert!(
        !ran.err.contains('\0') && !ran.err.contains('\u{fffd}'),
        "{ran:#?}"
    );
}

#[test]
fn empty_input_says_that_nothing_was_read() {
    let place = place();
    place.write("empty.txt", "");
    scan(&place, &["empty.txt"]).succeeds().says("0 names read");
}

#[test]
fn a_cut_gzip_is_read_as_far_as_it_goes() {
    let place = place();
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(b"wakefieldvotes.com\n").unwrap();
    // Enough that is hard to compress, so that the cut falls behind the first name.
    for number in 0..50_000u64 {
        let scrambled = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        encoder
            .write_all(format!("{scrambled:x}.org\n").as_bytes())
            .unwrap();
    }
    let whole = encoder.finish().unwrap();
    place.write("names.gz", &whole[..whole.len() / 2]);
    let ran = scan(&place, &["names.gz"]);
    assert_eq!(ran.json_lines().len(), 1, "{ran:#?}");
    ran.ends_with(2)
        .says("names.gz")
        .says("0 of 1 inputs read to the end");
}

#[test]
fn a_bomb_is_stopped() {
    let place = place();
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    let block = vec![b'x'; 1 << 20];
    for _ in 0..1_200 {
        encoder.write_all(&block).unwrap();
    }
    place.write("bomb.zst", encoder.finish().unwrap());
    place.write("names.txt", "wakefieldvotes.com\n");
    let ran = scan(&place, &["bomb.zst", "names.txt"]);
    ran.ends_with(2)
        .says("bomb.zst")
        .says("1 of 2 inputs read to the end");
    assert_eq!(
        ran.json_lines().len(),
        1,
        "the other input is still read: {ran:#?}"
    );
}

#[test]
fn a_faulty_register_is_named_by_line_and_the_rest_protects() {
    let place = Place::with_workspace();
    let faulty = format!(
        "{REGISTER}\n[[target]]\nid = \"thief\"\nname = \"Thief\"\nkind = \"other\"\ndomains = [\"senate.gov\", \"co.uk\"]\nsame_as = \"thief\"\n"
    );
    place.write("ws/register.toml", faulty);
    let ran = place.ws(&["register", "check"]);
    ran.ends_with(1)
        .says("senate.gov has two owners")
        .says("co.uk")
        .says("circle");
    place
        .ws(&["lookalike", "scan", "names.txt", "--format", "jsonl"])
        .succeeds();
    place.write("ws/register.toml", "schema = 1\n[[target]]\nname = 3\n");
    place
        .ws(&["status"])
        .ends_with(2)
        .says("register.toml:3: ")
        .says("Mend that line");
}

#[test]
fn a_database_of_a_later_version_is_left_alone() {
    let place = Place::with_workspace();
    place.write(
        "ws/record.db",
        "this is no database, and it is longer than a header of one would have to be.".repeat(20),
    );
    let before = std::fs::read(place.path("ws/record.db")).unwrap();
    place.ws(&["findings", "list"]).ends_with(2).says("record.db");
    assert_eq!(std::fs::read(place.path("ws/record.db")).unwrap(), before);
}

#[test]
fn a_full_disk_loses_nothing_recorded() {
    // A file-size limit is the portable stand-in for a full disk: writes fail the same way, without root.
    let place = Place::with_workspace();
    place
        .ws(&["lookalike", "scan", "--record", "names.txt"])
        .succeeds();
    let before = place.recorded();
    let many: String = (0..6_000)
        .map(|number| format!("wakefieldvotes-{number}.com\n"))
        .collect();
    place.write("many.txt", many);
    let binary = env!("CARGO_BIN_EXE_pollwatch");
    let limited = std::process::Command::new("sh")
        .arg("-c")
        .arg(format!(
            "trap '' XFSZ; ulimit -f 2000; exec {binary} -C ws lookalike scan --record many.txt"
        ))
        .current_dir(place.path("."))
        .output()
        .expect("start a shell");
    assert_eq!(
        limited.status.code(),
        Some(2),
        "{}",
        String::from_utf8_lossy(&limited.stderr)
    );
    place.ws(&["verify"]).succeeds();
    let after = place.recorded();
    for finding in &before {
        assert!(
            after.iter().any(|kept| kept["id"] == finding["id"]),
            "{} is gone",
            finding["id"]
        );
    }
    place
        .ws(&["lookalike", "scan", "--record", "many.txt"])
        .succeeds();
    place.ws(&["verify"]).succeeds();
}

#[test]
fn terminal_escapes_and_markup_are_shown_not_obeyed() {
    let place = place();
    place.write(
        "names.txt",
        "wakefieldvotes-\u{1b}[2J.com\nwakefieldvotes.com\u{202e}\n<script>wakefieldvotes.com</script>\n",
    );
    let ran = place.run(&["lookalike", "scan", "--protect", "register.toml", "names.txt"]);
    ran.succeeds();
    for text in [&ran.out, &ran.err] {
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}'), "{text:?}");
    }
}
