//! What isn't an order's: products, stock, coordinators, the model.

use std::collections::BTreeSet;

use local::shop::Service;

use crate::shop::{
    traces::{
        documented::Documented,
        model::{Answer, Trace},
    },
    trial::Trial,
};

/// Every trace there is, of whatever service, is of documented spans, save requests that only read; and these are there.
pub(super) async fn are_documented(trial: &Trial, instances: u16) {
    let documented = Documented::read();
    let mut seen = BTreeSet::new();
    for service in Service::ALL {
        let store = trial.shop.traces().unwrap();
        let url = format!("http://{store}/api/traces?service={}&limit=10000&lookback=1h", service.name());
        let answer: Answer = reqwest::get(url).await.unwrap().json().await.unwrap();
        for trace in answer.data.iter().filter(|trace| !is_reading(trace)) {
            trace.runs_forward();
            documented.holds(trace);
            seen.extend(trace.shape().into_keys());
        }
    }
    let mut expected = vec![
        "inventory: put product",
        "order: process catalog.v1",
        "inventory: adjust stock",
        "order: etcdserverpb.KV/Txn",
        "inventory: etcdserverpb.KV/Range",
        "recommendation: etcdserverpb.Lease/LeaseGrant",
    ];
    if instances > 1 {
        expected.push("recommendation: GET");
    }
    for what in expected {
        assert!(seen.contains(what), "no {what} among {seen:?}");
    }
}

fn is_reading(trace: &Trace) -> bool {
    trace.spans.iter().any(|span| span.operation_name.starts_with("GET /")) && trace.spans.len() == 1
}
