//! What every backend must do, written once: each rule is a generic function, [`suite!`] runs all of them over a backend.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::path::Path;

use common::{
    coverage, decision, declaration, finding, imported, located, position, record, renamed, revision, saved,
    start, step, time,
};
use pollwatch_model::{
    EvidenceId, Finding, Observed, Polarity, Problem, Severity, Stage, TargetId, Tlp, Verdict,
};
use pollwatch_store::{
    Cursor, Decided, DeclarationId, Dismissed, Error, EventRecord, Filter, ImportedKind, LeafId,
    MAX_LEAF_BYTES, MAX_PROBLEM_TEXT_BYTES, MAX_PROBLEMS_OF_A_RUN, Mode, Order, RunId, RunPhase, SqliteStore,
    Step, Store, StoredFinding,
};

/// One test a rule, each over a new and empty store.
macro_rules! suite {
    ($backend:ident, $open:expr, [$($rule:ident),+ $(,)?]) => {
        mod $backend {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    let folder = tempfile::tempdir().unwrap();
                    super::$rule($open(folder.path()).await, folder.path()).await;
                }
            )+
        }
    };
}

async fn open_sqlite(folder: &Path) -> SqliteStore {
    SqliteStore::open(&folder.join("record.db"), Mode::ReadWrite)
        .await
        .unwrap()
}

suite!(
    sqlite,
    super::open_sqlite,
    [
        a_finding_comes_back_as_it_was,
        what_did_not_change_needs_no_revision,
        a_merged_finding_is_a_new_revision_with_a_new_leaf,
        a_revision_that_is_not_the_next_one_is_refused_and_nothing_is_kept,
        two_revisions_of_one_finding_fit_in_one_step,
        position_and_state_stand_or_fall_with_the_findings,
        the_last_unfinished_run_over_the_same_inputs_is_found,
        a_run_never_goes_backwards,
        a_step_needs_a_run_that_is_not_finished,
        leaves_wait_in_order_and_keep_their_place,
        places_that_contradict_the_record_are_refused,
        what_the_ledger_cannot_take_is_refused,
        what_does_not_read_back_is_refused,
        a_statement_without_location_is_refused,
        decisions_are_added_and_the_last_one_counts,
        events_are_appended_in_their_order_or_not_at_all,
        evidence_keeps_its_first_location,
        coverage_of_the_same_source_is_replaced,
        problems_are_bounded_in_words_and_counted_in_full,
        filters_choose,
        a_text_is_found_wherever_it_stands,
        counts_say_what_lists_say,
        what_was_recorded_last_comes_first,
        pages_show_every_finding_once,
        the_beginning_of_an_id_is_enough_when_it_fits_one,
        statements_are_read_in_pieces,
        hostile_texts_survive_byte_for_byte,
        settings_are_kept,
        a_copy_is_whole_and_never_overwrites,
        a_large_step_is_one_transaction,
        writers_beside_each_other_lose_nothing,
        declarations_are_added_in_order_and_once,
        an_import_replaces_what_the_same_ledger_sent_before,
        what_a_declaration_cannot_have_is_refused_whole,
    ]
);

async fn a_finding_comes_back_as_it_was(store: impl Store, _: &Path) {
    let finding = finding("adfs-senate.services");
    record(&store, std::slice::from_ref(&finding)).await;
    let stored = store.finding(&finding.id).await.unwrap().unwrap();
    assert_eq!(stored.finding, finding);
    assert_eq!((stored.revision, stored.ledger_index), (1, None));
    assert_eq!(stored.statement, revision(&finding, 1).statement);
    assert_eq!(stored.decision, None);
    let unknown = common::finding("other.example").id;
    assert_eq!(store.finding(&unknown).await.unwrap(), None);
}

async fn what_did_not_change_needs_no_revision(store: impl Store, _: &Path) {
    let finding = finding("adfs-senate.services");
    record(&store, std::slice::from_ref(&finding)).await;
    let stored = store
        .current_findings(std::slice::from_ref(&finding.id))
        .await
        .unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!(
        stored[0].finding.merged(&finding),
        stored[0].finding,
        "to the last digit of a weight"
    );
    store.commit_step(step("r", Vec::new())).await.unwrap();
    assert_eq!(store.pending_leaves(10).await.unwrap().len(), 1);
    assert_eq!(store.revisions(&finding.id).await.unwrap().len(), 1);
}

