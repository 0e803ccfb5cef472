//! Starts other programs, in the scene that its argument names, and checks what becomes of
//! them. The others are this machine's: qemu runs no programs of another architecture's.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

use freestand::arch;
use freestand::env::{self, Args};
use freestand::fs::{self, File, OpenOptions};
use freestand::io::{Read, ReadExt, Write};
use freestand::println;
use freestand::process::{self, Command, ExitStatus, PidFd, Stdio};
use freestand::sys::{
    self, AsFd, CStrArray, Errno, Gid, MaskHow, Mode, OwnedFd, Pid, Result, SaFlags, SigAction,
    SigHandler, SigInfo, SigSet, Signal, UContext, Uid, WaitOptions, raw,
};
use freestand::thread;
use freestand::time::{Duration, Instant};
use test_programs::child::{is_root, without_calls};

freestand::entry!(main);

type Scene = (&'static str, fn(&mut Args));

const SCENES: &[Scene] = &[
    ("arguments", arguments),
    ("environment", environment),
    ("streams", streams),
    ("closed", closed),
    ("descriptors", descriptors),
    ("search", search),
    ("wrong", wrong),
    ("users", users),
    ("groups", groups),
    ("signals", signals),
    ("storm", storm),
    ("waiting", waiting),
    ("output", output),
    ("pre_exec", pre_exec),
    ("exec", exec),
    ("lean", lean),
    ("forking", forking),
    ("threaded", threaded),
    ("rounds", rounds),
    ("fault", fault),
    ("older", older),
    ("bench", bench),
];

fn main(mut args: Args) {
    let name = args.nth(1).expect("a scene").to_str().unwrap();
    let (_, scene) = SCENES.iter().find(|(scene, _)| *scene == name).unwrap();
    scene(&mut args);
    // Each has waited for its children.
    let left = sys::wait4(Pid::ANY, None, WaitOptions::NOHANG, None);
    assert_eq!(left, Err(Errno::ECHILD));
}

// ---- What scenes have in common.

/// The shell, with this to do.
fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(script);
    command
}

/// What the command prints. It must not complain.
#[track_caller]
fn printed(command: &mut Command) -> String {
    let output = command.output().expect("the program runs");
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), &*complaint), (Some(0), ""));
    String::from_utf8(output.stdout).unwrap()
}

/// How many descriptors are open.
fn descriptors_open() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn name_of(file: &str) -> String {
    let directory = env::var("DIRECTORY").expect("there is a directory");
    format!("{}/{file}", directory.to_str().unwrap())
}

