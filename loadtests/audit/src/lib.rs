//! Reads the databases and trusts no service: is every order right?.