async fn a_merged_finding_is_a_new_revision_with_a_new_leaf(store: impl Store, _: &Path) {
    let first = finding("adfs-senate.services");
    record(&store, std::slice::from_ref(&first)).await;
    let mut later = first.clone();
    later.severity = Severity::Critical;
    later.observed = Observed::at(Some(time("2018-08-26T10:00:00Z")));
    let stored = store.finding(&first.id).await.unwrap().unwrap();
    let merged = stored.finding.merged(&later);
    let committed = store
        .commit_step(step("r", vec![revision(&merged, stored.revision + 1)]))
        .await
        .unwrap();
    assert_eq!((committed.added, committed.changed), (0, 1));
    let stored = store.finding(&first.id).await.unwrap().unwrap();
    assert_eq!(stored.finding.observed.first, first.observed.first);
    assert_eq!(stored.finding.observed.last, later.observed.last);
    assert_eq!(
        (stored.revision, stored.finding.severity),
        (2, Severity::Critical)
    );
    let history = store.revisions(&first.id).await.unwrap();
    assert_eq!(history.iter().map(|one| one.revision).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(history[1].statement, revision(&merged, 2).statement);
    assert_eq!(history[1].leaf, committed.leaves[0]);
    let pending = store.pending_leaves(10).await.unwrap();
    assert_eq!(
        pending.iter().map(|one| one.statement).collect::<Vec<_>>(),
        [history[0].statement, history[1].statement]
    );
    let all = store.findings(&Filter::default()).await.unwrap();
    assert_eq!(all.findings.len(), 1);
}

async fn a_revision_that_is_not_the_next_one_is_refused_and_nothing_is_kept(store: impl Store, _: &Path) {
    let known = finding("known.example");
    let fresh = finding("fresh.example");
    record(&store, std::slice::from_ref(&known)).await;
    let mut changed = known.clone();
    changed.summary = "changed".to_owned();
    for (offered, stored) in [(1, 1), (3, 1), (0, 1), (u64::MAX, 1)] {
        let mut refused = step("r", vec![revision(&fresh, 1), revision(&changed, offered)]);
        refused.saved = Some(saved("later"));
        refused.positions = vec![position(0, 5)];
        refused.coverage = vec![coverage("names.txt", None, 5)];
        let error = store.commit_step(refused).await.unwrap_err();
        let Error::Conflict {
            finding,
            stored: told,
            offered: also_told,
        } = error
        else {
            panic!("{error:?}");
        };
        assert_eq!((finding, told, also_told), (known.id.clone(), stored, offered));
    }
    assert_eq!(store.finding(&fresh.id).await.unwrap(), None);
    assert_eq!(store.finding(&known.id).await.unwrap().unwrap().finding, known);
    assert_eq!(store.pending_leaves(10).await.unwrap().len(), 1);
    assert!(store.coverage().await.unwrap().is_empty());
    let run = store.unfinished_run("lookalike", "k").await.unwrap().unwrap();
    assert_eq!((run.positions, run.saved), (Vec::new(), None));
    let statement = revision(&fresh, 1).statement;
    assert!(store.evidence_locations(&[statement]).await.unwrap().is_empty());
}

async fn two_revisions_of_one_finding_fit_in_one_step(store: impl Store, _: &Path) {
    let first = finding("adfs-senate.services");
    let mut second = first.clone();
    second.tlp = Tlp::Red;
    store.begin_run(&start("r", "k")).await.unwrap();
    let committed = store
        .commit_step(step("r", vec![revision(&first, 1), revision(&second, 2)]))
        .await
        .unwrap();
    assert_eq!(
        (committed.added, committed.changed, committed.leaves.len()),
        (1, 1, 2)
    );
    let stored = store.finding(&first.id).await.unwrap().unwrap();
    assert_eq!((stored.revision, stored.finding), (2, second));
    assert_eq!(store.revisions(&first.id).await.unwrap().len(), 2);
}

async fn position_and_state_stand_or_fall_with_the_findings(store: impl Store, _: &Path) {
    store.begin_run(&start("r", "k")).await.unwrap();
    let mut one = step("r", vec![revision(&finding("a.example"), 1)]);
    one.positions = vec![position(1, 7), position(0, 9)];
    one.saved = Some(saved("state \0 one"));
    store.commit_step(one).await.unwrap();
    let run = store.unfinished_run("lookalike", "k").await.unwrap().unwrap();
    assert_eq!(run.start, start("r", "k"));
    assert_eq!(run.positions, [position(0, 9), position(1, 7)]);
    assert_eq!(run.saved, Some(saved("state \0 one")));

    let mut without_state = step("r", Vec::new());
    without_state.positions = vec![position(0, 10)];
    store.commit_step(without_state).await.unwrap();
    let mut end = step("r", vec![revision(&finding("b.example"), 1)]);
    let mut done = position(0, 20);
    done.is_done = true;
    done.sha256 = Some(EvidenceId::of(b"all of it"));
    done.bytes = Some(200);
    end.positions = vec![done.clone()];
    store.commit_step(end).await.unwrap();
    let run = store.unfinished_run("lookalike", "k").await.unwrap().unwrap();
    assert_eq!(run.positions, [done, position(1, 7)]);
    assert_eq!(run.saved, Some(saved("state \0 one")));

    let mut last = step("r", vec![revision(&finding("c.example"), 1)]);
    last.phase = RunPhase::Finished;
    store.commit_step(last).await.unwrap();
    assert_eq!(store.unfinished_run("lookalike", "k").await.unwrap(), None);
    assert!(store.finding(&finding("c.example").id).await.unwrap().is_some());
}

async fn the_last_unfinished_run_over_the_same_inputs_is_found(store: impl Store, _: &Path) {
    for (id, key) in [("one", "k"), ("two", "k"), ("three", "other"), ("four", "k")] {
        store.begin_run(&start(id, key)).await.unwrap();
    }
    store.finish_run(&RunId("four".to_owned())).await.unwrap();
    store.finish_run(&RunId("four".to_owned())).await.unwrap();
    let found = store.unfinished_run("lookalike", "k").await.unwrap().unwrap();
    assert_eq!(found.start, start("two", "k"));
    assert_eq!(store.unfinished_run("mail", "k").await.unwrap(), None);
    assert_eq!(store.unfinished_run("lookalike", "K").await.unwrap(), None);
    let all = store.unfinished_runs().await.unwrap();
    assert_eq!(
        all,
        [start("one", "k"), start("two", "k"), start("three", "other")]
    );
    let again = store.begin_run(&start("one", "k")).await.unwrap_err();
    assert!(matches!(again, Error::RunExists(run) if run.0 == "one"));
}

async fn a_run_never_goes_backwards(store: impl Store, _: &Path) {
    store.begin_run(&start("r", "k")).await.unwrap();
    let mut forward = step("r", Vec::new());
    forward.positions = vec![position(0, 10)];
    forward.saved = Some(saved("at 10"));
    store.commit_step(forward).await.unwrap();
    let mut back = step("r", vec![revision(&finding("a.example"), 1)]);
    back.positions = vec![position(0, 9)];
    back.saved = Some(saved("at 9"));
    let error = store.commit_step(back).await.unwrap_err();
    assert!(matches!(error, Error::RunMovedOn { ordinal: 0, .. }), "{error:?}");
    let run = store.unfinished_run("lookalike", "k").await.unwrap().unwrap();
    assert_eq!(
        (run.positions, run.saved),
        (vec![position(0, 10)], Some(saved("at 10")))
    );
    assert_eq!(store.finding(&finding("a.example").id).await.unwrap(), None);
}

async fn a_step_needs_a_run_that_is_not_finished(store: impl Store, _: &Path) {
    let missing = store.commit_step(step("r", Vec::new())).await.unwrap_err();
    assert!(matches!(missing, Error::NoSuchRun(_)), "{missing:?}");
    let run = RunId("r".to_owned());
    assert!(matches!(
        store.finish_run(&run).await.unwrap_err(),
        Error::NoSuchRun(_)
    ));
    assert!(matches!(
        store.problem_count(&run).await.unwrap_err(),
        Error::NoSuchRun(_)
    ));
    store.begin_run(&start("r", "k")).await.unwrap();
    store.finish_run(&run).await.unwrap();
    let finished = store.commit_step(step("r", Vec::new())).await.unwrap_err();
    assert!(matches!(finished, Error::RunIsFinished(_)), "{finished:?}");
}

async fn leaves_wait_in_order_and_keep_their_place(store: impl Store, _: &Path) {
    let findings: Vec<Finding> = (0..1_200).map(|n| finding(&format!("n{n}.example"))).collect();
    record(&store, &findings).await;
    let pending = store.pending_leaves(5_000).await.unwrap();
    let expected: Vec<_> = findings.iter().map(|one| revision(one, 1)).collect();
    assert!(
        pending
            .iter()
            .map(|leaf| &leaf.entry)
            .eq(expected.iter().map(|one| &one.leaf)),
        "in the step's order"
    );
    assert!(pending.is_sorted_by_key(|leaf| leaf.id));
    assert_eq!(store.pending_leaves(3).await.unwrap(), pending[..3]);
    assert_eq!(store.ledger_size().await.unwrap(), 0);

    let places: Vec<(LeafId, u64)> = pending[..1_100].iter().map(|leaf| leaf.id).zip(0..).collect();
    store.mark_sequenced(&places).await.unwrap();
    store.mark_sequenced(&places[5..20]).await.unwrap();
    store.mark_sequenced(&[]).await.unwrap();
    assert_eq!(store.ledger_size().await.unwrap(), 1_100);
    assert_eq!(store.pending_leaves(5_000).await.unwrap(), pending[1_100..]);
    assert_eq!(store.ledger_index_of(&findings[7].id, 1).await.unwrap(), Some(7));
    assert_eq!(store.ledger_index_of(&findings[7].id, 2).await.unwrap(), None);
    assert_eq!(store.ledger_index_of(&findings[1_150].id, 1).await.unwrap(), None);
    assert_eq!(
        store
            .finding(&findings[7].id)
            .await
            .unwrap()
            .unwrap()
            .ledger_index,
        Some(7)
    );
    let sequenced = store.sequenced_leaves(1_098, 10).await.unwrap();
    assert_eq!(
        sequenced.iter().map(|leaf| leaf.ledger_index).collect::<Vec<_>>(),
        [1_098, 1_099]
    );
    assert_eq!(sequenced[0].entry, expected[1_098].leaf);
}

async fn places_that_contradict_the_record_are_refused(store: impl Store, _: &Path) {
    record(
        &store,
        &[finding("a.example"), finding("b.example"), finding("c.example")],
    )
    .await;
    let ids: Vec<LeafId> = store
        .pending_leaves(9)
        .await
        .unwrap()
        .iter()
        .map(|leaf| leaf.id)
        .collect();
    store.mark_sequenced(&[(ids[0], 0)]).await.unwrap();
    let contradictions = [
        vec![(ids[1], 1), (ids[0], 2)],
        vec![(ids[1], 1), (ids[2], 0)],
        vec![(ids[1], 1), (ids[2], 1)],
        vec![(ids[1], 1), (LeafId(999), 2)],
    ];
    for places in contradictions {
        let error = store.mark_sequenced(&places).await.unwrap_err();
        assert!(matches!(error, Error::Sequence { .. }), "{error:?}");
        assert_eq!(store.pending_leaves(9).await.unwrap().len(), 2, "none is noted");
    }
}

async fn what_the_ledger_cannot_take_is_refused(store: impl Store, _: &Path) {
    store.begin_run(&start("r", "k")).await.unwrap();
    let mut long = revision(&finding("a.example"), 1);
    long.leaf = vec![7; MAX_LEAF_BYTES + 1];
    let error = store
        .commit_step(step("r", vec![long.clone()]))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::LeafTooLong { length } if length == MAX_LEAF_BYTES + 1));
    long.leaf.pop();
    store.commit_step(step("r", vec![long])).await.unwrap();
    assert_eq!(
        store.pending_leaves(1).await.unwrap()[0].entry,
        [7; MAX_LEAF_BYTES]
    );
}