fn make_program(path: &str, script: &str, mode: u32) {
    fs::write(path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn reader_of(text: &str) -> OwnedFd {
    let (reader, mut writer) = freestand::io::pipe().unwrap();
    writer.write_all(text.as_bytes()).unwrap();
    reader.into()
}

// ---- Scenes.

fn arguments(_: &mut Args) {
    let status = |script| shell(script).status().unwrap();
    assert!(status("exit 0").success());
    assert_eq!(status("exit 7").code(), Some(7));
    assert_eq!(status("exit 7").to_string(), "exit status: 7");
    let killed = status("kill -9 $$");
    assert_eq!((killed.code(), killed.signal()), (None, Some(Signal::KILL)));
    assert_eq!(killed.to_string(), "signal: 9 (SIGKILL)");

    let mut command = shell(r#"printf '<%s>' "$0" "$@""#);
    command.args(["name", "", "two words", "ä*"]).arg(b"\"'$x");
    assert_eq!(printed(&mut command), "<name><><two words><ä*><\"'$x>");
    // A command starts as many children as one wants.
    command.arg("more");
    assert_eq!(
        printed(&mut command),
        "<name><><two words><ä*><\"'$x><more>"
    );
    assert_eq!(command.get_program(), c"/bin/sh");
    assert_eq!(command.get_args().len(), 8);
    assert_eq!(command.get_args().last(), Some(c"more"));
    assert_eq!(
        format!("{:?}", Command::new("a").arg("b c")),
        r#""a" "b c""#
    );

    let mut command = Command::new("/bin/sh");
    command
        .arg0("other name")
        .args(["-c", "cat /proc/$$/cmdline"]);
    assert!(printed(&mut command).starts_with("other name\0-c\0"));

    let mut command = Command::new("/bin/pwd");
    assert_eq!(command.get_current_dir(), None);
    command.current_dir("/usr").arg("-P");
    assert_eq!(command.get_current_dir(), Some(c"/usr"));
    assert_eq!(printed(&mut command), "/usr\n");

    // An argument that is too long for the kernel is an error, not an end.
    let long = vec![b'x'; 1 << 20];
    assert_eq!(shell("").arg(long).status(), Err(Errno::E2BIG));
}

fn environment(_: &mut Args) {
    // The harness has set A, B and DIRECTORY.
    let printed = |change: fn(&mut Command) -> &mut Command| {
        let text = printed(change(&mut Command::new("/usr/bin/env")));
        let mut lines: Vec<_> = text
            .lines()
            .filter(|line| !line.starts_with("DIRECTORY="))
            .map(String::from)
            .collect();
        lines.sort();
        lines.join(" ")
    };
    assert_eq!(printed(|command| command), "A=1 B=2");
    assert_eq!(
        printed(|c| c.env("B", "two").env("C", "").env("B", "x=y")),
        "A=1 B=x=y C="
    );
    assert_eq!(printed(|c| c.env_remove("A").env("D", "4")), "B=2 D=4");
    assert_eq!(printed(|c| c.env_remove("A").env("A", "4")), "A=4 B=2");
    assert_eq!(printed(|c| c.env("A", "4").env_remove("A")), "B=2");
    assert_eq!(printed(|c| c.env_clear()), "");
    assert_eq!(
        printed(|c| c.env("E", "5").env_clear().envs([("Z", "26"), ("Y", "25")])),
        "Y=25 Z=26"
    );
    let mut command = Command::new("x");
    command.env("N", "1").env_remove("A");
    let envs: Vec<_> = command.get_envs().collect();
    assert_eq!(envs, [(&b"A"[..], None), (b"N", Some(&b"1"[..]))]);
}

fn streams(_: &mut Args) {
    let path = name_of("file");
    fs::write(&*path, "from a file").unwrap();
    let file = File::open(&*path).unwrap();
    assert_eq!(printed(shell("cat").stdin(file)), "from a file");
    assert_eq!(printed(shell("cat").stdin(Stdio::null())), "");
    assert_eq!(printed(&mut shell("cat")), "");

    let file = File::create(&*path).unwrap();
    let other = file.try_clone().unwrap();
    let mut command = shell("echo out; echo err >&2");
    let status = command.stdout(file).stderr(other).status().unwrap();
    assert!(status.success());
    assert_eq!(fs::read_to_string(&*path).unwrap(), "out\nerr\n");
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.unwrap().success());

    // One child's output is another's input.
    let mut first = shell("echo through")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let between = first.stdout.take().unwrap();
    assert!(first.stdin.is_none() && first.stderr.is_none());
    assert_eq!(printed(shell("tr t T").stdin(between)), "Through\n");
    assert!(first.wait().unwrap().success());

    let mut child = shell("read line; echo \"got $line\"; echo bad >&2")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.as_mut().unwrap().write_all(b"it\n").unwrap();
    let mut text = String::new();
    let mut from = child.stdout.take().unwrap();
    from.read_to_string(&mut text).unwrap();
    let mut bytes = [0; 4];
    child
        .stderr
        .as_mut()
        .unwrap()
        .read_exact(&mut bytes)
        .unwrap();
    assert_eq!((&*text, &bytes), ("got it\n", b"bad\n"));
    // It waits for more input, and that it gets none, `wait` sees to.
    assert!(child.wait().unwrap().success());
    let mut child = shell("cat").stdin(Stdio::piped()).spawn().unwrap();
    assert!(child.wait().unwrap().success());
    assert!(child.stdin.is_none());
}

/// With none of 0 to 2 open, whatever is made gets these numbers first.
fn closed(_: &mut Args) {
    for fd in 0..3 {
        // SAFETY: nothing uses them: what fails here says so by its status.
        unsafe { sys::close(fd) }.unwrap();
    }
    let before = descriptors_open();
    let mut command = shell("read line; echo \"out $line\"; echo \"err $line\" >&2");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for _ in 0..3 {
        let output = command.spawn().unwrap().communicate(b"it\n").unwrap();
        assert_eq!(output.stdout, b"out it\n");
        assert_eq!(output.stderr, b"err it\n");
        assert!(output.status.success());
    }
    // Pipes' ends that are each other's numbers, and 3 among them.
    let fds = [reader_of("zero "), reader_of("three "), reader_of("one ")];
    let [zero, three, extra] = fds;
    let mut command = shell("cat; cat <&3; cat <&4");
    command.fd(3, three).fd(4, extra).stdin(zero);
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "zero three one ");
    drop(command);

    // What is inherited is closed in the child too.
    let mut command = shell("[ ! -e /proc/self/fd/0 ] && [ ! -e /proc/self/fd/2 ]");
    assert!(command.status().unwrap().success());
    assert_eq!(descriptors_open(), before);
}

fn descriptors(_: &mut Args) {
    // Two that are to have each other's numbers.
    let (first, second) = (reader_of("first "), reader_of("second "));
    let numbers = [&first, &second].map(|fd| fd.as_fd().as_raw_fd());
    let script = format!("cat <&{}; cat <&{}", numbers[1], numbers[0]);
    let mut command = shell(&script);
    command.fd(numbers[1], first).fd(numbers[0], second);
    assert_eq!(printed(&mut command), "first second ");
    drop(command);

    // One that has its number already, and no longer ends at execve.
    let same = reader_of("same");
    let number = same.as_fd().as_raw_fd();
    let mut command = shell(&format!("cat <&{number}"));
    command.fd(number, same);
    assert_eq!(printed(&mut command), "same");
    drop(command);

    // The last of two counts; and the standard streams are numbers too.
    let mut command = shell("cat <&9; cat");
    command.fd(9, reader_of("no")).fd(9, reader_of("nine "));
    command.fd(0, reader_of("zero"));
    assert_eq!(printed(&mut command), "nine zero");
    drop(command);

    // Whatever else is open is not the child's.
    let kept = File::open("/proc/self/exe").unwrap();
    let mut command = Command::new("/bin/ls");
    command.arg("/proc/self/fd");
    // 3 is the directory, for ls. What the harness has left open, no shell would close.
    let open = printed(&mut command);
    let number = kept.as_fd().as_raw_fd();
    let is_there = open.lines().any(|line| line == number.to_string());
    assert!(number > 3 || !is_there || number == 3, "{open}");
    assert!(number <= 3 || !is_there, "{open}");

    let mut command = shell("");
    command.fd(-1, reader_of(""));
    assert_eq!(command.status(), Err(Errno::EINVAL));
    let mut command = shell("");
    command.fd(i32::MAX, reader_of(""));
    assert_eq!(command.status(), Err(Errno::EBADF));
}

fn search(_: &mut Args) {
    let directories = ["one", "two", "three"].map(|name| {
        let path = name_of(name);
        fs::create_dir(&*path).unwrap();
        path
    });
    let [one, two, three] = &directories;
    let path = directories.join(":");
    let said = |path: &str, name: &str| {
        let mut command = Command::new(name);
        command.env("PATH", path);
        command.output().map(|output| output.stdout)
    };
    let text = |text: &str| Ok(text.as_bytes().to_vec());

    assert_eq!(said(&path, "program"), Err(Errno::ENOENT));
    make_program(&format!("{three}/program"), "#!/bin/sh\necho three", 0o755);
    assert_eq!(said(&path, "program"), text("three\n"));
    // One that may not be executed is passed over, and so is a directory that is none.
    make_program(&format!("{two}/program"), "#!/bin/sh\necho two", 0o644);
    assert_eq!(said(&path, "program"), text("three\n"));
    let odd = format!("{two}/program:/missing::{three}");
    assert_eq!(said(&odd, "program"), text("three\n"));
    assert_eq!(said(&format!("{one}:{two}"), "program"), Err(Errno::EACCES));
    assert_eq!(said(&format!("{two}:{one}"), "program"), Err(Errno::EACCES));
    // The first counts. No shell runs what does not ask for it.
    make_program(&format!("{one}/program"), "echo one", 0o755);
    assert_eq!(said(&path, "program"), Err(Errno::ENOEXEC));
    make_program(&format!("{one}/program"), "#!/bin/sh\necho one", 0o755);
    assert_eq!(said(&path, "program"), text("one\n"));
    // A name with a slash is a path.
    assert_eq!(said(&path, "./program"), Err(Errno::ENOENT));
    assert_eq!(said("", &format!("{one}/program")), text("one\n"));

    // An empty directory is the current one, which is the child's.
    for path in ["", ":/missing", "/missing:", "/missing::/none"] {
        let mut command = Command::new("program");
        command.env("PATH", path).current_dir(three);
        assert_eq!(printed(&mut command), "three\n", "{path}");
    }
    // Directories that are too long for a path are passed over.
    let long = "x".repeat(5000);
    assert_eq!(said(&format!("{long}:{three}"), "program"), text("three\n"));
    assert_eq!(said(&long, "program"), Err(Errno::ENAMETOOLONG));
    assert_eq!(said(&path, &"x".repeat(300)), Err(Errno::ENAMETOOLONG));
    assert_eq!(said(&path, &"x".repeat(5000)), Err(Errno::ENAMETOOLONG));

    // Without PATH, the shell is there all the same; with another's, it is not.
    let mut command = Command::new("sh");
    command.args(["-c", "echo found"]);
    assert_eq!(printed(command.env_clear()), "found\n");
    assert_eq!(printed(command.env_remove("PATH")), "found\n");
    command.env("PATH", one);
    assert_eq!(command.status(), Err(Errno::ENOENT));
}

fn wrong(_: &mut Args) {
    let before = descriptors_open();
    let failing = |command: &mut Command| {
        // A failed command has failed each time, and leaves nothing.
        for _ in 0..3 {
            let error = command.stdout(Stdio::piped()).spawn().map(drop);
            assert_eq!(error, command.output().map(drop));
            let left = sys::wait4(Pid::ANY, None, WaitOptions::NOHANG, None);
            assert_eq!(left, Err(Errno::ECHILD));
        }
        command.status().expect_err("it cannot work")
    };
    assert_eq!(failing(&mut Command::new("")), Errno::ENOENT);
    assert_eq!(failing(&mut Command::new("/bin/s\0h")), Errno::EINVAL);
    assert_eq!(failing(&mut Command::new("\0")), Errno::EINVAL);
    assert_eq!(failing(shell("").arg("a\0b")), Errno::EINVAL);
    assert_eq!(failing(shell("").arg0("a\0b")), Errno::EINVAL);
    assert_eq!(failing(shell("").env("A", "a\0b")), Errno::EINVAL);
    assert_eq!(failing(shell("").env("", "a")), Errno::EINVAL);
    assert_eq!(failing(shell("").env("A=B", "a")), Errno::EINVAL);
    assert_eq!(failing(shell("").current_dir("a\0b")), Errno::EINVAL);
    assert_eq!(failing(shell("").current_dir("/missing")), Errno::ENOENT);
    assert_eq!(failing(shell("").current_dir("/bin/sh")), Errno::ENOTDIR);
    assert_eq!(failing(&mut Command::new("/missing")), Errno::ENOENT);
    assert_eq!(failing(&mut Command::new("/bin/sh/x")), Errno::ENOTDIR);
    assert_eq!(failing(&mut Command::new("/usr")), Errno::EACCES);
    // What a kernel without clone3 would say too, but from a child that has moved
    // descriptors: more than a pipe has.
    let mut command = shell("");
    command.process_group(Pid(-1));
    for file in [0; 4].map(|_| File::open("/dev/null").unwrap()) {
        command.fd(file.as_fd().as_raw_fd(), file);
    }
    assert_eq!(command.status(), Err(Errno::EINVAL));
    drop(command);
    let path = name_of("program");
    make_program(&path, "no program", 0o644);
    assert_eq!(failing(&mut Command::new(&path)), Errno::EACCES);
    make_program(&path, "no program", 0o755);
    assert_eq!(failing(&mut Command::new(&path)), Errno::ENOEXEC);
    make_program(&path, "#!/missing", 0o755);
    assert_eq!(failing(&mut Command::new(&path)), Errno::ENOENT);
    make_program(&path, "#!/bin/sh\n", 0o755);
    let writing = OpenOptions::new().write(true).open(&*path).unwrap();
    assert_eq!(failing(&mut Command::new(&path)), Errno::ETXTBSY);
    drop(writing);
    assert!(Command::new(&path).status().unwrap().success());
    assert_eq!(descriptors_open(), before);
}

fn users(_: &mut Args) {
    let (user, group) = (Uid(12345), Gid(12346));
    let groups = [Gid(12347), Gid(12348)];
    let script = "grep -E '^(Uid|Gid|Groups)' /proc/$$/status";
    if is_root() {
        let who = |command: &mut Command| {
            let text = printed(command);
            let words: Vec<_> = text.split_whitespace().collect();
            words.join(" ")
        };
        assert_eq!(
            who(shell(script).uid(user).gid(group)),
            "Uid: 12345 12345 12345 12345 Gid: 12346 12346 12346 12346 Groups:"
        );
        assert_eq!(
            who(shell(script).uid(user).gid(group).groups(&groups)),
            "Uid: 12345 12345 12345 12345 Gid: 12346 12346 12346 12346 Groups: 12347 12348"
        );
    } else {
        assert_eq!(shell(script).uid(user).status(), Err(Errno::EPERM));
        assert_eq!(shell(script).gid(group).status(), Err(Errno::EPERM));
        assert_eq!(shell(script).groups(&groups).status(), Err(Errno::EPERM));
        let mut command = shell(script);
        command.uid(sys::getuid()).gid(sys::getgid());
        assert!(printed(&mut command).contains("Uid"));
    }
    // The parent can be dumped and traced as before.
    let dumpable = unsafe_prctl_dumpable();
    assert_eq!(dumpable, 1);
}

fn unsafe_prctl_dumpable() -> u32 {
    let none = sys::Word::from(0_u32);
    // SAFETY: it only asks.
    unsafe { sys::prctl(sys::Prctl::GET_DUMPABLE, none, none, none, none) }.unwrap()
}

fn groups(_: &mut Args) {
    // The fields 1, 5 and 6 of proc_pid_stat(5): its id, group and session.
    let ids = |command: &mut Command| -> Vec<i32> {
        let text = printed(command);
        let fields: Vec<_> = text.split(' ').collect();
        [0, 4, 5]
            .map(|i: usize| fields[i].parse().unwrap())
            .to_vec()
    };
    let script = "read line < /proc/$$/stat; echo \"$line\"";
    let (group, session) = (sys::getpgrp().0, sys::getsid(Pid::OWN).unwrap().0);
    let same = ids(&mut shell(script));
    assert_eq!(same[1..], [group, session]);
    let own = ids(shell(script).process_group(Pid::OWN));
    assert_eq!(own[1..], [own[0], session]);
    let leader = ids(shell(script).setsid(true));
    assert_eq!(leader[1..], [leader[0], leader[0]]);
    assert_eq!(ids(shell(script).setsid(false))[1..], [group, session]);
    let nobody = Pid(i32::MAX);
    assert_eq!(
        shell(script).process_group(nobody).status(),
        Err(Errno::EPERM)
    );
    // Who is first in a group begins no session.
    let mut command = shell(script);
    command.process_group(Pid::OWN).setsid(true);
    assert_eq!(command.status(), Err(Errno::EPERM));
}

/// Which process each signal's handler ran in that was not this one.
static STRANGER: AtomicU32 = AtomicU32::new(0);
static HANDLED: AtomicU32 = AtomicU32::new(0);

extern "C" fn handler(_: Signal, _: &SigInfo, _: &mut UContext) {
    HANDLED.fetch_add(1, SeqCst);
    if process::id() != PARENT.load(SeqCst) {
        STRANGER.fetch_add(1, SeqCst);
    }
}

static PARENT: AtomicU32 = AtomicU32::new(0);

fn set_action(signal: Signal, sa_handler: SigHandler) {
    let action = SigAction {
        sa_handler,
        sa_flags: SaFlags::RESTART,
        ..SigAction::default()
    };
    // SAFETY: the handler counts.
    unsafe { sys::rt_sigaction(signal, Some(&action)) }.unwrap();
}

fn signals(_: &mut Args) {
    PARENT.store(process::id(), SeqCst);
    set_action(Signal::USR1, SigHandler::Function(handler));
    set_action(Signal::USR2, SigHandler::Ignore);
    set_action(Signal::PIPE, SigHandler::Ignore);
    // A handler is gone, what is ignored is so, but for SIGPIPE.
    let by = |script: &str| shell(script).status().unwrap();
    assert_eq!(by("kill -USR1 $$").signal(), Some(Signal::USR1));
    assert!(by("kill -USR2 $$").success());
    assert_eq!(by("kill -PIPE $$").signal(), Some(Signal::PIPE));
    // And the program's own are as they were.
    sys::tgkill(sys::getpid(), sys::gettid(), Signal::USR1).unwrap();
    sys::tgkill(sys::getpid(), sys::gettid(), Signal::PIPE).unwrap();
    assert_eq!(HANDLED.load(SeqCst), 1);

    // What is held back stays so, and nothing else is.
    let mask = |command: &mut Command| {
        let text = printed(command.arg("/proc/self/status"));
        let line = text.lines().find(|line| line.starts_with("SigBlk:"));
        u64::from_str_radix(line.unwrap()[7..].trim(), 16).unwrap()
    };
    assert_eq!(mask(&mut Command::new("/bin/cat")), 0);
    let held = SigSet::of(&[Signal::TERM, Signal::WINCH]);
    let before = sys::rt_sigprocmask(MaskHow::BLOCK, Some(&held)).unwrap();
    assert_eq!(before, SigSet::empty());
    assert_eq!(mask(&mut Command::new("/bin/cat")), held.0);
    assert_eq!(Command::new("/missing").status(), Err(Errno::ENOENT));
    let after = sys::rt_sigprocmask(MaskHow::SETMASK, Some(&before));
    assert_eq!(after, Ok(held));
}

/// Signals to all of the group, while children come about in it: none may see a handler,
/// and the program sees them all.
fn storm(args: &mut Args) {
    let rounds = number(args);
    sys::setpgid(Pid::OWN, Pid::OWN).unwrap();
    PARENT.store(process::id(), SeqCst);
    set_action(Signal::USR1, SigHandler::Function(handler));
    let mut sender = shell("trap '' USR1; while kill -USR1 0; do :; done")
        .spawn()
        .unwrap();
    while HANDLED.load(SeqCst) == 0 {
        sys::sched_yield();
    }
    let mut ended_by_it = 0;
    for round in 0..rounds {
        // With a copy of the memory, the count would be another: the status tells.
        let mut command = shell("exit 3");
        if round % 2 == 1 {
            // SAFETY: it does nothing but look.
            unsafe { command.pre_exec(check_strangers) };
        }
        let status = command.status().unwrap();
        assert!(
            status.code() == Some(3) || status.signal() == Some(Signal::USR1),
            "{status}"
        );
        ended_by_it += usize::from(status.code().is_none());
    }
    sender.kill().unwrap();
    assert_eq!(sender.wait().unwrap().signal(), Some(Signal::KILL));
    assert_eq!(STRANGER.load(SeqCst), 0);
    println!("{ended_by_it} of {rounds} children ended by the signal");
}

fn check_strangers() -> Result<()> {
    match STRANGER.load(SeqCst) {
        0 => Ok(()),
        _ => Err(Errno::EINTR),
    }
}

fn number(args: &mut Args) -> usize {
    args.next().unwrap().to_str().unwrap().parse().unwrap()
}

fn waiting(_: &mut Args) {
    const SHORT: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(20);

    let mut child = shell("read line").stdin(Stdio::piped()).spawn().unwrap();
    assert_eq!(child.try_wait(), Ok(None));
    assert!(child.pidfd().is_some());
    let pidfd: OwnedFd = PidFd::open(Pid(child.id() as i32)).unwrap().into();
    let pidfd = PidFd::from(pidfd);
    assert_eq!(pidfd.try_wait(), Ok(None));
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.signal(), Some(Signal::KILL));
    // Once is enough, and whoever has its id now gets no signal.
    assert_eq!(child.wait(), Ok(status));
    assert_eq!(child.try_wait(), Ok(Some(status)));
    assert_eq!(child.wait_timeout(SHORT), Ok(Some(status)));
    assert_eq!(child.kill(), Ok(()));
    assert_eq!(pidfd.kill(), Err(Errno::ESRCH));
    assert_eq!(pidfd.wait(), Err(Errno::ECHILD));

    let mut child = shell("exec sleep 60").spawn().unwrap();
    let begin = Instant::now();
    assert_eq!(child.wait_timeout(SHORT), Ok(None));
    assert!(begin.elapsed() >= SHORT);
    assert_eq!(child.wait_timeout(Duration::ZERO), Ok(None));
    child.send_signal(Signal::TERM).unwrap();
    let status = child.wait_timeout(LONG).unwrap().unwrap();
    assert_eq!(status.signal(), Some(Signal::TERM));
    let mut child = shell("exit 4").spawn().unwrap();
    let status = child.wait_timeout(Duration::MAX).unwrap().unwrap();
    assert_eq!(status.code(), Some(4));
    assert!(begin.elapsed() < LONG);

    // Signals that are handled do not end a wait.
    PARENT.store(process::id(), SeqCst);
    let action = SigAction {
        sa_handler: SigHandler::Function(handler),
        ..SigAction::default()
    };
    // SAFETY: the handler counts.
    unsafe { sys::rt_sigaction(Signal::USR1, Some(&action)) }.unwrap();
    let script = "for i in 1 2 3 4 5; do kill -USR1 $PPID; sleep 0.02; done; exit 5";
    for timeout in [None, Some(LONG)] {
        HANDLED.store(0, SeqCst);
        let mut child = shell(script).spawn().unwrap();
        let status = match timeout {
            None => child.wait().unwrap(),
            Some(timeout) => child.wait_timeout(timeout).unwrap().unwrap(),
        };
        assert_eq!(status.code(), Some(5));
        assert_eq!(HANDLED.load(SeqCst), 5);
    }

    // Of one that stops and goes on, wait4 tells.
    let mut child = shell("kill -STOP $$; read line; exit 6");
    let mut child = child.stdin(Stdio::piped()).spawn().unwrap();
    let pid = Pid(child.id() as i32);
    let told = |options| {
        let mut status = sys::WaitStatus::default();
        sys::wait4(pid, Some(&mut status), options, None).unwrap();
        ExitStatus::from(status)
    };
    let stopped = told(WaitOptions::UNTRACED);
    assert_eq!(stopped.stopped_signal(), Some(Signal::STOP));
    child.send_signal(Signal::CONT).unwrap();
    assert!(told(WaitOptions::CONTINUED).continued());
    assert_eq!(child.wait().unwrap().code(), Some(6));

    // A child that somebody else has waited for is nobody's.
    let mut child = shell("exit 1").spawn().unwrap();
    let pid = Pid(child.id() as i32);
    sys::wait4(pid, None, WaitOptions::empty(), None).unwrap();
    assert_eq!(child.wait(), Err(Errno::ECHILD));
    assert_eq!(child.kill(), Err(Errno::ESRCH));
}

