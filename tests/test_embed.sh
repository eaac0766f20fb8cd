#!/usr/bin/env bash
# Both boxes inside a program with libpd, linked statically: see
# docs/embedding.md and tests/embed/host.c. With the libpd that is installed, or
# that make check has unpacked, there is one Pd in it; then with one that is made
# of Debian's source of Pd for several Pds in a program, where two of them run
# at once. With MLI_LONG they do so under the thread sanitizer, too.
. "$(dirname "$0")/pd/common.sh"
. "$(dirname "$0")/pd/archive.sh"

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
cp models/{drive/drive,mapping/mapping}.bin "$work"

# hosted NAME INSTANCES CFLAGS LIBRARY [BUILD [FLAGS]]: the program, made with a
# libpd and the flags that it was compiled with, has so many Pds and all answer
# alike. The archive is made in BUILD with our own FLAGS.
hosted() {
    local name=$1 build=${5:-$MLI_BUILD} archive shown status said
    # shellcheck disable=SC2086 # lists of flags
    if ! env -u MAKEFLAGS -u MAKELEVEL make -j2 --no-print-directory \
        BUILD="$build" LIBPD_CFLAGS="$3" ${6:+KERNELS=generic CFLAGS="$6"} \
        libpd >"$work/log" 2>&1; then
        fail "libmlinfer-pd.a, $name" "$(tail -n 3 "$work/log")"
        return
    fi
    archive=$build/libmlinfer-pd.a
    shown=$(nm -g --defined-only "$archive" | awk 'NF == 3 {print $3}' | xargs)
    [ "$shown" = "mlinfer_setup mlinfer_tilde_setup" ] &&
        pass "libmlinfer-pd.a shows its setup functions only, $name" ||
        fail "libmlinfer-pd.a shows its setup functions only, $name" \
            "it shows $shown"
    # shellcheck disable=SC2086
    if ! gcc -std=c11 -Wall -Wextra -D_GNU_SOURCE $3 ${6:-} \
        tests/embed/host.c -o "$work/host" "$archive" $4 -lm -lpthread -ldl \
        >"$work/log" 2>&1; then
        fail "the program is linked, $name" \
            "$(grep -m1 -E 'error|undefined' "$work/log")"
        return
    fi
    timeout 100 ${6:+setarch -R} "$work/host" "$work" >"$work/said" 2>&1
    status=$?
    said=$(tail -n 1 "$work/said")
    if grep -q "FATAL: ThreadSanitizer" "$work/said"; then
        skip "both boxes answer, $name" "$(grep -m 1 FATAL "$work/said")"
    elif [ $status = 0 ] && [ "$said" = "$2 instances" ]; then
        pass "both boxes answer in $said, $name"
    else
        fail "both boxes answer in $2 instances, $name" \
            "status $status; $(grep -v '^pd ' "$work/said" | head -n 1)"
        grep -A 30 "WARNING: Thread" "$work/said" | head -n 60
    fi
}

# documented CFLAGS LIBRARY: the program that the document shows, taken from
# there, with the archive that is made already.
documented() {
    local at=$work/documented name="the program in docs/embedding.md plays a patch"
    mkdir "$at"
    awk '/^    #include/ { on = 1 } on { print substr($0, 5) }
        /^    int main/ { last = 1 } on && last && /^    }$/ { exit }' \
        docs/embedding.md >"$at/app.c"
    cp models/drive/drive.bin "$at"
    cat >"$at/patch.pd" <<'END'
#N canvas 0 0 400 300 12;
#X obj 10 10 adc~ 1;
#X obj 10 40 mlinfer~ drive;
#X obj 10 70 dac~ 1;
#X connect 0 0 1 0;
#X connect 1 0 2 0;
END
    # shellcheck disable=SC2086
    if gcc -Wall -Wextra $1 "$at/app.c" -o "$at/app" \
        "$MLI_BUILD/libmlinfer-pd.a" $2 -lm -lpthread -ldl >"$at/log" 2>&1 &&
        (cd "$at" && timeout 20 ./app >heard 2>log) &&
        [ "$(grep -c '^0\.[0-9]' "$at/heard")" = 8 ]; then
        pass "$name"
    else
        fail "$name" "$(head -n 2 "$at/log" | xargs)"
    fi
}

one_pd() {
    local name="Debian's libpd" cflags="-isystem /usr/include/pd" library="-lpd"
    local newer
    newer=$(echo "$MLI_BUILD"/newer-pd/usr/lib/*/libpd.so)
    if [ ! -f /usr/include/pd/z_libpd.h ] && [ -f "$newer" ]; then
        cflags="-isystem $MLI_BUILD/newer-pd/usr/include/pd $cflags"
        library="$newer -Wl,-rpath,$(dirname "$newer")"
    fi
    # shellcheck disable=SC2086 # lists of flags
    if echo '#include <z_libpd.h>
        int main(void) { return libpd_init() == -2; }' |
        gcc $cflags -x c - -x none -o "$work/probe" $library -lm -lpthread \
            -ldl 2>"$work/err"; then
        hosted "$name" 1 "$cflags" "$library"
        documented "$cflags" "$library"
    else
        skip "both boxes with $name" \
            "no libpd here: with bookworm-backports make check gets it"
    fi
}

# libpd_for_several FOLDER: Pd's source, and libpd.a from it; else says why not.
# That it is for several Pds is what its makefile says; on several threads, what
# we add.
libpd_for_several() {
    local apt=$1.apt new=$1.new
    [ -f "$1/libpd/libpd.a" ] && return
    rm -rf "$1" "$new"
    mkdir "$new"
    if ! from_archive "$apt" "$(dpkg --print-architecture 2>&1)" deb-src \
        source --download-only puredata ||
        ! tar -xf "$apt"/puredata_*.orig.tar.* -C "$new" \
            --strip-components=1 >"$work/log" 2>&1; then
        echo "no source of Pd from this machine's package archive"
    elif ! env -u MAKEFLAGS -u MAKELEVEL make -j2 -C "$new/libpd" libpd.a \
        CODECFLAGS="-O0 -fPIC" MORECFLAGS="-DPDTHREADS -w" \
        >"$work/log" 2>&1; then
        echo "Pd's source makes no libpd.a: $(tail -n 1 "$work/log")"
    else
        mv "$new" "$1"
    fi
    rm -rf "$apt" "$new"
}

two_pds() {
    local name="a libpd for several Pds" from=$MLI_BUILD/pd-source flags why
    why=$(libpd_for_several "$from")
    if [ -n "$why" ]; then
        skip "two instances at once, $name" "$why"
        return
    fi
    flags="-DPDINSTANCE -DPDTHREADS -isystem $from/src"
    hosted "$name" 2 "$flags" "$from/libpd/libpd.a"
    [ -z "${MLI_LONG:-}" ] ||
        hosted "$name, thread sanitizer" 2 "$flags" "$from/libpd/libpd.a" \
            "$MLI_BUILD/thread" \
            "-O1 -g -fno-omit-frame-pointer -fsanitize=thread"
}

one_pd
two_pds
finish
