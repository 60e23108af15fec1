//! Messages by the UTC hour in which they arrived. Bounded: what is older than the oldest hour kept counts there, and what
//! claims to come from the future arrived in the hour of now.

use jiff::Timestamp;

use crate::domain::horizon::HourOfArrivals;

/// How far back hours are told apart: well beyond any usual lifetime of mail (five days by default, thirty at the most).
const HOURS: u32 = 45 * 24;

/// Counts arrivals by hour.
#[derive(Debug)]
pub(super) struct Hours {
    /// The hour of now, in hours of Unix time.
    last: u32,
    /// Messages with a sender, and bounces, in each of the hours up to `last`.
    counts: Vec<(u64, u64)>,
}

impl Hours {
    /// Nothing counted, as of `now`.
    pub(super) fn until(now: Timestamp) -> Self {
        let last = u32::try_from(now.as_second().max(0) / 3_600).unwrap_or(u32::MAX);
        Self {
            last,
            counts: vec![(0, 0); HOURS as usize + 1],
        }
    }

    /// Counts a message that arrived at this second of Unix time.
    pub(super) fn count(&mut self, arrival: u32, bounce: bool) {
        let ago = self.last.saturating_sub(arrival / 3_600).min(HOURS);
        let (messages, bounces) = &mut self.counts[ago as usize];
        *(if bounce { bounces } else { messages }) += 1;
    }

    /// The hours in which anything arrived, oldest first.
    pub(super) fn finish(self) -> Vec<HourOfArrivals> {
        let hour = |ago: usize| (i64::from(self.last) - ago as i64) * 3_600;
        (self.counts.iter().enumerate().rev())
            .filter(|(_, (messages, bounces))| messages + bounces > 0)
            .map(|(ago, &(messages, bounces))| HourOfArrivals {
                from: Timestamp::from_second(hour(ago)).unwrap_or(Timestamp::UNIX_EPOCH),
                messages,
                bounces,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u32 = 1_795_442_407;

    fn hours(arrivals: &[(u32, bool)]) -> Vec<(i64, u64, u64)> {
        let mut h = Hours::until(Timestamp::from_second(NOW.into()).unwrap());
        for (at, bounce) in arrivals {
            h.count(*at, *bounce);
        }
        let hour = NOW / 3_600;
        (h.finish().iter())
            .map(|h| {
                assert_eq!(h.from.as_second() % 3_600, 0);
                (h.from.as_second() / 3_600 - i64::from(hour), h.messages, h.bounces)
            })
            .collect()
    }

    #[test]
    fn messages_and_bounces_are_counted_apart_by_the_hour_oldest_first() {
        let hour = NOW - NOW % 3_600;
        assert_eq!(
            hours(&[
                (hour, false),
                (hour + 3_599, true),
                (hour - 1, false),
                (hour - 3_600, false),
                (hour - 3_601, true)
            ]),
            [(-2, 0, 1), (-1, 2, 0), (0, 1, 1)]
        );
        assert_eq!(hours(&[]), []);
    }

    #[test]
    fn what_is_too_old_counts_in_the_oldest_hour_and_the_future_in_the_hour_of_now() {
        let oldest = -i64::from(HOURS);
        assert_eq!(
            hours(&[(0, false), (1, true), (NOW - 46 * 86_400, false), (u32::MAX, false)]),
            [(oldest, 2, 1), (0, 1, 0)]
        );
    }
}
