//! The records in the documents: what is measured, and the tables that are made of it.
//!
//! Each command keeps what it measured as JSON beside its document, and writes the document's tables between two lines
//! that name it.

pub mod ablation;
pub mod accuracy;
pub mod count;
mod document;
pub mod exchange;
pub mod own_data;
pub mod rivals;
pub mod stream;
pub mod zoo;

use crate::Error;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::thread;

/// Writes a file beside the old one, which it then replaces: there is always a whole one.
fn replace(file: &Path, text: &str) -> Result<(), Error> {
    let beside = file.with_extension("part");
    fs::write(&beside, text).map_err(Error::io("write", &beside))?;
    fs::rename(&beside, file).map_err(Error::io("write", file))
}

/// Does each piece of work, `jobs` of them at a time, and stops at the first that fails.
fn do_all<T: Send>(jobs: usize, work: Vec<T>, task: &(impl Fn(T) -> Result<(), Error> + Sync)) -> Result<(), Error> {
    let rest = Mutex::new(work.into_iter());
    let next = || rest.lock().ok()?.next();
    let one_after_another = || {
        while let Some(piece) = next() {
            if let Err(error) = task(piece) {
                // Nobody begins another.
                while next().is_some() {}
                return Err(error);
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs.max(1)).map(|_| scope.spawn(one_after_another)).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

/// The threads that each of so many jobs has to itself.
fn threads_each(jobs: usize) -> String {
    (thread::available_parallelism().map_or(1, usize::from) / jobs.max(1)).max(1).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_done_until_something_fails() {
        let done = Mutex::new(Vec::new());
        let task = |piece: u32| {
            done.lock().unwrap().push(piece);
            if piece == 7 { Err(Error::Answer { program: "p".into(), said: "no".into() }) } else { Ok(()) }
        };
        do_all(3, (0..5).collect(), &task).unwrap();
        done.lock().unwrap().sort_unstable();
        assert_eq!(*done.lock().unwrap(), [0, 1, 2, 3, 4]);
        assert!(do_all(1, vec![6, 7, 8], &task).is_err());
        assert_eq!(done.lock().unwrap()[5..], [6, 7]);
    }
}
