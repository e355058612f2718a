//! A member that writes its log, remembers what it wrote, and compares when the log is opened again.

use std::path::{Path, PathBuf};

use proptest::prelude::{Just, Strategy, any, prop_oneof};
use raft::eraftpb::{Entry, HardState};
use rand::Rng;

use crate::disk::Simulated;
use crate::log::{Error, Identity, Log, Options, Recovered, SnapshotMark, Write, snapshot};

pub(super) const ME: Identity = Identity { cluster_id: 7, member_id: 8 };

pub(super) fn data() -> &'static Path {
    Path::new("/data")
}

/// What a log should hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Content {
    pub(super) hard_state: HardState,
    pub(super) entries: Vec<Entry>,
    pub(super) snapshot: Option<SnapshotMark>,
}

impl Content {
    fn base(&self) -> u64 {
        self.snapshot.as_ref().map_or(0, |mark| mark.index)
    }

    fn last(&self) -> u64 {
        self.base() + self.entries.len() as u64
    }

    fn last_term(&self) -> u64 {
        let before = self.snapshot.as_ref().map_or(0, |mark| mark.term);
        self.entries.last().map_or(before, |entry| entry.term)
    }
}

impl From<&Recovered> for Content {
    fn from(recovered: &Recovered) -> Self {
        Self {
            hard_state: recovered.hard_state.clone(),
            entries: recovered.entries.clone(),
            snapshot: recovered.snapshot.clone(),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    Append {
        count: usize,
        bytes: usize,
        sync: bool,
    },
    /// Replaces up to so many uncommitted entries with one of a new term.
    Overwrite {
        back: u64,
        sync: bool,
    },
    Commit {
        sync: bool,
    },
    Vote {
        candidate: u64,
    },
    Snapshot,
    /// Another member's snapshot, so many entries ahead of the log.
    Install {
        ahead: u64,
    },
    Release {
        behind: u64,
    },
    Prepare,
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..4_usize, 0..200_usize, any::<bool>()).prop_map(|(count, bytes, sync)| Step::Append { count, bytes, sync }),
        2 => (1..6_u64, any::<bool>()).prop_map(|(back, sync)| Step::Overwrite { back, sync }),
        3 => any::<bool>().prop_map(|sync| Step::Commit { sync }),
        1 => (1..4_u64).prop_map(|candidate| Step::Vote { candidate }),
        2 => Just(Step::Snapshot),
        1 => (0..5_u64).prop_map(|ahead| Step::Install { ahead }),
        2 => (0..3_u64).prop_map(|behind| Step::Release { behind }),
        2 => Just(Step::Prepare),
    ]
}

/// How a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Went {
    Well,
    /// The disk was full, and the step left out.
    Full,
    /// The disk failed: the log has to be opened again.
    Broken,
}

pub(super) struct Member {
    pub(super) disk: Simulated,
    options: Options,
    log: Option<Log<Simulated>>,
    /// What the log could hold after a crash: what was synced last, and all that was tried since.
    pub(super) possible: Vec<Content>,
    boot: u64,
}

impl Member {
    pub(super) fn new(seed: u64, segment_bytes: u64) -> Self {
        let disk = Simulated::new(seed);
        let possible = vec![Content::default()];
        Self { disk, options: Options { segment_bytes }, log: None, possible, boot: 0 }
    }

    pub(super) fn latest(&self) -> &Content {
        self.possible.last().unwrap()
    }

    /// Opens the log, and compares.
    pub(super) fn open(&mut self) -> Result<(), Error> {
        self.log = None;
        let (log, recovered) = Log::open(self.disk.clone(), data(), ME, self.options)?;
        let found = Content::from(&recovered);
        assert!(recovered.boot > self.boot, "boot {} after {}", recovered.boot, self.boot);
        assert!(self.possible.contains(&found), "found {found:#?}\nexpected one of {:#?}", self.possible);
        if let Some(mark) = &found.snapshot {
            assert_eq!(read_snapshot(&self.disk, mark).unwrap(), chunks(mark.index, mark.term));
        }
        assert_eq!(log.last_index(), found.last());
        assert_eq!(*log.hard_state(), found.hard_state);
        self.boot = recovered.boot;
        self.possible = vec![found];
        self.log = Some(log);
        Ok(())
    }

    pub(super) fn close(&mut self) {
        self.log.take().unwrap().close().unwrap();
        self.possible = vec![self.latest().clone()];
    }

    pub(super) fn crash(&mut self, rng: &mut impl Rng) {
        self.log = None;
        self.disk = self.disk.crash(rng);
    }

    pub(super) fn restart(&mut self) {
        self.log = None;
        self.disk = self.disk.restart();
    }

