//! Jaeger in the place of the trace store, by the command alone.

use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::time::{sleep, timeout};

use crate::{
    installation::{Installation, Outcome, eventually},
    whole::terminate,
};

const FILE: &str = "tests/it/orders.csv";
/// How long an order may take, and its spans to come in.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn what_is_no_jaeger_is_named_and_nothing_is_left() {
    let shop = Installation::new();
    let mut up = shop.command(&["up", "--detach", "--jaeger", &shop.port_offset()]);
    let outcome = Outcome::of(up.env("PLUMBLINE_JAEGER", "/bin/true"));
    outcome.failure(1, &["/bin/true is no Jaeger of version 2", "PLUMBLINE_JAEGER"]);
    assert_eq!(shop.processes(), Vec::<String>::new());
    shop.run(&["up", "--jaeger", "--traces=embedded"]).failure(2, &["cannot be used with"]);
}

#[tokio::test]
#[ignore = "takes Jaeger, and minutes where it must be built first: ./plumbline test --with jaeger"]
async fn an_orders_link_leads_to_its_trace_in_jaeger_which_comes_back() {
    let shop = Installation::new();
    let up = shop.run(&["up", "--detach", "--jaeger", &shop.port_offset()]).success();
    assert!(up.stdout.lines().any(|line| line.starts_with("jaeger") && line.contains("installed")), "{}", up.stdout);
    shop.run(&["seed", &format!("{}/{FILE}", env!("CARGO_MANIFEST_DIR"))]).success();
    let order = shop.run(&["order", "85123A=2"]).success();
    let link = order.stdout.lines().find_map(|line| line.strip_prefix("trace ")).unwrap();
    let page = text(link).await;
    assert!(page.contains("<html"), "{page}");
    let trace = link.replace("/trace/", "/api/traces/");
    let whole = async {
        while !text(&trace).await.contains("process stock.v1") {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, whole).await.unwrap();
    let pid = traces(&shop)[3].parse().unwrap();
    terminate(pid, Signal::SIGKILL);
    // What it had is gone, as it was in its memory.
    eventually("Jaeger is back", || {
        let now = traces(&shop);
        now[1] == "ready" && now[3] != pid.to_string()
    });
}

async fn text(url: &str) -> String {
    reqwest::get(url).await.unwrap().text().await.unwrap()
}

/// The trace store's line of `status`: part, state, address, process and so on.
fn traces(shop: &Installation) -> Vec<String> {
    let status = shop.run(&["status"]).success();
    let line = status.stdout.lines().find(|line| line.starts_with("traces")).unwrap();
    line.split_whitespace().map(str::to_owned).collect()
}
