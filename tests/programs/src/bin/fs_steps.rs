//! Does with files what its arguments say, one after the other, and says what each
//! `Result` was: what it returned, or `error` and the error's number.
//!
//! A step is `VERB,OPERAND,…`.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use freestand::env::Args;
use freestand::fs::{self, DirEntry, File, FileType, Metadata, Permissions};
use freestand::io::{Read, stdin};
use freestand::path::PathBuf;
use freestand::println;
use freestand::sys::{Errno, Result};

freestand::entry!(main);

fn main(args: Args) {
    for step in args.skip(1) {
        match take(step.to_str().expect("steps are UTF-8")) {
            Ok(result) => println!("{result}"),
            Err(errno) => println!("error {}", errno.code()),
        }
    }
}

fn take(step: &str) -> Result<String> {
    let mut operands = step.split(',');
    let mut next = || operands.next().unwrap_or_default();
    let (verb, path) = (next(), next());
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
        "exists" => fs::exists(path).map(|exists| format!("{exists}")),
        "read_dir" => read_dir(path),
        "canonicalize" => fs::canonicalize(path).map(show),
        "read_link" => fs::read_link(path).map(show),
        "symlink" => fs::symlink(path, next()).map(nothing),
        "hard_link" => fs::hard_link(path, next()).map(nothing),
        "rename" => fs::rename(path, next()).map(nothing),
        "copy" => fs::copy(path, next()).map(|copied| format!("{copied}")),
        "read" => fs::read(path).map(|bytes| format!("{}", bytes.escape_ascii())),
        "read_to_string" => fs::read_to_string(path),
        "write" => fs::write(path, next()).map(nothing),
        "create_new" => File::create_new(path).map(|_| nothing(())),
        "create_dir" => fs::create_dir(path).map(nothing),
        "create_dir_all" => fs::create_dir_all(path).map(nothing),
        "remove_file" => fs::remove_file(path).map(nothing),
        "remove_dir" => fs::remove_dir(path).map(nothing),
        "remove_dir_all" => fs::remove_dir_all(path).map(nothing),
        "descriptors" => fs::read_dir("/proc/self/fd").map(|dir| format!("{}", dir.count())),
        // For whoever starts several of these, to let them go at the same time.
        "wait" => stdin().read(&mut [0]).map(|_| nothing(())),
        _ => panic!("there is no step {step}"),
    }
}

fn nothing((): ()) -> String {
    String::from("ok")
}

fn show(path: PathBuf) -> String {
    format!("{}", path.as_bytes().escape_ascii())
}

fn kind(file_type: FileType) -> &'static str {
    let kinds = [
        (file_type.is_dir(), "directory"),
        (file_type.is_file(), "file"),
        (file_type.is_symlink(), "link"),
        (file_type.is_fifo(), "pipe"),
        (file_type.is_socket(), "socket"),
        (file_type.is_char_device(), "character device"),
        (file_type.is_block_device(), "block device"),
    ];
    let mut kinds = kinds.into_iter().filter(|(is, _)| *is);
    let (_, kind) = kinds.next().expect("it is something");
    assert_eq!(kinds.next(), None);
    kind
}

fn describe(metadata: &Metadata) -> String {
    let [modified, accessed] = [metadata.modified(), metadata.accessed()]
        .map(|time| time.expect("these are always there"));
    let changed = metadata.changed();
    let created = match metadata.created() {
        Ok(time) => format!("{}.{:09}", time.tv_sec, time.tv_nsec),
        Err(errno) => {
            assert_eq!(errno, Errno::ENOTSUP);
            String::from("never")
        }
    };
    assert_eq!(metadata.len(), metadata.size());
    assert_eq!(metadata.permissions().mode(), metadata.mode());
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
        modified.tv_sec,
        modified.tv_nsec,
        accessed.tv_sec,
        accessed.tv_nsec,
        changed.tv_sec,
        changed.tv_nsec,
    )
}

/// The entries by their names, and of each how long the file is.
fn read_dir(path: &str) -> Result<String> {
    let mut dir = fs::read_dir(path)?;
    let mut entries: Vec<DirEntry> = dir.by_ref().collect::<Result<_>>()?;
    entries.sort_by(|one, other| one.file_name().cmp(other.file_name()));
    let mut lines = Vec::new();
    for entry in entries {
        let metadata = entry.metadata(&dir)?;
        let file_type = entry.file_type()?;
        assert_eq!(file_type, metadata.file_type());
        lines.push(format!(
            "{} {} {} {}",
            entry.file_name().escape_ascii(),
            kind(file_type),
            entry.ino(),
            metadata.len(),
        ));
    }
    Ok(lines.join("\n"))
}
