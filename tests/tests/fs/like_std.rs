//! What std does with the same files.

use std::ffi::{CString, OsStr};
use std::fs::{self, File, FileType, Metadata, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirEntryExt, FileTypeExt, MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use freestand_tests::cases;
use freestand_tests::target::Target;
use freestand_tests::temp::TempDir;
use freestand_tests::trace::{Capture, Event, Tracee};

use crate::support::{Numbers, finish, populate, step};

cases![
    each_step_is_std_s,
    metadata_is_std_s,
    metadata_needs_no_statx,
    listings_are_std_s,
    listings_do_not_need_types,
];

/// Steps of the program `fs_steps`. Before each, `{}` has the files that [`populate`]
/// makes.
const STEPS: &str = "
    create_dir,{}/new
    create_dir,{}/new/
    create_dir,{}/file
    create_dir,{}/directory
    create_dir,{}/broken
    create_dir,{}/new/deep
    create_dir,{}/file/deep
    create_dir_all,{}/new
    create_dir_all,{}/new/deep/deeper
    create_dir_all,{}//new/./deep//deeper/
    create_dir_all,{}/new/../other
    create_dir_all,{}/directory/inner/new
    create_dir_all,{}/directory
    create_dir_all,{}/file
    create_dir_all,{}/file/new
    create_dir_all,{}/directory link/new
    create_dir_all,{}/broken
    create_dir_all,{}/broken/new
    create_dir_all,{}/loop/new
    create_dir_all,/
    remove_file,{}/file
    remove_file,{}/link
    remove_file,{}/directory
    remove_file,{}/directory link
    remove_file,{}/broken
    remove_file,{}/nowhere
    remove_dir,{}/empty directory
    remove_dir,{}/empty directory/
    remove_dir,{}/directory
    remove_dir,{}/directory/.
    remove_dir,{}/directory link
    remove_dir,{}/file
    remove_dir,{}/nowhere
    remove_dir_all,{}/empty directory
    remove_dir_all,{}/directory
    remove_dir_all,{}/directory/
    remove_dir_all,{}/directory/inner/..
    remove_dir_all,{}/directory link
    remove_dir_all,{}/broken
    remove_dir_all,{}/loop
    remove_dir_all,{}/file
    remove_dir_all,{}/link
    remove_dir_all,{}/file/x
    remove_dir_all,{}/nowhere
    rename,{}/file,{}/new
    rename,{}/file,{}/empty
    rename,{}/file,{}/directory
    rename,{}/file,{}/broken
    rename,{}/file,{}/file
    rename,{}/link,{}/new
    rename,{}/directory,{}/new
    rename,{}/directory,{}/empty directory
    rename,{}/empty directory,{}/directory
    rename,{}/directory,{}/file
    rename,{}/directory,{}/directory/inner/x
    rename,{}/nowhere,{}/new
    rename,{}/file,/proc/new
    hard_link,{}/file,{}/new
    hard_link,{}/file,{}/empty
    hard_link,{}/link,{}/new
    hard_link,{}/directory,{}/new
    hard_link,{}/nowhere,{}/new
    hard_link,{}/file,/proc/new
    symlink,file,{}/new
    symlink,file,{}/empty
    symlink,,{}/new
    symlink,file,{}/nowhere/new
    copy,{}/file,{}/new
    copy,{}/file,{}/empty
    copy,{}/empty,{}/file
    copy,{}/link,{}/new
    copy,{}/file,{}/link
    copy,{}/binary,{}/broken
    copy,{}/file,{}/directory
    copy,{}/directory,{}/new
    copy,{}/nowhere,{}/new
    copy,{}/file,{}/file/x
    read,{}/file
    read,{}/empty
    read,{}/binary
    read,{}/winding
    read,{}/directory
    read,{}/loop
    read,{}/link 40
    read,{}/link 41
    read,/proc/version
    read_to_string,{}/file
    read_to_string,{}/binary
    read_to_string,{}/nowhere
    write,{}/new,text
    write,{}/file,text
    write,{}/file,
    write,{}/link,text
    write,{}/broken,text
    write,{}/directory,text
    write,{}/nowhere/new,text
    create_new,{}/new
    create_new,{}/file
    create_new,{}/link
    create_new,{}/broken
    set_permissions,{}/file,600
    set_permissions,{}/file,4755
    set_permissions,{}/link,640
    set_permissions,{}/directory,700
    set_permissions,{}/broken,600
    set_permissions,{}/loop,600
    exists,{}/file
    exists,{}/directory link
    exists,{}/broken
    exists,{}/nowhere
    exists,{}/loop
    exists,{}/file/x
    read_link,{}/link
    read_link,{}/directory/inner link
    read_link,{}/absolute link
    read_link,{}/broken
    read_link,{}/file
    read_link,{}/directory
    read_link,{}/nowhere
    read_dir,{}
    read_dir,{}/empty directory
    read_dir,{}/directory link
    read_dir,{}/file
    read_dir,{}/link
    read_dir,{}/nowhere
    read_dir,{}/loop
    canonicalize,{}
    canonicalize,{}/
    canonicalize,{}/.
    canonicalize,{}/file
    canonicalize,{}//.//file
    canonicalize,{}/file/
    canonicalize,{}/file/.
    canonicalize,{}/file/..
    canonicalize,{}/file/x
    canonicalize,{}/link
    canonicalize,{}/link/
    canonicalize,{}/directory/..
    canonicalize,{}/directory link
    canonicalize,{}/directory link/
    canonicalize,{}/directory link/..
    canonicalize,{}/directory link/inner link
    canonicalize,{}/directory link/inner link/innermost/../../file
    canonicalize,{}/absolute link/inner/../inner link/innermost/
    canonicalize,{}/winding
    canonicalize,{}/broken
    canonicalize,{}/broken/x
    canonicalize,{}/nowhere
    canonicalize,{}/nowhere/..
    canonicalize,{}/loop
    canonicalize,{}/loop/x
    canonicalize,{}/link 40
    canonicalize,{}/link 41
    canonicalize,/
    canonicalize,/..
    canonicalize,//
    canonicalize,
";

/// A step as std takes it: see the program.
fn by_std(step: &str) -> io::Result<String> {
    let mut operands = step.split(',');
    let mut next = || operands.next().unwrap_or_default();
    let (verb, path) = (next(), next());
    let nothing = |()| String::from("ok");
    let show = |path: PathBuf| path.as_os_str().as_bytes().escape_ascii().to_string();
    match verb {
        "metadata" => fs::metadata(path).map(|metadata| describe(&metadata)),
        "symlink_metadata" => fs::symlink_metadata(path).map(|metadata| describe(&metadata)),
        "file_metadata" => File::open(path)?
            .metadata()
            .map(|metadata| describe(&metadata)),
        "set_permissions" => {
            let mode = u32::from_str_radix(next(), 8).expect("a mode is octal");
            fs::set_permissions(path, Permissions::from_mode(mode)).map(nothing)
        }
        "exists" => fs::exists(path).map(|exists| exists.to_string()),
        "read_dir" => read_dir(path),
        "canonicalize" => fs::canonicalize(path).map(show),
        "read_link" => fs::read_link(path).map(show),
        "symlink" => symlink(path, next()).map(nothing),
        "hard_link" => fs::hard_link(path, next()).map(nothing),
        "rename" => fs::rename(path, next()).map(nothing),
        "copy" => fs::copy(path, next()).map(|copied| copied.to_string()),
        "read" => fs::read(path).map(|bytes| bytes.escape_ascii().to_string()),
        "read_to_string" => fs::read_to_string(path),
        "write" => fs::write(path, next()).map(nothing),
        "create_new" => File::create_new(path).map(|_| nothing(())),
        "create_dir" => fs::create_dir(path).map(nothing),
        "create_dir_all" => fs::create_dir_all(path).map(nothing),
        "remove_file" => fs::remove_file(path).map(nothing),
        "remove_dir" => fs::remove_dir(path).map(nothing),
        "remove_dir_all" => fs::remove_dir_all(path).map(nothing),
        _ => panic!("there is no step {step}"),
    }
}

fn kind(file_type: FileType) -> &'static str {
    match file_type {
        _ if file_type.is_dir() => "directory",
        _ if file_type.is_file() => "file",
        _ if file_type.is_symlink() => "link",
        _ if file_type.is_fifo() => "pipe",
        _ if file_type.is_socket() => "socket",
        _ if file_type.is_char_device() => "character device",
        _ => "block device",
    }
}

