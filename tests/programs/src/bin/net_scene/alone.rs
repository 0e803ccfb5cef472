//! Both ends of a connection in one process.

use alloc::string::String;
use core::time::Duration;

use freestand::io::{self, Read, ReadExt, Write};
use freestand::net::{
    ControlMessage, Credentials, Ipv4Addr, Ipv6Addr, RecvMessage, SendControl, SendMessage,
    Shutdown, Socket, SocketAddr, TcpListener, TcpStream, UdpSocket, UnixAddr, UnixDatagram,
    UnixListener, UnixStream, control_space,
};
use freestand::sys::{
    self, AddressFamily, AsFd, Errno, FdFlags, IoSlice, IoSliceMut, MsgFlags, OwnedFd, Result,
    SocketType,
};
use freestand::time::Instant;

use crate::descriptors;

/// A listener on a port of its own, and where that is.
pub fn listener() -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

/// Two ends of a connection.
pub fn connection() -> Result<(TcpStream, TcpStream)> {
    let (listener, address) = listener()?;
    let here = TcpStream::connect(address)?;
    Ok((here, listener.accept()?.0))
}

/// Whether it does not survive execve.
fn is_cloexec(socket: impl AsFd) -> bool {
    sys::fcntl_getfd(socket.as_fd()) == Ok(FdFlags::CLOEXEC)
}

pub fn streams() -> Result<()> {
    let (listener, address) = listener()?;
    let here = TcpStream::connect(address)?;
    let (there, from) = listener.accept()?;
    assert_eq!(here.local_addr(), Ok(from));
    assert_eq!(here.peer_addr(), Ok(address));
    assert_eq!(there.peer_addr(), Ok(from));
    let clone = there.try_clone()?;
    assert!(is_cloexec(&listener) && is_cloexec(&here));
    assert!(is_cloexec(&there) && is_cloexec(&clone));

    (&here).write_all(b"some text")?;
    let mut buffer = [0; 16];
    assert_eq!(there.peek(&mut buffer[..4]), Ok(4));
    assert_eq!((&there).read(&mut buffer[..5]), Ok(5));
    assert_eq!((&clone).read(&mut buffer[5..]), Ok(4));
    assert_eq!(&buffer[..9], b"some text");

    // Of more buffers than one call takes, those that it takes.
    let buffers = [IoSlice::new(b"x"); 1025];
    assert_eq!(here.write_vectored(&buffers), Ok(1024));
    let (mut one, mut two) = ([0; 1000], [0; 100]);
    let mut buffers = [IoSliceMut::new(&mut one), IoSliceMut::new(&mut two)];
    assert_eq!(there.read_vectored(&mut buffers), Ok(1024));
    assert_eq!((one, &two[..24]), ([b'x'; 1000], &[b'x'; 24][..]));
    let mut bytes = [0; 1025];
    let mut buffers: alloc::vec::Vec<_> = bytes.chunks_mut(1).map(IoSliceMut::new).collect();
    (&here).write_all(&[b'y'; 1025])?;
    assert_eq!(there.read_vectored(&mut buffers), Ok(1024));
    assert_eq!(there.peek(&mut [0; 2]), Ok(1));

    // A direction ends, and the other does not.
    here.shutdown(Shutdown::Write)?;
    assert_eq!((&there).read(&mut buffer), Ok(1));
    assert_eq!((&there).read(&mut buffer), Ok(0));
    (&there).write_all(b"last words")?;
    drop((there, clone));
    let mut text = String::new();
    (&here).read_to_string(&mut text)?;
    assert_eq!(text, "last words");

    assert_eq!(TcpListener::bind(address).map(drop), Err(Errno::EADDRINUSE));
    drop(listener);
    assert_eq!(
        TcpStream::connect(address).map(drop),
        Err(Errno::ECONNREFUSED)
    );
    // The second will do; and where something was in use a moment ago, it can be again.
    let (_listener, second) = self::listener()?;
    let stream = TcpStream::connect(&[address, second][..])?;
    assert_eq!(stream.peer_addr(), Ok(second));
    TcpListener::bind(address)?;
    // Addresses of 128 bits, where there are any.
    match TcpListener::bind("[::1]:0") {
        Ok(listener) => {
            let here = TcpStream::connect(listener.local_addr()?)?;
            assert_eq!(listener.accept()?.1, here.local_addr()?);
        }
        Err(errno) => assert!(matches!(errno, Errno::EAFNOSUPPORT | Errno::EADDRNOTAVAIL)),
    }

    let (mut here, mut there) = UnixStream::pair()?;
    assert!(is_cloexec(&here) && is_cloexec(&there));
    here.write_all(b"text")?;
    drop(here);
    let mut text = String::new();
    there.read_to_string(&mut text)?;
    assert_eq!(text, "text");
    assert_eq!(there.peer_addr().map(|peer| peer.is_unnamed()), Ok(true));
    // What a type is made of is not looked at before it is used.
    let wrong = TcpStream::from(OwnedFd::from(there));
    assert_eq!(wrong.local_addr(), Err(Errno::EINVAL));
    Ok(())
}

