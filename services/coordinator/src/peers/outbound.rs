//! The driver's side of the links: it must never wait for any of them.

use std::{collections::HashMap, sync::Arc};

use consensus::api::etcdserverpb::Member;
use consensus::eraft::Message;
use tokio::sync::mpsc;

use super::{Peers, QUESTIONS, link};

/// Messages that may wait for one member. Raft repairs what is dropped beyond.
const MESSAGES: usize = 4_096;

/// The ways to all other members.
#[derive(Debug, Default)]
pub(crate) struct Outbound {
    links: HashMap<u64, Link>,
}

#[derive(Debug)]
struct Link {
    urls: Vec<String>,
    messages: mpsc::Sender<Message>,
}

impl Outbound {
    /// Puts a message on its way, without waiting.
    ///
    /// # Errors
    /// Names the member when too much waits for it already.
    pub(crate) fn send(&self, message: Message) -> Result<(), u64> {
        let to = message.to;
        // A message to one that was removed has nowhere to go.
        let Some(link) = self.links.get(&to) else { return Ok(()) };
        link.messages.try_send(message).map_err(|_| to)
    }

    /// Connects to those who are members now, and lets go of the others.
    pub(crate) fn follow(&mut self, peers: &Arc<Peers>, members: &[Member]) {
        let is_current =
            |id: u64, link: &Link| members.iter().any(|member| member.id == id && member.peer_ur_ls == link.urls);
        self.links.retain(|id, link| {
            let stays = is_current(*id, link);
            if !stays {
                peers.remove(*id);
            }
            stays
        });
        for member in members.iter().filter(|member| member.id != peers.own) {
            self.links.entry(member.id).or_insert_with(|| begin(peers, member));
        }
    }
}

fn begin(peers: &Arc<Peers>, member: &Member) -> Link {
    let (messages, to_send) = mpsc::channel(MESSAGES);
    let (questions, to_ask) = mpsc::channel(QUESTIONS);
    peers.add(member, questions);
    tracing::info!(
        peer = %format_args!("{:x}", member.id),
        urls = member.peer_ur_ls.join(","),
        "started remote peer"
    );
    tokio::spawn(link::run(Arc::clone(peers), member.id, member.peer_ur_ls.clone(), to_send, to_ask));
    Link { urls: member.peer_ur_ls.clone(), messages }
}
