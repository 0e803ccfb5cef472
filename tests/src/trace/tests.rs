//! The native backend, and what stands on the common surface, with a program
//! that needs only a C compiler.

use std::process::Command;
use std::time::Duration;

use crate::temp::TempDir;

use super::count::{Count, count_instructions};
use super::faults::{Class, Sweep};
use super::shortio::{ShortIo, short_io};
use super::stack::{InitialStack, junk_registers};
use super::*;

/// Copies standard input to standard output. It counts on system calls to
/// preserve their arguments, and the exit status says what failed: 1 for a read,
/// 2 for a write.
const COPY: &str = "
    .globl _start
_start:
    xorl %edi, %edi
    leaq buffer(%rip), %rsi
    movl $64, %edx
    xorl %eax, %eax
    syscall
    testq %rax, %rax
    js 1f
    jz 3f
    movq %rax, %rdx
    incl %edi
write:
    movl $1, %eax
    syscall
    testq %rax, %rax
    jle 2f
    addq %rax, %rsi
    subq %rax, %rdx
    jnz write
    jmp _start
1:  movl $1, %edi
    jmp 3f
2:  movl $2, %edi
3:  movl $231, %eax
    syscall
    .lcomm buffer, 64
    .section .note.GNU-stack, \"\", @progbits
";

const READ: u64 = 0;
const WRITE: u64 = 1;
const EXIT_GROUP: u64 = 231;
const EIO: i64 = 5;

struct Program {
    launch: Launch,
    _directory: TempDir,
}

fn program(assembly: &str) -> Program {
    let directory = TempDir::new().unwrap();
    let (source, program) = (directory.path().join("a.s"), directory.path().join("a"));
    std::fs::write(&source, assembly).unwrap();
    let status = Command::new("cc")
        .args(["-m64", "-nostdlib", "-static", "-o"])
        .args([&program, &source])
        .status()
        .unwrap();
    assert!(status.success());
    Program {
        launch: Launch::new(program, Arch::X86_64, How::Native),
        _directory: directory,
    }
}

fn call(event: Event) -> Syscall {
    match event {
        Event::Syscall(call) => call,
        event => panic!("{event:?} instead of a system call"),
    }
}

#[test]
fn a_program_stops_before_its_first_instruction() {
    let program = program(COPY);
    let mut tracee = Tracee::start(&program.launch, Streams::default()).unwrap();
    let entry = tracee.register(Register::Pc).unwrap();
    assert_eq!(tracee.read(entry, 2).unwrap(), [0x31, 0xff]);
    tracee.set_register(Register::General(0), 7).unwrap();
    assert_eq!(tracee.register(Register::General(0)).unwrap(), 7);
    assert!(tracee.register(Register::LinkRegister).is_err());

    assert_eq!(tracee.step().unwrap(), Event::Stopped);
    assert_eq!(tracee.register(Register::Pc).unwrap(), entry + 2);
    assert_eq!(tracee.resume_to_end().unwrap(), Event::Exited(0));
    assert!(tracee.step().is_err());
}

#[test]
fn an_address_is_come_to_again_and_again() {
    let program = program(COPY);
    let capture = Capture::new(&[b'x'; 100]).unwrap();
    let mut tracee = Tracee::start(&program.launch, capture.streams().unwrap()).unwrap();
    let entry = tracee.register(Register::Pc).unwrap();
    // The program is there to begin with, and then after each of two writes.
    assert_eq!(tracee.run_to(entry).unwrap(), Event::Stopped);
    assert_eq!(capture.stdout().unwrap().len(), 64);
    assert_eq!(tracee.run_to(entry).unwrap(), Event::Stopped);
    assert_eq!(capture.stdout().unwrap().len(), 100);
    assert_eq!(tracee.run_to(entry).unwrap(), Event::Exited(0));
}

#[test]
fn system_calls_are_seen_changed_and_skipped() {
    let program = program(COPY);
    let capture = Capture::new(b"hello").unwrap();
    let mut tracee = Tracee::start(&program.launch, capture.streams().unwrap()).unwrap();
    assert_eq!(call(tracee.next_syscall().unwrap()).number, READ);
    let write = call(tracee.next_syscall().unwrap());
    assert_eq!((write.number, write.args[2]), (WRITE, 5));
    tracee.set_argument(2, 2).unwrap();
    // The program goes by the count that it passed, not by the changed one.
    assert_eq!(call(tracee.next_syscall().unwrap()).args[2], 3);
    tracee.skip_syscall(1).unwrap();
    assert_eq!(call(tracee.next_syscall().unwrap()).args[2], 2);
    assert_eq!(call(tracee.next_syscall().unwrap()).number, READ);
    assert_eq!(call(tracee.next_syscall().unwrap()).number, EXIT_GROUP);
    assert_eq!(tracee.next_syscall().unwrap(), Event::Exited(0));
    assert_eq!(capture.stdout().unwrap(), b"helo");
}

