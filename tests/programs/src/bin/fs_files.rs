//! Files, as far as they need nothing but themselves, in the current directory.

#![no_std]
#![no_main]

use freestand::fs::{self, File, FileTimes, OpenOptions, Permissions};
use freestand::io::{Read, ReadExactError, Seek, SeekFrom, Write};
use freestand::println;
use freestand::sys::{self, AsFd, Errno, FdFlags, OFlags, OwnedFd, STDIN, Timespec};

freestand::entry!(main);

fn main() {
    let before = descriptors();
    reading_and_writing();
    options();
    positions();
    holes();
    more_than_four_gib();
    what_has_no_positions();
    appending();
    clones_and_locks();
    times_and_permissions();
    flags();
    full_devices();
    assert_eq!(descriptors(), before, "a file is still open");
    println!("ok");
}

/// How many descriptors are open.
fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn reading_and_writing() {
    let mut file = File::create("file").unwrap();
    assert_eq!(file.write(b"some text"), Ok(9));
    assert_eq!(file.write(b""), Ok(0));
    assert_eq!(file.flush(), Ok(()));
    assert_eq!(file.read(&mut [0; 4]), Err(Errno::EBADF), "not for reading");
    assert_eq!(file.close(), Ok(()));

    let mut buffer = [0; 16];
    let mut file = File::open("file").unwrap();
    assert_eq!(file.read(&mut buffer), Ok(9));
    assert_eq!(&buffer[..9], b"some text");
    assert_eq!(file.read(&mut buffer), Ok(0));
    assert_eq!(file.write(b"text"), Err(Errno::EBADF), "not for writing");
    assert_eq!(file.write_all(b"text"), Err(Errno::EBADF));

    file.rewind().unwrap();
    assert_eq!(file.read_exact(&mut buffer[..4]), Ok(()));
    assert_eq!(&buffer[..4], b"some");
    assert_eq!(
        file.read_exact(&mut buffer[..6]),
        Err(ReadExactError::UnexpectedEof)
    );

    // The same through a shared reference.
    (&file).rewind().unwrap();
    assert_eq!((&file).read(&mut buffer[..4]), Ok(4));
    drop(file);

    // As a descriptor, and back.
    let fd = OwnedFd::from(File::open("file").unwrap());
    assert_eq!(File::from(fd).metadata().unwrap().len(), 9);

    assert_eq!(File::open("nothing").err(), Some(Errno::ENOENT));
    assert_eq!(File::open("file/x").err(), Some(Errno::ENOTDIR));
    assert_eq!(File::create(".").err(), Some(Errno::EISDIR));
    assert_eq!(File::open("a\0b").err(), Some(Errno::EINVAL));
    assert_eq!(File::open(&[b'a'; 5000]).err(), Some(Errno::ENAMETOOLONG));
    assert_eq!(File::create_new("file").err(), Some(Errno::EEXIST));
    fs::remove_file("file").unwrap();
}

fn options() {
    // Nothing is made by options that do not go together.
    for options in [
        File::options().create(true),
        File::options().read(true).create(true),
        File::options().read(true).truncate(true),
        File::options().append(true).truncate(true),
        &mut OpenOptions::new(),
    ] {
        assert_eq!(
            options.open("file").err(),
            Some(Errno::EINVAL),
            "{options:?}"
        );
    }
    assert_eq!(fs::exists("file"), Ok(false));

    let mut options = File::options();
    let options = options.write(true).create(true).mode(0o640);
    drop(options.open("file").unwrap());
    assert_eq!(fs::metadata("file").unwrap().mode() & 0o777 & !0o640, 0);
    fs::write("file", b"1234").unwrap();
    drop(options.open("file").unwrap());
    assert_eq!(fs::metadata("file").unwrap().len(), 4, "nothing is cut");
    drop(options.truncate(true).open("file").unwrap());
    assert_eq!(fs::metadata("file").unwrap().len(), 0);

    // From a directory on.
    fs::create_dir("directory").unwrap();
    let dir = File::open("directory").unwrap();
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open_at(sys::At::Dir(dir.as_fd()), "file");
    drop(file.unwrap());
    assert_eq!(fs::exists("directory/file"), Ok(true));
    fs::remove_dir_all("directory").unwrap();
    fs::remove_file("file").unwrap();
}