fn describe(metadata: &Metadata) -> String {
    let created = match metadata.created() {
        Ok(time) => {
            let time = time.duration_since(SystemTime::UNIX_EPOCH);
            let time = time.expect("it was not made before 1970");
            format!("{}.{:09}", time.as_secs(), time.subsec_nanos())
        }
        Err(_) => "never".into(),
    };
    format!(
        "{} {:o} {} on {} at {} links {} of {} {} is {} in {} by {} \
         {}.{:09} {}.{:09} {}.{:09} {created}",
        kind(metadata.file_type()),
        metadata.mode(),
        metadata.len(),
        metadata.dev(),
        metadata.ino(),
        metadata.nlink(),
        metadata.uid(),
        metadata.gid(),
        metadata.rdev(),
        metadata.blocks(),
        metadata.blksize(),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.atime(),
        metadata.atime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    )
}

/// The entries by their names, and of each how long the file is.
fn read_dir(path: impl AsRef<Path>) -> io::Result<String> {
    let mut entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(|entry| entry.file_name());
    let lines = entries.into_iter().map(|entry| {
        Ok(format!(
            "{} {} {} {}",
            entry.file_name().as_bytes().escape_ascii(),
            kind(entry.file_type()?),
            entry.ino(),
            entry.metadata()?.len(),
        ))
    });
    Ok(lines.collect::<io::Result<Vec<_>>>()?.join("\n"))
}