async fn what_does_not_read_back_is_refused(store: impl Store, _: &Path) {
    store.begin_run(&start("r", "k")).await.unwrap();
    let mut endless = finding("a.example");
    endless.reasons[0].weight = f64::INFINITY;
    let mut deep = finding("b.example");
    let nested = (0..200).fold(serde_json::Value::Null, |inner, _| serde_json::json!([inner]));
    deep.details.insert("nested".to_owned(), nested);
    for finding in [endless, deep] {
        let error = store
            .commit_step(step("r", vec![revision(&finding, 1)]))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::NotKeepable(id) if id == finding.id));
    }
}

async fn a_statement_without_location_is_refused(store: impl Store, _: &Path) {
    store.begin_run(&start("r", "k")).await.unwrap();
    let offered = revision(&finding("a.example"), 1);
    let mut unlocated = step("r", vec![offered.clone()]);
    unlocated.evidence.clear();
    let error = store.commit_step(unlocated.clone()).await.unwrap_err();
    assert!(matches!(error, Error::UnlocatedStatement(id) if id == offered.statement));
    let mut earlier = Step::of(RunId("r".to_owned()));
    earlier.evidence = vec![located(offered.statement)];
    store.commit_step(earlier).await.unwrap();
    store.commit_step(unlocated).await.unwrap();
}

