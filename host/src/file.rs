//! Files written whole or not at all, names that one program has to itself, and a guess at what a file is from its first
//! bytes.

use std::fs::{self, File, TryLockError};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::memory::{self, Budget};

/// Writes a file in one step: `write` fills a temporary file in the same directory, which takes the name `path` only
/// once it is on the disk. At every moment, also after a crash, `path` is either what it was or all of the new file.
///
/// A file which is already there is replaced and keeps its permissions; a symbolic link is followed. As with `cp`, a file that
/// may not be written stays as it is, and so does a link that leads nowhere.
///
/// # Errors
///
/// [`Error::NoParent`] if the directory is missing (it is not created: a mistyped path would go unnoticed),
/// [`Error::NotAFile`] if a directory or device has this name, [`Error::Dangling`] for a link that leads nowhere, and
/// [`Error::Write`] if `write` or the system fails. The temporary file is then removed.
pub fn write_atomically(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let target = Target::of(path)?;
    target.replace(write).map_err(|cause| Error::Write { path: path.to_path_buf(), cause })
}

/// Reads a whole file, or what comes through a pipe of this name.
///
/// # Errors
///
/// [`Error::Read`]; [`Error::Limit`] and [`Error::Room`] for one that never ends or is too long for the memory.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let fail = |cause| Error::Read { path: path.to_path_buf(), cause };
    let file = File::open(path).map_err(fail)?;
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    // It takes no more than its length, and a pipe does not say that.
    let mut budget = Budget::new(path, u64::MAX);
    let mut bytes = budget.list(usize::try_from(length).unwrap_or(usize::MAX))?;
    file.take(memory::limit().saturating_add(1)).read_to_end(&mut bytes).map_err(fail)?;
    budget.check(bytes.len() as u64)?;
    Ok(bytes)
}

/// Tries whether [`write_atomically`] could write a file, and leaves nothing behind: to be asked before a long work. It also
/// removes what programs that were killed have left in this directory.
///
/// # Errors
///
/// Those of [`write_atomically`].
pub fn check_writable(path: &Path) -> Result<()> {
    let target = Target::of(path)?;
    target.sweep();
    target.temporary().map(drop).map_err(|cause| Error::Write { path: path.to_path_buf(), cause })
}

/// What pictures and plots of ours have near their beginning.
pub(crate) const MARK: &str = "made by Minnet";

/// As [`check_writable`], for a picture or a plot: one that is not ours is not replaced, unless that is `forced`.
///
/// # Errors
///
/// Those of [`write_atomically`], and [`Error::NotOurs`].
pub fn check_drawing(path: &Path, forced: bool) -> Result<()> {
    check_writable(path)?;
    let mut beginning = Vec::new();
    let is_read = File::open(path).and_then(|file| file.take(1024).read_to_end(&mut beginning)).is_ok();
    let is_ours = || beginning.windows(MARK.len()).any(|bytes| bytes == MARK.as_bytes());
    if forced || !is_read || beginning.is_empty() || is_ours() {
        return Ok(());
    }
    Err(Error::NotOurs { path: path.to_path_buf() })
}

/// Whether what is made of one file would replace it.
///
/// # Errors
///
/// [`Error::OntoItself`].
pub fn check_apart(from: &Path, to: &Path) -> Result<()> {
    if is_same(from, to) { Err(Error::OntoItself { path: to.to_path_buf() }) } else { Ok(()) }
}

/// Whether two paths lead to the same file or directory, which is there.
pub fn is_same(path: &Path, other: &Path) -> bool {
    fs::canonicalize(path).is_ok_and(|path| fs::canonicalize(other).is_ok_and(|other| path == other))
}

/// A file's name that one program has to itself, until this is dropped or the program ends in whatever way.
pub struct Claim {
    /// The file beside it that is locked.
    path: PathBuf,
    _lock: File,
}

