//! Threads, and waiting for one another.

use core::sync::atomic::{AtomicI32, AtomicU32, AtomicU64};

use linux_raw_sys::general::{self, membarrier_cmd, membarrier_cmd_flag, robust_list_head};

use super::kinds::{flags, named};
use super::time::{OldTimespec, or_old};
use super::{Result, Tid, Timespec};
use crate::arch::{nr, widest};
use crate::syscalls;

#[doc(inline)]
pub use linux_raw_sys::general::{
    FUTEX_BITSET_MATCH_ANY, FUTEX_OWNER_DIED, FUTEX_TID_MASK, FUTEX_WAITERS,
};

named! {
    /// What [`futex`] does: futex(2), "Futex operations".
    FutexOp: u32 {
        /// Sleeps while the word is the value.
        WAIT = general::FUTEX_WAIT;
        /// Wakes as many sleepers.
        WAKE = general::FUTEX_WAKE;
        /// Wakes as many sleepers, and lets others sleep on the second word.
        REQUEUE = general::FUTEX_REQUEUE;
        /// `REQUEUE`, if the word is the third value.
        CMP_REQUEUE = general::FUTEX_CMP_REQUEUE;
        /// Changes the second word, and wakes sleepers on both.
        WAKE_OP = general::FUTEX_WAKE_OP;
        /// Takes a lock with priority inheritance; its timeout is a time of `REALTIME`.
        LOCK_PI = general::FUTEX_LOCK_PI;
        /// Gives such a lock back.
        UNLOCK_PI = general::FUTEX_UNLOCK_PI;
        /// Takes such a lock if it is free.
        TRYLOCK_PI = general::FUTEX_TRYLOCK_PI;
        /// `WAIT` as one of the sleepers of some bits, up to a time, not for a duration.
        WAIT_BITSET = general::FUTEX_WAIT_BITSET;
        /// `WAKE` for the sleepers of some bits.
        WAKE_BITSET = general::FUTEX_WAKE_BITSET;
        /// `WAIT` until put on a lock with priority inheritance.
        WAIT_REQUEUE_PI = general::FUTEX_WAIT_REQUEUE_PI;
        /// `CMP_REQUEUE` onto such a lock.
        CMP_REQUEUE_PI = general::FUTEX_CMP_REQUEUE_PI;
        /// `LOCK_PI` whose timeout is a time of `MONOTONIC`.
        LOCK_PI2 = general::FUTEX_LOCK_PI2;
    }
    /// What [`membarrier`] does. Those but `QUERY` are bits, for which it answers whether
    /// they are there: membarrier(2).
    MembarrierCmd: u32 {
        /// Says which commands there are.
        QUERY = membarrier_cmd::MEMBARRIER_CMD_QUERY;
        /// A barrier in each thread of the system.
        GLOBAL = membarrier_cmd::MEMBARRIER_CMD_GLOBAL;
        /// One in each thread of the processes that have registered, and quickly.
        GLOBAL_EXPEDITED = membarrier_cmd::MEMBARRIER_CMD_GLOBAL_EXPEDITED;
        /// Registers the process for `GLOBAL_EXPEDITED`.
        REGISTER_GLOBAL_EXPEDITED = membarrier_cmd::MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED;
        /// One in each thread of the process, and quickly.
        PRIVATE_EXPEDITED = membarrier_cmd::MEMBARRIER_CMD_PRIVATE_EXPEDITED;
        /// Registers the process for `PRIVATE_EXPEDITED`.
        REGISTER_PRIVATE_EXPEDITED = membarrier_cmd::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
        /// `PRIVATE_EXPEDITED`, for code that has changed too.
        PRIVATE_EXPEDITED_SYNC_CORE = membarrier_cmd::MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE;
        /// Registers the process for `PRIVATE_EXPEDITED_SYNC_CORE`.
        REGISTER_PRIVATE_EXPEDITED_SYNC_CORE
            = membarrier_cmd::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE;
        /// `PRIVATE_EXPEDITED`, and each thread begins its [`rseq`] section anew.
        PRIVATE_EXPEDITED_RSEQ = membarrier_cmd::MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ;
        /// Registers the process for `PRIVATE_EXPEDITED_RSEQ`.
        REGISTER_PRIVATE_EXPEDITED_RSEQ
            = membarrier_cmd::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ;
        /// Says which registrations the process has.
        GET_REGISTRATIONS = membarrier_cmd::MEMBARRIER_CMD_GET_REGISTRATIONS;
    }
}

