//! What a service shows at each level, right or wrong, is seen as it is.

use std::time::Duration;

use contracts::consistency::Level;
use driver::{
    Targets,
    consistency::{self, Oldest, Report, Rule, Trial},
    seed::Seeding,
};

use crate::server::{Server, token};

const OLDEST: Oldest = Oldest { cache: Duration::from_secs(1), replica: Duration::from_secs(1) };

async fn tried(server: &Server, trial: Trial) -> Report {
    Seeding::new(server.targets(), server.targets(), token()).run(&trial.wares().unwrap(), |_| {}).await.unwrap();
    Report::of(&consistency::run(trial, |_| {}).await.unwrap(), OLDEST)
}

fn trial(inventory: Targets) -> Trial {
    Trial { operations: 3_000, clients: 8, products: 3, ..Trial::new(inventory, token()) }
}

#[tokio::test]
async fn a_service_that_keeps_its_promises_passes_and_what_its_copies_lack_is_told() {
    let server = Server::well();
    server.state.books.open().behind = Some(Duration::from_millis(20));
    let report = tried(&server, trial(server.targets())).await;

    assert!(report.passed(), "{report:#?}");
    assert_eq!((report.operations, report.first.len(), report.unanswered.len()), (3_000, 0, 0));
    assert!(report.sessions >= 3_000 / 100, "{}", report.sessions);
    let reads: u64 = report.levels.iter().map(|level| level.reads).sum();
    assert_eq!(reads + report.writes.acknowledged, 3_000);
    let eventual = report.levels.last().unwrap();
    assert_eq!((eventual.level, eventual.by_replica), (Level::Eventual, eventual.reads));
    assert!(eventual.behind_strong > 0 && eventual.behind_session > 0 && eventual.behind_monotonic > 0);
    assert!((19.9..20.1).contains(&eventual.age_ms.p50), "{eventual:#?}");
    assert_eq!(report.never_weaker(), [Level::Session, Level::Monotonic], "the primary answers those");
}

#[tokio::test]
async fn a_service_that_shows_what_is_old_as_if_it_were_new_is_found_out() {
    let server = Server::well();
    {
        let mut page = server.state.books.open();
        (page.behind, page.lies) = (Some(Duration::from_millis(20)), true);
    }
    let report = tried(&server, trial(server.targets())).await;

    assert!(!report.passed() && report.first.len() == 10, "{report:#?}");
    for rule in [Rule::Linearizable, Rule::ReadYourWrites, Rule::HonestAge] {
        assert!(report.by_rule.get(&rule).is_some_and(|count| *count > 0), "{rule:?}: {:?}", report.by_rule);
    }
    let told = &report.first[0];
    assert!(told.sku.starts_with("CONSISTENCY-000") && told.against.is_some(), "{told:?}");
    assert!(told.operation.to_string().contains("shown version"), "{}", told.operation);
    assert!(report.levels.iter().all(|level| level.violations > 0), "{report:#?}");
}

#[tokio::test]
async fn operations_are_spread_over_the_time_that_they_are_to_last() {
    let server = Server::well();
    let lasting = Duration::from_millis(1_500);
    let report = tried(&server, Trial { operations: 300, lasting, ..trial(server.targets()) }).await;
    assert!(report.passed() && report.seconds >= 1.4, "{report:#?}");
}

#[tokio::test]
async fn an_instance_that_is_away_is_counted_and_hides_nothing() {
    let server = Server::well();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let away = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let both = Targets::parse([server.url(), away]).unwrap();
    let report = tried(&server, Trial { operations: 400, ..trial(both) }).await;
    assert!(report.passed(), "{report:#?}");
    assert!(report.unanswered["no connection"] > 0, "{:?}", report.unanswered);
    assert_eq!(report.writes.refused + report.writes.unknown, 0, "a write goes on to the next instance");
}

#[test]
fn a_trial_that_makes_no_sense_is_refused() {
    let server = Server::well();
    let trial = || trial(server.targets());
    assert!(Trial { operations: 0, ..trial() }.wares().unwrap_err().to_string().contains("operations must be 1 to"));
    assert!(Trial { clients: 0, ..trial() }.wares().unwrap_err().to_string().contains("clients must be 1 to"));
    assert!(Trial { products: 10_000, ..trial() }.wares().unwrap_err().to_string().contains("products must be 1 to"));
    assert!(Trial { write_share: 1.5, ..trial() }.wares().unwrap_err().to_string().contains("part of writes"));
}
