//! Children of a program, which do to themselves what the program must not: they give
//! up what they may do, mount, or go without some system calls.

use core::fmt;

use freestand::arch::widest;
use freestand::io::{Write, stdout};
use freestand::sys::{
    CloneFlags, Errno, Gid, Mode, OFlags, Prctl, Result, SeccompFlags, SeccompOperation, Uid,
    WaitOptions, WaitStatus, Word, fork, getegid, geteuid, open, prctl, seccomp, syscall, unshare,
    wait4, write,
};
use freestand::{println, process};
use linux_raw_sys::ptrace::{
    BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO,
    sock_filter, sock_fprog,
};

/// Does `work` in a child, and waits for it.
///
/// # Panics
///
/// If the child does not end with status 0, as it does not if `work` panics.
#[track_caller]
pub fn in_child(work: impl FnOnce()) {
    // What the buffer holds would be written twice.
    stdout().flush().expect("standard output takes it");
    // SAFETY: there is one thread, and the buffer is empty.
    let child = unsafe { fork() }.expect("there is room for one more process");
    let Some(child) = child else {
        work();
        process::exit(0);
    };
    let mut status = WaitStatus(-1);
    let ended = wait4(child, Some(&mut status), WaitOptions::empty(), None);
    assert_eq!(ended, Ok(Some(child)));
    assert_eq!(status, WaitStatus(0), "the child did not end well");
}

/// Whether the program is the superuser's.
pub fn is_root() -> bool {
    geteuid() == Uid::ROOT
}

/// For whom files are made.
pub fn effective_ids() -> (Uid, Gid) {
    (geteuid(), getegid())
}

/// Does `work` in a child that may do what every user may, and no more.
#[track_caller]
pub fn as_ordinary_user(work: impl FnOnce()) {
    in_child(|| {
        if is_root() {
            give_up_root().expect("root may become anybody");
        }
        work();
    });
}

fn give_up_root() -> Result<()> {
    // Nobody's. The number is in no file system of the tests.
    let (user, group) = (Uid(65534), Gid(65534));
    // SAFETY: they change who the process is.
    let done: [Result<()>; 3] = unsafe {
        [
            syscall!(widest::setgroups, 0, 0),
            syscall!(widest::setresgid, group, group, group),
            syscall!(widest::setresuid, user, user, user),
        ]
    };
    done.into_iter().collect()
}

/// Does `work` in a child whose mounts are its own, and which may change them. Notes
/// that `calls` are lacking if there can be none: qemu-user has threads of its own, and
/// a process of several threads gets no user namespace, which it needs unless root
/// started it.
///
/// # Panics
///
/// If neither root started the program nor there are user namespaces.
#[track_caller]
pub fn with_own_mounts(calls: &[&str], work: impl FnOnce()) {
    in_child(|| match own_mounts() {
        Ok(()) => work(),
        Err(Errno::EINVAL) => {
            for call in calls {
                println!("{call} lacking");
            }
        }
        Err(errno) => panic!("needs root or user namespaces: {errno:?}"),
    });
}

fn own_mounts() -> Result<()> {
    // SAFETY: the process keeps its descriptors and its memory.
    let unshare = |what| unsafe { unshare(what) };
    if unshare(CloneFlags::NEWNS) == Err(Errno::EPERM) {
        let (Uid(user), Gid(group)) = effective_ids();
        unshare(CloneFlags::NEWNS | CloneFlags::NEWUSER)?;
        put("/proc/self/setgroups", format_args!("deny"))?;
        put("/proc/self/uid_map", format_args!("0 {user} 1"))?;
        put("/proc/self/gid_map", format_args!("0 {group} 1"))?;
    }
    Ok(())
}

/// Writes `text` to the file `path`, at once.
fn put(path: &str, text: fmt::Arguments<'_>) -> Result<()> {
    let mut buffer = [0; 64];
    let mut left = &mut buffer[..];
    left.write_fmt(text).expect("it is short");
    let length = 64 - left.len();
    let file = open(path, OFlags::WRONLY, Mode::empty())?;
    write(file.as_fd(), &buffer[..length]).map(drop)
}

/// Does `work` in a child for which the kernel has none of `calls`: a filter has them
/// fail with `ENOSYS`. Only a real kernel filters.
///
/// # Panics
///
/// If there are more than six.
#[track_caller]
pub fn without_calls(calls: &[u32], work: impl FnOnce()) {
    in_child(|| {
        filter_out(calls).expect("calls can be filtered");
        work();
    });
}

fn filter_out(calls: &[u32]) -> Result<()> {
    const fn instruction(code: u32, if_false: u8, operand: u32) -> sock_filter {
        sock_filter {
            code: code as u16,
            jt: 0,
            jf: if_false,
            k: operand,
        }
    }
    let answer = |answer| instruction(BPF_RET | BPF_K, 0, answer);
    let no_call = SECCOMP_RET_ERRNO | u32::from(Errno::ENOSYS.code());

    // The number is the first word of what a filter sees.
    let mut filter = [answer(SECCOMP_RET_ALLOW); 14];
    filter[0] = instruction(BPF_LD | BPF_W | BPF_ABS, 0, 0);
    for (pair, &call) in filter[1..13].chunks_exact_mut(2).zip(calls) {
        pair[0] = instruction(BPF_JMP | BPF_JEQ | BPF_K, 1, call);
        pair[1] = answer(no_call);
    }
    assert!(calls.len() <= 6);
    let program = sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    let arguments = (&raw const program).cast_mut().cast();
    let none = Word::from(0_u32);
    // SAFETY: they only take from what the process may do, and the filter is there.
    unsafe {
        prctl(Prctl::SET_NO_NEW_PRIVS, Word::from(1_u32), none, none, none)?;
        let flags = SeccompFlags::empty();
        seccomp(SeccompOperation::SET_MODE_FILTER, flags, arguments).map(drop)
    }
}
