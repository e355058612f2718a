//! The servers of the test run, as this test uses them.

use local::testing::{self, TestServers};

pub(crate) struct Servers {
    pub(crate) kafka: String,
    shared: &'static TestServers,
}

impl Servers {
    pub(crate) async fn start() -> Self {
        let shared = testing::servers().await;
        Self { kafka: shared.kafka_bootstrap().to_owned(), shared }
    }

    /// Makes a database of its own, and answers its URL.
    pub(crate) async fn new_database(&self, purpose: &str) -> String {
        self.shared.database(purpose).await.url().to_owned()
    }
}
