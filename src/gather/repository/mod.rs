//! Tools named by repository content, one format a file.
