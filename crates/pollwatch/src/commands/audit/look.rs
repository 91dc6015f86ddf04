//! Looking at an audit: contests, plan, risks, log.

use std::path::Path;
use std::process::ExitCode;

use pollwatch_audit::flow::event::{Audited, Event};
use pollwatch_audit::flow::{Assessment, ContestResult, Verdict, limit_text};
use pollwatch_audit::plan::{PlanOption, plan_page};
use pollwatch_engine::Mode;
use pollwatch_engine::audit::Stage;

use super::arguments::Which;
use super::{append, session, who, write};
use crate::commands::audit::begin::{counted, show_problems};
use crate::commands::open_workspace;
use crate::screen::{grouped, table, visible, wrapped};

pub fn list(workspace: Option<&Path>) -> anyhow::Result<ExitCode> {
    let workspace = open_workspace(workspace, Mode::Read)?;
    let mut rows = Vec::new();
    for name in workspace.audits()? {
        let audit = workspace.audit(Some(&name))?;
        let stage = match audit.stage() {
            Stage::Open => "open: plan and commit next".to_owned(),
            Stage::Committed => "committed: roll the dice next".to_owned(),
            Stage::Seeded => "seeded: draw next".to_owned(),
            Stage::Drawn(round) => format!("round {round}"),
        };
        let opened = audit.state().opened();
        rows.push(vec![
            name,
            opened.map(|opened| opened.title.clone()).unwrap_or_default(),
            stage,
            counted(audit.state().log().len() as u64, "entry").replace("entrys", "entries"),
        ]);
    }
    if rows.is_empty() {
        println!("No audit yet. Begin one with `pollwatch audit init`.");
    } else {
        println!("{}", table(&["audit", "title", "how far", "log"], &rows));
    }
    Ok(ExitCode::SUCCESS)
}

pub fn contests(workspace: Option<&Path>, which: &Which) -> anyhow::Result<ExitCode> {
    let session = session(workspace, which)?;
    show_problems(session.problems.iter());
    let method = session
        .audit()
        .state()
        .committed()
        .map(|(committed, _)| committed.method);
    let rows: Vec<Vec<String>> = session
        .outcomes(method)?
        .into_iter()
        .map(|one| {
            vec![
                one.contest,
                one.kind,
                match one.audited {
                    Audited::Targeted => "yes",
                    Audited::Opportunistic => "on others' cards",
                    Audited::No => "no",
                }
                .to_owned(),
                one.winners.join(", "),
                one.margin.map_or_else(|| "-".to_owned(), grouped),
                one.diluted
                    .map_or_else(|| "-".to_owned(), |margin| format!("{:.2} %", margin * 100.0)),
                grouped(one.cards),
                one.remark,
            ]
        })
        .collect();
    println!(
        "{}",
        table(
            &[
                "contest",
                "decided by",
                "audited",
                "reported to have won",
                "margin",
                "of cards",
                "cards",
                ""
            ],
            &rows
        )
    );
    println!(
        "Margin: votes between the last winner and the next, or what its hardest assertion has to spare, and its share of the cards that may hold the contest."
    );
    Ok(ExitCode::SUCCESS)
}

pub fn plan(
    workspace: Option<&Path>,
    which: &Which,
    minutes: Option<f64>,
    page: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    let session = session(workspace, which)?;
    show_problems(session.problems.iter());
    let mut plan = session.plan()?;
    if let Some(minutes) = minutes {
        anyhow::ensure!(minutes.is_finite() && minutes > 0.0, "minutes must be above 0");
        plan.minutes_a_card = minutes;
    }
    let hours = |cards: u64| format!("{:.1}", PlanOption::hours(cards, plan.minutes_a_card));
    let rows: Vec<Vec<String>> = plan
        .options
        .iter()
        .filter(|option| option.why_not.is_none())
        .map(|option| {
            let mark = if plan.chosen == Some(option.method) {
                "->"
            } else {
                ""
            };
            if option.is_full_count {
                return vec![
                    mark.to_owned(),
                    option.method.title().to_owned(),
                    "full hand count".to_owned(),
                    String::new(),
                    String::new(),
                    String::new(),
                    String::new(),
                ];
            }
            vec![
                mark.to_owned(),
                option.method.title().to_owned(),
                grouped(option.expected),
                grouped(option.ninety),
                "1 in 9 of 10".to_owned(),
                hours(option.expected),
                hours(option.ninety),
            ]
        })
        .collect();
    println!(
        "{}",
        table(
            &[
                "",
                "method",
                "cards expected",
                "for 9 of 10",
                "rounds",
                "hours expected",
                "for 9 of 10"
            ],
            &rows
        )
    );
    for option in &plan.options {
        if let Some(why) = &option.why_not {
            println!(
                "  not with these files: {:<34} {}",
                option.method.title(),
                wrapped(why, 90, "    ")
            );
        }
    }
    println!(
        "\nHours are cards times {} minutes; your own with --minutes. Expected: the mean over audits of a right outcome in which\n1 record in 1,000 is off by one vote and 1 in 10,000 by two.\n",
        plan.minutes_a_card
    );
    for contest in &plan.full_counts {
        println!(
            "{}: the reported margin is zero. No sample can decide it: a full hand count is needed.",
            visible(contest)
        );
    }
    match plan.chosen {
        Some(method) => println!(
            "{}",
            wrapped(
                &format!("Choose {} ({}): {}.", method.title(), method, plan.because),
                100,
                ""
            )
        ),
        None => println!("{}.", plan.because),
    }
    if let Some(page) = page {
        let opened = session.audit().state().opened();
        let (title, limit) = opened.map_or_else(Default::default, |opened| {
            (opened.title.clone(), opened.risk_limit.clone())
        });
        let path = write(page, plan_page(&title, &limit, &plan))?;
        println!("The plan as a page: {}", visible(&path.display().to_string()));
    }
    println!("\nNext: `pollwatch audit commit --method METHOD`.");
    Ok(ExitCode::SUCCESS)
}

