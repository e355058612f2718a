//! Speaking to the shop's services over HTTP.

use contracts::problem::Problem;
use local::shop::Service;
use reqwest::Response;
use serde::de::DeserializeOwned;

use crate::control::Overview;

/// A service did not give what it was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    /// No answer.
    #[error("{url} does not answer: {source}")]
    Silent {
        /// What was asked.
        url: String,
        /// Why.
        source: reqwest::Error,
    },
    /// It refused, with problem details.
    #[error("{url} answered {status}: {}", explain(.problem))]
    Refused {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What the service says.
        problem: Box<Problem>,
    },
    /// It answered something else.
    #[error("{url} answered {status} with something that can't be read: {source}")]
    Unreadable {
        /// What was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// Why it can't be read.
        source: reqwest::Error,
    },
}

fn explain(problem: &Problem) -> String {
    let faults = problem.errors.iter().map(|fault| {
        let place = fault.pointer.as_deref().or(fault.parameter.as_deref()).unwrap_or_default();
        format!("\n  {place}: {}", fault.detail)
    });
    format!("{}{}", problem.detail, faults.collect::<String>())
}

/// The body of an answer.
pub(crate) async fn read<T: DeserializeOwned>(
    url: &str,
    answer: Result<Response, reqwest::Error>,
) -> Result<T, HttpError> {
    let answer = answer.map_err(|source| HttpError::Silent { url: url.to_owned(), source })?;
    let status = answer.status();
    let unreadable = |source| HttpError::Unreadable { url: url.to_owned(), status: status.as_u16(), source };
    if status.is_success() {
        return answer.json().await.map_err(unreadable);
    }
    let problem = Box::new(answer.json().await.map_err(unreadable)?);
    Err(HttpError::Refused { url: url.to_owned(), status: status.as_u16(), problem })
}

/// The URLs of a service's instances in a running shop.
pub(crate) fn urls(overview: &Overview, service: Service) -> Vec<String> {
    let found = overview.endpoints.services.iter().find(|(name, _)| *name == service);
    found.map(|(_, all)| all.iter().map(|address| format!("http://{address}")).collect()).unwrap_or_default()
}
