//! Sockets.

#![no_std]
#![no_main]

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use core::ptr;

use freestand::arch;
use freestand::sys::{
    AddressFamily, BorrowedFd, ControlMessage, Credentials, Errno, FdFlags, IoSlice, IoSliceMut,
    Linger, MsgFlags, OwnedFd, Protocol, RecvMessage, SendControl, SendMessage, Shutdown, SockAddr,
    SocketAddrUnix, SocketFlags, SocketLevel, SocketOption, SocketType, Timespec, Timeval,
    control_space, fcntl_getfd, getegid, geteuid, getpid, pipe, read, set_socket_option,
    socket_option, write,
};
use test_programs::{err, ok};

freestand::entry!(main);

fn main() {
    making();
    tcp();
    options();
    udp();
    internet_of_128_bits();
    unix_streams();
    unix_datagrams();
    control_messages();
    several_messages();
}

/// Any free port of this machine.
const LOCALHOST: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
const NONE: MsgFlags = MsgFlags::empty();

/// Whether recvmmsg looks at its timeout, as qemu-user's does not. Other kernels than
/// qemu's are not sure here.
const LOOKS_AT_TIMEOUTS: bool = matches!(arch::NAME.as_bytes(), b"x86_64" | b"i386");

/// A descriptor that is not open.
fn closed() -> BorrowedFd<'static> {
    // SAFETY: nothing opens as many descriptors as there are numbers.
    unsafe { BorrowedFd::borrow_raw(i32::MAX) }
}

/// A descriptor that is no socket.
fn no_socket() -> OwnedFd {
    let [end, _] = pipe().unwrap();
    end
}

/// A new socket of this type for the addresses of 32 bits, and its address.
fn bound(kind: SocketType) -> (OwnedFd, SocketAddr) {
    let socket = ok!(socket(AddressFamily::INET, kind, Protocol::DEFAULT));
    ok!(bind(socket.as_fd(), LOCALHOST));
    let address = ok!(getsockname(socket.as_fd())).ip().unwrap();
    assert_eq!(address.ip(), Ipv4Addr::LOCALHOST);
    assert_ne!(address.port(), 0);
    (socket, address)
}

/// Two connected sockets.
fn pair(kind: SocketType) -> [OwnedFd; 2] {
    ok!(socketpair(AddressFamily::UNIX, kind, Protocol::DEFAULT))
}

fn making() {
    let kind = SocketType::STREAM | SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let both = ok!(socketpair(AddressFamily::UNIX, kind, Protocol::DEFAULT));
    let one = ok!(socket(AddressFamily::INET, kind, Protocol::TCP));
    for socket in both.iter().chain([&one]) {
        assert_eq!(fcntl_getfd(socket.as_fd()), Ok(FdFlags::CLOEXEC));
    }
    err!(EAGAIN, recv(both[0].as_fd(), &mut [0], NONE));
    assert_eq!(ok!(send(both[1].as_fd(), b"x", NONE)), 1);
    assert_eq!(ok!(recv(both[0].as_fd(), &mut [0; 2], NONE)), 1);
    let plain = ok!(socket(
        AddressFamily::INET,
        SocketType::DGRAM,
        Protocol::UDP
    ));
    assert_eq!(fcntl_getfd(plain.as_fd()), Ok(FdFlags::empty()));

    let stream = SocketType::STREAM;
    err!(
        EAFNOSUPPORT,
        socket(AddressFamily(1000), stream, Protocol::DEFAULT)
    );
    err!(
        EPROTONOSUPPORT,
        socket(AddressFamily::INET, stream, Protocol::UDP)
    );
    err!(
        EOPNOTSUPP,
        socketpair(AddressFamily::INET, stream, Protocol::DEFAULT)
    );
}