async fn events_are_appended_in_their_order_or_not_at_all(store: impl Store, _: &Path) {
    let event = |text: &str| {
        let statement = EvidenceId::of(text.as_bytes());
        EventRecord {
            json: format!("{{\"what\":\"{text}\"}}"),
            statement,
            location: located(statement),
            leaf: text.as_bytes().to_vec(),
        }
    };
    let (one, two, three) = (event("one"), event("two"), event("three"));
    store
        .append_events("audit", "general", 0, &[one.clone(), two.clone()])
        .await
        .unwrap();
    let error = store
        .append_events("audit", "general", 1, std::slice::from_ref(&three))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::StreamMovedOn {
                stored: 2,
                offered: 1,
                ..
            }
        ),
        "{error:?}"
    );
    // A stream of another name begins at its own beginning; a batch with a statement that is there already leaves nothing.
    store
        .append_events("audit", "primary", 0, &[three.clone(), one.clone()])
        .await
        .unwrap_err();
    assert_eq!(store.event_streams().await.unwrap().len(), 1);
    store
        .append_events("audit", "general", 2, &[three])
        .await
        .unwrap();
    let all = store.events("audit", "general", 0, 100).await.unwrap();
    assert_eq!(all.iter().map(|stored| stored.seq).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(all[1].json, two.json);
    assert_eq!(all[1].statement, two.statement);
    assert_eq!(store.events("audit", "general", 1, 1).await.unwrap(), all[1..2]);
    assert!(store.events("mail", "general", 0, 9).await.unwrap().is_empty());
    assert_eq!(store.pending_leaves(10).await.unwrap().len(), 3);
    let mut unlocated = event("four");
    unlocated.location = located(EvidenceId::of(b"elsewhere"));
    let error = store
        .append_events("audit", "general", 3, &[unlocated])
        .await
        .unwrap_err();
    assert!(matches!(error, Error::UnlocatedStatement(_)), "{error:?}");
    let mut long = event("five");
    long.leaf = vec![0; MAX_LEAF_BYTES + 1];
    let error = store
        .append_events("audit", "general", 3, &[long])
        .await
        .unwrap_err();
    assert!(matches!(error, Error::LeafTooLong { .. }), "{error:?}");
}

async fn decisions_are_added_and_the_last_one_counts(store: impl Store, _: &Path) {
    let (one, two) = (finding("one.example"), finding("two.example"));
    record(&store, &[one.clone(), two.clone()]).await;
    let dismissed = decision(&one, Verdict::Dismissed, "it is our own");
    let first = store.record_decision(&dismissed).await.unwrap();
    assert_eq!(
        store.record_decision(&dismissed).await.unwrap(),
        first,
        "a repeated call is one decision"
    );
    let left = Filter {
        dismissed: Dismissed::LeftOut,
        ..Filter::default()
    };
    let undismissed = store.findings(&left).await.unwrap().findings;
    assert_eq!(
        undismissed.iter().map(|one| &one.finding.id).collect::<Vec<_>>(),
        [&two.id]
    );
    assert_eq!(store.finding_counts().await.unwrap()[0].dismissed, 1);

    // A newer revision keeps the decision.
    let mut changed = one.clone();
    changed.summary = "changed".to_owned();
    store
        .commit_step(step("r", vec![revision(&changed, 2)]))
        .await
        .unwrap();
    let stored = store.finding(&one.id).await.unwrap().unwrap();
    assert_eq!(stored.decision, Some(dismissed.decision.clone()));
    assert_eq!(store.findings(&left).await.unwrap().findings.len(), 1);

    // A remark leaves the decision that stands.
    let remark = decision(&one, Verdict::Note, "asked the vendor");
    let noted = store.record_decision(&remark).await.unwrap();
    assert_eq!(
        store.finding(&one.id).await.unwrap().unwrap().decision,
        Some(dismissed.decision.clone())
    );
    assert_eq!(store.findings(&left).await.unwrap().findings.len(), 1);

    let confirmed = decision(&one, Verdict::Confirmed, "it is not, after all");
    let second = store.record_decision(&confirmed).await.unwrap();
    assert!(second > first);
    assert_eq!(
        store.finding(&one.id).await.unwrap().unwrap().decision,
        Some(confirmed.decision.clone())
    );
    assert_eq!(store.findings(&left).await.unwrap().findings.len(), 2);
    let history = store.decisions(&one.id).await.unwrap();
    assert_eq!(
        history.iter().map(|one| one.id).collect::<Vec<_>>(),
        [first, noted, second]
    );
    assert_eq!(history[0].decision, dismissed.decision);
    assert_eq!(
        serde_json::to_string(&dismissed.decision).unwrap(),
        history[0].json
    );
    assert_eq!(store.all_decisions(None, 1).await.unwrap(), history[..1]);
    assert_eq!(store.all_decisions(Some(first), 9).await.unwrap(), history[1..]);
    let pending = store.pending_leaves(9).await.unwrap();
    assert_eq!(pending.len(), 6, "two findings, a revision, three decisions");
    assert_eq!(pending[2].statement, dismissed.statement);
    assert_eq!(
        store.evidence_locations(&[dismissed.statement]).await.unwrap(),
        [dismissed.location]
    );

    let unknown = decision(&finding("unknown.example"), Verdict::Note, "no");
    let error = store.record_decision(&unknown).await.unwrap_err();
    assert!(matches!(error, Error::NoSuchFinding(_)), "{error:?}");
}

async fn evidence_keeps_its_first_location(store: impl Store, _: &Path) {
    store.begin_run(&start("r", "k")).await.unwrap();
    let (one, two, never) = (EvidenceId::of(b"1"), EvidenceId::of(b"2"), EvidenceId::of(b"3"));
    let mut first = step("r", Vec::new());
    first.evidence = vec![located(one), located(one)];
    store.commit_step(first).await.unwrap();
    let mut elsewhere = located(one);
    elsewhere.pack = u32::MAX;
    let mut second = step("r", Vec::new());
    second.evidence = vec![elsewhere, located(two)];
    store.commit_step(second).await.unwrap();
    let found = store.evidence_locations(&[two, never, one, two]).await.unwrap();
    assert_eq!(found, [located(two), located(one), located(two)]);
    let mut huge = step("r", Vec::new());
    huge.evidence = vec![located(never)];
    huge.evidence[0].offset = u64::MAX;
    let error = store.commit_step(huge).await.unwrap_err();
    assert!(
        matches!(error, Error::TooLarge { value: u64::MAX, .. }),
        "{error:?}"
    );
}

