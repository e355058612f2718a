//! The trace that what is logged on this thread belongs to.
//!
//! Parents of spans are given, never looked up; a line of the log may come from anywhere below a request, and where no
//! context was at hand the scope names it.

use std::{
    cell::Cell,
    pin::Pin,
    task::{Context, Poll},
};

use super::TraceContext;

thread_local!(static CURRENT: Cell<Option<TraceContext>> = const { Cell::new(None) });

/// The trace of what runs on this thread now, for logs and for nothing else.
pub fn of_scope() -> Option<TraceContext> {
    CURRENT.get()
}

/// Does work whose log lines belong to a trace.
pub fn in_scope<T>(context: impl Into<Option<TraceContext>>, work: impl FnOnce() -> T) -> T {
    let _scope = Entered::enter(context.into());
    work()
}

/// Makes the log lines of a future belong to a trace, on whatever threads it is polled. It costs some nanoseconds a poll.
pub fn scoped<F: Future>(context: impl Into<Option<TraceContext>>, work: F) -> Scoped<F> {
    Scoped { context: context.into(), work: Box::pin(work) }
}

/// A future in a scope, see [`scoped`].
#[derive(Debug)]
#[must_use = "a future does nothing unless it is polled"]
pub struct Scoped<F> {
    context: Option<TraceContext>,
    work: Pin<Box<F>>,
}

impl<F: Future> Future for Scoped<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let _scope = Entered::enter(self.context);
        self.work.as_mut().poll(context)
    }
}

/// Puts back what was, also when the work panics.
struct Entered(Option<TraceContext>);

impl Entered {
    fn enter(context: Option<TraceContext>) -> Self {
        Self(CURRENT.replace(context))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_scope_ends_with_its_work_even_by_a_panic() {
        let trace: TraceContext = TRACE.parse().unwrap();
        in_scope(trace, || {
            assert_eq!(of_scope(), Some(trace));
            in_scope(None, || assert_eq!(of_scope(), None));
            let panicked = std::panic::catch_unwind(|| in_scope(None, || panic!("as it should")));
            assert!(panicked.is_err());
            assert_eq!(of_scope(), Some(trace));
        });
        assert_eq!(of_scope(), None);
    }

    #[test]
    fn a_future_is_in_its_scope_at_each_poll_and_nobody_else_is() {
        let trace: TraceContext = TRACE.parse().unwrap();
        let mut polls = 0;
        let mut work = Box::pin(scoped(
            trace,
            std::future::poll_fn(move |_| {
                polls += 1;
                assert_eq!(of_scope(), Some(trace));
                if polls == 2 { Poll::Ready(()) } else { Poll::Pending }
            }),
        ));
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(work.as_mut().poll(&mut context).is_pending());
        assert_eq!(of_scope(), None);
        assert!(work.as_mut().poll(&mut context).is_ready());
        assert_eq!(of_scope(), None);
    }
}
