// Prints the arguments and the environment, one a line, through a buffer of 4096 bytes.
const std = @import("std");
const linux = std.os.linux;

var buffer: [4096]u8 = undefined;
var fill: usize = 0;

fn flush() void {
    _ = linux.write(1, &buffer, fill);
    fill = 0;
}

fn put(c: u8) void {
    buffer[fill] = c;
    fill += 1;
    if (fill == buffer.len) flush();
}

fn print(string: [*:0]const u8) void {
    var s = string;
    while (s[0] != 0) : (s += 1) put(s[0]);
    put('\n');
}

pub fn main(init: std.process.Init.Minimal) void {
    for (init.args.vector) |arg| print(arg);
    for (init.environ.block.slice) |variable| print(variable.?);
    flush();
}
