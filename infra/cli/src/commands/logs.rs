//! `./plumbline logs`.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time;

use crate::{
    CommandError, home,
    output::{self, Tone},
};

/// How often a followed log is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// Show what the parts have written
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  ./plumbline logs                  the last lines of every part
  ./plumbline logs inventory -f     all instances of inventory, as they write
  ./plumbline logs order#2 -n 200
  ./plumbline logs kafka")]
pub(crate) struct Logs {
    /// A part, as `status` names it, or `supervisor`; all of them if it isn't named
    #[arg(value_name = "PART")]
    part: Option<String>,

    /// Go on with what is written from now on, until Ctrl-C
    #[arg(short, long)]
    follow: bool,

    /// How many lines of each log to begin with
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    lines: usize,
}

impl Logs {
    pub(crate) async fn run(&self, data_dir: &Path) -> Result<(), CommandError> {
        let mut logs = self.find(&home::logs(data_dir))?;
        let width = if logs.len() > 1 { logs.iter().map(|log| log.name.len()).max().unwrap_or(0) } else { 0 };
        for log in &mut logs {
            let last = log.last(self.lines)?;
            log.show(&last, width)?;
        }
        if !self.follow {
            return Ok(());
        }
        loop {
            time::sleep(LOOK).await;
            for log in &mut logs {
                let fresh = log.fresh()?;
                log.show(&fresh, width)?;
            }
        }
    }

    fn find(&self, folder: &Path) -> Result<Vec<Log>, CommandError> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(CommandError::NoLogs(folder.to_owned())),
            entries => entries?,
        };
        let mut logs: Vec<Log> = entries.flatten().filter_map(|entry| Log::at(entry.path())).collect();
        logs.sort_by(|a, b| a.name.cmp(&b.name));
        let Some(wanted) = &self.part else { return Ok(logs) };
        let names = logs.iter().map(|log| log.name.as_str()).collect::<Vec<_>>().join(", ");
        logs.retain(|log| is_meant(wanted, &log.name));
        if logs.is_empty() {
            return Err(CommandError::NoSuchLog { wanted: wanted.clone(), names });
        }
        Ok(logs)
    }
}

/// Whether a log is meant by what was asked for: itself, or as an instance of a service.
fn is_meant(wanted: &str, name: &str) -> bool {
    name == wanted || name.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('#'))
}

struct Log {
    name: String,
    path: PathBuf,
    /// How far it has been shown, in bytes.
    shown: u64,
}

impl Log {
    fn at(path: PathBuf) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_suffix(".log")?.to_owned();
        Some(Self { name, path, shown: 0 })
    }

    /// Its last lines; what comes later is new.
    fn last(&mut self, lines: usize) -> io::Result<String> {
        self.shown = fs::metadata(&self.path)?.len();
        Ok(local::process::tail(&self.path, lines))
    }

    /// Whole lines that were written since; all of it when the log began anew.
    fn fresh(&mut self) -> io::Result<String> {
        let mut file = File::open(&self.path)?;
        if file.metadata()?.len() < self.shown {
            self.shown = 0;
        }
        file.seek(SeekFrom::Start(self.shown))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        self.shown += whole as u64;
        Ok(String::from_utf8_lossy(&bytes[..whole]).into_owned())
    }

    fn show(&self, text: &str, width: usize) -> io::Result<()> {
        let prefix = match width {
            0 => String::new(),
            width => Tone::Faint.paint(&format!("{:<width$} | ", self.name), output::colour()),
        };
        text.lines().try_for_each(|line| output::line(format_args!("{prefix}{line}")))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_service_means_all_its_instances() {
        assert!(is_meant("order", "order#1") && is_meant("order#1", "order#1") && is_meant("kafka", "kafka"));
        assert!(!is_meant("order", "orders") && !is_meant("order#1", "order#10") && !is_meant("order#1", "order"));
    }

    #[test]
    fn new_lines_are_shown_when_they_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kafka.log");
        let mut file = File::create(&path).unwrap();
        writeln!(file, "one").unwrap();
        let mut log = Log::at(path.clone()).unwrap();
        assert_eq!(log.last(5).unwrap(), "one");
        write!(file, "two\nthr").unwrap();
        assert_eq!(log.fresh().unwrap(), "two\n");
        writeln!(file, "ee").unwrap();
        assert_eq!(log.fresh().unwrap(), "three\n");
        File::create(&path).unwrap().write_all(b"anew\n").unwrap();
        assert_eq!(log.fresh().unwrap(), "anew\n");
    }
}
