//! A simulator of mail queues around an outage, to test forecasts against what then happens. It is written from how mail
//! behaves (RFC 5321 4.5.4.1, the senders' documented retry and give-up times, postconf(5)), not from the forecast:
//! senders' retries after 1 to 60 hours come back as each sender's own interval has them; sessions are Poisson and carry one
//! or several messages, some days with bursts of bulk mail, and follow the hour; throughput wanders, stalls and recovers; a
//! maintenance job takes a share of it and gives it back; Postfix tries its own deferred mail only as each message's
//! back-off ends; and whoever watches gets samples and no census (what moves while it is counted is missed or counted
//! twice), loses some, has clock steps, counters that reset and now and then an absurd reading.

mod arrivals;
mod service;
mod watch;

use mailtop::domain::forecast::Sample;

use super::dice::Dice;
use arrivals::{Bulk, Day, retry_wave};
use service::{Service, Wander};
use watch::{Happened, watch};

/// Seconds in a step of the simulation.
pub const STEP: usize = 10;
/// The longest run, in steps: two weeks. A queue that is not clear by then never is.
const LONGEST: usize = 14 * 86_400 / STEP;
/// Mail that waits no longer than this is passing through and not waiting (Little: depth = rate x wait).
const PASSING_S: f64 = 10.0;
const MIN: usize = 60 / STEP;
const HOUR: usize = 3_600 / STEP;

/// What became of the mail while the service was down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outage {
    /// The server was away: its senders held the mail and retry.
    SendersHeld,
    /// The server took mail in and could not deliver it: the backlog is its own.
    Queued,
    /// It took mail in for a while, then its senders had to hold it.
    Both,
}

/// How arrivals come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrivals {
    Poisson,
    Bursty,
}

/// What the watcher sees beside depth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    Depth,
    Counts,
}

/// How sharp a count of the queue is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counting {
    /// As it is: the files are counted while mail comes and goes.
    Real,
    /// As if all mail stood still meanwhile.
    Exact,
}

/// One simulated queue.
pub struct Drain {
    pub outage: Outage,
    pub arrivals: Arrivals,
    pub seen: Seen,
    pub outage_hours: f64,
    /// Normal arrivals over capacity.
    pub load: f64,
    /// What the watcher got, oldest first, and the step at which each was taken.
    pub samples: Vec<Sample>,
    pub steps: Vec<usize>,
    /// Messages waiting that can be delivered, by step.
    pub waiting: Vec<u64>,
    /// The step with the most messages waiting since service came back.
    pub peak: usize,
    /// First step after the peak with nothing waiting; `None` when it never comes.
    pub clear: Option<usize>,
    /// Steps at which the watcher missed something: a gap's end, a clock step.
    pub blind: Vec<usize>,
}

/// A drain after an outage, counted so. Deterministic in its seed. Only how it begins decides whether it is looked at: a seed
/// whose backlog is too small, or gone too soon, to speak of goes on to its next draw; one that never clears is kept.
pub fn drain(seed: u64, counting: Counting) -> Drain {
    let mut dice = Dice::new(seed);
    loop {
        let d = one(&mut dice, counting);
        let long_enough = d.clear.is_none_or(|c| c > d.peak + 10 * MIN);
        if long_enough && d.waiting[d.peak] >= 200 {
            return d;
        }
    }
}