fn output(_: &mut Args) {
    /// More than both pipes hold, on each in turn.
    const SCRIPT: &str = "i=0; while [ $i -lt 100 ]; do
        printf '%08192d' 1; printf '%08192d' 2 >&2; i=$((i+1)); done";
    let check = |output: process::Output| {
        assert!(output.status.success());
        assert_eq!(
            (output.stdout.len(), output.stderr.len()),
            (819_200, 819_200)
        );
        assert!(
            output
                .stdout
                .iter()
                .all(|&byte| byte == b'0' || byte == b'1')
        );
        assert!(
            output
                .stderr
                .iter()
                .all(|&byte| byte == b'0' || byte == b'2')
        );
    };
    check(shell(SCRIPT).output().unwrap());
    // One after the other, each larger than a pipe.
    let one = shell("head -c 300000 /dev/zero >&2; head -c 300000 /dev/zero").output();
    let one = one.unwrap();
    assert_eq!((one.stdout.len(), one.stderr.len()), (300_000, 300_000));

    // Input as large, that comes out again as it goes in.
    let input: Vec<u8> = (0..1_000_000_u32).map(|n| (n / 7) as u8).collect();
    let mut command = shell("tee /dev/fd/2");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let output = command.spawn().unwrap().communicate(&input).unwrap();
    assert!(output.stdout == input && output.stderr == input);
    assert!(output.status.success());
    // Nobody wants it: SIGPIPE is neither raised nor left behind.
    command = shell("exec <&-; echo done");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let output = command.spawn().unwrap().communicate(&input).unwrap();
    assert_eq!(output.stdout, b"done\n");
    assert!(!sys::rt_sigpending().unwrap().contains(Signal::PIPE));
    let output = command.spawn().unwrap().wait_with_output().unwrap();
    assert_eq!((output.stdout, output.stderr), (b"done\n".to_vec(), vec![]));
    // Somebody else has the pipe for longer than the child lives.
    let output = shell("sleep 0.05 && echo late & echo soon")
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"soon\nlate\n");
}

