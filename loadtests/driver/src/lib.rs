//! Open-loop load generator and replayer of real orders.
