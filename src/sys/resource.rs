//! What a process may use and has used, and what the machine is.

use core::ffi::CStr;

use linux_raw_sys::general;

use super::declare::{Argument, Shown, Words};
use super::kinds::named;
use super::{Filled, Pid, Result, Tid, Uid};
use crate::arch::nr;
use crate::syscalls;

#[doc(inline)]
pub use linux_raw_sys::general::rusage as Rusage;

// SAFETY: any bytes are numbers.
unsafe impl Filled for Rusage {}

named! {
    /// Something that a process may use only so much of: getrlimit(2).
    Resource: u32 {
        /// Processor time, in seconds.
        CPU = general::RLIMIT_CPU;
        /// A file's length, in bytes.
        FSIZE = general::RLIMIT_FSIZE;
        /// Memory for data, in bytes.
        DATA = general::RLIMIT_DATA;
        /// The first thread's stack, in bytes.
        STACK = general::RLIMIT_STACK;
        /// A core dump's length, in bytes.
        CORE = general::RLIMIT_CORE;
        /// Nothing any more.
        RSS = general::RLIMIT_RSS;
        /// The user's threads.
        NPROC = general::RLIMIT_NPROC;
        /// One more than the highest descriptor.
        NOFILE = general::RLIMIT_NOFILE;
        /// Locked memory, in bytes.
        MEMLOCK = general::RLIMIT_MEMLOCK;
        /// The address space, in bytes.
        AS = general::RLIMIT_AS;
        /// Nothing any more.
        LOCKS = general::RLIMIT_LOCKS;
        /// The user's signals that are held back.
        SIGPENDING = general::RLIMIT_SIGPENDING;
        /// The user's message queues, in bytes.
        MSGQUEUE = general::RLIMIT_MSGQUEUE;
        /// 20 less the lowest nice value.
        NICE = general::RLIMIT_NICE;
        /// The highest real-time priority.
        RTPRIO = general::RLIMIT_RTPRIO;
        /// Processor time at real-time priority without a call that waits, in
        /// microseconds.
        RTTIME = general::RLIMIT_RTTIME;
    }
    /// Whose usage: getrusage(2).
    RusageWho: i32 {
        /// The process's.
        SELF = general::RUSAGE_SELF;
        /// That of its children that it has waited for.
        CHILDREN = general::RUSAGE_CHILDREN;
        /// The calling thread's.
        THREAD = general::RUSAGE_THREAD;
    }
}

/// How much of a resource a process may use: getrlimit(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Rlimit {
    /// How much now.
    pub rlim_cur: u64,
    /// How high it may set that.
    pub rlim_max: u64,
}

impl Rlimit {
    /// No limit.
    pub const INFINITY: u64 = general::RLIM64_INFINITY as u64;
}

// SAFETY: any bytes are numbers.
unsafe impl Filled for Rlimit {}

/// Processor times, in ticks of which the auxiliary vector's `AT_CLKTCK` says how many
/// make a second: times(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Tms {
    /// The process's own.
    pub tms_utime: isize,
    /// The kernel's for it.
    pub tms_stime: isize,
    /// Its children's, if it has waited for them.
    pub tms_cutime: isize,
    /// The kernel's for those.
    pub tms_cstime: isize,
}

/// Names of the system: uname(2). Each ends in NUL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Utsname {
    sysname: Name,
    nodename: Name,
    release: Name,
    version: Name,
    machine: Name,
    domainname: Name,
}

/// The kernel's `__NEW_UTS_LEN`, and a NUL.
type Name = [u8; 65];

// SAFETY: any bytes are bytes.
unsafe impl Filled for Utsname {}

impl Utsname {
    /// The kernel's name.
    pub fn sysname(&self) -> &CStr {
        text(&self.sysname)
    }

    /// The machine's name: gethostname(2).
    pub fn nodename(&self) -> &CStr {
        text(&self.nodename)
    }

