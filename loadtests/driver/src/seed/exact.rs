//! Bringing a product to a stock, whatever it had before.

use contracts::{
    OrderId,
    stock::{Adjust, Adjustment, Stock},
};

use super::{SeedError, Seeding, Ware, conversation::Shop};
use crate::{
    engine::key,
    http::{Call, Connection, encoded, json, path},
};

/// The reason of every such adjustment.
const REASON: &str = "flash-sale";
/// How often it is tried, where others buy meanwhile.
const TRIES: u32 = 10;

impl Seeding {
    /// Has exactly so many of a product available, by one adjustment, and waits until the order service knows the product.
    /// One that the shop has keeps its name and price. How many there were before.
    ///
    /// # Errors
    /// A service refuses, does not answer in time, or others change the stock all the time.
    pub async fn exactly(&self, ware: &Ware) -> Result<i64, SeedError> {
        let shop = Shop { seeding: self };
        let mut connection = Connection::new(self.inventory.clone(), 0);
        let before = match shop.available(&mut connection, ware).await? {
            Some(available) => available,
            None => {
                shop.put(&mut connection, ware).await?;
                0
            }
        };
        shop.learnt(&ware.sku).await?;
        let (mut found, mut tries) = (before, 0);
        while u64::try_from(found) != Ok(ware.stock) {
            if tries == TRIES {
                return Err(SeedError::NotExact { sku: ware.sku.clone(), wanted: ware.stock, found });
            }
            found = shop.bring(&mut connection, ware, found).await?;
            tries += 1;
        }
        Ok(before)
    }
}

impl Shop<'_> {
    /// How many there are to be had, if there is such a product.
    async fn available(&self, connection: &mut Connection, ware: &Ware) -> Result<Option<i64>, SeedError> {
        let what = format!("reading the stock of {}", ware.sku);
        let call = Call::get(path(format!("/stock/{}", encoded(ware.sku.as_str()))));
        let answer = self.ask(connection, &call, &what).await?;
        if answer.status.as_u16() == 404 {
            return Ok(None);
        }
        super::conversation::taken::<Stock>(&answer, &what).map(|stock| Some(stock.available))
    }

    /// Adjusts the stock from what was found to what is wanted; how many there are then.
    async fn bring(&self, connection: &mut Connection, ware: &Ware, found: i64) -> Result<i64, SeedError> {
        let what = format!("adjusting the stock of {}", ware.sku);
        let wanted = i64::try_from(ware.stock).unwrap_or(i64::MAX);
        let body = Adjust { delta: wanted.saturating_sub(found).into(), reason: REASON.to_owned() };
        let once = key(format!("{REASON}-{}", OrderId::generate()));
        let call = Call::post(path(format!("/stock/{}/adjustments", encoded(ware.sku.as_str()))), json(&body));
        let answer = self.ask(connection, &call.with_key(once).authorized(self.seeding.token.bearer()), &what).await?;
        if answer.status.as_u16() == 409 {
            // Fewer are left than are to go: others have bought some since.
            return Ok(self.available(connection, ware).await?.unwrap_or(0));
        }
        super::conversation::taken::<Adjustment>(&answer, &what).map(|made| made.stock.available)
    }
}
