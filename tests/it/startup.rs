//! What Python would run or import besides the approved files of a tool: start-up files, byte code and modules that win over others.
#![cfg(unix)]

use crate::machine::{Search, distribution};
use std::fs;
use std::path::PathBuf;
use vetted::digest::{Digest, DigestSet};
use vetted::evidence::{Change, CoverageOutcome, Difference, Extent, Sighting};
use vetted::gather::measure::{List, Measurer, Silent};
use vetted::manifest::{FileListRef, Installed, Shape};
use vetted::world::cache::DigestCache;
use vetted::world::files::Files;

const PIPX: &str = "home/.local/share/pipx/venvs/llm";
const UV: &str = "home/.local/share/uv/tools/llm";
const VENV: &str = "work/.venv";
/// setuptools', from version 60 on.
const SHIM: &str = "import os; var = 'SETUPTOOLS_USE_DISTUTILS'; enabled = os.environ.get(var, 'local') == 'local'; \
                    enabled and __import__('_distutils_hack').add_shim(); \n";

fn site(environment: &str) -> String {
    format!("{environment}/lib/python3.11/site-packages")
}

/// An environment with the tool `llm` in it.
fn environment(folder: &str) -> Search {
    let mut search = Search::new();
    search.repository = Some(search.at("work"));
    search.machine.file(&format!("{folder}/pyvenv.cfg"), "home = /usr/bin\n");
    distribution(&search, &site(folder), "llm", "0.36", "");
    search
}

fn measurer() -> Measurer {
    Measurer::new(Files, DigestCache::off(), Box::new(Silent))
}

fn at(search: &Search, environment: &str, names: &[&str]) -> Vec<PathBuf> {
    let site = search.at(&site(environment));
    names.iter().map(|name| site.join(name)).collect()
}

#[test]
fn start_up_files_that_nobody_knows_are_strangers() {
    for folder in [PIPX, UV, VENV] {
        for (name, content) in [
            ("evil.pth", "import os; os.system('x')\n"),
            ("evil.pth", "import\tos\n"),
            ("evil.pth", "/opt\n# harmless\nimport evil\n"),
            ("evil.pth", "\u{feff}import evil\n"),
            ("distutils-precedence.pth", "import os; evil()\n"),
            ("other.pth", SHIM),
            ("evil.start", "evil:main\n"),
            ("sitecustomize.py", ""),
            ("usercustomize.py", ""),
            ("sitecustomize/__init__.py", ""),
            ("sitecustomize.cpython-311-x86_64-linux-gnu.so", ""),
            ("usercustomize.pyc", ""),
        ] {
            let search = environment(folder);
            search.machine.file(&format!("{}/{name}", site(folder)), content);
            let shown = name.split('/').next().unwrap();
            assert_eq!(search.only().strangers, at(&search, folder, &[shown]), "{folder} {name} {content:?}");
        }
    }
    // Bytes that are no text, and more than anybody reads.
    let search = environment(VENV);
    search.machine.file(&format!("{}/a.pth", site(VENV)), b"\xff\xfe");
    search.machine.file(&format!("{}/b.pth", site(VENV)), vec![b'#'; 100_000]);
    search.link(&format!("{}/c.pth", site(VENV)), "nowhere");
    assert_eq!(search.only().strangers, at(&search, VENV, &["a.pth", "b.pth", "c.pth"]));
    // `RECORD` is no authority: whoever adds a file adds its line.
    let search = environment(UV);
    search.machine.file(&format!("{}/evil.pth", site(UV)), "import evil\n");
    let record = search.at(&format!("{}/llm-0.36.dist-info/RECORD", site(UV)));
    fs::write(&record, fs::read_to_string(&record).unwrap() + "evil.pth,,\n").unwrap();
    assert_eq!(search.only().strangers, at(&search, UV, &["evil.pth"]));
}

#[test]
fn start_up_files_of_installers_are_known_by_their_bytes() {
    for folder in [PIPX, UV, VENV] {
        let search = environment(folder);
        for (name, content) in [
            ("distutils-precedence.pth", SHIM),
            ("comment.pth", "# nothing\n\n"),
            // What only looks like one.
            ("customize.py", ""),
            ("sitecustomize_not.py", ""),
            ("sitecustomize.txt", ""),
            ("x.pth.bak", "import evil"),
            ("folder.pth/x", ""),
        ] {
            search.machine.file(&format!("{}/{name}", site(folder)), content);
        }
        assert_eq!(search.only().strangers, [""; 0].map(PathBuf::from), "{folder}");
    }
    // virtualenv's and uv's file is known with what it imports, and not without.
    let search = environment(VENV);
    search.machine.file(&format!("{}/_virtualenv.pth", site(VENV)), "import _virtualenv");
    assert_eq!(search.only().strangers, [""; 0].map(PathBuf::from));
    search.machine.file(&format!("{}/_virtualenv.py", site(VENV)), "evil()");
    assert_eq!(search.only().strangers, at(&search, VENV, &["_virtualenv.py"]));
    search.machine.file(&format!("{}/_virtualenv/__init__.py", site(VENV)), "evil()");
    assert_eq!(search.only().strangers, at(&search, VENV, &["_virtualenv", "_virtualenv.py"]));
}

