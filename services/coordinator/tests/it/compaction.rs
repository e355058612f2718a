//! History that is given up without anybody asking.

use consensus::api::etcdserverpb::{PutRequest, RangeRequest};
use coordinator::proto::etcdserverpb::kv_client::KvClient;
use tonic::{Code, transport::Channel};

use crate::grpc::Alone;

async fn put(kv: &mut KvClient<Channel>) -> i64 {
    let put = PutRequest { key: "key".into(), value: "value".into(), ..PutRequest::default() };
    kv.put(put).await.unwrap().into_inner().header.unwrap().revision
}

/// Waits until a revision can't be read any more, while others come.
async fn await_compaction(kv: &mut KvClient<Channel>, revision: i64) {
    loop {
        let read = RangeRequest { key: "key".into(), revision, ..RangeRequest::default() };
        match kv.range(read).await {
            Ok(_) => drop(put(kv).await),
            Err(refusal) => {
                assert_eq!(refusal.code(), Code::OutOfRange);
                assert_eq!(refusal.message(), "etcdserver: mvcc: required revision has been compacted");
                return;
            }
        }
    }
}

#[tokio::test]
async fn history_older_than_a_period_is_given_up() {
    let alone = Alone::start_with(&["--auto-compaction-mode=periodic", "--auto-compaction-retention=300ms"]).await;
    let mut kv = alone.kv();
    let first = put(&mut kv).await;
    let began = std::time::Instant::now();
    await_compaction(&mut kv, first).await;
    assert!(began.elapsed().as_millis() >= 250, "{:?}", began.elapsed());
    let last = put(&mut kv).await;
    let newest = RangeRequest { key: "key".into(), revision: last, ..RangeRequest::default() };
    assert_eq!(kv.range(newest).await.unwrap().into_inner().kvs.len(), 1, "what is young stays");
}
