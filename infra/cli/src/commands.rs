//! The commands, one a file.

pub(crate) mod audit;
pub(crate) mod cluster;
pub(crate) mod consistency;
pub(crate) mod demo;
pub(crate) mod load;
pub(crate) mod locks;
pub(crate) mod logs;
pub(crate) mod order;
pub(crate) mod part;
pub(crate) mod replica;
pub(crate) mod scale;
pub(crate) mod seed;
pub(crate) mod settings;
pub(crate) mod simulate;
pub(crate) mod status;
pub(crate) mod up;
pub(crate) mod with_test_servers;