fn tcp() {
    let (server, server_address) = bound(SocketType::STREAM | SocketFlags::NONBLOCK);
    let server = server.as_fd();
    err!(EINVAL, accept(server));
    ok!(listen(server, 5));
    err!(EAGAIN, accept(server));
    err!(EAGAIN, accept4(server, SocketFlags::empty()));
    err!(EINVAL, accept4(server, SocketFlags::from_bits_retain(1)));
    assert_eq!(socket_option(server, SocketOption::ACCEPTCONN), Ok(1));

    let (client, client_address) = bound(SocketType::STREAM);
    let client = client.as_fd();
    err!(ENOTCONN, getpeername(client));
    ok!(connect(client, server_address));
    err!(EISCONN, connect(client, server_address));
    assert_eq!(ok!(getpeername(client)).ip(), Some(server_address));
    let (connection, address) = ok!(accept4(server, SocketFlags::CLOEXEC));
    assert_eq!(address.ip(), Some(client_address));
    let connection = connection.as_fd();
    assert_eq!(fcntl_getfd(connection), Ok(FdFlags::CLOEXEC));
    assert_eq!(ok!(getsockname(connection)).ip(), Some(server_address));

    let mut buffer = [0; 8];
    assert_eq!(ok!(send(client, b"hello", NONE)), 5);
    assert_eq!(ok!(recv(connection, &mut buffer[..4], MsgFlags::PEEK)), 4);
    assert_eq!(&buffer[..4], b"hell");
    assert_eq!(
        ok!(recvfrom(connection, &mut buffer, NONE)),
        (5, SockAddr::EMPTY)
    );
    assert_eq!(&buffer[..5], b"hello");
    err!(
        EAGAIN,
        recvfrom(connection, &mut buffer, MsgFlags::DONTWAIT)
    );
    assert_eq!(ok!(send(connection, b"back", NONE)), 4);
    assert_eq!(ok!(recv(client, &mut buffer, NONE)), 4);

    err!(EINVAL, shutdown(client, Shutdown(3)));
    ok!(shutdown(client, Shutdown::WR));
    assert_eq!(ok!(recv(connection, &mut buffer, NONE)), 0);
    err!(EPIPE, send(client, b"x", MsgFlags::NOSIGNAL));

    // A second connection, by the call without flags.
    let other = ok!(socket(
        AddressFamily::INET,
        SocketType::STREAM,
        Protocol::TCP
    ));
    ok!(connect(other.as_fd(), server_address));
    let (connection, address) = ok!(accept(server));
    assert_eq!(address, ok!(getsockname(other.as_fd())));
    assert_eq!(fcntl_getfd(connection.as_fd()), Ok(FdFlags::empty()));

    // A bound port on which nobody listens is nobody else's.
    let (idle, idle_address) = bound(SocketType::STREAM);
    let late = ok!(socket(
        AddressFamily::INET,
        SocketType::STREAM,
        Protocol::TCP
    ));
    let late = late.as_fd();
    err!(ECONNREFUSED, connect(late, idle_address));
    err!(EADDRINUSE, bind(late, idle_address));
    err!(EINVAL, bind(idle.as_fd(), LOCALHOST));
    err!(ENOTCONN, shutdown(idle.as_fd(), Shutdown::RDWR));
    let elsewhere = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 0);
    err!(EADDRNOTAVAIL, bind(late, elsewhere));

    let none = no_socket();
    let none = none.as_fd();
    err!(ENOTSOCK, bind(none, LOCALHOST));
    err!(ENOTSOCK, listen(none, 1));
    err!(ENOTSOCK, accept(none));
    err!(ENOTSOCK, connect(none, LOCALHOST));
    err!(ENOTSOCK, getsockname(none));
    err!(ENOTSOCK, getpeername(none));
    err!(ENOTSOCK, sendto(none, b"x", NONE, LOCALHOST));
    err!(ENOTSOCK, send(none, b"x", NONE));
    err!(ENOTSOCK, recvfrom(none, &mut buffer, NONE));
    err!(ENOTSOCK, shutdown(none, Shutdown::RD));
    err!(EBADF, listen(closed(), 1));
}