#[test]
fn folders_on_the_path_are_strangers_where_the_environment_is_the_tools_alone() {
    let content = "/home/me/project/src\n";
    for (folder, expected) in [(PIPX, &["project.pth"][..]), (UV, &["project.pth"]), (VENV, &[])] {
        let search = environment(folder);
        search.machine.file(&format!("{}/project.pth", site(folder)), content);
        assert_eq!(search.only().strangers, at(&search, folder, expected), "{folder}");
    }
    // What pipx shares among its environments.
    let search = environment(PIPX);
    let shared = search.at("home/.local/share/pipx/shared/lib/python3.11/site-packages");
    fs::create_dir_all(&shared).unwrap();
    let pth = format!("{}/pipx_shared.pth", site(PIPX));
    search.machine.file(&pth, format!("{}\n", shared.display()));
    assert_eq!(search.only().strangers, [""; 0].map(PathBuf::from));
    fs::create_dir_all(search.at("home/.local/share/pipx/elsewhere")).unwrap();
    for elsewhere in ["../../../../elsewhere", "../../../../not-there", "../../../../../../x"] {
        search.machine.file(&pth, format!("{}/{elsewhere}\n", shared.display()));
        assert_eq!(search.only().strangers, at(&search, PIPX, &["pipx_shared.pth"]), "{elsewhere}");
    }
    search.machine.file(&pth, "shared/lib\n");
    assert_eq!(search.only().strangers, at(&search, PIPX, &["pipx_shared.pth"]));
}

/// What an approval pins of `llm` as it lies there.
struct Approval {
    installed: Installed,
    list: List,
}

impl Approval {
    fn of(sighting: &Sighting) -> Self {
        let Extent::Members { include, exclude } = sighting.extent.clone() else { panic!("{:?}", sighting.extent) };
        let tree = measurer().tree_of(sighting).unwrap();
        let digests = DigestSet::from(Digest::sha256_of(b"list"));
        let installed = Installed {
            platform: None,
            package: None,
            shape: Shape::Tree { include, exclude },
            digests: DigestSet::from(tree.digest),
            files: Some(FileListRef { path: "files.json".into(), digests }),
        };
        Self { installed, list: List::Files(tree.list) }
    }

    /// [`Approval::of`] with globs that leave out more than interpreters write, as older approvals and hand-written ones do.
    fn leaving_out(sighting: &Sighting, globs: &[&str]) -> Self {
        let Extent::Members { include, .. } = sighting.extent.clone() else { panic!("{:?}", sighting.extent) };
        let exclude = globs.iter().map(|&glob| glob.to_owned()).collect();
        Self::of(&Sighting { extent: Extent::Members { include, exclude }, ..sighting.clone() })
    }

    /// The strangers, and the first difference.
    fn measure(&self, search: &Search) -> (Vec<PathBuf>, Option<Difference>) {
        let mut sighting = search.only();
        measurer().answer(&mut sighting, &self.installed, Some(Ok(&self.list)));
        (sighting.strangers, sighting.measurements.remove(0).difference)
    }
}

/// Byte code as the compiler writes it: magic, flags, then eight bytes of time and size or of a hash.
fn byte_code(flags: u32) -> Vec<u8> {
    let mut bytes = b"\xa7\x0d\x0d\x0a".to_vec();
    bytes.extend(flags.to_le_bytes());
    bytes.extend([0; 8]);
    bytes.extend(b"code");
    bytes
}

#[test]
fn extra_modules_in_the_tools_own_packages_differ_from_its_tree() {
    for name in ["llm/evil.py", "llm/__init__.cpython-311-x86_64-linux-gnu.so", "llm/sub/x.pyd", "llm/data.txt"] {
        let search = environment(UV);
        let approval = Approval::of(&search.only());
        assert_eq!(approval.measure(&search), (Vec::new(), None));
        search.machine.file(&format!("{}/{name}", site(UV)), "evil");
        let difference = Difference { path: name.to_owned(), change: Change::Extra };
        assert_eq!(approval.measure(&search).1, Some(difference), "{name}");
    }
}

