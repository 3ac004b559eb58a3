//! Which registry is meant, and what opens it.

use super::{Home, refused};
use vetted::registry::config;

/// What npm is set up for, as `address (from place)`.
fn npm(home: &Home, package: &str) -> String {
    config::npm(&home.world(), None).unwrap().address_of(package).to_string()
}

fn pip(home: &Home) -> String {
    config::pypi(&home.world(), None).unwrap().address.to_string()
}

#[test]
fn the_environment_outranks_the_user_and_the_user_the_machine() {
    let home = Home::new();
    home.file("bin/node", "");
    home.file("etc/npmrc", "registry=https://machine.acme.example/npm\n");
    assert_eq!(npm(&home, "a"), format!("https://machine.acme.example/npm/ (from {})", home.path("etc/npmrc").display()));
    home.file("home/.npmrc", "registry = https://user.acme.example/npm/ ; why\n");
    assert_eq!(npm(&home, "a"), "https://user.acme.example/npm/ (from ~/.npmrc)");
    let home = home.with("NPM_CONFIG_REGISTRY", "https://env.acme.example/");
    assert_eq!(npm(&home, "a"), "https://env.acme.example/ (from the variable NPM_CONFIG_REGISTRY)");
    let told = config::npm(&home.world(), Some("https://told.acme.example/x")).unwrap();
    assert_eq!(told.address_of("a").to_string(), "https://told.acme.example/x/ (from --registry)");
}

#[test]
fn a_scope_has_a_registry_of_its_own_unless_one_is_told() {
    let home = Home::new();
    home.file("home/.npmrc", "registry=https://acme.example/\n@acme:registry=https://own.acme.example/npm\n");
    assert_eq!(npm(&home, "@acme/tool"), "https://own.acme.example/npm/ (from ~/.npmrc)");
    assert_eq!(npm(&home, "@other/tool"), "https://acme.example/ (from ~/.npmrc)");
    assert_eq!(npm(&home, "acme"), "https://acme.example/ (from ~/.npmrc)");
    let told = config::npm(&home.world(), Some("https://told.acme.example/")).unwrap();
    assert_eq!(told.address_of("@acme/tool").url.as_str(), "https://told.acme.example/");
}

/// The `.npmrc` beside the code belongs to whoever wrote the commit.
#[test]
fn the_repository_that_is_looked_at_has_no_say() {
    let home = Home::new();
    home.file("work/.npmrc", "registry=https://evil.example/\n//acme.example/:_authToken=stolen\n");
    home.file("work/pip.conf", "[global]\nindex-url=https://evil.example/\n");
    home.file("work/uv.toml", "index-url='https://evil.example/'\n");
    home.file("home/.npmrc", "registry=https://acme.example/\n");
    home.file("home/.config/pip/pip.conf", "[global]\nindex-url=https://acme.example/simple\n");
    let npm = config::npm(&home.world(), None).unwrap();
    assert_eq!(npm.address_of("a").url.as_str(), "https://acme.example/");
    assert!(npm.access.authorizations.is_empty());
    assert_eq!(pip(&home), "https://acme.example/simple/ (from ~/.config/pip/pip.conf)");
}

#[test]
fn pip_and_uv_are_read_in_their_order() {
    let home = Home::new();
    home.file(
        "home/.config/uv/uv.toml",
        "[[index]]\nurl='https://more.acme.example/'\n[[index]]\nurl='https://uv.acme.example/simple'\ndefault=true\n",
    );
    assert_eq!(pip(&home), "https://uv.acme.example/simple/ (from ~/.config/uv/uv.toml)");
    home.file("home/.pip/pip.conf", "[global]\nindex_url = https://old.acme.example/simple\n");
    assert_eq!(pip(&home), "https://old.acme.example/simple/ (from ~/.pip/pip.conf)");
    home.file(
        "home/.config/pip/pip.conf",
        "[global]\nindex-url = https://user.acme.example/simple\nextra-index-url = https://x.example/\n",
    );
    assert_eq!(pip(&home), "https://user.acme.example/simple/ (from ~/.config/pip/pip.conf)");
    home.file("home/.pip/pip.conf", "[install]\nindex-url: https://install.acme.example/simple\n");
    assert_eq!(pip(&home), "https://install.acme.example/simple/ (from ~/.pip/pip.conf)");
    let venv = home.file("venv/pip.conf", "[install]\nindex-url=https://venv.acme.example/\n").parent().unwrap().to_owned();
    let home = home.with("VIRTUAL_ENV", venv.to_str().unwrap());
    assert_eq!(config::pypi(&home.world(), None).unwrap().address.url.as_str(), "https://venv.acme.example/");
    let named = home.file("named.conf", "[install]\nindex-url=https://named.acme.example/\n");
    let home = home.with("PIP_CONFIG_FILE", named.to_str().unwrap());
    assert_eq!(config::pypi(&home.world(), None).unwrap().address.url.as_str(), "https://named.acme.example/");
    let home = home.with("UV_DEFAULT_INDEX", "acme=https://index.acme.example/simple");
    assert_eq!(pip(&home), "https://index.acme.example/simple/ (from the variable UV_DEFAULT_INDEX)");
    let home = home.with("PIP_INDEX_URL", "https://env.acme.example/simple/");
    assert_eq!(pip(&home), "https://env.acme.example/simple/ (from the variable PIP_INDEX_URL)");
}

