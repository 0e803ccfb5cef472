//! What the cases share: programs with a time limit, and what to connect them to.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use freestand_tests::target::Target;
use freestand_tests::temp;

/// How many seconds a program may take, and so may whatever waits for it.
const LIMIT: u32 = 30;

/// The command that runs the program `name`; SIGALRM ends it if it hangs.
pub fn program(target: Target, name: &str) -> Result<Command> {
    let mut command = target.command(name)?;
    // SAFETY: alarm is async-signal-safe. The alarm survives execve, and neither
    // qemu nor a freestand program handles it.
    unsafe {
        command.pre_exec(|| {
            libc::alarm(LIMIT);
            Ok(())
        });
    }
    Ok(command)
}

/// The command that runs `io_steps` with these steps.
pub fn steps(target: Target, steps: &[&str]) -> Result<Command> {
    let mut command = program(target, "io_steps")?;
    command.args(steps);
    Ok(command)
}

/// The first `len` bytes of the pattern that is `@N` to `io_steps`.
pub fn pattern(len: usize) -> Vec<u8> {
    let numbers = (0..len.div_ceil(8)).flat_map(|number| format!("{number:07},").into_bytes());
    numbers.take(len).collect()
}

/// `len` bytes of every value, NUL and newline among them, without a short period.
pub fn binary(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(|_| next()).collect()
}

/// Checks that two texts, which may be long, are the same.
pub fn ensure_same(what: &str, found: &[u8], expected: &[u8]) -> Result<()> {
    let excerpt = |bytes: &[u8], from: usize| {
        let excerpt = bytes.iter().skip(from).take(100).copied();
        String::from_utf8_lossy(&excerpt.collect::<Vec<_>>()).into_owned()
    };
    let same = found.iter().zip(expected).take_while(|(a, b)| a == b);
    let at = same.count();
    ensure!(
        found == expected,
        "{what} has {} bytes, not {}; from byte {at} on it has {:?}, not {:?}",
        found.len(),
        expected.len(),
        excerpt(found, at),
        excerpt(expected, at),
    );
    Ok(())
}

/// A file with `bytes` in it, to be read from its beginning.
pub fn input(bytes: &[u8]) -> Result<File> {
    let mut file = temp::file()?;
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}

/// The device that never has room.
pub fn full_device() -> Result<File> {
    let device = File::options().write(true).open("/dev/full");
    device.context("opening /dev/full")
}

/// Reads up to and including `mark`. Whoever has the other end must end in time.
pub fn read_to(mut from: impl Read, mark: &str) -> Result<String> {
    let (mut seen, mut byte) = (Vec::new(), [0]);
    while !seen.ends_with(mark.as_bytes()) {
        let read = from.read(&mut byte)?;
        ensure!(
            read == 1,
            "an end instead of {mark:?}, after {:?}",
            String::from_utf8_lossy(&seen)
        );
        seen.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&seen).into_owned())
}

/// Whether there is something to read within so many milliseconds; an end is.
pub fn is_readable(fd: impl AsFd, milliseconds: i32) -> Result<bool> {
    let mut poll = libc::pollfd {
        fd: fd.as_fd().as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: this is one pollfd.
    match unsafe { libc::poll(&mut poll, 1, milliseconds) } {
        -1 => Err(io::Error::last_os_error()).context("poll"),
        ready => Ok(ready == 1),
    }
}

/// Two connected sockets that keep the bounds between writes: each read of one
/// gives what one write to the other took.
pub fn packets() -> Result<(Packets, OwnedFd)> {
    let mut fds = [0; 2];
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
    // SAFETY: socketpair writes two descriptors.
    ensure!(
        unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, fds.as_mut_ptr()) } == 0,
        "socketpair: {}",
        io::Error::last_os_error()
    );
    // SAFETY: the kernel has just opened them for us.
    let [ours, theirs] = fds.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    Ok((Packets(ours.into()), theirs))
}

/// The end to read of [`packets`].
pub struct Packets(File);

impl Packets {
    /// All writes, once nobody holds the other end any more.
    pub fn read_all(mut self) -> Result<Vec<Vec<u8>>> {
        let mut packets = Vec::new();
        let mut buffer = vec![0; 64 << 10];
        loop {
            match self.0.read(&mut buffer)? {
                0 => return Ok(packets),
                read => packets.push(buffer[..read].to_vec()),
            }
        }
    }
}

/// A new terminal that passes bytes on as they are: the end that the user has,
/// and the program's.
pub fn terminal() -> Result<(File, File)> {
    let check = |result: i32, what: &'static str| match result {
        -1 => Err(io::Error::last_os_error()).context(what),
        result => Ok(result),
    };
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: the call takes no pointers.
    let user = check(unsafe { libc::posix_openpt(flags) }, "posix_openpt")?;
    // SAFETY: the kernel has just opened it for us.
    let user = unsafe { File::from_raw_fd(user) };
    // SAFETY: the call takes no pointers.
    check(unsafe { libc::unlockpt(user.as_raw_fd()) }, "unlockpt")?;
    // SAFETY: TIOCGPTPEER takes flags and returns a descriptor.
    let program = unsafe { libc::ioctl(user.as_raw_fd(), libc::TIOCGPTPEER, flags) };
    let program = check(program, "TIOCGPTPEER")?;
    // SAFETY: the kernel has just opened it for us.
    let program = unsafe { File::from_raw_fd(program) };

    // SAFETY: for all of its fields zero is a value.
    let mut settings: libc::termios = unsafe { std::mem::zeroed() };
    // SAFETY: each takes one termios, and the descriptor is a terminal.
    unsafe {
        let fd = program.as_raw_fd();
        check(libc::tcgetattr(fd, &mut settings), "tcgetattr")?;
        libc::cfmakeraw(&mut settings);
        check(libc::tcsetattr(fd, libc::TCSANOW, &settings), "tcsetattr")?;
    }
    Ok((user, program))
}

/// Sets a pipe's capacity to one page, which is the smallest, and makes writes to
/// it fail rather than wait. Returns the capacity.
pub fn make_small_and_nonblocking(pipe: BorrowedFd<'_>) -> Result<usize> {
    let fd = pipe.as_raw_fd();
    // SAFETY: these calls take no pointers.
    let (size, set) = unsafe {
        let size = libc::fcntl(fd, libc::F_SETPIPE_SZ, 1);
        (size, libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK))
    };
    ensure!(
        size > 0 && set == 0,
        "fcntl: {}",
        io::Error::last_os_error()
    );
    Ok(size as usize)
}

/// Has the program start with these descriptors closed.
pub fn close_at_start(command: &mut Command, fds: &'static [i32]) {
    // SAFETY: close is async-signal-safe, and these are the program's own.
    unsafe {
        command.pre_exec(move || {
            for &fd in fds {
                libc::close(fd);
            }
            Ok(())
        });
    }
}

/// Has the program start with SIGPIPE ignored; otherwise it starts with the
/// default, which is to die.
pub fn ignore_sigpipe(command: &mut Command) {
    // SAFETY: signal is async-signal-safe.
    unsafe {
        command.pre_exec(|| {
            libc::signal(libc::SIGPIPE, libc::SIG_IGN);
            Ok(())
        });
    }
}
