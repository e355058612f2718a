//! Processes and what they have started, read from `/proc`.

use std::{collections::HashSet, fs};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// What `/proc/PID/stat` tells about one process (proc_pid_stat(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) pid: i32,
    pub(super) parent: i32,
    /// Clock ticks between the machine's start and the process's: with the number it names a process for good.
    pub(super) start: u64,
}

impl Stat {
    /// The process with this number, unless there is none.
    pub(super) fn of(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let pid = text.split_once(' ')?.0.parse().ok()?;
        // The command's name stands in parentheses and may hold any character, also spaces and parentheses.
        let mut fields = text.rsplit_once(") ")?.1.split(' ');
        let parent = fields.nth(1)?.parse().ok()?;
        let start = fields.nth(17)?.parse().ok()?;
        Some(Self { pid, parent, start })
    }

    fn all() -> Vec<Self> {
        let Ok(folders) = fs::read_dir("/proc") else { return Vec::new() };
        folders.flatten().filter_map(|folder| Self::of(folder.file_name().to_str()?.parse().ok()?)).collect()
    }
}

/// Stops (SIGSTOP) a process and all its descendants, also those in sessions of their own, and names them all.
///
/// The caller makes sure that `root` is still its process.
pub(super) fn freeze(root: i32) -> Vec<i32> {
    let mut frozen = vec![root];
    send(root, Signal::SIGSTOP);
    loop {
        let fresh: Vec<i32> = descendants(root).into_iter().filter(|pid| !frozen.contains(pid)).collect();
        if fresh.is_empty() {
            return frozen;
        }
        // What was still running may have started more: look again until nothing new is found.
        fresh.iter().for_each(|pid| send(*pid, Signal::SIGSTOP));
        frozen.extend(fresh);
    }
}

/// Lets a frozen process and all its descendants run again.
pub(super) fn thaw(root: i32) {
    descendants(root).into_iter().chain([root]).for_each(|pid| send(pid, Signal::SIGCONT));
}

/// Kills a process and all its descendants.
pub(super) fn slay(root: i32) {
    freeze(root).into_iter().for_each(|pid| send(pid, Signal::SIGKILL));
}

/// Sends a signal to one process. One that has just ended is no error: ending is what most signals are for.
pub(super) fn send(pid: i32, signal: Signal) {
    let _ = kill(Pid::from_raw(pid), signal);
}

fn descendants(root: i32) -> Vec<i32> {
    let all = Stat::all();
    let mut family = HashSet::from([root]);
    let mut found = Vec::new();
    loop {
        let before = found.len();
        for stat in &all {
            if family.contains(&stat.parent) && family.insert(stat.pid) {
                found.push(stat.pid);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_name_may_hold_anything() {
        let line = "4711 (a) S (b c) S 12 4711 4711 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 987654 2912256 223 18";
        assert_eq!(Stat::parse(line), Some(Stat { pid: 4711, parent: 12, start: 987_654 }));
    }

    #[test]
    fn this_process_is_found_and_its_child_is_below_it() {
        let own = std::process::id() as i32;
        assert_eq!(Stat::of(own).map(|stat| stat.pid), Some(own));
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let below = descendants(own);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(below.contains(&(child.id() as i32)));
    }
}
