//! What a signal has interrupted.

use core::ptr;

use super::{SigSet, SigStack, SsFlags};
use crate::arch::{KernelUContext, ucontext};

/// What a handler has interrupted, as the kernel has kept it and restores it when the
/// handler returns: sigaction(2), "The ucontext_t argument". What a handler changes here
/// is what it returns to. Its methods are async-signal-safe.
///
/// Words are the processor's registers, of the same size and order as the kernel's
/// structure, which the architecture's file in `src/arch` has.
#[repr(transparent)]
pub struct UContext(KernelUContext);

impl UContext {
    /// The program counter: the instruction that comes next, or for a fault the one that
    /// could not be done.
    pub const fn pc(&self) -> usize {
        self.0.registers[ucontext::PC]
    }

    /// Goes on at `pc`.
    ///
    /// # Safety
    ///
    /// The code there must expect the registers and the stack as they will be.
    pub const unsafe fn set_pc(&mut self, pc: usize) {
        self.0.registers[ucontext::PC] = pc;
    }

    /// Has the interrupted code go on in the calling thread, if another was interrupted: with
    /// its thread pointer and its alternate stack.
    #[cfg(feature = "alloc")]
    pub(crate) fn adopt(&mut self) -> crate::sys::Result<()> {
        if let Some(register) = ucontext::THREAD_POINTER {
            self.0.registers[register] = crate::arch::thread_pointer().addr();
        }
        // SAFETY: it asks.
        let stack = unsafe { super::raw::sigaltstack(None) }?;
        let flags = ptr::without_provenance_mut(stack.ss_flags.bits() as u32 as usize);
        self.0.stack = [
            stack.ss_sp,
            flags,
            ptr::without_provenance_mut(stack.ss_size),
        ];
        Ok(())
    }

    /// The stack pointer.
    pub const fn sp(&self) -> usize {
        self.0.registers[ucontext::SP]
    }

    /// Goes on with this stack pointer.
    ///
    /// # Safety
    ///
    /// What goes on must find its stack there.
    pub const unsafe fn set_sp(&mut self, sp: usize) {
        self.0.registers[ucontext::SP] = sp;
    }

    /// The register for the frame pointer; whether it holds one is the compiler's choice.
    pub const fn frame_pointer(&self) -> usize {
        self.0.registers[ucontext::FRAME_POINTER]
    }

    /// The register for a system call's argument `index`, from 0 to 5: at SIGSYS, what the
    /// call was to be made with. On aarch64 and riscv64 a function's arguments are in the
    /// same ones, on x86_64 but for the fourth.
    pub fn argument(&self, index: usize) -> Option<usize> {
        let register = *ucontext::ARGUMENTS.get(index)?;
        self.0.registers.get(register).copied()
    }

    /// The register in which a system call, or a function, returns its result.
    pub const fn result(&self) -> usize {
        self.0.registers[ucontext::RESULT]
    }

    /// Goes on with this result: at SIGSYS, what the forbidden call seems to return.
    ///
    /// # Safety
    ///
    /// What goes on must expect one, and this one.
    pub const unsafe fn set_result(&mut self, result: usize) {
        self.0.registers[ucontext::RESULT] = result;
    }

    /// Which signals were held back.
    pub const fn mask(&self) -> SigSet {
        SigSet(self.0.mask)
    }

    /// Goes on with these held back.
    pub const fn set_mask(&mut self, mask: SigSet) {
        self.0.mask = mask.0;
    }

    /// The thread's alternate stack, whether or not the handler runs on it.
    pub fn alternate_stack(&self) -> SigStack {
        let [sp, flags, size] = self.0.stack;
        SigStack {
            ss_sp: sp as _,
            // An int; what is above it, on a machine of 64 bits, is padding.
            ss_flags: SsFlags::from_bits_retain(flags as usize as i32),
            ss_size: size as usize,
        }
    }
}
