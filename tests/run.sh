#!/usr/bin/env bash
# Runs test programs two at a time, each with a time limit, and counts their TAP
# lines. usage: run.sh PROGRAM... (compiled test programs and tests/test_*.sh)
#
# Prints one line a program, each failing line with what was said after it, which
# took longest, and last "N passed, N failed, N skipped". A program that dies, or says less than
# it announced, counts as a failure.
set -u

seconds=${MLI_TIMEOUT:-300}
[ -n "${MLI_LONG:-}" ] && seconds=${MLI_TIMEOUT:-7200}

# One program: its output to $2.tap, exit status to $2.rc, time to $2.time.
run_one() {
    local program=$1 to=$2 start
    start=$(date +%s.%N)
    timeout -k 5 "$seconds" "$program" >"$to.tap" 2>"$to.err" </dev/null
    echo $? >"$to.rc"
    echo "$start $(date +%s.%N)" | awk '{printf "%.1f", $2 - $1}' >"$to.time"
}

# Passed, failed, skipped and announced of a TAP file. cmocka says "not ok 3 #
# SKIP name" for a skipped test, others "ok - name # SKIP why".
count() {
    awk '/^(not )?ok.*# *SKIP/ { s++; next }
         /^ok/                 { p++ }
         /^not ok/             { f++ }
         /^[ \t]*1\.\.[0-9]+/  { sub(/^[ \t]*1\.\./, ""); n += $0 }
         END { print p + 0, f + 0, s + 0, n + 0 }' "$1"
}

# Failing lines, each with the lines that explain it, and skipped ones.
failures() {
    awk '/^(not )?ok.*# *SKIP/ { on = 0; sub(/^not ok/, "ok"); print "    " $0
                                 next }
         /^not ok/          { on = 1; left = 12; print "    " $0; next }
         /^ok/              { on = 0 }
         on && left-- > 0   { print "        " $0 }' "$1"
}

report() {
    local program=$1 to=$2 name p f s n rc why=
    name=$(basename "$program")
    read -r p f s n < <(count "$to.tap")
    rc=$(cat "$to.rc")
    if [ "$rc" = 124 ] || [ "$rc" = 137 ]; then
        why="took longer than $seconds seconds"
    elif [ "$n" -gt $((p + f + s)) ]; then
        why="ended after $((p + f + s)) of $n tests (exit status $rc)"
    elif [ "$rc" != 0 ] && [ "$f" = 0 ]; then
        why="exit status $rc"
    elif [ $((p + f + s)) = 0 ]; then
        why="reported no test"
    fi
    [ -n "$why" ] && f=$((f + 1))
    printf '%-28s %4d passed %3d failed %3d skipped %7s s\n' \
        "$name" "$p" "$f" "$s" "$(cat "$to.time")"
    failures "$to.tap"
    if [ -n "$why" ]; then
        echo "    not ok - $name: $why"
        tail -n 12 "$to.err" | sed 's/^/        /'
    fi
    echo "$p $f $s" >"$to.sum"
}

if [ "${1:-}" = --one ]; then
    run_one "$2" "$3"
    # One report at a time.
    exec 9>"$(dirname "$3")/lock"
    flock 9
    report "$2" "$3"
    exit 0
fi

here=$(cd "$(dirname "$0")" && pwd)
export MLI_ROOT=${MLI_ROOT:-$(dirname "$here")}
export MLI_BUILD=${MLI_BUILD:-$MLI_ROOT/build}
export MLI_REAL_MODELS=${MLI_REAL_MODELS:-$MLI_ROOT/../shared/real-models}
export CMOCKA_MESSAGE_OUTPUT=TAP
# Tests that call make start afresh.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

results=$MLI_BUILD/check
rm -rf "$results"
mkdir -p "$results"
cd "$MLI_ROOT" || exit 1

for program in "$@"; do
    printf '%s\0%s\0' "$program" "$results/$(basename "$program")"
done | xargs -0 -r -n 2 -P 2 "$here/run.sh" --one

cd "$results" && awk '{ print $1, FILENAME }' ./*.time | sort -rn | head -n 6 |
    awk '{ sub(/^\.\//, "", $2); sub(/\.time$/, "", $2)
           line = line (NR > 1 ? ", " : "") $2 " " $1 " s" }
         END { if (NR > 1) print "slowest: " line }'
awk -v programs=$# '
    { p += $1; f += $2; s += $3; n++ }
    END {
        if (n < programs || !programs)
            f++ # the runner itself lost one
        printf "%d passed, %d failed, %d skipped\n", p, f, s
        exit f > 0
    }' /dev/null "$results"/*.sum