pub fn assess(
    workspace: Option<&Path>,
    which: &Which,
    fail_unless_confirmed: bool,
) -> anyhow::Result<ExitCode> {
    let by = who(which.by.as_deref())?;
    let session = session(workspace, which)?;
    let assessment = session.assess()?;
    show(&assessment, session.thing());
    let assessed = session.assessed(&assessment);
    let name = session.audit().name().to_owned();
    drop(session);
    append(workspace, &name, &by, vec![Event::Assessed(assessed)])?;
    let mut writable = open_workspace(workspace, Mode::Write)?;
    let kept = writable.record_assessment(&name, &assessment, jiff::Timestamp::now())?;
    if kept.findings_new + kept.findings_changed > 0 {
        println!("Recorded as findings: `pollwatch findings list --min-severity info`.");
    }
    let is_done = assessment
        .contests
        .iter()
        .filter(|one| one.audited == Audited::Targeted)
        .all(|one| one.verdict == Verdict::Confirmed);
    Ok(if fail_unless_confirmed && !is_done {
        ExitCode::from(1)
    } else {
        ExitCode::SUCCESS
    })
}

fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Confirmed => "[ok]",
        Verdict::NotYet => "[..]",
        Verdict::FullCount => "[!!]",
        Verdict::Wrong => "[XX]",
        Verdict::NotAudited => "[--]",
    }
}

/// What the readings say, contest by contest.
pub fn show(assessment: &Assessment, thing: &str) {
    println!(
        "{} drawn ({} draws), {} read, {} to read, {} in disagreement. Risk limit {}.\n",
        counted(assessment.distinct, thing),
        grouped(assessment.draws),
        grouped(assessment.read),
        grouped(assessment.unread.len() as u64),
        grouped(assessment.disagreements.len() as u64),
        limit_text(&assessment.risk_limit)
    );
    for one in &assessment.contests {
        if one.audited == Audited::No {
            continue;
        }
        println!(
            "{} {}: {}",
            mark(one.verdict),
            visible(&one.contest),
            one.verdict.title()
        );
        println!(
            "     {}",
            wrapped(
                &pollwatch_audit::explain::sentence(one, &assessment.risk_limit),
                94,
                "     "
            )
        );
        if !one.differences.is_empty() {
            let overstated = one
                .differences
                .iter()
                .filter(|difference| difference.overstatement > 0.0)
                .count();
            println!(
                "     {}: {} of them made the margin look larger than it is.",
                counted(
                    one.differences.len() as u64,
                    "difference between record and paper"
                )
                .replace(
                    "difference between record and papers",
                    "differences between record and paper"
                ),
                overstated
            );
        }
        next_for(one);
    }
    let left_out: Vec<&str> = assessment
        .contests
        .iter()
        .filter(|one| one.audited == Audited::No)
        .map(|one| one.contest.as_str())
        .collect();
    if !left_out.is_empty() {
        println!(
            "{} Not audited: {}",
            mark(Verdict::NotAudited),
            wrapped(&left_out.join("; "), 94, "     ")
        );
    }
    println!();
}

fn next_for(one: &ContestResult) {
    if let (Verdict::NotYet, Some(more)) = (one.verdict, one.more) {
        println!(
            "     More draws needed: {} if no further difference is found, about {} if they go on as so far.",
            grouped(more.at_best),
            grouped(more.likely)
        );
    }
}

pub fn log(workspace: Option<&Path>, which: &Which) -> anyhow::Result<ExitCode> {
    let audit = open_workspace(workspace, Mode::Read)?.audit(which.audit.as_deref())?;
    let rows: Vec<Vec<String>> = (0..)
        .zip(audit.state().log())
        .map(|(number, entry)| {
            let taken_back = audit
                .state()
                .undone_by(number)
                .map(|by| format!("taken back by {by}"))
                .unwrap_or_default();
            vec![
                number.to_string(),
                entry.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
                entry.by.clone(),
                entry.event.title(),
                taken_back,
            ]
        })
        .collect();
    println!("{}", table(&["entry", "when", "by", "what", ""], &rows));
    Ok(ExitCode::SUCCESS)
}