async fn coverage_of_the_same_source_is_replaced(store: impl Store, _: &Path) {
    store.begin_run(&start("r", "k")).await.unwrap();
    let digest = Some(EvidenceId::of(b"names"));
    let mut one = step("r", Vec::new());
    one.coverage = vec![
        coverage("b", None, 5),
        coverage("a", digest, 1),
        coverage("a", digest, 2),
    ];
    store.commit_step(one).await.unwrap();
    assert_eq!(
        store.coverage().await.unwrap(),
        [coverage("a", digest, 2), coverage("b", None, 5)]
    );
    let mut two = step("r", Vec::new());
    two.coverage = vec![coverage("b", None, 6)];
    store.commit_step(two).await.unwrap();
    assert_eq!(store.coverage().await.unwrap()[1], coverage("b", None, 6));
    let mut whole = step("r", Vec::new());
    whole.coverage = vec![coverage("b", digest, 9)];
    store.commit_step(whole).await.unwrap();
    assert_eq!(
        store.coverage().await.unwrap(),
        [coverage("a", digest, 2), coverage("b", digest, 9)]
    );
}

async fn problems_are_bounded_in_words_and_counted_in_full(store: impl Store, _: &Path) {
    store.begin_run(&start("r", "k")).await.unwrap();
    let run = RunId("r".to_owned());
    let mut first = step("r", Vec::new());
    first.problems = vec![
        Problem::lost("names.txt", 7, "é".repeat(MAX_PROBLEM_TEXT_BYTES)),
        Problem::remark("names.txt", None, "odd"),
    ];
    store.commit_step(first).await.unwrap();
    let kept = store.problems(&run, 9).await.unwrap();
    assert_eq!(kept[0].what, "é".repeat(MAX_PROBLEM_TEXT_BYTES / 2));
    assert_eq!(kept[1], Problem::remark("names.txt", None, "odd"));
    for _ in 0..3 {
        let mut many = step("r", Vec::new());
        many.problems = (0..5_000).map(|n| Problem::lost("x", n, "bad")).collect();
        store.commit_step(many).await.unwrap();
    }
    let count = store.problem_count(&run).await.unwrap();
    assert_eq!(
        (count.total, count.kept, count.records_lost),
        (15_002, MAX_PROBLEMS_OF_A_RUN, 15_001)
    );
    assert_eq!(store.problems(&run, u32::MAX).await.unwrap().len(), 10_000);
}