pub fn datagrams() -> Result<()> {
    let (here, there) = (
        UdpSocket::bind("127.0.0.1:0")?,
        UdpSocket::bind("127.0.0.1:0")?,
    );
    let (from, to) = (here.local_addr()?, there.local_addr()?);
    let mut buffer = [0; 8];
    assert_eq!(here.peer_addr(), Err(Errno::ENOTCONN));
    assert_eq!(here.send(b"x"), Err(Errno::EDESTADDRREQ));
    assert_eq!(here.send_to(b"x", &[][..]), Err(Errno::EINVAL));
    assert_eq!(here.send_to(b"a message that is cut", to), Ok(21));
    assert_eq!(there.peek_from(&mut buffer), Ok((8, from)));
    assert_eq!(there.recv_from(&mut buffer), Ok((8, from)));
    assert_eq!(&buffer, b"a messag");
    assert_eq!(here.send_to(b"", to), Ok(0));
    assert_eq!(there.recv_from(&mut buffer), Ok((0, from)));
    assert_eq!(here.send_to(&[0; 70_000], to), Err(Errno::EMSGSIZE));
    here.connect(to)?;
    assert_eq!(here.peer_addr(), Ok(to));
    assert_eq!(here.send(b"one"), Ok(3));
    assert_eq!(there.peek(&mut buffer), Ok(3));
    assert_eq!(there.recv(&mut buffer), Ok(3));
    drop(there);
    // Nobody is there, as is heard of afterwards.
    assert_eq!(here.send(b"two"), Ok(3));
    assert_eq!(here.recv(&mut buffer), Err(Errno::ECONNREFUSED));
    assert_eq!(here.take_error(), Ok(None));

    let (here, there) = UnixDatagram::pair()?;
    assert_eq!(here.send(b"one"), Ok(3));
    assert_eq!(there.peek(&mut buffer), Ok(3));
    let (length, from) = there.recv_from(&mut buffer)?;
    assert!(length == 3 && from.is_unnamed());
    there.shutdown(Shutdown::Read)?;
    assert_eq!(here.send(b"two"), Err(Errno::EPIPE));
    let named = UnixDatagram::bind_addr(&UnixAddr::UNNAMED)?;
    let name = named.local_addr()?;
    assert!(name.as_abstract_name().is_some());
    let unbound = UnixDatagram::unbound()?;
    assert_eq!(unbound.send(b"x"), Err(Errno::ENOTCONN));
    assert_eq!(unbound.send_to_addr(b"three", &name), Ok(5));
    assert_eq!(named.peek_from(&mut buffer)?.0, 5);
    unbound.connect_addr(&name)?;
    assert_eq!(unbound.peer_addr(), Ok(name));
    assert_eq!(named.recv_from(&mut buffer)?.0, 5);

    // Names that are none.
    assert_eq!(UnixStream::connect("").map(drop), Err(Errno::EINVAL));
    assert_eq!(UnixListener::bind("a\0b").map(drop), Err(Errno::EINVAL));
    let long = [b'a'; 109];
    let result = UnixDatagram::bind(long.as_slice()).map(drop);
    assert_eq!(result, Err(Errno::ENAMETOOLONG));
    Ok(())
}

