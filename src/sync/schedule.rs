//! A sync every so often, as systemd, launchd or cron write it down.
//!
//! A hundred thousand machines that ask at the same minute are an attack. So each waits a little that is its own: the same every
//! time on one machine, spread evenly over many.

use crate::digest::Digest;
use crate::text::printable_path;
use crate::world::World;
use jiff::SignedDuration;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Who starts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Scheduler {
    /// A systemd service and its timer
    Systemd,
    /// A launchd agent, or a daemon for the machine's policy
    Launchd,
    /// A line for cron
    Cron,
}

/// What is to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The program.
    pub program: PathBuf,
    /// The policy folder.
    pub folder: PathBuf,
    /// Whether it is the machine's own policy, which the administrator syncs for everybody.
    pub is_of_machine: bool,
    /// How often.
    pub every: SignedDuration,
    /// What this machine is known by, for spreading.
    pub seed: u64,
}

/// A file of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleFile {
    /// Where the scheduler looks for it.
    pub path: PathBuf,
    /// What it says.
    pub text: String,
}

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its files.
    pub files: Vec<ScheduleFile>,
    /// The command that starts it once they are there.
    pub start: String,
}

/// Why there is no schedule.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ScheduleError {
    /// A path that the scheduler's files cannot hold.
    #[error("`{}` cannot stand in the file of a scheduler", printable_path(.0))]
    Path(PathBuf),
    /// There is no folder to look for.
    #[error("the environment names no home folder")]
    NoHome,
    /// A user's cron table is changed by `crontab` alone.
    #[error("the table of a user is changed by `crontab` alone")]
    Crontab,
}

/// A number that belongs to this machine: from its id, else from the time its home folder was made.
#[must_use]
pub fn seed(world: &World) -> u64 {
    let id = world.files.read(Path::new("/etc/machine-id"), 128).ok().filter(|id| !id.trim_ascii().is_empty());
    let id = id.unwrap_or_else(|| {
        let home = world.env.home().and_then(|home| world.files.stat(&home).ok()).map(|stat| stat.key);
        let name = ["COMPUTERNAME", "HOSTNAME"].into_iter().find_map(|name| world.env.text(name)).unwrap_or_default();
        format!("{name} {:?}", home.map(|key| (key.device, key.inode, key.ctime))).into_bytes()
    });
    // Hashed with a word of its own: the id of a machine is nobody else's business (machine-id(5)).
    let digest = Digest::sha256_of(&[b"vetted sync ", id.as_slice()].concat()).hex();
    u64::from_str_radix(&digest[..15], 16).unwrap_or(0)
}

/// The files of a schedule. Where `home` is needed and not there, none.
///
/// # Errors
/// [`ScheduleError`].
pub fn schedule(scheduler: Scheduler, plan: &Plan, home: Option<&Path>) -> Result<Schedule, ScheduleError> {
    match scheduler {
        Scheduler::Systemd => systemd(plan, home),
        Scheduler::Launchd => launchd(plan, home),
        Scheduler::Cron => cron(plan),
    }
}

