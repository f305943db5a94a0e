//! Things that come in any order, each to a place of its own.

/// Gives each thing one of the places it fits, and moves earlier ones where that makes room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// Which places each thing fits.
    fits: Vec<Vec<bool>>,
    /// The thing in each place.
    places: Vec<Option<usize>>,
}

impl Assignment {
    pub(crate) fn new(places: usize) -> Self {
        Self {
            fits: Vec::new(),
            places: vec![None; places],
        }
    }

    /// Adds a thing that fits these places; false, and nothing is changed, if there is no room.
    pub(crate) fn add(&mut self, fits: Vec<bool>) -> bool {
        let thing = self.fits.len();
        self.fits.push(fits);
        let mut tried = vec![false; self.places.len()];
        let found = self.find(thing, &mut tried);
        if !found {
            self.fits.pop();
        }
        found
    }

    /// The thing in each place, by the order in which they were added.
    pub(crate) fn places(&self) -> &[Option<usize>] {
        &self.places
    }

    pub(crate) fn is_full(&self) -> bool {
        self.places.iter().all(Option::is_some)
    }

    fn find(&mut self, thing: usize, tried: &mut [bool]) -> bool {
        for place in 0..self.places.len() {
            let fits = self.fits[thing].get(place).copied().unwrap_or(false);
            if !fits || std::mem::replace(&mut tried[place], true) {
                continue;
            }
            let moves = match self.places[place] {
                None => true,
                Some(other) => self.find(other, tried),
            };
            if moves {
                self.places[place] = Some(thing);
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::Assignment;

    #[test]
    fn earlier_ones_make_room() {
        let mut places = Assignment::new(3);
        assert!(places.add(vec![true, true, false]));
        assert!(places.add(vec![true, false, false]));
        assert!(!places.add(vec![true, true, false]));
        assert!(!places.is_full());
        assert_eq!(places.places(), [Some(1), Some(0), None]);
        assert!(places.add(vec![true, true, true]));
        assert!(places.is_full());
        assert!(!places.add(vec![true, true, true]));
    }
}
