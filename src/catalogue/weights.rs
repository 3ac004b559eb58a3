//! Which files hold the weights of a model: by the ending of their names, which decides where to look and never what is approved; and
//! of files that nobody knows by their bytes as well.

use std::path::Path;

/// Endings of files that hold weights, or code that a runtime loads with them.
const ENDINGS: [&str; 18] = [
    "safetensors",
    "gguf",
    "ggml",
    "bin",
    "pt",
    "pth",
    "ckpt",
    "onnx",
    "onnx_data",
    "h5",
    "keras",
    "msgpack",
    "tflite",
    "pkl",
    "pickle",
    "npz",
    "mlmodel",
    "py",
];

/// Endings that nothing but weights has.
const ALWAYS: [&str; 7] = ["safetensors", "gguf", "ggml", "onnx", "onnx_data", "tflite", "mlmodel"];
/// Endings that weights and other things have: Portuguese texts, paths of Python, checkpoints of anything.
const IF_NO_TEXT: [&str; 4] = ["pt", "pth", "ckpt", "keras"];
/// Beginnings of names that weights have under an ending that anything may have (Hugging Face, whisper.cpp, Llama).
const NAMES: [&str; 9] = [
    "pytorch_model",
    "adapter_model",
    "diffusion_pytorch_model",
    "consolidated.",
    "ggml-",
    "ggml_",
    "tf_model",
    "flax_model",
    "model_weights",
];

/// Whether a file of this name holds weights.
#[must_use]
pub fn holds_weights(path: &Path) -> bool {
    has_ending(path, &ENDINGS)
}

/// Whether a file with this ending, in lower case, holds weights.
#[must_use]
pub fn is_ending_of_weights(ending: &str) -> bool {
    ENDINGS.contains(&ending)
}

/// Whether a file that nobody knows holds weights, by its name and its bytes; for a pointer to a file, which has no bytes, by its name
/// alone.
#[must_use]
pub fn are_weights(path: &Path, bytes: Option<&[u8]>) -> bool {
    if has_ending(path, &ALWAYS) {
        return true;
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_named = NAMES.iter().any(|known| name.get(..known.len()).is_some_and(|head| head.eq_ignore_ascii_case(known)));
    if has_ending(path, &["bin", "h5", "msgpack"]) && is_named {
        return true;
    }
    match bytes {
        None => has_ending(path, &IF_NO_TEXT),
        Some(bytes) => {
            let head = &bytes[..bytes.len().min(1024)];
            let is_binary = head.contains(&0) || std::str::from_utf8(head).is_err_and(|error| error.error_len().is_some());
            has_ending(path, &IF_NO_TEXT) && is_binary || has_ending(path, &ENDINGS) && is_made_of_weights(head)
        }
    }
}

/// The beginnings of formats that hold nothing but weights: GGUF and its forerunners, and what `torch.save` writes.
fn is_made_of_weights(head: &[u8]) -> bool {
    let is_ggml = [&b"GGUF"[..], b"lmgg", b"fmgg", b"tjgg"].iter().any(|magic| head.starts_with(magic));
    // A zip whose first member is the pickle of an archive of tensors.
    let is_torch = head.starts_with(b"PK\x03\x04") && memchr::memmem::find(head, b"/data.pkl").is_some();
    is_ggml || is_torch
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| endings.iter().any(|known| known.eq_ignore_ascii_case(ending)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_knows_is_told_by_name_and_bytes() {
        for (path, bytes) in [
            ("a.safetensors", &b""[..]),
            ("A.GGUF", b"x"),
            ("pytorch_model-00001-of-00002.bin", b"x"),
            ("a.pth", b"\x80\x02\x00"),
            ("best.pt", b"PK\x03\x04\x00"),
            ("a.bin", b"GGUF\x03\0\0\0"),
            ("a.pkl", b"PK\x03\x04\0\0archive/data.pkl"),
        ] {
            assert!(are_weights(Path::new(path), Some(bytes)), "{path}");
        }
        for (path, bytes) in [
            ("firmware.bin", &b"\0\0\0\0"[..]),
            ("messages.pt", b"Ol\xc3\xa1, mundo"),
            ("site.pth", b"/srv/lib\n"),
            ("data.npz", b"PK\x03\x04x.npy"),
            ("data.h5", b"\x89HDF\r\n"),
            ("a.pkl", b"\x80\x04"),
            ("model.py", b"import torch"),
            ("cache.msgpack", b"\x80"),
            ("README.md", b"GGUF"),
        ] {
            assert!(!are_weights(Path::new(path), Some(bytes)), "{path}");
        }
        assert!(are_weights(Path::new("a.pt"), None) && !are_weights(Path::new("a.bin"), None));
    }
}
