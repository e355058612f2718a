//! What every test of the API needs.

use coordinator::proto::{
    etcdserverpb::{
        auth_client::AuthClient, kv_client::KvClient, lease_client::LeaseClient, maintenance_client::MaintenanceClient,
        watch_client::WatchClient,
    },
    v3electionpb::election_client::ElectionClient,
    v3lockpb::lock_client::LockClient,
};
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint},
};

use crate::member::{Member, PATIENCE, Place, READY};

/// A cluster of one, and a connection to it.
pub(crate) struct Alone {
    pub(crate) channel: Channel,
    _member: Member,
    _folder: tempfile::TempDir,
}

impl Alone {
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub(crate) async fn start_with(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::new(&folder, "one");
        let mut member = place.start(&[&place], flags);
        member.wait_for(READY);
        Self { channel: connect(&place).await, _member: member, _folder: folder }
    }

    pub(crate) fn kv(&self) -> KvClient<Channel> {
        KvClient::new(self.channel.clone())
    }

    pub(crate) fn watch(&self) -> WatchClient<Channel> {
        WatchClient::new(self.channel.clone()).max_decoding_message_size(usize::MAX)
    }

    pub(crate) fn lease(&self) -> LeaseClient<Channel> {
        LeaseClient::new(self.channel.clone())
    }

    pub(crate) fn maintenance(&self) -> MaintenanceClient<Channel> {
        MaintenanceClient::new(self.channel.clone())
    }

    pub(crate) fn auth(&self) -> AuthClient<Channel> {
        AuthClient::new(self.channel.clone())
    }

    pub(crate) fn lock(&self) -> LockClient<Channel> {
        LockClient::new(self.channel.clone())
    }

    pub(crate) fn election(&self) -> ElectionClient<Channel> {
        ElectionClient::new(self.channel.clone())
    }
}

pub(crate) async fn connect(place: &Place) -> Channel {
    let endpoint = Endpoint::from_shared(place.client_url()).unwrap();
    endpoint.connect_timeout(PATIENCE).timeout(PATIENCE).connect().await.unwrap()
}

/// Code and text of a refusal.
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, Status>) -> (Code, String) {
    let status = result.unwrap_err();
    (status.code(), status.message().to_owned())
}

/// As [`refusal`], to compare with.
pub(crate) fn told(code: Code, text: &str) -> (Code, String) {
    (code, text.to_owned())
}
