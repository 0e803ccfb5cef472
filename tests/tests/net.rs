//! Sockets: with both ends in one process, with this one at the other end, by std's
//! sockets, and with the demo programs at both.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr as UnixAddr, UnixDatagram, UnixListener};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use freestand_tests::target::{Target, expect_status};
use freestand_tests::temp::{self, TempDir};
use freestand_tests::trace::faults::{Class, Sweep};
use freestand_tests::{cases, harness};

cases![
    streams_carry_bytes_both_ways,
    datagrams_carry_messages,
    options_are_kept,
    groups_are_joined_and_left,
    descriptors_and_credentials_pass,
    descriptors_without_room_are_not_lost,
    timeouts_are_kept,
    polling_tells_what_happens,
    polling_works_without_the_newer_call,
    signals_interrupt_what_std_lets_them,
    no_signal_says_that_the_other_side_is_gone,
    too_few_descriptors_are_an_error_that_loses_nothing,
    no_descriptor_is_lost_in_many_rounds,
    failing_calls_are_reported,
    a_server_serves_std,
    a_client_talks_to_std,
    a_reset_is_an_error,
    messages_go_to_std_and_back,
    unix_sockets_talk_to_std,
    descriptors_pass_between_processes,
    a_thousand_connections_are_echoed,
    who_does_not_read_makes_nobody_else_wait,
    a_server_out_of_descriptors_goes_on,
];

fn main() -> ExitCode {
    harness::run(CASES)
}

/// How many seconds a program may take, and so may whatever waits for it.
const LIMIT: u32 = 60;

/// Has SIGALRM end the program if it hangs, and only as many descriptors as it needs.
fn limited(mut command: Command, descriptors: u64) -> Command {
    let limit = libc::rlimit {
        rlim_cur: descriptors,
        rlim_max: descriptors.max(4096),
    };
    // SAFETY: both calls are async-signal-safe. The alarm survives execve, and neither
    // qemu nor these programs handle it but to count.
    unsafe {
        command.pre_exec(move || {
            libc::alarm(LIMIT);
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
            Ok(())
        });
    }
    command
}

fn scene(target: Target, args: &[&str]) -> Result<Command> {
    let mut command = limited(target.command("net_scene")?, 1024);
    command.args(args);
    Ok(command)
}

/// Runs the scene, which says nothing if all is well.
fn alone(target: Target, args: &[&str]) -> Result<()> {
    let output = scene(target, args)?.output()?;
    let stdout = expect_status(&output, 0)?;
    ensure!(stdout.is_empty(), "{:?}", String::from_utf8_lossy(stdout));
    Ok(())
}

/// A program that prints where it listens, and is killed when this is dropped.
struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Server {
    fn start(mut command: Command) -> Result<Server> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let stdout = child.stdout.take().context("it has a pipe")?;
        let mut server = Server {
            child,
            stdout: BufReader::new(stdout),
            address: SocketAddr::from(([0; 4], 0)),
        };
        let line = server.line()?;
        let address = line.rsplit(' ').next().unwrap_or_default();
        server.address = address.parse().with_context(|| format!("{line:?}"))?;
        Ok(server)
    }

    /// The next line of its output.
    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.stdout.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }

    /// Waits for its end, which must be a good one.
    fn finish(mut self) -> Result<()> {
        let status = self.child.wait()?;
        ensure!(status.success(), "{status}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended, and then there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `len` bytes without a short period.
fn bytes(len: usize) -> Vec<u8> {
    let numbers = (0..len as u32).map(|number| number.wrapping_mul(0x9E37_79B1));
    numbers.map(|number| (number >> 24) as u8).collect()
}

/// A connection whose peer fails rather than hangs.
fn connect(address: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(LIMIT.into())))?;
    Ok(stream)
}

// ---- Both ends in one process

fn streams_carry_bytes_both_ways(target: Target) -> Result<()> {
    alone(target, &["streams"])
}

fn datagrams_carry_messages(target: Target) -> Result<()> {
    alone(target, &["datagrams"])
}

fn options_are_kept(target: Target) -> Result<()> {
    alone(target, &["options"])
}

