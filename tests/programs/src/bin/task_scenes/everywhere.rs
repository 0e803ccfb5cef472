//! What each thread does for itself.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering::*};
use core::time::Duration;

use freestand::io::{self, PipeWriter, Read, Write};
use freestand::sys::{self, AsFd, Errno, Prctl, Tid, Word};
use freestand::task::{self, sched};
use freestand::{fs, thread};

/// All threads take a name: those that run tasks, sleep, wait in system calls, and one that is no
/// task's.
pub fn everywhere(rounds: usize) {
    // Before any other there are the initial thread and, under qemu-user, such as qemu has.
    let own = sys::gettid();
    let strangers: Vec<Tid> = threads().filter(|&thread| thread != own).collect();
    // Before there are signals: of a thread whose maker just then gets one, qemu-user (7.2) holds
    // all back.
    let (mut reader, own_writer) = io::pipe().expect("a pipe");
    let own = thread::spawn(move || reader.read(&mut [0]).expect("it is the end"));
    let mut writers = Vec::new();
    let mut blocked = Vec::new();
    for _ in 0..10 {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        writers.push(writer);
        // Its thread sits in read(2), which begins again after the signal.
        blocked.push(task::spawn(move || {
            let fd = reader.as_fd();
            let mut byte = [0];
            assert_eq!(sys::read(fd, &mut byte), Ok(1));
            reader.read(&mut byte).expect("it is the end")
        }));
    }
    let computing = task::spawn(|| while STOP.load(Relaxed) == 0 {});
    // Those that read, sysmon, `own` and one more.
    while threads().count() < 13 + strangers.len() {
        task::sleep(Duration::from_millis(1));
    }
    for round in 0..rounds.clamp(1, 20) {
        let name = [b"one\0", b"two\0"][round % 2];
        sched::on_all_threads(|| rename(name)).expect("every thread can");
        let mut count = 0;
        for Tid(thread) in threads().filter(|thread| !strangers.contains(thread)) {
            let path = alloc::format!("/proc/self/task/{thread}/comm");
            // One that has ended since needs no name.
            if let Ok(comm) = fs::read(&*path) {
                assert_eq!(comm, [&name[..3], b"\n"].concat(), "{path}");
                count += 1;
            }
        }
        assert!(count >= 13, "{count} threads");
    }
    // The first that cannot is the last to be asked.
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let refused = sched::on_all_threads(|| {
        ASKED.fetch_add(1, Relaxed);
        Err(Errno::EPERM)
    });
    assert_eq!((refused, ASKED.load(Relaxed)), (Err(Errno::EPERM), 1));
    STOP.store(1, Relaxed);
    let Ok(()) = computing.join();
    writers.iter_mut().for_each(|writer: &mut PipeWriter| {
        writer.write_all(b"x").expect("it is read");
    });
    drop((writers, own_writer));
    for task in blocked {
        assert_eq!(task.join(), Ok(0));
    }
    assert_eq!(own.join(), Ok(0));
}

/// The threads that the kernel knows of.
fn threads() -> impl Iterator<Item = Tid> {
    let entries = fs::read_dir("/proc/self/task").expect("there are threads");
    entries.map(|entry| {
        let entry = entry.expect("it can be read");
        let name = core::str::from_utf8(entry.file_name()).expect("it is UTF-8");
        Tid(name.parse().expect("it is a number"))
    })
}

static STOP: AtomicUsize = AtomicUsize::new(0);

fn rename(name: &[u8; 4]) -> sys::Result<()> {
    let none = || Word::from(0_u32);
    let name = Word::from(name.as_ptr());
    // SAFETY: the kernel reads a string that ends in a zero.
    unsafe { sys::raw::prctl(Prctl::SET_NAME, name, none(), none(), none()) }.map(drop)
}