/// What the program says of std's result. Some errors are std's own: the program has
/// the kernel's for the like.
fn as_said(result: io::Result<String>) -> String {
    result.unwrap_or_else(|error| {
        let own = match error.kind() {
            io::ErrorKind::InvalidInput => Some(libc::EINVAL),
            io::ErrorKind::InvalidData => Some(libc::EILSEQ),
            _ => None,
        };
        let errno = error.raw_os_error().or(own);
        format!("error {}", errno.expect("the error has a number"))
    })
}

/// Each says the same, and leaves the same.
fn each_step_is_std_s(target: Target) -> Result<()> {
    for what in STEPS.lines().map(str::trim).filter(|step| !step.is_empty()) {
        let [ours, theirs] = [TempDir::new()?, TempDir::new()?];
        let place = |directory: &TempDir| directory.path().display().to_string();
        for directory in [&ours, &theirs] {
            populate(directory.path())?;
        }
        let said = step(target, &what.replace("{}", &place(&ours)))?;
        let expected = as_said(by_std(&what.replace("{}", &place(&theirs))));
        // The two are at different places, and no file is another.
        let [said, expected] = match what.starts_with("read_dir") {
            true => [said, expected].map(|listing| without_numbers(&listing)),
            false => [said, expected],
        };
        let said = said.replace(&place(&ours), "{}");
        let expected = expected.replace(&place(&theirs), "{}");
        ensure!(said == expected, "{what}: {said}, not {expected}");
        let (left, expected) = (tree(&ours)?, tree(&theirs)?);
        ensure!(left == expected, "{what}: {left:#?}, not {expected:#?}");
    }
    Ok(())
}

