//! One server under test, and its answers without what must differ.

use consensus::api::etcdserverpb::{
    CompactionResponse, DeleteRangeResponse, LeaseGrantResponse, LeaseLeasesRequest, LeaseLeasesResponse,
    LeaseRevokeResponse, LeaseTimeToLiveResponse, PutResponse, RangeResponse, ResponseHeader, TxnResponse,
};
use coordinator::proto::etcdserverpb::{kv_client::KvClient, lease_client::LeaseClient};
use local::coordinators::{Config, Coordinators};
use tonic::{Code, Status, transport::Channel};

use super::generate::Request;

pub(super) struct Server {
    pub(super) channel: Channel,
    _cluster: Coordinators,
}

/// What a server answered, without identities and times.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    Range(RangeResponse),
    Put(PutResponse),
    DeleteRange(DeleteRangeResponse),
    Txn(TxnResponse),
    Compact(CompactionResponse),
    Grant(LeaseGrantResponse),
    Revoke(LeaseRevokeResponse),
    TimeToLive(LeaseTimeToLiveResponse),
    Leases(LeaseLeasesResponse),
    Refused(Code, String),
}

impl Server {
    pub(super) async fn start(config: Config) -> Self {
        let cluster = Coordinators::start(config).await.unwrap();
        let endpoint = cluster.endpoints().remove(0);
        let channel = Channel::from_shared(endpoint).unwrap().connect().await.unwrap();
        Self { channel, _cluster: cluster }
    }

    pub(super) async fn ask(&self, request: Request) -> Answer {
        self.answer(request).await.unwrap_or_else(|status| Answer::Refused(status.code(), status.message().to_owned()))
    }

    async fn answer(&self, request: Request) -> Result<Answer, Status> {
        let mut kv = KvClient::new(self.channel.clone());
        let mut lease = LeaseClient::new(self.channel.clone());
        let mut answer = match request {
            Request::Range(range) => Answer::Range(kv.range(range).await?.into_inner()),
            Request::Put(put) => Answer::Put(kv.put(put).await?.into_inner()),
            Request::DeleteRange(delete) => Answer::DeleteRange(kv.delete_range(delete).await?.into_inner()),
            Request::Txn(txn) => Answer::Txn(kv.txn(txn).await?.into_inner()),
            Request::Compact(compact) => Answer::Compact(kv.compact(compact).await?.into_inner()),
            Request::Grant(grant) => Answer::Grant(lease.lease_grant(grant).await?.into_inner()),
            Request::Revoke(revoke) => Answer::Revoke(lease.lease_revoke(revoke).await?.into_inner()),
            Request::TimeToLive(asked) => Answer::TimeToLive(lease.lease_time_to_live(asked).await?.into_inner()),
            Request::Leases => Answer::Leases(lease.lease_leases(LeaseLeasesRequest {}).await?.into_inner()),
        };
        answer.forget_identities();
        Ok(answer)
    }
}

impl Answer {
    /// The revision of the answer's header; 0 of a refusal.
    pub(super) fn revision(&self) -> i64 {
        self.clone().header().map_or(0, |header| header.revision)
    }

    /// Whether both refuse a transaction. Where it has several faults, the releases of etcd name different ones.
    pub(super) fn both_refuse(&self, other: &Self) -> bool {
        let refused = |answer: &Self| {
            matches!(answer, Self::Refused(Code::OutOfRange | Code::InvalidArgument | Code::NotFound, _))
        };
        refused(self) && refused(other)
    }

    fn header(&mut self) -> Option<&mut ResponseHeader> {
        let header = match self {
            Self::Range(answer) => &mut answer.header,
            Self::Put(answer) => &mut answer.header,
            Self::DeleteRange(answer) => &mut answer.header,
            Self::Txn(answer) => &mut answer.header,
            Self::Compact(answer) => &mut answer.header,
            Self::Grant(answer) => &mut answer.header,
            Self::Revoke(answer) => &mut answer.header,
            Self::TimeToLive(answer) => &mut answer.header,
            Self::Leases(answer) => &mut answer.header,
            Self::Refused(..) => return None,
        };
        header.as_mut()
    }

    fn forget_identities(&mut self) {
        if let Some(header) = self.header() {
            *header = ResponseHeader { revision: header.revision, ..ResponseHeader::default() };
        }
        match self {
            // What is left of a lease is a time; its keys and the list of leases come in no order.
            Self::TimeToLive(answer) => {
                answer.ttl = answer.ttl.min(1);
                answer.keys.sort();
            }
            Self::Leases(answer) => answer.leases.sort_by_key(|lease| lease.id),
            _ => {}
        }
    }
}
