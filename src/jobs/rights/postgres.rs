//! The rules for the maintenance of a database. Whoever may give psql a statement as the owner of a database may give it any,
//! and a command for the shell as well; and the statements vary. So there is no exact rule, only a better way.

use super::super::postgres::sql;
use super::{Needs, SudoRule, There, arm};
use crate::domain::action::Verb;
use crate::domain::job::{JobSpec, Postgres, PostgresPause};

pub(super) fn needs(spec: &JobSpec, db: &Postgres, there: &There) -> Needs {
    if let Some(owner) = &db.run_as {
        let instead = "Give the login a role of its own name (peer authentication, pg_hba.conf), GRANT pg_monitor and \
                       pg_signal_backend to it, and take run_as out";
        let why = format!(
            "no rule: psql as {owner} takes any statement and any shell command, and sudo cannot tell a cancel from those. {instead}"
        );
        return Needs {
            beyond: vec![SudoRule::beyond(
                &[Verb::Pause, Verb::Resume],
                &sql::one(db, "SELECT 1", spec.timeout),
            )],
            cannot: vec![why.into()],
            ..Needs::default()
        };
    }
    match &db.pause {
        // Nothing to arm: a cancel has no end.
        PostgresPause::Cancel => Needs::default(),
        PostgresPause::Settings { resume, .. } => arm::of_the_login(spec, &[sql::all(db, resume)], there),
    }
}