fn positions() {
    let mut file = File::create_new("file").unwrap();
    file.write_all(b"0123456789").unwrap();
    assert_eq!(file.stream_position(), Ok(10));
    assert_eq!(file.seek(SeekFrom::Start(2)), Ok(2));
    assert_eq!(file.seek(SeekFrom::Current(3)), Ok(5));
    assert_eq!(file.seek(SeekFrom::Current(-1)), Ok(4));
    assert_eq!(file.seek(SeekFrom::End(-3)), Ok(7));
    assert_eq!(file.seek(SeekFrom::End(3)), Ok(13), "beyond the end");
    assert_eq!(file.seek(SeekFrom::Current(-14)), Err(Errno::EINVAL));
    assert_eq!(file.seek(SeekFrom::Start(u64::MAX)), Err(Errno::EINVAL));
    assert_eq!(file.stream_position(), Ok(13), "where it was");

    // These leave it there.
    let mut buffer = [0; 4];
    assert_eq!(file.read_at(&mut buffer, 8), Ok(2));
    assert_eq!(&buffer[..2], b"89");
    assert_eq!(file.read_exact_at(&mut buffer, 3), Ok(()));
    assert_eq!(&buffer, b"3456");
    assert_eq!(
        file.read_exact_at(&mut buffer, 8),
        Err(ReadExactError::UnexpectedEof)
    );
    assert_eq!(file.write_at(b"ab", 1), Ok(2));
    assert_eq!(file.write_all_at(b"cd", 3), Ok(()));
    assert_eq!(file.stream_position(), Ok(13));
    assert_eq!(file.read_exact_at(&mut buffer, 1), Ok(()));
    assert_eq!(&buffer, b"abcd");
    fs::remove_file("file").unwrap();
}

fn holes() {
    let mut file = File::create_new("file").unwrap();
    file.write_all(b"begin").unwrap();
    file.seek(SeekFrom::Start(100_000)).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 5, "nothing is written yet");
    file.write_all(b"end").unwrap();
    assert_eq!(file.metadata().unwrap().len(), 100_003);
    let mut buffer = [1; 1000];
    for offset in (5..100_000).step_by(1000) {
        let len = buffer.len().min(100_000 - offset as usize);
        file.read_exact_at(&mut buffer[..len], offset).unwrap();
        assert!(buffer[..len].iter().all(|&byte| byte == 0), "at {offset}");
    }

    assert_eq!(file.set_len(50), Ok(()));
    assert_eq!(file.set_len(60), Ok(()));
    assert_eq!(file.stream_position(), Ok(100_003), "where it was");
    assert_eq!(file.metadata().unwrap().len(), 60);
    assert_eq!(file.read_at(&mut buffer, 0), Ok(60));
    assert_eq!(&buffer[..5], b"begin");
    assert!(buffer[5..60].iter().all(|&byte| byte == 0));
    assert_eq!(file.set_len(u64::MAX), Err(Errno::EINVAL));
    assert_eq!(File::open("file").unwrap().set_len(0), Err(Errno::EINVAL));
    fs::remove_file("file").unwrap();
}

fn more_than_four_gib() {
    const FAR: u64 = 5 << 30;
    let mut file = File::create_new("large").unwrap();
    assert_eq!(file.seek(SeekFrom::Start(FAR)), Ok(FAR));
    file.write_all(b"far").unwrap();
    assert_eq!(file.stream_position(), Ok(FAR + 3));
    assert_eq!(file.seek(SeekFrom::End(-3)), Ok(FAR));
    let mut buffer = [0; 3];
    file.read_exact(&mut buffer).unwrap();
    assert_eq!(&buffer, b"far");
    file.write_all_at(b"farther", FAR + (1 << 32)).unwrap();
    file.read_exact_at(&mut buffer, FAR + (1 << 32) + 4)
        .unwrap();
    assert_eq!(&buffer, b"her");
    assert_eq!(file.metadata().unwrap().len(), FAR + (1 << 32) + 7);
    assert_eq!(fs::metadata("large").unwrap().len(), FAR + (1 << 32) + 7);
    assert!(
        file.metadata().unwrap().blocks() < 1 << 20,
        "there is a hole"
    );
    file.set_len(FAR + 1).unwrap();
    assert_eq!(file.seek(SeekFrom::End(0)), Ok(FAR + 1));
    drop(file);
    let mut file = OpenOptions::new().append(true).open("large").unwrap();
    file.write_all(b"!").unwrap();
    assert_eq!(file.metadata().unwrap().len(), FAR + 2);
    fs::remove_file("large").unwrap();
}

