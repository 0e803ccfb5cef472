//! Programs to be started, as std has them.

use alloc::boxed::Box;
use alloc::ffi::CString;
use alloc::vec::Vec;
use core::convert::Infallible;
use core::ffi::CStr;
use core::fmt;
use core::mem;

use super::spawn::{Placement, Plan, inherited_environment};
use super::stdio::Ends;
use super::{Child, ExitStatus, Output, Stdio};
use crate::sys::{CStrList, CStrPtr, Errno, Gid, OwnedFd, Pid, RawFd, Result, Uid};

/// A program that is to be started, and how: std's.
///
/// ```ignore
/// let output = Command::new("ls").arg("-l").current_dir("/tmp").output()?;
/// ```
///
/// # What the child gets
///
/// * The standard streams that are [given](Command::stdin), and other descriptors by
///   [`fd`](Command::fd) alone: all that the library opens end at execve.
/// * The environment of this program, but for what [`env`](Command::env) and its like
///   change.
/// * Signals: what the calling thread holds back, and which signals are ignored, but for
///   SIGPIPE, which ends it, as std has it; what had a handler does what it does by
///   default.
/// * Limits, priority, umask, current directory, root, namespaces as they are.
///
/// # How the program is found
///
/// If its name has a `/`, it is a path. Otherwise it is looked for in the directories of
/// `PATH` as the child will have it, `/bin:/usr/bin` if it will not, as execvp(3) does: an
/// empty one is the current directory; a file that may not be executed is passed over, and
/// told of (`EACCES`) if there is no other. A file that is no program is `ENOEXEC`, as for
/// posix_spawn(3): no shell runs it, unless it says so itself (`#!`). What is not an
/// absolute path begins where [`current_dir`](Command::current_dir) says.
///
/// # Errors
///
/// Methods that take a string or a descriptor cannot fail, as std's. What is wrong with
/// one, a NUL say, is told by [`spawn`](Command::spawn) and its like, before there is a
/// child.
pub struct Command {
    program: CString,
    /// With the program's name, or what [`arg0`](Command::arg0) says.
    arguments: Vec<CString>,
    environment: Vec<Change>,
    clears_environment: bool,
    directory: Option<CString>,
    stdin: Option<Stdio>,
    stdout: Option<Stdio>,
    stderr: Option<Stdio>,
    descriptors: Vec<(RawFd, OwnedFd)>,
    groups: Option<Vec<Gid>>,
    gid: Option<Gid>,
    uid: Option<Uid>,
    process_group: Option<Pid>,
    setsid: bool,
    pre_exec: Vec<Closure>,
    /// What was wrong first.
    error: Option<Errno>,
}

type Closure = Box<dyn FnMut() -> Result<()> + Send + Sync>;

/// What becomes of a variable. They are in the order of their names.
struct Change {
    /// `NAME=value`, or the name alone of one that is gone.
    entry: CString,
    name_len: usize,
}

impl Change {
    fn name(&self) -> &[u8] {
        self.entry
            .to_bytes()
            .get(..self.name_len)
            .unwrap_or_default()
    }

    /// `None` if it is gone.
    fn value(&self) -> Option<&[u8]> {
        self.entry.to_bytes().get(self.name_len + 1..)
    }
}

impl Command {
    /// To run `program`, without arguments, and otherwise as std has it.
    pub fn new(program: impl AsRef<[u8]>) -> Command {
        let mut command = Command {
            program: CString::default(),
            arguments: Vec::new(),
            environment: Vec::new(),
            clears_environment: false,
            directory: None,
            stdin: None,
            stdout: None,
            stderr: None,
            descriptors: Vec::new(),
            groups: None,
            gid: None,
            uid: None,
            process_group: None,
            setsid: false,
            pre_exec: Vec::new(),
            error: None,
        };
        let program = program.as_ref();
        let made = string(&[program]).and_then(|path| {
            command.program = path;
            push(&mut command.arguments, string(&[program])?)
        });
        command.keep_error(made);
        command
    }

    /// Adds an argument.
    pub fn arg(&mut self, arg: impl AsRef<[u8]>) -> &mut Command {
        let added = string(&[arg.as_ref()]).and_then(|arg| push(&mut self.arguments, arg));
        self.keep_error(added)
    }

    /// Adds arguments.
    pub fn args<S: AsRef<[u8]>>(&mut self, args: impl IntoIterator<Item = S>) -> &mut Command {
        for arg in args {
            self.arg(arg);
        }
        self
    }