#[test]
fn byte_code_that_is_loaded_without_a_look_at_its_source_is_a_stranger() {
    let search = environment(UV);
    search.machine.file(&format!("{}/llm/sub/x.py", site(UV)), "");
    let approval = Approval::leaving_out(&search.only(), &["**/__pycache__/**", "**/*.pyc"]);
    let cases = [
        // By time and size, and by a hash that is checked: Python compares it with the source.
        ("llm/__pycache__/__init__.cpython-311.pyc", byte_code(0), false),
        ("llm/__pycache__/__init__.cpython-311.pyc", byte_code(0b11), false),
        ("llm/__pycache__/__init__.cpython-311.pyc", byte_code(0b01), true),
        ("llm/sub/__pycache__/x.cpython-311.opt-1.pyc", byte_code(0b01), true),
        ("llm/sub/__pycache__/gone.cpython-311.pyc", byte_code(0b01), false),
        ("llm/__pycache__/__init__.cpython-311.pyc", b"\xa7\x0d\x0d\x0a\x01".to_vec(), false),
        // In the place of a source, with and without one.
        ("llm/sub/evil.pyc", byte_code(0), true),
        ("llm/sub/x.pyc", byte_code(0), false),
        // No interpreter writes these, and each can be imported by its name.
        ("llm/__pycache__/evil.py", b"evil()".to_vec(), true),
        ("llm/__pycache__/evil.pyc", byte_code(0), true),
        ("llm/__pycache__/evil.abi3.so", Vec::new(), true),
        ("llm/__pycache__/notes.txt", Vec::new(), false),
    ];
    for (name, content, is_stranger) in cases {
        let path = search.machine.file(&format!("{}/{name}", site(UV)), content);
        let expected = if is_stranger { at(&search, UV, &[name]) } else { Vec::new() };
        assert_eq!(approval.measure(&search), (expected, None), "{name}");
        fs::remove_file(path).unwrap();
    }
}