/// Standard input is a pipe.
fn what_has_no_positions() {
    let pipe = File::from(sys::fcntl_dupfd_cloexec(STDIN, 3).unwrap());
    let terminal = File::options().read(true).write(true).open("/dev/ptmx");
    for mut file in [pipe, terminal.unwrap()] {
        assert_eq!(file.seek(SeekFrom::Start(0)), Err(Errno::ESPIPE));
        assert_eq!(file.stream_position(), Err(Errno::ESPIPE));
        assert_eq!(file.rewind(), Err(Errno::ESPIPE));
        assert_eq!(file.read_at(&mut [0], 0), Err(Errno::ESPIPE));
        assert_eq!(file.write_at(b"x", 0), Err(Errno::ESPIPE));
    }
}

fn appending() {
    let append = || File::options().append(true).create(true).open("log");
    let (mut one, mut other) = (append().unwrap(), append().unwrap());
    for _ in 0..10 {
        one.write_all(b"one,").unwrap();
        other.write_all(b"other,").unwrap();
    }
    assert_eq!(fs::metadata("log").unwrap().len(), 100);
    assert_eq!(one.read(&mut [0]), Err(Errno::EBADF));
    let mut both = File::options().read(true).append(true).open("log").unwrap();
    let mut buffer = [0; 10];
    both.read_exact(&mut buffer).unwrap();
    assert_eq!(&buffer, b"one,other,");
    both.write_all(b"!").unwrap();
    assert_eq!(fs::metadata("log").unwrap().len(), 101);
    fs::remove_file("log").unwrap();
}

fn clones_and_locks() {
    let mut file = File::create_new("file").unwrap();
    let mut clone = file.try_clone().unwrap();
    file.write_all(b"one").unwrap();
    assert_eq!(clone.stream_position(), Ok(3), "they share it");
    drop(file);
    clone.write_all(b"two").unwrap();
    assert_eq!(clone.metadata().unwrap().len(), 6, "it is still open");

    // Locks are between open files, not descriptors.
    let other = File::open("file").unwrap();
    clone.lock().unwrap();
    assert_eq!(clone.try_clone().unwrap().try_lock(), Ok(()));
    assert_eq!(other.try_lock(), Err(Errno::EWOULDBLOCK));
    assert_eq!(other.try_lock_shared(), Err(Errno::EWOULDBLOCK));
    clone.lock_shared().unwrap();
    assert_eq!(other.try_lock_shared(), Ok(()));
    assert_eq!(clone.try_lock(), Err(Errno::EWOULDBLOCK));
    other.unlock().unwrap();
    assert_eq!(clone.try_lock(), Ok(()));
    drop(clone);
    assert_eq!(other.try_lock(), Ok(()), "closing unlocks");
    fs::remove_file("file").unwrap();
}

