//! Who keeps the end of a pause on the server: a timer of systemd where it may be armed, else a watcher of the login where
//! that can run the resume. What cannot be armed is said with why, and how to get it; nothing is tried out.

use super::super::armed::{self, By, Depth, Lease, Leases, Order, RunAs};
use super::{Means, Wanted, sudo_lets};
use crate::domain::action::Unarmed;
use crate::domain::argv::Argv;
use crate::domain::job::{JobKind, JobSpec, ValveKind};
use crate::domain::queue::Sudo;
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Name, Span, Text};
use crate::reach::Runner;

/// By what right a timer is armed and taken away.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Right {
    /// As the job's own commands run, which are the system's.
    Its(Sudo),
    /// The login's: as root, or where sudo lets it. The resume then runs as the login.
    OfLogin,
    /// The same, but a resume that needs sudo runs as root.
    OfLoginOrRoot(Sudo),
}

impl Right {
    fn of(self, uid: Option<u32>) -> Option<(Sudo, RunAs)> {
        match (self, uid) {
            (Self::Its(sudo), _) => Some((sudo, RunAs::Root)),
            (_, Some(0)) => Some((Sudo::No, RunAs::Root)),
            (Self::OfLoginOrRoot(Sudo::Yes), Some(_)) => Some((Sudo::Yes, RunAs::Root)),
            (_, Some(uid)) => Some((Sudo::Yes, RunAs::User(uid))),
            (_, None) => None,
        }
    }
}

/// What is armed for a job, and what there is to arm more with. A pause needs to know; a resume goes on without.
pub(super) async fn leases(spec: &JobSpec, runner: &Runner, wanted: &Wanted) -> Result<Leases, Missed> {
    match armed::ask(spec, runner, Depth::Plan).await {
        Err(missed) if wanted.verb.lasts() && wanted.choices.unarmed == Unarmed::Refused => Err(missed),
        Err(missed) => Ok(Leases {
            beware: vec![format!("the resumes that are armed there could not be read: {missed}").into()],
            ..Leases::default()
        }),
        Ok(leases) => Ok(leases),
    }
}

/// What will be armed, and what to know about it.
pub(super) struct Armable {
    pub order: Order,
    pub beware: Vec<Text>,
}

/// Chooses. `NotArmed` means that it cannot be armed, anything else that the server could not be asked.
pub(super) async fn order(
    spec: &JobSpec,
    runner: &Runner,
    wanted: &Wanted,
    lasts: Option<Span>,
    means: &Means,
    (right, leases): (Right, &Leases),
) -> Result<Armable, Missed> {
    let Some(after) = lasts else {
        let missed = Missed::new(Miss::NotArmed, &*spec.name, "a pause has an end, and none is given");
        return Err(missed.fix("say for how long: for example 30m"));
    };
    let ask = Ask {
        spec,
        runner,
        name: armed::name(spec, &wanted.id),
        after: wanted.armed_for.unwrap_or(after),
        by: &wanted.by,
    };
    let no_timer = match ask.by_timer(&means.back, (right, leases)).await {
        Ok(order) => {
            let beware = outlives_a_restart(&spec.kind, &wanted.server);
            return Ok(Armable {
                order,
                beware: beware.into_iter().collect(),
            });
        }
        Err(missed) if is_a_no(&missed) => missed,
        Err(missed) => return Err(missed),
    };
    let no_watcher = match ask.by_watcher(&means.by_hand, leases).await {
        Ok(order) => {
            let beware = format!(
                "no timer of systemd can be armed ({}), so a process of this login there waits for the end: a restart of {} \
                 ends it, and nothing resumes the job then",
                no_timer.why, wanted.server
            );
            return Ok(Armable {
                order,
                beware: vec![beware.into()],
            });
        }
        Err(missed) if is_a_no(&missed) => missed,
        Err(missed) => return Err(missed),
    };
    Err(neither(&no_timer, &no_watcher, &wanted.server))
}

/// What a restart of the host leaves as it is, while the armed end is gone with it.
fn outlives_a_restart(kind: &JobKind, server: &Name) -> Option<Text> {
    let what = match kind {
        JobKind::Postfix(valve) if valve.what == ValveKind::Hold => "what is on hold stays there, and so does main.cf",
        JobKind::Postfix(_) => "main.cf stays as it is then",
        JobKind::Postgres(_) => "what its statements set may stay then",
        JobKind::Command { .. } => "what its command did may stay then",
        // What was frozen, stopped or kept from starting comes up anew.
        JobKind::Systemd { .. } | JobKind::Process { .. } | JobKind::Dovecot(_) => return None,
    };
    Some(format!("a restart of {server} takes its armed end away, and nothing ends it any more: {what}").into())
}

