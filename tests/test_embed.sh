#!/usr/bin/env bash
# Both boxes inside a program with libpd, linked statically: see
# docs/embedding.md and tests/embed/host.c. With a libpd of one's own, made for
# several Pds in one program, two of them run at once:
#
#   LIBPD_CFLAGS="-DPDINSTANCE -DPDTHREADS -isystem .../libpd_wrapper -isystem
#       .../pure-data/src" LIBPD_LIBRARY=.../libs/libpd.a tests/test_embed.sh
. "$(dirname "$0")/pd/common.sh"
name="boxes in a program with libpd"

# Where there are several Pds, words like s_list are macros in Pd's header.
cd "$MLI_ROOT" || exit 1
if [ -f /usr/include/pd/m_pd.h ]; then
    # shellcheck disable=SC2046 # a list of flags
    if gcc -std=c11 -Wall -Wextra -Werror -fsyntax-only -DPDINSTANCE -DPDTHREADS \
        $(make -s includes-pd-external) -isystem /usr/include/pd -DPD \
        pd-external/*.c 2>"$work/err"; then
        pass "the boxes compile for several Pds in a program"
    else
        fail "the boxes compile for several Pds in a program" \
            "$(grep -m1 error "$work/err")"
    fi
else
    skip "the boxes compile for several Pds" "no header of Pd"
fi
# The one that is installed, or one that make check has unpacked.
newer=$(echo "$MLI_BUILD"/newer-pd/usr/lib/*/libpd.so)
if [ -z "${LIBPD_CFLAGS:-}" ] && [ ! -f /usr/include/pd/z_libpd.h ] &&
    [ -f "$newer" ]; then
    LIBPD_CFLAGS="-isystem $MLI_BUILD/newer-pd/usr/include/pd -isystem /usr/include/pd"
    LIBPD_LIBRARY="$newer -Wl,-rpath,$(dirname "$newer")"
fi
cflags=${LIBPD_CFLAGS:-"-isystem /usr/include/pd"}
library=${LIBPD_LIBRARY:-"-lpd"}
# shellcheck disable=SC2086 # lists of flags
echo '#include <z_libpd.h>
    int main(void) { return libpd_init() == -2; }' |
    gcc $cflags -x c - -x none -o "$work/probe" $library -lm -lpthread -ldl \
        2>"$work/err" ||
    skip_all "$name" "no libpd here: with bookworm-backports make check gets it"

if ! env -u MAKEFLAGS -u MAKELEVEL make -j2 --no-print-directory -C "$MLI_ROOT" \
    BUILD="$MLI_BUILD" LIBPD_CFLAGS="$cflags" libpd >"$work/log" 2>&1; then
    fail "libmlinfer-pd.a" "$(tail -n 3 "$work/log")"
    finish
fi
archive=$MLI_BUILD/libmlinfer-pd.a
shown=$(nm -g --defined-only "$archive" | awk 'NF == 3 {print $3}' | xargs)
[ "$shown" = "mlinfer_setup mlinfer_tilde_setup" ] &&
    pass "libmlinfer-pd.a shows its setup functions and nothing else" ||
    fail "libmlinfer-pd.a shows its setup functions" "it shows $shown"

cp "$MLI_ROOT"/models/{drive/drive,mapping/mapping}.bin "$work"
# shellcheck disable=SC2086
if gcc -std=c11 -Wall -Wextra -D_GNU_SOURCE $cflags ${CFLAGS:-} \
    "$MLI_ROOT/tests/embed/host.c" -o "$work/host" "$archive" $library \
    -lm -lpthread -ldl >"$work/log" 2>&1; then
    timeout 60 "$work/host" "$work" >"$work/said" 2>&1
    status=$?
    if [ $status = 0 ]; then
        pass "both boxes answer in $(tail -n 1 "$work/said")"
    else
        fail "both boxes answer" "status $status; $(grep -v '^pd ' "$work/said" |
            head -n 1)"
    fi
else
    fail "the program is linked" "$(grep -m1 -E 'error|undefined' "$work/log")"
fi
finish
