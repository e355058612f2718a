//! What the services say to each other: topics, events, REST bodies, identifiers and money.