impl FutexOp {
    /// The operation among the threads of this process, which is faster.
    pub const fn private(self) -> FutexOp {
        FutexOp(self.0 | general::FUTEX_PRIVATE_FLAG)
    }

    /// The operation with a timeout that the clock `REALTIME` counts, not `MONOTONIC`.
    pub const fn realtime(self) -> FutexOp {
        FutexOp(self.0 | general::FUTEX_CLOCK_REALTIME)
    }
}

flags! {
    /// How [`membarrier`] does it.
    MembarrierFlags: u32 {
        /// `PRIVATE_EXPEDITED_RSEQ`: only on one processor.
        CPU = membarrier_cmd_flag::MEMBARRIER_CMD_FLAG_CPU;
    }
    /// How [`rseq`] does it.
    RseqFlags: u32 {
        /// Takes the area away.
        UNREGISTER = 1; // linux/rseq.h: RSEQ_FLAG_UNREGISTER
    }
}

/// The head of a list of locks, which a thread gives free if it ends with them: see
/// [`set_robust_list`].
pub type RobustListHead = robust_list_head;

/// What the kernel and a thread tell one another about restartable sequences:
/// linux/rseq.h. Later kernels add to its end.
#[derive(Debug)]
#[repr(C, align(32))]
pub struct Rseq {
    /// The processor that the thread runs on; also where it is not registered, some
    /// possible one.
    pub cpu_id_start: AtomicU32,
    /// The processor that the thread runs on, or a negative number if it is not
    /// registered.
    pub cpu_id: AtomicI32,
    /// The address of the description of the sequence that the thread is in, or 0.
    pub rseq_cs: AtomicU64,
    /// Unused.
    pub flags: u32,
    /// The memory node of the processor that the thread runs on.
    pub node_id: AtomicU32,
    /// A small number that no other running thread of the process has.
    pub mm_cid: AtomicU32,
}

impl Rseq {
    /// One that is not registered.
    pub const fn new() -> Rseq {
        Rseq {
            cpu_id_start: AtomicU32::new(0),
            cpu_id: AtomicI32::new(-1), // linux/rseq.h: RSEQ_CPU_ID_UNINITIALIZED
            rseq_cs: AtomicU64::new(0),
            flags: 0,
            node_id: AtomicU32::new(0),
            mm_cid: AtomicU32::new(0),
        }
    }
}

impl Default for Rseq {
    fn default() -> Rseq {
        Rseq::new()
    }
}