fn groups_are_joined_and_left(target: Target) -> Result<()> {
    alone(target, &["groups"])
}

fn descriptors_and_credentials_pass(target: Target) -> Result<()> {
    alone(target, &["rights"])
}

/// qemu-user 7.2 cannot show it: it gives the kernel twice the room, keeps the
/// descriptors that the program has no room for, and overwrites the flag that would say
/// so (linux-user/syscall.c, do_sendrecvmsg_locked). There the scene must fail.
fn descriptors_without_room_are_not_lost(target: Target) -> Result<()> {
    let shown = alone(target, &["cut_rights"]);
    ensure!(
        target.is_native() || shown.is_err(),
        "qemu can do it now: the exception can go"
    );
    if target.is_native() { shown } else { Ok(()) }
}

fn timeouts_are_kept(target: Target) -> Result<()> {
    alone(target, &["timeouts"])
}

/// Under qemu-user 7.2, which has no epoll_pwait2, by the older call.
fn polling_tells_what_happens(target: Target) -> Result<()> {
    alone(target, &["polling"])
}

/// A filter takes epoll_pwait2 away, which qemu-user 7.2 has no filters to do and no need
/// to: there the case above is the same.
fn polling_works_without_the_newer_call(target: Target) -> Result<()> {
    let scene = match target.is_native() {
        true => "polling_in_milliseconds",
        false => "polling",
    };
    alone(target, &[scene])
}

fn signals_interrupt_what_std_lets_them(target: Target) -> Result<()> {
    alone(target, &["interruptions"])
}

fn no_signal_says_that_the_other_side_is_gone(target: Target) -> Result<()> {
    alone(target, &["gone"])
}

fn too_few_descriptors_are_an_error_that_loses_nothing(target: Target) -> Result<()> {
    alone(target, &["limits"])
}

/// Fewer under qemu, which does each call in many steps.
fn no_descriptor_is_lost_in_many_rounds(target: Target) -> Result<()> {
    let rounds = if target.is_native() { "10000" } else { "500" };
    alone(target, &["rounds", rounds])
}

/// Each call fails once. Where the kernel is real: under qemu a run takes too long for so
/// many, and what is made of an error does not depend on the architecture.
fn failing_calls_are_reported(target: Target) -> Result<()> {
    if !target.is_native() {
        return alone_prints(target);
    }
    let mut launch = target.launch("net_scene")?;
    launch.args = vec!["faults".into()];
    let errors = [libc::EMFILE, libc::ENOMEM, libc::EINTR];
    let sweep = Sweep {
        launch: &launch,
        stdin: b"",
        results: &errors.map(|errno| -i64::from(errno)),
        persistent: false,
    };
    for finding in sweep.run()? {
        let is_honest = match finding.class {
            Class::Ok => true,
            // `main` returns the error, which is told on standard error.
            Class::Reported(_) => !finding.stderr.is_empty(),
            // Nobody may know the time: a panic, as std's.
            Class::Aborted => finding.stderr.contains("the clock cannot be read"),
            Class::SilentLoss | Class::Killed(_) | Class::Hung => false,
        };
        ensure!(is_honest, "{finding:?}");
    }
    Ok(())
}

/// The scene as it is when nothing fails.
fn alone_prints(target: Target) -> Result<()> {
    let output = scene(target, &["faults"])?.output()?;
    let stdout = String::from_utf8_lossy(expect_status(&output, 0)?);
    ensure!(stdout == "true\ntext None\n1 7\ntrue\n1\n", "{stdout:?}");
    Ok(())
}

// ---- std at the other end

fn a_server_serves_std(target: Target) -> Result<()> {
    let mut server = Server::start(scene(target, &["echo", "127.0.0.1:0"])?)?;
    let sent = bytes(1 << 20);
    for _ in 0..2 {
        let mut stream = connect(server.address)?;
        ensure!(server.line()? == stream.local_addr()?.to_string());
        let mut writer = stream.try_clone()?;
        let to_send = sent.clone();
        let writing = thread::spawn(move || {
            writer.write_all(&to_send)?;
            writer.shutdown(Shutdown::Write)
        });
        let mut received = Vec::new();
        stream.read_to_end(&mut received)?;
        writing.join().expect("it does not panic")?;
        ensure!(received == sent, "{} bytes came back", received.len());
    }
    server.finish()
}

