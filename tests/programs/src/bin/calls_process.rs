//! Processes.

#![no_std]
#![no_main]

use core::ffi::c_int;
use core::hint::black_box;
use core::mem;
use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use freestand::arch;
use freestand::sys::{
    self, Address, ArchPrctl, At, BorrowedFd, CStrArray, Change, ChildCode, ChildInfo, Clone3Flags,
    CloneArgs, CloneFlags, Errno, ExecFlags, Gid, MapFlags, Mode, OFlags, OwnedFd, Personality,
    Pid, PidfdFlags, PidfdSignalFlags, Prctl, Prot, PtraceOptions, PtraceRequest, Reboot, Result,
    Rusage, STDIN, SeccompAction, SeccompFlags, SeccompOperation, Signal, SockFilter, SockFprog,
    Tid, Uid, WaitId, WaitOptions, WaitStatus, Word, nr, syscall,
};
use linux_raw_sys::general::{RLIMIT_NPROC, SIGCHLD};
use linux_raw_sys::ptrace::{BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W};
use test_programs::{err, ok, ok_if_there, seen};

freestand::entry!(main);

/// Whether the kernel takes clone's flags as they are: of vfork, qemu makes a fork, and a
/// child's id only the child gets to know. Other kernels than qemu's are not sure here.
const KEEPS_TO_CLONE: bool = matches!(arch::NAME.as_bytes(), b"x86_64" | b"i386");

/// No process has this id.
const NOBODY: Pid = Pid(i32::MAX);

const NULL: Address = ptr::null_mut();
const NONE: *mut Tid = ptr::null_mut();

fn main() {
    ids();
    users_and_groups();
    sessions_and_groups();
    waiting();
    forking();
    vforking();
    cloning();
    threads();
    clone3();
    other_programs();
    prctl();
    arch_prctl();
    personality();
    namespaces();
    rebooting();
    tracing();
    confining();
}

// ---- Children. What they print goes nowhere: they end without flushing, and what is to
// be noted of them, the parent notes.

/// A child that does `what` and ends with the status that it returns.
fn fork(what: impl FnOnce() -> u8) -> Pid {
    // SAFETY: there is one thread, and the child ends here.
    match unsafe { sys::fork() }.unwrap() {
        Some(child) => child,
        None => sys::exit_group(what().into()),
    }
}

/// What becomes of the child.
fn wait(child: Pid) -> Change {
    let mut status = WaitStatus::default();
    let waited = sys::wait4(child, Some(&mut status), WaitOptions::UNTRACED, None);
    assert_eq!(waited, Ok(Some(child)));
    status.change()
}

/// As the status of a child, 0 or the error's number.
fn status(result: Result<()>) -> u8 {
    result.map_or_else(|errno| errno.code() as u8, |()| 0)
}

/// The opposite.
fn result(change: Change) -> Result<()> {
    match change {
        Change::Exited(0) => Ok(()),
        Change::Exited(status) => Err(Errno::new(status.into()).unwrap()),
        other => panic!("{other:?}"),
    }
}

/// What becomes of `what` in a child.
fn in_child(what: impl FnOnce() -> Result<()>) -> Result<()> {
    result(wait(fork(|| status(what()))))
}

/// Whether a child has ended because there is no such call, which is then noted.
fn is_lacking(name: &str, change: Change) -> bool {
    let lacking = change == Change::Exited(Errno::ENOSYS.code() as u8);
    if lacking {
        test_programs::ok_if_there::<()>(name, Err(Errno::ENOSYS));
    }
    lacking
}

/// Stops the process.
fn stop() {
    sys::tgkill(sys::getpid(), sys::gettid(), Signal::STOP).unwrap();
}

/// A word of memory that children share.
fn shared_word() -> &'static AtomicI32 {
    let flags = MapFlags::SHARED | MapFlags::ANONYMOUS;
    // SAFETY: a new mapping, which stays for good, and begins with 0.
    unsafe {
        let page = sys::mmap(
            NULL,
            size_of::<i32>(),
            Prot::READ | Prot::WRITE,
            flags,
            None,
            0,
        );
        &*page.unwrap().cast()
    }
}

