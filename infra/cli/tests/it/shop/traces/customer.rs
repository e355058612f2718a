//! A customer of a shop, who learns of each request which trace it is.

use std::time::{Duration, Instant};

use contracts::order::Order;
use local::shop::Service;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{
    PATIENCE,
    documented::Documented,
    model::{Answer, Trace},
};
use crate::shop::trial::{OF_TRIALS, Trial};

pub(super) struct Customer<'a> {
    trial: &'a Trial,
    client: Client,
    documented: Documented,
}

/// An answer, and its trace's id.
pub(super) struct Answered<T> {
    pub(super) status: StatusCode,
    pub(super) body: T,
    pub(super) trace: String,
}

impl<'a> Customer<'a> {
    pub(super) fn of(trial: &'a Trial) -> Self {
        Self { trial, client: Client::new(), documented: Documented::read() }
    }

    /// Orders so many pieces, with these headers.
    pub(super) async fn orders(&self, quantity: u32, headers: &[(&str, &str)]) -> Answered<Order> {
        let Answered { status, body, trace } = self.tries_to_order(quantity, headers).await;
        Answered { status, body: serde_json::from_value(body).unwrap(), trace }
    }

    /// The same where something else than an order may be answered.
    pub(super) async fn tries_to_order(&self, quantity: u32, headers: &[(&str, &str)]) -> Answered<Value> {
        let body = json!({ "lines": [{ "sku": OF_TRIALS, "quantity": quantity }] });
        let request = self.client.post(format!("{}/orders", self.order_service())).json(&body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        answered(request).await
    }

    pub(super) async fn cancels(&self, order: &Order) -> Answered<Value> {
        answered(self.client.post(format!("{}/orders/{}/cancel", self.order_service(), order.id))).await
    }

    fn order_service(&self) -> String {
        self.trial.urls(Service::Order).swap_remove(0)
    }

    /// The trace as soon as it holds what is looked for.
    pub(super) async fn sees(&self, id: &str, what: impl Fn(&Trace) -> bool) -> Trace {
        let url = format!("http://{}/api/traces/{id}", self.trial.shop.traces().unwrap());
        let begin = Instant::now();
        let mut last = None;
        while begin.elapsed() < PATIENCE {
            let response = self.client.get(&url).send().await.unwrap();
            if response.status().is_success() {
                let Answer { mut data } = response.json().await.unwrap();
                let trace = data.swap_remove(0);
                if what(&trace) {
                    return trace;
                }
                last = Some(trace);
            }
            sleep(Duration::from_millis(100)).await;
        }
        panic!("{id} is {last:#?}")
    }

    /// The same of a trace that is whole then: without orphans, and of documented spans only.
    pub(super) async fn is_told(&self, id: &str, what: impl Fn(&Trace) -> bool) -> Trace {
        let trace = self.sees(id, |trace| trace.orphans().is_empty() && what(trace)).await;
        trace.holds_together();
        self.documented.holds(&trace);
        trace
    }

    /// A trace of which a process that was killed has taken spans along: documented as far as it goes.
    pub(super) async fn is_told_in_part(&self, id: &str, what: impl Fn(&Trace) -> bool) -> Trace {
        let trace = self.sees(id, what).await;
        trace.runs_forward();
        self.documented.holds(&trace);
        trace
    }
}

async fn answered(request: RequestBuilder) -> Answered<Value> {
    let response: Response = request.send().await.unwrap();
    let status = response.status();
    let header = response.headers().get("traceresponse").expect("every request here is recorded");
    let trace = header.to_str().unwrap().split('-').nth(1).unwrap().to_owned();
    Answered { status, trace, body: response.json().await.unwrap() }
}
