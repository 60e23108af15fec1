//! What the servers of targets are called: by their host, and by more where hosts are shared.

use std::collections::HashSet;

use super::Target;
use crate::domain::Name;

/// Gives each target the plainest name that no other target shares.
pub(super) struct Unique {
    shared: [HashSet<String>; 3],
    taken: HashSet<Name>,
}

impl Unique {
    pub(super) fn new(targets: &[Target]) -> Self {
        let mut seen: [HashSet<String>; 3] = Default::default();
        let mut shared: [HashSet<String>; 3] = Default::default();
        for names in targets.iter().map(Target::names) {
            for ((name, seen), shared) in names.into_iter().zip(&mut seen).zip(&mut shared) {
                if !seen.insert(name.clone()) {
                    shared.insert(name);
                }
            }
        }
        Self {
            shared,
            taken: HashSet::new(),
        }
    }

    pub(super) fn name(&mut self, target: &Target) -> Name {
        let names = target.names();
        let [.., last] = &names;
        let alone = names
            .iter()
            .zip(&self.shared)
            .find(|(name, shared)| !shared.contains(*name) && !self.taken.contains(&Name::new(name)))
            .map(|(name, _)| name.clone());
        let mut name = Name::new(alone.as_ref().unwrap_or(last));
        let mut n = 2;
        while self.taken.contains(&name) {
            name = Name::new(&format!("{last}-{n}"));
            n += 1;
        }
        self.taken.insert(name.clone());
        name
    }
}
