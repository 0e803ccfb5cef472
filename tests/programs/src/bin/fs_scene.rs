//! Goes to the directory that its argument names, does a little of everything there, says
//! what came of it, and leaves nothing: for tests in which system calls fail.

#![no_std]
#![no_main]

use freestand::env::Args;
use freestand::fs::{self, File, Permissions};
use freestand::io::{Read, Seek, SeekFrom, Write};
use freestand::path::Path;
use freestand::println;
use freestand::sys::{self, Errno, Result};

freestand::entry!(main);

fn main(mut args: Args) -> Result<()> {
    sys::chdir(args.nth(1).ok_or(Errno::EINVAL)?)?;
    fs::create_dir_all("a/b/c")?;
    fs::create_dir("a/d")?;
    fs::write("a/file", b"a text of some length")?;
    println!("copied {}", fs::copy("a/file", "a/b/copy")?);
    println!("{}", fs::read_to_string("a/b/copy")?);
    println!("{:?}", fs::read("a/b/copy").map(|bytes| bytes.len())?);
    through_a_file()?;

    fs::hard_link("a/file", "a/b/c/link")?;
    fs::rename("a/b/copy", "a/b/renamed")?;
    fs::symlink("../b/renamed", "a/d/symbolic")?;
    println!("{}", fs::read_link("a/d/symbolic")?.display());
    let real = fs::canonicalize("a/d/symbolic")?;
    let name = real.file_name().unwrap_or_default();
    println!("{}", Path::new(name).display());
    fs::set_permissions("a/file", Permissions::from_mode(0o600))?;
    let metadata = fs::metadata("a/file")?;
    println!("{} bytes, {} names", metadata.len(), metadata.nlink());
    println!("{}", fs::exists("a/nothing")?);

    let mut names = 0;
    let mut dir = fs::read_dir("a")?;
    while let Some(entry) = dir.next() {
        let entry = entry?;
        names += entry.file_name().len();
        if entry.file_type()?.is_file() {
            println!("{}", entry.metadata(&dir)?.len());
        }
    }
    println!("{names}");
    fs::remove_file("a/file")?;
    fs::remove_dir_all("a")?;
    println!("{}", fs::exists("a")?);
    Ok(())
}

fn through_a_file() -> Result<()> {
    let mut file = File::options().read(true).write(true).open("a/file")?;
    let mut buffer = [0; 6];
    file.read_exact(&mut buffer)?;
    file.seek(SeekFrom::End(0))?;
    file.write_all(b", and more of it")?;
    file.write_all_at(b"THE", 0)?;
    file.read_exact_at(&mut buffer, 1)?;
    file.set_len(30)?;
    file.set_permissions(Permissions::from_mode(0o640))?;
    file.sync_all()?;
    file.sync_data()?;
    let clone = file.try_clone()?;
    println!("{} {:?}", clone.metadata()?.len(), buffer);
    clone.close()?;
    file.close()
}
