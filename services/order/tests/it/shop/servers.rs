//! The servers that all tests of this machine share.

use sqlx::{Connection, PgConnection};

pub(crate) struct Servers {
    pub(crate) kafka: String,
}

impl Servers {
    pub(crate) async fn start() -> Self {
        Self { kafka: "127.0.0.1:25990".to_owned() }
    }

    /// Makes a database of its own, and answers its URL.
    pub(crate) async fn new_database(&self, purpose: &str) -> String {
        let mut connection = PgConnection::connect("postgres://postgres@127.0.0.1:25999/postgres").await.unwrap();
        let name = format!("{purpose}_{}", uuid::Uuid::now_v7().simple());
        sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
        format!("postgres://postgres@127.0.0.1:25999/{name}")
    }
}
