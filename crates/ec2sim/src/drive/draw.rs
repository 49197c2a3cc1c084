//! Draws from a seed, a stream for each purpose: one more draw for one purpose does not shift those for the others.

use crate::keys;

/// One stream.
#[derive(Debug, Clone)]
pub(super) struct Draw {
    seed: u64,
    purpose: String,
    drawn: u64,
}

impl Draw {
    pub(super) fn new(seed: u64, purpose: &str) -> Self {
        Self { seed, purpose: purpose.to_owned(), drawn: 0 }
    }

    fn next(&mut self) -> u64 {
        self.drawn += 1;
        keys::hash(self.seed, &["draw", &self.purpose, &self.drawn.to_string()])
    }

    /// From 0 to below `bound`; 0 where that is 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    /// From `least` to `most`, both included.
    pub(super) fn between(&mut self, least: i64, most: i64) -> i64 {
        let span = usize::try_from(most - least).unwrap_or(0);
        least + i64::try_from(self.below(span + 1)).unwrap_or(0)
    }

    /// True so many times in a thousand.
    pub(super) fn chance(&mut self, per_mille: u16) -> bool {
        self.below(1_000) < usize::from(per_mille)
    }

    /// One of these, which are some.
    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_do_not_shift_each_other() {
        let mut alone = Draw::new(1, "a");
        let expected: Vec<_> = (0..5).map(|_| alone.below(1_000)).collect();
        let (mut one, mut other) = (Draw::new(1, "a"), Draw::new(1, "b"));
        let beside: Vec<_> = (0..5).map(|_| (other.below(7), one.below(1_000)).1).collect();
        assert_eq!(expected, beside);
        assert_ne!(expected, (0..5).map(|_| other.below(1_000)).collect::<Vec<_>>());
    }

    #[test]
    fn a_draw_stays_within_its_bounds() {
        let mut draw = Draw::new(3, "bounds");
        for _ in 0..1_000 {
            assert!((-2..=3).contains(&draw.between(-2, 3)));
            assert!(draw.below(3) < 3);
        }
        assert_eq!(draw.below(0), 0);
        assert!(!draw.chance(0) && draw.chance(1_000));
    }
}
