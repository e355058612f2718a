//! At the coordinators.

use std::time::Duration;

use local::testing;
use locks::{Keys, LockError, Request, Strategy, Token};

use crate::stage::{cluster, lock, process, soon};

#[tokio::test(flavor = "multi_thread")]
async fn one_after_the_other_with_growing_tokens() {
    let (redis, cluster) = (testing::private_redis().await, cluster().await);
    let [a, b] = [0, 1].map(|_| process(&redis, Strategy::Coordination, &cluster));
    let mut last = Token::ZERO;
    for _ in 0..3 {
        for (locks, keys) in [(&a, vec!["x y", "z"]), (&b, vec!["z"])] {
            let guard = locks.lock(&Keys::new(keys).unwrap(), soon()).await.unwrap();
            assert!(guard.token().unwrap() > last && guard.check().is_ok());
            last = guard.token().unwrap();
            assert!(guard.release().await.held);
        }
    }
    let guard = lock(&a, "z").await;
    let wait = Request::within(Duration::from_millis(100));
    assert!(matches!(b.lock(&Keys::one("z"), wait).await, Err(LockError::TimedOut { .. })));
    assert!(matches!(b.try_lock(&Keys::one("z"), soon()).await, Err(LockError::Busy { .. })));
    drop(guard);
    assert!(lock(&b, "z").await.token().unwrap() > last);
}