    /// Has the program take `arg` for its name, argument 0.
    pub fn arg0(&mut self, arg: impl AsRef<[u8]>) -> &mut Command {
        let made = string(&[arg.as_ref()]).map(|arg| {
            if let Some(first) = self.arguments.first_mut() {
                *first = arg;
            }
        });
        self.keep_error(made)
    }

    /// Sets a variable of the child's environment. A `name` that is empty or has a `=` is
    /// wrong: `EINVAL`.
    pub fn env(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> &mut Command {
        self.change(name.as_ref(), &[b"=", value.as_ref()])
    }

    /// Sets variables of the child's environment.
    pub fn envs<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        &mut self,
        vars: impl IntoIterator<Item = (K, V)>,
    ) -> &mut Command {
        for (name, value) in vars {
            self.env(name, value);
        }
        self
    }

    /// Takes a variable from the child's environment.
    pub fn env_remove(&mut self, name: impl AsRef<[u8]>) -> &mut Command {
        self.change(name.as_ref(), &[])
    }

    /// Empties the child's environment; what is set afterwards is in it.
    pub fn env_clear(&mut self) -> &mut Command {
        self.clears_environment = true;
        self.environment.clear();
        self
    }

    /// Has the child begin in this directory.
    pub fn current_dir(&mut self, directory: impl AsRef<[u8]>) -> &mut Command {
        let made = string(&[directory.as_ref()]).map(|made| self.directory = Some(made));
        self.keep_error(made)
    }

    /// Sets what the child reads: for [`output`](Command::output) `/dev/null` and
    /// otherwise the program's own, unless it is said here.
    pub fn stdin(&mut self, stdin: impl Into<Stdio>) -> &mut Command {
        self.stdin = Some(stdin.into());
        self
    }

    /// Sets what the child writes to: for [`output`](Command::output) a pipe and otherwise
    /// the program's own, unless it is said here.
    pub fn stdout(&mut self, stdout: impl Into<Stdio>) -> &mut Command {
        self.stdout = Some(stdout.into());
        self
    }

    /// Sets what the child complains to, as [`stdout`](Command::stdout) does.
    pub fn stderr(&mut self, stderr: impl Into<Stdio>) -> &mut Command {
        self.stderr = Some(stderr.into());
        self
    }

    /// Has the child have `fd`, as its descriptor `number`. Of two with a number the last
    /// counts; 0 to 2 are the standard streams. A negative number is wrong: `EINVAL`, and
    /// one beyond the limit of descriptors `EBADF`.
    pub fn fd(&mut self, number: RawFd, fd: impl Into<OwnedFd>) -> &mut Command {
        let fd = fd.into();
        match number {
            ..0 => self.keep_error(Err(Errno::EINVAL)),
            0 => self.stdin(fd),
            1 => self.stdout(fd),
            2 => self.stderr(fd),
            3.. => {
                self.descriptors.retain(|&(other, _)| other != number);
                let added = push(&mut self.descriptors, (number, fd));
                self.keep_error(added)
            }
        }
    }

    /// Has the child be this user's. If the program is the superuser's and
    /// [`groups`](Command::groups) says nothing else, the child is in no further groups.
    pub fn uid(&mut self, uid: Uid) -> &mut Command {
        self.uid = Some(uid);
        self
    }

    /// Has the child be in this group.
    pub fn gid(&mut self, gid: Gid) -> &mut Command {
        self.gid = Some(gid);
        self
    }

    /// Has the child be in these further groups.
    pub fn groups(&mut self, groups: &[Gid]) -> &mut Command {
        let mut all = Vec::new();
        let made = all.try_reserve_exact(groups.len());
        if made.is_ok() {
            all.extend_from_slice(groups);
            self.groups = Some(all);
        }
        self.keep_error(made.map_err(|_| Errno::ENOMEM))
    }

    /// Has the child be in this process group, or in one of its own ([`Pid::OWN`]):
    /// setpgid(2).
    pub fn process_group(&mut self, group: Pid) -> &mut Command {
        self.process_group = Some(group);
        self
    }

    /// Has the child begin a session: setsid(2).
    pub fn setsid(&mut self, setsid: bool) -> &mut Command {
        self.setsid = setsid;
        self
    }

    /// Has the child call `function`, after the others, when all but the last is done:
    /// execve. If it fails, the child ends, and its error is the command's.
    ///
    /// The child then has a copy of the memory: what the function writes, the program does
    /// not see, and a large program takes long to copy.
    ///
    /// # Safety
    ///
    /// If there may be other threads, the function may do only what a signal handler may
    /// (signal-safety(7)): no allocation, no locks, no panic that would print, and system
    /// calls without hooks, those of [`sys::raw`](crate::sys::raw). It has 256 KiB of
    /// stack.
    pub unsafe fn pre_exec(
        &mut self,
        function: impl FnMut() -> Result<()> + Send + Sync + 'static,
    ) -> &mut Command {
        let added = self
            .pre_exec
            .try_reserve(1)
            .map_err(|_| Errno::ENOMEM)
            .map(|()| self.pre_exec.push(Box::new(function)));
        self.keep_error(added)
    }

