//! Registers from plain lists and from CSV: every file format of protected names but `register.toml` itself.

use std::collections::{BTreeMap, HashMap};

use pollwatch_model::register::{MailBoundary, Target, TargetKind};
use pollwatch_model::{Problem, Register, TargetId};
use pollwatch_names::protectable;

/// Reads `text`, the contents of `file`: a plain list (one name a line, `#` begins a remark), CSV with the header
/// `domain,organisation,category,…,state`, or the list of .gov domains as CISA publishes it (columns `Domain name`,
/// `Domain type`, `Organization name`, `State`).
///
/// Rows with one organisation are one target; a name without one is a target of its own. What cannot be read is a problem
/// with file and line, and the rest stands.
pub fn register_from_list(file: &str, text: &str) -> (Register, Vec<Problem>) {
    let mut builder = Builder::default();
    let first = text
        .lines()
        .find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
        .unwrap_or("");
    let first = first.trim_start_matches('\u{feff}');
    let columns: Vec<String> = first
        .split(',')
        .map(|cell| cell.trim().trim_matches('"').to_ascii_lowercase())
        .collect();
    let column = |names: &[&str]| columns.iter().position(|cell| names.contains(&cell.as_str()));
    match column(&["domain", "domain name", "domain_name"]) {
        Some(domain) => {
            let layout = Layout {
                domain,
                organisation: column(&[
                    "organisation",
                    "organization",
                    "organization name",
                    "organisation name",
                    "agency",
                ]),
                category: column(&["category", "kind"]),
                domain_type: column(&["domain type"]),
                state: column(&["state"]),
            };
            builder.read_csv(file, text, &layout);
        }
        None => builder.read_plain(file, text),
    }
    (
        Register {
            owner: String::new(),
            targets: builder.targets,
            allow: Vec::new(),
        },
        builder.problems,
    )
}

struct Layout {
    domain: usize,
    organisation: Option<usize>,
    category: Option<usize>,
    domain_type: Option<usize>,
    state: Option<usize>,
}

#[derive(Default)]
struct Builder {
    targets: Vec<Target>,
    problems: Vec<Problem>,
    by_name: HashMap<String, usize>,
    ids: HashMap<TargetId, u32>,
    owners: BTreeMap<String, (usize, u64)>,
}

impl Builder {
    fn read_plain(&mut self, file: &str, text: &str) {
        for (index, line) in text.lines().enumerate() {
            let line = line
                .split('#')
                .next()
                .unwrap_or("")
                .trim()
                .trim_start_matches('\u{feff}');
            if !line.is_empty() {
                self.row(file, index as u64 + 1, line, "", TargetKind::Other, "");
            }
        }
    }

    fn read_csv(&mut self, file: &str, text: &str, layout: &Layout) {
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .comment(Some(b'#'))
            .from_reader(text.as_bytes());
        for record in reader.records() {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    let line = error.position().map_or(0, csv::Position::line);
                    self.problems
                        .push(Problem::lost(file, line, "this row is not valid CSV; left out"));
                    continue;
                }
            };
            let line = record.position().map_or(0, csv::Position::line);
            let cell = |column: Option<usize>| column.and_then(|at| record.get(at)).unwrap_or("").trim();
            let domain = cell(Some(layout.domain));
            if domain.is_empty() {
                self.problems
                    .push(Problem::lost(file, line, "the row has no domain; left out"));
                continue;
            }
            let category = cell(layout.category);
            let domain_type = cell(layout.domain_type).to_ascii_lowercase();
            let kind = if layout.category.is_some() {
                TargetKind::from_category(category).unwrap_or_else(|| {
                    let what = format!("category {category:?} is not known; taken as other");
                    self.problems.push(Problem::remark(file, Some(line), what));
                    TargetKind::Other
                })
            } else if ["county", "city", "special district", "tribal"]
                .iter()
                .any(|kind| domain_type.starts_with(kind))
            {
                TargetKind::Jurisdiction
            } else if layout.domain_type.is_some() {
                TargetKind::Office
            } else {
                TargetKind::Other
            };
            self.row(
                file,
                line,
                domain,
                cell(layout.organisation),
                kind,
                cell(layout.state),
            );
        }
    }

    fn row(
        &mut self,
        file: &str,
        line: u64,
        domain: &str,
        organisation: &str,
        kind: TargetKind,
        state: &str,
    ) {
        let domain = match protectable(domain) {
            Ok(domain) => domain,
            Err(why) => {
                let what = format!("{domain:?} cannot be protected: {why}");
                self.problems.push(Problem::lost(file, line, what));
                return;
            }
        };
        let state = state.to_ascii_uppercase();
        let state = if state.len() == 2 && state.bytes().all(|b| b.is_ascii_uppercase()) {
            state
        } else {
            String::new()
        };
        // Counties of one name in two states are two organisations.
        let name = if organisation.is_empty() {
            domain.as_str()
        } else {
            organisation
        };
        let key = format!("{}\n{state}", name.to_lowercase());
        let known = self.by_name.get(&key).copied();
        if let Some((owner, claimed)) = self.owners.get(&domain) {
            if known != Some(*owner) {
                let what = format!(
                    "{domain} has two owners, {} (line {claimed}) and {name}; it stays with the first",
                    self.targets[*owner].name
                );
                self.problems.push(Problem::lost(file, line, what));
            }
            return;
        }
        let index = known.unwrap_or_else(|| {
            let base = TargetId::slug(name);
            let mut id = base.clone();
            while self.ids.contains_key(&id) {
                let count = self.ids.entry(base.clone()).or_insert(1);
                *count += 1;
                let stem: String = base.as_str().chars().take(56).collect();
                id = TargetId::slug(&format!("{stem}-{count}"));
            }
            self.ids.insert(id.clone(), 1);
            self.targets.push(Target {
                id,
                name: name.to_owned(),
                kind,
                state,
                domains: Vec::new(),
                owned: Vec::new(),
                allow: Vec::new(),
                aliases: Vec::new(),
                same_as: None,
                people: Vec::new(),
                partners: Vec::new(),
                mail: MailBoundary::default(),
                assessors: Vec::new(),
                registered_voters: None,
            });
            self.by_name.insert(key, self.targets.len() - 1);
            self.targets.len() - 1
        });
        self.owners.insert(domain.clone(), (index, line));
        self.targets[index].domains.push(domain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_shapes_of_list_are_read() {
        let (plain, problems) = register_from_list("p.txt", "# ours\nvote.example.gov\n\nco.uk # oops\n");
        assert_eq!(plain.targets[0].domains, ["vote.example.gov"]);
        assert_eq!(
            problems[0].to_string(),
            "p.txt:4: \"co.uk\" cannot be protected: it is a public suffix: the names beneath it belong to many owners"
        );
        let (csv, problems) = register_from_list(
            "p.csv",
            "domain,organisation,category,source,state\na.example,\"One, Inc.\",login,x,\nb.example,\"One, Inc.\",login,x,\nc.example,Two,political,x,TX\n",
        );
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(csv.targets.len(), 2);
        assert_eq!(csv.targets[0].domains, ["a.example", "b.example"]);
        assert_eq!(csv.targets[1].state, "TX");
        let (cisa, _) = register_from_list(
            "gov.csv",
            "Domain name,Domain type,Organization name,Suborganization name,City,State,Security contact email\nexample.gov,County,Example County,,Town,OH,\n",
        );
        assert_eq!(cisa.targets[0].kind, TargetKind::Jurisdiction);
        assert_eq!(cisa.targets[0].state, "OH");
    }
}