fn options() {
    let (socket, _) = bound(SocketType::STREAM);
    let socket = socket.as_fd();
    assert_eq!(
        socket_option(socket, SocketOption::TYPE),
        Ok(SocketType::STREAM)
    );
    assert_eq!(
        socket_option(socket, SocketOption::DOMAIN),
        Ok(AddressFamily::INET)
    );
    assert_eq!(
        socket_option(socket, SocketOption::PROTOCOL),
        Ok(Protocol::TCP)
    );
    assert_eq!(socket_option(socket, SocketOption::ERROR), Ok(0));
    for option in [
        SocketOption::REUSEADDR,
        SocketOption::KEEPALIVE,
        SocketOption::TCP_NODELAY,
    ] {
        assert_eq!(socket_option(socket, option), Ok(0));
        assert_eq!(set_socket_option(socket, option, &1), Ok(()));
        assert_eq!(socket_option(socket, option), Ok(1));
    }
    let linger = Linger {
        l_onoff: 1,
        l_linger: 7,
    };
    assert_eq!(
        set_socket_option(socket, SocketOption::LINGER, &linger),
        Ok(())
    );
    assert_eq!(socket_option(socket, SocketOption::LINGER), Ok(linger));
    assert_eq!(set_socket_option(socket, SocketOption::IP_TTL, &9), Ok(()));
    assert_eq!(socket_option(socket, SocketOption::IP_TTL), Ok(9));

    // The calls themselves.
    let mut value = 5_i32;
    let address = ptr::from_mut(&mut value).cast();
    let (level, name) = (SocketLevel::TCP, linux_raw_sys::net::TCP_KEEPCNT);
    ok!(unsafe setsockopt(socket, level, name, address, 4));
    assert_eq!(socket_option(socket, SocketOption::TCP_KEEPCNT), Ok(5));
    let mut length = 4;
    ok!(unsafe getsockopt(socket, level, name, address, &mut length));
    assert_eq!(length, 4);
    err!(EINVAL, unsafe setsockopt(socket, level, name, address, 1));
    let none = no_socket();
    err!(ENOTSOCK, unsafe setsockopt(none.as_fd(), level, name, address, 4));
    err!(ENOTSOCK, unsafe getsockopt(none.as_fd(), level, name, address, &mut length));
    // A value of another length than its type's is none.
    // SAFETY: the kernel writes no more than 8 bytes.
    let wrong = unsafe { SocketOption::<u64>::new(SocketLevel::SOCKET, 3) };
    assert_eq!(socket_option(socket, wrong), Err(Errno::EINVAL));

    let [first, _second] = pair(SocketType::STREAM);
    let time = Timeval {
        tv_sec: 0,
        tv_usec: 10_000,
    };
    assert_eq!(
        set_socket_option(first.as_fd(), SocketOption::RCVTIMEO, &time),
        Ok(())
    );
    let kept = socket_option(first.as_fd(), SocketOption::RCVTIMEO).unwrap();
    assert!(kept >= time && kept.tv_sec == 0, "{kept:?}");
    err!(EAGAIN, recv(first.as_fd(), &mut [0], NONE));
    assert_eq!(
        socket_option(first.as_fd(), SocketOption::PEERCRED),
        Ok(me())
    );
}

/// Whom the kernel takes this process for.
fn me() -> Credentials {
    Credentials {
        pid: getpid(),
        uid: geteuid(),
        gid: getegid(),
    }
}

fn udp() {
    let (first, first_address) = bound(SocketType::DGRAM);
    let (second, second_address) = bound(SocketType::DGRAM);
    let (first, second) = (first.as_fd(), second.as_fd());
    let mut buffer = [0; 8];
    assert_eq!(ok!(sendto(first, b"datagram", NONE, second_address)), 8);
    assert_eq!(ok!(sendto(first, b"", NONE, second_address)), 0);
    let (length, from) = ok!(recvfrom(second, &mut buffer[..3], MsgFlags::TRUNC));
    assert_eq!((length, from.ip()), (8, Some(first_address)));
    assert_eq!(&buffer, b"dat\0\0\0\0\0");
    let (length, from) = ok!(recvfrom(second, &mut buffer, NONE));
    assert_eq!((length, from.ip()), (0, Some(first_address)));
    err!(EAGAIN, recvfrom(second, &mut buffer, MsgFlags::DONTWAIT));
    err!(EDESTADDRREQ, send(first, b"x", NONE));
    err!(EMSGSIZE, sendto(first, &[0; 65_536], NONE, second_address));
    err!(EOPNOTSUPP, listen(first, 1));
    err!(EOPNOTSUPP, accept(first));

    ok!(connect(first, second_address));
    assert_eq!(ok!(getpeername(first)).ip(), Some(second_address));
    assert_eq!(ok!(send(first, b"connected", NONE)), 9);
    assert_eq!(ok!(recv(second, &mut buffer, NONE)), 8);
    assert_eq!(&buffer, b"connecte");
    ok!(connect(first, SockAddr::UNSPEC));
    err!(ENOTCONN, getpeername(first));

    // Two parts become one datagram.
    let parts = [IoSlice::new(b"two "), IoSlice::new(b"parts")];
    let to = second_address.into();
    let message = SendMessage::new(&parts).to(&to);
    assert_eq!(ok!(sendmsg(first, &message, NONE)), 9);
    let (mut left, mut right) = ([0; 3], [0; 3]);
    let mut parts = [IoSliceMut::new(&mut left), IoSliceMut::new(&mut right)];
    let mut from = SockAddr::EMPTY;
    let mut message = RecvMessage::new(&mut parts).with_address(&mut from);
    assert_eq!(ok!(recvmsg(second, &mut message, NONE)), 6);
    assert_eq!(message.flags(), MsgFlags::TRUNC);
    // The kernel took back the port, which it had chosen, and has chosen another.
    assert_eq!(message.address(), ok!(getsockname(first)));
    assert!(message.control_messages().next().is_none());
    drop(message);
    assert_eq!((&left, &right), (b"two", b" pa"));
    let mut parts = [IoSliceMut::new(&mut left)];
    let mut message = RecvMessage::new(&mut parts);
    err!(EAGAIN, recvmsg(second, &mut message, MsgFlags::DONTWAIT));
    let parts = [IoSlice::new(b"x")];
    err!(
        EDESTADDRREQ,
        sendmsg(first, &SendMessage::new(&parts), NONE)
    );
}

