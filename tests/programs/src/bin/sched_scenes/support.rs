//! What the scenes have in common.

use core::hint;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use freestand::io::{self, PipeReader, PipeWriter};
use freestand::sys::{
    self, AsFd, Clock, Errno, Pid, SaFlags, SigAction, SigHandler, SigSet, Signal, Tid,
};
use freestand::time::Duration;
use freestand::{fs, task};

pub const MS: Duration = Duration::from_millis(1);

/// A pipe whose ends the kernel waits for, and not the scheduler's poller.
pub struct Pipe {
    reader: PipeReader,
    writer: PipeWriter,
}

impl Pipe {
    pub fn new() -> Pipe {
        let (reader, writer) = io::pipe().expect("there are descriptors");
        Pipe { reader, writer }
    }

    /// Takes one byte, in a call that the scheduler hears of.
    pub fn take(&self) {
        let mut byte = [0];
        loop {
            match sys::read(self.reader.as_fd(), &mut byte) {
                Err(Errno::EINTR) => {}
                taken => break assert_eq!(taken, Ok(1)),
            }
        }
    }

    /// As [`Pipe::take`], in a call that it does not hear of.
    pub fn take_raw(&self) {
        let mut byte = [0];
        loop {
            match sys::raw::read(self.reader.as_fd(), &mut byte) {
                Err(Errno::EINTR) => {}
                taken => break assert_eq!(taken, Ok(1)),
            }
        }
    }

    /// Puts so many bytes into it, at most 1000.
    pub fn put(&self, count: usize) {
        assert_eq!(
            sys::write(self.writer.as_fd(), &[0; 1000][..count]),
            Ok(count)
        );
    }

    /// As [`Pipe::put`] one, where the scheduler must not hear of it.
    pub fn put_raw(&self) {
        assert_eq!(sys::raw::write(self.writer.as_fd(), &[0]), Ok(1));
    }
}

/// A system call that takes no time, and that the scheduler hears of.
pub fn call() {
    sys::getpgid(Pid(0)).expect("the process has a group");
}

/// Waits in the kernel for so long, in a call that the scheduler hears of.
pub fn sleep_in_kernel(duration: Duration) {
    freestand::time::sleep(duration);
}

/// Computes for so long, without a call that the scheduler hears of: where there is no vDSO, as
/// under qemu-user, to read the clock is a call.
pub fn compute_for(duration: Duration) {
    let now = || {
        let now = sys::raw::clock_gettime(Clock::MONOTONIC).expect("there is one");
        Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
    };
    let begun = now();
    while now() - begun < duration {
        hint::spin_loop();
    }
}

/// Waits until it is so, and lets others run meanwhile. Whoever waits for ever is ended by the
/// test's SIGALRM.
pub fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        task::yield_now();
        sleep_in_kernel(MS / 10);
    }
}

pub fn is_some(count: &AtomicUsize) -> bool {
    count.load(Relaxed) > 0
}

/// How many threads the process has.
pub fn threads() -> usize {
    fs::read_dir("/proc/self/task")
        .expect("there is one")
        .count()
}

/// The calling thread, asked of the kernel by a call that the scheduler does not hear of.
pub fn tid() -> Tid {
    sys::gettid()
}

/// Has tasks that compute be asked to give way, but not turned out: it comes before the first
/// task.
pub fn without_preemption() {
    handle(Signal::URG, SigHandler::Ignore, SaFlags::empty());
}

/// Has a signal handled so.
pub fn handle(signal: Signal, handler: SigHandler, flags: SaFlags) {
    let action = SigAction {
        sa_handler: handler,
        sa_flags: flags,
        sa_mask: SigSet::empty(),
    };
    // SAFETY: the scenes' handlers do what handlers may.
    unsafe { sys::rt_sigaction(signal, Some(&action)) }.expect("it can be handled");
}

/// Numbers that pass for random.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: usize) -> usize {
        // Knuth's, as MMIX has it.
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }
}
