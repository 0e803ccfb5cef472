//! One end of a connection, of which the test has the other.

use alloc::vec::Vec;

use freestand::fs::File;
use freestand::io::{self, Read, ReadExt, Write, stdout};
use freestand::net::{
    ControlMessage, RecvMessage, SendControl, SendMessage, Shutdown, TcpListener, TcpStream,
    UdpSocket, UnixAddr, UnixDatagram, UnixListener, UnixStream, control_space,
};
use freestand::println;
use freestand::sys::{AsFd, Errno, IoSlice, IoSliceMut, OwnedFd, Result, STDIN, STDOUT};

/// Prints where it listens, and sends each of two connections back what comes.
pub fn echo(address: &str) -> Result<()> {
    let listener = TcpListener::bind(address)?;
    println!("{}", listener.local_addr()?);
    stdout().flush()?;
    for stream in listener.incoming().take(2) {
        let stream = stream?;
        println!("{}", stream.peer_addr()?);
        stdout().flush()?;
        io::copy(&stream, &stream)?;
        stream.shutdown(Shutdown::Write)?;
    }
    Ok(())
}

/// Sends what is on standard input, and prints what comes back.
pub fn send(address: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    let mut bytes = Vec::new();
    STDIN.as_fd().read_to_end(&mut bytes)?;
    stream.write_all(&bytes)?;
    stream.shutdown(Shutdown::Write)?;
    io::copy(&stream, STDOUT).map(drop)
}

/// Is reset by the other side: an error of the first read, and then of each write.
pub fn reset(address: &str) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(b"hello")?;
    let mut bytes = [0; 8];
    println!("{:?}", stream.read(&mut bytes));
    println!("{:?}", stream.read(&mut bytes));
    println!("{:?}", stream.write(b"x"));
    println!("{:?}", stream.shutdown(Shutdown::Both));
    let stream = TcpStream::connect(address)?;
    // Nobody reads it; what has come is lost with the connection.
    stream.set_linger(Some(core::time::Duration::ZERO))?;
    Ok(())
}

/// Sends each message back to where it came from, until one is empty.
pub fn messages(address: &str) -> Result<()> {
    let socket = UdpSocket::bind(address)?;
    println!("{}", socket.local_addr()?);
    stdout().flush()?;
    let mut buffer = [0; 1000];
    loop {
        let (received, from) = socket.recv_from(&mut buffer)?;
        if received == 0 {
            return Ok(());
        }
        assert_eq!(socket.send_to(&buffer[..received], from), Ok(received));
    }
}

/// Talks to the test's sockets in the folder, and at the name that is no file's.
pub fn unix(folder: &str, name: &str) -> Result<()> {
    let path = |name| freestand::path::Path::new(folder).join(name);
    let mut stream = UnixStream::connect(path("listener")?)?;
    let peer = stream.peer_cred()?;
    println!("{} {} {}", peer.pid.0, peer.uid.0, peer.gid.0);
    println!("{:?}", stream.peer_addr()?);
    stream.write_all(b"to the path")?;
    drop(stream);

    // It ends in a NUL: where one does not, qemu-user puts one there.
    let name = UnixAddr::from_abstract_name(alloc::format!("{name}\0"))?;
    let mut stream = UnixStream::connect_addr(&name)?;
    stream.write_all(b"to the name")?;
    drop(stream);

    let socket = UnixDatagram::bind(path("ours")?)?;
    println!("{:?}", socket.local_addr()?);
    assert_eq!(socket.send_to(b"message", path("theirs")?), Ok(7));
    let mut buffer = [0; 16];
    let (received, from) = socket.recv_from(&mut buffer)?;
    println!("{} {from:?}", buffer[..received].escape_ascii());
    Ok(())
}

/// Listens at the path, and gives its standard input and output to who connects.
pub fn give(path: &str) -> Result<()> {
    let (stream, _) = UnixListener::bind(path)?.accept()?;
    let mut room = [0; control_space(2 * size_of::<OwnedFd>())];
    let mut control = SendControl::new(&mut room);
    control.rights(&[STDIN.as_fd(), STDOUT.as_fd()])?;
    let parts = [IoSlice::new(b"two")];
    let sent = stream.sendmsg(&SendMessage::new(&parts).with_control(&control));
    assert_eq!(sent, Ok(3));
    Ok(())
}

/// Connects to the path, as soon as somebody listens there, and copies from the first
/// descriptor that comes to the second.
pub fn take(path: &str) -> Result<()> {
    let stream = loop {
        match UnixStream::connect(path) {
            Err(Errno::ENOENT | Errno::ECONNREFUSED) => freestand::sys::sched_yield(),
            stream => break stream?,
        }
    };
    let (mut bytes, mut room) = ([0; 8], [0; control_space(2 * size_of::<OwnedFd>())]);
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let mut message = RecvMessage::new(&mut parts).with_control(&mut room);
    assert_eq!(stream.recvmsg(&mut message), Ok(3));
    let Some(ControlMessage::Rights(mut fds)) = message.control_messages().next() else {
        panic!("no descriptors came");
    };
    let (Some(from), Some(to), None) = (fds.next(), fds.next(), fds.next()) else {
        panic!("there should be two");
    };
    let (from, to) = (File::from(from), File::from(to));
    println!("{}", io::copy(&from, &to)?);
    Ok(())
}
