//! A simulator of mail queues around an outage, to test forecasts against what then happens. It is written from how mail
//! behaves (RFC 5321 4.5.4.1, the senders' documented retry and give-up times, postconf(5)), not from the forecast:
//! senders' retries after 1 to 60 hours come back as each sender's own interval has them; sessions are Poisson and carry one
//! or several messages, some days with bursts of bulk mail, and follow the hour; throughput wanders, stalls and recovers; a
//! maintenance job takes a share of it and gives it back; Postfix tries its own deferred mail only as each message's
//! back-off ends; and whoever watches gets samples and no census (what moves while it is counted is missed or counted
//! twice), loses some, has clock steps, counters that reset and now and then an absurd reading.

use mailtop::domain::Timestamp;
use mailtop::domain::forecast::Sample;

use super::dice::Dice;

/// Seconds in a step of the simulation.
pub const STEP: usize = 10;
/// The longest run, in steps: four days.
const LONGEST: usize = 4 * 86_400 / STEP;
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
    /// First step after the peak with nothing waiting; `None` when the run ended before.
    pub clear: Option<usize>,
    /// Steps at which the watcher missed something: a gap's end, a clock step.
    pub blind: Vec<usize>,
}

/// A sender's way to retry: share of the mail, interval as a multiple of the message's age with its bounds, and when it
/// gives up. Times in hours.
struct Sender {
    share: f64,
    growth: f64,
    low: f64,
    high: f64,
    gives_up: f64,
}

const SENDERS: [Sender; 9] = [
    Sender {
        share: 0.05,
        growth: 1.0,
        low: 0.17,
        high: 4.0,
        gives_up: 8.0,
    }, // doubling, 10 min to 4 h
    Sender {
        share: 0.08,
        growth: 0.5,
        low: 0.1,
        high: 1.0,
        gives_up: 14.0,
    },
    Sender {
        share: 0.25,
        growth: 0.1,
        low: 0.08,
        high: 1.0,
        gives_up: 24.0,
    },
    Sender {
        share: 0.08,
        growth: 0.0,
        low: 0.25,
        high: 0.25,
        gives_up: 48.0,
    }, // every 15 min
    Sender {
        share: 0.07,
        growth: 0.5,
        low: 0.25,
        high: 4.0,
        gives_up: 72.0,
    },
    Sender {
        share: 0.05,
        growth: 0.5,
        low: 0.25,
        high: 3.2,
        gives_up: 96.0,
    }, // 30 tries in 96 h
    Sender {
        share: 0.14,
        growth: 0.5,
        low: 0.25,
        high: 6.0,
        gives_up: 96.0,
    }, // Exim: 15 min, x1.5, 6 h
    Sender {
        share: 0.22,
        growth: 1.0,
        low: 0.083,
        high: 1.11,
        gives_up: 120.0,
    }, // Postfix: 300 s to 4000 s
    Sender {
        share: 0.06,
        growth: 0.0,
        low: 0.5,
        high: 0.5,
        gives_up: 120.0,
    }, // Sendmail: queue runs
];

/// Retries per minute after the service is back, by minute: `per_hour` of mail was held for `hours`, and a refused try
/// (server too busy) comes again an interval later.
fn retry_wave(dice: &mut Dice, per_hour: f64, hours: f64, minutes: usize) -> Vec<f64> {
    const AGES: usize = 60;
    let mut wave = vec![0.0; minutes];
    let refused = dice.between(0.0, 0.35);
    let shares: Vec<f64> = SENDERS.iter().map(|s| s.share * (0.7 * dice.normal()).exp()).collect();
    let all: f64 = shares.iter().sum();
    for (s, share) in SENDERS.iter().zip(shares) {
        let held_for = hours.min(s.gives_up);
        let mass = per_hour * share / all * held_for / AGES as f64;
        for a in 0..AGES {
            let age = (a as f64 + 0.5) / AGES as f64 * held_for;
            let interval = (s.growth * age).clamp(s.low, s.high) * 60.0;
            let mut left = mass;
            for round in 0..4 {
                let come = if round == 3 { left } else { left * (1.0 - refused) };
                spread(&mut wave, interval * f64::from(round), interval, come);
                left -= come;
            }
        }
    }
    wave
}

/// Adds `mass` evenly over `[from, from + over)`, in minutes.
fn spread(wave: &mut [f64], from: f64, over: f64, mass: f64) {
    let (first, last) = (from as usize, ((from + over).ceil() as usize).max(from as usize + 1));
    let each = mass / (last - first) as f64;
    for w in wave.iter_mut().take(last).skip(first) {
        *w += each;
    }
}

