//! The command line as it is typed: the real program, real files, what it prints, and how it ends.

mod device;
mod experiment;
mod interrupted;
mod network2;
mod program;
mod refuses;
mod succeeds;