fn a_client_talks_to_std(target: Target) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let sent = bytes(1 << 20);
    let mut input = temp::file()?;
    input.write_all(&sent)?;
    std::io::Seek::rewind(&mut input)?;
    let mut command = scene(target, &["send", &address])?;
    let child = command
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (mut stream, _) = listener.accept()?;
    let mut received = Vec::new();
    stream.read_to_end(&mut received)?;
    ensure!(received == sent, "{} bytes came", received.len());
    let answer = thread::spawn(move || stream.write_all(&sent));
    let output = child.wait_with_output()?;
    answer.join().expect("it does not panic")?;
    ensure!(expect_status(&output, 0)? == received, "the answer differs");
    Ok(())
}

fn a_reset_is_an_error(target: Target) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let child = scene(target, &["reset", &address])?
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let (mut stream, _) = listener.accept()?;
    stream.read_exact(&mut [0; 5])?;
    let linger = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    // SAFETY: the option takes a linger, and there is one.
    let set = unsafe {
        libc::setsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_LINGER,
            (&raw const linger).cast(),
            size_of_val(&linger) as u32,
        )
    };
    ensure!(set == 0, "{}", std::io::Error::last_os_error());
    drop(stream);
    // Then it is the program that resets a connection.
    let (mut stream, _) = listener.accept()?;
    let read = stream.read(&mut [0; 5]);
    ensure!(
        matches!(&read, Err(error) if error.kind() == ErrorKind::ConnectionReset),
        "{read:?}"
    );
    let output = child.wait_with_output()?;
    let stdout = String::from_utf8_lossy(expect_status(&output, 0)?);
    ensure!(
        stdout == "Err(ECONNRESET)\nOk(0)\nErr(EPIPE)\nErr(ENOTCONN)\n",
        "{stdout:?}"
    );
    Ok(())
}

fn messages_go_to_std_and_back(target: Target) -> Result<()> {
    let server = Server::start(scene(target, &["messages", "127.0.0.1:0"])?)?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(Duration::from_secs(LIMIT.into())))?;
    let mut buffer = [0; 2000];
    for len in [1, 17, 1000] {
        let sent = bytes(len);
        socket.send_to(&sent, server.address)?;
        let (received, from) = socket.recv_from(&mut buffer)?;
        ensure!(from == server.address && buffer[..received] == sent);
    }
    socket.send_to(b"", server.address)?;
    server.finish()
}

fn unix_sockets_talk_to_std(target: Target) -> Result<()> {
    let folder = TempDir::new()?;
    let path = folder.path().join("listener");
    let (listener, theirs) = (
        UnixListener::bind(&path)?,
        UnixDatagram::bind(folder.path().join("theirs"))?,
    );
    // It ends in a NUL: where one does not, qemu-user 7.2 puts one there.
    let pid = std::process::id();
    let name = format!("freestand-net-{pid}-{target}\0");
    let named = UnixListener::bind_addr(&UnixAddr::from_abstract_name(&name)?)?;
    let folder_path = folder.path().display().to_string();
    // An argument has no NUL: the program adds it.
    let child = scene(target, &["unix", &folder_path, name.trim_end_matches('\0')])?
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    for (listener, expected) in [(listener, "to the path"), (named, "to the name")] {
        let mut text = String::new();
        listener.accept()?.0.read_to_string(&mut text)?;
        ensure!(text == expected, "{text:?}");
    }
    let mut buffer = [0; 16];
    let (received, from) = theirs.recv_from(&mut buffer)?;
    let ours = folder.path().join("ours");
    ensure!(&buffer[..received] == b"message" && from.as_pathname() == Some(&ours));
    theirs.send_to(b"answer", &ours)?;

    let output = child.wait_with_output()?;
    let stdout = String::from_utf8_lossy(expect_status(&output, 0)?);
    // SAFETY: the calls take nothing and cannot fail.
    let (uid, gid) = unsafe { (libc::geteuid(), libc::getegid()) };
    let expected = format!(
        "{pid} {uid} {gid}\n\"{folder_path}/listener\" (pathname)\n\
         \"{folder_path}/ours\" (pathname)\nanswer \"{folder_path}/theirs\" (pathname)\n"
    );
    ensure!(stdout == expected, "{stdout:?}, not {expected:?}");
    Ok(())
}

