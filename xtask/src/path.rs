//! Other programs: where they are, and what they say.

use std::{
    env,
    ffi::OsStr,
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

/// The executable file of this name in one of `PATH`'s folders.
pub fn find_in_path(name: impl AsRef<OsStr>) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name.as_ref()))
        .find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// What a command prints, if it can be run and succeeds.
pub fn output(command: &mut Command) -> Option<String> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(text)
}

/// Copies a program to where it is going to be run.
///
/// cp(1) does it: if this process had the copy open for writing, a child that another of
/// its threads forks just then would have so too until it executes, and nobody can run a
/// file that is open for writing (ETXTBSY).
pub fn copy_program(from: &Path, to: &Path) -> io::Result<()> {
    let output = Command::new("cp").arg("--").args([from, to]).output()?;
    if output.status.success() {
        Ok(())
    } else {
        let message = String::from_utf8_lossy(&output.stderr);
        Err(io::Error::other(message.trim_end().to_string()))
    }
}

/// Writes a program to where it is going to be run: see [`copy_program`].
pub fn write_program(path: &Path, program: &[u8], permissions: fs::Permissions) -> io::Result<()> {
    let draft = neighbour(path);
    let write = || {
        fs::write(&draft, program)?;
        fs::set_permissions(&draft, permissions)?;
        copy_program(&draft, path)
    };
    let written = write();
    // What cannot be removed could not be written, or does no harm.
    let _ = fs::remove_file(&draft);
    written
}

/// A hidden name beside `path` that nobody else uses.
pub(crate) fn neighbour(path: &Path) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}.{count}", process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    /// While other threads fork all the time.
    #[test]
    fn what_is_written_can_be_run() {
        let folder = env::temp_dir().join(format!("freestand-written-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        let script = b"#!/bin/sh\nexit 7\n";
        thread::scope(|scope| {
            for thread in 0..4 {
                let folder = &folder;
                scope.spawn(move || {
                    for round in 0..25 {
                        let path = folder.join(format!("{thread}-{round}"));
                        let mode = fs::Permissions::from_mode(0o700);
                        write_program(&path, script, mode).unwrap();
                        assert_eq!(Command::new(&path).status().unwrap().code(), Some(7));
                    }
                });
            }
        });
        fs::remove_dir_all(&folder).unwrap();
    }
}
