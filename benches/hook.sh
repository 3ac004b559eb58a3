#!/bin/sh
# What a commit costs: `vetted check --staged` beside `git diff --cached --raw`, gitleaks and prek, in a repository of many files with
# 1 and with 1,000 of them staged, and in a tiny one.
#
#     benches/hook.sh target/release/vetted
#
# GITLEAKS and PREK name these programs where they are not on PATH; one that is not here is said, and left out. All commands run in
# turn (A B C A B C ...), each figure is CPU time as the kernel accounts it to the finished process and its children (wait4), each ratio
# the median of those taken round by round. Needs git, Python 3 and about 1 GB below TMPDIR. Run it as an ordinary user: to root every
# file of the system is its own, and all are looked at each time. The program should lie where `cp` or an installer put it.
#
# ROUNDS (15), REPOSITORY_FILES (100000) and STAGED (1000) change its size.
set -eu

if [ $# -ne 1 ] || [ ! -x "$1" ]; then
    echo "usage: $0 PATH-TO-VETTED, as \`cargo build --release\` makes it" >&2
    exit 2
fi
vetted=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
for program in git python3; do
    command -v "$program" >/dev/null || { echo "$program is not here" >&2; exit 2; }
done
GITLEAKS=${GITLEAKS:-$(command -v gitleaks || true)}
PREK=${PREK:-$(command -v prek || true)}
[ -n "$GITLEAKS" ] || echo 'gitleaks is not here: it is not measured' >&2
[ -n "$PREK" ] || echo 'prek is not here: it is not measured' >&2

work=$(mktemp -d "${TMPDIR:-/tmp}/vetted-hook.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

ROUNDS=${ROUNDS:-15} REPOSITORY_FILES=${REPOSITORY_FILES:-100000} STAGED=${STAGED:-1000} \
    python3 - "$work" "$vetted" "$GITLEAKS" "$PREK" <<'PYTHON'
import os
import shutil
import statistics
import subprocess
import sys
import time

work, vetted, gitleaks, prek = sys.argv[1:]
rounds, files, staged = (int(os.environ[n]) for n in ("ROUNDS", "REPOSITORY_FILES", "STAGED"))
git = shutil.which("git")
home = os.path.join(work, "home")
os.mkdir(home)
# Nothing of the caller's environment: a CI variable would turn the cache off.
env = {
    "HOME": home, "PATH": os.path.dirname(vetted) + ":/usr/bin:/bin", "LANG": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com",
}
null = os.open(os.devnull, os.O_RDWR)
quiet = [(os.POSIX_SPAWN_DUP2, null, n) for n in (1, 2)]


def text_of(number):
    """4 KB of a package.json: a format that vetted reads, and that a scanner for secrets reads, too."""
    lines = ['{"name": "p%d", "version": "1.0.0", "dependencies": {' % number]
    lines += ['  "package-%d-%d": "%d.%d.0",' % (number, at, at, number % 90) for at in range(110)]
    return ("\n".join(lines) + '\n  "left-pad": "1.3.0"}}\n').encode()


def made(name, count, changed):
    """A repository of `count` files with a commit, all checked out, and `changed` files staged."""
    place = os.path.join(work, name)
    os.mkdir(place)

    def run(*arguments, stdin=b""):
        return subprocess.run([git, "-C", place, *arguments], input=stdin, env=env, check=True, stdout=subprocess.PIPE).stdout

    run("init", "-q", "-b", "main")
    stream = [b"blob\nmark :1\ndata 2\nx\n\ncommit refs/heads/main\ncommitter a <a@example.com> 1 +0000\ndata 1\nx\n"]
    stream += [b"M 100644 :1 src/%03d/%02d/%06d.ts\n" % (n // 1000, n // 50 % 20, n) for n in range(count)]
    run("fast-import", "--quiet", stdin=b"".join(stream))
    run("read-tree", "HEAD")
    # Packed, as what was cloned is, and checked out: git looks at every file of the work tree when it commits.
    run("gc", "-q")
    run("reset", "-q", "--hard")
    for number in range(changed):
        folder = os.path.join(place, "packages", "p%04d" % number)
        os.makedirs(folder)
        with open(os.path.join(folder, "package.json"), "wb") as file:
            file.write(text_of(number))
    # What is staged lies in loose objects, as it does until git packs it.
    run("add", "packages")
    # What was changed within the last two seconds is not remembered.
    time.sleep(3)
    return place


def spent(place, command, given=os.devnull):
    """CPU milliseconds of a command, and how it ended. Spawned and not forked: a fork would bring this interpreter into the account."""
    os.chdir(place)
    actions = [(os.POSIX_SPAWN_OPEN, 0, given, os.O_RDONLY, 0), *quiet]
    pid = os.posix_spawn(command[0], command, env, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    return (usage.ru_utime + usage.ru_stime) * 1000, os.waitstatus_to_exitcode(status)


def hooked(place, program):
    """A folder of hooks with one that runs a program; nothing for none."""
    folder = os.path.join(work, "hooks-" + os.path.basename(place) + "-" + (program or "none").replace("/", "_").replace(" ", "_"))
    os.mkdir(folder)
    if program:
        path = os.path.join(folder, "pre-commit")
        with open(path, "w") as file:
            file.write("#!/bin/sh\nexec " + program + "\n")
        os.chmod(path, 0o755)
    return folder


def measure(name, count, changed):
    place = made(name, count, changed)
    with open(os.path.join(work, "prek.yaml"), "w") as file:
        file.write("repos:\n- repo: local\n  hooks:\n  - {id: t, name: t, entry: /bin/true, language: system, always_run: true, pass_filenames: false}\n")
    subprocess.run([git, "-C", place, "config", "user.useConfigOnly", "false"], check=True)

    def commit(program):
        # A dry run has no hooks: this makes a commit object of the same size each time and moves no branch back itself.
        return [git, "-c", "core.hooksPath=" + hooked(place, program), "-c", "gc.auto=0", "commit", "-q", "--no-gpg-sign", "-m", "x"]

    # The content of what is staged, as git itself hands it out.
    listed = subprocess.run([git, "-C", place, "diff", "--cached", "--raw", "--abbrev=64"], check=True, capture_output=True, text=True)
    ids = os.path.join(work, name + ".ids")
    with open(ids, "w") as file:
        file.write("".join(line.split()[3] + "\n" for line in listed.stdout.splitlines()))
    commands = {
        "git diff": [git, "diff", "--cached", "--raw", "-z", "--no-renames"],
        "git cat-file": [git, "cat-file", "--batch"],
        "vetted": [vetted, "check", "--staged"],
        "commit": commit(None),
        "commit + true": commit("/bin/true"),
        "commit + vetted": commit(vetted + " check --staged"),
    }
    if gitleaks:
        commands["gitleaks"] = [gitleaks, "git", "--pre-commit", "--staged", "--no-banner"]
    if prek:
        commands["commit + prek"] = commit(prek + " run -c " + os.path.join(work, "prek.yaml"))
    index = os.path.join(place, ".git", "index")
    kept = index + ".kept"
    shutil.copy2(index, kept)
    head = subprocess.run([git, "-C", place, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    times = {title: [] for title in commands}
    statuses = {title: set() for title in commands}
    for number in range(rounds + 1):
        for title, command in commands.items():
            cost, status = spent(place, command, ids if title == "git cat-file" else os.devnull)
            statuses[title].add(status)
            if number > 0:  # the first round warms up
                times[title].append(cost)
            if title.startswith("commit"):
                subprocess.run([git, "-C", place, "update-ref", "refs/heads/main", head], check=True)
                shutil.copy2(kept, index)
    for title, found in statuses.items():
        if found != {0}:
            sys.exit(f"{title} ended with {sorted(found)} in `{name}`: nothing can be compared")

    times["git diff + cat-file"] = [a + b for a, b in zip(times["git diff"], times["git cat-file"])]
    print(f"\n{files if count > 1 else count} files, {changed} staged, {rounds} rounds")
    print(f"{'CPU ms':<34}{'median':>10}{'least':>10}{'most':>10}")
    for title, values in times.items():
        print(f"{title:<34}{statistics.median(values):>10.2f}{min(values):>10.2f}{max(values):>10.2f}")
    print(f"{'ratio, median of rounds':<34}{'':>10}{'quarter':>10}{'quarter':>10}")
    for what, against in [
        ("vetted", "git diff"), ("vetted", "git diff + cat-file"), ("vetted", "gitleaks"), ("commit + true", "commit"),
        ("commit + vetted", "commit"), ("commit + vetted", "commit + true"), ("commit + prek", "commit"), ("commit + vetted", "commit + prek"),
        ("vetted", "commit + prek"),
    ]:
        if what in times and against in times:
            values = sorted(w / a for w, a in zip(times[what], times[against]))
            low, middle, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
            print(f"{what + ' / ' + against:<34}{middle:>10.3f}{low:>10.3f}{high:>10.3f}")


measure("tiny", 1, 1)
measure("one", files, 1)
measure("many", files, staged)
PYTHON
