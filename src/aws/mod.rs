//! What all of AWS's services have in common: who calls, and how a call is signed.
//!
//! Each source of credentials is one file that builds its requests and reads its answers, and knows
//! nothing of the files and the network in between.

pub mod clock;
pub mod container;
pub mod credentials;
pub mod environment;
pub mod imds;
pub mod json;
mod metadata;
pub mod process;
pub mod profile;
pub mod sigv4;
