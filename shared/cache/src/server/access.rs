//! Exchanges with a server: many keys in one round trip, and steps from one register to the next.

use futures::future::join_all;
use memcache::exp::{Get, MutationResult, Set};

use super::{Away, Found, Server, look, replace};
use crate::register::Register;

/// How many keys one exchange has at most: more go side by side, so that none takes longer than a server may.
const TOGETHER: usize = 256;
/// How often a step is tried again where somebody else takes one meanwhile.
const ROUNDS: usize = 8;

/// The way to a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Access<'a> {
    pub(super) server: &'a Server,
    /// Not for who finds out whether it is back.
    pub(super) heeds_breaker: bool,
}

/// What somebody wants to do with a register.
pub(crate) enum Step {
    /// Write this in its place.
    Write(Register),
    /// Leave it.
    Leave,
}

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It was written.
    Written,
    /// It was left as it was.
    Left,
    /// Somebody else always took one first.
    Contended,
    /// There was no answer.
    Away,
}

impl Access<'_> {
    /// Asks for many keys.
    pub(crate) async fn get(&self, gets: Vec<Get>) -> Vec<Result<Found, Away>> {
        let chunks = chunks(gets);
        let found = join_all(chunks.into_iter().map(|gets| self.get_together(gets))).await;
        found.into_iter().flatten().collect()
    }

    /// Writes many registers; each tells whether it was applied.
    pub(crate) async fn set(&self, sets: Vec<Set>) -> Vec<Result<bool, Away>> {
        let chunks = chunks(sets);
        let done = join_all(chunks.into_iter().map(|sets| self.set_together(sets))).await;
        done.into_iter().flatten().collect()
    }

    async fn get_together(&self, mut gets: Vec<Get>) -> Vec<Result<Found, Away>> {
        if self.is_closed() {
            return vec![Err(Away); gets.len()];
        }
        let count = gets.len();
        if self.heeds_breaker
            && count == 1
            && let Some(get) = gets.pop()
        {
            return vec![self.server.get_gathered(get).await];
        }
        match self.server.attempt(async |client| client.run_many(gets).await).await {
            Ok(found) => found.into_iter().map(|one| one.map(Found::of)).collect(),
            Err(Away) => vec![Err(Away); count],
        }
    }

    async fn set_together(&self, sets: Vec<Set>) -> Vec<Result<bool, Away>> {
        let count = sets.len();
        if self.is_closed() {
            return vec![Err(Away); count];
        }
        match self.server.attempt(async |client| client.run_many(sets).await).await {
            Ok(done) => done.into_iter().map(|one| one.map(|done: MutationResult| done.applied())).collect(),
            Err(Away) => vec![Err(Away); count],
        }
    }

    fn is_closed(&self) -> bool {
        self.heeds_breaker && self.server.is_away()
    }

    /// Takes a step for each key: reads what stands there, and writes what `step` makes of it where nobody has written
    /// meanwhile; else again.
    pub(crate) async fn step<S>(&self, work: &[(String, S)], step: impl Fn(&S, &Found) -> Step) -> Vec<Taken> {
        let mut taken = vec![Taken::Contended; work.len()];
        let mut open: Vec<usize> = (0..work.len()).collect();
        for _ in 0..ROUNDS {
            let found = self.get(open.iter().map(|place| look(&work[*place].0)).collect()).await;
            let (mut writes, mut written) = (Vec::new(), Vec::new());
            for (place, found) in std::mem::take(&mut open).into_iter().zip(found) {
                let (key, subject) = &work[place];
                match found.map(|found| (step(subject, &found), found)) {
                    Ok((Step::Write(register), found)) => {
                        writes.push(replace(key, &found, &register, self.server.hold_seconds()));
                        written.push(place);
                    }
                    Ok((Step::Leave, _)) => taken[place] = Taken::Left,
                    Err(Away) => taken[place] = Taken::Away,
                }
            }
            if writes.is_empty() {
                break;
            }
            for (place, done) in written.into_iter().zip(self.set(writes).await) {
                match done {
                    Ok(true) => taken[place] = Taken::Written,
                    Ok(false) => open.push(place),
                    Err(Away) => taken[place] = Taken::Away,
                }
            }
            if open.is_empty() {
                break;
            }
        }
        taken
    }

    /// Writes registers whatever stands there.
    pub(crate) async fn overwrite(&self, work: Vec<(String, Register)>) -> Vec<Result<bool, Away>> {
        let seconds = self.server.hold_seconds();
        let set = |(key, register): (String, Register)| Set::new(key, register.to_bytes()).ttl_raw(seconds);
        self.set(work.into_iter().map(set).collect()).await
    }
}

fn chunks<T>(mut all: Vec<T>) -> Vec<Vec<T>> {
    let mut chunks = Vec::new();
    while all.len() > TOGETHER {
        let rest = all.split_off(TOGETHER);
        chunks.push(std::mem::replace(&mut all, rest));
    }
    if !all.is_empty() {
        chunks.push(all);
    }
    chunks
}