fn ids() {
    let (id, parent) = (shared_word(), shared_word());
    let child = fork(|| {
        id.store(sys::getpid().0, Ordering::Relaxed);
        parent.store(sys::getppid().0, Ordering::Relaxed);
        0
    });
    assert_eq!(wait(child), Change::Exited(0));
    assert_eq!(id.load(Ordering::Relaxed), child.0);
    seen!(getpid);
    assert_eq!(parent.load(Ordering::Relaxed), sys::getpid().0);
    seen!(getppid);
}

/// Somebody who is not the superuser.
fn somebody() -> Uid {
    Some(sys::getuid())
        .filter(|&user| user != Uid::ROOT)
        .unwrap_or(Uid(1))
}

/// Gives up the superuser's rights.
fn become_somebody() -> Result<()> {
    sys::setuid(somebody())
}

fn users_and_groups() {
    let become_user = in_child(|| {
        become_somebody()?;
        assert_eq!((sys::getuid(), sys::geteuid()), (somebody(), somebody()));
        Ok(())
    });
    test_programs::ok("setuid", become_user);
    seen!(getuid);
    seen!(geteuid);
    let return_to_root = in_child(|| {
        become_somebody()?;
        sys::setuid(Uid::ROOT)
    });
    test_programs::err("setuid", Errno::EPERM, return_to_root);

    let other = Gid(sys::getgid().0 + 1);
    let group = if sys::geteuid() == Uid::ROOT {
        other
    } else {
        sys::getgid()
    };
    let become_group = in_child(|| {
        sys::setgid(group)?;
        assert_eq!((sys::getgid(), sys::getegid()), (group, group));
        Ok(())
    });
    test_programs::ok("setgid", become_group);
    seen!(getgid);
    seen!(getegid);
    let become_other = in_child(|| {
        become_somebody()?;
        sys::setgid(other)
    });
    test_programs::err("setgid", Errno::EPERM, become_other);

    if sys::geteuid() == Uid::ROOT {
        let join = in_child(|| sys::setgroups(&[group, other]).and_then(|()| sys::setgroups(&[])));
        test_programs::ok("setgroups", join);
    }
    let join_another = in_child(|| {
        become_somebody()?;
        sys::setgroups(&[other])
    });
    test_programs::err("setgroups", Errno::EPERM, join_another);
}

fn sessions_and_groups() {
    let begin_session = in_child(|| {
        let session = sys::setsid()?;
        assert_eq!(session, sys::getpid());
        assert_eq!(sys::getsid(Pid::OWN), Ok(session));
        assert_eq!(sys::getpgrp(), session);
        Ok(())
    });
    test_programs::ok("setsid", begin_session);
    let begin_another = in_child(|| {
        sys::setsid()?;
        sys::setsid().map(drop)
    });
    test_programs::err("setsid", Errno::EPERM, begin_another);
    assert_eq!(ok!(getsid(Pid::OWN)), ok!(getsid(sys::getpid())));
    err!(ESRCH, getsid(NOBODY));

    let begin_group = in_child(|| {
        let before = sys::getpgrp();
        sys::setpgid(Pid::OWN, Pid::OWN)?;
        assert_ne!(sys::getpgrp(), before);
        assert_eq!(sys::getpgrp(), sys::getpid());
        Ok(())
    });
    test_programs::ok("setpgid", begin_group);
    err!(ESRCH, setpgid(NOBODY, Pid::OWN));
    err!(EINVAL, setpgid(Pid::OWN, Pid(-2)));
    assert_eq!(ok!(getpgid(sys::getpid())), sys::getpgrp());
    seen!(getpgrp);
    err!(ESRCH, getpgid(NOBODY));
}

/// Nothing, so far: the kernel fills it.
fn usage() -> Rusage {
    // SAFETY: it is numbers.
    unsafe { mem::zeroed() }
}

