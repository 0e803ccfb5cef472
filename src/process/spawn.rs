//! How a child comes about: clone3(2) with `VM` and `VFORK`, on a stack of its own.
//!
//! The child borrows the parent's memory, so nothing is copied however large that is, and
//! the parent's thread waits until the child is another program or has ended. What the
//! child does in between allocates nothing, takes no lock and makes its system calls
//! without hooks, so it does not matter what other threads were doing.
//!
//! | | by clone3 | by clone, with a pipe |
//! |---|---|---|
//! | when | mostly | if the command changes who the child is or has functions to call; before Linux 5.5 or under qemu-user |
//! | memory | the parent's | a copy, but of an old kernel's if neither is the case |
//! | handlers | reset by the kernel | reset one by one |
//! | an error | is left in memory | goes through a pipe that execve closes |
//!
//! Who changes who it is gets a copy, because the kernel has the memory of a process that
//! does so not be dumped or traced any more, which is the parent's too; functions, because
//! what they write is not meant for the parent.
//!
//! All signals are held back around it: a handler of the parent's that ran in the child
//! would run in the parent's memory, in a process that it knows nothing of. The child lets
//! through what the parent did only when no handler is left. (musl and glibc do the same:
//! <https://ewontfix.com/7/> tells of who does not.)

use core::convert::Infallible;
use core::ffi::CStr;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicPtr, Ordering};

use super::{Child, PidFd};
use crate::env;
use crate::io;
use crate::mapping::{GUARD, Mapping};
use crate::sys::hook::{Entered, ThreadLocked};
use crate::sys::{
    self, Address, BorrowedFd, CStrList, Clone3Flags, CloneArgs, CloneFlags, Errno, Gid, MaskHow,
    OwnedFd, Path, Pid, PipeFlags, RawFd, Result, SigAction, SigHandler, SigSet, Signal, Tid, Uid,
    raw,
};
use heapless::Vec;

/// Where programs are looked for if nobody says so.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// Starts the program that `program` names, with the descriptors that survive execve, and
/// does not wait for it: posix_spawn(3). `arguments` begin with the program's name;
/// `environment` may be [`inherited_environment`]. Allocates nothing.
///
/// `Command` can do more, and needs the feature `alloc` for it: see there for what becomes
/// of signals.
///
/// # Errors
///
/// Those of execve(2): `ENOENT`, `EACCES`, `ENOEXEC`, …; `EAGAIN` if there are too many
/// processes, `EMFILE` or `ENFILE` too many descriptors, `ENOMEM`.
pub fn spawn(
    program: impl Path,
    arguments: CStrList<'_>,
    environment: CStrList<'_>,
) -> Result<Child> {
    let mut buffer = program.buffer();
    let program = program.c_str(&mut buffer)?;
    Plan::new(program, arguments, environment)
        .spawn()
        .map(Child::new)
}

/// The environment that the program was started with, as it is, to pass on.
pub fn inherited_environment() -> CStrList<'static> {
    let begin = env::initial_stack().envp().as_ptr();
    // SAFETY: a null pointer ends it, and it stays unchanged.
    unsafe { CStrList::from_ptr(begin) }
}

/// A descriptor of the child's: what it is, and its number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placement {
    pub source: RawFd,
    pub target: RawFd,
}

/// What a child is to do, in the order of the fields' use.
pub(super) struct Plan<'a> {
    pub descriptors: &'a mut [Placement],
    pub groups: Option<&'a [Gid]>,
    pub gid: Option<Gid>,
    pub uid: Option<Uid>,
    pub directory: Option<&'a CStr>,
    pub process_group: Option<Pid>,
    pub setsid: bool,
    pub pre_exec: Option<&'a mut dyn FnMut() -> Result<()>>,
    program: &'a CStr,
    /// Where the program is looked for, unless its name has a `/`.
    pub search: bool,
    arguments: CStrList<'a>,
    environment: CStrList<'a>,
}

/// A child that has come about.
#[derive(Debug)]
pub(super) struct Spawned {
    pub pid: Pid,
    pub pidfd: Option<PidFd>,
}

