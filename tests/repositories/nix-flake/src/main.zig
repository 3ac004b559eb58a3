const faces = [_][]const u8{ "o1", "o3", "codex" };
pub fn main() void {}
