//! The command line as it is typed: the real program, real files, what it prints, and how it ends.

mod experiment;
mod interrupted;
mod program;
mod refuses;
mod succeeds;