/// One process gives what it reads from and writes to, the other uses it.
fn descriptors_pass_between_processes(target: Target) -> Result<()> {
    let folder = TempDir::new()?;
    let file = |name| folder.path().join(name);
    let text = bytes(10_000);
    fs::write(file("from"), &text)?;
    let path = file("socket").display().to_string();
    let giver = scene(target, &["give", &path])?
        .stdin(File::open(file("from"))?)
        .stdout(File::create(file("to"))?)
        .stderr(Stdio::piped())
        .spawn()?;
    let taken = scene(target, &["take", &path])?.output()?;
    expect_status(&giver.wait_with_output()?, 0)?;
    ensure!(expect_status(&taken, 0)? == b"10000\n");
    ensure!(fs::read(file("to"))? == text, "the copy differs");
    Ok(())
}

// ---- The demo programs

/// The server, which may have so many descriptors.
fn echo_server(target: Target, descriptors: u64) -> Result<Server> {
    let mut command = limited(target.command("echo_server")?, descriptors);
    command.arg("127.0.0.1:0").stderr(Stdio::piped());
    Server::start(command)
}

/// Both on one thread each; the client may have fewer descriptors than it needs, and
/// raises that.
fn a_thousand_connections_are_echoed(target: Target) -> Result<()> {
    let server = echo_server(target, 4096)?;
    let mut client = limited(target.command("echo_client")?, 64);
    client.args([&server.address.to_string(), "1000", "1000"]);
    let output = client.output()?;
    let stdout = String::from_utf8_lossy(expect_status(&output, 0)?);
    ensure!(
        stdout == "1000 connections are open\n1000 of 1000 echoes of 1000 bytes are right\n",
        "{stdout:?}"
    );
    Ok(())
}

/// One sends more than all buffers on the way hold and reads nothing; the others do not
/// notice. Then it reads all of it.
fn who_does_not_read_makes_nobody_else_wait(target: Target) -> Result<()> {
    let server = echo_server(target, 64)?;
    let mut slow = connect(server.address)?;
    slow.set_nonblocking(true)?;
    let (piece, mut sent, mut idle) = (bytes(1 << 16), 0, 0);
    // Full is what stays full.
    while idle < 3 {
        match slow.write(&piece[sent % piece.len()..]) {
            Ok(written) => (sent, idle) = (sent + written, 0),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                idle += 1;
                let mut quick = connect(server.address)?;
                quick.write_all(b"quick")?;
                let mut echo = [0; 5];
                quick.read_exact(&mut echo)?;
                ensure!(&echo == b"quick");
                thread::sleep(Duration::from_millis(10));
            }
            Err(error) => return Err(error.into()),
        }
    }
    slow.set_nonblocking(false)?;
    slow.shutdown(Shutdown::Write)?;
    let mut received = Vec::new();
    slow.read_to_end(&mut received)?;
    let expected = piece.iter().cycle().take(sent);
    ensure!(received.len() == sent, "{} of {sent}", received.len());
    ensure!(received.iter().eq(expected), "the echo differs");
    Ok(())
}

/// More clients than descriptors: the later ones wait for the earlier ones to go.
fn a_server_out_of_descriptors_goes_on(target: Target) -> Result<()> {
    let mut server = echo_server(target, 24)?;
    let address = server.address;
    let clients: Vec<_> = (0..60).map(|_| connect(address)).collect::<Result<_>>()?;
    // It says so before anybody goes.
    let stderr = server.child.stderr.take().context("it has a pipe")?;
    let (mut stderr, mut line) = (BufReader::new(stderr), String::new());
    stderr.read_line(&mut line)?;
    ensure!(line.contains("too many open files"), "{line:?}");
    for (number, mut client) in clients.into_iter().enumerate() {
        client.write_all(&[number as u8])?;
        let mut echo = [0];
        client.read_exact(&mut echo)?;
        ensure!(echo == [number as u8]);
    }
    Ok(())
}