async fn filters_choose(store: impl Store, _: &Path) {
    let threat = finding("adfs-senate.services");
    let mut assurance = finding("Größe.example");
    assurance.desk = "posture".to_owned();
    assurance.kind = "mail-signed".to_owned();
    assurance.polarity = Polarity::Assurance;
    assurance.stage = None;
    assurance.severity = Severity::Info;
    assurance.target.id = "ohio".parse().unwrap();
    let assurance = renamed(assurance);
    record(&store, &[assurance.clone(), threat.clone()]).await;
    let all = Filter::default();
    let ohio: TargetId = "ohio".parse().unwrap();
    let cases = [
        (all.clone(), vec![&threat, &assurance]),
        (
            Filter {
                desk: Some("posture".to_owned()),
                ..all.clone()
            },
            vec![&assurance],
        ),
        (
            Filter {
                desk: Some("mail".to_owned()),
                ..all.clone()
            },
            vec![],
        ),
        (
            Filter {
                kind: Some("lookalike-domain".to_owned()),
                ..all.clone()
            },
            vec![&threat],
        ),
        (
            Filter {
                severity_at_least: Some(Severity::High),
                ..all.clone()
            },
            vec![&threat],
        ),
        (
            Filter {
                severity_at_least: Some(Severity::Critical),
                ..all.clone()
            },
            vec![],
        ),
        (
            Filter {
                polarity: Some(Polarity::Assurance),
                ..all.clone()
            },
            vec![&assurance],
        ),
        (
            Filter {
                target: Some(ohio),
                ..all.clone()
            },
            vec![&assurance],
        ),
        (
            Filter {
                text: Some("GRÖSSE".to_owned()),
                ..all.clone()
            },
            vec![],
        ),
        (
            Filter {
                text: Some("GRÖßE".to_owned()),
                ..all.clone()
            },
            vec![&assurance],
        ),
        (
            Filter {
                text: Some("%".to_owned()),
                ..all.clone()
            },
            vec![],
        ),
        (
            Filter {
                text: Some("'; DROP TABLE findings; --".to_owned()),
                ..all.clone()
            },
            vec![],
        ),
        (
            Filter {
                limit: Some(0),
                ..all.clone()
            },
            vec![],
        ),
    ];
    for (filter, expected) in cases {
        let page = store.findings(&filter).await.unwrap();
        let found: Vec<&Finding> = page.findings.iter().map(|one| &one.finding).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    let counts = store.finding_counts().await.unwrap();
    let told: Vec<_> = counts
        .iter()
        .map(|one| (one.desk.as_str(), one.severity, one.findings))
        .collect();
    assert_eq!(
        told,
        [("lookalike", Severity::High, 1), ("posture", Severity::Info, 1)]
    );
}

async fn a_text_is_found_wherever_it_stands(store: impl Store, _: &Path) {
    let mut findings: Vec<Finding> = (0..2_100).map(|n| finding(&format!("n{n}.example"))).collect();
    findings.push(finding("münchen-\"quote\"-and%_.example"));
    record(&store, &findings).await;
    let find = async |text: &str| {
        let filter = Filter {
            text: Some(text.to_owned()),
            ..Filter::default()
        };
        let page = store.findings(&filter).await.unwrap();
        let counted = store.count_findings(&filter, 10_000).await.unwrap();
        assert_eq!(counted, page.findings.len() as u64, "{text:?}");
        page.findings.len()
    };
    assert_eq!(find("example").await, 2_101, "a common text");
    assert_eq!(find("N1234.EXAMPLE").await, 1, "in any case");
    assert_eq!(
        find("ünchen-\"quo").await,
        1,
        "marks of the index's language are text"
    );
    assert_eq!(find("%_.").await, 1);
    assert_eq!(find("n1").await, 1 + 10 + 100 + 1_000, "too short for the index");
    assert_eq!(find("xample n").await, 0, "the letters have an order");
    assert_eq!(find("nothing-of-this AND \"").await, 0);
    // A changed finding is found by its new words alone.
    let mut changed = findings[7].clone();
    changed.summary = "quite another sentence".to_owned();
    store
        .commit_step(step("r", vec![revision(&changed, 2)]))
        .await
        .unwrap();
    assert_eq!(find("another sentence").await, 1);
    assert_eq!(find("n7.example imitates").await, 0);
}

async fn counts_say_what_lists_say(store: impl Store, _: &Path) {
    let mut threat = finding("a.example");
    threat.observed = Observed::at(Some(time("2018-07-26T23:59:59Z")));
    let mut later = finding("b.example");
    later.observed = Observed::at(Some(time("2018-07-27T00:00:00Z")));
    let mut sound = finding("c.example");
    (sound.polarity, sound.stage, sound.severity) = (Polarity::Assurance, None, Severity::Info);
    record(&store, &[threat.clone(), later.clone(), sound]).await;
    store
        .record_decision(&decision(&later, Verdict::Dismissed, "ours"))
        .await
        .unwrap();
    store
        .record_decision(&decision(&threat, Verdict::Note, "hm"))
        .await
        .unwrap();
    let reach = store.reach_counts().await.unwrap();
    let told: Vec<_> = reach
        .iter()
        .map(|one| {
            (
                one.polarity,
                one.stage,
                one.dismissed,
                one.confirmed,
                one.findings,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (Polarity::Assurance, None, false, false, 1),
            (Polarity::Threat, Some(Stage::Prepared), false, false, 1),
            (Polarity::Threat, Some(Stage::Prepared), true, false, 1),
        ]
    );
    let days = store.day_counts().await.unwrap();
    assert_eq!(days.len(), 1, "the dismissed one is not counted");
    assert_eq!(
        (days[0].day, days[0].stage, days[0].findings),
        (17_738, Stage::Prepared, 1)
    );
    for (decided, count) in [
        (Decided::Open, 2),
        (Decided::Dismissed, 1),
        (Decided::Confirmed, 0),
    ] {
        let filter = Filter {
            decided: Some(decided),
            ..Filter::default()
        };
        assert_eq!(
            store.count_findings(&filter, 100).await.unwrap(),
            count,
            "{decided:?}"
        );
        assert_eq!(
            store.findings(&filter).await.unwrap().findings.len() as u64,
            count
        );
    }
    let since = Filter {
        seen_from: Some(time("2018-07-27T00:00:00Z")),
        ..Filter::default()
    };
    assert_eq!(store.count_findings(&since, 100).await.unwrap(), 1);
    assert_eq!(
        store.count_findings(&Filter::default(), 2).await.unwrap(),
        2,
        "no further than asked"
    );
}

async fn what_was_recorded_last_comes_first(store: impl Store, _: &Path) {
    let findings: Vec<Finding> = (0..5).map(|n| finding(&format!("n{n}.example"))).collect();
    store.begin_run(&start("r", "k")).await.unwrap();
    let revisions = findings.iter().map(|one| revision(one, 1)).collect();
    let committed = store.commit_step(step("r", revisions)).await.unwrap();
    let after = committed.leaves[2];
    let ids = async |leaf: LeafId, limit: u32| -> Vec<String> {
        let found = store.recorded_after(leaf, limit).await.unwrap();
        found.into_iter().map(|one| one.finding.subject).collect()
    };
    assert_eq!(ids(after, 10).await, ["n4.example", "n3.example"]);
    let mut changed = findings[0].clone();
    changed.summary = "changed".to_owned();
    store
        .commit_step(step("r", vec![revision(&changed, 2)]))
        .await
        .unwrap();
    assert_eq!(ids(after, 2).await, ["n0.example", "n4.example"]);
    let runs = store.recent_runs(5).await.unwrap();
    assert_eq!((runs.len(), runs[0].is_finished), (1, false));
}

async fn pages_show_every_finding_once(store: impl Store, _: &Path) {
    let mut findings: Vec<Finding> = (0..97).map(|n| finding(&format!("n{n}.example"))).collect();
    for (place, (one, severity)) in findings.iter_mut().zip(Severity::ALL.iter().cycle()).enumerate() {
        one.severity = *severity;
        // Some without a time, some at the same time.
        one.observed = match place % 4 {
            0 => Observed::default(),
            1 => Observed::at(Some(time("2018-07-26T10:00:00Z"))),
            _ => Observed::at(Some(
                time("2018-07-26T10:00:00Z") + jiff::SignedDuration::from_secs(place as i64),
            )),
        };
    }
    record(&store, &findings).await;
    let whole = store.findings(&Filter::default()).await.unwrap();
    assert_eq!((whole.findings.len(), &whole.next), (97, &None));
    assert!(whole.findings.is_sorted_by(|a, b| {
        (b.finding.severity, &a.finding.id) < (a.finding.severity, &b.finding.id)
            || a.finding.severity > b.finding.severity
    }));
    let newest = Filter {
        order: Order::Newest,
        ..Filter::default()
    };
    let by_time = store.findings(&newest).await.unwrap();
    assert_eq!(by_time.findings.len(), 97);
    assert!(by_time.findings.is_sorted_by(|a, b| {
        let key = |one: &StoredFinding| {
            (
                std::cmp::Reverse(one.finding.observed.last),
                one.finding.id.clone(),
            )
        };
        key(a) < key(b)
    }));
    for (limit, order) in [1, 7, 96, 97, 98]
        .into_iter()
        .flat_map(|limit| [(limit, Order::Urgency), (limit, Order::Newest)])
    {
        let whole = match order {
            Order::Urgency => &whole,
            Order::Newest => &by_time,
        };
        let mut filter = Filter {
            limit: Some(limit),
            order,
            ..Filter::default()
        };
        let mut seen = Vec::new();
        loop {
            let page = store.findings(&filter).await.unwrap();
            seen.extend(page.findings);
            let Some(next) = page.next else { break };
            let next: Cursor = serde_json::from_str(&serde_json::to_string(&next).unwrap()).unwrap();
            filter.after = Some(next);
        }
        assert_eq!(seen, whole.findings, "pages of {limit}");
    }
}

async fn the_beginning_of_an_id_is_enough_when_it_fits_one(store: impl Store, _: &Path) {
    let findings: Vec<Finding> = (0..200).map(|n| finding(&format!("n{n}.example"))).collect();
    record(&store, &findings).await;
    let id = &findings[3].id;
    assert_eq!(&store.find_id(id.as_str()).await.unwrap(), id);
    assert_eq!(&store.find_id(&id.as_str()[..14]).await.unwrap(), id);
    assert_eq!(
        &store.find_id(&id.as_str()[2..14].to_uppercase()).await.unwrap(),
        id
    );
    let error = store.find_id("f-").await.unwrap_err();
    assert!(
        matches!(&error, Error::AmbiguousId { matches, .. } if matches.len() == 5),
        "{error:?}"
    );
    assert!(
        error.to_string().starts_with("f- fits more than one finding (f-"),
        "{error}"
    );
    for unknown in [
        "f-zzzzzzzzzzz",
        "f-%",
        "é",
        "f-a{",
        "' OR 1=1",
        "\0",
        &format!("{id}a"),
    ] {
        let error = store.find_id(unknown).await.unwrap_err();
        assert!(matches!(error, Error::NoSuchFinding(_)), "{unknown:?}: {error:?}");
    }
}

async fn statements_are_read_in_pieces(store: impl Store, _: &Path) {
    let findings: Vec<Finding> = (0..25).map(|n| finding(&format!("n{n}.example"))).collect();
    record(&store, &findings).await;
    store.mark_sequenced(&[(LeafId(1), 0)]).await.unwrap();
    let mut seen = Vec::new();
    loop {
        let after = seen
            .last()
            .map(|one: &pollwatch_store::StatementRecord| one.finding.clone());
        let piece = store.current_statements(after.as_ref(), 10).await.unwrap();
        if piece.is_empty() {
            break;
        }
        seen.extend(piece);
    }
    assert_eq!(seen.len(), 25);
    assert!(seen.is_sorted_by(|a, b| a.finding < b.finding));
    for finding in &findings {
        let told = seen.iter().find(|one| one.finding == finding.id).unwrap();
        assert_eq!(told.json, serde_json::to_string(finding).unwrap());
        assert_eq!(
            (told.revision, told.statement),
            (1, Some(revision(finding, 1).statement))
        );
    }
    assert_eq!(seen.iter().filter(|one| one.ledger_index == Some(0)).count(), 1);
}

async fn hostile_texts_survive_byte_for_byte(store: impl Store, _: &Path) {
    let texts = [
        "a\0b",
        "\0",
        "",
        "'; DROP TABLE findings; --",
        "<script>alert(1)</script>",
        "\u{202e}gpj.exe\u{2066}",
        "\u{feff}\r\n\t\u{7f}\u{80}",
        "🗳️ e\u{301} é \u{fffd}\u{10ffff}",
        "$1 ? :name @x %s {0}",
        "\\u0000 \\",
    ];
    store.begin_run(&start("r", "k")).await.unwrap();
    for (n, text) in texts.into_iter().enumerate() {
        let mut hostile = finding(text);
        hostile.summary = text.to_owned();
        hostile.target.name = text.to_owned();
        hostile.kind = text.to_owned();
        hostile.details.insert(text.to_owned(), text.into());
        let hostile = renamed(hostile);
        let mut one = step("r", vec![revision(&hostile, 1)]);
        one.problems = vec![Problem::lost(text, 1, text)];
        one.coverage = vec![coverage(text, None, n as u64)];
        let mut reached = position(n as u32, 1);
        reached.input_name = text.to_owned();
        one.positions = vec![reached.clone()];
        store.commit_step(one).await.unwrap();
        assert_eq!(
            store.finding(&hostile.id).await.unwrap().unwrap().finding,
            hostile,
            "{text:?}"
        );
        let by_kind = Filter {
            kind: Some(text.to_owned()),
            text: Some(text.to_owned()),
            ..Filter::default()
        };
        assert_eq!(
            store.findings(&by_kind).await.unwrap().findings.len(),
            1,
            "{text:?}"
        );
        let problems = store.problems(&RunId("r".to_owned()), 99).await.unwrap();
        assert_eq!(problems[n], Problem::lost(text, 1, text));
        assert!(
            store
                .coverage()
                .await
                .unwrap()
                .contains(&coverage(text, None, n as u64)),
            "{text:?}"
        );
        let run = store.unfinished_run("lookalike", "k").await.unwrap().unwrap();
        assert_eq!(run.positions[n], reached);
        store.set_meta(text, text).await.unwrap();
        assert_eq!(store.meta(text).await.unwrap().as_deref(), Some(text));
        let dismissed = decision(&hostile, Verdict::Dismissed, text);
        store.record_decision(&dismissed).await.unwrap();
        let stored = store.finding(&hostile.id).await.unwrap().unwrap();
        assert_eq!(stored.decision, Some(dismissed.decision));
    }
    let nul = Filter {
        text: Some("A\0B".to_owned()),
        ..Filter::default()
    };
    assert_eq!(store.findings(&nul).await.unwrap().findings.len(), 1);
    store.integrity_check().await.unwrap();
}

async fn settings_are_kept(store: impl Store, _: &Path) {
    assert_eq!(store.meta("workspace").await.unwrap(), None);
    store.set_meta("workspace", "w-1").await.unwrap();
    store.set_meta("workspace", "w-2").await.unwrap();
    assert_eq!(store.meta("workspace").await.unwrap().as_deref(), Some("w-2"));
}

async fn a_copy_is_whole_and_never_overwrites(store: impl Store, folder: &Path) {
    let finding = finding("adfs-senate.services");
    record(&store, std::slice::from_ref(&finding)).await;
    let copy = folder.join("copy ' % ? é.db");
    store.backup_to(&copy).await.unwrap();
    let error = store.backup_to(&copy).await.unwrap_err();
    assert!(matches!(error, Error::CannotOpen { .. }), "{error:?}");
    let copied = SqliteStore::open(&copy, Mode::ReadOnly).await.unwrap();
    assert_eq!(
        copied.finding(&finding.id).await.unwrap(),
        store.finding(&finding.id).await.unwrap()
    );
    copied.integrity_check().await.unwrap();
    let nowhere = store
        .backup_to(&folder.join("no/such/folder.db"))
        .await
        .unwrap_err();
    assert!(matches!(nowhere, Error::CannotOpen { .. }), "{nowhere:?}");
}

async fn a_large_step_is_one_transaction(store: impl Store, _: &Path) {
    store.begin_run(&start("r", "k")).await.unwrap();
    let findings: Vec<Finding> = (0..2_000).map(|n| finding(&format!("n{n}.example"))).collect();
    let mut large = step("r", findings.iter().map(|one| revision(one, 1)).collect());
    large
        .evidence
        .extend(findings.iter().map(|one| located(one.evidence[0].sha256)));
    large.positions = vec![position(0, 2_000)];
    large.saved = Some(saved("state"));
    let begun = std::time::Instant::now();
    let committed = store.commit_step(large).await.unwrap();
    let took = begun.elapsed();
    assert_eq!((committed.added, committed.leaves.len()), (2_000, 2_000));
    assert!(took.as_secs() < 10, "a step of 2,000 findings took {took:?}");
    let ids: Vec<_> = findings.iter().map(|one| one.id.clone()).collect();
    assert_eq!(store.current_findings(&ids).await.unwrap().len(), 2_000);
}

async fn writers_beside_each_other_lose_nothing(store: impl Store, _: &Path) {
    let shared = finding("shared.example");
    record(&store, std::slice::from_ref(&shared)).await;
    let store = &store;
    let write = |writer: u32| async move {
        for n in 0..10 {
            let own = finding(&format!("w{writer}n{n}.example"));
            loop {
                let stored = store
                    .finding(&finding("shared.example").id)
                    .await
                    .unwrap()
                    .unwrap();
                let mut changed = stored.finding.clone();
                changed.alternatives.push(format!("{writer}.{n}"));
                let revisions = vec![revision(&changed, stored.revision + 1), revision(&own, 1)];
                match store.commit_step(step("r", revisions)).await {
                    Ok(_) => break,
                    Err(Error::Conflict { .. }) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
        }
    };
    tokio::join!(write(1), write(2), write(3));
    let stored = store.finding(&shared.id).await.unwrap().unwrap();
    assert_eq!((stored.revision, stored.finding.alternatives.len()), (31, 30));
    assert_eq!(
        store.findings(&Filter::default()).await.unwrap().findings.len(),
        31
    );
    assert_eq!(store.pending_leaves(999).await.unwrap().len(), 61);
}

async fn declarations_are_added_in_order_and_once(store: impl Store, _: &Path) {
    let first = declaration("tally", "{\"schema\":1}");
    let second = declaration("export", "{\"größe\":\"\u{202e}\"}");
    assert_eq!(store.record_declaration(&first).await.unwrap(), DeclarationId(1));
    assert_eq!(store.record_declaration(&second).await.unwrap(), DeclarationId(2));
    assert_eq!(
        store.record_declaration(&first).await.unwrap(),
        DeclarationId(1),
        "the same statement again"
    );
    let all = store.declarations(None, None, 9).await.unwrap();
    let told: Vec<_> = all
        .iter()
        .map(|one| (one.id.0, one.kind.as_str(), one.body.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (1, "tally", first.body.as_str()),
            (2, "export", second.body.as_str())
        ]
    );
    assert_eq!(
        store.declarations(Some("export"), None, 9).await.unwrap().len(),
        1
    );
    assert_eq!(
        store
            .declarations(None, Some(DeclarationId(1)), 9)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(store.declarations(None, None, 1).await.unwrap().len(), 1);
    let pending = store.pending_leaves(9).await.unwrap();
    assert_eq!(
        pending.iter().map(|leaf| leaf.statement).collect::<Vec<_>>(),
        [first.statement, second.statement]
    );
    store.mark_sequenced(&[(pending[0].id, 7)]).await.unwrap();
    assert_eq!(
        store.declarations(Some("tally"), None, 9).await.unwrap()[0].ledger_index,
        Some(7)
    );
}

async fn an_import_replaces_what_the_same_ledger_sent_before(store: impl Store, _: &Path) {
    let many: Vec<_> = (0..1_200)
        .map(|number| imported(ImportedKind::Finding, &format!("{{\"n\":{number}}}")))
        .collect();
    let mut first = declaration("import", "1");
    first.imported = Some(("adams.example/ledger".to_owned(), many));
    store.record_declaration(&first).await.unwrap();
    let mut other = declaration("import", "2");
    other.imported = Some((
        "bond.example/ledger".to_owned(),
        vec![imported(ImportedKind::Coverage, "{}")],
    ));
    store.record_declaration(&other).await.unwrap();
    let all = store.imported().await.unwrap();
    assert_eq!(all.len(), 1_201);
    assert_eq!(
        (all[700].0.as_str(), all[700].1.body.as_str()),
        ("adams.example/ledger", "{\"n\":700}")
    );
    let mut newer = declaration("import", "3");
    newer.imported = Some((
        "adams.example/ledger".to_owned(),
        vec![imported(ImportedKind::Decision, "{}")],
    ));
    store.record_declaration(&newer).await.unwrap();
    let all = store.imported().await.unwrap();
    let told: Vec<_> = all
        .iter()
        .map(|(origin, row)| (origin.as_str(), row.kind, row.declaration))
        .collect();
    assert_eq!(
        told,
        [
            (
                "adams.example/ledger",
                ImportedKind::Decision,
                Some(DeclarationId(3))
            ),
            (
                "bond.example/ledger",
                ImportedKind::Coverage,
                Some(DeclarationId(2))
            ),
        ]
    );
    // An import that brings nothing takes away what was there.
    let mut empty = declaration("import", "4");
    empty.imported = Some(("bond.example/ledger".to_owned(), Vec::new()));
    store.record_declaration(&empty).await.unwrap();
    assert_eq!(store.imported().await.unwrap().len(), 1);
}

async fn what_a_declaration_cannot_have_is_refused_whole(store: impl Store, _: &Path) {
    let mut long = declaration("tally", "long");
    long.leaf = vec![b'x'; MAX_LEAF_BYTES + 1];
    assert!(matches!(
        store.record_declaration(&long).await,
        Err(Error::LeafTooLong { .. })
    ));
    let mut lost = declaration("tally", "lost");
    lost.evidence.clear();
    assert!(matches!(
        store.record_declaration(&lost).await,
        Err(Error::UnlocatedStatement(_))
    ));
    assert!(store.declarations(None, None, 9).await.unwrap().is_empty());
    assert!(store.pending_leaves(9).await.unwrap().is_empty());
}
