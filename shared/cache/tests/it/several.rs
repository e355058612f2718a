//! Several servers.

use cache::Source;

use crate::stage::{Memcached, Row, cached, config_at, eventually, get, key, process};

#[tokio::test(flavor = "multi_thread")]
async fn one_of_three_that_goes_takes_its_own_keys_alone() {
    let servers = [Memcached::start().await, Memcached::start().await, Memcached::start().await];
    let config = cache::Config {
        patience: std::time::Duration::from_millis(500),
        ..config_at(servers.each_ref().map(Memcached::address))
    };
    let [a, b] = [0, 1].map(|_| process(&config));
    let row = Row::new();
    let names: Vec<String> = (0..60).map(|i| format!("k{i}")).collect();
    for name in &names {
        get(&a, name, &row).await;
    }
    eventually("all are stored", async || {
        let mut all = true;
        for name in &names {
            all &= cached(&b, name).await.is_some();
        }
        all
    })
    .await;
    let mut shares = Vec::new();
    for server in &servers {
        let raw = server.raw().await;
        let mut own = 0;
        for name in &names {
            own += usize::from(raw.get(format!("plumbline/stock.1:{name}")).send().await.unwrap().hit());
        }
        shares.push(own);
    }
    assert_eq!(shares.iter().sum::<usize>(), 60, "each key is on one server");
    assert!(shares.iter().all(|share| *share > 5), "{shares:?}");
    servers[1].kill().await;
    let mut loaded = 0;
    for name in &names {
        loaded += usize::from(get(&b, name, &row).await.source == Source::Loaded);
    }
    assert_eq!(loaded, shares[1]);
    // A change of many keys is told to those that answer.
    let changes = names.iter().map(|name| {
        let changed = row.shown();
        cache::Change { key: key(name), value: changed.value, stamp: crate::stage::at_version(2).stamp }
    });
    a.changed_many(changes).await;
    for name in &names {
        assert_eq!(cached(&b, name).await, None, "{name}");
    }
}
