//! What people and programs read, one format a file: `fn render(&Report, &mut dyn Write)`.
