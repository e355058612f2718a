//! Processor time of parts of a shop.

use std::{collections::HashMap, fs, time::Duration};

/// USER_HZ: in which the kernel tells times, whatever it counts in; 100 on every architecture of today (time(7)).
const TICKS_PER_SECOND: f64 = 100.0;

/// A process as the kernel counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    parent: u32,
    /// Of itself, and of those of its children that have ended and been waited for, in ticks.
    ticks: u64,
}

/// Processor time that a process and all below it have had, those that have ended among them; `None` where there is no such
/// process.
pub(crate) fn time_of(pid: u32) -> Option<Duration> {
    let all: HashMap<u32, Process> = fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| read(&entry)).collect();
    all.get(&pid)?;
    let is_below = |mut process: u32| {
        while process != pid {
            match all.get(&process) {
                Some(known) => process = known.parent,
                None => return false,
            }
        }
        true
    };
    let ticks: u64 = all.iter().filter(|(process, _)| is_below(**process)).map(|(_, known)| known.ticks).sum();
    Some(Duration::from_secs_f64(ticks as f64 / TICKS_PER_SECOND))
}

fn read(entry: &fs::DirEntry) -> Option<(u32, Process)> {
    let pid = entry.file_name().to_str()?.parse().ok()?;
    Some((pid, parse(&fs::read_to_string(entry.path().join("stat")).ok()?)?))
}

/// Fields 4 and 14 to 17 of proc_pid_stat(5). The second, the program's name, may hold anything and ends with the last `)`.
fn parse(stat: &str) -> Option<Process> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    let ticks = (14..=17).map(number).sum::<Option<u64>>()?;
    Some(Process { parent: u32::try_from(number(4)?).ok()?, ticks })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_its_name_is() {
        let stat = "7 (a) (b c) S 3 7 7 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 5 6 7";
        assert_eq!(parse(stat), Some(Process { parent: 3, ticks: 100 }));
        assert_eq!(parse("7 (a) S 3"), None);
    }

    #[test]
    fn the_time_of_this_process_is_known_and_grows() {
        let before = time_of(std::process::id()).unwrap();
        let mut sum = 0_u64;
        while time_of(std::process::id()).unwrap() == before {
            sum = (0..100_000).fold(sum, |sum, n| std::hint::black_box(sum.wrapping_add(n)));
        }
        assert_eq!(time_of(u32::MAX), None);
    }
}
