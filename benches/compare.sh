#!/bin/sh
# Whole processes side by side: `vetted check`, warm and cold, against `git diff --cached`, `openssl dgst` and `/bin/true`.
#
#     benches/compare.sh target/release/vetted [ARGUMENT...]      the arguments are `check` unless given
#
# It makes a home with large made-up tools on PATH and a repository with one staged file, runs the commands in turn (A B C A B C ...),
# takes the CPU time the kernel accounts to each finished process (wait4), and prints the medians of the ratios taken round by round.
# Wall time is not shown: it says how busy the machine is. Needs git, openssl, Python 3 and about 700 MB below TMPDIR.
#
# ROUNDS (21), TOOLS (20, at most 20), TOOL_MB (32) and REPOSITORY_FILES (100000) change its size.
set -eu

if [ $# -eq 0 ]; then
    echo "usage: $0 PATH-TO-VETTED [ARGUMENT...]" >&2
    exit 2
fi
vetted=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
shift
[ $# -gt 0 ] || set -- check
if [ ! -x "$vetted" ]; then
    echo "$vetted is no program; build it with \`cargo build --release\`" >&2
    exit 2
fi
for program in git openssl python3; do
    command -v "$program" >/dev/null || { echo "$program is not here" >&2; exit 2; }
done

work=$(mktemp -d "${TMPDIR:-/tmp}/vetted-compare.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir "$work/home" "$work/bin" "$work/repository"

ROUNDS=${ROUNDS:-21} TOOLS=${TOOLS:-20} TOOL_MB=${TOOL_MB:-32} REPOSITORY_FILES=${REPOSITORY_FILES:-100000} \
    python3 - "$work" "$vetted" "$@" <<'PYTHON'
import os
import shutil
import statistics
import struct
import subprocess
import sys
import time

work, vetted, arguments = sys.argv[1], sys.argv[2], sys.argv[3:]
rounds, tools, megabytes, files = (int(os.environ[n]) for n in ("ROUNDS", "TOOLS", "TOOL_MB", "REPOSITORY_FILES"))
home, bin_folder, repository = (os.path.join(work, n) for n in ("home", "bin", "repository"))
git, openssl = shutil.which("git"), shutil.which("openssl")

# Nothing of the caller's environment: a CI variable would turn the cache off.
env = {
    "HOME": home, "PATH": bin_folder + ":/usr/bin:/bin", "LANG": "C.UTF-8", "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.com",
}


def run_git(*args, stdin=b""):
    return subprocess.run([git, "-C", repository, *args], input=stdin, env=env, check=True, stdout=subprocess.PIPE).stdout


# A repository of many files, without a work tree to match: neither command looks at one.
run_git("init", "-q", "-b", "main")
stream = [b"blob\nmark :1\ndata 2\nx\n\ncommit refs/heads/main\ncommitter a <a@example.com> 1 +0000\ndata 1\nx\n"]
stream += [b"M 100644 :1 src/%03d/%02d/%06d.ts\n" % (n // 1000, n // 50 % 20, n) for n in range(files)]
run_git("fast-import", "--quiet", stdin=b"".join(stream))
run_git("read-tree", "HEAD")
package = b'{"name":"x","version":"1.0.0","dependencies":{"left-pad":"1.3.0"}}\n'
with open(os.path.join(repository, "package.json"), "wb") as file:
    file.write(package)
blob = run_git("hash-object", "-w", "--stdin", stdin=package).strip().decode()
run_git("update-index", "--add", "--cacheinfo", "100644," + blob + ",package.json")

# Tools that nobody made: a real program's header, then noise, each with other bytes.
names = """claude codex gemini qodercli copilot opencode qwen amp cn auggie
           cline crush kilo droid letta ccr ccusage kimi vibe openhands""".split()[:tools]
with open(vetted, "rb") as file:
    head = file.read(4096)
noise = os.urandom((megabytes << 20) - len(head) - 8)
paths = []
for number, name in enumerate(names):
    path = os.path.join(bin_folder, name)
    with open(path, "wb") as file:
        file.write(head + number.to_bytes(8, "little") + noise)
    os.chmod(path, 0o755)
    paths.append(path)
# A file that was changed within the last two seconds is not remembered.
time.sleep(3)

cache = os.path.join(home, ".cache", "vetted", "digests")


def forget():
    shutil.rmtree(os.path.dirname(cache), ignore_errors=True)


check = [vetted, *arguments]
os.chdir(repository)
null = os.open(os.devnull, os.O_RDWR)
quiet = [(os.POSIX_SPAWN_DUP2, null, n) for n in (0, 1, 2)]


def run(command):
    # A spawned child, not a forked one: a fork would bring this interpreter's pages into the account.
    pid = os.posix_spawn(command[0], command, env, file_actions=quiet)
    _, status, usage = os.wait4(pid, 0)
    return (usage.ru_utime + usage.ru_stime) * 1000, os.waitstatus_to_exitcode(status)


# Like with like: openssl digests the files that vetted digested, by the device and inode in the records of its cache (80 bytes each
# after a header of 64, before a checksum of 8).
run(check)
if not os.path.exists(cache):
    sys.exit("vetted left no cache: there is no warm run to compare")
with open(cache, "rb") as file:
    records = file.read()[64:-8]
places = {struct.unpack_from("<QQ", records, at) for at in range(0, len(records), 80)}
on_path = {os.path.realpath(entry.path) for folder in env["PATH"].split(":") for entry in os.scandir(folder)}
of_place = {(os.stat(path).st_dev, os.stat(path).st_ino): path for path in on_path if os.path.isfile(path)}
digested = [path for place, path in of_place.items() if place in places]
if not set(digested) & set(paths):
    sys.exit("vetted digested none of the tools made for it")
if len(digested) < len(places):
    print(f"{len(places) - len(digested)} of its files are not on PATH: openssl does not digest them", file=sys.stderr)
commands = {
    "true": (None, ["/bin/true"]),
    "git diff": (None, [git, "diff", "--cached", "--raw", "-z", "--no-renames"]),
    "cold": (forget, check),
    "warm": (None, check),  # after the cold run, which filled the cache
    "version": (None, [vetted, "--version"]),
    "openssl": (None, [openssl, "dgst", "-sha256", *digested]),
}


def cpu_ms(name):
    before, command = commands[name]
    if before:
        before()
    return run(command)


times = {name: [] for name in commands}
statuses = {name: set() for name in commands}
for number in range(rounds + 1):
    for name in commands:
        spent, status = cpu_ms(name)
        statuses[name].add(status)
        if number > 0:  # the first round warms up
            times[name].append(spent)

for name in ("true", "git diff", "openssl"):
    if statuses[name] != {0}:
        sys.exit(f"{name} ended with {sorted(statuses[name])}: nothing can be compared")
if statuses["warm"] != statuses["cold"] or len(statuses["warm"]) != 1 or not statuses["warm"] <= {0, 1, 3}:
    sys.exit(f"vetted ended with {sorted(statuses['cold'])} cold and {sorted(statuses['warm'])} warm: nothing can be compared")

print(f"{rounds} rounds; {len(paths)} tools of {megabytes} MB; {files} files in the repository, 1 staged")
status = statuses["warm"].pop()
print(f"`vetted {' '.join(arguments)}` ended with {status}; it digested {len(places)} files, {len(set(digested) & set(paths))} of them tools\n")
print(f"{'CPU ms':<28}{'median':>10}{'least':>10}{'most':>10}")
for name, values in times.items():
    print(f"{name:<28}{statistics.median(values):>10.2f}{min(values):>10.2f}{max(values):>10.2f}")
print(f"\n{'ratio, median of rounds':<28}{'':>10}{'quarter':>10}{'quarter':>10}")


def ratio(title, what, against):
    values = sorted(w / a for w, a in zip(what, against))
    low, middle, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
    print(f"{title:<28}{middle:>10.3f}{low:>10.3f}{high:>10.3f}")


ratio("version / true", times["version"], times["true"])
ratio("warm / true", times["warm"], times["true"])
ratio("warm / git diff", times["warm"], times["git diff"])
ratio("warm / cold", times["warm"], times["cold"])
ratio("cold / openssl", times["cold"], times["openssl"])
reading = [cold - warm for cold, warm in zip(times["cold"], times["warm"])]
ratio("(cold - warm) / openssl", reading, times["openssl"])
PYTHON
