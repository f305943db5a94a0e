use super::Run;

/// The middle of several values, and how far they are apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The one in the middle; of an even number the mean of the two.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// How many there are.
    pub count: usize,
}

impl Summary {
    /// `None` of no values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self {
            median,
            min,
            max,
            count: values.len(),
        })
    }
}

/// How many times the reference's figure a server's is, turn by turn.
pub fn ratios(runs: &[Run], server: &str, reference: &str, key: &str) -> Option<Summary> {
    let value = |run: &Run| run.values.get(key).copied();
    Summary::of(
        runs.iter()
            .filter(|run| run.server == server)
            .filter_map(|run| {
                let other = runs.iter().find(|other| {
                    other.server == reference
                        && (other.run, other.connections) == (run.run, run.connections)
                })?;
                let (value, other) = (value(run)?, value(other)?);
                (other != 0.0).then(|| value / other)
            }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_one_or_the_mean_of_the_two() {
        let odd = Summary::of([9.0, 1.0, 5.0]).unwrap();
        assert_eq!(
            (odd.median, odd.min, odd.max, odd.count),
            (5.0, 1.0, 9.0, 3)
        );
        let even = Summary::of([4.0, 1.0, 2.0, 9.0]).unwrap();
        assert_eq!(even.median, 3.0);
        assert_eq!(Summary::of([7.0]).unwrap().median, 7.0);
        assert_eq!(Summary::of([]), None);
    }

    #[test]
    fn ratios_are_of_values_of_the_same_turn() {
        let run = |server: &str, number, value| {
            let mut run = Run::new(server, number, 10);
            run.set("x", value);
            run
        };
        // The machine is four times as slow in the second turn, in the third one server was not measured.
        let runs = [
            run("a", 1, 10.0),
            run("b", 1, 20.0),
            run("a", 2, 40.0),
            run("b", 2, 80.0),
            run("b", 3, 1000.0),
        ];
        let ratio = ratios(&runs, "b", "a", "x").unwrap();
        assert_eq!(
            (ratio.median, ratio.min, ratio.max, ratio.count),
            (2.0, 2.0, 2.0, 2)
        );
        assert_eq!(ratios(&runs, "b", "c", "x"), None);
    }
}
