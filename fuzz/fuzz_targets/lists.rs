//! What a manifest pins outside of itself: lists of files and of packages, and what a JSON file says. Any bytes are read or refused, and
//! what is read is written the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use vetted::manifest::PackageList;
use vetted::manifest::file_list::FileList;
use vetted::manifest::json::canonical_without;

fuzz_target!(|bytes: &[u8]| {
    match PackageList::parse(bytes) {
        Ok(list) => {
            let json = list.to_json();
            assert_eq!(PackageList::parse(json.as_bytes()).expect("what was written is read"), list);
            for listed in &list.packages {
                assert!(list.of(&listed.package).any(|found| found == listed), "a package that is listed is found");
                assert!(listed.replaced.iter().all(|path| !path.starts_with('/') && path.split('/').all(|part| part != "..")));
            }
        }
        Err(error) => assert!(!error.to_string().is_empty(), "a refusal says why"),
    }
    if let Ok(list) = FileList::parse(bytes) {
        assert_eq!(FileList::parse(list.to_json().as_bytes()).expect("what was written is read"), list);
    }
    let members = ["__metadata".to_owned()];
    if let Ok(content) = canonical_without(bytes, &members) {
        // Of a fraction with more than 17 digits the last one may move.
        let again = canonical_without(&content, &members);
        assert!(again.is_ok_and(|again| content.contains(&b'.') || again == content), "content is its own content");
    }
});
