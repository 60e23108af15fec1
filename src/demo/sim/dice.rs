//! Chance without state: every random choice is a hash of the seed and of what it is about, so that a choice is the same
//! whoever asks, in whatever order, and the past needs no memory.

/// What a choice is about, so that two choices about one thing are independent.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub enum Topic {
    /// How many letters arrive from the world in a tick.
    Inbound = 1,
    /// How many letters the users send in a tick.
    Outbound,
    /// Which relay takes it.
    Relay,
    /// Which host has the mailbox.
    Store,
    /// Envelope sender.
    Sender,
    /// Envelope recipients.
    Recipient,
    /// Bytes.
    Size,
    /// What becomes of it at the last step.
    Fate,
    /// How long until the next try.
    Backoff,
    /// The words of a deferral.
    Words,
    /// How long the sending server keeps trying.
    Patience,
    /// How long a look at a store takes.
    Delay,
    /// Fraction of the second of its arrival.
    Moment,
    /// The small ups and downs of a host's speed.
    Weather,
}

/// Evenly spread 64 bits for a topic and two numbers (splitmix64's finaliser, twice).
pub fn roll(seed: u64, topic: Topic, a: u64, b: u64) -> u64 {
    let first = mix(seed ^ (topic as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ a.wrapping_mul(0xd1b5_4a32_d192_ed03));
    mix(first ^ b.wrapping_mul(0x8cb9_2ba7_2f3d_8dd7))
}

/// The same as a number from 0 up to 1.
pub fn share(seed: u64, topic: Topic, a: u64, b: u64) -> f64 {
    (roll(seed, topic, a, b) >> 11) as f64 / (1u64 << 53) as f64
}

fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_the_same_each_time_and_even_over_many_letters() {
        assert_eq!(roll(1, Topic::Sender, 2, 3), roll(1, Topic::Sender, 2, 3));
        assert_ne!(roll(1, Topic::Sender, 2, 3), roll(1, Topic::Recipient, 2, 3));
        let low = (0..10_000).filter(|i| share(7, Topic::Fate, *i, 0) < 0.25).count();
        assert!((2_300..2_700).contains(&low), "{low}");
    }
}
