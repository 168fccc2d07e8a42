//! Files written whole or not at all, and a guess at what a file is from its first bytes.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Writes a file in one step: `write` fills a temporary file in the same directory, which takes the name `path` only
/// once it is on the disk. At every moment, also after a crash, `path` is either what it was or all of the new file.
///
/// A file which is already there is replaced and keeps its permissions; a symbolic link is followed.
///
/// # Errors
///
/// [`Error::NoParent`] if the directory is missing (it is not created: a mistyped path would go unnoticed),
/// [`Error::NotAFile`] if a directory or device has this name, and [`Error::Write`] if `write` or the system fails.
/// The temporary file is then removed.
pub fn write_atomically(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let target = Target::of(path)?;
    target.replace(write).map_err(|cause| Error::Write { path: path.to_path_buf(), cause })
}

/// Tries whether [`write_atomically`] could write a file, and leaves nothing behind: to be asked before a long work.
///
/// # Errors
///
/// Those of [`write_atomically`].
pub fn check_writable(path: &Path) -> Result<()> {
    let target = Target::of(path)?;
    target.temporary().map(drop).map_err(|cause| Error::Write { path: path.to_path_buf(), cause })
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

/// Whether two paths lead to the same file or directory, which is there.
pub fn is_same(path: &Path, other: &Path) -> bool {
    fs::canonicalize(path).is_ok_and(|path| fs::canonicalize(other).is_ok_and(|other| path == other))
}

/// Where a file is to stand.
struct Target {
    path: PathBuf,
    directory: PathBuf,
    /// Those of the file which stands there now.
    permissions: Option<fs::Permissions>,
}

impl Target {
    fn of(path: &Path) -> Result<Self> {
        // Renaming onto a link would replace the link, so the file it leads to is the one to replace.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let before = fs::metadata(&target).ok();
        // A name that ends in a slash is a directory's, even if there is none.
        let is_directory = path.to_string_lossy().ends_with(std::path::is_separator);
        if is_directory || target.file_name().is_none() || before.as_ref().is_some_and(|old| !old.is_file()) {
            return Err(Error::NotAFile { path: path.to_path_buf() });
        }
        let directory = parent(&target);
        if !directory.is_dir() {
            return Err(Error::NoParent { path: path.to_path_buf(), directory });
        }
        Ok(Self { path: target, directory, permissions: before.map(|old| old.permissions()) })
    }

    fn temporary(&self) -> io::Result<tempfile::NamedTempFile> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".minnet-").suffix(".tmp");
        // Temporary files are private by default; a finished file is to be as readable as any other new one.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        builder.tempfile_in(&self.directory)
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
        let new = format!("{}/new/", directory.path().display());
        for path in [directory.path(), Path::new("/"), Path::new(".."), Path::new(""), Path::new(&new)] {
            assert!(matches!(write_atomically(path, |_| Ok(())), Err(Error::NotAFile { .. })), "{}", path.display());
        }
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