/// The last resort: their own defaults, asked where nothing of the user's and of the repository's is seen.
#[cfg(unix)]
#[test]
fn npm_and_pip_are_asked_when_nothing_is_set() {
    let home = Home::new().with("SECRET", "s").with("npm_config_loglevel", "silent");
    home.program("npm", r#"[ "$*" = "config get registry --global" ] && [ -z "$SECRET$npm_config_loglevel" ] && [ ! -e .npmrc ] && echo "https://default.acme.example/""#);
    home.program("python3", r#"[ "$*" = "-m pip help install" ] && echo "  -i, --index-url <url>  Base URL (default"; echo "      https://pip.acme.example/simple). More""#);
    assert_eq!(npm(&home, "a"), "https://default.acme.example/ (from npm itself)");
    assert_eq!(pip(&home), "https://pip.acme.example/simple/ (from pip itself)");
}

#[test]
fn without_any_setting_and_without_installers_the_settings_are_named() {
    let home = Home::new();
    refused(
        config::npm(&home.world(), None),
        &["no address of an npm registry is configured", "--registry", "npm_config_registry", "~/.npmrc"],
    );
    refused(
        config::pypi(&home.world(), None),
        &["no address of a Python package registry", "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "pip.conf"],
    );
    refused(config::github(&home.world(), None), &["no address of a GitHub registry", "GITHUB_API_URL", "GH_HOST"]);
}

#[test]
fn addresses_that_may_not_be_asked_are_refused_without_their_passwords() {
    for (address, part) in [
        ("http://acme.example/", "plain http"),
        ("ftp://acme.example/", "`ftp:`"),
        ("acme.example", "the address of the registry is none"),
        ("https://", "the address of the registry is none"),
        ("http://user:s3cret@acme.example/", "plain http"),
    ] {
        let home = Home::new().with("npm_config_registry", address).with("PIP_INDEX_URL", address);
        refused(config::npm(&home.world(), None), &["the variable npm_config_registry", part]);
        refused(config::pypi(&home.world(), None), &["the variable PIP_INDEX_URL", part]);
        let text = config::npm(&home.world(), None).unwrap_err().to_string();
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[test]
fn a_configuration_that_cannot_be_read_is_not_passed_over() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("home/.npmrc")).unwrap();
    refused(config::npm(&home.world(), None), &["~/.npmrc".trim_start_matches("~/"), "a folder"]);
    home.file("home/.config/uv/uv.toml", "index-url = [");
    refused(config::pypi(&home.world(), None), &["~/.config/uv/uv.toml"]);
}

/// Every file of npm's own is compared with what npm says, where npm is here.
#[test]
fn npm_itself_reads_the_same() {
    let Ok(found) = std::process::Command::new("npm").arg("--version").output() else {
        eprintln!("SKIPPED: `npm` is not here");
        return;
    };
    assert!(found.status.success());
    let home = Home::new().with("TOKEN_PART", "npm/x");
    let text = "; c\nregistry=\"https://acme.example/${TOKEN_PART}\"\nregistry=https://last.acme.example/${TOKEN_PART}/${NOT_SET} # c\n@acme:registry = https://own.acme.example/a\\;b/\n[section]\nregistry=https://wrong.acme.example/\n";
    home.file("home/.npmrc", text);
    let npm = |key: &str| {
        let output = std::process::Command::new("npm")
            .args(["config", "get", key, "--global"])
            .env("HOME", home.path("home"))
            .env("TOKEN_PART", "npm/x")
            .env_remove("npm_config_registry")
            .env_remove("NPM_CONFIG_REGISTRY")
            .current_dir(home.path("work"))
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let ours = config::npm(&home.world(), None).unwrap();
    for (package, key) in [("a", "registry"), ("@acme/a", "@acme:registry")] {
        let theirs = vetted::world::network::Url::parse(&npm(key)).unwrap();
        assert_eq!(ours.address_of(package).url.as_str().trim_end_matches('/'), theirs.as_str().trim_end_matches('/'), "{key}");
    }
}