    /// The kernel's version, such as 6.1.0.
    pub fn release(&self) -> &CStr {
        text(&self.release)
    }

    /// What its maker says of it, such as when it was made.
    pub fn version(&self) -> &CStr {
        text(&self.version)
    }

    /// The architecture; x86_64 also for a program for i386.
    pub fn machine(&self) -> &CStr {
        text(&self.machine)
    }

    /// The NIS domain's name.
    pub fn domainname(&self) -> &CStr {
        text(&self.domainname)
    }
}

/// What is before the NUL, which the kernel has put there.
fn text(name: &Name) -> &CStr {
    CStr::from_bytes_until_nul(name).unwrap_or_default()
}

/// What the system has and uses: sysinfo(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Sysinfo {
    /// Seconds since it started.
    pub uptime: isize,
    /// How many threads ran or wanted to, on average over 1, 5 and 15 minutes, in
    /// 65536ths.
    pub loads: [usize; 3],
    /// Memory, in [`mem_unit`](Sysinfo::mem_unit)s, as all that follow.
    pub totalram: usize,
    /// Memory that nothing uses.
    pub freeram: usize,
    /// Memory that processes share.
    pub sharedram: usize,
    /// Memory that devices' contents are in.
    pub bufferram: usize,
    /// Swap space.
    pub totalswap: usize,
    /// Swap space that nothing uses.
    pub freeswap: usize,
    /// How many threads there are, or 16 bits of that.
    pub procs: u16,
    /// Nothing.
    pub pad: u16,
    /// Memory that the kernel does not map all the time.
    pub totalhigh: usize,
    /// Such memory that nothing uses.
    pub freehigh: usize,
    /// How many bytes the unit is.
    pub mem_unit: u32,
    /// Nothing.
    pub _f: [u8; 20 - 2 * size_of::<usize>() - size_of::<u32>()],
}

// SAFETY: any bytes are numbers.
unsafe impl Filled for Sysinfo {}

/// A set of processors: as many as Linux can be built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct CpuSet([usize; CpuSet::WORDS]);

impl CpuSet {
    /// How many processors it has room for: `CONFIG_NR_CPUS` goes no further.
    pub const MAX: usize = 8192;
    const WORDS: usize = CpuSet::MAX / usize::BITS as usize;

    /// No processor.
    pub const fn empty() -> CpuSet {
        CpuSet([0; CpuSet::WORDS])
    }

    /// Adds the processor `cpu`.
    ///
    /// # Panics
    ///
    /// If it is not less than [`CpuSet::MAX`].
    pub const fn add(&mut self, cpu: usize) {
        self.0[cpu / usize::BITS as usize] |= 1 << (cpu % usize::BITS as usize);
    }

    /// Takes the processor `cpu` out.
    ///
    /// # Panics
    ///
    /// If it is not less than [`CpuSet::MAX`].
    pub const fn remove(&mut self, cpu: usize) {
        self.0[cpu / usize::BITS as usize] &= !(1 << (cpu % usize::BITS as usize));
    }

    /// Whether the processor `cpu` is in it.
    pub const fn contains(&self, cpu: usize) -> bool {
        cpu < CpuSet::MAX
            && self.0[cpu / usize::BITS as usize] & 1 << (cpu % usize::BITS as usize) != 0
    }

    /// How many processors are in it.
    pub fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }
}

/// Whose priority: getpriority(2). 0 is the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PriorityOf {
    /// A thread's.
    Process(Tid),
    /// A process group's.
    Group(Pid),
    /// A user's.
    User(Uid),
}

/// What it is, and its number.
impl Argument for PriorityOf {
    const WORDS: usize = 2;
    const SHOWN: Shown = Shown::Depends;

    #[inline(always)]
    fn pass(self, words: &mut Words) {
        let (which, who) = match self {
            PriorityOf::Process(id) => (general::PRIO_PROCESS, id.0.cast_unsigned()),
            PriorityOf::Group(id) => (general::PRIO_PGRP, id.0.cast_unsigned()),
            PriorityOf::User(id) => (general::PRIO_USER, id.0),
        };
        which.pass(words);
        who.pass(words);
    }
}

