//! Which files hold the weights of a model: by the ending of their names, which decides where to look and never what is approved.

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

/// Whether a file of this name holds weights.
#[must_use]
pub fn holds_weights(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| ENDINGS.iter().any(|known| known.eq_ignore_ascii_case(ending)))
}
