//! Several processes at once, and somebody who interferes.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};

use anyhow::{Context, Result, ensure};
use freestand_tests::cases;
use freestand_tests::target::{Target, expect_status};
use freestand_tests::temp::TempDir;
use freestand_tests::trace::{Capture, Event, Tracee};
use xtask::path::copy_program;

use crate::support::{Numbers, populate, text_at};

cases![
    of_several_that_create_a_file_one_does,
    several_make_the_same_directories,
    a_directory_that_becomes_a_link_is_not_entered,
    what_is_forbidden_is_an_error,
];

/// Starts some processes that take these steps, has them begin at the same time, and
/// returns what each has said of each step.
fn at_once(target: Target, steps: &[String]) -> Result<Vec<Vec<String>>> {
    const PROCESSES: usize = 6;
    let (go, mut starter) = std::io::pipe()?;
    let children: Vec<Child> = (0..PROCESSES)
        .map(|_| {
            let mut command = target.command("fs_steps")?;
            command.arg("wait").args(steps).stdin(go.try_clone()?);
            Ok(command.stdout(Stdio::piped()).spawn()?)
        })
        .collect::<Result<_>>()?;
    starter.write_all(&[0; PROCESSES])?;
    let said = children.into_iter().map(|child| {
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(expect_status(&output, 0)?).into_owned();
        let said: Vec<_> = said.lines().skip(1).map(String::from).collect();
        ensure!(said.len() == steps.len(), "{said:?}");
        Ok(said)
    });
    said.collect()
}

fn of_several_that_create_a_file_one_does(target: Target) -> Result<()> {
    let directory = TempDir::new()?;
    let path = |number: usize| directory.path().join(number.to_string());
    let steps: Vec<_> = (0..100)
        .map(|number| format!("create_new,{}", path(number).display()))
        .collect();
    let said = at_once(target, &steps)?;
    for (index, step) in steps.iter().enumerate() {
        let of_this: Vec<_> = said.iter().map(|said| said[index].as_str()).collect();
        let successes = of_this.iter().filter(|&&said| said == "ok").count();
        let others = of_this.iter().filter(|&&said| said == "error 17").count();
        ensure!(
            successes == 1 && others == said.len() - 1,
            "{step}: {of_this:?}"
        );
    }
    Ok(())
}

fn several_make_the_same_directories(target: Target) -> Result<()> {
    let directory = TempDir::new()?;
    let steps: Vec<_> = (0..20)
        .map(|number| {
            format!(
                "create_dir_all,{}/{number}/a/b/c/d/e",
                directory.path().display()
            )
        })
        .collect();
    let said = at_once(target, &steps)?;
    ensure!(said.iter().flatten().all(|said| said == "ok"), "{said:?}");
    for number in 0..20 {
        ensure!(
            directory
                .path()
                .join(format!("{number}/a/b/c/d/e"))
                .is_dir()
        );
    }
    Ok(())
}

/// Just before a directory is opened to remove what is in it, somebody puts a symbolic
/// link in its place: it is the link that goes, and not what it points at.
fn a_directory_that_becomes_a_link_is_not_entered(target: Target) -> Result<()> {
    let directory = TempDir::new()?;
    let at = |name: &str| directory.path().join(name);
    for name in ["outside", "victim"] {
        fs::create_dir(at(name))?;
        populate(&at(name))?;
    }
    let mut launch = target.launch("fs_steps")?;
    launch.args = vec![format!("remove_dir_all,{}", at("victim").display()).into()];
    let capture = Capture::new(b"")?;
    let mut tracee = Tracee::start(&launch, capture.streams()?)?;
    let mut swapped = false;
    let end = loop {
        match tracee.next_syscall()? {
            Event::Syscall(call) if call.number == Numbers::of(target.arch).openat => {
                if text_at(&mut tracee, call.args[1])? == b"inner" {
                    ensure!(!swapped, "it is opened twice");
                    fs::rename(at("victim/directory/inner"), at("moved"))?;
                    symlink(at("outside/directory/inner"), at("victim/directory/inner"))?;
                    swapped = true;
                }
            }
            Event::Syscall(_) => {}
            end => break end,
        }
    };
    let said = String::from_utf8(capture.stdout()?)?;
    ensure!(end == Event::Exited(0) && said == "ok\n", "{end:?}: {said}");
    ensure!(swapped && !at("victim").exists());
    ensure!(at("moved/innermost").is_dir(), "it was moved away in time");
    let left = fs::read_dir(at("outside"))?.count();
    let inner = at("outside/directory/inner/innermost").is_dir();
    populate(&at("empty"))
        .err()
        .context("there is nothing to populate")?;
    ensure!(left > 10 && inner, "{left} files are left outside");
    Ok(())
}

/// As an ordinary user, which the tests may or may not be.
fn what_is_forbidden_is_an_error(target: Target) -> Result<()> {
    const NOBODY: u32 = 65534;
    let directory = TempDir::new()?;
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("tree"))?;
    populate(&at("tree"))?;
    // Where this user surely gets at it.
    copy_program(&target.program("fs_steps")?, &at("program"))?;
    let set = |name: &str, mode| fs::set_permissions(at(name), fs::Permissions::from_mode(mode));
    set("", 0o755)?;
    set("program", 0o755)?;
    set("tree/file", 0o000)?;
    set("tree/directory", 0o444)?;
    set("tree/empty directory", 0o111)?;

    // SAFETY: the call takes nothing.
    let is_root = unsafe { libc::geteuid() } == 0;
    for step in [
        "read,{}/tree/file",
        "write,{}/tree/file,text",
        "copy,{}/tree/file,/dev/null",
        "metadata,{}/tree/directory/file",
        "exists,{}/tree/directory/file",
        "canonicalize,{}/tree/directory/file",
        "create_new,{}/tree/empty directory/new",
        "create_dir_all,{}/tree/directory/new/newer",
        "read_dir,{}/tree/empty directory",
        "remove_file,{}/tree/directory/file",
        "remove_dir_all,{}/tree/directory",
        "rename,{}/tree/directory/file,{}/new",
    ] {
        let step = step.replace("{}", &directory.path().display().to_string());
        let mut command = target.command_for(&at("program"))?;
        command.arg(&step);
        if is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        let output = command.output()?;
        let said = String::from_utf8_lossy(expect_status(&output, 0)?).into_owned();
        ensure!(
            said == format!("error {}\n", libc::EACCES),
            "{step}: {said}"
        );
    }
    // So that it can be removed.
    set("tree/directory", 0o755)?;
    set("tree/empty directory", 0o755)?;
    let mut file = File::open(at("tree/directory/file"))?;
    let mut contents = String::new();
    file.read_to_string(&mut contents)?;
    ensure!(contents == "other text");
    Ok(())
}