/// A child that ends, and one that is stopped, set going and killed.
fn waiting() {
    let child = fork(|| 7);
    let (mut status, mut used) = (WaitStatus::default(), usage());
    let waited = ok!(wait4(
        child,
        Some(&mut status),
        WaitOptions::empty(),
        Some(&mut used)
    ));
    assert_eq!((waited, status.change()), (Some(child), Change::Exited(7)));
    assert!(used.ru_minflt > 0);
    err!(ECHILD, wait4(child, None, WaitOptions::empty(), None));
    err!(EINVAL, wait4(Pid::ANY, None, WaitOptions::EXITED, None));

    let child = fork(|| {
        stop();
        sleep()
    });
    let fd = ok!(pidfd_open(child, PidfdFlags::empty()));
    let id = WaitId::Pidfd(fd.as_fd());
    let found = |code, status| {
        Some(ChildInfo {
            pid: child,
            uid: sys::getuid(),
            code,
            status,
        })
    };
    let options = WaitOptions::STOPPED | WaitOptions::NOWAIT;
    let mut used = usage();
    let stopped = ok!(waitid(id, options, Some(&mut used)));
    assert_eq!(stopped, found(ChildCode::STOPPED, Signal::STOP.0));
    assert!(used.ru_minflt > 0);
    let stopped = Change::Stopped {
        signal: Signal::STOP,
        event: 0,
    };
    assert_eq!(wait(child), stopped);
    assert_eq!(ok!(wait4(child, None, WaitOptions::NOHANG, None)), None);
    let options = WaitOptions::EXITED | WaitOptions::NOHANG;
    assert_eq!(ok!(waitid(WaitId::Pid(child), options, None)), None);

    ok!(pidfd_send_signal(
        fd.as_fd(),
        Signal::CONT,
        None,
        PidfdSignalFlags::empty()
    ));
    ok!(wait4(
        child,
        Some(&mut status),
        WaitOptions::CONTINUED,
        None
    ));
    assert_eq!(status.change(), Change::Continued);
    ok!(pidfd_send_signal(
        fd.as_fd(),
        Signal::KILL,
        None,
        PidfdSignalFlags::empty()
    ));
    let options = WaitOptions::EXITED;
    let killed = ok!(waitid(WaitId::All, options | WaitOptions::NOWAIT, None));
    assert_eq!(killed, found(ChildCode::KILLED, Signal::KILL.0));
    let killed = Change::Signaled {
        signal: Signal::KILL,
        dumped_core: false,
    };
    assert_eq!(wait(child), killed);

    err!(ECHILD, waitid(WaitId::Pgid(Pid::OWN), options, None));
    err!(EINVAL, waitid(WaitId::All, WaitOptions::NOHANG, None));
    err!(ESRCH, pidfd_open(NOBODY, PidfdFlags::empty()));
    err!(EINVAL, pidfd_open(Pid::OWN, PidfdFlags::empty()));
    let none = PidfdSignalFlags::empty();
    err!(
        ESRCH,
        pidfd_send_signal(fd.as_fd(), Signal::KILL, None, none)
    );
    err!(EBADF, pidfd_send_signal(STDIN, Signal::KILL, None, none));
}

/// Until somebody ends the process.
fn sleep() -> ! {
    static NEVER: AtomicU32 = AtomicU32::new(0);
    loop {
        let _ = sys::futex_wait(&NEVER, 0);
    }
}

/// Becomes somebody who may have no more processes.
fn become_childless() -> Result<()> {
    become_somebody()?;
    // SAFETY: prlimit64 reads the two words of the limit.
    unsafe { syscall!(nr::prlimit64, Pid::OWN, RLIMIT_NPROC, &[0_u64; 2], NULL) }
}

