//! The whole shop under faults: real orders go on, parts die, and in the end every acknowledged order is right.

mod coordinators;
mod crash_points;
mod dashboards;
mod instances;
mod killed;
mod telling;
mod traces;
mod trial;