fn one(dice: &mut Dice, counting: Counting) -> Drain {
    let outage = [Outage::SendersHeld, Outage::Queued, Outage::Both][dice.below(3)];
    let outage_hours = dice.log_between(1.0, 60.0);
    let normal = dice.log_between(5.0, 800.0); // arrivals a minute on an ordinary day
    let load = dice.between(0.15, 0.8);
    let capacity = normal / load;
    let queued_hours = match outage {
        Outage::SendersHeld => 0.0,
        Outage::Queued => outage_hours,
        Outage::Both => outage_hours * dice.between(0.1, 0.9),
    };
    let back = dice.between(20.0, 120.0) as usize * MIN;
    let rough_end = (outage_hours * load / (1.0 - load)).clamp(0.2, 90.0) * HOUR as f64;

    let wave = retry_wave(dice, normal * 60.0, outage_hours - queued_hours, LONGEST / MIN);
    let bulk = Bulk::new(dice);
    let arrivals = if bulk.is_some() {
        Arrivals::Bursty
    } else {
        Arrivals::Poisson
    };
    let day = Day::new(dice);
    let holding = outage != Outage::Queued; // senders hold new mail too until the service is back
    let intensity = |step: usize, bulk: f64| {
        let ordinary = normal * day.at(step) * (1.0 + bulk);
        if step < back {
            if holding { 0.0 } else { ordinary }
        } else {
            ordinary + wave.get((step - back) / MIN).unwrap_or(&0.0)
        }
    };
    let service = Service::new(dice, capacity, back, rough_end);

    let backlog = (normal * 60.0 * queued_hours) as u64;
    let own_back_off = (queued_hours > 0.0 && dice.chance(0.3)).then_some(4_000.0 / STEP as f64);
    let sessions = Sessions::new(dice);
    let run = Run {
        back,
        backlog,
        own_back_off,
        sessions,
    };
    let (waiting, ins, outs, peak, clear) = run.go(dice, intensity, bulk, service);
    let seen = if dice.chance(0.5) { Seen::Counts } else { Seen::Depth };
    let happened = Happened {
        waiting: &waiting,
        ins: &ins,
        outs: &outs,
        otherwise: None,
    };
    let watched = watch(dice, &happened, seen, counting);
    Drain {
        outage,
        arrivals,
        seen,
        outage_hours,
        load,
        peak,
        clear,
        waiting,
        samples: watched.samples,
        steps: watched.steps,
        blind: watched.blind,
    }
}

/// A queue that takes in more than goes out at every moment: service is away, or slower than the mail.
pub fn growing(seed: u64) -> Drain {
    overrun(seed, 0.0)
}

/// The same, and so much more expires or is removed that the queue shrinks. All is counted.
pub fn expiring(seed: u64) -> Drain {
    let more = Dice::new(seed ^ 0xe791).between(1.2, 5.0);
    overrun(seed, more)
}

/// `expires` is a multiple of what comes in.
fn overrun(seed: u64, expires: f64) -> Drain {
    let mut dice = Dice::new(seed);
    let dice = &mut dice;
    let normal = dice.log_between(5.0, 800.0);
    let capacity = if dice.chance(0.3) {
        0.0
    } else {
        normal / dice.between(1.25, 4.0)
    };
    let hours = dice.between(1.0, 8.0);
    let mut bulk = Bulk::new(dice);
    let arrivals = if bulk.is_some() {
        Arrivals::Bursty
    } else {
        Arrivals::Poisson
    };
    let sessions = Sessions::new(dice);
    let mut wanders = Wander::new(dice.between(0.0, 0.06), dice.between(20.0, 180.0));
    let start = (normal * 60.0 * dice.between(0.0, 5.0)) as u64;
    let to_expire = (normal * expires * hours * 60.0) as u64;
    let (mut waiting, mut ins, mut outs, mut gone) = (vec![start + to_expire], vec![0], vec![0], vec![0]);
    // What expires does so at each queue run; what is removed goes as the command comes to it.
    let together = dice.log_between(1.0, 200.0);
    for step in 1..(hours * HOUR as f64) as usize {
        let boost = bulk.as_mut().map_or(0.0, |b| b.at(dice, step));
        let rate = capacity * wanders.next(dice).clamp(0.85, 1.15);
        let came = dice.batches(normal * (1.0 + boost) / MIN as f64, sessions.inward);
        let had = waiting[step - 1] + came;
        let went = dice.batches(rate / MIN as f64, sessions.outward).min(had);
        let expired = match expires {
            0.0 => 0,
            times => dice.batches(normal * times / MIN as f64, together).min(had - went),
        };
        waiting.push(had - went - expired);
        ins.push(ins[step - 1] + came);
        outs.push(outs[step - 1] + went);
        gone.push(gone[step - 1] + expired);
    }
    let seen = if expires > 0.0 || dice.chance(0.5) {
        Seen::Counts
    } else {
        Seen::Depth
    };
    let happened = Happened {
        waiting: &waiting,
        ins: &ins,
        outs: &outs,
        otherwise: (seen == Seen::Counts).then_some(&gone),
    };
    let watched = watch(dice, &happened, seen, Counting::Real);
    Drain {
        outage: Outage::Queued,
        arrivals,
        seen,
        outage_hours: hours,
        load: normal / capacity,
        samples: watched.samples,
        steps: watched.steps,
        peak: waiting.len() - 1,
        waiting,
        clear: None,
        blind: watched.blind,
    }
}