/// Sets each option and finds it set.
pub fn options() -> Result<()> {
    /// What is set is there; and then the other.
    macro_rules! check {
        ($socket:ident: $($set:ident $get:ident [$($value:expr),*];)*) => {$($(
            $socket.$set($value)?;
            assert_eq!($socket.$get(), Ok($value), stringify!($get));
        )*)*};
    }

    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let (stream, _there) = connection()?;
    check! { stream:
        set_nodelay nodelay [true, false];
        set_quickack quickack [false, true];
        set_ttl ttl [1, 64, 255];
        set_linger linger [seconds(0), seconds(7), None];
        set_keepalive keepalive [seconds(1), seconds(7200), None];
        set_read_timeout read_timeout [seconds(1), seconds(1 << 33), None];
        set_write_timeout write_timeout [seconds(1), seconds(1 << 33), None];
    }
    for ttl in [0, 256, u32::MAX - 5] {
        assert_eq!(stream.set_ttl(ttl), Err(Errno::EINVAL));
    }
    assert_eq!(stream.set_keepalive(seconds(0)), Err(Errno::EINVAL));
    assert_eq!(stream.set_keepalive(seconds(1 << 40)), Err(Errno::EINVAL));
    assert_eq!(stream.take_error(), Ok(None));

    let socket = UdpSocket::bind("127.0.0.1:0")?;
    check! { socket:
        set_broadcast broadcast [true, false];
        set_multicast_loop_v4 multicast_loop_v4 [false, true];
        set_multicast_ttl_v4 multicast_ttl_v4 [0, 1, 255];
        set_ttl ttl [7];
        set_read_timeout read_timeout [seconds(1), None];
    }
    assert_eq!(socket.set_multicast_ttl_v4(256), Err(Errno::EINVAL));
    if let Ok(socket) = UdpSocket::bind("[::1]:0") {
        check! { socket: set_multicast_loop_v6 multicast_loop_v6 [false, true]; }
    }

    let (socket, _other) = UnixStream::pair()?;
    check! { socket:
        set_passcred passcred [true, false];
        set_write_timeout write_timeout [seconds(1), None];
    }
    assert_eq!(socket.peer_cred(), Ok(me()));

    // Two have the same port, if both want to.
    let bind = |address: SocketAddr, reuse| {
        let socket = Socket::new(AddressFamily::INET, SocketType::STREAM)?;
        check! { socket: set_reuse_port reuse_port [reuse]; set_reuse_address reuse_address [true]; }
        socket.bind(address)?;
        socket.listen(1)?;
        Ok(TcpListener::from(socket))
    };
    let first = bind((Ipv4Addr::LOCALHOST, 0).into(), true)?;
    let address = first.local_addr()?;
    assert_eq!(bind(address, false).map(drop), Err(Errno::EADDRINUSE));
    let second = bind(address, true)?;
    let _stream = TcpStream::connect(address)?;
    for listener in [&first, &second] {
        listener.set_nonblocking(true)?;
    }
    // It came to one of them.
    let accepted = [first.accept(), second.accept()];
    let refused = accepted
        .iter()
        .filter(|result| matches!(result, Err(Errno::EAGAIN)));
    assert_eq!(refused.count(), 1);

    let socket = Socket::new(AddressFamily::INET, SocketType::STREAM)?;
    assert!(socket.set_only_v6(true).is_err());
    if let Ok(socket) = Socket::new(AddressFamily::INET6, SocketType::STREAM) {
        check! { socket: set_only_v6 only_v6 [true, false]; }
    }
    Ok(())
}