fn pre_exec(_: &mut Args) {
    static CALLED: AtomicU32 = AtomicU32::new(0);

    fn first() -> Result<()> {
        CALLED.fetch_add(1, SeqCst);
        raw::umask(Mode::from_bits_retain(0o123));
        Ok(())
    }
    fn second() -> Result<()> {
        match CALLED.fetch_add(1, SeqCst) {
            1 => Ok(()),
            _ => Err(Errno::EXDEV),
        }
    }
    let mut command = shell("umask");
    // SAFETY: they count, and make a call without hooks.
    unsafe { command.pre_exec(first).pre_exec(second) };
    for _ in 0..2 {
        assert_eq!(printed(&mut command), "0123\n");
    }
    // That was the children's memory.
    assert_eq!(CALLED.load(SeqCst), 0);
    // The second fails if it is called once more.
    // SAFETY: it counts.
    unsafe { command.pre_exec(second) };
    assert_eq!(command.status(), Err(Errno::EXDEV));
}

fn exec(_: &mut Args) {
    println!("before");
    freestand::io::stdout().flush().unwrap();
    let mut command = Command::new("/missing");
    assert_eq!(command.exec(), Errno::ENOENT);
    assert_eq!(Command::new("a\0b").exec(), Errno::EINVAL);
    let mut command = shell("cat; echo \"$$ $A\"; exit 9");
    command.stdin(reader_of("input ")).env("A", "a");
    println!("{}", process::id());
    freestand::io::stdout().flush().unwrap();
    panic!("{:?}", command.exec());
}