struct Run {
    back: usize,
    backlog: u64,
    /// Steps over which the queue's own deferred mail becomes due.
    own_back_off: Option<f64>,
    sessions: Sessions,
}

/// Messages in a session, on their way in and out.
struct Sessions {
    inward: f64,
    outward: f64,
}

impl Sessions {
    fn new(dice: &mut Dice) -> Self {
        Self {
            inward: dice.log_between(1.0, 6.0),
            outward: dice.log_between(1.0, 6.0),
        }
    }
}

type Ran = (Vec<u64>, Vec<u64>, Vec<u64>, usize, Option<usize>);

impl Run {
    fn go(
        &self,
        dice: &mut Dice,
        intensity: impl Fn(usize, f64) -> f64,
        mut bulk: Option<Bulk>,
        mut service: Service,
    ) -> Ran {
        // Before the service is back the backlog has been growing to what it is.
        let before: f64 = (0..self.back).map(|s| intensity(s, 0.0)).sum::<f64>() / MIN as f64;
        let mut depth = self.backlog.saturating_sub(before as u64);
        let (mut waiting, mut ins, mut outs) = (vec![depth], vec![1_000_000_u64], vec![900_000_u64]);
        let mut due = if self.own_back_off.is_some() { 0 } else { u64::MAX };
        let (mut peak, mut clear) = (self.back, None);
        let mut nothing_waits = vec![false];
        let mut to_come_due = 0;
        for step in 1..LONGEST {
            let boost = bulk.as_mut().map_or(0.0, |b| b.at(dice, step));
            let per_min = intensity(step, boost);
            let came = dice.batches(per_min / MIN as f64, self.sessions.inward);
            let rate = service.at(dice, step);
            if let Some(over) = self.own_back_off.filter(|_| step >= self.back) {
                if step == self.back {
                    to_come_due = depth;
                }
                let share = ((step - self.back) as f64 / over).min(1.0);
                let still = (to_come_due as f64 * (1.0 - share)) as u64;
                due = (depth + came).saturating_sub(still);
            }
            let went = dice
                .batches(rate / MIN as f64, self.sessions.outward)
                .min(depth + came)
                .min(due);
            depth = depth + came - went;
            waiting.push(depth);
            ins.push(ins[step - 1] + came);
            outs.push(outs[step - 1] + went);
            if step > self.back && depth > waiting[peak] {
                peak = step;
            }
            let passing = per_min / 60.0 * PASSING_S;
            nothing_waits.push(depth as f64 <= passing);
            // The retries of the first half hour may still bring the peak: only then is the end looked for, behind it.
            if step >= self.back + 30 * MIN && depth as f64 <= passing {
                clear = (peak + 1..=step).find(|s| nothing_waits[*s]);
                break;
            }
        }
        (waiting, ins, outs, peak, clear)
    }
}
