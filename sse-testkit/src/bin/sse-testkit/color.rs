//! Colour, where a terminal shows it.

use std::io::IsTerminal;

use clap::ValueEnum;

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// On a terminal, unless the environment has NO_COLOR or TERM=dumb.
    Auto,
    Always,
    Never,
}

/// How a piece of text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    Plain,
    Dim,
    Bold,
    Good,
    Warning,
    Bad,
}

/// Whether there is colour.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Painter(bool);

impl Painter {
    /// For what is written to the standard output.
    pub(crate) fn new(when: When) -> Self {
        Self(match when {
            When::Always => true,
            When::Never => false,
            When::Auto => {
                let refused = std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty());
                !refused && can_control(&std::io::stdout())
            }
        })
    }

    pub(crate) fn has_color(self) -> bool {
        self.0
    }

    pub(crate) fn paint(self, look: Look, text: &str) -> String {
        let code = match look {
            Look::Plain => return text.to_owned(),
            Look::Dim => 2,
            Look::Bold => 1,
            Look::Good => 32,
            Look::Warning => 33,
            Look::Bad => 31,
        };
        match self.0 && !text.is_empty() {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}

/// Whether this is a terminal that knows more than lines of text.
pub(crate) fn can_control(out: &impl IsTerminal) -> bool {
    let is_dumb = std::env::var_os("TERM").is_some_and(|it| it == "dumb");
    !is_dumb && out.is_terminal()
}
