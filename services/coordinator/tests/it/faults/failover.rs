//! How long it is felt that the leader is gone.

use std::time::{Duration, Instant};

use coordinator::proto::etcdserverpb::kv_client::KvClient;
use tokio::time::{interval, timeout};
use tonic::transport::Channel;

use super::{asked, cluster::Cluster, requests::write};
use crate::member::PATIENCE;

/// The default.
const ELECTION: Duration = Duration::from_secs(1);
/// A machine that does much else is slow at everything; on an idle one two are enough.
const BOUND: u32 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_go_on_soon_after_the_leader_is_killed() {
    let mut cluster = Cluster::start(&["--log-level=debug"]).await;
    let mut clients: Vec<_> = cluster.all().map(|member| cluster.connect(member)).collect();
    let mut felt = Vec::new();
    for kill in 0..asked("PLUMBLINE_FAULTS_KILLS", 3) {
        let leader = cluster.leader().await;
        for client in &mut clients {
            // Connections are there, and used, before the leader goes.
            put(client, kill).await;
        }
        let (one, other) = (clients[(leader + 1) % 3].clone(), clients[(leader + 2) % 3].clone());
        let killed = Instant::now();
        cluster.kill(&[leader]);
        tokio::select! {
            () = put_in_the_end(one, kill) => (),
            () = put_in_the_end(other, kill) => (),
        }
        let until = killed.elapsed();
        if until > ELECTION * 2 {
            println!("kill {kill} was felt for {until:?}");
            cluster.show().await;
        }
        felt.push(until);
        cluster.spawn(leader);
        cluster.serving().await;
    }
    felt.sort();
    println!("until a write was acknowledged again: {felt:?}; median {:?}", felt[felt.len() / 2]);
    assert!(felt.iter().all(|felt| *felt < ELECTION * BOUND), "{felt:?}");
}

async fn put(client: &mut KvClient<Channel>, value: u64) {
    timeout(PATIENCE, put_in_the_end(client.clone(), value)).await.unwrap();
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
