//! What happens to the members.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rand::{Rng as _, rngs::StdRng, seq::SliceRandom as _};

use super::cluster::Cluster;

/// How long a fault lasts: some longer than an election takes, some not. Milliseconds.
const LASTS: std::ops::Range<u64> = 300..1_300;
/// How long all is well after it.
const CALM: std::ops::Range<u64> = 50..300;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whom {
    Leader,
    Follower,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Kill(Whom),
    KillAll,
    Pause(Whom),
    /// Nothing passes either way between it and the others.
    CutOff(Whom),
    /// It hears nobody, but is heard.
    Deafen(Whom),
    /// It is heard by nobody, but hears.
    Mute(Whom),
}

const FAULTS: [Fault; 11] = [
    Fault::Kill(Whom::Leader),
    Fault::Kill(Whom::Follower),
    Fault::KillAll,
    Fault::Pause(Whom::Leader),
    Fault::Pause(Whom::Follower),
    Fault::CutOff(Whom::Leader),
    Fault::CutOff(Whom::Follower),
    Fault::Deafen(Whom::Leader),
    Fault::Deafen(Whom::Follower),
    Fault::Mute(Whom::Leader),
    Fault::Mute(Whom::Follower),
];

/// Disturbs the cluster for so long, but with each fault once at least; then all is well again. Returns how often each
/// was done.
pub(super) async fn disturb(cluster: &mut Cluster, lasting: Duration, random: &mut StdRng) -> BTreeMap<String, usize> {
    let (began, mut deck, mut done) = (Instant::now(), Vec::new(), BTreeMap::new());
    while began.elapsed() < lasting || done.len() < FAULTS.len() {
        if deck.is_empty() {
            deck = FAULTS.to_vec();
            deck.shuffle(random);
        }
        if let Some(fault) = deck.pop() {
            inflict(cluster, fault, random).await;
            *done.entry(format!("{fault:?}")).or_default() += 1;
        }
        cluster.serving().await;
        last(random.random_range(CALM)).await;
    }
    done
}

async fn inflict(cluster: &mut Cluster, fault: Fault, random: &mut StdRng) {
    let leader = cluster.leader().await;
    let follower = (leader + random.random_range(1..3)) % 3;
    let whom = |whom| if whom == Whom::Leader { leader } else { follower };
    let lasts = random.random_range(LASTS);
    println!("{fault:?} for {lasts} ms; {leader} leads");
    match fault {
        Fault::Kill(victim) => kill(cluster, &[whom(victim)], lasts).await,
        Fault::KillAll => kill(cluster, &[0, 1, 2], lasts / 4).await,
        Fault::Pause(victim) => {
            cluster.pause(whom(victim));
            last(lasts).await;
            cluster.resume(whom(victim));
        }
        Fault::CutOff(victim) => cut_off(cluster, whom(victim), (false, false), lasts).await,
        Fault::Deafen(victim) => cut_off(cluster, whom(victim), (true, false), lasts).await,
        Fault::Mute(victim) => cut_off(cluster, whom(victim), (false, true), lasts).await,
    }
}

async fn kill(cluster: &mut Cluster, victims: &[usize], lasts: u64) {
    cluster.kill(victims);
    last(lasts).await;
    victims.iter().for_each(|victim| cluster.spawn(*victim));
}

async fn cut_off(cluster: &Cluster, victim: usize, (speaks, hears): (bool, bool), lasts: u64) {
    cluster.cut_off(victim, speaks, hears);
    last(lasts).await;
    cluster.links.heal();
}

/// The time a fault takes is what it consists of: there is nothing to wait for.
async fn last(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}