impl Claim {
    /// Takes a name. Where the system knows no locks, everybody gets it.
    ///
    /// # Errors
    ///
    /// [`Error::Claimed`] if another program has it, and those of [`write_atomically`].
    pub fn of(path: &Path) -> Result<Self> {
        let Target { path: target, directory, .. } = Target::of(path)?;
        let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let lock = directory.join(format!(".{name}.lock"));
        let fail = |cause| Error::Write { path: path.to_path_buf(), cause };
        loop {
            let file = File::options().create(true).truncate(false).write(true).open(&lock).map_err(fail)?;
            if let Err(TryLockError::WouldBlock) = file.try_lock() {
                return Err(Error::Claimed { path: path.to_path_buf() });
            }
            // Whoever had it may have removed the file between the two.
            if is_at(&file, &lock) {
                return Ok(Self { path: lock, _lock: file });
            }
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // If it stays, it is locked by nobody.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether an open file is the one of this name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(own), Ok(other)) => (own.dev(), own.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

/// Whether an open file is the one of this name: an open file cannot be removed here.
#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> bool {
    true
}

/// Makes a directory if only itself is missing, and tries whether files can be written into it.
///
/// # Errors
///
/// [`Error::NoParent`] if the directory above is missing, too, and those of [`check_writable`].
pub fn make_directory(path: &Path) -> Result<()> {
    if !path.exists() {
        let directory = parent(path);
        if !directory.is_dir() {
            return Err(Error::NoParent { path: path.to_path_buf(), directory });
        }
        fs::create_dir(path).map_err(|cause| Error::Write { path: path.to_path_buf(), cause })?;
    }
    check_writable(&path.join("probe"))
}

/// What the names of temporary files begin and end with.
const PREFIX: &str = ".minnet-";
const SUFFIX: &str = ".tmp";

/// Where a file is to stand.
struct Target {
    path: PathBuf,
    directory: PathBuf,
    /// Those of the file which stands there now.
    permissions: Option<fs::Permissions>,
}

impl Target {
    fn of(path: &Path) -> Result<Self> {
        let named = |directory: &Path| Error::NoParent { path: path.to_path_buf(), directory: directory.to_path_buf() };
        let last = path.as_os_str().as_encoded_bytes().last();
        if last.is_some_and(|&byte| std::path::is_separator(byte.into())) && !path.exists() {
            return Err(named(path));
        }
        // Renaming onto a link would replace the link, so the file it leads to is the one to replace.
        let target = match fs::canonicalize(path) {
            Ok(target) => target,
            Err(_) if path.is_symlink() => return Err(Error::Dangling { path: path.to_path_buf() }),
            Err(_) => path.to_path_buf(),
        };
        let before = fs::metadata(&target).ok();
        if target.file_name().is_none() || before.as_ref().is_some_and(|old| !old.is_file()) {
            return Err(Error::NotAFile { path: path.to_path_buf() });
        }
        let directory = parent(&target);
        if !directory.is_dir() {
            return Err(named(&directory));
        }
        if before.is_some() {
            let opened = File::options().write(true).open(&target);
            opened.map_err(|cause| Error::Write { path: path.to_path_buf(), cause })?;
        }
        Ok(Self { path: target, directory, permissions: before.map(|old| old.permissions()) })
    }

    /// A file beside the target, locked, so that nobody sweeps it away.
    fn temporary(&self) -> io::Result<tempfile::NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX).suffix(SUFFIX);
        // Temporary files are private by default; a finished file is to be as readable as any other new one.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        loop {
            let temporary = builder.tempfile_in(&self.directory)?;
            let is_taken = matches!(temporary.as_file().try_lock(), Err(TryLockError::WouldBlock));
            // Another program may have swept it away before it was locked.
            if !is_taken && is_at(temporary.as_file(), temporary.path()) {
                return Ok(temporary);
            }
        }
    }

    /// Removes the temporary files that nobody has locked: those of programs that were killed.
    fn sweep(&self) {
        for entry in fs::read_dir(&self.directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.as_encoded_bytes();
            if name.starts_with(PREFIX.as_bytes())
                && name.ends_with(SUFFIX.as_bytes())
                && let Ok(file) = File::options().write(true).open(entry.path())
                && file.try_lock().is_ok()
            {
                // What stays takes room, and does no other harm.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn replace(self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let temporary = self.temporary()?;
        let mut writer = BufWriter::new(temporary.as_file());
        write(&mut writer)?;
        writer.flush()?;
        drop(writer);

        let file: &File = temporary.as_file();
        if let Some(permissions) = self.permissions {
            file.set_permissions(permissions)?;
        }
        file.sync_all()?;
        temporary.persist(self.path)?;
        // The new name is on the disk only with the directory; not every system can be asked for that.
        let _ = File::open(&self.directory).and_then(|directory| directory.sync_all());
        Ok(())
    }
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

/// Says for an error message what a file begins with: its first four bytes, and the format they tell of, if known.
pub(crate) fn beginning(bytes: &[u8]) -> String {
    let known: [(&[u8], &str); 13] = [
        (&[0x1f, 0x8b], "a gzip file"),
        (b"\x89PNG", "a PNG picture"),
        (&[0xff, 0xd8, 0xff], "a JPEG picture"),
        (b"GIF8", "a GIF picture"),
        (b"BM", "a BMP picture"),
        (b"RIFF", "a WebP picture"),
        (b"PK\x03\x04", "a zip archive"),
        (b"\x93NUM", "a NumPy array"),
        (&[0x80], "a Python pickle"),
        (&[0xff, 0xfe], "text in UTF-16: save it as UTF-8"),
        (&[0xfe, 0xff], "text in UTF-16: save it as UTF-8"),
        (&[0xef, 0xbb, 0xbf], "text with a byte-order mark"),
        (b"<", "a web page or other markup"),
    ];
    let shown: Vec<String> = bytes.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let shown = shown.join(" ");
    match known.iter().find(|(start, _)| bytes.starts_with(start)) {
        Some((_, kind)) => format!("{shown} ({kind})"),
        None if bytes.is_empty() => "nothing, as it is empty".into(),
        None => shown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn writes_and_replaces() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        write_atomically(&path, |writer| writer.write_all(b"first, and longer")).unwrap();
        write_atomically(&path, |writer| writer.write_all(b"second")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(names_in(directory.path()), ["a"]);
    }

    #[test]
    fn the_old_file_survives_a_failure() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        fs::write(&path, "old").unwrap();
        let result = write_atomically(&path, |writer| {
            writer.write_all(b"half")?;
            writer.flush()?;
            Err(io::Error::other("the disk is full"))
        });
        let message = result.unwrap_err().to_string();
        assert!(message.contains("a: cannot be written: the disk is full; check"), "{message}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(names_in(directory.path()), ["a"]);
    }

    #[test]
    fn a_missing_directory_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let result = write_atomically(&directory.path().join("no/a"), |_| Ok(()));
        assert!(matches!(result, Err(Error::NoParent { directory: named, .. }) if named.ends_with("no")));
    }

    #[test]
    fn directories_are_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        for path in [directory.path(), Path::new("/"), Path::new(".."), Path::new("")] {
            assert!(matches!(write_atomically(path, |_| Ok(())), Err(Error::NotAFile { .. })), "{}", path.display());
        }
    }

    #[test]
    fn a_directory_that_is_not_there_is_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("models/");
        assert!(matches!(check_writable(&path), Err(Error::NoParent { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_stays() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        assert!(matches!(write_atomically(&link, |_| Ok(())), Err(Error::Dangling { .. })));
        assert!(link.is_symlink());
    }

    #[test]
    fn what_killed_programs_leave_is_swept_away() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let target = Target::of(&path).unwrap();
        let held = target.temporary().unwrap();
        fs::write(directory.path().join(".minnet-x.tmp"), "half").unwrap();
        fs::write(directory.path().join("minnet.tmp"), "another's").unwrap();
        check_writable(&path).unwrap();
        let held = held.path().file_name().unwrap().to_str().unwrap().to_owned();
        let mut names = names_in(directory.path());
        names.sort();
        assert_eq!(names, [held, "minnet.tmp".into()]);
    }

    #[test]
    fn a_name_is_for_one_program_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        let claim = Claim::of(&path).unwrap();
        assert!(matches!(Claim::of(&path), Err(Error::Claimed { .. })));
        Claim::of(&directory.path().join("b")).unwrap();
        drop(claim);
        assert_eq!(names_in(directory.path()), Vec::<String>::new());
        Claim::of(&path).unwrap();
    }

    #[test]
    fn pictures_that_are_not_ours_stay() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.png");
        check_drawing(&path, false).unwrap();
        fs::write(&path, format!("PNG {MARK} and so on")).unwrap();
        check_drawing(&path, false).unwrap();
        fs::write(&path, "a holiday").unwrap();
        assert!(matches!(check_drawing(&path, false), Err(Error::NotOurs { .. })));
        check_drawing(&path, true).unwrap();
    }

    #[test]
    fn nothing_is_made_onto_what_it_is_made_of() {
        let directory = tempfile::tempdir().unwrap();
        let [one, other] = ["a", "b"].map(|name| directory.path().join(name));
        fs::write(&one, "").unwrap();
        check_apart(&one, &other).unwrap();
        let same = directory.path().join(".").join("a");
        assert!(matches!(check_apart(&one, &same), Err(Error::OntoItself { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_not_replaced() {
        assert!(matches!(write_atomically(Path::new("/dev/null"), |_| Ok(())), Err(Error::NotAFile { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_permissions_kept() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let [real, link] = ["real", "link"].map(|name| directory.path().join(name));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink("real", &link).unwrap();
        write_atomically(&link, |writer| writer.write_all(b"new")).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn beginnings_are_told_apart() {
        assert_eq!(beginning(b"<!DOCTYPE html>"), "3c 21 44 4f (a web page or other markup)");
        assert_eq!(beginning(&[0x1f, 0x8b, 8]), "1f 8b 08 (a gzip file)");
        assert_eq!(beginning(&[1, 2, 3, 4, 5]), "01 02 03 04");
    }
}
