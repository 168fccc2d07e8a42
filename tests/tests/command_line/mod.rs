//! The command line as it is typed: the real program, real files, what it prints, and how it ends.

mod budget;
mod data;
mod device;
mod exchange;
mod experiment;
mod faults;
mod interrupted;
mod network2;
mod own_data;
mod program;
mod refuses;
mod search;
mod sign;
mod succeeds;