/// What an approval leaves out is what interpreters write, by its name, and nothing that only lies in or near such a folder.
#[test]
fn what_only_looks_like_byte_code_is_measured() {
    let search = environment(UV);
    let site = site(UV);
    let record = format!("{site}/llm-0.36.dist-info/RECORD");
    search
        .machine
        .file(&record, "llm/__init__.py,,\nmy__pycache__x/__init__.py,,\nother__pycache__.py,,\nns/__pycache__/mod.py,,\n");
    for file in ["my__pycache__x/__init__.py", "my__pycache__x/mod.py", "other__pycache__.py", "ns/__pycache__/mod.py"] {
        search.machine.file(&format!("{site}/{file}"), "");
    }
    let approval = Approval::of(&search.only());
    for written in [
        "llm/__pycache__/__init__.cpython-311.pyc",
        "llm/__pycache__/__init__.pypy310.opt-2.pyc",
        "llm/__pycache__/__init__.cpython-311.pyc.139872348923",
        "ns/__pycache__/mod.cpython-311.pyc",
    ] {
        search.machine.file(&format!("{site}/{written}"), byte_code(0));
    }
    assert_eq!(approval.measure(&search), (Vec::new(), None));
    for name in [
        "my__pycache__x/mod.py",
        "other__pycache__.py",
        "ns/__pycache__/mod.py",
        "llm/__pycache__/evil.py",
        "llm/__pycache__/evil.pyc",
        "llm/__pycache__/deep/evil.py",
        "llm/__pycache__/x.cpython-311.pyc.py",
        "llm/sub/evil.pyc",
        "llm/evil.pyc",
    ] {
        let path = search.at(&format!("{site}/{name}"));
        let before = fs::read(&path).ok();
        search.machine.file(&format!("{site}/{name}"), "evil()");
        let change = if before.is_some() { Change::Changed } else { Change::Extra };
        assert_eq!(approval.measure(&search).1, Some(Difference { path: name.to_owned(), change }), "{name}");
        match before {
            Some(bytes) => fs::write(&path, bytes).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
    }
}

/// Byte code that fits the time and size of its source is loaded and cannot be told from what Python wrote: that is said, once.
#[test]
fn that_byte_code_is_not_compared_is_said() {
    let said = |search: &Search| {
        let coverage = search.find().coverage;
        coverage.into_iter().filter(|c| c.source == "python-byte-code").map(|c| c.outcome).collect::<Vec<_>>()
    };
    let search = environment(UV);
    assert!(matches!(&said(&search)[..], [CoverageOutcome::Unsupported(why)] if why.contains("not compared with its source")));
    assert_eq!(said(&Search::new()), []);
}

/// Python looks for byte code behind a link as well.
#[cfg(unix)]
#[test]
fn byte_code_behind_a_link_is_a_stranger_too() {
    let search = environment(UV);
    search.machine.file(&format!("{}/llm/sub/x.py", site(UV)), "");
    let older = Approval::leaving_out(&search.only(), &["**/__pycache__/**"]);
    let approval = Approval::of(&search.only());
    let elsewhere = search.machine.file("elsewhere/x.cpython-311.pyc", byte_code(0b01));
    let sub = search.machine.file(&format!("{}/llm/sub/x.py", site(UV)), "").parent().unwrap().to_owned();
    std::os::unix::fs::symlink(elsewhere.parent().unwrap(), sub.join("__pycache__")).unwrap();
    assert_eq!(older.measure(&search), (at(&search, UV, &["llm/sub/__pycache__/x.cpython-311.pyc"]), None));
    // No interpreter makes such a link.
    let link = Difference { path: "llm/sub/__pycache__".to_owned(), change: Change::Extra };
    assert_eq!(approval.measure(&search), (Vec::new(), Some(link)));
}

/// One answer stands for all variants of an artifact without a list: strangers are looked for whichever of them it was asked for.
#[test]
fn strangers_are_looked_for_whichever_variant_is_there() {
    let search = environment(VENV);
    let mut approval = Approval::of(&search.only());
    approval.installed.files = None;
    approval.installed.digests = DigestSet::from(Digest::DirHash([9; 32]));
    let poisoned = "llm/__pycache__/__init__.cpython-311.pyc";
    search.machine.file(&format!("{}/{poisoned}", site(VENV)), byte_code(0b01));
    let mut sighting = search.only();
    measurer().answer(&mut sighting, &approval.installed, None);
    assert_eq!((sighting.strangers, sighting.measurements[0].difference.clone()), (at(&search, VENV, &[poisoned]), None));
}

/// A package, and an extension module for exactly this platform, win over an approved extension module.
#[test]
fn what_wins_over_an_approved_extension_module_is_a_stranger() {
    let search = environment(VENV);
    let site = site(VENV);
    search.machine.file(&format!("{site}/llm-0.36.dist-info/RECORD"), "llm/__init__.py,,\nquick.abi3.so,,\n");
    search.machine.file(&format!("{site}/quick.abi3.so"), "");
    let approval = Approval::of(&search.only());
    assert_eq!(approval.measure(&search), (Vec::new(), None));
    for (name, shown) in
        [("quick/__init__.py", "quick"), ("quick.cpython-311-x86_64-linux-gnu.so", "quick.cpython-311-x86_64-linux-gnu.so")]
    {
        let path = search.machine.file(&format!("{site}/{name}"), "");
        assert_eq!(approval.measure(&search), (at(&search, VENV, &[shown]), None), "{name}");
        fs::remove_file(&path).unwrap();
        let _ = fs::remove_dir(path.parent().unwrap());
    }
}

#[test]
fn modules_that_win_over_approved_ones_are_strangers() {
    let search = environment(VENV);
    let site = site(VENV);
    let record = format!("{site}/llm-0.36.dist-info/RECORD");
    search.machine.file(&record, "llm/__init__.py,,\nsingle.py,,\nspace/inner/__init__.py,,\nspace/two/x.py,,\nown.pth,,\n");
    for file in ["single.py", "space/inner/__init__.py", "space/two/x.py"] {
        search.machine.file(&format!("{site}/{file}"), "");
    }
    search.machine.file(&format!("{site}/own.pth"), "import llm\n");
    let approval = Approval::of(&search.only());
    // The tool's own start-up file is in its tree: the approval speaks of it.
    assert_eq!(search.only().strangers, at(&search, VENV, &["own.pth"]));
    assert_eq!(approval.measure(&search), (Vec::new(), None));
    for (name, shown) in [
        ("single/__init__.py", Some("single")),
        ("single/data.txt", None),
        ("single.cpython-311-x86_64-linux-gnu.so", Some("single.cpython-311-x86_64-linux-gnu.so")),
        ("singular.so", None),
        ("space/__init__.py", Some("space/__init__.py")),
        ("space.py", Some("space.py")),
        ("space/two/__init__.py", Some("space/two/__init__.py")),
        ("space/two/x.abi3.so", Some("space/two/x.abi3.so")),
        ("space/other/__init__.py", None),
    ] {
        let path = search.machine.file(&format!("{site}/{name}"), "");
        let expected: Vec<&str> = shown.into_iter().collect();
        assert_eq!(approval.measure(&search), (at(&search, VENV, &expected), None), "{name}");
        fs::remove_file(&path).unwrap();
        let _ = fs::remove_dir(path.parent().unwrap());
    }
    let cached = search.machine.file(&format!("{site}/__pycache__/single.cpython-311.pyc"), byte_code(0b01));
    assert_eq!(approval.measure(&search).0, [cached]);
}