    pub(super) fn step(&mut self, step: &Step) -> Went {
        let content = self.latest().clone();
        match *step {
            Step::Append { count, bytes, sync } => {
                let term = content.last_term().max(1);
                let first = content.last() + 1;
                self.write(entries(first, term, count, bytes), content.hard_state, false, sync)
            }
            Step::Overwrite { back, sync } => {
                let term = content.last_term() + 1;
                let first = (content.last() + 1 - back.min(content.last())).max(content.hard_state.commit + 1);
                let state = HardState { term, vote: 0, ..content.hard_state };
                self.write(entries(first.max(content.base() + 1), term, 1, 10), state, true, sync)
            }
            Step::Commit { sync } => {
                let state = HardState { commit: content.last(), ..content.hard_state };
                self.write(Vec::new(), state, true, sync)
            }
            Step::Vote { candidate } => {
                let term = content.hard_state.term.max(content.last_term()) + 1;
                let state = HardState { term, vote: candidate, ..content.hard_state };
                self.write(Vec::new(), state, true, true)
            }
            Step::Snapshot => {
                let index = content.hard_state.commit;
                match content.entries.iter().find(|entry| entry.index == index) {
                    Some(entry) => self.snapshot(index, entry.term),
                    None => Went::Well,
                }
            }
            Step::Install { ahead } => self.snapshot(content.last() + ahead, content.last_term() + 1),
            Step::Release { behind } => {
                let outcome = self.log().release(content.base().saturating_sub(behind));
                self.outcome(outcome)
            }
            Step::Prepare => {
                let outcome = self.log().prepare().map(drop);
                self.outcome(outcome)
            }
        }
    }

    fn write(&mut self, entries: Vec<Entry>, state: HardState, states: bool, sync: bool) -> Went {
        let mut content = self.latest().clone();
        if let Some(first) = entries.first() {
            content.entries.truncate((first.index - 1 - content.base()) as usize);
        }
        content.entries.extend(entries.iter().cloned());
        content.hard_state = state.clone();
        let write = Write { number: 1, hard_state: states.then_some(&state), entries: &entries, sync };
        self.possible.push(content);
        let outcome = self.log().write(&write);
        self.wrote(outcome, sync)
    }

    fn snapshot(&mut self, index: u64, term: u64) -> Went {
        let file = match write_snapshot(&self.disk, index, term) {
            Ok(file) => file,
            Err(error) => return self.outcome(Err(error)),
        };
        let mut content = self.latest().clone();
        let fits = content.entries.iter().any(|entry| entry.index == index && entry.term == term);
        if fits {
            content.entries.retain(|entry| entry.index > index);
        } else {
            content.entries.clear();
            if content.hard_state.term < term {
                content.hard_state = HardState { term, vote: 0, ..content.hard_state };
            }
        }
        content.hard_state.commit = content.hard_state.commit.max(index);
        content.hard_state.term = content.hard_state.term.max(term);
        content.snapshot = Some(SnapshotMark { index, term, file: file.clone() });
        self.possible.push(content.clone());
        let outcome = self.log().mark_snapshot(index, term, &file);
        let went = self.wrote(outcome, true);
        // As a member does once it has taken in a snapshot.
        if went == Went::Well { self.write(Vec::new(), content.hard_state, true, true) } else { went }
    }

    fn wrote(&mut self, outcome: Result<(), Error>, sync: bool) -> Went {
        if outcome.is_ok() && sync {
            self.possible = vec![self.latest().clone()];
        }
        let went = self.outcome(outcome);
        if went == Went::Full {
            self.possible.pop();
        }
        went
    }

    fn outcome(&mut self, outcome: Result<(), Error>) -> Went {
        match outcome {
            Ok(()) => Went::Well,
            Err(Error::Full { .. }) => Went::Full,
            Err(Error::Io { .. } | Error::Poisoned(_)) => Went::Broken,
            Err(other) => panic!("{other}"),
        }
    }

    pub(super) fn log(&mut self) -> &mut Log<Simulated> {
        self.log.as_mut().unwrap()
    }
}

pub(super) fn entries(first: u64, term: u64, count: usize, bytes: usize) -> Vec<Entry> {
    let entry = |index| Entry { index, term, data: vec![(index * 31 + term) as u8; bytes], ..Entry::default() };
    (first..).take(count).map(entry).collect()
}

pub(super) fn chunks(index: u64, term: u64) -> Vec<Vec<u8>> {
    (1..=index % 3 + 1).map(|length| vec![term as u8; length as usize * 20]).collect()
}

pub(super) fn write_snapshot(disk: &Simulated, index: u64, term: u64) -> Result<String, Error> {
    let mut writer = snapshot::Writer::new(disk.clone(), data(), ME.cluster_id, index, term)?;
    for chunk in chunks(index, term) {
        writer.push(&chunk)?;
    }
    writer.finish()
}

pub(super) fn read_snapshot(disk: &Simulated, mark: &SnapshotMark) -> Result<Vec<Vec<u8>>, Error> {
    let path: PathBuf = snapshot::dir(data()).join(&mark.file);
    snapshot::Reader::open(disk, &path)?.map(|chunk| Ok(chunk?.to_vec())).collect()
}
