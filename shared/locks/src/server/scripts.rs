//! What is done in Redis, each in one round trip: scripts, run by their digest and sent again where a server has lost them.

use std::{sync::LazyLock, time::Duration};

use ::redis::Script;

use super::{Claim, Owner, Place, ServerError, line};
use crate::{Token, label::Label};

pub(super) static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| Scripts {
    take: Script::new(concat!(include_str!("scripts/line.lua"), include_str!("scripts/take.lua"))),
    claim: Script::new(include_str!("scripts/claim.lua")),
    install: Script::new(include_str!("scripts/install.lua")),
    extend: Script::new(include_str!("scripts/extend.lua")),
    release: Script::new(concat!(include_str!("scripts/line.lua"), include_str!("scripts/release.lua"))),
});

pub(super) struct Scripts {
    take: Script,
    claim: Script,
    install: Script,
    extend: Script,
    release: Script,
}

/// A script with its keys and arguments, to run any number of times.
pub(super) struct Call<'a> {
    pub(super) script: &'a Script,
    pub(super) keys: Vec<String>,
    pub(super) arguments: Vec<String>,
}

impl Scripts {
    /// `names` begin with the fence's.
    pub(super) fn take(
        &self,
        prefix: &str,
        names: Vec<String>,
        claim: &Claim,
        fenced: Option<(&str, Token)>,
    ) -> Call<'_> {
        let mut arguments = vec![
            claim.owner.text(),
            prefix.to_owned(),
            claim.ttl.as_millis().to_string(),
            Label::now(&claim.holder).text(),
            claim.place.map_or_else(|| "-".to_owned(), |place| place.ticket.to_string()),
            u32::from(claim.place.is_some_and(Place::is_stale)).to_string(),
            line::WAITS.as_millis().to_string(),
            line::LASTS.as_millis().to_string(),
        ];
        if let Some((run, least)) = fenced {
            arguments.extend([run.to_owned(), least.epoch().to_string(), least.counter().to_string()]);
        }
        Call { script: &self.take, keys: names, arguments }
    }

    pub(super) fn claim(&self, fence: String, run: &str, nonce: &str) -> Call<'_> {
        Call { script: &self.claim, keys: vec![fence], arguments: vec![run.to_owned(), nonce.to_owned()] }
    }

    pub(super) fn install(&self, fence: String, run: &str, nonce: &str, epoch: u64) -> Call<'_> {
        let arguments = vec![run.to_owned(), nonce.to_owned(), epoch.to_string()];
        Call { script: &self.install, keys: vec![fence], arguments }
    }

    pub(super) fn extend(&self, keys: Vec<String>, owner: Owner, ttl: Duration) -> Call<'_> {
        Call { script: &self.extend, keys, arguments: vec![owner.text(), ttl.as_millis().to_string()] }
    }

    pub(super) fn release(&self, prefix: &str, keys: Vec<String>, owner: Owner) -> Call<'_> {
        Call { script: &self.release, keys, arguments: vec![owner.text(), prefix.to_owned()] }
    }
}

/// What came of an attempt to take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All keys are the owner's; the token is [`Token::ZERO`] where none was asked for.
    Taken(Token),
    /// Another has one of them, or was before.
    Busy {
        /// How long another has it at most, unless it takes more time; `None` where somebody is before.
        left: Option<Duration>,
        /// The place in line, for who waits.
        ticket: u64,
        /// Which of the keys, in their order; `None` where no one server says.
        key: Option<usize>,
    },
    /// The server has no epoch, or one from before its data were lost.
    Unfenced,
}

impl Outcome {
    pub(super) fn parse(answer: &[String]) -> Result<Self, ServerError> {
        let odd = || ServerError::Answer(format!("{answer:?}"));
        let parts: Vec<&str> = answer.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["taken", epoch, counter] => {
                let parse = |text: &str| text.parse::<u64>().map_err(|_| odd());
                Token::new(parse(epoch)?, parse(counter)?).map(Self::Taken).ok_or_else(odd)
            }
            ["busy", left, ticket, key] => {
                let left = left.parse::<i64>().map_err(|_| odd())?;
                let left = u64::try_from(left).ok().map(Duration::from_millis);
                let key = Some(key.parse().map_err(|_| odd())?);
                Ok(Self::Busy { left, ticket: ticket.parse().map_err(|_| odd())?, key })
            }
            ["unfenced", _] => Ok(Self::Unfenced),
            _ => Err(odd()),
        }
    }
}