syscalls! {
    /// Says how much of `resource` the process `process` may use, if there is a `new`
    /// limit, and returns how much it might: prlimit(2). 0 is the calling process.
    ///
    /// # Errors
    ///
    /// `ESRCH` if there is no such process, `EPERM`, `EINVAL` if there is no such
    /// resource, or more is allowed now than ever.
    sys prlimit64(
        process: Pid,
        resource: Resource,
        new: Option<&Rlimit>,
        old: out Rlimit
    ) -> Result<Rlimit>;

    /// How much of `resource` the process may use: getrlimit(2), by [`prlimit64`].
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is no such resource.
    wrap getrlimit(resource: Resource) -> Result<Rlimit> {
        prlimit64(Pid(0), resource, None)
    }

    /// Says how much of `resource` the process may use: setrlimit(2), by [`prlimit64`].
    ///
    /// # Errors
    ///
    /// `EPERM` without the capability to raise what is allowed ever, `EINVAL` if there is
    /// no such resource, or more is allowed now than ever.
    wrap setrlimit(resource: Resource, limit: &Rlimit) -> Result<()> {
        prlimit64(Pid(0), resource, Some(limit)).map(drop)
    }

    /// What `who` has used: getrusage(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` for another `who`.
    sys getrusage(who: RusageWho, usage: out Rusage) -> Result<Rusage>;

    /// The processor times that the process has used, and how many ticks have passed
    /// since some point: times(2). That number may be negative.
    sysnb times(times: Option<&mut Tms>) -> isize;

    /// The system's names: uname(2).
    ///
    /// # Errors
    ///
    /// None.
    sys uname(name: out Utsname) -> Result<Utsname>;

    /// What the system has and uses: sysinfo(2).
    ///
    /// # Errors
    ///
    /// None.
    sys sysinfo(info: out Sysinfo) -> Result<Sysinfo>;

    part sys sched_getaffinity_words(
        thread: Tid,
        size: usize = size_of::<CpuSet>(),
        set: &mut CpuSet
    ) -> Result<usize> = nr::sched_getaffinity;
    /// On which processors the thread `thread` may run, or the calling one if that is 0:
    /// sched_getaffinity(2).
    ///
    /// # Errors
    ///
    /// `ESRCH` if there is no such thread.
    wrap sched_getaffinity(thread: Tid) -> Result<CpuSet> {
        // The kernel fills no more of it than it has processors for.
        let mut set = CpuSet::empty();
        sched_getaffinity_words(thread, &mut set)?;
        Ok(set)
    }

    /// Says on which processors the thread `thread` may run, or the calling one if that
    /// is 0: sched_setaffinity(2).
    ///
    /// # Errors
    ///
    /// `EINVAL` if there is none of them that it may have, `ESRCH` if there is no such
    /// thread, `EPERM`.
    sys sched_setaffinity(
        thread: Tid,
        size: usize = size_of::<CpuSet>(),
        set: &CpuSet
    ) -> Result<()>;

    part sys getpriority_20(of: PriorityOf) -> Result<i32> = nr::getpriority;
    /// The nice value, −20 to 19, or the lowest one of several: getpriority(2). (The
    /// kernel itself returns 20 less that, so that none looks like an error.)
    ///
    /// # Errors
    ///
    /// `ESRCH` if there is none such.
    wrap getpriority(of: PriorityOf) -> Result<i32> {
        getpriority_20(of).map(|priority| 20 - priority)
    }

    /// Sets the nice value, −20 to 19; a higher one is less favoured: setpriority(2).
    ///
    /// # Errors
    ///
    /// `ESRCH` if there is none such, `EACCES` without the capability to favour it more,
    /// `EPERM` if it is another user's.
    sys setpriority(of: PriorityOf, nice: i32) -> Result<()>;
}
