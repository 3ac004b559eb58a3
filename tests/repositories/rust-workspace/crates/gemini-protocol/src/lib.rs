//! Gemini, the protocol of 2019 (`gemini://`), and no model of anybody.

/// The port.
pub const PORT: u16 = 1965;

/// Walks over lines. Zero-width joiners such as in "👩‍🚀" stay together.
pub fn cursor(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').filter(|line| !line.contains('\u{200b}'))
}

#[test]
fn order() {
    let (o1, o3) = ("o1", "o3");
    assert!(o1 < o3, "claude and codex are only words here: {:?}", cursor("codex\nclaude").count());
}
