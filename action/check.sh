#!/bin/sh
# The step of the GitHub Action: find or build vetted, work out which commits the event is about, run the check, say the
# outcome. Values come as environment variables and are never part of a command's text. Nothing is written outside
# RUNNER_TEMP but cargo's own cache.
#
# shellcheck disable=SC2016 # backticks in messages are Markdown
set -eu

zeros=0000000000000000000000000000000000000000

# Set the outcome for later steps, and a summary where vetted wrote none.
conclude() {
	case $1 in
	0) outcome=approved ;;
	1) outcome=blocked ;;
	*) outcome=undecided ;;
	esac
	if [ -n "${GITHUB_OUTPUT:-}" ]; then printf 'outcome=%s\n' "$outcome" >>"$GITHUB_OUTPUT"; fi
	if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ ! -s "$GITHUB_STEP_SUMMARY" ]; then
		printf '### vetted: %s\n\nThe log of the step says why.\n' "$outcome" >>"$GITHUB_STEP_SUMMARY"
	fi
}

# Give up. The text is this script's own: nothing from outside stands in it.
fail() {
	printf '::error title=vetted::%s\n' "$1"
	conclude 3
	exit 3
}

# The full id of a commit that this clone has. Read-only, and never fetching.
resolve() {
	case $1 in '' | -* | "$zeros") return 1 ;; esac
	GIT_NO_LAZY_FETCH=1 git -c safe.directory='*' rev-parse --verify --quiet --end-of-options "$1^{commit}"
}

find_program() {
	if [ -n "$INPUT_BINARY" ]; then
		case $INPUT_BINARY in
		/* | [A-Za-z]:*) vetted=$INPUT_BINARY ;;
		*) vetted=$GITHUB_WORKSPACE/$INPUT_BINARY ;;
		esac
		if [ ! -f "$vetted" ] || [ ! -x "$vetted" ]; then fail 'the input `binary` names no program'; fi
		return
	fi
	command -v cargo >/dev/null || fail 'there is no cargo to build vetted with; give a program by the input `binary`'
	echo '::group::Build vetted'
	# Cargo reads the configuration of the folder it runs in: this action's, never that of the repository that is checked.
	(
		cd "$GITHUB_ACTION_PATH"
		unset RUSTC RUSTC_WRAPPER RUSTC_WORKSPACE_WRAPPER RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_TARGET \
			CARGO_BUILD_RUSTC CARGO_BUILD_RUSTC_WRAPPER CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER CARGO_BUILD_RUSTFLAGS
		cargo build --release --locked --bin vetted --target-dir "$RUNNER_TEMP/vetted-build" 2>&1
	) || {
		echo '::endgroup::'
		fail 'vetted could not be built; the log says why'
	}
	echo '::endgroup::'
	vetted=$RUNNER_TEMP/vetted-build/release/vetted
	if [ -f "$vetted.exe" ]; then vetted=$vetted.exe; fi
}

# The two commits of the event, as `base` and `head`; none where a branch was deleted, which leaves nothing but the runner.
find_range() {
	case $GITHUB_EVENT_NAME in
	push) base=$PUSH_BASE head=$PUSH_HEAD ;;
	pull_request | pull_request_target) base=$PULL_BASE head=$PULL_HEAD ;;
	merge_group) base=$GROUP_BASE head=$GROUP_HEAD ;;
	*) base=$zeros head=$GITHUB_SHA ;;
	esac
	base=${INPUT_BASE:-$base} head=${INPUT_HEAD:-$head}
	case $GITHUB_EVENT_NAME:$head in
	push:"$zeros")
		head=
		return
		;;
	esac
	if ! head=$(resolve "$head"); then
		# A shallow clone of a pull request has only the commit that merges it. No other event's GITHUB_SHA holds the change.
		if [ "$GITHUB_EVENT_NAME" != pull_request ] || [ -n "$INPUT_HEAD" ] || ! head=$(resolve "$GITHUB_SHA"); then
			fail 'the commit to check is not in the workspace: run actions/checkout before this step, with `fetch-depth: 0` or the `ref` of the change'
		fi
	fi
	if [ "$base" = "$zeros" ]; then return; fi
	if ! base=$(resolve "$base"); then
		if [ -n "$INPUT_BASE" ]; then fail 'the input `base` names no commit of the workspace'; fi
		echo '::notice title=vetted::The commit before the change is not in this clone, so everything is checked. With `fetch-depth: 0` in actions/checkout, only the change is.'
		base=$zeros
	fi
}

# Text that may hold anything, where the runner takes no command from it.
show_inert() {
	fence=vetted-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
	printf '\n::stop-commands::%s\n' "$fence"
	cat "$1"
	printf '\n::%s::\n' "$fence"
}

find_program
cd "$GITHUB_WORKSPACE"
find_range

set -- check --format github
if [ -n "$head" ]; then set -- "$@" --range "$base..$head"; fi
if [ -n "$INPUT_POLICY" ]; then set -- "$@" --policy "$INPUT_POLICY"; fi
while IFS= read -r line; do
	if [ -n "$line" ]; then set -- "$@" "--min-serial=$line"; fi
done <<FLOORS
$INPUT_MIN_SERIAL
FLOORS
while IFS= read -r line; do
	if [ -n "$line" ]; then set -- "$@" "$line"; fi
done <<ARGS
$INPUT_ARGS
ARGS

said=$(mktemp "$RUNNER_TEMP/vetted.XXXXXX")
status=0
"$vetted" "$@" 2>"$said" || status=$?
if [ -s "$said" ]; then show_inert "$said"; fi
rm -f "$said"
conclude "$status"
exit "$status"
