//! Which column plays which role, guessed from names and content, with the evidence.
//!
//! Pure functions of column names and sample rows. What the user named is never overruled; what can
//! not be told apart is not guessed but reported, with the flag that settles it. Reading the
//! sample, and reading times for good, is done elsewhere.

mod facts;
mod looks;
pub mod profiles;
pub mod roles;
pub mod suggest;
mod synonyms;
mod words;