impl<'a> Plan<'a> {
    /// To run the program, and nothing else.
    pub fn new(program: &'a CStr, arguments: CStrList<'a>, environment: CStrList<'a>) -> Plan<'a> {
        Plan {
            descriptors: &mut [],
            groups: None,
            gid: None,
            uid: None,
            directory: None,
            process_group: None,
            setsid: false,
            pre_exec: None,
            program,
            search: false,
            arguments,
            environment,
        }
    }

    /// Has a child do it. When this returns, the child is the program.
    pub fn spawn(self) -> Result<Spawned> {
        let stack = Stack::new()?;
        // A task is to have its own thread's mask back.
        let _locked = ThreadLocked::new();
        // No error: it is a mask.
        let mask = sys::rt_sigprocmask(MaskHow::SETMASK, Some(&SigSet::all()))?;
        let mut job = Job {
            plan: self,
            mask,
            resets_handlers: false,
            error: None,
            pipe: None,
        };
        let spawned = job.spawn(&stack);
        let _ = sys::rt_sigprocmask(MaskHow::SETMASK, Some(&mask));
        spawned
    }

    /// Does it in this process, which is the program from then on.
    #[cfg(feature = "alloc")]
    pub fn exec(mut self) -> Errno {
        match self.carry_out(None) {
            Ok(never) => match never {},
            Err(errno) => errno,
        }
    }

    /// Whether the memory must be another one than the parent's: the module says why.
    fn needs_copy(&self) -> bool {
        self.groups.is_some() || self.gid.is_some() || self.uid.is_some() || self.pre_exec.is_some()
    }

    /// All of it, and lets signals through that `mask` does.
    fn carry_out(&mut self, mask: Option<&SigSet>) -> Result<Infallible> {
        // A program expects to end when nobody reads what it writes, as std has it.
        // SAFETY: the default action is no handler.
        unsafe { raw::rt_sigaction(Signal::PIPE, Some(&SigAction::default())) }?;
        place(self.descriptors)?;
        if let Some(groups) = self.groups {
            raw::setgroups(groups)?;
        }
        if let Some(gid) = self.gid {
            raw::setgid(gid)?;
        }
        if let Some(uid) = self.uid {
            // Whoever may do it leaves the groups behind, else they would be the child's.
            if self.groups.is_none() && raw::getuid() == Uid::ROOT {
                raw::setgroups(&[])?;
            }
            raw::setuid(uid)?;
        }
        if let Some(directory) = self.directory {
            raw::chdir(directory)?;
        }
        if let Some(group) = self.process_group {
            raw::setpgid(Pid::OWN, group)?;
        }
        if self.setsid {
            raw::setsid()?;
        }
        if let Some(mask) = mask {
            raw::rt_sigprocmask(MaskHow::SETMASK, Some(mask))?;
        }
        if let Some(pre_exec) = &mut self.pre_exec {
            pre_exec()?;
        }
        if self.search && !self.program.to_bytes().contains(&b'/') {
            self.search()
        } else {
            self.run(self.program)
        }
    }

    fn run(&self, program: &CStr) -> Result<Infallible> {
        raw::execve(program, self.arguments, self.environment)
    }

    /// Runs the program from the first directory that has it, of those that the child's
    /// `PATH` names, as execvp(3) does, but for a file that is no program: no shell runs.
    fn search(&self) -> Result<Infallible> {
        let mut variables = self.environment.iter();
        let path = variables.find_map(|variable| variable.to_bytes().strip_prefix(b"PATH="));
        let mut candidate = Vec::<u8, { sys::PATH_MAX }>::new();
        let mut was_denied = false;
        let mut error = Errno::ENOENT;
        for directory in path.unwrap_or(DEFAULT_PATH).split(|&byte| byte == b':') {
            error = match self.try_in(directory, &mut candidate) {
                Ok(never) => match never {},
                Err(errno) => errno,
            };
            match error {
                // Another directory may have one that can be run.
                Errno::EACCES => was_denied = true,
                // It is not there, or nobody can tell.
                Errno::ENOENT
                | Errno::ENOTDIR
                | Errno::ESTALE
                | Errno::ENODEV
                | Errno::ETIMEDOUT => {}
                // No directory, or one that is too long for a path.
                Errno::ENAMETOOLONG if candidate.is_empty() => {}
                _ => break,
            }
        }
        Err(if was_denied { Errno::EACCES } else { error })
    }

    /// Runs the program from `directory`, or if that is empty from where the child is.
    fn try_in(
        &self,
        directory: &[u8],
        candidate: &mut Vec<u8, { sys::PATH_MAX }>,
    ) -> Result<Infallible> {
        candidate.clear();
        let slash: &[u8] = if directory.is_empty() { b"" } else { b"/" };
        let name = self.program.to_bytes_with_nul();
        let length = directory.len() + slash.len() + name.len();
        if length > candidate.capacity() {
            return Err(Errno::ENAMETOOLONG);
        }
        for piece in [directory, slash, name] {
            // It fits.
            let _ = candidate.extend_from_slice(piece);
        }
        // SAFETY: neither a variable nor the name has a NUL, but at its end.
        self.run(unsafe { CStr::from_bytes_with_nul_unchecked(candidate) })
    }
}

/// Gives each descriptor its number. Those whose number is another's are copied to where
/// nobody is in the way before.
fn place(descriptors: &mut [Placement]) -> Result<()> {
    for index in 0..descriptors.len() {
        let source = descriptors[index].source;
        descriptors[index].source = aside(source, descriptors)?;
    }
    for &mut Placement { source, target } in descriptors {
        // SAFETY: the source is lent. In a child, the target is the program's that it will
        // be; who calls exec knows that the descriptors change.
        unsafe {
            raw::dup3_to(
                BorrowedFd::borrow_raw(source),
                target,
                sys::DupFlags::empty(),
            )
        }?;
    }
    Ok(())
}

/// A descriptor of the same file that is none of the targets.
fn aside(fd: RawFd, descriptors: &[Placement]) -> Result<RawFd> {
    let mut aside = fd;
    while descriptors.iter().any(|other| other.target == aside) {
        // SAFETY: the source is lent.
        let source = unsafe { BorrowedFd::borrow_raw(fd) };
        // Copies that are targets themselves will be written over.
        aside = raw::fcntl_dupfd_cloexec(source, if aside == fd { 0 } else { aside + 1 })?
            .into_raw_fd();
    }
    Ok(aside)
}

/// What parent and child know of each other.
struct Job<'a> {
    plan: Plan<'a>,
    /// What the parent holds back.
    mask: SigSet,
    /// Whether the child must.
    resets_handlers: bool,
    /// Why the child failed, if it has the parent's memory.
    error: Option<Errno>,
    /// Where it writes that otherwise.
    pipe: Option<RawFd>,
}

