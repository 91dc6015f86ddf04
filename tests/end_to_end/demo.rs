//! The first thing that a new user runs.

use crate::harness::Place;

#[test]
fn the_demo_scans_records_verifies_and_writes_the_brief() {
    let place = Place::new();
    let ran = place.run(&["demo", "election"]);
    ran.succeeds()
        .says("Verified:")
        .says("The brief is in")
        .says("Try next")
        .says("adfs-senate[.]services");
    // The truth of the counties' logs, as their generator made it (xtask/src/gen_logs.rs).
    let verdict = |county: &str| {
        let line = ran
            .out
            .lines()
            .find(|line| line.starts_with(county))
            .expect(county);
        line[county.len()..]
            .trim_start()
            .split("  ")
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(verdict("Pinewater County (invented)"), "scanned");
    assert_eq!(verdict("Osprey Ridge County (invented)"), "exfiltrated");
    assert_eq!(verdict("Tarpon Bend County (invented)"), "no sign");
    assert_eq!(verdict("Saltmarsh County (invented)"), "no data");
    // The truth of the rolls: two counties were tampered with, one was renumbered, one cleaned up as announced.
    ran.says("in CALDERMERE (county 3) between 2018-10-01 and 2018-10-08: 48 entries")
        .says("in ELLERBY (county 5) between 2018-10-01 and 2018-10-08: 26 entries")
        .says("Explained bulk change in BRIARTON")
        .says("Explained bulk change in DUNWICKE");
    let unexplained = ran.out.matches("ordinary churn does not explain").count();
    assert_eq!(unexplained, 2);
    // The audit reads on until what was drawn decides every contest, and says which it left out.
    ran.says("cards that differ")
        .says("Library Levy")
        .says("not audited")
        .says("The package of the audit was verified");
    // Each field is counted over the time of its own sources: the rolls are no matter of the logs' fortnight.
    let count = place.run(&["-C", "election", "tally"]);
    count
        .succeeds()
        .says("Logs of election systems: 103 targets, 2018-10-22 to 2018-11-04 (UTC)")
        .says("Voter rolls: 103 targets, 2018-09-03 00:00:00Z to 2018-10-08 00:00:01Z")
        .says("altered: 1 (high 1); no sign: 0; no data: 102")
        .says("no sign: 1; no data: 102");
    let brief = std::fs::read_to_string(place.path("election/brief.html")).expect("the brief");
    assert!(brief.contains("Whether the votes were counted as cast"));
    assert!(brief.contains("TLP:AMBER") && !brief.contains("<script"));
    let again = place.run(&["-C", "election", "brief", "-o", "again.html"]);
    again.succeeds();
    assert_eq!(
        std::fs::read_to_string(place.path("again.html")).unwrap(),
        brief,
        "same record, same bytes"
    );
    place
        .run(&["-C", "election", "verify"])
        .succeeds()
        .says("Everything follows");
    place.run(&["demo", "election"]).ends_with(2).says("is not empty");
}

#[test]
fn help_reads_like_the_table_of_words() {
    let place = Place::new();
    insta::assert_snapshot!(place.run(&["--help"]).succeeds().out);
}