fn forking() {
    let before = AtomicI32::new(1);
    // SAFETY: there is one thread.
    let Some(child) = ok!(unsafe fork()) else {
        // It has a copy.
        let was = before.swap(2, Ordering::Relaxed);
        sys::exit_group(was + 5);
    };
    assert_eq!(wait(child), Change::Exited(6));
    assert_eq!(before.load(Ordering::Relaxed), 1);

    let one_too_many = in_child(|| {
        become_childless()?;
        // SAFETY: there is one thread.
        match unsafe { sys::fork() }? {
            Some(child) => result(wait(child)),
            None => sys::exit_group(0),
        }
    });
    test_programs::err("fork", Errno::EAGAIN, one_too_many);
}

/// What a child by vfork gets to see.
struct Told {
    number: i32,
    /// What the child has made of it.
    done: AtomicI32,
}

/// Its frame is where the parent's next one would be.
extern "C" fn use_the_stack(told: Address) -> ! {
    // SAFETY: it is `vforking`'s.
    let told = unsafe { &*told.cast::<Told>() };
    let room = black_box([told.number as u8; 8 << 10]);
    check_alignment();
    told.done.store(
        room.iter().map(|&byte| i32::from(byte)).sum(),
        Ordering::Relaxed,
    );
    sys::exit_group(told.number + 1);
}

extern "C" fn become_a_shell(_: Address) -> ! {
    sys::exit_group(exec_shell().into())
}

extern "C" fn end(_: Address) -> ! {
    sys::exit_group(0)
}