/// What the child does.
extern "C" fn child(job: Address) -> ! {
    // SAFETY: it is the job of `Job::clone3` or `Job::clone`, which is the child's until
    // it ends or is another program: the parent waits, or has its own copy.
    let job = unsafe { &mut *job.cast::<Job<'_>>() };
    let error = match job.be_child() {
        Ok(never) => match never {},
        Err(errno) => errno,
    };
    job.error = Some(error);
    if let Some(pipe) = job.pipe {
        let bytes = u32::from(error.code()).to_ne_bytes();
        // A pipe has room for these. Where it breaks, nobody is there to be told.
        // SAFETY: it is the pipe's end, and open.
        let _ = unsafe { raw::write(BorrowedFd::borrow_raw(pipe), &bytes) };
    }
    raw::exit_group(127)
}

impl Job<'_> {
    fn be_child(&mut self) -> Result<Infallible> {
        if self.resets_handlers {
            reset_handlers();
        }
        if let Some(pipe) = &mut self.pipe {
            *pipe = aside(*pipe, self.plan.descriptors)?;
        }
        self.plan.carry_out(Some(&self.mask))
    }

    fn spawn(&mut self, stack: &Stack) -> Result<Spawned> {
        let spawned = match self.clone3(stack) {
            // It is Linux before 5.3, or before 5.5, which does not know CLEAR_SIGHAND; or a
            // copy is needed. No child has come about.
            Err(Errno::ENOSYS | Errno::EINVAL) => self.clone(stack),
            spawned => spawned,
        }?;
        spawned.unless(self.error)
    }

    /// A child in this memory, which has failed if there is an `error` now; `EINVAL` if it
    /// needs a copy.
    fn clone3(&mut self, stack: &Stack) -> Result<Spawned> {
        if self.plan.needs_copy() {
            return Err(Errno::EINVAL);
        }
        let mut pidfd = NONE;
        let flags = CloneFlags::VM | CloneFlags::VFORK | CloneFlags::PIDFD;
        let args = CloneArgs {
            flags: Clone3Flags::from(flags) | Clone3Flags::CLEAR_SIGHAND,
            pidfd: (&raw mut pidfd).expose_provenance() as u64,
            exit_signal: u64::from(Signal::CHLD.0.cast_unsigned()),
            stack: stack.begin().expose_provenance() as u64,
            stack_size: Stack::SIZE as u64,
            ..CloneArgs::default()
        };
        // The call waits until the child is a program. The child calls no hooks.
        let _entered = Entered::may_block();
        // SAFETY: the stack is the child's alone; the parent waits while it uses it, and
        // while it uses the job. The kernel fills `pidfd`.
        let pid = unsafe { sys::clone3_on_stack(&args, child, (&raw mut *self).cast()) }?;
        // SAFETY: the kernel has made it for this.
        Ok(unsafe { Spawned::new(Pid(pid.0), pidfd) })
    }

    /// A child that resets handlers by itself, and says through a pipe if it has failed:
    /// there is an `error` then.
    fn clone(&mut self, stack: &Stack) -> Result<Spawned> {
        let [reader, writer] = sys::pipe2(PipeFlags::CLOEXEC)?;
        self.pipe = Some(writer.as_fd().as_raw_fd());
        self.resets_handlers = true;
        let mut flags = CloneFlags::VFORK;
        if !self.plan.needs_copy() {
            flags |= CloneFlags::VM;
        }
        let job = (&raw mut *self).cast();
        // SAFETY: the stack and the job are the child's while the parent waits; or the
        // child has a copy of it all. Where `pidfd` points is what PIDFD makes of it.
        let spawned = Spawned::by(|pidfd_flag, pidfd| unsafe {
            let nothing = Address::default();
            sys::clone_on_stack(
                flags | pidfd_flag,
                Some(Signal::CHLD),
                stack.end(),
                pidfd,
                nothing.cast(),
                nothing,
                child,
                job,
            )
            .map(Some)
        })?;
        // It is the parent: the child is elsewhere.
        let spawned = spawned.ok_or(Errno::ECHILD)?;
        drop(writer);
        let mut bytes = [0; size_of::<u32>()];
        self.error = match io::read_exact(&mut { reader }, &mut bytes) {
            Ok(()) => Errno::new(u32::from_ne_bytes(bytes) as u16),
            // The end: execve closed the other one.
            Err(_) => None,
        };
        Ok(spawned)
    }
}