fn systemd(plan: &Plan, home: Option<&Path>) -> Result<Schedule, ScheduleError> {
    let word = |path: &Path| {
        let text = plain(path)?;
        Ok(format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$")))
    };
    let folder = if plan.is_of_machine {
        PathBuf::from("/etc/systemd/system")
    } else {
        home.ok_or(ScheduleError::NoHome)?.join(".config/systemd/user")
    };
    let every = plan.every.as_secs().max(60);
    // Without a user there is no HOME, and without HOME no memory.
    let user = if plan.is_of_machine { "User=root\n" } else { "" };
    let service = format!(
        "[Unit]\nDescription=Bring the newest AI tool policy (vetted sync)\n\n[Service]\nType=oneshot\n{user}\
         ExecStart={} sync --quiet --policy {}\nTimeoutStartSec=15min\nNice=10\nNoNewPrivileges=yes\nPrivateTmp=yes\n",
        word(&plan.program)?,
        word(&plan.folder)?,
    );
    let timer = format!(
        "[Unit]\nDescription=Bring the newest AI tool policy every {every} seconds\n\n[Timer]\nOnStartupSec=1min\n\
         OnUnitActiveSec={every}s\nRandomizedDelaySec={}s\nFixedRandomDelay=yes\n\n[Install]\nWantedBy=timers.target\n",
        (every / 5).max(1),
    );
    let start = if plan.is_of_machine {
        "systemctl daemon-reload && systemctl enable --now vetted-sync.timer"
    } else {
        "systemctl --user daemon-reload && systemctl --user enable --now vetted-sync.timer"
    };
    let file = |name: &str, text| ScheduleFile { path: folder.join(name), text };
    Ok(Schedule { files: vec![file("vetted-sync.service", service), file("vetted-sync.timer", timer)], start: start.to_owned() })
}

fn launchd(plan: &Plan, home: Option<&Path>) -> Result<Schedule, ScheduleError> {
    let text = |path: &Path| Ok(plain(path)?.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"));
    let every = plan.every.as_secs().max(60);
    // Up to a tenth more or less, so that machines that were switched on together drift apart.
    let spread = i64::try_from(plan.seed % u64::try_from(every / 5).unwrap_or(1).max(1)).unwrap_or(0) - every / 10;
    let plist = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n<plist version=\"1.0\">\n<dict>\n\
         \t<key>Label</key>\n\t<string>vetted.sync</string>\n\t<key>ProgramArguments</key>\n\t<array>\n\t\t<string>{}</string>\n\
         \t\t<string>sync</string>\n\t\t<string>--quiet</string>\n\t\t<string>--policy</string>\n\t\t<string>{}</string>\n\t</array>\n\
         \t<key>StartInterval</key>\n\t<integer>{}</integer>\n\t<key>RunAtLoad</key>\n\t<true/>\n\t<key>ProcessType</key>\n\
         \t<string>Background</string>\n</dict>\n</plist>\n",
        text(&plan.program)?,
        text(&plan.folder)?,
        every + spread,
    );
    let (folder, domain) = if plan.is_of_machine {
        (PathBuf::from("/Library/LaunchDaemons"), "system".to_owned())
    } else {
        (home.ok_or(ScheduleError::NoHome)?.join("Library/LaunchAgents"), "gui/$(id -u)".to_owned())
    };
    let path = folder.join("vetted.sync.plist");
    let start = format!("launchctl bootstrap {domain} {}", shell_word(&plain(&path)?));
    Ok(Schedule { files: vec![ScheduleFile { path, text: plist }], start })
}

fn cron(plan: &Plan) -> Result<Schedule, ScheduleError> {
    // In a cron table `%` is a line break (crontab(5)).
    let word = |path: &Path| Ok(shell_word(&plain(path)?).replace('%', r"\%"));
    let user = if plan.is_of_machine { "root " } else { "" };
    let line = format!(
        "{} {user}{} sync --quiet --policy {}\n",
        cron_times(plan.every, plan.seed),
        word(&plan.program)?,
        word(&plan.folder)?
    );
    let path = PathBuf::from(if plan.is_of_machine { "/etc/cron.d/vetted-sync" } else { "crontab" });
    let start = if plan.is_of_machine {
        "cron reads it within a minute".to_owned()
    } else {
        "(crontab -l 2>/dev/null; vetted sync --schedule cron) | crontab -".to_owned()
    };
    Ok(Schedule { files: vec![ScheduleFile { path, text: line }], start })
}

/// The five fields of cron: the longest interval it can express that is not longer than `every`, at a minute of this machine's own.
fn cron_times(every: SignedDuration, seed: u64) -> String {
    let minutes = every.as_mins().max(1);
    let longest = |steps: &[i64], most: i64| steps.iter().copied().filter(|step| *step <= most).max().unwrap_or(1);
    let offset = |period: i64| i64::try_from(seed % u64::try_from(period).unwrap_or(1)).unwrap_or(0);
    let field = |start: i64, end: i64, step: i64| match step {
        1 => "*".to_owned(),
        _ => format!("{start}-{end}/{step}"),
    };
    if minutes < 60 {
        let step = longest(&[1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30], minutes);
        return format!("{} * * * *", field(offset(step), 59, step));
    }
    let step = longest(&[1, 2, 3, 4, 6, 8, 12, 24], minutes / 60);
    let own = offset(step * 60);
    let hours = if step == 24 { (own / 60).to_string() } else { field(own / 60, 23, step) };
    format!("{} {hours} * * *", own % 60)
}

/// A path that a line of a text file can hold.
fn plain(path: &Path) -> Result<String, ScheduleError> {
    let text = path.to_str().filter(|text| !text.chars().any(char::is_control) && path.is_absolute());
    text.map(str::to_owned).ok_or_else(|| ScheduleError::Path(path.to_owned()))
}

fn shell_word(text: &str) -> String {
    let is_plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+@:,=".contains(&b));
    if is_plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

impl Schedule {
    /// All of it as text for people.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for file in &self.files {
            if self.files.len() > 1 {
                // Writing to a String cannot fail.
                let _ = writeln!(text, "# {}", printable_path(&file.path));
            }
            text.push_str(&file.text);
            if self.files.len() > 1 {
                text.push('\n');
            }
        }
        text
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn plan(every: SignedDuration, seed: u64) -> Plan {
        Plan { program: "/opt/my tools/100%/vetted".into(), folder: "/etc/vetted".into(), is_of_machine: false, every, seed }
    }

    #[test]
    fn cron_runs_as_often_as_it_can_say_and_never_less_often() {
        let cases =
            [(1, "* * * * *"), (7, "1-59/6 * * * *"), (59, "7-59/30 * * * *"), (60, "37 * * * *"), (300, "37 1-23/4 * * *")];
        for (minutes, times) in cases {
            assert_eq!(cron_times(SignedDuration::from_mins(minutes), 97), times, "{minutes} minutes");
        }
        assert_eq!(cron_times(SignedDuration::from_hours(100), 97), "37 1 * * *");
    }

    /// Ten thousand machines spread over the whole hour.
    #[test]
    fn machines_are_spread() {
        let mut minutes = [0_u32; 60];
        for machine in 0..10_000_u32 {
            let digest = Digest::sha256_of(&machine.to_le_bytes()).hex();
            let seed = u64::from_str_radix(&digest[..15], 16).unwrap();
            let times = cron_times(SignedDuration::from_hours(1), seed);
            let minute: usize = times.split(' ').next().unwrap().parse().unwrap();
            minutes[minute] += 1;
        }
        assert!(minutes.iter().all(|count| (100..250).contains(count)), "{minutes:?}");
    }

    #[test]
    fn a_path_cannot_break_out() {
        let systemd = schedule(Scheduler::Systemd, &plan(SignedDuration::from_hours(1), 0), Some(Path::new("/home/u"))).unwrap();
        assert!(systemd.files[0].text.contains("ExecStart=\"/opt/my tools/100%%/vetted\" sync --quiet --policy \"/etc/vetted\""));
        assert!(systemd.files[1].text.contains("RandomizedDelaySec=720s\nFixedRandomDelay=yes"));
        let cron = schedule(Scheduler::Cron, &plan(SignedDuration::from_hours(1), 0), None).unwrap();
        assert!(cron.files[0].text.contains(r"'/opt/my tools/100\%/vetted' sync"), "{}", cron.files[0].text);
        for path in ["/etc/a\nExecStart=/bin/sh", "relative"] {
            let plan = Plan { folder: path.into(), ..plan(SignedDuration::from_hours(1), 0) };
            for scheduler in [Scheduler::Systemd, Scheduler::Launchd, Scheduler::Cron] {
                let refused = schedule(scheduler, &plan, Some(Path::new("/home/u")));
                assert_eq!(refused, Err(ScheduleError::Path(path.into())));
            }
        }
        let plan = Plan { folder: "/a/<&>".into(), ..plan(SignedDuration::from_hours(1), 7) };
        let launchd = schedule(Scheduler::Launchd, &plan, Some(Path::new("/Users/u"))).unwrap();
        assert!(launchd.files[0].text.contains("<string>/a/&lt;&amp;&gt;</string>"));
        assert!(launchd.files[0].text.contains("<integer>3247</integer>"), "{}", launchd.files[0].text);
    }
}