    /// Starts the program, with the program's own standard streams unless others are
    /// given. When it returns, the child is the program, or this has failed and there is
    /// no child.
    ///
    /// # Errors
    ///
    /// What was wrong with the command: `EINVAL` for a NUL, say, or `ENOMEM`. Those of each
    /// step: execve(2)'s `ENOENT`, `EACCES` or `ENOEXEC`, chdir(2)'s, setuid(2)'s, … And
    /// `EAGAIN` if there are too many processes, `EMFILE`, `ENFILE`, `ENOMEM`.
    pub fn spawn(&mut self) -> Result<Child> {
        let inherit = Stdio::inherit();
        self.spawn_with(&inherit, &inherit)
    }

    /// Starts the program, waits until it has ended and says what became of it.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Command::spawn) and [`Child::wait`].
    pub fn status(&mut self) -> Result<ExitStatus> {
        self.spawn()?.wait()
    }

    /// Starts the program, without input, waits until it has ended, and hands over what it
    /// has written.
    ///
    /// # Errors
    ///
    /// As for [`spawn`](Command::spawn) and [`Child::wait_with_output`].
    pub fn output(&mut self) -> Result<Output> {
        self.spawn_with(&Stdio::null(), &Stdio::piped())?
            .wait_with_output()
    }

    /// Becomes the program: returns only if that fails, with what
    /// [`spawn`](Command::spawn) would have said. What was done by then stays done:
    /// descriptors, the directory, who the process is, what SIGPIPE does.
    pub fn exec(&mut self) -> Errno {
        let inherit = Stdio::inherit();
        match self.with_plan(&inherit, &inherit, |plan| Err::<Infallible, _>(plan.exec())) {
            Ok((never, _)) => match never {},
            Err(errno) => errno,
        }
    }

    /// The program's name.
    pub fn get_program(&self) -> &CStr {
        &self.program
    }

    /// The arguments, without the program's name.
    pub fn get_args(&self) -> impl ExactSizeIterator<Item = &CStr> {
        self.arguments
            .get(1..)
            .unwrap_or_default()
            .iter()
            .map(CString::as_c_str)
    }

    /// What becomes of variables: each that is set, with its value, or removed, without.
    pub fn get_envs(&self) -> impl ExactSizeIterator<Item = (&[u8], Option<&[u8]>)> {
        self.environment
            .iter()
            .map(|change| (change.name(), change.value()))
    }

    /// The directory that the child begins in, if it is another.
    pub fn get_current_dir(&self) -> Option<&CStr> {
        self.directory.as_deref()
    }

    fn spawn_with(&mut self, stdin: &Stdio, others: &Stdio) -> Result<Child> {
        let (spawned, [stdin, stdout, stderr]) =
            self.with_plan(stdin, others, |plan| plan.spawn())?;
        let mut child = Child::new(spawned);
        child.stdin = stdin.parent.map(Into::into);
        child.stdout = stdout.parent.map(Into::into);
        child.stderr = stderr.parent.map(Into::into);
        Ok(child)
    }

