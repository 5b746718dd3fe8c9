//! Trust policies: what they say, whom they let in, why not, and what is wrong with them.
//!
//! The order in which to read: [`tree`] and [`json`] (a text with places), [`document`] (a policy),
//! [`source`] (the files that policies stand in), [`caller`] (a token, as AWS lets a policy see it),
//! [`evaluate`] (the decision), then what is made of them: [`explain`] (why
//! not), with [`claims`] (what people have of a denied call) and [`consult`]
//! (what a denied job asks).

pub mod audit;
mod bytes;
pub mod caller;
pub mod check;
pub mod claims;
pub mod command;
pub mod consult;
pub mod document;
pub mod evaluate;
pub mod explain;
pub mod fields;
pub mod generate;
pub mod issuer;
pub mod json;
pub mod lint;
pub mod operator;
pub mod pattern;
pub mod placeholder;
pub mod report;
pub mod sample;
pub mod source;
pub mod subject;
pub mod tree;
pub mod truth;