/// As far as the machine has them.
fn internet_of_128_bits() {
    let address = SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0, 0, 0);
    let socket = || {
        let kind = SocketType::DGRAM;
        let socket = freestand::sys::socket(AddressFamily::INET6, kind, Protocol::DEFAULT)?;
        freestand::sys::bind(socket.as_fd(), address).map(|()| socket)
    };
    let (Ok(first), Ok(second)) = (socket(), socket()) else {
        return;
    };
    let first_address = ok!(getsockname(first.as_fd()));
    let second_address = ok!(getsockname(second.as_fd()));
    assert_eq!(second_address.family(), AddressFamily::INET6);
    assert!(
        second_address
            .ip()
            .is_some_and(|address| address.ip() == Ipv6Addr::LOCALHOST)
    );
    assert_eq!(ok!(sendto(first.as_fd(), b"six", NONE, second_address)), 3);
    let mut buffer = [0; 8];
    assert_eq!(
        ok!(recvfrom(second.as_fd(), &mut buffer, NONE)),
        (3, first_address)
    );
    assert_eq!(&buffer[..3], b"six");
}

fn unix_streams() {
    let new = || {
        ok!(socket(
            AddressFamily::UNIX,
            SocketType::STREAM,
            Protocol::DEFAULT
        ))
    };
    let (server, client) = (new(), new());
    let path = SocketAddrUnix::from_pathname("socket").unwrap();
    err!(ENOENT, connect(client.as_fd(), path));
    ok!(bind(server.as_fd(), path));
    assert_eq!(ok!(getsockname(server.as_fd())).unix(), Some(path));
    err!(EADDRINUSE, bind(client.as_fd(), path));
    err!(ECONNREFUSED, connect(client.as_fd(), path));
    ok!(listen(server.as_fd(), 1));
    ok!(connect(client.as_fd(), path));
    let (connection, address) = ok!(accept(server.as_fd()));
    assert_eq!(address.unix(), Some(SocketAddrUnix::UNNAMED));
    assert_eq!(ok!(getpeername(client.as_fd())).unix(), Some(path));
    assert_eq!(ok!(send(client.as_fd(), b"text", NONE)), 4);
    assert_eq!(ok!(recv(connection.as_fd(), &mut [0; 8], NONE)), 4);

    // The longest path fills the room of the kernel's structure.
    let long = [b'a'; SocketAddrUnix::CAPACITY];
    let long = SocketAddrUnix::from_pathname(long).unwrap();
    let other = new();
    ok!(bind(other.as_fd(), long));
    assert_eq!(ok!(getsockname(other.as_fd())).unix(), Some(long));
}