/// Sends to a group, and receives from it for as long as it is a member.
pub fn groups() -> Result<()> {
    let group = Ipv4Addr::new(239, 255, 7, 7);
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_read_timeout(Some(Duration::from_millis(20)))?;
    let port = socket.local_addr()?.port();
    let lo = Ipv4Addr::LOCALHOST;
    assert_eq!(
        socket.join_multicast_v4(&Ipv4Addr::new(10, 0, 0, 1), &lo),
        Err(Errno::EINVAL)
    );
    assert_eq!(
        socket.leave_multicast_v4(&group, &lo),
        Err(Errno::EADDRNOTAVAIL)
    );
    socket.join_multicast_v4(&group, &lo)?;
    assert_eq!(
        socket.join_multicast_v4(&group, &lo),
        Err(Errno::EADDRINUSE)
    );
    // By way of the loopback device.
    let sender = UdpSocket::bind((lo, 0))?;
    assert_eq!(sender.send_to(b"all", (group, port)), Ok(3));
    let from = sender.local_addr()?;
    assert_eq!(socket.recv_from(&mut [0; 8]), Ok((3, from)));
    socket.leave_multicast_v4(&group, &lo)?;

    let group = Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0, 0x77);
    if let Ok(socket) = UdpSocket::bind("[::1]:0") {
        let lo = 1;
        assert_eq!(
            socket.join_multicast_v6(&Ipv6Addr::LOCALHOST, lo),
            Err(Errno::EINVAL)
        );
        socket.join_multicast_v6(&group, lo)?;
        assert_eq!(socket.join_multicast_v6(&group, lo), Err(Errno::EADDRINUSE));
        socket.leave_multicast_v6(&group, lo)?;
        assert_eq!(
            socket.leave_multicast_v6(&group, lo),
            Err(Errno::EADDRNOTAVAIL)
        );
    }
    Ok(())
}

/// Whom the kernel takes this process for.
fn me() -> Credentials {
    Credentials {
        pid: sys::getpid(),
        uid: sys::geteuid(),
        gid: sys::getegid(),
    }
}

/// The size of a descriptor in a message.
const FD: usize = size_of::<OwnedFd>();

/// Sends three descriptors and receives those for which there is this much room. Returns
/// how many came, and whether the message says that it was cut.
fn pass_three(room: usize) -> Result<(usize, bool)> {
    let (here, there) = UnixStream::pair()?;
    let (mut reader, writer) = io::pipe()?;
    let mut control = [0; control_space(3 * FD)];
    let mut control = SendControl::new(&mut control);
    control.rights(&[writer.as_fd(); 3])?;
    let text = [IoSlice::new(b"te"), IoSlice::new(b"xt")];
    let sent = here.sendmsg(&SendMessage::new(&text).with_control(&control));
    assert_eq!(sent, Ok(4));
    drop(writer);

    let mut bytes = [0; 8];
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let mut space = [0; control_space(3 * FD)];
    let mut message = RecvMessage::new(&mut parts).with_control(&mut space[..room]);
    let open = descriptors();
    assert_eq!(there.recvmsg(&mut message), Ok(4));
    let is_cut = message.flags().contains(MsgFlags::CTRUNC);
    let mut came = 0;
    for control in message.control_messages() {
        let ControlMessage::Rights(fds) = control else {
            panic!("{control:?}");
        };
        for mut fd in fds {
            assert!(is_cloexec(&fd));
            fd.write_all(b"x")?;
            came += 1;
        }
    }
    drop(message);
    assert_eq!(descriptors(), open);
    assert_eq!(&bytes[..4], b"text");
    // Nobody has the writer any more.
    let mut text = String::new();
    assert_eq!(reader.read_to_string(&mut text), Ok(came));
    Ok((came, is_cut))
}

/// Room for fewer descriptors than come.
pub fn cut_rights() -> Result<()> {
    let before = descriptors();
    assert_eq!(pass_three(control_space(2 * FD)), Ok((2, true)));
    // Rounded up to words, room for one may be room for two.
    let fit = (control_space(FD) - control_space(0)) / FD;
    assert_eq!(pass_three(control_space(FD)), Ok((fit, true)));
    assert_eq!(pass_three(control_space(0)), Ok((0, true)));
    assert_eq!(pass_three(0), Ok((0, true)));
    assert_eq!(descriptors(), before);
    Ok(())
}

