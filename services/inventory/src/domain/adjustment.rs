//! From what a caller sent to an adjustment that can be made: every rule, and every fault at once.

use contracts::{Sku, problem::Fault, stock::Adjust};
use sha2::{Digest, Sha256};

use super::{text, whole::whole};

const MAX_DELTA: i64 = 1_000_000_000;
const MAX_REASON_LENGTH: usize = 64;

/// Stock that was counted, delivered, returned or lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAdjustment {
    /// Of what.
    pub sku: Sku,
    /// How many more, or fewer; never 0.
    pub delta: i64,
    /// Why.
    pub reason: String,
}

/// A claim to be the one adjustment that an `Idempotency-Key` stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The key.
    pub key: String,
    /// What the request asks for.
    pub fingerprint: Fingerprint,
}

/// The SHA-256 of what a request asks for, which tells a retry from another request under the same key: white space,
/// the order of fields, and `7` or `7.0` make no difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The hash, for stores.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl NewAdjustment {
    /// Checks the SKU of the path, and `body`.
    ///
    /// # Errors
    /// Every fault of both, in the order in which they stand.
    pub fn check(sku: &str, body: Adjust) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let sku = Sku::try_from(sku).map_err(|fault| faults.push(Fault::parameter("sku", fault)));
        let delta = whole(&body.delta).filter(|delta| *delta != 0 && (-MAX_DELTA..=MAX_DELTA).contains(delta));
        if delta.is_none() {
            let detail = format!("must be a whole number from -{MAX_DELTA} to {MAX_DELTA}, and not 0");
            faults.push(Fault::at("/delta", detail));
        }
        if let Err(fault) = text::check(&body.reason, MAX_REASON_LENGTH) {
            faults.push(Fault::at("/reason", fault));
        }
        match (sku, delta) {
            (Ok(sku), Some(delta)) if faults.is_empty() => Ok(Self { sku, delta, reason: body.reason }),
            _ => Err(faults),
        }
    }

    /// The fingerprint of what this asks for.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut hash = Sha256::new();
        // The one text whose length varies before another stands behind its length.
        hash.update((self.sku.as_str().len() as u64).to_be_bytes());
        hash.update(self.sku.as_str());
        hash.update(self.delta.to_be_bytes());
        hash.update(&self.reason);
        Fingerprint(hash.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn check(sku: &str, body: Value) -> Result<NewAdjustment, Vec<String>> {
        let at = |fault: Fault| fault.pointer.or(fault.parameter).unwrap();
        let body = serde_json::from_value(body).unwrap();
        NewAdjustment::check(sku, body).map_err(|faults| faults.into_iter().map(at).collect())
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let faults = check("", json!({"delta": 0, "reason": "\u{0}"}));
        assert_eq!(faults.unwrap_err(), ["sku", "/delta", "/reason"]);
    }

    #[test]
    fn a_delta_is_a_whole_number_that_changes_something() {
        for good in [json!(7), json!(-7), json!(7.0), json!(MAX_DELTA), json!(-MAX_DELTA)] {
            assert!(check("A", json!({"delta": good, "reason": "count"})).is_ok());
        }
        for bad in [json!(0), json!(0.5), json!(MAX_DELTA + 1), json!(-MAX_DELTA - 1), json!(-1e300)] {
            assert_eq!(check("A", json!({"delta": bad, "reason": "count"})).unwrap_err(), ["/delta"]);
        }
    }

    proptest! {
        #[test]
        fn only_equal_requests_have_equal_fingerprints(
            one in ("[AB]{1,3}", 1i64..3, "[AB]{1,3}"),
            other in ("[AB]{1,3}", 1i64..3, "[AB]{1,3}"),
        ) {
            let of = |(sku, delta, reason): &(String, i64, String)| {
                check(sku, json!({"delta": delta, "reason": reason})).unwrap().fingerprint()
            };
            prop_assert_eq!(of(&one) == of(&other), one == other);
        }
    }
}
