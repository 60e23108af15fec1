//! How far a phase is, from the counters that the documentation gives for it (PostgreSQL manual, "Progress Reporting").
//! Each phase begins at nothing again, so a percentage is the phase's and never the whole command's. A phase without
//! counters, or with a total of zero, has none.

use serde::Deserialize;

/// The view that it comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// `pg_stat_progress_vacuum`
    Vacuum,
    /// `pg_stat_progress_create_index`
    Index,
    /// `pg_stat_progress_cluster`
    Cluster,
    /// `pg_stat_progress_analyze`
    Analyze,
}

/// A row of one of them. The views differ, and so do versions: what is not there is `None`.
#[derive(Clone, PartialEq, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Counters {
    pub command: Option<String>,
    pub phase: Option<String>,
    heap_blks_total: Option<i64>,
    heap_blks_scanned: Option<i64>,
    heap_blks_vacuumed: Option<i64>,
    indexes_total: Option<i64>,
    indexes_processed: Option<i64>,
    lockers_total: Option<i64>,
    lockers_done: Option<i64>,
    blocks_total: Option<i64>,
    blocks_done: Option<i64>,
    tuples_total: Option<i64>,
    tuples_done: Option<i64>,
    sample_blks_total: Option<i64>,
    sample_blks_scanned: Option<i64>,
    ext_stats_total: Option<i64>,
    ext_stats_computed: Option<i64>,
    child_tables_total: Option<i64>,
    child_tables_done: Option<i64>,
}

/// So many of so many.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Done {
    so_far: u64,
    /// Never zero, never less than `so_far`.
    total: u64,
    what: &'static str,
}

impl Done {
    fn of(done: Option<i64>, total: Option<i64>, what: &'static str) -> Option<Self> {
        let (done, total) = (u64::try_from(done?).ok()?, u64::try_from(total?).ok()?);
        (total > 0 && done <= total).then_some(Self {
            so_far: done,
            total,
            what,
        })
    }
    #[allow(clippy::cast_precision_loss)] // Of a percentage.
    pub fn percent(self) -> f64 {
        100.0 * self.so_far as f64 / self.total as f64
    }
}

impl std::fmt::Display for Done {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} {}", self.so_far, self.total, self.what)
    }
}

impl Counters {
    /// The counters of the phase that it is in.
    pub fn progress(&self, source: Source) -> Option<Done> {
        let blocks = || Done::of(self.blocks_done, self.blocks_total, "blocks");
        let tuples = || Done::of(self.tuples_done, self.tuples_total, "tuples");
        let lockers = || Done::of(self.lockers_done, self.lockers_total, "sessions");
        let scanned = || Done::of(self.heap_blks_scanned, self.heap_blks_total, "blocks");
        match (source, self.phase.as_deref()?) {
            (Source::Vacuum, "scanning heap") | (Source::Cluster, "seq scanning heap") => scanned(),
            (Source::Vacuum, "vacuuming heap") => Done::of(self.heap_blks_vacuumed, self.heap_blks_total, "blocks"),
            // Counted since version 17.
            (Source::Vacuum, "vacuuming indexes" | "cleaning up indexes") => {
                Done::of(self.indexes_processed, self.indexes_total, "indexes")
            }
            (Source::Index, "building index: loading tuples in tree") => tuples(),
            // While it is at the first block the server says that it has done all of them: that is no progress.
            (Source::Index, "building index: scanning table") => blocks().filter(|d| d.so_far < d.total),
            (Source::Index, "index validation: scanning index" | "index validation: scanning table") => blocks(),
            // Kinds of index that do not tell their sub-phases.
            (Source::Index, "building index") => blocks().filter(|d| d.so_far < d.total).or_else(tuples),
            (Source::Index, phase) if phase.starts_with("waiting for ") => lockers(),
            (Source::Analyze, "acquiring sample rows") => {
                Done::of(self.sample_blks_scanned, self.sample_blks_total, "blocks")
            }
            (Source::Analyze, "acquiring inherited sample rows") => {
                Done::of(self.child_tables_done, self.child_tables_total, "child tables")
            }
            (Source::Analyze, "computing extended statistics") => {
                Done::of(self.ext_stats_computed, self.ext_stats_total, "statistics")
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn percent(source: Source, json: &str) -> Option<f64> {
        let counters: Counters = serde_json::from_str(json).unwrap();
        counters.progress(source).map(Done::percent)
    }

    #[test]
    fn each_phase_is_measured_by_its_own_counters() {
        use Source::{Analyze, Cluster, Index, Vacuum};
        let heap = r#""heap_blks_total": 200, "heap_blks_scanned": 100, "heap_blks_vacuumed": 50"#;
        let build = r#""blocks_total": 10, "blocks_done": 1, "tuples_total": 10, "tuples_done": 2, "lockers_total": 10, "lockers_done": 3"#;
        let sample = r#""sample_blks_total": 4, "sample_blks_scanned": 1, "child_tables_total": 4, "child_tables_done": 2,
                        "ext_stats_total": 4, "ext_stats_computed": 3"#;
        for (source, phase, counters, want) in [
            (Vacuum, "initializing", heap, None),
            (Vacuum, "scanning heap", heap, Some(50.0)),
            (Vacuum, "vacuuming indexes", heap, None),
            (
                Vacuum,
                "vacuuming indexes",
                r#""indexes_total": 4, "indexes_processed": 1"#,
                Some(25.0),
            ),
            (Vacuum, "vacuuming heap", heap, Some(25.0)),
            (Vacuum, "truncating heap", heap, None),
            (Cluster, "seq scanning heap", heap, Some(50.0)),
            (Cluster, "writing new heap", heap, None),
            (Index, "initializing", build, None),
            (Index, "waiting for writers before build", build, Some(30.0)),
            (Index, "building index: scanning table", build, Some(10.0)),
            (
                Index,
                "building index: scanning table",
                r#""blocks_total": 10, "blocks_done": 10"#,
                None,
            ),
            (Index, "building index: sorting live tuples", build, None),
            (Index, "building index: loading tuples in tree", build, Some(20.0)),
            (
                Index,
                "building index",
                r#""tuples_total": 5, "tuples_done": 1"#,
                Some(20.0),
            ),
            (Index, "index validation: sorting tuples", build, None),
            (Index, "waiting for readers before dropping", build, Some(30.0)),
            (Analyze, "acquiring sample rows", sample, Some(25.0)),
            (Analyze, "acquiring inherited sample rows", sample, Some(50.0)),
            (Analyze, "computing extended statistics", sample, Some(75.0)),
            (Analyze, "computing statistics", sample, None),
        ] {
            let json = format!("{{\"phase\": \"{phase}\", {counters}}}");
            assert_eq!(percent(source, &json), want, "{source:?} {phase}");
        }
    }

    #[test]
    fn a_total_of_nothing_and_more_than_all_of_it_are_no_progress() {
        for counters in [
            r#""heap_blks_total": 0, "heap_blks_scanned": 0"#,
            r#""heap_blks_total": 5, "heap_blks_scanned": 6"#,
            r#""heap_blks_total": 5, "heap_blks_scanned": -1"#,
            r#""heap_blks_total": 5, "heap_blks_scanned": null"#,
            r#""heap_blks_total": 5"#,
        ] {
            let json = format!("{{\"phase\": \"scanning heap\", {counters}}}");
            assert_eq!(percent(Source::Vacuum, &json), None, "{counters}");
        }
        // What the login may not see.
        assert_eq!(
            percent(Source::Vacuum, r#"{"phase": null, "heap_blks_total": null}"#),
            None
        );
    }
}
