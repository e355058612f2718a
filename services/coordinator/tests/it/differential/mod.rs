//! The same random requests to a coordinator and to etcd: the answers must be equal in every field that is neither an
//! identity nor a time.

mod generate;
mod server;
mod watches;

use std::path::PathBuf;

use local::{
    coordinators::Config,
    servers::{Data, Ports},
};

use self::{
    generate::{Generator, Request},
    server::{Answer, Server},
};

/// Requests that are compared.
const REQUESTS: usize = 20_000;
/// The environment variable that names another seed than the one each run takes, which it prints.
const SEED: &str = "PLUMBLINE_SEED";
/// etcd as Debian's etcd-server installs it.
const ETCD: &str = "/usr/bin/etcd";

struct Both {
    ours: Server,
    etcd: Server,
}

impl Both {
    async fn start() -> Self {
        let ours = Config { program: env!("CARGO_BIN_EXE_plumbline-coordinator").into(), ..config() };
        let etcd = Config { program: ETCD.into(), ..config() };
        let (ours, etcd) = tokio::join!(Server::start(ours), Server::start(etcd));
        Self { ours, etcd }
    }

    /// Asks both.
    ///
    /// # Panics
    /// When the answers differ.
    async fn ask(&self, request: Request, context: &str) -> Answer {
        let (ours, etcd) = tokio::join!(self.ours.ask(request.clone()), self.etcd.ask(request.clone()));
        let alike = ours == etcd || matches!(request, Request::Txn(_)) && ours.both_refuse(&etcd);
        assert!(alike, "{context}: {request:#?}\nours: {ours:#?}\netcd: {etcd:#?}");
        etcd
    }
}

fn config() -> Config {
    Config { program: PathBuf::new(), members: 1, ports: Ports::Free, data: Data::Temporary }
}

fn seed() -> u64 {
    let given = std::env::var(SEED).ok().map(|seed| seed.parse().expect("a seed is a number"));
    let seed = given.unwrap_or_else(rand::random);
    eprintln!("{SEED}={seed} repeats this");
    seed
}

#[tokio::test]
async fn answers_are_those_of_etcd() {
    let both = Both::start().await;
    let seed = seed();
    let mut generator = Generator::new(seed);
    let (mut refused, mut empty) = (0, 0);
    for n in 0..REQUESTS {
        let answer = both.ask(generator.request(), &format!("seed {seed}, request {n}")).await;
        generator.revision = generator.revision.max(answer.revision());
        refused += usize::from(matches!(answer, Answer::Refused(..)));
        empty += usize::from(matches!(answer, Answer::Range(range) if range.count == 0));
    }
    // Requests that mostly miss would show nothing.
    assert!(refused < REQUESTS / 4, "{refused} refused");
    assert!(empty < REQUESTS / 4, "{empty} found nothing");
}
