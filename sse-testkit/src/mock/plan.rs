//! Which answer a request gets.

use http::StatusCode;

use super::answer::Answer;
use super::replay::Replay;

pub(super) enum Plan {
    Turns(Turns),
    Replay(Replay),
}

/// One answer after the other.
pub(super) struct Turns {
    answers: Vec<Answer>,
    otherwise: Answer,
    repeats: bool,
    asked: usize,
}

impl Plan {
    pub(super) fn answer(&mut self, last_event_id: &str) -> Answer {
        match self {
            Self::Turns(turns) => turns.next(),
            Self::Replay(replay) => replay.answer(last_event_id),
        }
    }

    pub(super) fn left(&self) -> usize {
        match self {
            Self::Turns(turns) => turns.answers.len().saturating_sub(turns.asked),
            Self::Replay(replay) => replay.left(),
        }
    }

    pub(super) fn repeat(&mut self) {
        match self {
            Self::Turns(turns) => turns.repeats = true,
            Self::Replay(replay) => replay.repeat(),
        }
    }

    /// Whoever may read is not what was recorded; what a script says stands.
    pub(super) fn allow_every_origin(&mut self) {
        match self {
            Self::Turns(_) => {}
            Self::Replay(replay) => replay.forget_cors(),
        }
    }

    pub(super) fn otherwise(&mut self, answer: Answer) {
        match self {
            Self::Turns(turns) => turns.otherwise = answer,
            Self::Replay(replay) => replay.otherwise = answer,
        }
    }
}

impl Turns {
    pub(super) fn new(answers: Vec<Answer>) -> Self {
        Self {
            answers,
            otherwise: Answer::status(StatusCode::NO_CONTENT),
            repeats: false,
            asked: 0,
        }
    }

    fn next(&mut self) -> Answer {
        let mut turn = self.asked;
        self.asked += 1;
        if self.repeats && !self.answers.is_empty() {
            turn %= self.answers.len();
        }
        self.answers.get(turn).unwrap_or(&self.otherwise).clone()
    }
}