fn lean(_: &mut Args) {
    let arguments = CStrArray::new([c"sh", c"-c", c"exit $((A + 4))"]);
    let mut child = process::spawn(
        c"/bin/sh",
        arguments.list(),
        process::inherited_environment(),
    )
    .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(5));
    let none = CStrArray::new([]);
    let mut child = process::spawn("/bin/sh", arguments.list(), none.list()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(4));
    let missing = process::spawn("sh", arguments.list(), none.list()).map(drop);
    assert_eq!(missing, Err(Errno::ENOENT));
    let nul = process::spawn("a\0b", arguments.list(), none.list()).map(drop);
    assert_eq!(nul, Err(Errno::EINVAL));
}

static STOP: AtomicBool = AtomicBool::new(false);
static READY: AtomicU32 = AtomicU32::new(0);

/// Holds the heap's lock as often as it can.
fn allocate() {
    while !STOP.load(SeqCst) {
        READY.fetch_add(1, SeqCst);
        let lengths = [10, 1000, 100_000];
        let all = lengths.map(|length| vec![length as u8; length]);
        assert!(all.iter().all(|bytes| bytes[0] == bytes[bytes.len() - 1]));
    }
}

/// While other threads allocate, a child by fork lives without the heap.
fn forking(args: &mut Args) {
    let rounds = number(args);
    for _ in 0..2 {
        thread::spawn(allocate);
    }
    while READY.load(SeqCst) < 10 {
        sys::sched_yield();
    }
    let arguments = CStrArray::new([c"sh", c"-c", c"exit 8"]);
    let environment = CStrArray::new([]);
    for round in 0..rounds {
        // SAFETY: the child makes system calls without hooks only.
        match unsafe { process::fork() }.unwrap() {
            None if round % 2 == 0 => process::_exit(7),
            None => {
                let _ = raw::execve(c"/bin/sh", arguments.list(), environment.list());
                process::_exit(1);
            }
            Some(mut child) => {
                let status = child.wait().unwrap();
                assert_eq!(status.code(), Some(7 + (round % 2) as i32));
            }
        }
    }
    STOP.store(true, SeqCst);
}

