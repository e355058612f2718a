//! The first members of a cluster, as the flags name them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use consensus::api::etcdserverpb::Member;

use super::{BootstrapError, identifiers, identity::Owner};
use crate::{
    config::Bootstrap,
    peers::{self, Tls},
    urls::Url,
};

/// How long others may take to say that they know this member, before it believes that nobody does.
const ASK_OTHERS: Duration = Duration::from_secs(1);

/// The members by name.
fn by_name(flags: &Bootstrap) -> BTreeMap<&str, Vec<Url>> {
    let mut members: BTreeMap<&str, Vec<Url>> = BTreeMap::new();
    for (name, url) in &flags.initial_cluster {
        members.entry(name).or_default().push(url.clone());
    }
    members
}

/// Checks the flags against each other, and returns this member's addresses.
fn own_urls(name: &str, flags: &Bootstrap) -> Result<Vec<Url>, BootstrapError> {
    let own = by_name(flags).remove(name).ok_or_else(|| BootstrapError::NotInCluster(name.to_owned()))?;
    let mut seen = BTreeSet::new();
    match flags.initial_cluster.iter().find(|(_, url)| !seen.insert(url)) {
        Some((_, url)) => Err(BootstrapError::DuplicateUrl(url.to_string())),
        None => Ok(own),
    }
}

fn check_advertised(name: &str, own: &[Url], flags: &Bootstrap) -> Result<(), BootstrapError> {
    let advertised = &flags.initial_advertise_peer_urls;
    let join = |urls: &[Url]| urls.iter().map(Url::as_str).collect::<Vec<_>>().join(",");
    if let Some(url) = own.iter().find(|url| !advertised.contains(url)) {
        let (name, url, advertised) = (name.to_owned(), url.to_string(), join(advertised));
        return Err(BootstrapError::NotAdvertised { name, url, advertised });
    }
    if let Some(url) = advertised.iter().find(|url| !own.contains(url)) {
        let (name, url, listed) = (name.to_owned(), url.to_string(), join(own));
        return Err(BootstrapError::NotListed { name, url, listed });
    }
    Ok(())
}

/// A cluster that starts for the first time: its members, in the order of their identifiers.
pub(super) fn begin(name: &str, flags: &Bootstrap) -> Result<(Owner, Vec<Member>), BootstrapError> {
    let own = own_urls(name, flags)?;
    check_advertised(name, &own, flags)?;
    let member = |(name, urls): (&str, Vec<Url>)| Member {
        id: identifiers::member(&urls, &flags.initial_cluster_token),
        name: name.to_owned(),
        peer_ur_ls: texts(&urls),
        ..Member::default()
    };
    let mut members: Vec<Member> = by_name(flags).into_iter().map(member).collect();
    members.sort_unstable_by_key(|member| member.id);
    let cluster_id = identifiers::cluster(members.iter().map(|member| member.id));
    let member_id = identifiers::member(&own, &flags.initial_cluster_token);
    Ok((Owner { cluster_id, member_id }, members))
}

/// A member whose data is lost must not start as if it had never voted: asks those that run whether they know it.
pub(super) async fn check_never_ran(
    owner: Owner,
    name: &str,
    flags: &Bootstrap,
    tls: Option<&Tls>,
) -> Result<(), BootstrapError> {
    let asked = tokio::time::timeout(ASK_OTHERS, peers::members_of(&others(name, flags), tls)).await;
    let Ok(Ok((cluster_id, members))) = asked else { return Ok(()) };
    let ran = |member: &Member| member.id == owner.member_id && !member.client_ur_ls.is_empty();
    if cluster_id == owner.cluster_id && members.iter().any(ran) {
        return Err(BootstrapError::AlreadyBootstrapped { id: owner.member_id });
    }
    Ok(())
}

/// A cluster that runs already and has this member on its list.
pub(super) async fn join(
    name: &str,
    flags: &Bootstrap,
    tls: Option<&Tls>,
) -> Result<(Owner, Vec<Member>), BootstrapError> {
    let own = own_urls(name, flags)?;
    let (cluster_id, members) = peers::members_of(&others(name, flags), tls).await?;
    let own = sorted(&texts(&own));
    let known = members.iter().find(|member| sorted(&member.peer_ur_ls) == own);
    let expected: BTreeSet<String> = flags.initial_cluster.iter().map(|(_, url)| url.to_string()).collect();
    let found: BTreeSet<String> = members.iter().flat_map(|member| member.peer_ur_ls.iter().cloned()).collect();
    match known {
        Some(member) if found == expected => Ok((Owner { cluster_id, member_id: member.id }, members)),
        _ => {
            let join = |urls: BTreeSet<String>| urls.into_iter().collect::<Vec<_>>().join(",");
            Err(BootstrapError::OtherMembers { found: join(found), expected: join(expected) })
        }
    }
}

fn others(name: &str, flags: &Bootstrap) -> Vec<Url> {
    flags.initial_cluster.iter().filter(|(other, _)| other != name).map(|(_, url)| url.clone()).collect()
}

fn texts(urls: &[Url]) -> Vec<String> {
    urls.iter().map(|url| url.as_str().to_owned()).collect()
}

fn sorted(urls: &[String]) -> Vec<String> {
    let mut urls = urls.to_vec();
    urls.sort_unstable();
    urls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ClusterState;

    fn flags(cluster: &[(&str, &str)], advertised: &str) -> Bootstrap {
        Bootstrap {
            initial_advertise_peer_urls: Url::list(advertised).unwrap(),
            initial_cluster: cluster.iter().map(|(name, url)| ((*name).to_owned(), url.parse().unwrap())).collect(),
            initial_cluster_state: ClusterState::New,
            initial_cluster_token: "token".to_owned(),
        }
    }

    #[test]
    fn all_members_come_to_the_same_cluster() {
        let cluster = [("a", "http://a:1"), ("b", "http://b:1"), ("b", "http://b:2")];
        let (a, members) = begin("a", &flags(&cluster, "http://a:1")).unwrap();
        let (b, same) = begin("b", &flags(&cluster, "http://b:2,http://b:1")).unwrap();
        assert_eq!((a.cluster_id, &members), (b.cluster_id, &same));
        assert_ne!(a.member_id, b.member_id);
        assert_eq!(members.len(), 2);
    }

    #[test]
    fn contradictions_name_the_flags() {
        let cluster = [("a", "http://a:1"), ("b", "http://b:1")];
        let error = begin("a", &flags(&cluster, "http://a:2")).unwrap_err().to_string();
        assert!(
            error.starts_with(
                "--initial-cluster has a=http://a:1 but missing from --initial-advertise-peer-urls=http://a:2"
            ),
            "{error}"
        );
        let error = begin("a", &flags(&cluster, "http://a:1,http://a:2")).unwrap_err().to_string();
        assert!(error.starts_with("--initial-advertise-peer-urls has http://a:2"), "{error}");
        let error = begin("c", &flags(&cluster, "http://c:1")).unwrap_err().to_string();
        assert!(error.contains("couldn't find local name \"c\""), "{error}");
        let twice = [("a", "http://a:1"), ("b", "http://a:1")];
        assert!(matches!(begin("a", &flags(&twice, "http://a:1")), Err(BootstrapError::DuplicateUrl(_))));
    }
}
