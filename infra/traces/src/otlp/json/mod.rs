//! OTLP's JSON, turned into its protobuf, so that both are checked and kept by the same code.
//!
//! It is protobuf's JSON with three exceptions: ids are hexadecimal, enumerations are numbers, and names are in lower
//! camel case only. Unknown names are ignored, `null` is nothing.

mod messages;
mod values;

use super::refusal::Refusal;
use crate::wire::Writer;

/// The request as protobuf.
///
/// # Errors
/// When it is not JSON of that form.
pub(super) fn to_protobuf(json: &[u8]) -> Result<Vec<u8>, Refusal> {
    let request: messages::Request =
        serde_json::from_slice(json).map_err(|error| Refusal::Malformed(error.to_string()))?;
    let mut writer = Writer::default();
    request.write(&mut writer);
    Ok(writer.finish())
}
