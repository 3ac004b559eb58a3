//! Text that an AI tool reads and people do not see. No directive approves it: nobody can say what they approve.

use super::directive::place_of;
use super::{Scene, Weighed};
use crate::evidence::{Hidden, Told};
use crate::manifest::Levelled;
use crate::policy::finding::Help;

/// One for each place, those of one way to hide in one file together.
#[must_use]
pub fn findings<'a>(scene: &Scene<'a>) -> Vec<Weighed<'a>> {
    let mut findings = Vec::new();
    for directive in &scene.evidence.directives {
        let Told::HiddenText(hidden) = &directive.what else { continue };
        let what = (directive.location.path.display().to_string(), message(hidden));
        let mut weighed = scene.weigh(Levelled::HiddenText, false, what, Some(place_of(directive)));
        weighed.finding.help = vec![Help::note(match hidden {
            Hidden::LookAlike { .. } => "write the word with letters of one script",
            Hidden::Comment { .. } => "write it where readers of the page see it, or take it out",
            Hidden::Bidi { .. } | Hidden::ZeroWidth { .. } | Hidden::Tags { .. } => "take the characters out",
        })];
        findings.push(weighed);
    }
    findings
}

fn message(hidden: &Hidden) -> String {
    match hidden {
        Hidden::Bidi { characters } => {
            format!("controls that turn the direction of writing ({}): what is shown is not what a tool reads", list(characters))
        }
        Hidden::ZeroWidth { characters } => {
            format!("characters without width ({}): a tool reads them and people do not see them", list(characters))
        }
        Hidden::Tags { spelled } => format!("characters that nobody sees spell a text for a tool: \"{spelled}\""),
        Hidden::LookAlike { word, characters } => {
            format!(
                "the word \"{word}\" has letters of another script in it ({}): it is not the word it looks like",
                list(characters)
            )
        }
        Hidden::Comment { says } => format!("a comment that no rendered page shows tells a tool: \"{says}\""),
    }
}

/// Each once, in the order found, the first few of them.
fn list(characters: &[String]) -> String {
    const SHOWN: usize = 6;
    let mut once: Vec<&str> = Vec::new();
    for character in characters {
        if !once.contains(&character.as_str()) {
            once.push(character);
        }
    }
    let rest = once.len().saturating_sub(SHOWN);
    let more = if rest == 0 { String::new() } else { format!(" and {rest} more") };
    format!("{}{more}", once[..once.len().min(SHOWN)].join(", "))
}
