//! What JavaScript projects install: `package.json`, the catalogs it refers to, and the lock files of npm, pnpm, yarn and bun.

mod bun_lock;
pub(super) mod catalogs;
mod lock;
pub(super) mod npm;
mod package_json;
mod package_lock;
mod pnpm_lock;
mod pnpm_workspace;
mod yarn_classic;
mod yarn_lock;

use super::Format;

pub(super) use bun_lock::{forget_spoken_for, is_binary as is_binary_lock};

pub(super) const FORMATS: &[Format] = &[
    package_json::FORMAT,
    package_lock::FORMAT,
    pnpm_lock::FORMAT,
    pnpm_workspace::FORMAT,
    pnpm_workspace::YARN_FORMAT,
    yarn_lock::FORMAT,
    bun_lock::FORMAT,
    bun_lock::BINARY_FORMAT,
];

#[cfg(test)]
mod tests {
    use crate::catalogue::Catalogue;
    use crate::gather::repository::read_for_fuzzing;
    use proptest::prelude::*;
    use std::path::Path;
    use std::sync::LazyLock;

    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(Catalogue::built_in);

    const SEEDS: [(&str, &str); 7] = [
        (
            "package.json",
            r#"{"dependencies": {"@openai/codex": "^0.1"}, "overrides": {"a>b": {".": "1"}}, "workspaces": {"catalog": {"opencode-ai": "1"}}}"#,
        ),
        (
            "package-lock.json",
            r#"{"packages": {"": {"dependencies": {"a": "1"}}, "node_modules/a": {"dependencies": {"@openai/codex": "1"}},
"node_modules/@openai/codex": {"version": "0.1.0", "resolved": "https://acme.example/@openai/codex/-/codex-0.1.0.tgz"}}}"#,
        ),
        (
            "pnpm-lock.yaml",
            "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      n:\n        version: '@openai/codex@0.1.0(a@1)'\npackages:\n  '@openai/codex@0.1.0': {resolution: {integrity: sha512-x}}\n  /@openai/codex/0.2.0_a@1:\n    name: x\nsnapshots:\n  '@openai/codex@0.1.0(a@1)': {}\n",
        ),
        ("pnpm-workspace.yaml", "catalog: {'@openai/codex': 0.1.0}\noverrides:\n  a>opencode-ai: 'npm:@openai/codex@1'\n"),
        (
            "yarn.lock",
            "# yarn lockfile v1\n\n\"@openai/codex@^0.1\", \"n@npm:@openai/codex@0.1.0\":\n  version \"0.1.0\"\n  resolved \"https://acme.example/@openai/codex/-/codex-0.1.0.tgz#0\"\n  dependencies:\n    a \"1\"\n",
        ),
        (
            "yarn.lock",
            "__metadata:\n  version: 8\n\"n@npm:@openai/codex@0.1.0\":\n  version: 0.1.0\n  resolution: \"@openai/codex@npm:0.1.0::__archiveUrl=https%3A%2F%2Fa\"\n  dependencies:\n    n: npm:@openai/codex@0.1.0\n",
        ),
        (
            "bun.lock",
            r#"{"lockfileVersion": 1, "workspaces": {"": {"dependencies": {"a": "1"}}}, "packages": {"a": ["a@1"],
"a/@openai/codex": ["@openai/codex@0.1.0", "https://acme.example/x", {"dependencies": {"a": "1"}}, "sha512-x"],}}"#,
        ),
    ];

    /// One edit: where, how many bytes go, and what comes in their place.
    fn edit() -> impl Strategy<Value = (prop::sample::Index, usize, Vec<u8>)> {
        let part = prop_oneof![
            Just(b"@openai/codex".to_vec()),
            Just(b"\n  ".to_vec()),
            "[{}\\[\\]:,\"'@/#\\\\&*!|>~%_()\r\n -]{1,3}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..4),
        ];
        (any::<prop::sample::Index>(), 0..6_usize, part)
    }

    #[test]
    fn every_seed_names_a_tool() {
        for (path, text) in SEEDS {
            assert!(!read_for_fuzzing(Path::new(path), text.as_bytes(), &CATALOGUE).mentions.is_empty(), "{path}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn spoiled_files_are_read_or_said_to_be_odd(seed in 0..SEEDS.len(), edits in prop::collection::vec(edit(), 1..5)) {
            let (path, text) = SEEDS[seed];
            let mut bytes = text.as_bytes().to_vec();
            for (at, gone, come) in edits {
                let start = at.index(bytes.len() + 1);
                let end = (start + gone).min(bytes.len());
                bytes.splice(start..end, come);
            }
            let found = read_for_fuzzing(Path::new(path), &bytes, &CATALOGUE);
            let lines = memchr::memchr_iter(b'\n', &bytes).count() + 1;
            for mention in &found.mentions {
                let line = usize::try_from(mention.location.line.unwrap()).unwrap();
                prop_assert!((1..=lines).contains(&line), "{mention:?}");
            }
        }
    }
}
