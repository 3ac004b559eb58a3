//! What Python projects install: requirements, `pyproject.toml`, and the lock files of uv, Poetry, PDM, Pipenv and pip.

mod conda;
mod locked;
mod pdm_lock;
mod pipfile;
mod pipfile_lock;
mod poetry;
mod poetry_lock;
mod pylock;
pub(super) mod pypi;
mod pyproject;
mod requirements;
mod setup;
mod uv_lock;

use super::Format;

pub(super) const FORMATS: &[Format] = &[
    requirements::FORMAT,
    requirements::INPUT,
    pyproject::FORMAT,
    pyproject::UV_FORMAT,
    pyproject::PIXI_FORMAT,
    setup::FORMAT,
    conda::FORMAT,
    uv_lock::FORMAT,
    poetry_lock::FORMAT,
    pdm_lock::FORMAT,
    pylock::FORMAT,
    pipfile::FORMAT,
    pipfile_lock::FORMAT,
];

#[cfg(test)]
mod tests {
    use crate::catalogue::Catalogue;
    use crate::gather::repository::{Format, MAX_MENTIONS, Source};
    use proptest::prelude::*;
    use std::path::Path;
    use std::sync::LazyLock;

    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::built_in);

    /// Words of every format, put together by chance.
    const WORDS: [&str; 44] = [
        "[[package]]",
        "[package]",
        "[project]",
        "[packages]",
        "[[packages]]",
        "[metadata]",
        "[tool.poetry.dependencies]",
        "[options]",
        "name = ",
        "version = ",
        "files = ",
        "wheels = ",
        "source = ",
        "hash = ",
        "dependencies = ",
        "install_requires=",
        "\"openai\"",
        "'mcp'",
        "openai",
        "claude_agent_sdk-0.1.55-py3-none-any.whl",
        "\"==1.0\"",
        "==1.0",
        ">=1",
        "[",
        "]",
        "{",
        "}",
        "(",
        ")",
        ",",
        "\n",
        "\n    ",
        "\n      ",
        "--hash=sha256:",
        "-r ",
        "-e ",
        "GEM",
        "  specs:",
        "require ",
        "=> ",
        "gem ",
        "v1.0.0",
        "\\\n",
        "#",
    ];

    fn read_as_everything(bytes: &[u8]) {
        let formats = super::FORMATS.iter().chain(crate::gather::repository::languages::FORMATS);
        for (Format { read, .. }, name) in formats.flat_map(|format| ["setup.cfg", "setup.py"].map(|name| (format, name))) {
            let reading = read(&Source::new(Path::new(name), bytes, &CATALOGUE));
            assert!(reading.mentions.len() <= MAX_MENTIONS && reading.oddities.len() <= MAX_MENTIONS + 1);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            read_as_everything(&bytes);
        }

        #[test]
        fn no_words_panic(words in prop::collection::vec(prop::sample::select(&WORDS[..]), 0..40)) {
            read_as_everything(words.concat().as_bytes());
        }
    }

    /// What would fill the memory or the day, in each format.
    #[test]
    fn hostile_files_end() {
        let package = "[[package]]\nname = \"openai\"\nversion = \"1\"\n";
        for text in [
            package.repeat(10_100),
            "[[packages]]\nname = \"openai\"\n".repeat(10_100),
            format!(
                "{}[metadata.files]\n{}",
                "[[package]]\nname = \"a\"\n".repeat(20_000),
                (0..20_000).map(|i| format!("b{i} = []\n")).collect::<Vec<String>>().concat()
            ),
            format!("{package}files = [{}]\n", "{hash = \"x\"},".repeat(20_000)),
            format!("[project]\ndependencies = [{}]\n", "\"openai\",".repeat(20_000)),
            format!("install_requires=[{}]", "'openai',".repeat(20_000)),
            format!("GEM\n  specs:\n{}", "    openai (1.0)\n      openai\n".repeat(20_000)),
            format!("require (\n{})", "github.com/openai/openai-go v1.0.0\n".repeat(20_000)),
            "gem 'openai'\n".repeat(20_000),
            "'".repeat(100_000),
            "(".repeat(100_000),
        ] {
            read_as_everything(text.as_bytes());
        }
    }
}