syscalls! {
    /// The calling thread's id: gettid(2).
    sysnb gettid() -> Tid;

    /// Sleeps while `word` is `expected`, until [`futex_wake`]: futex(2), `FUTEX_WAIT`
    /// among the threads of this process.
    ///
    /// # Errors
    ///
    /// `EAGAIN` if `word` is not `expected`, `EINTR` if a signal came.
    sysblk futex_wait(
        word: &AtomicU32,
        operation: FutexOp = FutexOp::WAIT.private(),
        expected: u32,
        timeout: Option<&OldTimespec> = None
    ) -> Result<()> = nr::futex;

    /// As [`futex_wait`], but other processes that share the memory can wake it too, and so
    /// does the kernel at a thread's end (`CLONE_CHILD_CLEARTID`): futex(2), `FUTEX_WAIT`.
    ///
    /// # Errors
    ///
    /// As for [`futex_wait`].
    sysblk futex_wait_shared(
        word: &AtomicU32,
        operation: FutexOp = FutexOp::WAIT,
        expected: u32,
        timeout: Option<&OldTimespec> = None
    ) -> Result<()> = nr::futex;

    /// Wakes up to `count` threads that sleep on `word`, and returns how many: futex(2),
    /// `FUTEX_WAKE` among the threads of this process.
    ///
    /// # Errors
    ///
    /// None.
    sys futex_wake(
        word: &AtomicU32,
        operation: FutexOp = FutexOp::WAKE.private(),
        count: u32
    ) -> Result<usize> = nr::futex;

    part sys futex_new(
        word: &AtomicU32,
        operation: FutexOp,
        value: u32,
        timeout: Option<&Timespec>,
        word2: Option<&AtomicU32>,
        value3: u32
    ) -> Result<usize> = widest::futex;
    part sys futex_old(
        word: &AtomicU32,
        operation: FutexOp,
        value: u32,
        timeout: Option<&OldTimespec>,
        word2: Option<&AtomicU32>,
        value3: u32
    ) -> Result<usize> = nr::futex;
    /// Waits on a word of memory or wakes who waits: futex(2), the operations whose
    /// fourth argument is a timeout or means nothing. Returns how many threads are awake
    /// now, or 0.
    ///
    /// # Errors
    ///
    /// `EAGAIN` if the word is not what was expected, `ETIMEDOUT`, `EINTR`, `EINVAL` if
    /// the timeout is no time, `ENOSYS` if there is no such operation, `EDEADLK`,
    /// `EPERM`, `ESRCH`, …
    wrap futex(
        word: &AtomicU32,
        operation: FutexOp,
        value: u32,
        timeout: Option<&Timespec>,
        word2: Option<&AtomicU32>,
        value3: u32,
    ) -> Result<usize> {
        or_old(futex_new(word, operation, value, timeout, word2, value3), || {
            let timeout = OldTimespec::from_timeout(timeout)?;
            futex_old(word, operation, value, timeout.as_ref(), word2, value3)
        })
    }

    /// Wakes who waits on two words: futex(2), the operations whose fourth argument is a
    /// number: `REQUEUE`, `CMP_REQUEUE`, `CMP_REQUEUE_PI`, `WAKE_OP`. Returns how many
    /// threads are awake or moved.
    ///
    /// # Errors
    ///
    /// `EAGAIN` if the word is not `value3`, `EINVAL`, …
    sys futex_val2(
        word: &AtomicU32,
        operation: FutexOp,
        value: u32,
        value2: u32,
        word2: &AtomicU32,
        value3: u32
    ) -> Result<usize> = nr::futex;

    /// Says where the kernel writes 0 when the calling thread ends, and wakes one who
    /// waits there; null for nowhere: set_tid_address(2). Returns the thread's id.
    ///
    /// # Safety
    ///
    /// The memory is the kernel's to write when the thread ends.
    unsafe sysnb set_tid_address(address: *mut Tid) -> Tid;

    /// Says where the list of locks begins that become free if the calling thread ends
    /// with them: set_robust_list(2).
    ///
    /// # Errors
    ///
    /// `ENOSYS` where there is no such thing.
    ///
    /// # Safety
    ///
    /// Until the thread ends or has another list, this one must be as the kernel wants
    /// it: Documentation/locking/robust-futexes.rst. The kernel writes to its locks.
    unsafe sysnb set_robust_list(
        head: *mut RobustListHead,
        size: usize = size_of::<RobustListHead>()
    ) -> Result<()>;

    part sys get_robust_list_words(
        thread: Tid,
        head: out *mut RobustListHead,
        size: &mut usize
    ) -> Result<*mut RobustListHead> = nr::get_robust_list;
    /// Where the list of [`set_robust_list`] begins for `thread`, or for the calling one
    /// if that is 0; null if nowhere: get_robust_list(2).
    ///
    /// # Errors
    ///
    /// `ESRCH` if there is no such thread, `EPERM`, `ENOSYS` where there is no such thing.
    wrap get_robust_list(thread: Tid) -> Result<*mut RobustListHead> {
        get_robust_list_words(thread, &mut 0)
    }

    /// Makes other threads pass a memory barrier, or answers what it can do:
    /// membarrier(2). `cpu` is the processor, with the flag for one.
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such command or flag, `EPERM` if the process has not
    /// registered for it, `ENOSYS`.
    sys membarrier(command: MembarrierCmd, flags: MembarrierFlags, cpu: u32) -> Result<u32>;

    /// Says where the kernel keeps up to date on which processor the calling thread runs,
    /// and where the thread says which sequence of instructions begins anew when that
    /// changes: rseq, Documentation/userspace-api/rseq.rst. `signature` stands before
    /// each sequence's abort handler.
    ///
    /// # Errors
    ///
    /// `EINVAL` for a wrong address or size, or another area than the one to take away;
    /// `EBUSY` if there is one already, `EPERM` for another signature, `ENOSYS`.
    ///
    /// # Safety
    ///
    /// The area is the kernel's to write, `size` bytes of it, until it is taken away or
    /// the thread ends.
    unsafe sysnb rseq(
        area: *mut Rseq,
        size: u32,
        flags: RseqFlags,
        signature: u32
    ) -> Result<()>;

    /// The processor that the thread runs on, and the processor's node: getcpu(2). Both
    /// may be others by the time that anybody looks.
    ///
    /// # Errors
    ///
    /// `ENOSYS` where there is no such call.
    sysnb getcpu(
        cpu: Option<&mut u32>,
        node: Option<&mut u32>,
        unused: usize = 0
    ) -> Result<()>;

    /// Lets other threads run first: sched_yield(2).
    sysnb sched_yield() -> ();
}
