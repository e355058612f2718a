//! Who stands.

use crate::{Cluster, Name};

/// An instance of a service, as it stands for elections.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Where.
    pub cluster: Cluster,
    /// Its service, by the name under which its instances are [found](crate::discovery).
    pub service: Name,
    /// Its own name among them, which observers see.
    pub instance: Name,
}

impl Candidate {
    /// The election of one of the service's duties: `<service>.<duty>`.
    ///
    /// # Panics
    /// The two together are longer than a name may be.
    pub fn election(&self, duty: &Name) -> Name {
        self.service.join(duty.as_str())
    }
}