/// Descriptors and credentials beside the bytes.
pub fn rights() -> Result<()> {
    let before = descriptors();
    assert_eq!(pass_three(control_space(3 * FD)), Ok((3, false)));

    let (here, there) = UnixStream::pair()?;
    there.set_passcred(true)?;
    (&here).write_all(b"x")?;
    let mut bytes = [0; 1];
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let mut space = [0; control_space(size_of::<Credentials>())];
    let mut message = RecvMessage::new(&mut parts).with_control(&mut space);
    assert_eq!(there.recvmsg(&mut message), Ok(1));
    match message.control_messages().next() {
        Some(ControlMessage::Credentials(of)) => assert_eq!(of, me()),
        other => panic!("{other:?}"),
    }
    drop(message);
    drop((here, there));
    assert_eq!(descriptors(), before);
    Ok(())
}

/// What waits for ever waits no longer than it is told.
pub fn timeouts() -> Result<()> {
    const SHORT: Duration = Duration::from_millis(20);
    // An idle machine takes a little more than SHORT.
    const LONG: Duration = Duration::from_secs(20);

    /// Does what must wait for as long as `SHORT`.
    #[track_caller]
    fn waits<T: core::fmt::Debug>(expected: Errno, work: impl FnOnce() -> Result<T>) {
        let begin = Instant::now();
        let error = work().unwrap_err();
        let took = begin.elapsed();
        assert_eq!(error, expected);
        // The kernel's ticks may be long, and begin before now.
        assert!(took > SHORT / 2 && took < LONG, "{took:?}");
    }

    let (here, there) = connection()?;
    for socket in [&here, &there] {
        assert_eq!(
            socket.set_read_timeout(Some(Duration::ZERO)),
            Err(Errno::EINVAL)
        );
        assert_eq!(
            socket.set_write_timeout(Some(Duration::ZERO)),
            Err(Errno::EINVAL)
        );
        assert_eq!(socket.read_timeout(), Ok(None));
        // It is not for ever, however short.
        socket.set_read_timeout(Some(Duration::from_nanos(1)))?;
        assert_eq!((&mut &*socket).read(&mut [0]), Err(Errno::EAGAIN));
        socket.set_read_timeout(Some(SHORT))?;
        socket.set_write_timeout(Some(SHORT))?;
        assert!(socket.read_timeout()? >= Some(SHORT));
        waits(Errno::EAGAIN, || (&mut &*socket).read(&mut [0]));
    }
    // Until nothing goes any more.
    waits(Errno::EAGAIN, || {
        loop {
            (&here).write_all(&[0; 1 << 16])?;
        }
        #[allow(unreachable_code)]
        Ok(())
    });

    let udp = UdpSocket::bind("127.0.0.1:0")?;
    udp.set_read_timeout(Some(SHORT))?;
    waits(Errno::EAGAIN, || udp.recv_from(&mut [0]));
    let (unix, _other) = UnixDatagram::pair()?;
    unix.set_read_timeout(Some(SHORT))?;
    waits(Errno::EAGAIN, || unix.recv(&mut [0]));

    let (listener, address) = listener()?;
    let stream = TcpStream::connect_timeout(&address, LONG)?;
    assert_eq!(stream.peer_addr(), Ok(address));
    // It waits again.
    let flags = sys::fcntl_getfl(stream.as_fd())?;
    assert!(!flags.contains(sys::OFlags::NONBLOCK));
    listener.accept()?;
    listener.set_nonblocking(true)?;
    assert_eq!(listener.accept().map(drop), Err(Errno::EAGAIN));
    drop(listener);
    let connect = |address, timeout| TcpStream::connect_timeout(&address, timeout).map(drop);
    assert_eq!(connect(address, LONG), Err(Errno::ECONNREFUSED));
    assert_eq!(connect(address, Duration::ZERO), Err(Errno::EINVAL));
    let (_full, address, _queued) = full_queue()?;
    waits(Errno::ETIMEDOUT, || connect(address, SHORT));
    Ok(())
}

/// A listener whose queue is full, so that the next to connect waits.
pub fn full_queue() -> Result<(TcpListener, SocketAddr, TcpStream)> {
    let socket = Socket::new(AddressFamily::INET, SocketType::STREAM)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    // There is room for one more than it says.
    socket.listen(0)?;
    let listener = TcpListener::from(socket);
    let address = listener.local_addr()?;
    let queued = TcpStream::connect(address)?;
    Ok((listener, address, queued))
}