/// Several threads start programs at the same time; each gets its own.
fn threaded(args: &mut Args) {
    static ROUNDS: AtomicU32 = AtomicU32::new(0);

    fn start_some(thread: usize) {
        for round in 0..ROUNDS.load(SeqCst) as usize {
            let text = format!("{thread} {round}");
            match round % 3 {
                0 => assert_eq!(Command::new("/missing").status(), Err(Errno::ENOENT)),
                1 => {
                    // SAFETY: it does nothing.
                    let command = &mut shell("cat");
                    unsafe { command.pre_exec(|| Ok(())) };
                    let child = command
                        .stdin(Stdio::piped())
                        .stdout(Stdio::piped())
                        .spawn()
                        .unwrap();
                    let output = child.communicate(text.as_bytes()).unwrap();
                    assert_eq!(output.stdout, text.as_bytes());
                }
                _ => assert_eq!(
                    printed(Command::new("/bin/echo").arg("-n").arg(&text)),
                    text
                ),
            }
        }
    }
    let before = descriptors_open();
    ROUNDS.store(number(args) as u32, SeqCst);
    thread::scope(|scope| {
        for index in 0..4 {
            scope.spawn(move || start_some(index));
        }
    });
    assert_eq!(descriptors_open(), before);
}

/// As often as is said, the program of the argument after that, and nothing is left:
/// descriptors, children, memory.
fn rounds(args: &mut Args) {
    let rounds = number(args);
    let program = args.next().unwrap().to_bytes();
    let pages = || -> u32 {
        let text = fs::read_to_string("/proc/self/statm").unwrap();
        text.split(' ').next().unwrap().parse().unwrap()
    };
    let round = |number: usize| {
        if number.is_multiple_of(10) {
            assert_eq!(Command::new("/missing").status(), Err(Errno::ENOENT));
        }
        let mut command = Command::new(program);
        if number % 10 == 5 {
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
            command.stderr(Stdio::null());
        }
        assert!(command.status().unwrap().success());
    };
    (0..20).for_each(round);
    // Looking takes memory too.
    let _ = (descriptors_open(), pages());
    let (fds, size) = (descriptors_open(), pages());
    (0..rounds).for_each(round);
    assert_eq!(descriptors_open(), fds);
    if matches!(arch::NAME, "x86_64" | "i386") {
        assert_eq!(pages(), size);
    }
}