fn unix_datagrams() {
    let new = || {
        ok!(socket(
            AddressFamily::UNIX,
            SocketType::DGRAM,
            Protocol::DEFAULT
        ))
    };
    let (first, second, third) = (new(), new(), new());
    // The kernel makes up a name.
    ok!(bind(first.as_fd(), SocketAddrUnix::UNNAMED));
    let first_address = ok!(getsockname(first.as_fd())).unix().unwrap();
    assert_eq!(first_address.as_abstract_name().map(<[u8]>::len), Some(5));
    // One of its own, that no other process has. It ends in a NUL: where one does not,
    // qemu-user puts one there.
    let mut name = *b"freestand-calls-net-......\0";
    let end = name.len() - 1;
    name[end - 4..end].copy_from_slice(&getpid().0.to_ne_bytes());
    let name = SocketAddrUnix::from_abstract_name(name).unwrap();
    ok!(bind(second.as_fd(), name));
    assert_eq!(ok!(getsockname(second.as_fd())).unix(), Some(name));
    err!(EADDRINUSE, bind(third.as_fd(), name));

    let mut buffer = [0; 8];
    assert_eq!(ok!(sendto(first.as_fd(), b"text", NONE, name)), 4);
    let (length, from) = ok!(recvfrom(second.as_fd(), &mut buffer, NONE));
    assert_eq!((length, from.unix()), (4, Some(first_address)));
    assert_eq!(ok!(sendto(third.as_fd(), b"unknown", NONE, name)), 7);
    let (length, from) = ok!(recvfrom(second.as_fd(), &mut buffer, NONE));
    assert_eq!((length, from), (7, SockAddr::EMPTY));
    drop(second);
    err!(ECONNREFUSED, sendto(first.as_fd(), b"text", NONE, name));
}

