//! Dead letters of the catalogue.

use messaging::{Broken, Message, outbox};

use super::{Error, Store};
use crate::SOURCE;

const FIRST: &str = "INSERT INTO catalogue_dead_letters (partition, message_offset) VALUES ($1, $2)
     ON CONFLICT DO NOTHING";

impl Store {
    /// Sends a message of the catalogue to its dead-letter topic, unless that was done before: every instance meets
    /// it, at every start.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn dead_letter_of_catalogue(&self, message: &Message, reason: &Broken) -> Result<(), Error> {
        let mut transaction = self.pool.begin().await?;
        let first = sqlx::query(FIRST)
            .bind(message.partition)
            .bind(message.offset)
            .execute(&mut *transaction)
            .await?
            .rows_affected()
            == 1;
        if first {
            let mut letters = outbox::Batch::new(SOURCE);
            letters.dead_letter(message, reason, message.trace);
            letters.write(&mut transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}
