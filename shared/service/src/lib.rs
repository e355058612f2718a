//! What every service does the same way: configuration, HTTP server, problem details, health, drain.