/// Starts the program of the next argument, hello, a few times and says how that went,
/// while calls fail.
fn fault(args: &mut Args) {
    let program = args.next().unwrap().to_bytes();
    let count = |name: &str| {
        let text = fs::read_dir(name).map(|entries| entries.count());
        text.unwrap_or(0)
    };
    let before = count("/proc/self/fd");
    for _ in 0..3 {
        let output = Command::new(program).output();
        match output {
            Ok(output) if output.status.success() => {
                assert_eq!(output.stdout, b"Hello, world!\n");
                println!("ok");
            }
            Ok(output) => println!("{}", output.status),
            Err(errno) => println!("{errno:?}"),
        }
        let left = sys::wait4(Pid::ANY, None, WaitOptions::NOHANG, None);
        assert_eq!(left, Err(Errno::ECHILD));
    }
    assert_eq!(count("/proc/self/fd"), before);
    // The mask is as it was.
    let mask = sys::rt_sigprocmask(MaskHow::BLOCK, None).unwrap();
    assert_eq!(mask, SigSet::empty());
}

/// A kernel without clone3, which qemu is.
fn older(args: &mut Args) {
    let scenes: &[fn(&mut Args)] = &[
        arguments,
        environment,
        streams,
        descriptors,
        wrong,
        groups,
        signals,
        waiting,
        output,
        pre_exec,
        lean,
    ];
    let _ = args;
    without_calls(&[arch::nr::clone3], || {
        for scene in scenes {
            set_action(Signal::USR1, SigHandler::Default);
            set_action(Signal::USR2, SigHandler::Default);
            set_action(Signal::PIPE, SigHandler::Default);
            HANDLED.store(0, SeqCst);
            scene(&mut env::args());
        }
    });
}

/// Starts and waits for the program of the next argument as often as the one after it says,
/// in the way that the third says, having so many MiB as the fourth says, and prints the
/// median time in nanoseconds: what `cargo xtask bench process` compares.
fn bench(args: &mut Args) {
    let program = args.next().unwrap();
    let count = number(args);
    let way = args.next().unwrap().to_bytes();
    let memory = vec![1_u8; number(args) << 20];
    let list = CStrArray::new([program]);
    let start = || match way {
        b"command" => Command::new(program.to_bytes()).spawn(),
        b"spawn" => process::spawn(program, list.list(), process::inherited_environment()),
        _ => panic!("there is no such way"),
    };
    let mut times: Vec<_> = (0..count)
        .map(|_| {
            let begin = Instant::now();
            let status = start().and_then(|mut child| child.wait());
            let time = begin.elapsed();
            assert!(status.unwrap().success());
            time.as_nanos()
        })
        .collect();
    times.sort_unstable();
    assert!(memory.iter().step_by(4096).all(|&byte| byte == 1));
    println!("{}", times[count / 2]);
}
