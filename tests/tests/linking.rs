//! What cannot work does not link, and the linker says why and what to do: link.ld.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

use anyhow::{Context, Result, ensure};
use freestand_tests::once::OncePer;
use freestand_tests::target::Target;
use freestand_tests::temp::TempDir;
use freestand_tests::{cases, harness};
use xtask::program::{Native, Options};

cases![
    a_program_has_a_main,
    a_program_has_one_start,
    a_c_librarys_start_is_left_out,
    a_c_library_is_left_out,
    a_position_independent_program_is_relocated,
    a_position_independent_program_has_no_address_in_its_code,
    a_program_has_no_shared_library,
    a_function_is_where_it_is_and_not_where_a_resolver_says,
    a_thread_local_variable_has_its_storage,
    a_thread_local_variable_of_zeros_has_its_storage,
    a_constructor_is_called,
    a_constructor_of_a_priority_is_called,
    a_preinit_function_is_called,
    a_destructor_is_called,
    a_constructor_of_the_old_kind_is_refused,
    a_destructor_of_the_old_kind_is_refused,
    what_is_loaded_anywhere_is_aligned_to_a_page_at_most,
];

fn main() -> ExitCode {
    harness::run(CASES)
}

const NO_MAIN: &str = "
freestand: the program has no main.
  Declare which function it is: freestand::entry!(main), or define C's main.";

const SECOND_START: &str = "
freestand: there is a second _start, that of a C library's start-up (crt1.o).
  Link without it: pass -nostartfiles to the C compiler, or the link arguments that
  freestand's build script hands on (README.md, In a package of your own).";

const C_LIBRARY: &str = "
freestand: a C library is linked in, which nothing starts.
  Leave it out (-nostdlib), or leave out the object that needs it: what it calls must be
  in the program itself.";

const NOT_RELOCATED: &str = "
freestand: the program is position-independent (-pie), and nothing relocates it.
  Link it with freestand's library, and the arguments that its build script makes when
  rustc is told -C relocation-model=pie (README.md, Static-PIE), or without -pie.";

const INDIRECT_FUNCTION: &str = "
freestand: an indirect function (STT_GNU_IFUNC) is linked in, and nothing resolves it.
  Leave out the object that has it: it is made for a C library's start-up.";

const NO_THREAD_LOCALS: &str = "
freestand: a thread-local variable is linked in, and nothing sets up its storage.
  Say that the program needs it: freestand::entry!(main, tls).";

const NO_CONSTRUCTORS: &str = "
freestand: a constructor or destructor is linked in, and nothing calls it.
  Say that the program needs them called: freestand::entry!(main, constructors).";

const OLD_CONSTRUCTORS: &str = "
freestand: a constructor of the old kind (section .ctors or .dtors) is linked in.
  Compile the object that has it with a compiler that uses .init_array.";

const OVERALIGNED: &str = "
freestand: something is aligned to more than 4096 bytes, and the program is static-PIE,
  which the kernel loads at any page. Align it at run time, or link without -pie.";

/// A folder in which programs in C are made.
struct Bench {
    target: Target,
    folder: TempDir,
}

