//! The Elastic Container Registry: passwords for registries of images, private and public.
//!
//! One file per action; each builds its request and reads its answer, and knows nothing of the
//! network in between. Requests are signed.

pub mod authorization;
pub mod endpoint;
pub mod private;
pub mod public;
