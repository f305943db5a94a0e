//! A register of what was begun lately: orders on their way, answers in the making. Its size is
//! bounded, since anybody can begin something.

use std::{
    borrow::Borrow,
    collections::{HashMap, VecDeque},
    hash::Hash,
};

/// What comes to an end by itself.
pub(crate) trait Ends {
    fn is_over(&self) -> bool;
}

/// Knows so many at most. The oldest of those that are over is forgotten first.
pub(crate) struct Register<K, V> {
    max: usize,
    entries: HashMap<K, V>,
    oldest_first: VecDeque<K>,
}

/// All that are known are still going on.
#[derive(Debug)]
pub(crate) struct Full;

impl<K, V> Register<K, V>
where
    K: Clone + Eq + Hash,
    V: Ends,
{
    pub(crate) fn new(max: usize) -> Self {
        Self {
            max,
            entries: HashMap::new(),
            oldest_first: VecDeque::new(),
        }
    }

    /// Makes room for one more.
    pub(crate) fn make_room(&mut self) -> Result<(), Full> {
        if self.entries.len() < self.max {
            return Ok(());
        }
        let is_over = |key| self.entries.get(key).is_some_and(Ends::is_over);
        let oldest = self.oldest_first.iter().position(is_over).ok_or(Full)?;
        if let Some(forgotten) = self.oldest_first.remove(oldest) {
            self.entries.remove(&forgotten);
        }
        Ok(())
    }

    /// Enters it as the newest, in the place of one of the same key.
    pub(crate) fn enter(&mut self, key: K, entry: V) {
        if self.entries.insert(key.clone(), entry).is_some() {
            self.oldest_first.retain(|other| *other != key);
        }
        self.oldest_first.push_back(key);
    }

    pub(crate) fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.entries.get(key)
    }

    pub(crate) fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.entries.get_mut(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Race {
        is_over: bool,
    }

    impl Ends for Race {
        fn is_over(&self) -> bool {
            self.is_over
        }
    }

    fn register(races: &[(&'static str, bool)]) -> Register<&'static str, Race> {
        let mut register = Register::new(races.len());
        for &(name, is_over) in races {
            register.enter(name, Race { is_over });
        }
        register
    }

    #[test]
    fn the_oldest_that_is_over_makes_room() {
        let mut races = register(&[("a", false), ("b", true), ("c", true)]);
        races.make_room().unwrap();
        races.enter("d", Race { is_over: false });
        let is_known = ["a", "b", "c", "d"].map(|name| races.get(name).is_some());
        assert_eq!(is_known, [true, false, true, true]);
    }

    #[test]
    fn what_is_entered_again_is_the_newest() {
        let mut races = register(&[("a", true), ("b", true)]);
        races.enter("a", Race { is_over: true });
        races.make_room().unwrap();
        assert!(races.get("a").is_some() && races.get("b").is_none());
    }

    #[test]
    fn there_is_no_room_while_all_are_going_on() {
        let mut races = register(&[("a", false), ("b", false)]);
        assert!(races.make_room().is_err());
        if let Some(race) = races.get_mut("b") {
            race.is_over = true;
        }
        assert!(races.make_room().is_ok());
    }
}
