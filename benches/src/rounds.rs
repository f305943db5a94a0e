use std::env;

/// Whether figures are wanted: `cargo test --all-targets` runs the programs here as well, only to
/// see that they run.
pub fn is_measured() -> bool {
    env::args().any(|argument| argument == "--bench")
}

/// What contenders did in turn, round by round.
///
/// On a machine that others use too, the figures of two contenders are of two moments. Here each
/// round runs them all within a short time, and what is told is the median of the rounds, of
/// figures as of ratios.
#[derive(Clone, Debug)]
pub struct Rounds<T>(Vec<Vec<T>>);

impl<T> Rounds<T> {
    /// Runs so many rounds, each of so many contenders.
    pub fn run(rounds: usize, contenders: usize, mut run: impl FnMut(usize) -> T) -> Self {
        Self(
            (0..rounds)
                .map(|_| (0..contenders).map(&mut run).collect())
                .collect(),
        )
    }

    /// One number of each run.
    pub fn figures(&self, figure: impl Fn(&T) -> f64) -> Figures {
        Figures(
            self.0
                .iter()
                .map(|round| round.iter().map(&figure).collect())
                .collect(),
        )
    }
}

/// One number of each contender in each round.
#[derive(Clone, Debug)]
pub struct Figures(Vec<Vec<f64>>);

impl Figures {
    /// The contender's median.
    pub fn median(&self, contender: usize) -> f64 {
        median(self.of(contender))
    }

    /// The contender's lowest.
    pub fn min(&self, contender: usize) -> f64 {
        self.of(contender).fold(f64::INFINITY, f64::min)
    }

    /// The contender's highest.
    pub fn max(&self, contender: usize) -> f64 {
        self.of(contender).fold(f64::NEG_INFINITY, f64::max)
    }

    /// How many times another contender's figure this one's is within a round: the median.
    pub fn ratio(&self, contender: usize, reference: usize) -> f64 {
        median(
            self.0
                .iter()
                .map(|round| round[contender] / round[reference]),
        )
    }

    fn of(&self, contender: usize) -> impl Iterator<Item = f64> {
        self.0.iter().map(move |round| round[contender])
    }
}

/// The value in the middle; of an even number of them the higher of the two. Not a number if there
/// are none.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_medians_of_rounds_in_which_each_contender_ran_once() {
        let mut runs = Vec::new();
        let rounds = Rounds::run(3, 2, |contender| {
            runs.push(contender);
            runs.len() as f64
        });
        assert_eq!(runs, [0, 1, 0, 1, 0, 1]);
        let figures = rounds.figures(|run| run * 10.0);
        assert_eq!(figures.median(0), 30.0);
        assert_eq!((figures.min(1), figures.max(1)), (20.0, 60.0));
        // 2, 4/3 and 6/5 times as much.
        assert_eq!(figures.ratio(1, 0), 4.0 / 3.0);
    }
}
