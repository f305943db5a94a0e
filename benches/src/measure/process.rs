use std::{fs, io, path::PathBuf, time::Duration};

/// A process that is watched from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    pid: u32,
}

/// What a process holds of the machine's memory, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Resident: all pages that it has, shared ones too.
    pub rss: u64,
    /// Proportional: of pages that several processes share its part only.
    pub pss: u64,
}

impl Process {
    /// The process with this number.
    ///
    /// # Errors
    ///
    /// A message, if there is none or it may not be looked at.
    pub fn new(pid: u32) -> Result<Self, String> {
        let process = Self { pid };
        process
            .memory()
            .and(process.cpu())
            .map_err(|error| format!("process {pid} can't be measured: {error}"))?;
        Ok(process)
    }

    /// Its number.
    pub const fn pid(self) -> u32 {
        self.pid
    }

    /// What it holds now.
    ///
    /// # Errors
    ///
    /// If it has gone or may not be looked at.
    pub fn memory(self) -> io::Result<Memory> {
        let text = fs::read_to_string(self.path("smaps_rollup"))?;
        parse_memory(&text).ok_or_else(|| unreadable("smaps_rollup"))
    }

    /// The time that all its threads have run on a core.
    ///
    /// # Errors
    ///
    /// If it has gone or may not be looked at.
    pub fn cpu(self) -> io::Result<Duration> {
        match self.cpu_of_threads() {
            // Kernels without scheduler statistics.
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.cpu_in_ticks(),
            result => result,
        }
    }

    /// How many sockets it has open.
    ///
    /// # Errors
    ///
    /// If it has gone or may not be looked at.
    pub fn sockets(self) -> io::Result<usize> {
        let files = fs::read_dir(self.path("fd"))?.flatten();
        let sockets = files.filter(|file| {
            // Closed since the folder was listed, if there is no such link.
            fs::read_link(file.path())
                .is_ok_and(|link| link.as_os_str().as_encoded_bytes().starts_with(b"socket:"))
        });
        Ok(sockets.count())
    }

    /// In nanoseconds, but for threads that have ended: servers keep theirs.
    fn cpu_of_threads(self) -> io::Result<Duration> {
        let mut sum = 0;
        for task in fs::read_dir(self.path("task"))? {
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else {
                // It has ended since the folder was listed, or the kernel has no such file.
                fs::metadata(self.path("schedstat"))?;
                continue;
            };
            let first = text.split_whitespace().next();
            sum += first
                .and_then(|first| first.parse::<u64>().ok())
                .ok_or_else(|| unreadable("schedstat"))?;
        }
        Ok(Duration::from_nanos(sum))
    }

    fn cpu_in_ticks(self) -> io::Result<Duration> {
        let text = fs::read_to_string(self.path("stat"))?;
        let ticks = parse_ticks(&text).ok_or_else(|| unreadable("stat"))?;
        let a_second = rustix::param::clock_ticks_per_second();
        Ok(Duration::from_secs(ticks) / u32::try_from(a_second).unwrap_or(100))
    }

    fn path(self, file: &str) -> PathBuf {
        format!("/proc/{}/{file}", self.pid).into()
    }
}

fn parse_memory(text: &str) -> Option<Memory> {
    let kilobytes = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim()
            .strip_suffix("kB")?
            .trim()
            .parse::<u64>()
            .ok()
            .map(|kilobytes| kilobytes * 1024)
    };
    Some(Memory {
        rss: kilobytes("Rss:")?,
        pss: kilobytes("Pss:")?,
    })
}

fn parse_ticks(text: &str) -> Option<u64> {
    // The program's name is in brackets and may itself have brackets and spaces.
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn unreadable(file: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{file} is not as expected"),
    )
}

#[cfg(test)]
mod tests {
    use std::hint::black_box;

    use super::*;

    fn own() -> Process {
        Process::new(std::process::id()).unwrap()
    }

    #[test]
    fn time_on_a_core_shows_in_nanoseconds_as_in_ticks() {
        let thread = || {
            let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
            let first = text.split_whitespace().next().unwrap();
            Duration::from_nanos(first.parse().unwrap())
        };
        let (ticks, start) = (own().cpu_in_ticks().unwrap(), thread());
        // By the clock it may take longer: others want the core too.
        while thread() - start < Duration::from_millis(100) {
            black_box(());
        }
        let spent = own().cpu_in_ticks().unwrap() - ticks;
        assert!(spent >= Duration::from_millis(80), "{spent:?}");
        // Not from the start: threads of other tests end meanwhile and take their time with them.
        let all = own().cpu().unwrap();
        assert!(all >= Duration::from_millis(100), "{all:?}");
    }

    #[test]
    fn sockets_are_counted_and_other_files_are_not() {
        let before = own().sockets().unwrap();
        let sockets: Vec<_> = (0..50)
            .map(|_| std::net::UdpSocket::bind("127.0.0.1:0").unwrap())
            .collect();
        let files: Vec<_> = (0..50)
            .map(|_| fs::File::open("/dev/null").unwrap())
            .collect();
        assert_eq!(own().sockets().unwrap(), before + 50);
        drop((sockets, files));
    }

    #[test]
    fn a_process_that_is_none_is_told() {
        let error = Process::new(u32::MAX).unwrap_err();
        assert!(error.contains("can't be measured"), "{error}");
    }

    #[test]
    fn ticks_are_found_after_any_name() {
        let stat = "7 (a) b (c)) S 1 2 3 4 5 6 7 8 9 10 30 12 0 0";
        assert_eq!(parse_ticks(stat), Some(42));
    }

    #[test]
    fn kilobytes_are_bytes() {
        let text =
            "55-56 ---p 0 0:0 0 [rollup]\nRss:    1616 kB\nPss:     246 kB\nPss_Dirty: 1 kB\n";
        let memory = parse_memory(text).unwrap();
        assert_eq!((memory.rss, memory.pss), (1616 * 1024, 246 * 1024));
    }
}