fn control_messages() {
    const FD: usize = 4;

    /// Sends a letter and descriptors.
    fn send(socket: BorrowedFd<'_>, fds: &[BorrowedFd<'_>]) {
        let mut room = [0; control_space(2 * FD)];
        let mut control = SendControl::new(&mut room);
        control.rights(fds).unwrap();
        let parts = [IoSlice::new(b"x")];
        let message = SendMessage::new(&parts).with_control(&control);
        assert_eq!(ok!(sendmsg(socket, &message, NONE)), 1);
    }

    /// Receives a letter and what `take` takes of what comes with it, with this much
    /// room.
    fn receive<T>(
        socket: BorrowedFd<'_>,
        room: &mut [u8],
        flags: MsgFlags,
        take: impl FnOnce(&mut RecvMessage<'_>) -> T,
    ) -> T {
        let mut letter = [0];
        let mut parts = [IoSliceMut::new(&mut letter)];
        let mut message = RecvMessage::new(&mut parts).with_control(room);
        assert_eq!(ok!(recvmsg(socket, &mut message, flags)), 1);
        let taken = take(&mut message);
        drop(message);
        assert_eq!(&letter, b"x");
        taken
    }

    /// Takes the first descriptor, and leaves others.
    fn one(message: &mut RecvMessage<'_>) -> OwnedFd {
        assert!(!message.flags().contains(MsgFlags::CTRUNC));
        let taken = match message.control_messages().next() {
            Some(ControlMessage::Rights(mut fds)) => fds.next(),
            other => panic!("{other:?}"),
        };
        // Each comes once.
        assert!(message.control_messages().next().is_none());
        taken.unwrap()
    }

    /// Whether somebody may still write into the pipe.
    fn has_writers(reader: BorrowedFd<'_>) -> bool {
        let mut fds = [freestand::sys::PollFd::new(
            reader,
            freestand::sys::PollFlags::IN,
        )];
        freestand::sys::poll(&mut fds, 0).unwrap();
        !fds[0].revents.contains(freestand::sys::PollFlags::HUP)
    }

    let [here, there] = pair(SocketType::STREAM);
    let (here, there) = (here.as_fd(), there.as_fd());
    let mut room = [0xff; control_space(2 * FD)];

    // The second of two is not taken, and closed.
    let [reader, writer] = pipe().unwrap();
    let reader = reader.as_fd();
    send(here, &[writer.as_fd(), writer.as_fd()]);
    let taken = receive(there, &mut room, MsgFlags::CMSG_CLOEXEC, one);
    assert_eq!(fcntl_getfd(taken.as_fd()), Ok(FdFlags::CLOEXEC));
    drop(writer);
    assert_eq!(write(taken.as_fd(), b"by another name"), Ok(15));
    let mut buffer = [0; 16];
    assert_eq!(read(reader, &mut buffer), Ok(15));
    assert_eq!(&buffer[..15], b"by another name");
    assert!(has_writers(reader));

    // Nor is a message that nobody looks at, nor one that finds no room.
    send(here, &[taken.as_fd(), taken.as_fd()]);
    drop(taken);
    assert!(has_writers(reader));
    receive(there, &mut room, NONE, |_| ());
    assert!(!has_writers(reader));

    let [reader, writer] = pipe().unwrap();
    send(here, &[writer.as_fd()]);
    drop(writer);
    receive(there, &mut [], NONE, |message| {
        assert!(message.flags().contains(MsgFlags::CTRUNC));
        assert!(message.control_messages().next().is_none());
    });
    assert!(!has_writers(reader.as_fd()));

    // Who sends it, and two kinds at once.
    set_socket_option(there, SocketOption::PASSCRED, &1).unwrap();
    let credentials = me();
    let mut both = [0; control_space(size_of::<Credentials>()) + control_space(FD)];
    let mut control = SendControl::new(&mut both);
    control.credentials(credentials).unwrap();
    control.rights(&[here]).unwrap();
    let parts = [IoSlice::new(b"x")];
    let message = SendMessage::new(&parts).with_control(&control);
    assert_eq!(ok!(sendmsg(here, &message, NONE)), 1);
    let mut room = [0; 64];
    receive(there, &mut room, NONE, |message| {
        let (mut senders, mut descriptors) = (0, 0);
        for control in message.control_messages() {
            match control {
                ControlMessage::Credentials(of) => {
                    assert_eq!(of, credentials);
                    senders += 1;
                }
                ControlMessage::Rights(fds) => descriptors += fds.count(),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!((senders, descriptors), (1, 1));
    });

    let mut control = [0; control_space(FD)];
    let mut control = SendControl::new(&mut control);
    control.rights(&[closed()]).unwrap();
    let message = SendMessage::new(&parts).with_control(&control);
    err!(EBADF, sendmsg(here, &message, NONE));
}

fn several_messages() {
    let [here, there] = pair(SocketType::DGRAM);
    let (here, there) = (here.as_fd(), there.as_fd());
    let texts = [
        [IoSlice::new(b"one")],
        [IoSlice::new(b"three")],
        [IoSlice::new(b"")],
    ];
    let mut messages = texts.each_ref().map(|text| SendMessage::new(text));
    assert_eq!(ok!(sendmmsg(here, &mut messages, NONE)), 3);
    assert_eq!(messages.map(|message| message.sent()), [3, 5, 0]);

    let mut buffers = [[0; 4]; 4];
    let mut parts = buffers.each_mut().map(|buffer| [IoSliceMut::new(buffer)]);
    let mut messages = parts.each_mut().map(|parts| RecvMessage::new(parts));
    let long = Timespec {
        tv_sec: 1000,
        tv_nsec: 0,
    };
    let mut time = long;
    let flags = MsgFlags::WAITFORONE;
    assert_eq!(
        ok!(recvmmsg(there, &mut messages, flags, Some(&mut time))),
        3
    );
    assert!(time.tv_sec >= 900, "{time:?}");
    assert!(time < long || !LOOKS_AT_TIMEOUTS, "{time:?}");
    assert_eq!(messages.each_ref().map(RecvMessage::received), [3, 4, 0, 0]);
    assert_eq!(
        messages.each_ref().map(RecvMessage::flags),
        [NONE, MsgFlags::TRUNC, NONE, NONE]
    );
    drop(messages);
    assert_eq!(buffers, [*b"one\0", *b"thre", [0; 4], [0; 4]]);

    let mut buffer = [0];
    let mut parts = [IoSliceMut::new(&mut buffer)];
    let mut messages = [RecvMessage::new(&mut parts)];
    err!(
        EAGAIN,
        recvmmsg(there, &mut messages, MsgFlags::DONTWAIT, None)
    );
    if time < long {
        let mut wrong = Timespec {
            tv_sec: 0,
            tv_nsec: -1,
        };
        err!(
            EINVAL,
            recvmmsg(there, &mut messages, NONE, Some(&mut wrong))
        );
    }
    let none = no_socket();
    err!(ENOTSOCK, recvmmsg(none.as_fd(), &mut messages, NONE, None));
    let mut messages = texts.each_ref().map(|text| SendMessage::new(text));
    err!(ENOTSOCK, sendmmsg(none.as_fd(), &mut messages, NONE));
}
