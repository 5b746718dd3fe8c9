//! Short-lived AWS credentials for a CI job, in exchange for the job's own OIDC token.
//!
//! This crate decides and the shim in `js/` performs: no socket, file, environment, clock or
//! randomness in here. [`job`] holds the one path that every run takes; read it first.
#![forbid(unsafe_code)]

pub mod attempts;
pub mod aws;
#[cfg(target_arch = "wasm32")]
pub mod bindings;
pub mod change;
pub mod channel;
pub mod ci;
pub mod cleanup;
#[cfg(feature = "cli")]
pub mod cli;
pub mod consult;
pub mod credential_process;
pub mod diagnostic;
pub mod dialect;
pub mod ecr;
pub mod effect;
pub mod entry;
pub mod environment;
pub mod exchange;
pub mod explain;
pub mod handover;
pub mod iam;
pub mod ini;
pub mod job;
pub mod keys;
#[cfg(feature = "signed")]
pub mod login;
pub mod names;
pub mod pairs;
pub mod permalink;
#[cfg(feature = "policy")]
pub mod policy;
pub mod product;
pub mod proxy;
pub mod run;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod secret;
pub mod settings;
pub mod shell;
#[cfg(feature = "signed")]
pub mod signed;
#[cfg(feature = "signed")]
pub mod signin;
pub mod source;
pub mod sts;
pub mod text;
pub mod time;
pub mod token;
pub mod values;
pub mod variables;
