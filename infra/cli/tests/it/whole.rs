//! A shop from `up` to `down`, by the command alone, and what is left of it.

use std::{fs, os::unix::fs::PermissionsExt, process::Stdio};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::installation::{Installation, Outcome, eventually};

/// Ten orders of one customer, one return, and a charge that is no goods.
const FILE: &str = "tests/it/orders.csv";

pub(crate) fn terminate(pid: u32, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), signal).unwrap();
}

#[test]
fn a_shop_is_started_filled_used_broken_audited_and_stopped() {
    let shop = Installation::new();
    let up = shop.up();
    for words in ["postgres", "kafka", "inventory#1", "up in", "operator token"] {
        assert!(up.stdout.contains(words), "{words}: {}", up.stdout);
    }
    let token = fs::metadata(shop.data_dir().join("operator-token")).unwrap();
    assert_eq!(token.permissions().mode() & 0o777, 0o600);
    shop.run(&["up", "--detach"]).failure(1, &["already runs", "./plumbline down", "--data-dir"]);

    let file = format!("{}/{FILE}", env!("CARGO_MANIFEST_DIR"));
    let seeded = shop.run(&["seed", &file]).success();
    assert!(seeded.stdout.contains("2 products, 2 of them new"), "{}", seeded.stdout);
    let again = shop.run(&["seed", &file]).success();
    assert!(again.stdout.contains("stock added for 0; 2 had it already"), "{}", again.stdout);

    let order = shop.run(&["order", "85123A=2", "--key", "k1"]).success();
    for words in ["CONFIRMED", "placed", "published", "received", "reserved", "confirmed"] {
        assert!(order.stdout.contains(words), "{words}: {}", order.stdout);
    }
    let greedy = shop.run(&["order", "85123A=1000000"]).success();
    assert!(greedy.stdout.contains("REJECTED") && greedy.stdout.contains("not enough of 85123A"), "{}", greedy.stdout);
    shop.run(&["order", "NOSUCH=1"]).failure(1, &["answered 400", "/lines/0/sku"]);

    shop.run(&["kill", "inventory"]).success();
    let status = shop.run(&["status"]).success();
    assert!(
        status.stdout.lines().any(|line| line.starts_with("inventory#1") && line.contains("killed")),
        "{status:#?}"
    );
    let waiting = shop.run(&["order", "85123A=1", "--wait", "0"]).success();
    assert!(waiting.stdout.contains("PENDING"), "{}", waiting.stdout);
    shop.run(&["audit", "--patience", "0"]).failure(1, &[]);
    shop.run(&["restart", "inventory"]).success();

    let replay = shop.run(&["load", "replay", &file, "--rate", "50"]).success();
    assert!(replay.stdout.contains("acknowledged"), "{}", replay.stdout);
    let audit = shop.run(&["audit"]).success();
    assert!(audit.stdout.contains("every order is right"), "{}", audit.stdout);
    let logs = shop.run(&["logs", "order", "-n", "5"]).success();
    assert!(!logs.stdout.is_empty());
    shop.run(&["logs", "till"]).failure(1, &["till has no log", "kafka"]);

    shop.run(&["down"]).success();
    // The supervisor has given the folder back, and takes some milliseconds to end.
    eventually("nothing is left", || shop.processes().is_empty());
    shop.run(&["status"]).failure(1, &["no shop runs on"]);

    shop.up();
    let kept = shop.run(&["audit"]).success();
    assert_eq!(counts(&kept), counts(&audit), "data stays");
}

/// The lines that tell how much there is.
fn counts(audit: &Outcome) -> Vec<&str> {
    audit.stdout.lines().take(5).collect()
}

#[test]
fn an_audit_that_finds_something_names_it_and_fails() {
    let shop = Installation::new();
    shop.up();
    let file = format!("{}/{FILE}", env!("CARGO_MANIFEST_DIR"));
    shop.run(&["seed", &file]).success();
    shop.run(&["kill", "inventory"]).success();
    shop.run(&["order", "85123A=1", "--wait", "0"]).success();
    let audit = shop.run(&["audit", "--patience", "0"]);
    assert_eq!(audit.code, Some(1), "{audit:#?}");
    assert!(audit.stdout.contains("every_order_is_final") && audit.stdout.contains("PENDING"), "{audit:#?}");
    let json = shop.run(&["audit", "--patience", "0", "--json"]);
    assert_eq!(json.code, Some(1));
    assert!(serde_json::from_str::<serde_json::Value>(&json.stdout).is_ok(), "{}", json.stdout);
}

#[test]
fn a_demonstration_ends_with_an_audit_and_leaves_the_shop_running() {
    let shop = Installation::new();
    let file = format!("{}/{FILE}", env!("CARGO_MANIFEST_DIR"));
    let demo = ["demo", &shop.port_offset(), "--file", &file, "--rate", "20"];
    let first = shop.run(&demo).success();
    for words in ["every order is right", "/docs", "./plumbline down", "stock added for 2"] {
        assert!(first.stdout.contains(words), "{words}: {}", first.stdout);
    }
    let second = shop.run(&demo).success();
    assert!(second.stdout.contains("runs already"), "{}", second.stdout);
    shop.run(&["status"]).success();
}

#[test]
fn ctrl_c_and_the_supervisors_death_leave_no_process_behind() {
    for signal in [Signal::SIGINT, Signal::SIGKILL] {
        let shop = Installation::new();
        let mut up = shop.command(&["up", &shop.port_offset()]);
        let mut child = up.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        eventually("the shop is up", || shop.run(&["status"]).code == Some(0));
        terminate(child.id(), signal);
        child.wait().unwrap();
        eventually("nothing is left", || shop.processes().is_empty());
    }
}

#[test]
fn a_taken_port_is_told_with_its_holder_and_nothing_is_left() {
    let shop = Installation::new();
    let holder = format!("process {}", std::process::id());
    for (port, part) in [(8081, "order#1"), (8092, "coordinator#2"), (8096, "coordinator#3")] {
        let taken = std::net::TcpListener::bind(("127.0.0.1", shop.port(port))).unwrap();
        shop.run(&["up", "--detach", &shop.port_offset()]).failure(1, &[part, &holder, "--port-offset"]);
        assert_eq!(shop.processes(), Vec::<String>::new());
        drop(taken);
    }
}
