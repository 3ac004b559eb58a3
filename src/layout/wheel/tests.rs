use super::*;
use crate::digest::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

fn sum(text: &str) -> [u8; 32] {
    Digest::sha256_of(text.as_bytes()).as_bytes().try_into().unwrap()
}

/// A wheel of these files, with the descriptions and the RECORD that belong to them unless the test brings its own.
fn wheel(files: &[(&str, &str)]) -> Contents {
    let mut all: Vec<(String, String)> = files.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect();
    let mut add = |name: &str, text: String| {
        let name = format!("x_y-1.0.dist-info/{name}");
        if !all.iter().any(|(n, _)| *n == name) {
            all.push((name, text));
        }
    };
    add("METADATA", "Metadata-Version: 2.4\nName: X.y\nVersion: 1.0\n\nName: z\n".to_owned());
    add("WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n".to_owned());
    let rows = |all: &[(String, String)]| -> String {
        let row = |(n, t): &(String, String)| format!("{n},sha256={},{}", URL_SAFE_NO_PAD.encode(sum(t)), t.len());
        all.iter().map(row).chain([String::new()]).collect::<Vec<_>>().join("\n")
    };
    if !all.iter().any(|(n, _)| n.ends_with("/RECORD")) {
        let text = format!("{}x_y-1.0.dist-info/RECORD,,\n", rows(&all));
        all.push(("x_y-1.0.dist-info/RECORD".to_owned(), text));
    }
    let file = |(name, text): &(String, String)| Unpacked {
        name: name.clone(),
        sha256: sum(text),
        size: text.len() as u64,
        executable: false,
        start: [0; 16],
        as_unix_script: None,
    };
    let mut unpacked: Vec<Unpacked> = all.iter().map(file).collect();
    unpacked.sort_by(|a, b| a.name.cmp(&b.name));
    let kept = all.iter().filter(|(n, t)| keep(n, t.len() as u64)).map(|(n, t)| (n.clone(), t.clone().into_bytes())).collect();
    Contents { files: unpacked, links: Vec::new(), kept }
}

fn names(wheel: &Wheel) -> Vec<&str> {
    wheel.tree.list.files.iter().map(|file| file.name.as_str()).collect()
}

const NAME: &str = "x_y-1.0-py3-none-any.whl";

#[test]
fn members_lie_where_installers_put_them() {
    let laid = lay(
        NAME,
        &wheel(&[
            ("pkg/__init__.py", ""),
            ("pkg/__pycache__/a.cpython-311.pyc", ""),
            ("ns/part/a.py", "1"),
            ("x_y-1.0.data/platlib/pkg/_native.so", "2"),
            ("x_y-1.0.data/scripts/x", "#!python\n"),
            ("x_y-1.0.data/data/share/x.txt", ""),
            ("x_y-1.0.dist-info/entry_points.txt", "[console_scripts]\nx = pkg:main\n[other]\ny = z\n"),
        ]),
    )
    .unwrap();
    assert_eq!((laid.name.as_str(), laid.version.as_str(), laid.platforms.as_slice()), ("X.y", "1.0", &[][..]));
    assert_eq!(laid.include, ["ns/part/a.py", "pkg/**", "x_y-1.0.dist-info/**"]);
    let info = ["METADATA", "WHEEL", "entry_points.txt"].map(|name| format!("x_y-1.0.dist-info/{name}"));
    let expected: Vec<&str> =
        ["ns/part/a.py", "pkg/__init__.py", "pkg/_native.so"].into_iter().chain(info.iter().map(String::as_str)).collect();
    assert_eq!(names(&laid), expected);
    assert_eq!((laid.commands, laid.outside.len()), (vec!["x".to_owned()], 2));
    let elsewhere = wheel(&[("x_y-1.0.data/boot/x", "")]);
    assert_eq!(lay(NAME, &elsewhere), Err(LayoutRefusal::Outside("x_y-1.0.data/boot/x".to_owned())));
    // The same place by two names.
    let twice = wheel(&[("a.py", "1"), ("x_y-1.0.data/purelib/a.py", "2")]);
    assert!(matches!(lay(NAME, &twice), Err(LayoutRefusal::Tree(_))));
}