/// No descriptor.
const NONE: RawFd = -1;

impl Spawned {
    /// Calls `clone` for a child with a descriptor, for which it gets the flag, and the
    /// address for the parent's word. `None` is the child's side.
    ///
    /// qemu-user 7.2 does not know the flag: there the descriptor is made when the child is
    /// there. Linux before 5.2 ignores it, and before 5.3 there is no other way.
    pub fn by(
        clone: impl Fn(CloneFlags, *mut Tid) -> Result<Option<Tid>>,
    ) -> Result<Option<Spawned>> {
        let mut pidfd = Tid(NONE);
        let child = match clone(CloneFlags::PIDFD, &raw mut pidfd) {
            Err(Errno::EINVAL) => clone(CloneFlags::empty(), ptr::null_mut()),
            child => child,
        }?;
        Ok(child.map(|Tid(pid)| {
            // SAFETY: the kernel has made it for this.
            let mut spawned = unsafe { Spawned::new(Pid(pid), pidfd.0) };
            spawned.pidfd = spawned.pidfd.or_else(|| PidFd::open(spawned.pid).ok());
            spawned
        }))
    }

    /// # Safety
    ///
    /// `pidfd` must be a descriptor that nobody else has, or [`NONE`].
    unsafe fn new(pid: Pid, pidfd: RawFd) -> Spawned {
        Spawned {
            pid,
            pidfd: (pidfd != NONE).then(|| {
                // SAFETY: passed on to the caller.
                PidFd::from(unsafe { OwnedFd::from_raw_fd(pidfd) })
            }),
        }
    }

    /// It, unless it has failed: then it has ended, or does so now.
    fn unless(self, error: Option<Errno>) -> Result<Spawned> {
        match error {
            None => Ok(self),
            Some(errno) => {
                // If this fails, somebody has waited for it already.
                let _ = Child::new(self).wait();
                Err(errno)
            }
        }
    }
}

/// Has each signal do what it does by default that has a handler. Ignored ones stay so.
fn reset_handlers() {
    for signal in (1..=Signal::RTMAX.0).map(Signal) {
        // Errors are for signals that nothing can change, and qemu's own.
        // SAFETY: it only asks.
        if let Ok(action) = unsafe { raw::rt_sigaction(signal, None) }
            && let SigHandler::Function(_) = action.sa_handler
        {
            // SAFETY: the default action is no handler.
            let _ = unsafe { raw::rt_sigaction(signal, Some(&SigAction::default())) };
        }
    }
}

/// What a child runs on, with a guard below. One is kept for the next child.
struct Stack(NonNull<u8>);

/// The one that is kept, or null.
static SPARE: AtomicPtr<u8> = AtomicPtr::new(ptr::null_mut());

impl Stack {
    /// How much there is; of which as much takes memory as is used.
    const SIZE: usize = 256 << 10;
    /// With the guard.
    const LENGTH: usize = GUARD + Stack::SIZE;

    fn new() -> Result<Stack> {
        match NonNull::new(SPARE.swap(ptr::null_mut(), Ordering::Acquire)) {
            Some(spare) => Ok(Stack(spare)),
            None => Ok(Stack(Mapping::of_stack(Stack::LENGTH)?.into_raw())),
        }
    }

    fn begin(&self) -> Address {
        self.0.as_ptr().wrapping_add(GUARD).cast()
    }

    fn end(&self) -> Address {
        self.begin().wrapping_byte_add(Stack::SIZE)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let none = ptr::null_mut();
        let kept =
            SPARE.compare_exchange(none, self.0.as_ptr(), Ordering::Release, Ordering::Relaxed);
        if kept.is_err() {
            // SAFETY: the memory is its own, and no child runs on it.
            drop(unsafe { Mapping::from_raw(self.0, Stack::LENGTH) });
        }
    }
}
