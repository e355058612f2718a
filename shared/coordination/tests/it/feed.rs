//! Every change once and in order, whatever happens to connections and coordinators.

use coordination::{
    Cluster, Config,
    feed::{Change, Feed, Update},
};
use etcd_client::Client;
use local::testing;

use crate::{
    proxy::Proxy,
    stage::{client, cluster, kill_asked, soon},
};

/// A writer that knows nothing of the crate.
async fn writer(cluster: &Cluster) -> Client {
    Client::connect(&cluster.config().endpoints, None).await.unwrap()
}

async fn put(writer: &mut Client, cluster: &Cluster, key: &str, value: u32) {
    writer.put(format!("{}/keys/{key}", cluster.config().prefix), value.to_string(), None).await.unwrap();
}

fn value(bytes: &[u8]) -> u32 {
    String::from_utf8_lossy(bytes).parse().unwrap()
}

/// Reads until the value `last` has been told; all values, in the order in which they were told.
async fn read_until(feed: &mut Feed, last: u32) -> Vec<u32> {
    let mut values = Vec::new();
    while values.last() != Some(&last) {
        let Update::Changes(changes) = soon("the next change", feed.next()).await else { panic!("listed again") };
        values.extend(changes.iter().map(|change| match change {
            Change::Put(entry) => value(&entry.value),
            Change::Delete { key, .. } => panic!("{key} was not deleted"),
        }));
    }
    values
}

async fn behind(proxy: &Proxy, cluster: &Cluster) -> (Cluster, Feed) {
    let cluster = Cluster::new(Config::new([proxy.endpoint()], &cluster.config().prefix)).unwrap();
    let feed = Feed::new(&cluster, "keys/");
    (cluster, feed)
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_what_there_is_and_then_what_changes() {
    let cluster = cluster().await;
    let mut writer = writer(&cluster).await;
    put(&mut writer, &cluster, "b", 1).await;
    put(&mut writer, &cluster, "a", 2).await;
    let mut feed = Feed::new(&cluster, "keys/");
    let Update::List(list) = feed.next().await else { panic!("the list comes first") };
    let keys: Vec<_> = list.iter().map(|entry| (entry.key.as_str(), value(&entry.value))).collect();
    assert_eq!(keys, [("b", 1), ("a", 2)], "in the order of creation");

    put(&mut writer, &cluster, "b", 3).await;
    writer.delete(format!("{}/keys/a", cluster.config().prefix), None).await.unwrap();
    let mut changes = Vec::new();
    while changes.len() < 2 {
        let Update::Changes(more) = soon("the next change", feed.next()).await else { panic!("changes follow") };
        changes.extend(more);
    }
    assert!(matches!(&changes[0], Change::Put(entry) if entry.create_revision == list[0].create_revision));
    assert!(matches!(&changes[1], Change::Delete { key, .. } if key == "a"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_comes_once_through_a_connection_that_is_cut_all_the_time() {
    let cluster = cluster().await;
    let proxy = Proxy::start(&testing::coordinators().await.endpoints()[0]).await;
    let (_behind, mut feed) = behind(&proxy, &cluster).await;
    assert_eq!(feed.next().await, Update::List(Vec::new()));
    let mut writer = writer(&cluster).await;
    let writing = async {
        for n in 1..=500 {
            put(&mut writer, &cluster, &format!("k{}", n % 7), n).await;
            if n % 20 == 0 {
                proxy.cut();
            }
        }
    };
    let (values, ()) = tokio::join!(read_until(&mut feed, 500), writing);
    assert_eq!(values, (1..=500).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_comes_once_while_members_die() {
    let coordinators = testing::private_coordinators(3).await;
    let watching = client(&coordinators);
    let mut feed = Feed::new(&watching, "keys/");
    assert_eq!(feed.next().await, Update::List(Vec::new()));
    for round in 0..2 {
        let killed = kill_asked(&coordinators, &watching).await;
        // One that lives, so that every write has an answer and is made once.
        let endpoints = coordinators.endpoints();
        let living = endpoints.iter().enumerate().find(|(member, _)| *member != killed).unwrap().1;
        let mut writer = Client::connect([living], None).await.unwrap();
        let first = round * 100 + 1;
        for n in first..first + 100 {
            while writer.put(format!("test/keys/{n}"), n.to_string(), None).await.is_err() {}
        }
        let values = read_until(&mut feed, first + 99).await;
        assert!(values.is_sorted(), "{values:?}");
        let mut distinct = values.clone();
        distinct.dedup();
        assert_eq!(distinct, (first..first + 100).collect::<Vec<_>>());
        coordinators.restart(killed).await.unwrap();
    }
    coordinators.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_compacted_meanwhile_is_listed_again() {
    let coordinators = testing::private_coordinators(1).await;
    let (direct, proxy) = (client(&coordinators), Proxy::start(&coordinators.endpoints()[0]).await);
    let (_behind, mut feed) = behind(&proxy, &direct).await;
    assert_eq!(feed.next().await, Update::List(Vec::new()));
    let mut writer = writer(&direct).await;
    put(&mut writer, &direct, "a", 1).await;
    assert_eq!(read_until(&mut feed, 1).await, [1]);

    proxy.freeze();
    for n in 2..=5 {
        put(&mut writer, &direct, "a", n).await;
    }
    let revision = writer.put("any", "", None).await.unwrap().header().unwrap().revision();
    writer.compact(revision, None).await.unwrap();
    proxy.cut();
    let Update::List(list) = soon("the list", feed.next()).await else { panic!("the changes are gone") };
    assert_eq!(list.iter().map(|entry| value(&entry.value)).collect::<Vec<_>>(), [5]);
    put(&mut writer, &direct, "a", 6).await;
    assert_eq!(read_until(&mut feed, 6).await, [6]);
    coordinators.stop().await;
}
