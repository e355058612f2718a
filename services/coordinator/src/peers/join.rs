//! How a member that joins finds out who is there.

use consensus::api::etcdserverpb::Member;
use prost::Message as _;

use super::{
    exchange::{Connection, ExchangeError},
    frame::Kind,
    preamble::{Preamble, Purpose},
    questions::{Asked, MembersTold, Request, Response, Told},
    stream::{self, Tls},
};
use crate::urls::Url;

/// Why nobody told who the members are.
#[derive(Debug, thiserror::Error)]
#[error("could not retrieve cluster information from the given URLs ({})", .tried.join("; "))]
pub struct JoinError {
    /// Each address with what came of it.
    tried: Vec<String>,
}

/// Asks one after the other for the cluster's identifier and its members.
///
/// # Errors
/// When none answers.
pub async fn members_of(urls: &[Url], tls: Option<&Tls>) -> Result<(u64, Vec<Member>), JoinError> {
    let mut tried = Vec::new();
    for url in urls {
        match ask(url, tls).await {
            Ok(MembersTold { cluster_id, members }) => return Ok((cluster_id, members)),
            Err(error) => tried.push(format!("{url}: {error}")),
        }
    }
    Err(JoinError { tried })
}

async fn ask(url: &Url, tls: Option<&Tls>) -> Result<MembersTold, ExchangeError> {
    let stream = stream::connect(url.as_str(), tls).await?;
    let preamble = Preamble { purpose: Purpose::Members, cluster_id: 0, from: 0, to: 0 };
    let mut connection = Connection::open(stream, &preamble).await?;
    let request = Request { number: 1, asked: Some(Asked::Members(true)) };
    connection.put(Kind::Request, |buffer| request.encode_raw(buffer));
    connection.flush().await?;
    let (Kind::Response, body) = connection.answer().await? else { return Err(ExchangeError::OutOfPlace) };
    let response = Response::decode(body).map_err(|_| ExchangeError::Undecodable("an answer"))?;
    match response.told {
        Some(Told::Members(told)) => Ok(told),
        _ => Err(ExchangeError::OutOfPlace),
    }
}
