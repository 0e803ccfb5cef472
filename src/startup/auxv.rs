//! The auxiliary vector: what the kernel tells a new process, getauxval(3).

use core::ffi::{CStr, c_char};
use core::fmt;
use core::iter::FusedIterator;
use core::slice;

use linux_raw_sys::auxvec as at;

/// linux-raw-sys has it for some architectures only (include/uapi/linux/auxvec.h).
const AT_MINSIGSTKSZ: u32 = 51;

/// The kernel's spelling of one entry: a type, AT_…, and a value.
type RawEntry = [*const (); 2];

/// From one row a variant of [`Aux`], how it is made of a word, and its name.
macro_rules! entries {
    ($($(#[$doc:meta])* $variant:ident($type:ty) = $at:expr, $name:literal, $from:expr;)*) => {
        /// One entry of the auxiliary vector, with its value as what it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Aux {
            $($(#[$doc])* $variant($type),)*
            /// An entry that this list does not know: its type and its value.
            Other(usize, usize),
        }

        impl Aux {
            /// The kernel's name for the entry's type, such as `"AT_PAGESZ"`;
            /// `None` for one that this list does not know.
            pub const fn name(&self) -> Option<&'static str> {
                match self {
                    $(Aux::$variant(_) => Some($name),)*
                    Aux::Other(..) => None,
                }
            }

            /// # Safety
            ///
            /// `value` must be what the kernel passed for `kind`.
            unsafe fn from_raw(kind: usize, value: *const ()) -> Aux {
                $(
                    if kind == $at as usize {
                        let from: unsafe fn(*const ()) -> $type = $from;
                        // SAFETY: passed on to the caller.
                        return Aux::$variant(unsafe { from(value) });
                    }
                )*
                Aux::Other(kind, value.addr())
            }
        }
    };
}

entries! {
    /// A descriptor of the program, for an interpreter of it.
    ExecFd(usize) = at::AT_EXECFD, "AT_EXECFD", number;
    /// Where the program headers are in memory.
    Phdr(*const ()) = at::AT_PHDR, "AT_PHDR", address;
    /// Bytes in a program header.
    Phent(usize) = at::AT_PHENT, "AT_PHENT", number;
    /// How many program headers there are.
    Phnum(usize) = at::AT_PHNUM, "AT_PHNUM", number;
    /// Bytes in a page.
    Pagesz(usize) = at::AT_PAGESZ, "AT_PAGESZ", number;
    /// Where the dynamic loader is; 0 for a static program.
    Base(*const ()) = at::AT_BASE, "AT_BASE", address;
    /// Flags of the binary's format.
    Flags(usize) = at::AT_FLAGS, "AT_FLAGS", number;
    /// The program's entry point: `_start`.
    Entry(*const ()) = at::AT_ENTRY, "AT_ENTRY", address;
    /// Whether the program is in another format than ELF.
    NotElf(bool) = at::AT_NOTELF, "AT_NOTELF", flag;
    /// The real user id.
    Uid(usize) = at::AT_UID, "AT_UID", number;
    /// The effective user id.
    Euid(usize) = at::AT_EUID, "AT_EUID", number;
    /// The real group id.
    Gid(usize) = at::AT_GID, "AT_GID", number;
    /// The effective group id.
    Egid(usize) = at::AT_EGID, "AT_EGID", number;
    /// The processor's name, as libraries' folders are named.
    Platform(Option<&'static CStr>) = at::AT_PLATFORM, "AT_PLATFORM", string;
    /// Bits of what the processor can do; their meaning is the architecture's.
    Hwcap(usize) = at::AT_HWCAP, "AT_HWCAP", number;
    /// Ticks of times(2) in a second.
    Clktck(usize) = at::AT_CLKTCK, "AT_CLKTCK", number;
    /// Whether the program runs with more rights than who started it, and must
    /// not trust its environment.
    Secure(bool) = at::AT_SECURE, "AT_SECURE", flag;
    /// The name of the processor that the program was built for.
    BasePlatform(Option<&'static CStr>) = at::AT_BASE_PLATFORM, "AT_BASE_PLATFORM", string;
    /// 16 random bytes.
    Random(Option<&'static [u8; 16]>) = at::AT_RANDOM, "AT_RANDOM", random;
    /// More bits of what the processor can do.
    Hwcap2(usize) = at::AT_HWCAP2, "AT_HWCAP2", number;
    /// Bytes of the restartable-sequences area that the kernel uses.
    RseqFeatureSize(usize) = 27, "AT_RSEQ_FEATURE_SIZE", number;
    /// The alignment of that area.
    RseqAlign(usize) = 28, "AT_RSEQ_ALIGN", number;
    /// Still more bits of what the processor can do.
    Hwcap3(usize) = 29, "AT_HWCAP3", number;
    /// The last of these bits.
    Hwcap4(usize) = 30, "AT_HWCAP4", number;
    /// The path by which the program was started.
    Execfn(Option<&'static CStr>) = at::AT_EXECFN, "AT_EXECFN", string;
    /// i386: where the vDSO enters the kernel (`__kernel_vsyscall`).
    Sysinfo(*const ()) = 32, "AT_SYSINFO", address;
    /// Where the vDSO is.
    SysinfoEhdr(*const ()) = 33, "AT_SYSINFO_EHDR", address;
    /// Bytes in the level 1 instruction cache.
    L1iCachesize(usize) = 40, "AT_L1I_CACHESIZE", number;
    /// Its geometry: ways in the upper, bytes in a line in the lower 16 bits.
    L1iCachegeometry(usize) = 41, "AT_L1I_CACHEGEOMETRY", number;
    /// Bytes in the level 1 data cache.
    L1dCachesize(usize) = 42, "AT_L1D_CACHESIZE", number;
    /// Its geometry.
    L1dCachegeometry(usize) = 43, "AT_L1D_CACHEGEOMETRY", number;
    /// Bytes in the level 2 cache.
    L2Cachesize(usize) = 44, "AT_L2_CACHESIZE", number;
    /// Its geometry.
    L2Cachegeometry(usize) = 45, "AT_L2_CACHEGEOMETRY", number;
    /// Bytes in the level 3 cache.
    L3Cachesize(usize) = 46, "AT_L3_CACHESIZE", number;
    /// Its geometry.
    L3Cachegeometry(usize) = 47, "AT_L3_CACHEGEOMETRY", number;
    /// Bytes that a signal's frame takes at least.
    Minsigstksz(usize) = AT_MINSIGSTKSZ, "AT_MINSIGSTKSZ", number;
}

unsafe fn number(value: *const ()) -> usize {
    value.addr()
}

unsafe fn address(value: *const ()) -> *const () {
    value
}

unsafe fn flag(value: *const ()) -> bool {
    !value.is_null()
}

unsafe fn string(value: *const ()) -> Option<&'static CStr> {
    // SAFETY: the kernel passes the address of a string that ends in NUL, on the
    // initial stack, or null.
    (!value.is_null()).then(|| unsafe { CStr::from_ptr(value.cast::<c_char>()) })
}

unsafe fn random(value: *const ()) -> Option<&'static [u8; 16]> {
    // SAFETY: the kernel passes the address of 16 bytes on the initial stack, or
    // null.
    unsafe { value.cast::<[u8; 16]>().as_ref() }
}

/// The value alone: a string as it is, an address or bits in hexadecimal, a
/// number in decimal.
impl fmt::Display for Aux {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Aux::Platform(string) | Aux::BasePlatform(string) | Aux::Execfn(string) => match string
            {
                Some(string) => write!(f, "{}", string.to_bytes().escape_ascii()),
                None => f.write_str("(null)"),
            },
            Aux::Random(Some(bytes)) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Aux::Random(None) => f.write_str("(null)"),
            Aux::NotElf(flag) | Aux::Secure(flag) => write!(f, "{flag}"),
            Aux::Phdr(address)
            | Aux::Base(address)
            | Aux::Entry(address)
            | Aux::Sysinfo(address)
            | Aux::SysinfoEhdr(address) => write!(f, "{address:p}"),
            Aux::Flags(bits)
            | Aux::Hwcap(bits)
            | Aux::Hwcap2(bits)
            | Aux::Hwcap3(bits)
            | Aux::Hwcap4(bits)
            | Aux::L1iCachegeometry(bits)
            | Aux::L1dCachegeometry(bits)
            | Aux::L2Cachegeometry(bits)
            | Aux::L3Cachegeometry(bits)
            | Aux::Other(_, bits) => write!(f, "{bits:#x}"),
            Aux::ExecFd(number)
            | Aux::Phent(number)
            | Aux::Phnum(number)
            | Aux::Pagesz(number)
            | Aux::Uid(number)
            | Aux::Euid(number)
            | Aux::Gid(number)
            | Aux::Egid(number)
            | Aux::Clktck(number)
            | Aux::RseqFeatureSize(number)
            | Aux::RseqAlign(number)
            | Aux::L1iCachesize(number)
            | Aux::L1dCachesize(number)
            | Aux::L2Cachesize(number)
            | Aux::L3Cachesize(number)
            | Aux::Minsigstksz(number) => write!(f, "{number}"),
        }
    }
}

/// The auxiliary vector: an iterator over its entries, in the kernel's order.
///
/// Which there are depends on the kernel, the processor and on who loaded the
/// program: none can be counted on.
#[derive(Clone, Debug)]
pub struct Auxv {
    next: *const RawEntry,
}

impl Auxv {
    /// The auxiliary vector that begins at `next`.
    ///
    /// # Safety
    ///
    /// It must be the kernel's: on the initial stack, ended by `AT_NULL`.
    pub(super) const unsafe fn from_ptr(next: *const ()) -> Auxv {
        Auxv { next: next.cast() }
    }

    /// What is left of it as it lies in memory: each entry's type and value, without the
    /// `AT_NULL` at the end.
    pub fn as_slice(&self) -> &'static [[*const (); 2]] {
        // SAFETY: `next` points at an entry, AT_NULL's or one before, and the vector stays
        // unchanged.
        unsafe { slice::from_raw_parts(self.next, self.clone().count()) }
    }

    /// The value of the first entry of the type `kind`: getauxval(3). The iterator would
    /// take every entry for what it is before it is known to be the wrong one.
    fn value(self, kind: u32) -> Option<*const ()> {
        let mut next = self.next;
        loop {
            // SAFETY: the vector ends in AT_NULL, and no further does this go.
            let [found, value] = unsafe { next.read() };
            match found.addr() as u32 {
                at::AT_NULL => return None,
                found if found == kind => return Some(value),
                // SAFETY: as above.
                _ => next = unsafe { next.add(1) },
            }
        }
    }

    /// Bytes in a page (`AT_PAGESZ`).
    pub fn page_size(self) -> Option<usize> {
        self.value(at::AT_PAGESZ).map(|size| size.addr())
    }

    /// 16 bytes that are random in each process (`AT_RANDOM`).
    pub fn random(self) -> Option<&'static [u8; 16]> {
        // SAFETY: it is what the kernel passed for this.
        unsafe { random(self.value(at::AT_RANDOM)?) }
    }

    /// Whether the program has more rights than whoever started it (`AT_SECURE`), by its
    /// set-user-ID bit, say. Without the entry it has not.
    pub fn secure(self) -> bool {
        self.value(at::AT_SECURE)
            .is_some_and(|flag| !flag.is_null())
    }

    /// Bytes that a signal's frame takes at least (`AT_MINSIGSTKSZ`).
    pub fn minsigstksz(self) -> Option<usize> {
        self.value(AT_MINSIGSTKSZ).map(|size| size.addr())
    }

    /// The path by which the program was started (`AT_EXECFN`).
    pub fn execfn(self) -> Option<&'static CStr> {
        // SAFETY: it is what the kernel passed for this.
        unsafe { string(self.value(at::AT_EXECFN)?) }
    }
}

impl Iterator for Auxv {
    type Item = Aux;

    fn next(&mut self) -> Option<Aux> {
        // SAFETY: the vector ends in AT_NULL, at which `next` stops for good, and
        // its entries are the kernel's.
        unsafe {
            let [kind, value] = self.next.read();
            if kind.addr() == at::AT_NULL as usize {
                return None;
            }
            self.next = self.next.add(1);
            Some(Aux::from_raw(kind.addr(), value))
        }
    }
}

impl FusedIterator for Auxv {}
