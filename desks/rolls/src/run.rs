//! A run: snapshots in, a report out.

use jiff::civil::Date;
use std::sync::Arc;

use crate::compare::{CompareError, RowData, Snapshot};
use crate::interval::{Interval, Linking, Listing, Series, compare_snapshots};
use crate::judge::{Judge, Judgement, Rules};
use crate::layout::{Binding, Layout};
use crate::read::Form;
use crate::scan::{Look, Standing, look_again};

/// What is kept of a snapshot when the next has been compared with it.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// Its day.
    pub date: Option<Date>,
    /// Its rows.
    pub rows: u64,
    /// Records that could not be read.
    pub lost: u64,
    /// How it is written.
    pub layout: Arc<Layout>,
    /// Its columns.
    pub binding: Binding,
    /// How its records are written.
    pub form: Form,
    /// Where its rows can be read again.
    pub data: RowData,
}

/// Snapshots as they are compared, one after another.
#[derive(Debug)]
pub struct Comparison {
    series: Series,
    linking: Linking,
    listing: Listing,
    previous: Option<Snapshot>,
    kept: Vec<Kept>,
    intervals: Vec<Interval>,
    /// Of each interval the place of its earlier snapshot in `kept`.
    earlier: Vec<usize>,
}

/// Everything that a run found.
#[derive(Debug)]
pub struct Report {
    /// The snapshots, in the order in which they were compared.
    pub snapshots: Vec<Kept>,
    /// Every interval, also those that could not be compared.
    pub intervals: Vec<Interval>,
    /// Places, in `intervals`, of those that were judged; flags count along this list.
    pub judged: Vec<usize>,
    /// What the intervals share.
    pub series: Series,
    /// What came of it.
    pub judgement: Judgement,
    /// Of each interval the place of its earlier snapshot in `snapshots`; the later one follows it.
    pub earlier: Vec<usize>,
}

impl Report {
    /// The interval that a flag or test speaks of.
    pub fn interval(&self, judged: usize) -> &Interval {
        &self.intervals[self.judged[judged]]
    }

    /// An area's code, and its name where the file has one.
    pub fn area(&self, area: u16) -> (&str, &str) {
        let name = self.series.area_names.get(&area).map_or("", String::as_str);
        (self.series.areas.name(u32::from(area)), name)
    }

    /// How an area is called: by its name and code where the two differ.
    pub fn area_words(&self, area: u16) -> String {
        match self.area(area) {
            ("", "") => "the roll (it names no county)".to_owned(),
            (code, "") => format!("county {code}"),
            (code, name) if code == name => format!("county {code}"),
            (code, name) => format!("{name} (county {code})"),
        }
    }
}

impl Comparison {
    /// No snapshot yet. `key` keys the hashes of the run.
    pub fn new(key: u64) -> Self {
        Comparison {
            series: Series::new(key),
            linking: Linking::Off,
            listing: Listing::Off,
            previous: None,
            kept: Vec::new(),
            intervals: Vec::new(),
            earlier: Vec::new(),
        }
    }

    /// Looks for persons by name, birth date and address where identifiers do not do.
    pub fn linking(self, linking: Linking) -> Self {
        Comparison { linking, ..self }
    }

    /// Remembers where changed entries stand, so that [`crate::rows::write_rows`] can list them.
    pub fn listing(self, listing: Listing) -> Self {
        Comparison { listing, ..self }
    }

    /// The snapshot before the next.
    pub fn previous(&self) -> Option<&Snapshot> {
        self.previous.as_ref()
    }

    /// Adds the next snapshot and compares it with the one before. `lost` is how many of its records could not be read.
    pub fn add(
        &mut self,
        snapshot: Snapshot,
        lost: u64,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Option<&Interval>, CompareError> {
        if let Some(before) = &self.previous {
            let interval = compare_snapshots(
                before,
                &snapshot,
                &mut self.series,
                self.linking,
                self.listing,
                progress,
            )?;
            self.intervals.push(interval);
            self.earlier.push(self.kept.len() - 1);
        }
        let is_compared = self.previous.is_some();
        self.kept.push(Kept {
            name: snapshot.name.clone(),
            date: snapshot.date,
            rows: snapshot.rows,
            lost,
            layout: Arc::clone(&snapshot.layout),
            binding: snapshot.binding.clone(),
            form: snapshot.form.clone(),
            data: snapshot.data.clone(),
        });
        self.previous = Some(snapshot);
        Ok(if is_compared { self.intervals.last() } else { None })
    }

    /// Judges everything.
    pub fn finish(self, rules: &Rules, progress: &mut dyn FnMut(u64)) -> Result<Report, CompareError> {
        let Comparison {
            series,
            kept,
            intervals,
            earlier,
            ..
        } = self;
        // Intervals that cannot be compared, and a file given twice, say nothing of churn.
        let judged: Vec<usize> = (0..intervals.len())
            .filter(|at| intervals[*at].refused.is_none() && !intervals[*at].is_same_file)
            .collect();
        let mut all: Vec<Option<Interval>> = intervals.into_iter().map(Some).collect();
        let chosen: Vec<Interval> = judged.iter().filter_map(|at| all[*at].take()).collect();
        let judgement = match judged.first() {
            None => Judgement::default(),
            Some(first) => {
                let judge = Judge {
                    intervals: &chosen,
                    series: &series,
                    layout: &kept[earlier[*first]].layout,
                    rules,
                };
                let mut standing = Vec::with_capacity(chosen.len());
                for (at, wanted) in judge.wanted().iter().enumerate() {
                    if wanted.areas.is_empty() && wanted.shared.is_empty() {
                        standing.push(Standing::default());
                        continue;
                    }
                    let before = &kept[earlier[judged[at]]];
                    let look = Look {
                        data: &before.data,
                        form: &before.form,
                        binding: &chosen[at].binding,
                        layout: &before.layout,
                        date: chosen[at].after.1,
                        areas: &series.areas,
                        values: &series.values,
                        columns: &series.columns,
                        secrets: &series.secrets,
                    };
                    standing.push(look_again(&look, wanted, progress)?);
                }
                judge.judge(&standing)
            }
        };
        for (at, interval) in judged.iter().zip(chosen) {
            all[*at] = Some(interval);
        }
        Ok(Report {
            snapshots: kept,
            intervals: all.into_iter().flatten().collect(),
            judged,
            series,
            judgement,
            earlier,
        })
    }
}
