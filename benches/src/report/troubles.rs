use std::fmt;

use serde::{Deserialize, Serialize};

/// What went wrong, each kind once with how often.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Troubles(Vec<Trouble>);

/// One kind of thing that went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// What, in words.
    pub what: String,
    /// How many times.
    pub times: u64,
}

impl Troubles {
    /// Notes one.
    pub fn add(&mut self, what: impl Into<String>) {
        self.add_times(what, 1);
    }

    /// Notes the same thing several times.
    pub fn add_times(&mut self, what: impl Into<String>, times: u64) {
        if times == 0 {
            return;
        }
        let what = what.into();
        match self.0.iter_mut().find(|trouble| trouble.what == what) {
            Some(trouble) => trouble.times += times,
            None => self.0.push(Trouble { what, times }),
        }
    }

    /// Notes all of the other's.
    pub fn merge(&mut self, other: Self) {
        for trouble in other.0 {
            self.add_times(trouble.what, trouble.times);
        }
    }

    /// Whether nothing went wrong.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One after the other, in the order in which they were first seen.
    pub fn iter(&self) -> std::slice::Iter<'_, Trouble> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Troubles {
    type Item = &'a Trouble;
    type IntoIter = std::slice::Iter<'a, Trouble>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.times {
            1 => f.write_str(&self.what),
            times => write!(f, "{} ({times} times)", self.what),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thing_is_told_once_with_how_often() {
        let mut troubles = Troubles::default();
        troubles.add("lost");
        troubles.add("late");
        let mut others = Troubles::default();
        others.add_times("lost", 2);
        others.add_times("never", 0);
        troubles.merge(others);
        let told: Vec<String> = troubles.iter().map(Trouble::to_string).collect();
        assert_eq!(told, ["lost (3 times)", "late"]);
    }
}
