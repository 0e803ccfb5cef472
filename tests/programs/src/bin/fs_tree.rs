//! Makes trees of directories in the current one and removes them, also with hardly any
//! descriptors. The limit of these is to be low.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::vec::Vec;

use freestand::fs::{self, File};
use freestand::println;
use freestand::sys::{self, AsFd, At, Errno, Mode, OFlags};

freestand::entry!(main);

fn main() {
    wide();
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().count();
    for depth in [1, 2, 15, 16, 17, 18, 33, 200] {
        deep(depth);
        fs::remove_dir_all("deep").unwrap();
        assert_eq!(fs::exists("deep"), Ok(false), "{depth}");
    }
    assert_eq!(fs::read_dir("/proc/self/fd").unwrap().count(), descriptors);
    assert_eq!(fs::exists("outside/file"), Ok(true), "links were followed");
    with_few_descriptors();
    fs::remove_dir_all("outside").unwrap();
    println!("ok");
}

/// More in a directory than one read returns, files and directories.
fn wide() {
    for number in 0..80 {
        fs::create_dir_all(&*format!("wide/directory {number}/a/b")).unwrap();
        fs::write(&*format!("wide/directory {number}/file"), b"text").unwrap();
        fs::write(&*format!("wide/file {number}"), b"text").unwrap();
    }
    assert_eq!(fs::read_dir("wide").unwrap().count(), 160);
    fs::remove_dir_all("wide").unwrap();
    assert_eq!(fs::exists("wide"), Ok(false));
    assert_eq!(fs::remove_dir_all("wide"), Err(Errno::ENOENT));
}

/// Makes a tree that is `depth` directories deep, in which a path from the first to the
/// last may be longer than a path can be. Beside each there are a file, a directory, and
/// symbolic links to what must stay.
fn deep(depth: usize) {
    const NAME: &str = "a directory's name that is not quite as short as it might be";
    fs::create_dir_all("outside").unwrap();
    fs::write("outside/file", b"text").unwrap();
    let outside = fs::canonicalize("outside").unwrap();
    fs::create_dir("deep").unwrap();
    let mut dir = File::open("deep").unwrap();
    for _ in 0..depth {
        let at = At::Dir(dir.as_fd());
        let mode = Mode::new(0o777);
        for name in [NAME, "beside", "beside/it"] {
            sys::mkdirat(at, name, mode).unwrap();
        }
        let file = File::options()
            .write(true)
            .create_new(true)
            .open_at(at, "file");
        drop(file.unwrap());
        sys::symlinkat(&outside, at, "link").unwrap();
        sys::symlinkat("nowhere", at, "broken link").unwrap();
        let next = File::options().read(true).open_at(at, NAME);
        dir = next.unwrap();
    }
}

/// As few as it takes: one for the first directory, one for that which is being emptied,
/// and one for the next.
fn with_few_descriptors() {
    deep(40);
    let mut all = Vec::new();
    let errno = loop {
        let flags = OFlags::PATH;
        match File::options().read(true).custom_flags(flags).open("/") {
            Ok(file) => all.push(file),
            Err(errno) => break errno,
        }
    };
    assert_eq!(errno, Errno::EMFILE);
    assert_eq!(fs::read_dir("/").err(), Some(Errno::EMFILE));
    assert_eq!(all[0].try_clone().err(), Some(Errno::EMFILE));
    all.truncate(all.len() - 2);
    assert_eq!(fs::remove_dir_all("deep"), Err(Errno::EMFILE));
    all.pop();
    fs::remove_dir_all("deep").unwrap();
    assert_eq!(fs::exists("deep"), Ok(false));
}
