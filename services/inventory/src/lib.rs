//! Owns products and stock; reserves, releases, never sells what is not there.
