//! Looking at the machine and at the repository: evidence in, no judgement. Nothing that is found is executed, no socket is
//! opened.

pub mod inventory;
pub mod machine;
pub mod measure;
pub mod repository;