/// A drain after an outage. Deterministic in its seed; a seed whose drain is too small, too short or too long to speak of
/// goes on to its next draw.
pub fn drain(seed: u64) -> Drain {
    let mut dice = Dice::new(seed);
    loop {
        let d = one(&mut dice);
        let long_enough = d.clear.is_some_and(|c| c > d.peak + 10 * MIN);
        if long_enough && d.waiting[d.peak] >= 200 {
            return d;
        }
    }
}

fn one(dice: &mut Dice) -> Drain {
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
    let watched = watch(dice, &waiting, &ins, &outs, seen);
    Drain {
        outage,
        arrivals,
        seen,
        outage_hours,
        load,
        peak,
        clear,
        waiting,
        samples: watched.0,
        steps: watched.1,
        blind: watched.2,
    }
}

/// A queue that takes in more than goes out at every moment: service is away, or slower than the mail.
pub fn growing(seed: u64) -> Drain {
    let mut dice = Dice::new(seed);
    let dice = &mut dice;
    let normal = dice.log_between(5.0, 800.0);
    let capacity = if dice.chance(0.3) {
        0.0
    } else {
        normal / dice.between(1.25, 4.0)
    };
    let hours = dice.between(1.0, 8.0);
    let bulk = Bulk::new(dice);
    let arrivals = if bulk.is_some() {
        Arrivals::Bursty
    } else {
        Arrivals::Poisson
    };
    let sessions = Sessions::new(dice);
    let wanders = Wander::new(dice.between(0.0, 0.06), dice.between(20.0, 180.0));
    let (mut waiting, mut ins, mut outs) = (vec![(normal * 60.0 * dice.between(0.0, 5.0)) as u64], vec![0], vec![0]);
    let (mut bulk, mut wanders) = (bulk, wanders);
    for step in 1..(hours * HOUR as f64) as usize {
        let boost = bulk.as_mut().map_or(0.0, |b| b.at(dice, step));
        let rate = capacity * wanders.next(dice).clamp(0.85, 1.15);
        let came = dice.batches(normal * (1.0 + boost) / MIN as f64, sessions.inward);
        let went = dice
            .batches(rate / MIN as f64, sessions.outward)
            .min(waiting[step - 1] + came);
        waiting.push(waiting[step - 1] + came - went);
        ins.push(ins[step - 1] + came);
        outs.push(outs[step - 1] + went);
    }
    let seen = if dice.chance(0.5) { Seen::Counts } else { Seen::Depth };
    let (samples, steps, blind) = watch(dice, &waiting, &ins, &outs, seen);
    Drain {
        outage: Outage::Queued,
        arrivals,
        seen,
        outage_hours: hours,
        load: normal / capacity,
        samples,
        steps,
        peak: waiting.len() - 1,
        waiting,
        clear: None,
        blind,
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

/// Bursts of bulk mail: how much more than ordinary comes, as a multiple.
struct Bulk {
    every: f64,
    until: usize,
    size: f64,
    next: f64,
}

impl Bulk {
    fn new(dice: &mut Dice) -> Option<Self> {
        if dice.chance(0.5) {
            return None;
        }
        let every = dice.between(20.0, 120.0) * MIN as f64;
        Some(Self {
            every,
            until: 0,
            size: 0.0,
            next: dice.exponential(every),
        })
    }
    fn at(&mut self, dice: &mut Dice, step: usize) -> f64 {
        if step as f64 >= self.next {
            self.until = step + (dice.between(1.0, 10.0) * MIN as f64) as usize;
            self.size = dice.between(0.5, 5.0);
            self.next = self.until as f64 + dice.exponential(self.every);
        }
        if step < self.until { self.size } else { 0.0 }
    }
}

/// More mail by day than by night.
struct Day {
    swing: f64,
    phase: f64,
}

impl Day {
    fn new(dice: &mut Dice) -> Self {
        Self {
            swing: dice.between(0.0, 0.5),
            phase: dice.between(0.0, std::f64::consts::TAU),
        }
    }
    fn at(&self, step: usize) -> f64 {
        let turn = step as f64 / (24 * HOUR) as f64 * std::f64::consts::TAU;
        1.0 + self.swing * (turn + self.phase).sin()
    }
}

/// A factor that wanders around 1 and comes back (Ornstein-Uhlenbeck in the logarithm), a step at a time.
struct Wander {
    log: f64,
    keep: f64,
    kick: f64,
}

impl Wander {
    fn new(spread: f64, minutes: f64) -> Self {
        let keep = (-1.0 / (minutes * MIN as f64)).exp();
        Self {
            log: 0.0,
            keep,
            kick: spread * (1.0 - keep * keep).sqrt(),
        }
    }
    fn next(&mut self, dice: &mut Dice) -> f64 {
        self.log = self.log * self.keep + self.kick * dice.normal();
        self.log.exp()
    }
}

/// What the server can deliver, in messages a minute.
struct Service {
    capacity: f64,
    back: usize,
    wander: Wander,
    stalls: Vec<(usize, usize, f64)>,
    maintenance: Option<(usize, usize, f64)>,
}

impl Service {
    fn new(dice: &mut Dice, capacity: f64, back: usize, rough_end: f64) -> Self {
        let mut stalls = Vec::new();
        let every = dice.between(3.0, 16.0) * HOUR as f64;
        let mut at = back as f64 + dice.exponential(every);
        if dice.chance(0.3) {
            at = at.min(back as f64 + dice.unit() * rough_end);
        }
        while (at as usize) < LONGEST {
            let long = (dice.exponential(8.0).clamp(1.0, 60.0) * MIN as f64) as usize;
            stalls.push((at as usize, at as usize + long, dice.between(0.0, 0.1)));
            at += long as f64 + dice.exponential(every);
        }
        let maintenance = dice.chance(0.5).then(|| {
            let takes = dice.between(0.3, 0.7);
            if dice.chance(0.5) {
                (0, back + (dice.between(0.05, 0.6) * rough_end) as usize, takes) // runs already, is paused on the way
            } else {
                let from = back + (dice.between(0.2, 0.9) * rough_end) as usize;
                (from, from + (dice.between(0.25, 4.0) * HOUR as f64) as usize, takes)
            }
        });
        Self {
            capacity,
            back,
            wander: Wander::new(dice.between(0.03, 0.3), dice.between(20.0, 180.0)),
            stalls,
            maintenance,
        }
    }
    fn at(&mut self, dice: &mut Dice, step: usize) -> f64 {
        let wander = self.wander.next(dice);
        if step < self.back {
            return 0.0;
        }
        let stall = self
            .stalls
            .iter()
            .find(|s| s.0 <= step && step < s.1)
            .map_or(1.0, |s| s.2);
        let left = self
            .maintenance
            .filter(|m| m.0 <= step && step < m.1)
            .map_or(1.0, |m| 1.0 - m.2);
        self.capacity * wander * stall * left
    }
}

/// What a watcher of the queue writes down, with what goes wrong in watching.
fn watch(
    dice: &mut Dice,
    waiting: &[u64],
    ins: &[u64],
    outs: &[u64],
    seen: Seen,
) -> (Vec<Sample>, Vec<usize>, Vec<usize>) {
    let every = [1, 1, 1, 3, 6][dice.below(5)];
    let held = dice.chance(0.33).then(|| dice.log_between(1.0, 2_000.0) as u64);
    let gap_every = if dice.chance(0.5) {
        (60 * MIN) as f64
    } else {
        f64::INFINITY
    };
    let missed = if dice.chance(0.5) { 0.02 } else { 0.0 };
    let absurd = dice.chance(0.3).then(|| dice.below(waiting.len() / every));
    let clock_step = dice.chance(0.1).then(|| dice.below(waiting.len()));
    let reset = dice.chance(0.1).then(|| dice.below(waiting.len()));
    let reading_s = dice.log_between(0.05, 2.0); // how long counting takes
    let stepped_by = dice.between(10.0, 300.0) as i64;
    let (mut samples, mut steps, mut blind) = (Vec::new(), Vec::new(), Vec::new());
    let mut gap_until = 0;
    let mut clock = 1_800_000_000_000_i64;
    for (n, step) in (0..waiting.len()).step_by(every).enumerate() {
        if clock_step.is_some_and(|c| c >= step && c < step + every) {
            clock -= stepped_by * 1_000;
            blind.push(step);
        }
        if step >= gap_until && dice.chance(every as f64 / gap_every) {
            gap_until = step + (dice.between(1.0, 15.0) * MIN as f64) as usize;
            blind.push(gap_until);
        }
        if step < gap_until || dice.chance(missed) {
            continue;
        }
        let at = clock + (step * STEP * 1_000) as i64 + dice.between(-400.0, 400.0) as i64;
        // What moved while it was counted may be missed or seen twice.
        let moved = (ins[step] + outs[step] - ins[step.saturating_sub(1)] - outs[step.saturating_sub(1)]) as f64;
        let slip = (moved * reading_s / STEP as f64).sqrt() * dice.normal();
        let mut depth = (waiting[step] as f64 + slip).round().max(0.0) as u64 + held.unwrap_or(0);
        if absurd == Some(n) {
            depth = [0, depth * 10, depth / 3][dice.below(3)];
        }
        let base = reset.filter(|r| step >= *r).map_or((0, 0), |r| (ins[r], outs[r]));
        let counts = seen == Seen::Counts;
        samples.push(Sample {
            at: Timestamp::from_millisecond(at).unwrap_or_else(|e| panic!("{e}")),
            depth,
            held,
            arrivals: counts.then(|| ins[step] - base.0),
            exits: counts.then(|| outs[step] - base.1),
        });
        steps.push(step);
    }
    (samples, steps, blind)
}
