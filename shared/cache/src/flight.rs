//! One reader a key and process goes to memcached and to the loader; who comes meanwhile waits for what it finds.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use tokio::sync::watch;

use crate::{Cached, LoadError};

/// What a reader has found.
pub(crate) type Outcome<V, E> = Result<Cached<V>, LoadError<E>>;

/// Those that are under way: those of readers who take whatever there is, and those of the others. Were they one, a reader who
/// takes what is out of date would wait for the load of one who does not.
#[derive(Debug, Default)]
pub(crate) struct Flights([Mutex<UnderWay>; 2]);

type UnderWay = HashMap<String, Flight>;

/// Who goes, and what it must find.
#[derive(Debug)]
struct Flight {
    /// Every write up to here is in it.
    sees: u64,
    outcome: Arc<dyn Any + Send + Sync>,
}

/// The place of who goes, for whoever waits. Dropped, it has found nothing.
#[derive(Debug)]
pub(crate) struct Seat<V: Send + Sync + 'static, E: Send + Sync + 'static> {
    flights: Arc<Flights>,
    key: String,
    takes_any: bool,
    flight: Arc<watch::Sender<Option<Outcome<V, E>>>>,
}

/// What a reader is to do.
#[derive(Debug)]
pub(crate) enum Place<V: Send + Sync + 'static, E: Send + Sync + 'static> {
    /// Go, and tell.
    Lead(Seat<V, E>),
    /// Wait.
    Follow(Following<V, E>),
}

/// Waits for somebody's outcome.
#[derive(Debug)]
pub(crate) struct Following<V, E>(watch::Receiver<Option<Outcome<V, E>>>);

impl<V, E> Following<V, E> {
    /// The outcome; `None` where whoever went was dropped.
    pub(crate) async fn outcome(mut self) -> Option<Outcome<V, E>> {
        self.0.wait_for(Option::is_some).await.ok()?.clone()
    }
}

impl Flights {
    /// Joins who goes for this key, or goes. Nobody joins who may find less than it must see itself: it would wait for that,
    /// and go then.
    pub(crate) fn join<V, E>(self: &Arc<Self>, key: &str, takes_any: bool, sees: u64) -> Place<V, E>
    where
        V: Send + Sync + 'static,
        E: Send + Sync + 'static,
    {
        let mut under_way = self.lock(takes_any);
        let outcome = under_way.get(key).filter(|flight| flight.sees >= sees).map(|flight| Arc::clone(&flight.outcome));
        if let Some(flight) = outcome.and_then(|any| any.downcast::<watch::Sender<Option<Outcome<V, E>>>>().ok()) {
            return Place::Follow(Following(flight.subscribe()));
        }
        // Also where one is under way for the same key with an error of another type: nothing can be shared then.
        let flight = Arc::new(watch::Sender::new(None));
        let outcome = Arc::<watch::Sender<Option<Outcome<V, E>>>>::clone(&flight);
        under_way.insert(key.to_owned(), Flight { sees, outcome });
        Place::Lead(Seat { flights: Arc::clone(self), key: key.to_owned(), takes_any, flight })
    }

    /// Lets nobody else join who goes for this key: who comes from now on wants to know of what was changed.
    pub(crate) fn part(&self, key: &str) {
        for takes_any in [true, false] {
            self.lock(takes_any).remove(key);
        }
    }

    fn lock(&self, takes_any: bool) -> MutexGuard<'_, UnderWay> {
        self.0[usize::from(takes_any)].lock().expect("nothing panics while it holds the lock")
    }
}

impl<V: Send + Sync + 'static, E: Send + Sync + 'static> Seat<V, E> {
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// For who goes by a task of its own.
    pub(crate) fn follow(&self) -> Following<V, E> {
        Following(self.flight.subscribe())
    }