/// A listing without the files' numbers, and without the lengths of what may have any.
fn without_numbers(listing: &str) -> String {
    let lines = listing.lines().map(|line| {
        let mut words: Vec<&str> = line.split(' ').collect();
        if words.len() > 2 {
            words.truncate(words.len() - 2);
        }
        words.join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// All that is in a directory: paths, kinds, modes, and contents.
fn tree(directory: &TempDir) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut left = vec![directory.path().to_owned()];
    while let Some(path) = left.pop() {
        let metadata = fs::symlink_metadata(&path)?;
        let contents = match kind(metadata.file_type()) {
            "file" => fs::read(&path)?,
            "link" => fs::read_link(&path)?.into_os_string().into_encoded_bytes(),
            _ => {
                for entry in fs::read_dir(&path)? {
                    left.push(entry?.path());
                }
                Vec::new()
            }
        };
        let contents = contents.escape_ascii().to_string();
        found.push(format!(
            "{} {:o} {}",
            path.strip_prefix(directory.path())?.display(),
            metadata.mode(),
            contents.replace(&directory.path().display().to_string(), "{}"),
        ));
    }
    found.sort();
    Ok(found)
}

/// One file of each kind that everybody can make; links also in the listing.
fn kinds(directory: &Path) -> Result<Vec<String>> {
    populate(directory)?;
    let pipe = CString::new(directory.join("pipe").into_os_string().into_encoded_bytes())?;
    // SAFETY: the path ends in NUL.
    ensure!(unsafe { libc::mkfifo(pipe.as_ptr(), 0o640) } == 0, "mkfifo");
    UnixListener::bind(directory.join("socket"))?;
    fs::hard_link(directory.join("file"), directory.join("other name"))?;
    let large = File::create(directory.join("large"))?;
    large.set_len(5 << 30)?;
    // Beyond what 32 bits of seconds count.
    large.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::new(5 << 30, 7))?;
    let names = [
        "",
        "file",
        "other name",
        "empty",
        "link",
        "broken",
        "loop",
        "directory",
        "directory link",
        "pipe",
        "socket",
        "large",
        "nowhere",
        "file/x",
    ];
    let mut paths: Vec<_> = names
        .iter()
        .map(|name| directory.join(name).display().to_string())
        .collect();
    paths.extend(["/dev/null", "/dev/tty", "/proc/self/status", "/"].map(String::from));
    Ok(paths)
}

fn metadata_is_std_s(target: Target) -> Result<()> {
    let directory = TempDir::new()?;
    for path in kinds(directory.path())? {
        let is_lasting = !path.starts_with("/proc");
        for verb in ["metadata", "symlink_metadata"] {
            let what = format!("{verb},{path}");
            let (said, expected) = (step(target, &what)?, as_said(by_std(&what)));
            // Each process has its own of these.
            let len = if is_lasting {
                expected.len()
            } else {
                "file 100444".len()
            };
            ensure!(
                said.get(..len) == expected.get(..len),
                "{what}: {said}, not {expected}"
            );
        }
    }
    for name in ["file", "large", "directory"] {
        let what = format!("file_metadata,{}", directory.path().join(name).display());
        let (said, expected) = (step(target, &what)?, as_said(by_std(&what)));
        ensure!(said == expected, "{what}: {said}, not {expected}");
    }
    Ok(())
}

/// A kernel before 4.11 does not have it: all is the same but when the file was made.
fn metadata_needs_no_statx(target: Target) -> Result<()> {
    let numbers = Numbers::of(target.arch);
    let directory = TempDir::new()?;
    populate(directory.path())?;
    for verb in ["metadata", "symlink_metadata", "file_metadata"] {
        for name in ["file", "link", "directory"] {
            let what = format!("{verb},{}", directory.path().join(name).display());
            let mut launch = target.launch("fs_steps")?;
            launch.args = vec![what.clone().into()];
            let capture = Capture::new(b"")?;
            let mut tracee = Tracee::start(&launch, capture.streams()?)?;
            let mut refused = 0;
            let end = loop {
                match tracee.next_syscall()? {
                    Event::Syscall(call) if call.number == numbers.statx => {
                        tracee.skip_syscall(-i64::from(libc::ENOSYS))?;
                        refused += 1;
                    }
                    Event::Syscall(_) => {}
                    end => break end,
                }
            };
            ensure!(end == Event::Exited(0) && refused > 0, "{what}: {end:?}");
            let said = String::from_utf8(capture.stdout()?)?;
            let expected = as_said(by_std(&what));
            let (expected, _) = expected.rsplit_once(' ').context(expected.clone())?;
            ensure!(
                said == format!("{expected} never\n"),
                "{what}: {said}, not {expected}"
            );
        }
    }
    Ok(())
}

/// Many entries, long names, and names that are no text.
fn many_entries(directory: &Path) -> Result<()> {
    kinds(directory)?;
    for number in 0..1000 {
        fs::write(
            directory.join(format!("{number:05}")),
            vec![b'x'; number % 7],
        )?;
    }
    for len in 1..=255 {
        let mut name = vec![b'a'; len];
        name[len - 1] = len as u8;
        // Neither a slash nor the directory itself nor that above it.
        if !matches!(name[..], [b'/'] | [.., b'/'] | [b'.'] | [b'.', b'.']) {
            fs::create_dir(directory.join(OsStr::from_bytes(&name)))?;
        }
    }
    Ok(())
}

fn listings_are_std_s(target: Target) -> Result<()> {
    let directory = TempDir::new()?;
    many_entries(directory.path())?;
    for path in [directory.path(), Path::new("/dev"), Path::new("/proc/self")] {
        let what = format!("read_dir,{}", path.display());
        let (said, expected) = (step(target, &what)?, as_said(by_std(&what)));
        // There, each process sees files of its own.
        let [said, expected] = match path.starts_with("/proc") {
            true => [said, expected].map(|listing| without_numbers(&listing)),
            false => [said, expected],
        };
        ensure!(said == expected, "{what}: {said}, not {expected}");
    }
    Ok(())
}

/// A file system may leave it open what its files are: `DT_UNKNOWN`.
fn listings_do_not_need_types(target: Target) -> Result<()> {
    let directory = TempDir::new()?;
    kinds(directory.path())?;
    for verb in ["read_dir", "remove_dir_all"] {
        let what = format!("{verb},{}", directory.path().join("").display());
        let expected = match verb {
            "read_dir" => as_said(by_std(&what)),
            _ => "ok".into(),
        };
        let mut launch = target.launch("fs_steps")?;
        launch.args = vec![what.clone().into()];
        let capture = Capture::new(b"")?;
        let mut tracee = Tracee::start(&launch, capture.streams()?)?;
        let end = loop {
            match tracee.next_syscall()? {
                Event::Syscall(call) if call.number == Numbers::of(target.arch).getdents64 => {
                    let filled = finish(&mut tracee)?;
                    forget_types(&mut tracee, call.args[1], filled)?;
                }
                Event::Syscall(_) => {}
                end => break end,
            }
        };
        let said = String::from_utf8(capture.stdout()?)?;
        ensure!(end == Event::Exited(0), "{what}: {end:?}, {said}");
        ensure!(
            said == format!("{expected}\n"),
            "{what}: {said}, not {expected}"
        );
    }
    ensure!(!directory.path().exists(), "it is still there");
    Ok(())
}

/// Makes the types in a buffer of `linux_dirent64` unknown.
fn forget_types(tracee: &mut Tracee, buffer: u64, filled: i64) -> Result<()> {
    const LENGTH: usize = 16;
    const TYPE: usize = 18;
    let mut bytes = tracee.read(buffer, usize::try_from(filled)?)?;
    let mut at = 0;
    while at < bytes.len() {
        bytes[at + TYPE] = libc::DT_UNKNOWN;
        at += usize::from(u16::from_le_bytes([
            bytes[at + LENGTH],
            bytes[at + LENGTH + 1],
        ]));
    }
    tracee.write(buffer, &bytes)
}
