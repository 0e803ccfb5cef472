//! Waiting for several at once.

use core::time::Duration;

use freestand::arch::widest;
use freestand::io::{self, Epoll, EpollEvent, EpollFlags, PollFd, PollFlags, Write};
use freestand::net::UnixStream;
use freestand::sys::{AsFd, Errno, Result};
use freestand::time::Instant;
use test_programs::child;

const NOW: Option<Duration> = Some(Duration::ZERO);
/// Of no whole milliseconds.
const SHORT: Duration = Duration::from_micros(1300);

pub fn polling() -> Result<()> {
    poll()?;
    epoll()
}

/// Before Linux 5.11.
pub fn in_milliseconds() -> Result<()> {
    child::without_calls(&[widest::epoll_pwait2], || {
        assert_eq!(epoll(), Ok(()));
    });
    Ok(())
}

fn poll() -> Result<()> {
    let (here, mut there) = UnixStream::pair()?;
    let fd = here.as_fd();
    let mut fds = [
        PollFd::new(fd, PollFlags::IN),
        PollFd::new(fd, PollFlags::IN | PollFlags::OUT),
    ];
    assert_eq!(io::poll(&mut fds, NOW), Ok(1));
    let [_, second] = &mut fds;
    second.events = PollFlags::IN;
    let begin = Instant::now();
    assert_eq!(io::poll(&mut fds, Some(SHORT)), Ok(0));
    assert!(begin.elapsed() >= SHORT);
    there.write_all(b"x")?;
    assert_eq!(io::poll(&mut fds, None), Ok(2));
    assert_eq!(fds[0].revents, PollFlags::IN);
    drop(there);
    assert_eq!(io::poll(&mut fds, Some(Duration::MAX)), Ok(2));
    assert_eq!(fds[0].revents, PollFlags::IN | PollFlags::HUP);
    assert_eq!(io::poll(&mut [], NOW), Ok(0));
    Ok(())
}

fn epoll() -> Result<()> {
    const TOKEN: u64 = 0xFEDC_BA98_7654_3210;

    let (here, mut there) = UnixStream::pair()?;
    let epoll = Epoll::new()?;
    let mut events = [EpollEvent::default(); 4];
    let mut happened = |timeout| {
        let count = epoll.wait(&mut events, timeout)?;
        let event = (count == 1).then(|| (events[0].events(), events[0].data()));
        assert!(count < 2);
        Result::Ok(event)
    };
    assert_eq!(epoll.modify(&here, EpollFlags::IN, 0), Err(Errno::ENOENT));
    assert_eq!(epoll.delete(&here), Err(Errno::ENOENT));
    assert_eq!(epoll.add(&epoll, EpollFlags::IN, 0), Err(Errno::EINVAL));
    epoll.add(&here, EpollFlags::IN, TOKEN)?;
    assert_eq!(epoll.add(&here, EpollFlags::IN, 0), Err(Errno::EEXIST));
    assert_eq!(epoll.wait(&mut [], NOW), Err(Errno::EINVAL));

    assert_eq!(happened(NOW), Ok(None));
    let begin = Instant::now();
    assert_eq!(happened(Some(SHORT)), Ok(None));
    assert!(begin.elapsed() >= SHORT);

    // For as long as it lasts.
    there.write_all(b"x")?;
    assert_eq!(happened(None), Ok(Some((EpollFlags::IN, TOKEN))));
    assert_eq!(
        happened(Some(Duration::MAX)),
        Ok(Some((EpollFlags::IN, TOKEN)))
    );
    epoll.modify(&here, EpollFlags::OUT, 7)?;
    assert_eq!(happened(None), Ok(Some((EpollFlags::OUT, 7))));
    // Once.
    epoll.modify(&here, EpollFlags::IN | EpollFlags::ET, 8)?;
    assert_eq!(happened(None), Ok(Some((EpollFlags::IN, 8))));
    assert_eq!(happened(NOW), Ok(None));
    epoll.delete(&here)?;
    drop(there);
    assert_eq!(happened(NOW), Ok(None));
    Ok(())
}
