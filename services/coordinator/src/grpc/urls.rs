//! Addresses of peers, checked as etcd checks them, and the identifier of a member that has them.

use std::time::{SystemTime, UNIX_EPOCH};

use sha1::{Digest as _, Sha1};

use crate::urls::Url;

/// Checks and sorts peer addresses. `None` where there is none, or one isn't `scheme://host:port` and nothing more.
pub(super) fn parse(urls: &[String]) -> Option<Vec<String>> {
    let mut parsed: Vec<String> = urls.iter().map(|url| parse_one(url.trim())).collect::<Option<_>>()?;
    parsed.sort_unstable();
    (!parsed.is_empty()).then_some(parsed)
}

fn parse_one(url: &str) -> Option<String> {
    let parsed: Url = url.parse().ok()?;
    (parsed.as_str() == url).then(|| url.to_owned())
}

/// The identifier of a member added now: etcd takes the first 8 bytes of the SHA-1 of its addresses and the time.
pub(super) fn member_id(sorted_urls: &[String]) -> u64 {
    // A clock before 1970 makes an identifier, too.
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    id_at(sorted_urls, seconds)
}

fn id_at(sorted_urls: &[String], seconds: u64) -> u64 {
    let mut hash = Sha1::new();
    sorted_urls.iter().for_each(|url| hash.update(url.as_bytes()));
    hash.update(seconds.to_string().as_bytes());
    let mut id = [0; 8];
    id.copy_from_slice(&hash.finalize()[..8]);
    u64::from_be_bytes(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(url: &str) -> bool {
        parse(&[url.to_owned()]).is_some()
    }

    #[test]
    fn takes_the_addresses_etcd_takes() {
        for good in ["http://10.0.0.1:2380", " https://host:2380 ", "http://[::1]:2380"] {
            assert!(accepted(good), "{good}");
        }
        for bad in ["", "10.0.0.1:2380", "http://host", "ftp://host:1", "http://host:1/", "http://::1:2", "http://a:b"]
        {
            assert!(!accepted(bad), "{bad}");
        }
        assert_eq!(parse(&[]), None);
    }

    #[test]
    fn an_identifier_is_of_the_addresses_and_the_time() {
        let urls = vec!["http://127.0.0.1:2380".to_owned()];
        // As `sha1sum` has it.
        assert_eq!(id_at(&urls, 1_700_000_000), 0x71b3_e183_c260_adbe);
    }
}