fn times_and_permissions() {
    let file = File::create_new("file").unwrap();
    let time = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
    let (accessed, modified) = (time(1_000_000_000, 1), time(2_000_000_000, 999_999_999));
    let times = FileTimes::new()
        .set_accessed(accessed)
        .set_modified(modified);
    file.set_times(times).unwrap();
    let metadata = file.metadata().unwrap();
    assert_eq!(metadata.accessed(), Ok(accessed));
    assert_eq!(metadata.modified(), Ok(modified));
    let later = time(2_000_000_001, 0);
    file.set_modified(later).unwrap();
    let metadata = fs::metadata("file").unwrap();
    assert_eq!(metadata.accessed(), Ok(accessed), "it stays");
    assert_eq!(metadata.modified(), Ok(later));
    assert_eq!(
        file.set_modified(time(0, 1_000_000_000)),
        Err(Errno::EINVAL)
    );

    file.set_permissions(Permissions::from_mode(0o4751))
        .unwrap();
    let mut permissions = file.metadata().unwrap().permissions();
    assert_eq!(permissions.mode() & 0o7777, 0o4751);
    assert!(!permissions.readonly());
    permissions.set_readonly(true);
    fs::set_permissions("file", permissions).unwrap();
    let permissions = fs::metadata("file").unwrap().permissions();
    assert_eq!(permissions.mode() & 0o777, 0o551);
    assert!(permissions.readonly());

    assert_eq!(file.sync_all(), Ok(()));
    assert_eq!(file.sync_data(), Ok(()));
    assert!(fs::metadata("file").unwrap().is_file());
    fs::remove_file("file").unwrap();
}

/// Every descriptor has `O_CLOEXEC`; other flags are those that were asked for.
fn flags() {
    let is_closed_on_exec = |fd: &dyn AsFd| {
        sys::fcntl_getfd(fd.as_fd())
            .unwrap()
            .contains(FdFlags::CLOEXEC)
    };
    let file = File::create("file").unwrap();
    assert!(is_closed_on_exec(&file));
    assert!(is_closed_on_exec(&file.try_clone().unwrap()));
    assert!(is_closed_on_exec(&fs::read_dir(".").unwrap()));

    let open = |flags| File::options().read(true).custom_flags(flags).open("file");
    let status = |file: &File| sys::fcntl_getfl(file.as_fd()).unwrap();
    for flags in [OFlags::NONBLOCK, OFlags::APPEND, OFlags::NOATIME] {
        let file = open(flags).unwrap();
        assert!(status(&file).contains(flags), "{flags:?}");
        assert!(is_closed_on_exec(&file));
        assert!(!status(&open(OFlags::NOCTTY).unwrap()).contains(flags));
    }
    assert_eq!(open(OFlags::DIRECTORY).err(), Some(Errno::ENOTDIR));
    fs::symlink("file", "link").unwrap();
    let follow = |flags| File::options().read(true).custom_flags(flags).open("link");
    assert!(follow(OFlags::empty()).is_ok());
    assert_eq!(follow(OFlags::NOFOLLOW).err(), Some(Errno::ELOOP));
    assert_eq!(status(&file) & OFlags::ACCMODE, OFlags::WRONLY);

    // Without a name: nobody sees it, and it goes when it is closed.
    let nameless = File::options()
        .read(true)
        .write(true)
        .custom_flags(OFlags::TMPFILE)
        .open(".");
    let mut nameless = nameless.unwrap();
    nameless.write_all(b"text").unwrap();
    assert_eq!(nameless.metadata().unwrap().nlink(), 0);
    assert_eq!(fs::read_dir(".").unwrap().count(), 2);
    fs::remove_file("file").unwrap();
    fs::remove_file("link").unwrap();
}

fn full_devices() {
    let mut full = File::create("/dev/full").unwrap();
    assert_eq!(full.write(b"text"), Err(Errno::ENOSPC));
    assert_eq!(full.write_all(b"text"), Err(Errno::ENOSPC));
    assert_eq!(fs::write("/dev/full", b"text"), Err(Errno::ENOSPC));
    assert_eq!(fs::write("/dev/null", b"text"), Ok(()));
    fs::write("file", b"text").unwrap();
    assert_eq!(fs::copy("file", "/dev/full"), Err(Errno::ENOSPC));
    assert_eq!(fs::copy("file", "/dev/null"), Ok(4), "which keeps its mode");
    assert_eq!(fs::copy("/dev/null", "file"), Err(Errno::EINVAL));
    assert_eq!(fs::metadata("file").unwrap().len(), 4);
    fs::remove_file("file").unwrap();
}
