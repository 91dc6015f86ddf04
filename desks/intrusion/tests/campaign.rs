//! Campaigns: the same hand in several jurisdictions is found, and what many share by chance is not.
#![allow(clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use flate2::read::MultiGzDecoder;
use pollwatch_intrusion::campaign::{ActorTraits, Background, find_campaigns};
use pollwatch_intrusion::lists::read_assessors;
use pollwatch_intrusion::read::Format;
use pollwatch_intrusion::sweep::{Deaf, Options, Place, Sweep};

/// The invented logs of 50 states: one campaign of 14 members on five addresses, and 13 actors who have nothing to do with it,
/// some of them on neighbouring addresses of one network.
#[test]
fn the_campaign_of_fourteen_states_is_found_whole_and_alone() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases/systems/multistate");
    if !folder.exists() {
        println!("skipped: no ../shared");
        return;
    }
    let truth: BTreeSet<String> = std::fs::read_to_string(folder.join("truth_actors.tsv"))
        .expect("the truth is there")
        .lines()
        .filter_map(|line| line.strip_prefix("CAMP1-"))
        .map(|line| line[..2].to_owned())
        .collect();
    let mut options = Options::new("2026-11-30T00:00:00Z".parse().expect("a time"));
    // Three states have asked this assessor; undeclared, it would be one hand in three places, which it is.
    options.assessors = read_assessors("assessors.csv", "192.0.2.250\n").0;
    assert_eq!(options.assessors.len(), 1);
    let mut sweep = Sweep::new(options);
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().ends_with(".log.gz"))
        .collect();
    names.sort();
    for path in names {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let mut bytes = BufReader::new(MultiGzDecoder::new(File::open(&path).expect("the file is there")));
        bytes.fill_buf().expect("it is gzip");
        sweep.read(
            &name[..2],
            &name,
            &Format::Sniffed,
            Place::default(),
            &mut bytes,
            &mut Deaf,
        );
    }
    let mut campaigns: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for report in sweep.finish() {
        for actor in &report.actors {
            if let Some(id) = &actor.campaign {
                assert!(!actor.campaign_links.is_empty(), "every member says why");
                println!(
                    "{id} {} {:?} {:?}",
                    report.jurisdiction,
                    actor.addresses.first(),
                    actor.campaign_links.first()
                );
                campaigns
                    .entry(id.clone())
                    .or_default()
                    .insert(report.jurisdiction.clone());
            }
        }
    }
    assert_eq!(campaigns.into_values().collect::<Vec<_>>(), [truth]);
}

fn address(last: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(0xcb00_7100 + last))
}

fn actor(jurisdiction: usize, client: IpAddr, day: i64) -> ActorTraits {
    ActorTraits {
        jurisdiction: format!("j{jurisdiction:02}"),
        clients: vec![client],
        agents: BTreeSet::new(),
        fingerprints: BTreeSet::new(),
        tools: BTreeSet::new(),
        path_pairs: BTreeSet::new(),
        classes: BTreeSet::new(),
        first_ms: Some(day * 86_400_000),
        last_ms: Some(day * 86_400_000 + 60_000),
    }
}

/// Forty jurisdictions, each with 200 innocent clients; `shared` addresses are seen in all of them.
fn background(shared: &[IpAddr]) -> Background {
    let mut background = Background::default();
    for jurisdiction in 0..40_u32 {
        let own = (0..200_u32).map(move |client| {
            let address = IpAddr::V4(Ipv4Addr::from(
                0x1800_0000 + jurisdiction * 0x1_0000 + client * 256 + 7,
            ));
            (address, u64::from(client % 9), i64::from(client) * 3_024_000)
        });
        let of_all = shared.iter().map(|address| (*address, 77, 1_000_000));
        background.add(&format!("j{jurisdiction:02}"), own.chain(of_all));
    }
    background
}

#[test]
fn one_address_in_several_places_within_days_is_a_campaign() {
    let mut actors: Vec<ActorTraits> = (0..5)
        .map(|place| actor(place, address(9), place as i64))
        .collect();
    actors.push(actor(30, address(200 << 8), 3));
    let found = find_campaigns(&actors, &background(&[]), 1);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].members, [0, 1, 2, 3, 4]);
    assert!(found[0].q <= 0.01 && found[0].links.len() >= 4);
    assert_eq!(
        found,
        find_campaigns(&actors, &background(&[]), 1),
        "the same seed gives the same"
    );
    let backwards: Vec<ActorTraits> = actors.iter().rev().cloned().collect();
    assert_eq!(
        find_campaigns(&backwards, &background(&[]), 1)[0].id,
        found[0].id,
        "the order of input does not matter"
    );
}

#[test]
fn an_address_that_everybody_sees_links_nobody() {
    let crawler = address(1);
    let actors: Vec<ActorTraits> = (0..8).map(|place| actor(place, crawler, place as i64)).collect();
    assert!(find_campaigns(&actors, &background(&[crawler]), 1).is_empty());
}

#[test]
fn a_network_alone_links_nobody() {
    let actors: Vec<ActorTraits> = (0..8)
        .map(|place| actor(place, address(10 + place as u32), 1))
        .collect();
    assert!(find_campaigns(&actors, &background(&[]), 1).is_empty());
    let like: Vec<ActorTraits> = actors
        .into_iter()
        .map(|actor| ActorTraits {
            fingerprints: (0..20).collect(),
            ..actor
        })
        .collect();
    assert_eq!(
        find_campaigns(&like, &background(&[]), 1).len(),
        1,
        "with the same payloads it does"
    );
}

#[test]
fn a_public_tool_alone_links_nobody() {
    let actors: Vec<ActorTraits> = (0..8)
        .map(|place| ActorTraits {
            fingerprints: (0..20).collect(),
            tools: BTreeSet::from(["sqlmap".to_owned()]),
            ..actor(place, address((place as u32) << 8), 1)
        })
        .collect();
    assert!(find_campaigns(&actors, &background(&[]), 1).is_empty());
}
