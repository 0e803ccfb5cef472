//! Locks.

use freestand::sys::{self, Flock, FlockFlags, LockType};
use test_programs::child::in_child;
use test_programs::{err, ok};

use crate::common::{HIGH, RDONLY, RDWR, closed, new_file, open};

pub fn all() {
    locks_of_whole_files();
    locks_of_open_files();
    locks_of_processes();
}

fn locks_of_whole_files() {
    let file = new_file("lock");
    let [one, other] = [(), ()].map(|()| open("lock", RDONLY).unwrap());
    let (one, other) = (one.as_fd(), other.as_fd());
    ok!(flock(one, FlockFlags::EX));
    err!(EAGAIN, flock(other, FlockFlags::EX | FlockFlags::NB));
    err!(EAGAIN, flock(other, FlockFlags::SH | FlockFlags::NB));
    ok!(flock(one, FlockFlags::SH));
    ok!(flock(other, FlockFlags::SH | FlockFlags::NB));
    err!(EAGAIN, flock(file.as_fd(), FlockFlags::EX | FlockFlags::NB));
    ok!(flock(one, FlockFlags::UN));
    ok!(flock(other, FlockFlags::UN));
    ok!(flock(file.as_fd(), FlockFlags::EX | FlockFlags::NB));
    err!(EINVAL, flock(one, FlockFlags::empty()));
    err!(EBADF, flock(closed(), FlockFlags::SH));
}

fn locks_of_open_files() {
    let [one, other] = [(), ()].map(|()| open("lock", RDWR).unwrap());
    let (one, other) = (one.as_fd(), other.as_fd());
    let start = HIGH as i64;
    let lock = |start, length| Flock::new(LockType::WRLCK, start, length);

    ok!(fcntl_ofd_setlk(one, &lock(start, start + 1)));
    let found = ok!(fcntl_ofd_getlk(other, lock(0, 0)));
    assert_eq!(
        found,
        Some(Flock {
            l_pid: -1,
            ..lock(start, start + 1)
        })
    );
    assert_eq!(ok!(fcntl_ofd_getlk(one, lock(0, 0))), None);
    // Both halves of both ends count.
    err!(EAGAIN, fcntl_ofd_setlk(other, &lock(2 * start, 1)));
    ok!(fcntl_ofd_setlk(other, &lock(2 * start + 1, 1)));
    ok!(fcntl_ofd_setlk(other, &lock(start & 0xffff_ffff, 1)));
    assert_eq!(ok!(fcntl_ofd_getlk(other, lock(start - 1, 1))), None);
    let shared = Flock::new(LockType::RDLCK, start, 0);
    assert!(ok!(fcntl_ofd_getlk(other, shared)).is_some());
    err!(EAGAIN, fcntl_ofd_setlk(other, &shared));
    ok!(fcntl_ofd_setlk(one, &Flock::new(LockType::UNLCK, 0, 0)));
    ok!(fcntl_ofd_setlkw(other, &lock(start, 1)));
    err!(EAGAIN, fcntl_ofd_setlk(one, &lock(start, 1)));

    let owned = Flock {
        l_pid: 1,
        ..lock(0, 1)
    };
    err!(EINVAL, fcntl_ofd_setlk(one, &owned));
    err!(EINVAL, fcntl_ofd_setlkw(one, &owned));
    err!(EINVAL, fcntl_ofd_getlk(one, owned));
    err!(EBADF, fcntl_ofd_getlk(closed(), lock(0, 1)));
    let reading = open("lock", RDONLY).unwrap();
    err!(EBADF, fcntl_ofd_setlk(reading.as_fd(), &lock(0, 1)));
}

fn locks_of_processes() {
    let file = open("lock", RDWR).unwrap();
    let fd = file.as_fd();
    let start = HIGH as i64;
    let lock = |start, length| Flock::new(LockType::WRLCK, start, length);

    ok!(fcntl_setlk(fd, &lock(start, start + 1)));
    ok!(fcntl_setlkw(fd, &lock(5, 2)));
    // It is not in its own way, but in its child's.
    assert_eq!(ok!(fcntl_getlk(fd, lock(0, 0))), None);
    let parent = sys::getpid();
    in_child(|| {
        let owned = |lock| {
            Some(Flock {
                l_pid: parent.0,
                ..lock
            })
        };
        assert_eq!(ok!(fcntl_getlk(fd, lock(0, start))), owned(lock(5, 2)));
        assert_eq!(
            ok!(fcntl_getlk(fd, lock(8, 0))),
            owned(lock(start, start + 1))
        );
        assert_eq!(ok!(fcntl_getlk(fd, lock(8, start - 8))), None);
        err!(EAGAIN, fcntl_setlk(fd, &lock(2 * start, 1)));
        ok!(fcntl_setlk(fd, &lock(2 * start + 1, 1)));
        ok!(fcntl_setlk(fd, &lock(start & 0xffff_ffff, 1)));
    });
    ok!(fcntl_setlk(fd, &Flock::new(LockType::UNLCK, 0, 0)));

    let reading = open("lock", RDONLY).unwrap();
    err!(EBADF, fcntl_setlk(reading.as_fd(), &lock(0, 1)));
    err!(EBADF, fcntl_setlkw(reading.as_fd(), &lock(0, 1)));
    err!(EINVAL, fcntl_setlk(fd, &Flock::new(LockType(99), 0, 1)));
    err!(EINVAL, fcntl_getlk(fd, Flock::new(LockType::UNLCK, 0, 1)));
    err!(EBADF, fcntl_getlk(closed(), lock(0, 1)));
}
