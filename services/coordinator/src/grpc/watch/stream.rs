//! One client's stream: its requests go to the hub, and what the hub delivers becomes messages.

use std::{
    collections::VecDeque,
    pin::Pin,
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use consensus::{
    api::etcdserverpb::{WatchRequest, watch_request::RequestUnion},
    watch::Taken,
};
use futures::{
    FutureExt as _, Stream,
    future::BoxFuture,
    stream::{Fuse, FusedStream as _, StreamExt as _},
};
use rand::Rng as _;
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tonic::{Request, Status, Streaming};

use super::{Open, frame::Frame};
use crate::grpc::context::Context;

/// The messages to a client. Polled by its connection: a stream takes no task of its own.
pub(super) struct WatchStream {
    context: Context,
    open: Open,
    requests: Fuse<Streaming<WatchRequest>>,
    /// Rest of a delivery that was split.
    parts: VecDeque<Frame>,
    max_bytes: usize,
    /// Once a watcher wants to hear of progress.
    progress: Option<Interval>,
    /// What ends the stream from this side.
    end: BoxFuture<'static, Status>,
    ended: bool,
}

impl WatchStream {
    pub(super) fn new(context: Context, max_bytes: usize, request: Request<Streaming<WatchRequest>>) -> Self {
        let end = context.end_of_stream(request.metadata()).boxed();
        let open = context.watches().open();
        let requests = request.into_inner().fuse();
        Self { context, open, requests, parts: VecDeque::new(), max_bytes, progress: None, end, ended: false }
    }

    /// Ready when a request was taken. A client that sends no more requests still gets its events.
    fn poll_request(&mut self, task: &mut TaskContext<'_>) -> Poll<Result<(), Status>> {
        if self.requests.is_terminated() {
            return Poll::Pending;
        }
        match self.requests.poll_next_unpin(task) {
            Poll::Ready(Some(Ok(request))) => {
                self.take(request);
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Some(Err(status))) => Poll::Ready(Err(status)),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    fn take(&mut self, request: WatchRequest) {
        let Some(request) = request.request_union else { return };
        let wants_progress = matches!(&request, RequestUnion::CreateRequest(create) if create.progress_notify);
        {
            let store = self.context.engine().store();
            let id = self.open.id;
            match request {
                RequestUnion::CreateRequest(create) => self.open.watch(&store, create),
                RequestUnion::CancelRequest(cancel) => self.open.watches.hub().cancel(&store, id, cancel.watch_id),
                RequestUnion::ProgressRequest(_) => self.open.watches.hub().request_progress(&store, id),
            }
        }
        if wants_progress && self.progress.is_none() {
            self.progress = Some(progress_interval(self.context.options().watch_progress_interval));
        }
    }

    fn deliver(&mut self, taken: Taken) {
        self.open.note(&taken);
        let (frame, may_split) = Frame::new(taken.delivery, |revision| self.context.header_at(revision));
        if may_split {
            self.parts.extend(frame.split(self.max_bytes));
        } else {
            self.parts.push_back(frame);
        }
    }

    fn poll_progress(&mut self, task: &mut TaskContext<'_>) -> Poll<()> {
        let Some(interval) = &mut self.progress else { return Poll::Pending };
        interval.poll_tick(task).map(|_| {
            let store = self.context.engine().store();
            self.open.watches.hub().report_progress(&store, self.open.id);
        })
    }
}

impl Stream for WatchStream {
    type Item = Result<Frame, Status>;

    fn poll_next(self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(frame) = this.parts.pop_front() {
                return Poll::Ready(Some(Ok(frame)));
            }
            if this.ended {
                return Poll::Ready(None);
            }
            // One request between two deliveries: neither side can hold up the other, and no request makes the queue
            // of deliveries grow.
            let request = this.poll_request(task);
            if let Poll::Ready(Err(status)) = request {
                this.ended = true;
                return Poll::Ready(Some(Err(status)));
            }
            if let Poll::Ready(taken) = this.open.outbox.poll_take(task) {
                this.deliver(taken);
            } else if request.is_pending() && this.poll_progress(task).is_pending() {
                let Poll::Ready(status) = this.end.poll_unpin(task) else { return Poll::Pending };
                this.ended = true;
                return Poll::Ready(Some(Err(status)));
            }
        }
    }
}

/// Up to a tenth longer than asked for: clients that connect together need not hear of progress together.
fn progress_interval(least: Duration) -> Interval {
    let period = least + least.mul_f64(rand::rng().random_range(0.0..0.1));
    let mut interval = tokio::time::interval_at(Instant::now() + period, period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