    /// Does `what` with the plan of it, and hands over the streams' ends too.
    fn with_plan<T>(
        &mut self,
        stdin: &Stdio,
        others: &Stdio,
        what: impl FnOnce(Plan<'_>) -> Result<T>,
    ) -> Result<(T, [Ends; 3])> {
        if let Some(errno) = self.error {
            return Err(errno);
        }
        if self.program.is_empty() {
            // In a directory of PATH, it would be the directory.
            return Err(Errno::ENOENT);
        }
        // What they borrow from the command may change, and the rest of it not.
        let mut closures = mem::take(&mut self.pre_exec);
        let done = self.with_plan_of(stdin, others, &mut closures, what);
        self.pre_exec = closures;
        done
    }

    fn with_plan_of<T>(
        &self,
        stdin: &Stdio,
        others: &Stdio,
        closures: &mut [Closure],
        what: impl FnOnce(Plan<'_>) -> Result<T>,
    ) -> Result<(T, [Ends; 3])> {
        let arguments = list(self.arguments.iter().map(|argument| argument.as_c_str()))?;
        let changed = self.changed_environment()?;
        let environment = match &changed {
            Some(strings) => null_terminated(strings)?,
            None => inherited_environment(),
        };
        let mut streams = [
            self.stdin.as_ref().unwrap_or(stdin).open(true)?,
            self.stdout.as_ref().unwrap_or(others).open(false)?,
            self.stderr.as_ref().unwrap_or(others).open(false)?,
        ];
        let placements = (0..).zip(&streams).filter_map(|(target, ends)| {
            let source = ends.child.as_ref()?.as_raw_fd();
            Some(Placement { source, target })
        });
        let others = self.descriptors.iter().map(|&(target, ref fd)| Placement {
            source: fd.as_fd().as_raw_fd(),
            target,
        });
        let mut descriptors = Vec::new();
        descriptors
            .try_reserve_exact(streams.len() + self.descriptors.len())
            .map_err(|_| Errno::ENOMEM)?;
        descriptors.extend(placements.chain(others));

        let has_closures = !closures.is_empty();
        let mut pre_exec = || closures.iter_mut().try_for_each(|function| function());
        let mut plan = Plan::new(&self.program, null_terminated(&arguments)?, environment);
        plan.search = true;
        plan.descriptors = &mut descriptors;
        plan.directory = self.directory.as_deref();
        plan.groups = self.groups.as_deref();
        plan.gid = self.gid;
        plan.uid = self.uid;
        plan.process_group = self.process_group;
        plan.setsid = self.setsid;
        plan.pre_exec = has_closures.then_some(&mut pre_exec);
        let done = what(plan)?;
        // The child has them.
        for ends in &mut streams {
            ends.child = None;
        }
        Ok((done, streams))
    }

    /// The environment, if it is not the program's own.
    fn changed_environment(&self) -> Result<Option<Vec<Option<CStrPtr<'_>>>>> {
        if !self.clears_environment && self.environment.is_empty() {
            return Ok(None);
        }
        let kept = inherited_environment()
            .iter()
            .take_while(|_| !self.clears_environment)
            .filter(|entry| {
                let entry = entry.to_bytes();
                let name = entry.split(|&byte| byte == b'=').next();
                self.find(name.unwrap_or_default()).is_err()
            });
        let set = self.environment.iter();
        let set = set.filter(|change| change.value().is_some());
        list(kept.chain(set.map(|change| change.entry.as_c_str()))).map(Some)
    }

    /// Where a variable's change is, or would be.
    fn find(&self, name: &[u8]) -> core::result::Result<usize, usize> {
        self.environment
            .binary_search_by(|change| change.name().cmp(name))
    }

    /// Sets or removes a variable: `rest` is what stands behind its name.
    fn change(&mut self, name: &[u8], rest: &[&[u8]]) -> &mut Command {
        let is_name = !name.is_empty() && !name.contains(&b'=');
        let changed = if is_name { Ok(()) } else { Err(Errno::EINVAL) }.and_then(|()| {
            let (equals, value) = match rest {
                [equals, value] => (*equals, *value),
                _ => Default::default(),
            };
            let change = Change {
                entry: string(&[name, equals, value])?,
                name_len: name.len(),
            };
            match self.find(name) {
                Ok(index) => self.environment[index] = change,
                Err(index) => {
                    self.environment.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
                    self.environment.insert(index, change);
                }
            }
            Ok(())
        });
        self.keep_error(changed)
    }

    fn keep_error(&mut self, result: Result<()>) -> &mut Command {
        self.error = self.error.or(result.err());
        self
    }
}

/// The program and its arguments, as std shows them: each in quotes.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.program)?;
        self.get_args().try_for_each(|arg| write!(f, " {arg:?}"))
    }
}

/// The pieces as one string.
///
/// # Errors
///
/// `EINVAL` if there is a NUL among them, `ENOMEM`.
fn string(pieces: &[&[u8]]) -> Result<CString> {
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(length + 1)
        .map_err(|_| Errno::ENOMEM)?;
    for piece in pieces {
        bytes.extend_from_slice(piece);
    }
    // There is room for the NUL: nothing allocates.
    CString::new(bytes).map_err(|_| Errno::EINVAL)
}

fn push<T>(list: &mut Vec<T>, item: T) -> Result<()> {
    list.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
    list.push(item);
    Ok(())
}

/// The strings, and the null behind them.
fn list<'a>(strings: impl Iterator<Item = &'a CStr>) -> Result<Vec<Option<CStrPtr<'a>>>> {
    let mut list = Vec::new();
    for string in strings {
        push(&mut list, Some(string.into()))?;
    }
    push(&mut list, None)?;
    Ok(list)
}

/// What [`list`] has made.
fn null_terminated<'a>(list: &'a [Option<CStrPtr<'a>>]) -> Result<CStrList<'a>> {
    CStrList::new(list).ok_or(Errno::EINVAL)
}
