//! How long it is felt that the leader is gone.
//!
//! `PLUMBLINE_FAULTS_KILLS=60 cargo test -p coordinator --test it writes_go_on_soon -- --nocapture` measures it on a machine
//! that does nothing else, and holds it to two election timeouts.

use std::time::{Duration, Instant};

use coordinator::proto::etcdserverpb::kv_client::KvClient;
use tokio::time::{interval, timeout};
use tonic::transport::Channel;

use super::{asked, cluster::Cluster, requests::write};
use crate::member::PATIENCE;

/// The default.
const ELECTION: Duration = Duration::from_secs(1);
/// Election timeouts until writes go on: on a machine to itself, and on one that runs other tests meanwhile.
const BOUNDS: (u32, u32) = (2, 4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_go_on_soon_after_the_leader_is_killed() {
    let mut cluster = Cluster::start(&["--log-level=debug"]).await;
    let mut clients: Vec<_> = cluster.all().map(|member| cluster.connect(member)).collect();
    let (kills, bound) = match asked("PLUMBLINE_FAULTS_KILLS", 0) {
        0 => (3, BOUNDS.1),
        measured => (measured, BOUNDS.0),
    };
    let (mut felt, mut told) = (Vec::new(), Vec::new());
    for kill in 0..kills {
        let leader = cluster.leader().await;
        for client in &mut clients {
            // Connections are there, and used, before the leader goes.
            put(client, kill).await;
        }
        let (one, other) = (clients[(leader + 1) % 3].clone(), clients[(leader + 2) % 3].clone());
        let at_the_leader = tokio::spawn(put_until_it_fails(clients[leader].clone(), kill));
        let killed = Instant::now();
        cluster.kill(&[leader]);
        tokio::select! {
            () = put_in_the_end(one, kill) => (),
            () = put_in_the_end(other, kill) => (),
        }
        felt.push(killed.elapsed());
        told.push(at_the_leader.await.unwrap() - killed);
        if killed.elapsed() > ELECTION * BOUNDS.0 {
            println!("kill {kill} was felt for {:?}", killed.elapsed());
            cluster.show().await;
        }
        if kill % 2 == 0 {
            // Members that were started at once are the likeliest to ask for votes at once.
            cluster.kill(&[(leader + 1) % 3, (leader + 2) % 3]);
            cluster.all().for_each(|member| cluster.spawn(member));
        } else {
            cluster.spawn(leader);
        }
        cluster.serving().await;
    }
    felt.sort();
    told.sort();
    println!("until whoever asked the dead leader was told: {told:?}");
    let median = felt[felt.len() / 2];
    println!("until a write was acknowledged again, {kills} times: {felt:?}; median {median:?}");
    assert!(felt.iter().all(|felt| *felt < ELECTION * bound), "{felt:?}");
}

async fn put(client: &mut KvClient<Channel>, value: u64) {
    timeout(PATIENCE, put_in_the_end(client.clone(), value)).await.unwrap();
}

/// When a call fails. Whoever makes it goes to another member then.
async fn put_until_it_fails(mut client: KvClient<Channel>, value: u64) -> Instant {
    while client.put(write("key", value)).await.is_ok() {}
    Instant::now()
}

async fn put_in_the_end(mut client: KvClient<Channel>, value: u64) {
    let mut pace = interval(Duration::from_millis(5));
    loop {
        pace.tick().await;
        if client.put(write("key", value)).await.is_ok() {
            return;
        }
    }
}