fn is_a_no(missed: &Missed) -> bool {
    matches!(missed.kind, Miss::Denied | Miss::NotFound)
}

fn neither(timer: &Missed, watcher: &Missed, server: &Name) -> Missed {
    let tried = if timer.tried.is_empty() {
        &watcher.tried
    } else {
        &timer.tried
    };
    let why = format!(
        "the end of the pause cannot be armed on the server, so nothing is paused: no timer of systemd ({}), no watcher ({})",
        timer.why, watcher.why
    );
    let fix = timer.fix.as_ref().or(watcher.fix.as_ref());
    let fix = fix.map(|f| format!("{f}; ")).unwrap_or_default();
    Missed::new(Miss::NotArmed, &**tried, why).fix(format!(
        "{fix}`mailtop config sudoers {server}` prints the rules that it takes; or choose to pause without an armed end, which \
         goes on record"
    ))
}

/// What every way of arming needs.
struct Ask<'a> {
    spec: &'a JobSpec,
    runner: &'a Runner,
    name: String,
    after: Span,
    by: &'a str,
}

impl Ask<'_> {
    fn order(&self, back: Vec<Argv>, by: By) -> Order {
        Order {
            name: self.name.clone(),
            after: self.after,
            back,
            by,
        }
    }

    async fn lets(&self, argv: &Argv) -> Result<(), Missed> {
        sudo_lets(argv, self.runner, self.spec.timeout)
            .await
            .map_err(|m| Missed {
                why: format!("sudo there does not let it: {}", m.why).into(),
                ..m
            })
    }

    /// Armed by systemd-run, where it may be; and a timer that could not be taken away again is none.
    async fn by_timer(&self, back: &[Argv], (right, leases): (Right, &Leases)) -> Result<Order, Missed> {
        if !leases.can.timer {
            let why = "there is no systemd with its systemd-run there";
            return Err(Missed::new(Miss::NotFound, "", why));
        }
        let Some((sudo, run_as)) = right.of(leases.uid) else {
            return Err(Missed::new(Miss::NotFound, "", "it does not say who we are there"));
        };
        let back = armed::located(back.to_vec(), self.runner, self.spec.timeout).await?;
        let order = self.order(back, By::Timer(sudo, run_as));
        self.lets(&order.arm(self.by, "")).await?;
        self.lets(&order.disarm()).await?;
        Ok(order)
    }

    /// Kept by a process of the login, where it may run the resume and is not ended with its session.
    async fn by_watcher(&self, back: &[Argv], leases: &Leases) -> Result<Order, Missed> {
        if !leases.can.watcher {
            return Err(Missed::new(Miss::NotFound, "", "there is no setsid there"));
        }
        if leases.can.ends_what_stays && leases.uid != Some(0) {
            let why = "logind there ends what a login leaves behind";
            return Err(Missed::new(Miss::Denied, "", why).fix("KillUserProcesses=no in logind.conf(5) there"));
        }
        for argv in back {
            self.lets(argv).await?;
        }
        let back = armed::by_path(back.to_vec(), self.runner, self.spec.timeout).await?;
        Ok(self.order(back, By::Watcher))
    }
}

/// What takes away the resumes that are armed now, and what is said of those that this login cannot take away.
pub(super) async fn disarms(
    spec: &JobSpec,
    runner: &Runner,
    (right, leases): (Right, &Leases),
) -> Result<(Vec<Argv>, Vec<Text>), Missed> {
    let sudo = right.of(leases.uid).map_or(Sudo::No, |(sudo, _)| sudo);
    let (mut ours, mut left) = (vec![], vec![]);
    for lease in &leases.all {
        match may_end(spec, runner, lease, (sudo, leases.uid)).await? {
            None => ours.push(lease),
            Some(why) => left.push(format!("{lease} stays armed: {why}").into()),
        }
    }
    Ok((armed::disarm(&ours, sudo), left))
}

/// Why this login cannot take it away, if so.
async fn may_end(
    spec: &JobSpec,
    runner: &Runner,
    lease: &Lease,
    (sudo, uid): (Sudo, Option<u32>),
) -> Result<Option<Text>, Missed> {
    match lease.kept {
        armed::Kept::Watcher { owner } if uid == Some(0) || owner == uid => Ok(None),
        armed::Kept::Watcher { .. } => Ok(Some("it is a process of another login".into())),
        armed::Kept::Timer => {
            for argv in armed::disarm(&[lease], sudo) {
                match sudo_lets(&argv, runner, spec.timeout).await {
                    Ok(()) => {}
                    Err(missed) if is_a_no(&missed) => {
                        return Ok(Some(
                            format!("sudo there does not let this login stop it: {}", missed.why).into(),
                        ));
                    }
                    Err(missed) => return Err(missed),
                }
            }
            Ok(None)
        }
    }
}
