//! What a writer of each format writes, its reader reads.

mod exports;

use exports::*;
use pollwatch_audit::read::CvrFormat;
use proptest::prelude::*;

fn check(name: &str, bytes: Vec<u8>, format: CvrFormat, expected: &Seen) -> Result<(), TestCaseError> {
    let (read, kept) = read(name, bytes, None).map_err(|error| TestCaseError::fail(error.to_string()))?;
    prop_assert_eq!(read.format, format);
    prop_assert!(kept.problems.is_empty(), "{:?}", kept.problems);
    prop_assert_eq!(read.records, expected.len() as u64);
    prop_assert_eq!(&seen(&read.election, &kept.records), expected);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn dominion_csv_comes_back(
        made in made(true, 3),
        formulas: bool,
        always: bool,
        crlf: bool,
        encoding in encoding(),
    ) {
        let (text, expected) = dominion_csv(&made, formulas, always, if crlf { "\r\n" } else { "\n" });
        check("export.csv", encode(&text, encoding), CvrFormat::DominionCsv, &expected)?;
    }

    #[test]
    fn clear_ballot_comes_back(made in made(false, 3), encoding in encoding()) {
        let (text, expected) = clear_ballot(&made);
        check("export.csv", encode(&text, encoding), CvrFormat::ClearBallot, &expected)?;
    }

    #[test]
    fn ess_comes_back((made, first) in made(true, 3).prop_flat_map(|made| { let h = halves(&made); (Just(made), h) }), hexadecimal: bool) {
        let (bytes, expected) = ess(&made, hexadecimal, &first);
        check("export.zip", bytes, CvrFormat::Ess, &expected)?;
    }

    #[test]
    fn hart_comes_back(made in made(false, 3).prop_filter("a card", |made| !made.cards.is_empty()), by_tabulator: bool) {
        let (bytes, expected) = hart(&made, by_tabulator);
        check("export.zip", bytes, CvrFormat::Hart, &expected)?;
    }

    #[test]
    fn dominion_json_comes_back((made, changed) in made(true, 3).prop_flat_map(|made| { let h = halves(&made); (Just(made), h) }), split: bool) {
        let (bytes, expected) = dominion_json(&made, &changed, split);
        check("export.zip", bytes, CvrFormat::DominionJson, &expected)?;
    }

    #[test]
    fn the_common_data_format_comes_back(
        made in made(true, 3),
        json: bool,
        last: bool,
        prefix in prop::sample::select(vec!["", "cdf:"]),
        encoding in encoding(),
    ) {
        let (text, expected) = nist(&made, json, last, prefix);
        check("report", encode(&text, encoding), CvrFormat::Nist, &expected)?;
    }

    #[test]
    fn raire_comes_back(made in made(true, 1), encoding in encoding()) {
        let (text, expected) = raire(&made);
        check("export.raire", encode(&text, encoding), CvrFormat::Raire, &expected)?;
    }
}
