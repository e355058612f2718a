mod basics;
mod crash;
mod damage;
mod member;
mod snapshots;
