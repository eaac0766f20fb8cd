#!/usr/bin/env bash
# make OPS=...: each operator and function alone, and with stored weights or its
# work spread, plays as it does beside all others: what it needs of them was not
# left out. A few of these builds, others every day (MLI_DAY=N: those of day N);
# with MLI_LONG all of them, also with the kernels for speed.
: "${MLI_BUILD:?is not set: run the tests with make check}"
root=${MLI_ROOT:-$(cd "$(dirname "$0")/.." && pwd)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. "$(dirname "$0")/tap.sh"
CC=${CC:-cc}
day=${MLI_DAY:-$(($(date +%s) / 86400))}

# Models to play: made once, they know no parts.
objects="$MLI_BUILD/obj/tests/file_builder.o $MLI_BUILD/obj/tests/stored_matrix.o"
if ! $CC -std=c11 -O1 -Wall -Wextra -Werror -I"$root/tests" -I"$root/core" \
    -I"$root/kernels/public" -c "$root/tests/parts/alone.c" \
    -o "$work/alone.o" 2>"$work/log"; then
    fail "the models are made" "$(grep -m1 error "$work/log")"
    finish
fi

# Only these files ask what there is; the others, all whether work is spread.
asking=$(cd "$root" && grep -lE 'MLI_(HAS|IF|SOME)' core/*.c && ls kernels/*.c)
check "core's headers ask for SPREAD alone" "$(grep -hoE \
    'MLI_(HAS|IF|SOME|WITH)\w*(\(\w*)?' "$root"/core/*.h |
    grep -v 'MLI_HAS(SPREAD')"

# build OPS KIND CFLAG...: not optimised, that takes a quarter of the time; what
# does not ask is kept
build() {
    local ops=$1 to=$work/$2$(grep -o '\ball\|SPREAD' <<<"$1")/firmware
    shift 2
    rm -f "$to/libmlinfer.a"
    for file in $asking; do
        rm -f "$to/${file%.c}.o"
    done
    make -s -C "$root" BUILD="${to%/*}" OPS="$ops" CC="$CC" CFLAGS="-O0 $*" \
        FIRMWARE_SAID=kept "$to/libmlinfer.a" >"$work/log" 2>&1 &&
        # shellcheck disable=SC2086 # several objects
        $CC -no-pie "$work/alone.o" $objects "$to/libmlinfer.a" -lm \
            -o "$work/alone" >>"$work/log" 2>&1
}

# same NAME OPS KIND CFLAG...: as far as it goes, what "$work/all" says
same() {
    local name=$1 ops=$2
    shift 2
    if ! build "$ops" "$@"; then
        fail "$name" "$(grep -m1 -E 'error|\*\*\*' "$work/log")"
        return
    fi
    check "$name: no warning" "$(grep warning: "$work/log" |
        grep -v 'ignoring loop annotation')"
    awk -v ops=" $ops " '{
        for (i = 1; $i != "="; i++) if (!index(ops, " " $i " ")) next
        print }' "$work/all" >"$work/wanted"
    "$work/alone" >"$work/said" 2>"$work/log"
    local status=$?
    check "$name" "$([ $status = 0 ] || echo "it dies after \
$(tail -n 1 "$work/said") (status $status, $(head -c 80 "$work/log"))"
        diff "$work/wanted" "$work/said")"
}

# combinations HOW NUMBER KIND CFLAG...: so many of them, 0: every one
combinations() {
    local how=$1 number=$2 all n i
    shift 2
    if ! build all "$@" || ! "$work/alone" >"$work/all" 2>"$work/log"; then
        fail "everything$how" "$(tail -n 1 "$work/log")"
        return
    fi
    mapfile -t all < <(sed 's/ =.*//' "$work/all" | LC_ALL=C sort -u)
    check "every part is in a model$how" "$(make -s -C "$root" OPS=NONE 2>&1 |
        sed -n 's/.*(there are \(.*\)).*/\1/p' | tr ' ' '\n' | while read -r p
        do grep -q "\b$p\b" <<<"${all[*]}" || echo "none has $p"; done)"
    n=${#all[@]}
    for ((i = 0; i < (number ? number : n); i++)); do
        local at=$i
        [ "$number" = 0 ] ||
            at=$(((i * n / number + day) % n))
        same "OPS=\"${all[$at]}\"$how" "${all[$at]}" "$@"
    done
}

if [ -n "${MLI_LONG:-}" ]; then
    combinations "" 0 small
    combinations ", for speed" 0 fast -UMLI_SMALL
else
    combinations ", of day $day" 3 small
fi
finish
