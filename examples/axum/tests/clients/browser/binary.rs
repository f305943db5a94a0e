//! Which browser the driver can drive.
//!
//! A driver drives browsers of its own version. Where Chrome and Chromium are both installed, it
//! would take the one it looks for first.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

const NAMES: [&str; 5] = [
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "chromium",
    "chromium-browser",
];

/// The browser on the path that has the driver's version. `None` if there is none, or no telling:
/// then the driver looks for itself, and says what is wrong with what it finds.
pub(super) fn fitting(driver: &str) -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        let version = version(Path::new(driver))?;
        let path = env::var_os("PATH")?;
        let folders: Vec<_> = env::split_paths(&path).collect();
        let places = NAMES
            .iter()
            .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
        let mut browsers = places.filter(|place| place.is_file());
        browsers.find(|browser| self::version(browser).as_deref() == Some(&version))
    };
    FOUND.get_or_init(find).as_deref()
}

/// The first number of what a program calls its version, such as 136 of `Chromium 136.0.7103.113`.
/// A program that only tells where to get the browser has none.
fn version(program: &Path) -> Option<String> {
    let said = Command::new(program).arg("--version").output().ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    let mut words = said.split_whitespace();
    words.find_map(|word| {
        let (first, _) = word.split_once('.')?;
        let is_number = !first.is_empty() && first.bytes().all(|it| it.is_ascii_digit());
        is_number.then(|| first.to_owned())
    })
}
