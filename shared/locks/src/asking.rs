//! Asking for a lock, as its caller, spans and metrics see it.

use std::sync::Arc;

use telemetry::{names, spans, spans::Span};
use tokio::time::Instant;

use crate::{
    Fault, Guard, Keys, LockError, Request, Strategy, Token, guard::Hold, metric_definitions::METRICS, switch::Permit,
};

/// What came of asking.
pub(crate) struct Taken {
    pub(crate) hold: Hold,
    pub(crate) token: Option<Token>,
    pub(crate) permit: Permit,
}

/// That nothing came of it.
pub(crate) struct Refused {
    /// In force; `None` where none was.
    pub(crate) strategy: Option<Strategy>,
    pub(crate) why: Why,
}

/// What for.
pub(crate) enum Why {
    TimedOut {
        last: Option<Arc<Fault>>,
    },
    /// By another who has, or waits for, this one of the keys, as far as that is known.
    Busy {
        key: Option<usize>,
    },
    Fault(Fault),
}

/// Somebody who waits, as spans and metrics show it.
pub(crate) struct Waiting<'a> {
    keys: &'a Keys,
    request: Request,
    since: Instant,
    span: Span,
}

impl<'a> Waiting<'a> {
    pub(crate) fn begin(keys: &'a Keys, request: Request) -> Self {
        let span = spans::step("take lock", request.parent);
        Self { keys, request, since: Instant::now(), span }
    }

    pub(crate) fn end(mut self, taken: Result<Taken, Refused>) -> Result<Guard, LockError> {
        let wait = self.since.elapsed();
        self.span.set(names::wait::LOCK, wait);
        self.span.set(names::lock::KEYS, i64::try_from(self.keys.count()).unwrap_or(i64::MAX));
        let keys = || self.keys.to_string();
        match taken {
            Ok(Taken { hold, token, permit }) => {
                let strategy = permit.strategy();
                METRICS.taken(strategy, wait, self.request.parent);
                self.span.set(names::lock::STRATEGY, strategy.word());
                let mut holding = spans::step("hold lock", self.request.parent);
                if holding.is_recording() {
                    holding.set(names::lock::STRATEGY, strategy.word());
                    token.iter().for_each(|token| holding.set(names::lock::TOKEN, &token.to_string()));
                }
                Ok(Guard::new(hold, token, holding, permit))
            }
            Err(Refused { strategy, why }) => {
                let error = match why {
                    Why::TimedOut { last } => LockError::TimedOut { keys: keys(), waited: wait, last },
                    Why::Busy { key } => {
                        let at = key.and_then(|key| self.keys.iter().nth(key)).map(str::to_owned);
                        LockError::Busy { keys: keys(), at }
                    }
                    Why::Fault(fault) => LockError::Fault { keys: keys(), fault: Box::new(fault) },
                };
                METRICS.gave_up(strategy, error.class(), wait, self.request.parent);
                self.span.fail(error.class(), &error);
                Err(error)
            }
        }
    }
}
