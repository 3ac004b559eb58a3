//! What npm and pip ask when nobody has set them up: they are asked themselves. Their default is theirs to change, and no address
//! of a registry is written in this program.

use crate::registry::RegistryError;
use crate::world::World;
use crate::world::process::{self, ProcessError};
use std::time::Duration;

/// How long npm or pip may take: both start an interpreter.
const PATIENCE: Duration = Duration::from_secs(30);

/// The registry that npm has by itself.
pub(super) fn of_npm(world: &World) -> Result<String, RegistryError> {
    // `--global` keeps it from looking for a project above the folder it is called in.
    let said = ask(world, "npm", &["config", "get", "registry", "--global"]);
    let found = said.ok().and_then(|text| text.lines().map(str::trim).find(|line| is_address(line)).map(str::to_owned));
    found.ok_or(RegistryError::NotConfigured {
        kind: "an npm",
        settings: "`registry=` in ~/.npmrc or the variable `npm_config_registry`; there is no npm here that says which it would ask",
    })
}

/// The index that pip has by itself, out of its help text.
pub(super) fn of_pip(world: &World) -> Result<String, RegistryError> {
    let programs: [(&'static str, &[&str]); 2] = [("python3", &["-m", "pip", "help", "install"]), ("pip3", &["help", "install"])];
    let found = programs.iter().find_map(|(program, arguments)| default_index(&ask(world, program, arguments).ok()?));
    found.ok_or(RegistryError::NotConfigured {
        kind: "a Python package",
        settings: "`index-url =` in pip.conf, or the variable `PIP_INDEX_URL` or `UV_DEFAULT_INDEX`; there is no pip here that says which it would ask",
    })
}

fn ask(world: &World, program: &'static str, arguments: &[&str]) -> Result<String, ProcessError> {
    let folder = world.files.scratch_folder().map_err(|_| ProcessError::NotFound(program))?;
    let output = process::installer(&world.env, program, folder.path(), (arguments, PATIENCE))?;
    Ok(String::from_utf8_lossy(&output).into_owned())
}

fn is_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// `--index-url <url>  Base URL of the Python Package Index (default <address>).`, in columns.
fn default_index(help: &str) -> Option<String> {
    let mut words = help.split_whitespace().skip_while(|word| *word != "--index-url");
    // The next option is another one's default.
    let mut own = words.by_ref().skip(1).take_while(|word| !word.starts_with("--"));
    own.find(|word| word.trim_start_matches('(') == "default")?;
    let address = own.next()?.trim_end_matches(['.', ')']);
    is_address(address).then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_read_out_of_the_help_of_pip() {
        let help = "Package Index Options:\n  -i, --index-url <url>       Base URL of the Python Package Index (default\n                              https://acme.example/simple). This should\n  --extra-index-url <url>     Extra URLs\n";
        assert_eq!(default_index(help).as_deref(), Some("https://acme.example/simple"));
        assert_eq!(default_index("--index-url <url> Base --extra-index-url (default https://acme.example/)"), None);
        assert_eq!(default_index("nothing"), None);
        assert_eq!(default_index("--index-url <url> (default file:///etc)"), None);
    }
}