impl Bench {
    fn new(target: Target) -> Result<Bench> {
        let folder = TempDir::new()?;
        Ok(Bench { target, folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Compiles `source`, for a program that is loaded anywhere if `pie`.
    fn compile(&self, name: &str, source: &str, pie: bool) -> Result<PathBuf> {
        let (from, object) = (self.path(name).with_extension("c"), self.path(name));
        fs::write(&from, source)?;
        succeed(&mut native(self.target, pie)?.compile(&from, &object))?;
        Ok(object)
    }

    /// The command that links `inputs`.
    fn link(&self, inputs: &[&Path], pie: bool) -> Result<Command> {
        native(self.target, pie)?.link(inputs, &self.path("program"))
    }

    /// Links one object, of `source`.
    fn link_source(&self, source: &str) -> Result<Command> {
        let object = self.compile("program.o", source, false)?;
        self.link(&[&object], false)
    }
}

/// How programs are made for the target, by the library that the first call builds.
fn native(target: Target, pie: bool) -> Result<&'static Native<'static>> {
    static NATIVES: OncePer<(Target, bool), Native<'static>> = OncePer::new();

    NATIVES.get((target, pie), || {
        let mut options = Options::new(target.profile);
        options.pie = pie;
        Native::new(target.tools()?, options)
    })
}

/// Runs a tool that must succeed.
fn succeed(command: &mut Command) -> Result<()> {
    let output = run(command)?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {stderr}");
    Ok(())
}

/// Runs a linker that must fail, and say `message`.
fn fail(command: &mut Command, message: &str) -> Result<()> {
    let output = run(command)?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(
        !output.status.success(),
        "it links, but should say: {message}"
    );
    ensure!(stderr.contains(message), "not {message}\nbut: {stderr}");
    // Nothing else is to be read before it.
    ensure!(stderr.matches("error: ").count() == 1, "{stderr}");
    Ok(())
}

fn run(command: &mut Command) -> Result<Output> {
    let output = command.output();
    output.with_context(|| format!("cannot run {:?}", command.get_program()))
}

/// Links `wrong`, which must fail and say `message`, and `right`.
fn check(target: Target, wrong: &str, message: &str, right: &str) -> Result<()> {
    let bench = Bench::new(target)?;
    fail(&mut bench.link_source(wrong)?, message)?;
    succeed(&mut bench.link_source(right)?)
}

fn a_program_has_a_main(target: Target) -> Result<()> {
    check(
        target,
        "int mian(void) { return 0; }",
        NO_MAIN,
        "int main(void) { return 0; }",
    )
}

const MAIN: &str = "int main(void) { return 0; }";

/// What crt1.o does.
const START: &str = "
    int main(void);
    int __libc_start_main(int (*)(void));
    void _start(void);
    void _start(void) { __libc_start_main(main); }
";

fn a_program_has_one_start(target: Target) -> Result<()> {
    let bench = Bench::new(target)?;
    let main = bench.compile("main.o", MAIN, false)?;
    let start = bench.compile("start.o", START, false)?;
    for inputs in [[&*start, &*main], [&*main, &*start]] {
        fail(&mut bench.link(&inputs, false)?, SECOND_START)?;
    }
    succeed(&mut bench.link(&[&main], false)?)
}

/// As above, with the object of that name that this machine has.
fn a_c_librarys_start_is_left_out(target: Target) -> Result<()> {
    let cc = &target.tools()?.cc;
    let bench = Bench::new(target)?;
    // Some call abort: with the C library they have it, and this is to be told all the same.
    let main = "
        void abort(void);
        void abort(void) { for (;;); }
        int main(void) { return 0; }
    ";
    let main = bench.compile("main.o", main, false)?;
    for name in ["crt1.o", "rcrt1.o", "Scrt1.o"] {
        let output = run(cc.command().arg(format!("-print-file-name={name}")))?;
        let path = String::from_utf8(output.stdout)?;
        let path = Path::new(path.trim());
        // Without one, the compiler prints the bare name.
        if path.is_absolute() {
            fail(&mut bench.link(&[path, &main], false)?, SECOND_START)
                .with_context(|| path.display().to_string())?;
        }
    }
    Ok(())
}

/// An archive of a C library brings what starts it, as soon as any of it is needed.
fn a_c_library_is_left_out(target: Target) -> Result<()> {
    let main = "int puts(const char *); int main(void) { return puts(\"\"); }";
    let library = "
        int __libc_start_main(void);
        int __libc_start_main(void) { return 0; }
        int puts(const char *);
        int puts(const char *line) { return *line ? __libc_start_main() : 0; }
    ";
    let own = "int puts(const char *); int puts(const char *line) { return *line; }";
    let bench = Bench::new(target)?;
    let main = bench.compile("main.o", main, false)?;
    let library = bench.compile("library.o", library, false)?;
    let own = bench.compile("own.o", own, false)?;
    fail(&mut bench.link(&[&main, &library], false)?, C_LIBRARY)?;
    succeed(&mut bench.link(&[&main, &own], false)?)
}

fn a_position_independent_program_is_relocated(target: Target) -> Result<()> {
    let bench = Bench::new(target)?;
    let source = "int v; int *p = &v; int main(void) { return *p; }";
    let object = bench.compile("program.o", source, true)?;
    for relr in ["none", "relr"] {
        let mut link = bench.link(&[&object], false)?;
        link.arg("--pie").arg(format!("--pack-dyn-relocs={relr}"));
        fail(&mut link, NOT_RELOCATED)?;
    }
    succeed(&mut bench.link(&[&object], false)?)
}

/// The linker itself sees to it, as it is told to (-z text).
fn a_position_independent_program_has_no_address_in_its_code(target: Target) -> Result<()> {
    let source = "
        __asm__(\".section .text.address,\\\"ax\\\"\\n.globl address\\naddress: WORD main\");
        extern int address[];
        int main(void) { return address[0]; }
    ";
    let word = if target.arch.word() == 8 {
        ".quad"
    } else {
        ".long"
    };
    let bench = Bench::new(target)?;
    let object = bench.compile("program.o", &source.replace("WORD", word), true)?;
    fail(&mut bench.link(&[&object], true)?, "recompile with -fPIC")?;
    succeed(&mut bench.link(&[&object], false)?)
}

fn a_program_has_no_shared_library(target: Target) -> Result<()> {
    let bench = Bench::new(target)?;
    let main = "int f(void); int main(void) { return f(); }";
    let main = bench.compile("main.o", main, false)?;
    let library = bench.compile("library.o", "int f(void); int f(void) { return 0; }", true)?;
    let shared = bench.path("library.so");
    let mut link = bench.link(&[], false)?;
    let mut link_shared = Command::new(link.get_program());
    link_shared
        .args(["-flavor", "gnu", "--shared"])
        .arg(&library)
        .arg("-o")
        .arg(&shared);
    succeed(&mut link_shared)?;
    link.arg(&main).arg(&shared);
    fail(&mut link, "attempted static link of dynamic object")?;
    succeed(&mut bench.link(&[&main, &library], false)?)
}

fn a_function_is_where_it_is_and_not_where_a_resolver_says(target: Target) -> Result<()> {
    let resolver = "
        static int zero(void) { return 0; }
        int (*resolve(void))(void);
        int (*resolve(void))(void) { return zero; }
        int f(void) __attribute__((ifunc(\"resolve\")));
    ";
    let function = "static int f(void) { return 0; }";
    let called = "int main(void) { return f(); }";
    let pointed_to = "int (*p)(void) = f; int main(void) { return p(); }";
    for user in [called, pointed_to] {
        let wrong = format!("{resolver}{user}\n");
        let right = format!("{function}\n{user}\n");
        check(target, &wrong, INDIRECT_FUNCTION, &right)?;
        // Nor does what relocates a program resolve it.
        let bench = Bench::new(target)?;
        let object = bench.compile("program.o", &wrong, true)?;
        fail(&mut bench.link(&[&object], true)?, INDIRECT_FUNCTION)?;
    }
    Ok(())
}

fn a_thread_local_variable_has_its_storage(target: Target) -> Result<()> {
    check(
        target,
        "__thread int v = 1; int main(void) { return v; }",
        NO_THREAD_LOCALS,
        "int v = 1; int main(void) { return v; }",
    )
}

fn a_thread_local_variable_of_zeros_has_its_storage(target: Target) -> Result<()> {
    check(
        target,
        "__thread int v; int main(void) { return v; }",
        NO_THREAD_LOCALS,
        "int v; int main(void) { return v; }",
    )
}

/// What is to be called has an attribute, and without that is no mistake. It does what a
/// compiler cannot do for it.
fn check_attribute(target: Target, attribute: &str) -> Result<()> {
    let source = "
        static volatile int v;
        ATTRIBUTE static void f(void) { v = 1; }
        int main(void) { return v; }
    ";
    check(
        target,
        &source.replace("ATTRIBUTE", &format!("__attribute__(({attribute}))")),
        NO_CONSTRUCTORS,
        &source.replace("ATTRIBUTE", "__attribute__((unused))"),
    )
}

fn a_constructor_is_called(target: Target) -> Result<()> {
    check_attribute(target, "constructor")
}

fn a_constructor_of_a_priority_is_called(target: Target) -> Result<()> {
    check_attribute(target, "constructor(200)")
}

fn a_destructor_is_called(target: Target) -> Result<()> {
    check_attribute(target, "destructor")
}

/// An array of the functions to be called is in this section.
fn check_section(target: Target, section: &str, message: &str) -> Result<()> {
    let source = "
        static int v;
        static void f(void) { v = 1; }
        ATTRIBUTE static void (*const call)(void) = f;
        int main(void) { return v; }
    ";
    check(
        target,
        &source.replace(
            "ATTRIBUTE",
            &format!("__attribute__((used, section(\"{section}\")))"),
        ),
        message,
        &source.replace("ATTRIBUTE", "__attribute__((used))"),
    )
}

fn a_preinit_function_is_called(target: Target) -> Result<()> {
    check_section(target, ".preinit_array", NO_CONSTRUCTORS)
}

fn a_constructor_of_the_old_kind_is_refused(target: Target) -> Result<()> {
    check_section(target, ".ctors", OLD_CONSTRUCTORS)?;
    check_section(target, ".ctors.65435", OLD_CONSTRUCTORS)
}

fn a_destructor_of_the_old_kind_is_refused(target: Target) -> Result<()> {
    check_section(target, ".dtors", OLD_CONSTRUCTORS)
}

fn what_is_loaded_anywhere_is_aligned_to_a_page_at_most(target: Target) -> Result<()> {
    let bench = Bench::new(target)?;
    let link = |alignment: u32, pie: bool| {
        let source =
            format!("int v __attribute__((aligned({alignment}))); int main(void) {{ return v; }}");
        let object = bench.compile("program.o", &source, pie)?;
        bench.link(&[&object], pie)
    };
    succeed(&mut link(4096, true)?)?;
    fail(&mut link(8192, true)?, OVERALIGNED)?;
    succeed(&mut link(8192, false)?)
}
