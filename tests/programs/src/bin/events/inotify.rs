//! inotify.

use freestand::fs::{self, File, Inotify};
use freestand::path::Path;
use freestand::sys::{self, AsFd, Errno, FdFlags, InotifyEvent, InotifyFlags, InotifyMask, Watch};

use crate::{end_of_storm, something_else, storm};

const NONBLOCK: InotifyFlags = InotifyFlags::NONBLOCK;

pub fn all() {
    names_come_and_go();
    the_longest_name_fits();
    watches_end();
    is_interrupted();
    is_something_else();
}

/// Checks what the next read gives.
#[track_caller]
fn expect(inotify: &Inotify, watch: Watch, expected: &[(InotifyMask, &str)]) -> [u32; 8] {
    let mut buffer = [0; 8 * Inotify::LONGEST_EVENT];
    let mut events = inotify.read(&mut buffer).unwrap();
    let mut cookies = [0; 8];
    for (cookie, (mask, name)) in cookies.iter_mut().zip(expected) {
        let event = events.next().unwrap();
        let InotifyEvent {
            wd, mask: found, ..
        } = event;
        let path = event.path().map_or("", |path| path.to_str().unwrap());
        assert_eq!((wd, found, path), (watch, *mask, *name));
        *cookie = event.cookie;
    }
    assert_eq!(events.next(), None);
    cookies
}

fn names_come_and_go() {
    let inotify = Inotify::new(NONBLOCK).unwrap();
    assert_eq!(sys::fcntl_getfd(inotify.as_fd()), Ok(FdFlags::CLOEXEC));
    let mask = InotifyMask::CREATE | InotifyMask::MOVE | InotifyMask::DELETE | InotifyMask::MODIFY;
    let watch = inotify.watch(".", mask).unwrap();
    assert_eq!(inotify.read(&mut [0; 1000]).err(), Some(Errno::EAGAIN));

    fs::write("one", b"text").unwrap();
    fs::create_dir("directory").unwrap();
    let directory = InotifyMask::CREATE | InotifyMask::ISDIR;
    let expected = [
        (InotifyMask::CREATE, "one"),
        (InotifyMask::MODIFY, "one"),
        (directory, "directory"),
    ];
    assert_eq!(expect(&inotify, watch, &expected), [0; 8]);
    fs::rename("one", "another").unwrap();
    let expected = [
        (InotifyMask::MOVED_FROM, "one"),
        (InotifyMask::MOVED_TO, "another"),
    ];
    let [from, to, ..] = expect(&inotify, watch, &expected);
    assert!(from == to && from != 0);

    // The same file has the same watch, which is for something else now.
    assert_eq!(inotify.watch(".", InotifyMask::DELETE), Ok(watch));
    fs::create_dir("directory/inner").unwrap();
    fs::remove_dir_all("directory").unwrap();
    fs::remove_file("another").unwrap();
    let expected = [
        (InotifyMask::DELETE | InotifyMask::ISDIR, "directory"),
        (InotifyMask::DELETE, "another"),
    ];
    expect(&inotify, watch, &expected);
    let once = InotifyMask::DELETE | InotifyMask::MASK_CREATE;
    assert_eq!(inotify.watch(".", once), Err(Errno::EEXIST));
}

fn the_longest_name_fits() {
    let inotify = Inotify::new(NONBLOCK).unwrap();
    let watch = inotify.watch(".", InotifyMask::CREATE).unwrap();
    let name = [b'n'; 255];
    let path = Path::new(&name);
    File::create(path).unwrap();
    // What is too small takes nothing away.
    for size in [0, 15, 16, Inotify::LONGEST_EVENT - 1] {
        let mut buffer = [0; Inotify::LONGEST_EVENT];
        let error = inotify.read(&mut buffer[..size]).err();
        assert_eq!(error, Some(Errno::EINVAL), "{size}");
    }
    let mut buffer = [0; Inotify::LONGEST_EVENT];
    let mut events = inotify.read(&mut buffer).unwrap();
    let event = events.next().unwrap();
    assert_eq!((event.wd, event.path()), (watch, Some(path)));
    fs::remove_file(path).unwrap();
}

fn watches_end() {
    let inotify = Inotify::new(NONBLOCK).unwrap();
    let watch = inotify.watch(".", InotifyMask::CREATE).unwrap();
    inotify.unwatch(watch).unwrap();
    expect(&inotify, watch, &[(InotifyMask::IGNORED, "")]);
    assert_eq!(inotify.unwatch(watch), Err(Errno::EINVAL));

    File::create("one").unwrap();
    let watch = inotify.watch("one", InotifyMask::DELETE_SELF).unwrap();
    fs::remove_file("one").unwrap();
    let expected = [(InotifyMask::DELETE_SELF, ""), (InotifyMask::IGNORED, "")];
    expect(&inotify, watch, &expected);

    let wrong = [
        (inotify.watch("one", InotifyMask::OPEN), Errno::ENOENT),
        (inotify.watch(".", InotifyMask::empty()), Errno::EINVAL),
        (
            inotify.watch("/dev/null", InotifyMask::ONLYDIR | InotifyMask::OPEN),
            Errno::ENOTDIR,
        ),
    ];
    for (watch, errno) in wrong {
        assert_eq!(watch, Err(errno));
    }
}

fn is_interrupted() {
    let inotify = Inotify::new(InotifyFlags::empty()).unwrap();
    storm();
    assert_eq!(inotify.read(&mut [0; 1000]).err(), Some(Errno::EINTR));
    end_of_storm();
}

fn is_something_else() {
    let other = Inotify::from(something_else());
    assert_eq!(other.watch(".", InotifyMask::OPEN), Err(Errno::EINVAL));
}

/// Events that nobody reads are lost, which is the last one that can be read.
pub fn overflow() {
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    let inotify = Inotify::new(NONBLOCK).unwrap();
    File::create("one").unwrap();
    let watch = inotify
        .watch("one", InotifyMask::OPEN | InotifyMask::CLOSE)
        .unwrap();
    // Two events each.
    for _ in 0..=limit / 2 {
        File::open("one").unwrap();
    }
    let mut buffer = [0; 16 * Inotify::LONGEST_EVENT];
    let (mut events, mut overflows) = (0, 0);
    while let Ok(some) = inotify.read(&mut buffer) {
        for event in some {
            assert_eq!(overflows, 0);
            if event.mask == InotifyMask::Q_OVERFLOW {
                assert_eq!((event.wd, event.path()), (Watch::NONE, None));
                overflows += 1;
            } else {
                assert_eq!(event.wd, watch);
                events += 1;
            }
        }
    }
    assert_eq!((events, overflows), (limit, 1));
    // From now on it tells again.
    File::open("one").unwrap();
    assert_eq!(inotify.read(&mut buffer).unwrap().count(), 2);
    fs::remove_file("one").unwrap();
}