#[test]
fn a_record_that_its_own_wheel_contradicts_is_refused() {
    let info = |rows: &str| {
        let described = ["METADATA", "WHEEL"].map(|name| {
            let text = &wheel(&[]).kept[&format!("x_y-1.0.dist-info/{name}")];
            format!("x_y-1.0.dist-info/{name},sha256={},\n", hex::encode(sum(std::str::from_utf8(text).unwrap())))
        });
        format!("{}{rows}", described.concat())
    };
    let check = |rows: &str| lay(NAME, &wheel(&[("a,b.py", "a"), ("x_y-1.0.dist-info/RECORD", &info(rows))])).map(|_| ());
    let right = format!("\"a,b.py\",sha256={},1\n", URL_SAFE_NO_PAD.encode(sum("a")));
    assert_eq!(check(&right), Ok(()), "hex sums and quoted names stand in real wheels");
    assert_eq!(check(""), Err(LayoutRefusal::RecordMissing("a,b.py".to_owned())));
    let wrong = LayoutRefusal::RecordSum("a,b.py".to_owned());
    for sum in
        [format!("sha256={}", URL_SAFE_NO_PAD.encode(sum("b"))), String::new(), "md5=0cc175b9c0f1b6a831c399e269772661".to_owned()]
    {
        assert_eq!(check(&format!("\"a,b.py\",{sum},\n")), Err(wrong.clone()), "{sum}");
    }
    assert_eq!(check(&format!("{right}c.py,,\n")), Err(LayoutRefusal::RecordExtra("c.py".to_owned())));
    assert_eq!(check(&format!("{right}\"a,b.py\",,\n")), Err(wrong));
    // A row for RECORD is there or not.
    assert_eq!(check(&format!("{right}x_y-1.0.dist-info/RECORD,,\n")), Ok(()));
}

#[test]
fn a_wheel_is_the_one_its_name_says() {
    assert!(lay("x.y-1.0-py3-none-any.whl", &wheel(&[])).is_ok());
    assert!(lay("x_y-1.0.0-1build-py3-none-any.whl", &wheel(&[])).is_ok(), "PEP 440 takes 1.0 and 1.0.0 for one");
    for name in ["x_y-1.1-py3-none-any.whl", "z-1.0-py3-none-any.whl"] {
        assert!(matches!(lay(name, &wheel(&[])), Err(LayoutRefusal::OtherWheel { .. })), "{name}");
    }
    for name in ["x_y-1.0.zip", "x_y-1.0-py3.whl", "x_y-1.0-a-py3-none-any.whl", "-1.0-py3-none-any.whl"] {
        assert_eq!(lay(name, &wheel(&[])), Err(LayoutRefusal::WheelName(name.to_owned())));
    }
    let other = wheel(&[("x_y-1.0.dist-info/METADATA", "Name: evil\nVersion: 1.0\n")]);
    assert!(matches!(lay(NAME, &other), Err(LayoutRefusal::OtherWheel { file: "METADATA", .. })));
    let second = wheel(&[("z-1.0.dist-info/METADATA", "")]);
    assert_eq!(lay(NAME, &second), Err(LayoutRefusal::Missing("one .dist-info folder")));
    let form = wheel(&[("x_y-1.0.dist-info/WHEEL", "Wheel-Version: 2.0\n")]);
    assert!(matches!(lay(NAME, &form), Err(LayoutRefusal::Description { .. })));
}

#[test]
fn tags_name_platforms() {
    let platforms = |tags: &str| {
        let name = WheelName::parse(&format!("x-1-cp313-cp313-{tags}.whl")).unwrap();
        name.platforms().into_iter().map(|p| p.0).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(platforms("manylinux2014_x86_64.manylinux_2_17_x86_64"), "linux/x86_64");
    assert_eq!(platforms("musllinux_1_2_aarch64"), "linux/aarch64");
    assert_eq!(platforms("macosx_11_0_universal2"), "macos/aarch64 macos/x86_64");
    assert_eq!(platforms("win_amd64"), "windows/x86_64");
    assert_eq!(platforms("any"), "");
    assert_eq!(platforms("ios_13_0_arm64_iphoneos"), "ios_13_0_arm64_iphoneos", "unknown is not everywhere");
}

#[test]
fn folders_are_members_as_a_whole_where_they_are_its_own() {
    let list = [
        "pkg/__init__.py",
        "pkg/sub/a.py",
        "pkg/__pycache__/a.pyc",
        "google/genai/__init__.py",
        "google/genai/x.py",
        "[single].py",
        "__pycache__/[single].cpython-311.pyc",
        "__pycache__/mod.py",
        "my__pycache__x/mod.py",
    ];
    let names: BTreeSet<String> = list.map(str::to_owned).into_iter().collect();
    let expected = ["[[]single[]].py", "__pycache__/mod.py", "google/genai/**", "my__pycache__x/mod.py", "pkg/**"];
    assert_eq!(members(&names), expected);
}