/// The compiler relies on it, so it must not know what is asked.
fn check_alignment() {
    #[repr(align(16))]
    struct Aligned(#[allow(dead_code, reason = "its place is all that counts")] u8);
    let place = Aligned(0);
    assert!(black_box(&raw const place).addr().is_multiple_of(16));
}

fn vforking() {
    let told = Told {
        number: 2,
        done: AtomicI32::new(0),
    };
    let data = (&raw const told).cast_mut().cast();
    let kept = black_box([3_u8; 1 << 10]);
    let child = ok!(unsafe vfork(use_the_stack, data));
    if KEEPS_TO_CLONE {
        assert_eq!(told.done.load(Ordering::Relaxed), 2 * (8 << 10));
    }
    assert_eq!(black_box(kept), [3; 1 << 10]);
    assert_eq!(wait(child), Change::Exited(3));

    let child = ok!(unsafe vfork(become_a_shell, NULL));
    assert_eq!(wait(child), Change::Exited(75));

    let one_too_many = in_child(|| {
        become_childless()?;
        // SAFETY: the child does nothing but end.
        unsafe { sys::vfork(end, NULL) }.map(drop)
    });
    test_programs::err("vfork", Errno::EAGAIN, one_too_many);
}

fn cloning() {
    let (mut to_parent, mut to_child) = (Tid(0), Tid(0));
    let flags = CloneFlags::PARENT_SETTID | CloneFlags::CHILD_SETTID;
    let child = ok!(unsafe clone(
        flags,
        Some(Signal::CHLD),
        &raw mut to_parent,
        &raw mut to_child,
        NULL
    ));
    let Some(child) = child else {
        sys::exit_group(c_int::from(to_child == sys::gettid()) + 1);
    };
    if KEEPS_TO_CLONE {
        assert_eq!(to_parent, child);
    }
    assert_eq!(to_child, Tid(0));
    assert_eq!(wait(Pid(child.0)), Change::Exited(2));

    // Not without the memory.
    err!(EINVAL, unsafe clone(CloneFlags::SIGHAND, Some(Signal::CHLD), NONE, NONE, NULL));
    // Not by clone.
    err!(EINVAL, unsafe clone(CloneFlags::NEWTIME, Some(Signal::CHLD), NONE, NONE, NULL));
}

const THREAD: CloneFlags = CloneFlags::VM
    .union(CloneFlags::FS)
    .union(CloneFlags::FILES)
    .union(CloneFlags::SIGHAND)
    .union(CloneFlags::THREAD)
    .union(CloneFlags::SYSVSEM);

/// What a thread is to do and has done.
struct Task {
    /// This.
    what: fn(&Task),
    fd: OwnedFd,
    process: AtomicI32,
    thread: AtomicI32,
}

/// A thread that runs it, until the thread has ended. Returns the thread's id.
fn run(task: &Task) -> Tid {
    #[repr(C, align(16))]
    struct Stack([u8; 64 << 10]);
    static mut STACK: Stack = Stack([0; 64 << 10]);

    let mut id = Tid(0);
    let is_there = AtomicI32::new(1);
    let flags = THREAD | CloneFlags::PARENT_SETTID | CloneFlags::CHILD_CLEARTID;
    // The end of the stack, and a bit more.
    let end = (&raw mut STACK).wrapping_add(1).wrapping_byte_sub(3);
    let thread = ok!(unsafe clone_on_stack(
        flags,
        None,
        end.cast(),
        &raw mut id,
        is_there.as_ptr().cast(),
        NULL,
        begin,
        ptr::from_ref(task).cast_mut().cast()
    ));
    assert_eq!(thread, id);
    while is_there.load(Ordering::Acquire) != 0 {
        // SAFETY: it has no arguments.
        let () = unsafe { syscall!(nr::sched_yield) };
    }
    id
}

extern "C" fn begin(task: Address) -> ! {
    // SAFETY: `run` waits until the thread has ended.
    let task = unsafe { &*task.cast::<Task>() };
    check_alignment();
    (task.what)(task);
    task.process.store(sys::getpid().0, Ordering::Relaxed);
    task.thread.store(sys::gettid().0, Ordering::Relaxed);
    // SAFETY: nobody has borrowed anything from this stack.
    unsafe { sys::exit(0) }
}

/// Two threads close a descriptor: one a copy, one, for all, the only one.
fn threads() {
    fn close(task: &Task) {
        // SAFETY: only this function uses it.
        unsafe { sys::close(task.fd.as_fd().as_raw_fd()) }.unwrap();
    }
    fn close_own(task: &Task) {
        // SAFETY: the thread opens nothing.
        unsafe { sys::unshare(CloneFlags::FILES) }.unwrap();
        close(task);
    }
    let mut task = Task {
        what: close_own,
        fd: ok!(open("/dev/zero", OFlags::RDONLY, Mode::empty())),
        process: AtomicI32::new(0),
        thread: AtomicI32::new(0),
    };
    let thread = run(&task);
    assert_eq!(task.thread.load(Ordering::Relaxed), thread.0);
    assert_eq!(task.process.load(Ordering::Relaxed), sys::getpid().0);
    assert_eq!(ok!(read(task.fd.as_fd(), &mut [1])), 1);
    seen!(unshare);

    task.what = close;
    run(&task);
    err!(EBADF, read(task.fd.as_fd(), &mut [1]));
    mem::forget(task.fd);

    err!(EINVAL, unsafe unshare(CloneFlags::from_bits_retain(1)));
    err!(EINVAL, unsafe clone_on_stack(
        THREAD, None, NULL, NONE, NONE, NULL, end, NULL
    ));
}

fn clone3() {
    let mut fd = -1;
    let flags = Clone3Flags::from(CloneFlags::PIDFD) | Clone3Flags::CLEAR_SIGHAND;
    let mut arguments = CloneArgs {
        flags,
        pidfd: (&raw mut fd).expose_provenance() as u64,
        exit_signal: SIGCHLD.into(),
        ..CloneArgs::default()
    };
    let Some(child) = ok_if_there!(unsafe clone3(&arguments)) else {
        test_programs::ok_if_there::<()>("clone3_on_stack", Err(Errno::ENOSYS));
        return;
    };
    let Some(child) = child else {
        sys::exit_group(5);
    };
    // SAFETY: the kernel has made it for this.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    let ended = ok!(waitid(WaitId::Pidfd(fd.as_fd()), WaitOptions::EXITED, None));
    let ended = ended.map(|info| (info.pid, info.code, info.status));
    assert_eq!(ended, Some((Pid(child.0), ChildCode::EXITED, 5)));

    arguments.flags = CloneFlags::SIGHAND.into();
    err!(EINVAL, unsafe clone3(&arguments));

    // The parent waits while the child uses its own stack and this memory.
    let mut stack = [0_u128; 4 << 10];
    let told = Told {
        number: 2,
        done: AtomicI32::new(0),
    };
    arguments = CloneArgs {
        flags: (CloneFlags::VM | CloneFlags::VFORK).into(),
        exit_signal: SIGCHLD.into(),
        stack: stack.as_mut_ptr().expose_provenance() as u64,
        stack_size: size_of_val(&stack) as u64,
        ..CloneArgs::default()
    };
    let data = (&raw const told).cast_mut().cast();
    let child = ok!(unsafe clone3_on_stack(&arguments, use_the_stack, data));
    assert_eq!(told.done.load(Ordering::Relaxed), 2 * (8 << 10));
    assert_eq!(wait(Pid(child.0)), Change::Exited(3));
    assert!(black_box(&stack).iter().any(|&word| word != 0));
    for stack_size in [0, 8] {
        arguments.stack_size = stack_size;
        arguments.stack *= u64::from(stack_size != 0);
        err!(EINVAL, unsafe clone3_on_stack(&arguments, end, NULL));
    }
}

/// The status is made of an argument and a variable. Returns the error.
fn exec_shell() -> u8 {
    let arguments = CStrArray::new([c"sh", c"-c", c"exit $TENS$1", c"sh", c"5"]);
    let environment = CStrArray::new([c"TENS=7"]);
    let failed = sys::execve("/bin/sh", arguments.list(), environment.list());
    status(failed.map(drop))
}

fn other_programs() {
    assert_eq!(wait(fork(exec_shell)), Change::Exited(75));
    seen!(execve);
    let list = CStrArray::new([c"missing"]);
    err!(ENOENT, execve("missing", list.list(), list.list()));

    let bin = ok!(open(
        "/bin",
        OFlags::RDONLY | OFlags::DIRECTORY,
        Mode::empty()
    ));
    let exec_in_bin = || {
        let arguments = CStrArray::new([c"sh", c"-c", c"exit $TENS$1", c"sh", c"6"]);
        let environment = CStrArray::new([c"TENS=7"]);
        let (arguments, environment) = (arguments.list(), environment.list());
        let dir = At::Dir(bin.as_fd());
        status(sys::execveat(
            dir,
            "sh",
            arguments,
            environment,
            ExecFlags::empty(),
        ))
    };
    let ended = wait(fork(exec_in_bin));
    if is_lacking("execveat", ended) {
        return;
    }
    assert_eq!(ended, Change::Exited(76));
    seen!(execveat);
    let flags = ExecFlags::from_bits_retain(1);
    err!(
        ENOENT,
        execveat(
            At::Cwd,
            "missing",
            list.list(),
            list.list(),
            ExecFlags::empty()
        )
    );
    err!(
        EINVAL,
        execveat(At::Cwd, "/bin/sh", list.list(), list.list(), flags)
    );
}

fn prctl() {
    let none = Word::from(0_usize);
    ok!(unsafe prctl(Prctl::SET_NAME, c"a name".as_ptr().into(), none, none, none));
    let mut name = [1_u8; 16];
    ok!(unsafe prctl(Prctl::GET_NAME, (&raw mut name).into(), none, none, none));
    assert_eq!(&name[..7], b"a name\0");
    err!(EINVAL, unsafe prctl(Prctl(u32::MAX), none, none, none, none));
}

fn arch_prctl() {
    let none = Word::from(0_usize);
    let Some(has_cpuid) = ok_if_there!(unsafe arch_prctl(ArchPrctl::GET_CPUID, none)) else {
        return;
    };
    assert_eq!(has_cpuid, 1);
    err!(EINVAL, unsafe arch_prctl(ArchPrctl(0), none));
    if arch::NAME == "x86_64" {
        let (mut word, mut base) = (0_u64, 0_usize);
        ok!(unsafe arch_prctl(ArchPrctl::SET_GS, (&raw mut word).into()));
        ok!(unsafe arch_prctl(ArchPrctl::GET_GS, (&raw mut base).into()));
        assert_eq!(base, (&raw const word).addr());
    }
}

fn personality() {
    let set = in_child(|| {
        let before = sys::personality(None);
        let new = before ^ Personality::ADDR_NO_RANDOMIZE;
        assert_eq!(sys::personality(Some(new)), before);
        assert_eq!(sys::personality(None), new);
        Ok(())
    });
    test_programs::ok("personality", set);
}

/// Names of the machine, as uname(2) has them: the second is its own.
type Names = [[u8; 65]; 6];

fn machine_begins_with(name: &[u8]) -> bool {
    let mut names: Names = [[0; 65]; 6];
    // SAFETY: uname fills them.
    let () = unsafe { syscall!(nr::uname, &raw mut names) };
    names[1].starts_with(name)
}

fn name_machine(name: &[u8]) -> Result<()> {
    // SAFETY: sethostname reads the slice.
    unsafe { syscall!(nr::sethostname, name) }
}

/// Gives the process namespaces of its own. The rights to that come with one for users,
/// which who has several threads, as qemu does, cannot have: there only the superuser
/// has them, and for others the call that needs the namespaces is as good as lacking.
fn unshare(flags: CloneFlags) -> Result<()> {
    // SAFETY: descriptors stay what they are.
    match unsafe { sys::unshare(flags | CloneFlags::NEWUSER) } {
        // SAFETY: as above.
        Err(Errno::EINVAL) => unsafe { sys::unshare(flags) }.map_err(|_| Errno::ENOSYS),
        result => result,
    }
}

/// A child has two namespaces of names, one after the other, and goes back to the first.
fn namespaces() {
    let there_and_back = in_child(|| {
        unshare(CloneFlags::NEWUTS)?;
        name_machine(b"first\0")?;
        let first = sys::open("/proc/self/ns/uts", OFlags::RDONLY, Mode::empty())?;
        // SAFETY: descriptors stay what they are.
        unsafe { sys::unshare(CloneFlags::NEWUTS) }?;
        name_machine(b"second\0")?;
        assert!(machine_begins_with(b"second\0"));
        assert_eq!(
            sys::setns(first.as_fd(), CloneFlags::NEWNET),
            Err(Errno::EINVAL)
        );
        sys::setns(first.as_fd(), CloneFlags::NEWUTS)?;
        assert!(machine_begins_with(b"first\0"));
        Ok(())
    });
    if test_programs::ok_if_there("setns", there_and_back).is_none() {
        return;
    }
    err!(EINVAL, setns(STDIN, CloneFlags::NEWUTS));
    // SAFETY: nothing opens as many descriptors as there are numbers.
    let closed = unsafe { BorrowedFd::borrow_raw(i32::MAX) };
    err!(EBADF, setns(closed, CloneFlags::NEWUTS));
}

/// What becomes of the first process in a namespace of its own, which does `what`.
fn in_namespace(what: impl FnOnce() -> Result<()>) -> Result<Change> {
    let word = shared_word();
    let child = in_child(|| {
        unshare(CloneFlags::NEWPID)?;
        let init = fork(|| {
            assert_eq!((sys::getpid(), sys::getppid()), (Pid(1), Pid(0)));
            status(what())
        });
        let mut status = WaitStatus::default();
        sys::wait4(init, Some(&mut status), WaitOptions::empty(), None)?;
        word.store(status.0, Ordering::Relaxed);
        Ok(())
    });
    child.map(|()| WaitStatus(word.load(Ordering::Relaxed)).change())
}

/// Only ever in a namespace that ends with its first process.
fn rebooting() {
    let restart = in_namespace(|| sys::reboot(Reboot::RESTART, None));
    let Some(ended) = test_programs::ok_if_there("reboot", restart) else {
        return;
    };
    let hung_up = Change::Signaled {
        signal: Signal::HUP,
        dumped_core: false,
    };
    assert_eq!(ended, hung_up);
    let unknown = in_namespace(|| sys::reboot(Reboot(0), None)).unwrap();
    test_programs::err("reboot", Errno::EINVAL, result(unknown));
}

/// A child stops, and its parent changes its memory.
fn tracing() {
    let none = Word::from(0_usize);
    let word = black_box(AtomicI32::new(3));
    let child = fork(|| {
        // SAFETY: the parent is this program.
        match unsafe { sys::ptrace(PtraceRequest::TRACEME, Pid::OWN, none, none) } {
            Ok(_) => stop(),
            Err(errno) => return errno.code() as u8,
        }
        word.load(Ordering::Relaxed) as u8
    });
    let stopped = wait(child);
    if is_lacking("ptrace", stopped) {
        return;
    }
    assert_eq!(
        stopped,
        Change::Stopped {
            signal: Signal::STOP,
            event: 0
        }
    );

    let address = Word::from(word.as_ptr());
    let mut seen = 0_usize;
    let options = Word::from(PtraceOptions::TRACEEXIT.bits());
    ok!(unsafe ptrace(PtraceRequest::SETOPTIONS, child, none, options));
    ok!(unsafe ptrace(PtraceRequest::PEEKDATA, child, address, (&raw mut seen).into()));
    assert_eq!(seen as i32, 3);
    let other = Word::from((seen & !0xff) | 4);
    ok!(unsafe ptrace(PtraceRequest::POKEDATA, child, address, other));
    err!(EIO, unsafe ptrace(PtraceRequest::POKEDATA, child, none, other));
    ok!(unsafe ptrace(PtraceRequest::CONT, child, none, none));

    let Change::Stopped { event, .. } = wait(child) else {
        panic!("it has not stopped");
    };
    assert_eq!(u32::from(event), freestand::sys::PtraceEvent::EXIT.0);
    ok!(unsafe ptrace(PtraceRequest::DETACH, child, none, none));
    assert_eq!(wait(child), Change::Exited(4));
    assert_eq!(word.load(Ordering::Relaxed), 3);
    err!(ESRCH, unsafe ptrace(PtraceRequest::CONT, child, none, none));
}

/// Confines the process: what becomes of setsid is `action`.
fn confine(action: u32) -> Result<()> {
    let instruction = |code: u32, jf, k| SockFilter {
        code: code as u16,
        jt: 0,
        jf,
        k,
    };
    let mut filter = [
        // The number is what a seccomp_data begins with.
        instruction(BPF_LD | BPF_W | BPF_ABS, 0, 0),
        instruction(BPF_JMP | BPF_JEQ | BPF_K, 1, nr::setsid),
        instruction(BPF_RET | BPF_K, 0, action),
        instruction(BPF_RET | BPF_K, 0, SeccompAction::ALLOW.0),
    ];
    let mut program = SockFprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    let (none, one) = (Word::from(0_usize), Word::from(1_usize));
    let operation = SeccompOperation::SET_MODE_FILTER;
    // SAFETY: the first takes a 1, the second a filter, which is one.
    unsafe {
        sys::prctl(Prctl::SET_NO_NEW_PRIVS, one, none, none, none)?;
        sys::seccomp(operation, SeccompFlags::empty(), (&raw mut program).cast())?;
    }
    Ok(())
}

fn confining() {
    let confined = in_child(|| {
        confine(SeccompAction::ERRNO.0 | u32::from(Errno::ELOOP.code()))?;
        assert_eq!(sys::setsid(), Err(Errno::ELOOP));
        assert!(sys::getsid(Pid::OWN).is_ok());
        Ok(())
    });
    if test_programs::ok_if_there("seccomp", confined).is_none() {
        return;
    }
    let killed = wait(fork(|| {
        status(confine(SeccompAction::KILL_PROCESS.0).and_then(|()| sys::setsid().map(drop)))
    }));
    assert!(
        matches!(
            killed,
            Change::Signaled {
                signal: Signal::SYS,
                ..
            }
        ),
        "{killed:?}"
    );
    err!(EINVAL, unsafe seccomp(SeccompOperation(u32::MAX), SeccompFlags::empty(), NULL));
}