    /// Tells the outcome to who waits; how many did.
    pub(crate) fn tell(self, outcome: Outcome<V, E>) -> usize {
        self.leave();
        // Nobody can join any more, and who has the outcome goes.
        let waiting = self.flight.receiver_count();
        self.flight.send_replace(Some(outcome));
        waiting
    }

    fn leave(&self) {
        let mut under_way = self.flights.lock(self.takes_any);
        let own: *const () = Arc::as_ptr(&self.flight).cast();
        if under_way.get(&self.key).is_some_and(|flight| Arc::as_ptr(&flight.outcome).cast::<()>() == own) {
            under_way.remove(&self.key);
        }
    }
}

impl<V: Send + Sync + 'static, E: Send + Sync + 'static> Drop for Seat<V, E> {
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Source, Stamp};

    type Plain = Place<u32, String>;

    fn lead(flights: &Arc<Flights>) -> Seat<u32, String> {
        match flights.join("a", true, 0) {
            Place::Lead(seat) => seat,
            Place::Follow(_) => panic!("somebody goes already"),
        }
    }

    fn follow(flights: &Arc<Flights>) -> Following<u32, String> {
        match flights.join("a", true, 0) {
            Place::Follow(following) => following,
            Place::Lead(_) => panic!("nobody goes"),
        }
    }

    fn found(value: u32) -> Outcome<u32, String> {
        Ok(Cached { value: Some(Arc::new(value)), stamp: Stamp::default(), source: Source::Cache })
    }

    #[tokio::test]
    async fn all_who_wait_have_what_one_has_found() {
        let flights = Arc::new(Flights::default());
        let seat = lead(&flights);
        let waiting = [follow(&flights), follow(&flights)];
        assert!(matches!(flights.join("b", true, 0), Plain::Lead(_)));
        assert_eq!(seat.tell(found(7)), 2);
        for following in waiting {
            assert_eq!(*following.outcome().await.unwrap().unwrap().value.unwrap(), 7);
        }
        drop(lead(&flights));
    }

    #[tokio::test]
    async fn who_is_dropped_has_found_nothing() {
        let flights = Arc::new(Flights::default());
        let seat = lead(&flights);
        let following = follow(&flights);
        drop(seat);
        assert!(following.outcome().await.is_none());
        drop(lead(&flights));
    }

    #[tokio::test]
    async fn who_comes_after_a_change_does_not_join_who_went_before() {
        let flights = Arc::new(Flights::default());
        let (before, waiting) = (lead(&flights), follow(&flights));
        flights.part("a");
        let after = lead(&flights);
        assert_eq!(before.tell(found(1)), 1);
        let waiting_now = follow(&flights);
        assert_eq!(*waiting.outcome().await.unwrap().unwrap().value.unwrap(), 1);
        after.tell(found(2));
        assert_eq!(*waiting_now.outcome().await.unwrap().unwrap().value.unwrap(), 2);
    }

    #[test]
    fn who_takes_less_goes_by_itself() {
        let flights = Arc::new(Flights::default());
        let _seat = lead(&flights);
        assert!(matches!(flights.join::<u32, String>("a", false, 0), Place::Lead(_)));
    }

    #[test]
    fn nobody_waits_for_less_than_it_must_see() {
        let flights = Arc::new(Flights::default());
        let join = |sees| flights.join::<u32, String>("a", false, sees);
        let Place::Lead(_seat) = join(5) else { panic!("nobody goes") };
        assert!(matches!(join(5), Plain::Follow(_)));
        assert!(matches!(join(4), Plain::Follow(_)));
        let Place::Lead(_seat) = join(6) else { panic!("who goes may find less") };
        assert!(matches!(join(6), Plain::Follow(_)));
    }

    #[test]
    fn another_type_of_error_goes_by_itself() {
        let flights = Arc::new(Flights::default());
        let _seat = lead(&flights);
        assert!(matches!(flights.join::<u32, u8>("a", true, 0), Place::Lead(_)));
    }
}
