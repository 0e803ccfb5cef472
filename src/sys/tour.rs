//! One call, followed from `File::create` down to the register and back.
//!
//! Nothing here is code: it is a walk through the code.
//!
//! # Down
//!
//! ```ignore
//! let file = File::create("new")?;
//! ```
//!
//! **[`fs::File::create`](crate::fs::File::create)** is std's: options with names. They
//! become the kernel's flags in [`fs::OpenOptions`](crate::fs::OpenOptions), which also
//! says what std says without being asked: that the descriptor is not for another program
//! (`O_CLOEXEC`), and that a call that a signal interrupts is made again.
//!
//! ```text
//! sys::openat(At::Cwd, path, WRONLY | CREAT | TRUNC | CLOEXEC, Mode::new(0o666))
//! ```
//!
//! **[`sys::openat`](super::openat)** is a declaration, the line that the man page has:
//! [`sys::open`](super::open) is one in terms of it, as three of the four architectures
//! have had no call of that name for as long as they exist, or have one for old programs.
//!
//! ```text
//! sys openat(dir: At<'_>, path: impl Path, flags: OFlags, mode: Mode) -> Result<OwnedFd>;
//! ```
//!
//! [`syscalls!`](crate::syscalls) makes a function of it. What that does, in order:
//!
//! 1. `sys` says that the call may block: a scheduler that has installed
//!    [hooks](super::hook) hears of it. In a program without one nothing is left of this.
//! 2. `path` is text, and the kernel wants a NUL behind it: the bytes are copied to the
//!    stack, and a NUL is put there. A path with a NUL in it ends here, with `EINVAL`, and
//!    one that is too long with `ENAMETOOLONG` ([`Path`](super::Path)). A `c"new"` is
//!    passed as it is.
//! 3. Each argument becomes a word, in the order of the declaration
//!    ([`Argument`](super::Argument)): the directory −100 (`AT_FDCWD`), the path its
//!    address, flags and mode their bits.
//! 4. The number comes by the name from [`arch::widest`](crate::arch::widest).
//!
//! **`arch::syscall4`** has the instruction, with each word in its register. This is all
//! that is left of the above in the program, as the compiler puts it, for a `&CStr`:
//!
//! | | x86_64 | i386 | aarch64 | riscv64 |
//! |---|---|---|---|---|
//! | number: `openat` | `mov eax, 257` | `mov eax, 295` | `mov w8, #56` | `li a7, 56` |
//! | directory: −100 | `mov rdi, -100` | `mov ebx, -100` | `mov x0, #-100` | `li a0, -100` |
//! | path | `mov rsi, rdi` | `mov ecx, [esp + 20]` | `mov x1, x0` | `mv a1, a0` |
//! | flags | `mov edx, 0x88241` | `mov edx, 0x88241` | `mov w2, #0x241`, `movk w2, #0xa, lsl #16` | `lui a2, 0x88`, `addi a2, a2, 0x241` |
//! | mode: 0666 | `mov r10d, 438` | `mov edi, 438` | `mov w3, #438` | `li a3, 438` |
//! | | | `xchg esi, edi` | | |
//! | the instruction | `syscall` | `int 0x80` | `svc #0` | `ecall` |
//! | | | `xchg esi, edi` | | |
//!
//! Three things to see in it. Each architecture has numbers of its own, but aarch64 and
//! riscv64, which came late, share the kernel's generic list. The flags are not the same
//! everywhere either: `0x8000` and `0x20000` are both `O_LARGEFILE`. And i386 wants the
//! fourth word in esi, which the compiler does not give away: the code lends it edi's
//! value for as long as the instruction takes.
//!
//! Each file of `src/arch` begins with the rule that it follows: which registers the
//! kernel reads, and which it changes.
//!
//! # In the kernel
//!
//! The instruction raises the processor to the kernel's privilege and goes to the one
//! place that the kernel has set for it. The kernel looks whether there is a call of that
//! number, reads the path out of the program's memory (`EFAULT` if it is not there), walks
//! it from the current directory on, makes the file, finds the lowest free descriptor, and
//! puts one word into the result register: the descriptor, or if anything went wrong the
//! error's number, below zero. `ENOENT` is 2, so the word is −2.
//!
//! # Up
//!
//! | | x86_64 | i386 | aarch64 | riscv64 |
//! |---|---|---|---|---|
//! | result | rax | eax | x0 | a0 |
//! | an error? | `cmp rax, -4095` | `cmp eax, -4095` | `cmn x0, #4096` | `lui a6, 0xfffff` |
//! | | `jb` | `jb` | `csinc …, ls` | `bltu a6, a0` |
//! | its number | `neg eax` | `neg eax` | `neg w8, w0` | `neg a0` |
//!
//! **[`Errno::from_result`](super::Errno::from_result)** is that comparison, without
//! signs: of all the words only the highest 4095, −4095 to −1, are errors, so that an
//! address above the middle is none. The number is made positive, and is an
//! [`Errno`](super::Errno): `Err(ENOENT)`.
//!
//! **[`Value`](super::Value)** says what any other word is: the declaration says
//! `Result<OwnedFd>`, so it is a descriptor that nobody else has, to be closed when the
//! [`OwnedFd`](super::OwnedFd) is dropped.
//!
//! **`fs`** makes the call again for `Err(EINTR)`, wraps the descriptor in a
//! [`File`](crate::fs::File), which is nothing but the descriptor, and that is all: from
//! the `?` in the first line, some twenty instructions away.