#[test]
fn the_initial_stack_is_forged() {
    let mut program = program(COPY);
    program.launch.args = vec!["one".into()];
    program.launch.env = vec![("NAME".into(), "value".into())];
    let mut tracee = Tracee::start(&program.launch, Streams::default()).unwrap();
    let mut stack = InitialStack::read(&mut tracee).unwrap();
    assert_eq!(tracee.read(stack.args[1], 4).unwrap(), b"one\0");
    assert_eq!(tracee.read(stack.env[0], 11).unwrap(), b"NAME=value\0");
    assert_eq!((stack.args.len(), stack.env.len()), (2, 1));
    assert!(stack.auxv.contains(&(libc::AT_PAGESZ, 4096)));

    stack.args.clear();
    stack.drop_aux(libc::AT_PAGESZ);
    stack.set_aux(libc::AT_SECURE, 1);
    stack.install(&mut tracee, 8).unwrap();
    junk_registers(&mut tracee).unwrap();
    assert_eq!(InitialStack::read(&mut tracee).unwrap(), stack);
    assert_eq!(tracee.register(Register::Sp).unwrap() % 16, 8);
    let frame = tracee.register(Register::FramePointer).unwrap();
    assert_eq!(frame, 0xdead_beef_cafe_f00d);
    assert_eq!(tracee.resume_to_end().unwrap(), Event::Exited(0));
}

#[test]
fn transfers_are_shortened() {
    let program = program(COPY);
    let capture = Capture::new(b"0123456789").unwrap();
    let mut tracee = Tracee::start(&program.launch, capture.streams().unwrap()).unwrap();
    // The four reads, of 4, 4, 2, and 0 bytes; no write is longer than they are.
    let expected = ShortIo {
        end: Event::Exited(0),
        shortened: 4,
    };
    assert_eq!(short_io(&mut tracee, 4).unwrap(), expected);
    assert_eq!(capture.stdout().unwrap(), b"0123456789");
}

#[test]
fn a_sweep_tells_what_becomes_of_each_failure() {
    let program = program(COPY);
    let sweep = Sweep {
        launch: &program.launch,
        stdin: b"hello",
        results: &[-EIO, 0],
        persistent: false,
    };
    let findings: Vec<_> = sweep
        .run()
        .unwrap()
        .iter()
        .map(|finding| (finding.number, finding.result, finding.class))
        .collect();
    let expected = [
        (READ, -EIO, Class::Reported(1)),
        (READ, 0, Class::SilentLoss),
        (WRITE, -EIO, Class::Reported(2)),
        (WRITE, 0, Class::Reported(2)),
        (READ, -EIO, Class::Reported(1)),
        (READ, 0, Class::Ok),
    ];
    assert_eq!(findings, expected);
}

#[test]
fn instructions_are_counted() {
    let program = program(COPY);
    let mut tracee = Tracee::start(&program.launch, Streams::default()).unwrap();
    // There is nothing to copy: a read, two tests, and the exit.
    let expected = Count {
        instructions: 10,
        end: Event::Exited(0),
    };
    assert_eq!(count_instructions(&mut tracee, None).unwrap(), expected);
}

#[test]
fn signals_reach_the_program() {
    let program = program(".globl _start\n_start: nop\nint3\n");
    for end in [Tracee::resume_to_end, Tracee::next_syscall] {
        let mut tracee = Tracee::start(&program.launch, Streams::default()).unwrap();
        assert_eq!(end(&mut tracee).unwrap(), Event::Killed(libc::SIGTRAP));
    }
    let mut tracee = Tracee::start(&program.launch, Streams::default()).unwrap();
    let count = count_instructions(&mut tracee, None).unwrap();
    assert_eq!(count.end, Event::Killed(libc::SIGTRAP));
}

#[test]
fn a_program_that_hangs_is_killed() {
    let mut program = program(".globl _start\n_start: jmp _start\n");
    program.launch.deadline = Duration::from_millis(100);
    for end in [Tracee::resume_to_end, Tracee::next_syscall] {
        let mut tracee = Tracee::start(&program.launch, Streams::default()).unwrap();
        assert!(end(&mut tracee).unwrap_err().is::<Hung>());
    }
    let mut tracee = Tracee::start(&program.launch, Streams::default()).unwrap();
    let error = count_instructions(&mut tracee, None).unwrap_err();
    assert!(error.is::<Hung>(), "{error:#}");
}
