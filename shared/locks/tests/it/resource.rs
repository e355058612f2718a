//! Something that is stored, and that remembers the greatest token it has seen, as a row of stock does.

use std::sync::Mutex;

use locks::Token;

/// A stock of one kind of thing.
#[derive(Debug)]
pub(crate) struct Resource(Mutex<State>);

#[derive(Debug)]
struct State {
    stock: i64,
    seen: Token,
    stored: Vec<Token>,
}

/// The token is smaller than one that was seen.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Superseded;

impl Resource {
    pub(crate) fn with(stock: i64) -> Self {
        Self(Mutex::new(State { stock, seen: Token::ZERO, stored: Vec::new() }))
    }

    pub(crate) fn stock(&self) -> i64 {
        self.0.lock().unwrap().stock
    }

    /// Stores what a holder has worked out from what it read before; without a token unchecked.
    pub(crate) fn store(&self, stock: i64, token: Option<Token>) -> Result<(), Superseded> {
        let mut state = self.0.lock().unwrap();
        if let Some(token) = token {
            if token < state.seen {
                return Err(Superseded);
            }
            state.seen = token;
            state.stored.push(token);
        }
        state.stock = stock;
        Ok(())
    }

    /// All tokens by which something was stored, in order.
    pub(crate) fn stored(&self) -> Vec<Token> {
        self.0.lock().unwrap().stored.clone()
    }
}
