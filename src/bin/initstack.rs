//! Draws the initial stack of its own process: what the kernel hands to a new one, from
//! the strings down to where the stack pointer points when it enters at `_start`.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::{CStr, c_char};

use freestand::env::{self, Aux, InitialStack};
use freestand::{arch, println};

freestand::entry!(main);

/// Columns of the drawing.
const WIDTH: usize = 80;
/// Columns of an address, of which user space uses no more than 47 of 64 bits, and of
/// the mark before it.
const MARGIN: usize = "sp -> 0x".len() + if size_of::<usize>() == 8 { 12 } else { 8 };
/// Columns of a cell: an auxv entry's type, and a word. Numbers that need more get it.
const CELL: usize = "33, 0x".len() + 2 * size_of::<usize>();
/// More strings than these are shown by their first and their last ones.
const FEW: usize = 16;

fn main() {
    let stack = env::initial_stack();
    let sp = stack.as_ptr();
    println!("{}, words of {} bytes\n", arch::NAME, size_of::<usize>());

    rule("┌", "┐  high addresses");
    draw_strings(stack);
    rule("├", "┤");
    draw_auxv(stack);
    rule("├", "┤");
    draw_pointers("envp", stack.envp());
    rule("├", "┤");
    draw_pointers("argv", stack.argv());
    rule("├", "┤");
    let argc = format!("{}", stack.argv().len());
    row(&format!("sp ─► {sp:p}"), &argc, "argc");
    rule("└", "┘  low addresses");
}

/// What the words below point at, as far as it is known what that is.
fn draw_strings(stack: InitialStack) {
    let string = |at: *const c_char, name: &str| (at.addr(), quoted(at), String::from(name));
    let mut strings = Vec::new();
    for entry in stack.auxv() {
        let name = entry.name().unwrap_or_default();
        match entry {
            Aux::Platform(Some(text)) | Aux::BasePlatform(Some(text)) | Aux::Execfn(Some(text)) => {
                strings.push(string(text.as_ptr(), name));
            }
            Aux::Random(Some(bytes)) => {
                strings.push((bytes.as_ptr().addr(), "16 bytes".into(), name.into()));
            }
            _ => {}
        }
    }
    let first = |strings: &[*const c_char], name| strings.first().map(|at| string(*at, name));
    strings.extend(first(stack.envp(), "envp[0] …"));
    strings.extend(first(stack.argv(), "argv[0] …"));
    strings.sort_unstable();
    for (address, text, name) in strings.iter().rev() {
        let text = shortened(text, CELL);
        row(&format!("{address:#x}"), &text, &format!("◄── {name}"));
    }
    let end = stack.auxv().as_slice().as_ptr_range().end.wrapping_add(1);
    let lowest = strings.first().map_or(end.addr(), |lowest| lowest.0);
    if lowest > end.addr() {
        let bytes = lowest - end.addr();
        row("", "padding", &format!("in bytes: {bytes}"));
    }
}

/// The auxiliary vector, each entry with its type and its value.
fn draw_auxv(stack: InitialStack) {
    let entries = stack.auxv().as_slice();
    let end = entries.as_ptr_range().end;
    row(&format!("{end:p}"), "0, 0", "AT_NULL");
    let decoded: Vec<Aux> = stack.auxv().collect();
    for (entry, aux) in entries.iter().zip(decoded).rev() {
        let [kind, value] = entry.map(|word| word.addr());
        let cell = format!("{kind}, {value:#x}");
        let mut meaning = String::from(aux.name().unwrap_or("unknown"));
        let shown = format!("{aux}");
        if !cell.ends_with(&format!(" {shown}")) {
            meaning = format!("{meaning}: {shown}");
        }
        row(&format!("{entry:p}"), &cell, &meaning);
    }
}

/// The pointers of `argv` or `envp`, and the null pointer at their end.
fn draw_pointers(name: &str, strings: &[*const c_char]) {
    let (end, count) = (strings.as_ptr_range().end, strings.len());
    row(&format!("{end:p}"), "0", &format!("{name}[{count}]"));
    let left_out = FEW / 2..count.saturating_sub(FEW / 2);
    for (i, string) in strings.iter().enumerate().rev() {
        let (address, string) = (&raw const *string, *string);
        if !left_out.contains(&i) {
            let meaning = format!("{name}[{i}] {}", quoted(string));
            row(&format!("{address:p}"), &format!("{string:p}"), &meaning);
        } else if i == left_out.start {
            let last = left_out.end - 1;
            row("⋮", "⋮", &format!("{name}[{i}] to {name}[{last}]"));
        }
    }
}

/// The beginning of the string that ends in NUL, as Rust would write it.
fn quoted(string: *const c_char) -> String {
    // SAFETY: it is one of the initial stack's.
    let bytes = unsafe { CStr::from_ptr(string) }.to_bytes();
    // More would not be seen.
    format!("\"{}\"", bytes[..bytes.len().min(WIDTH)].escape_ascii())
}

/// A line of the drawing.
fn row(address: &str, cell: &str, meaning: &str) {
    let line = format!("{address:>MARGIN$} │ {cell:>CELL$} │ {meaning}");
    println!("{}", shortened(&line, WIDTH));
}

/// A line between two parts.
fn rule(left: &str, right: &str) {
    println!("{:MARGIN$} {left}{:─<2$}{right}", "", "", CELL + 2);
}

/// As many columns of the text as there are, the last for the sign that it goes on.
fn shortened(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return String::from(text);
    }
    text.chars().take(columns - 1).chain(['…']).collect()
}
