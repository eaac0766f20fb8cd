#!/usr/bin/env bash
# The build's promises: no warning from gcc and clang, a freestanding runtime,
# and folders that know only what they may. Works on MLI_ROOT, in a folder of
# its own under MLI_BUILD.
set -u
root=${MLI_ROOT:-$(cd "$(dirname "$0")/.." && pwd)}
build=${MLI_BUILD:-$root/build}
. "$(dirname "$0")/tap.sh"

# Warnings are errors here. gcc compiles everything at -O2: with less it does not
# look into the flow of values. What the build itself compiled so is not compiled
# again: what was said then stands beside the objects. clang looks into the flow
# when it parses; only the kernels it has to compile, for it warns of loops that
# it is asked to turn into vectors and leaves as they are.
warnings_of() { # NAME COMMAND FLAGS TARGET...
    local name="no warning from $1" log=$build/warnings-$1.log folder
    folder=$build/warnings-$1
    if [ -z "$2" ]; then
        skip "$name" "$1 is not installed"
        return
    fi
    if make -C "$root" --no-print-directory BUILD="$folder" CC="$2" \
        CFLAGS="$3" "${@:4}" >"$log" 2>&1; then
        pass "$name"
    else
        check "$name" "$(grep -E 'error:|Error ' "$log" || tail -n 3 "$log")"
    fi
}

# Objects that the build has not made with gcc and -O2.
left_to_gcc() {
    local flags compiler source object
    flags=$(cat "$build/flags" 2>/dev/null)
    compiler=${flags%% -std=*}
    case "$($compiler --version 2>/dev/null) $flags" in
    *"Free Software Foundation"*" -O2 "*) ;;
    *) compiler= ;;
    esac
    for source in $(make -s -C "$root" sources); do
        object=$build/obj/${source%.c}.o
        [ -n "$compiler" ] && [ -e "$object.said" ] &&
            [ "$object" -nt "$root/$source" ] ||
            echo "$build/warnings-gcc/obj/${source%.c}.o"
    done
}

said_by_gcc() {
    local left
    mapfile -t left < <(left_to_gcc)
    check "no warning while this was built" \
        "$(find "$build/obj" -name '*.said' -exec cat {} +)"
    warnings_of gcc "$(command -v gcc)" "-O2 -Werror" "${left[@]:-sources}"
}

# What the runtime asks of the world: the four functions that a compiler may
# call by itself, nothing else.
freestanding() {
    local library=$build/libmlinfer.a foreign
    foreign=$(nm "$library" | awk '
        NF == 2 && $1 == "U"     { wanted[$2] = 1 }
        NF == 3                  { here[$3] = 1 }
        END {
            if (!("mli_process" in here))
                print "no mli_process"
            for (name in wanted)
                if (!(name in here))
                    print name
        }' | grep -vE '^(memcpy|memset|memmove|memcmp)$|^_GLOBAL_OFFSET_TABLE_$')
    check "the runtime needs memcpy, memset, memmove and memcmp only" "$foreign"
}

# Nothing in the runtime can change behind its caller's back. What holds
# addresses lies in .data.rel; .data.rel.ro is constant once it is loaded.
no_mutable_state() {
    local mutable
    mutable=$(objdump -t "$build/libmlinfer.a" |
        awk '$4 ~ /^\.data\.rel\.ro/ { next }
             $3 == "O" && $4 ~ /^\.(t?data|t?bss)(\.|$)|COM/ ||
             $2 == "O" && $3 ~ /COM/')
    check "the runtime has no global mutable state" "$mutable"
}

system_headers() {
    local foreign
    foreign=$(cd "$root" && grep -nE '^#include *<' kernels/*.[ch] \
        kernels/public/*.h core/*.[ch] |
        grep -vE '<(stdint|stddef|stdbool|immintrin|emmintrin|arm_neon|cpuid)\.h>')
    check "kernels and core include freestanding headers only" "$foreign"
}

# The include paths of the Makefile keep the rooms apart; a path through ".."
# or from the root would go around them.
rooms() {
    local around
    around=$(cd "$root" && grep -rnE '^#include *"([^"]*\.\./|/|'\
'(kernels|core|compiler|learn|tools|pd-external)/)' --include='*.[ch]' \
        kernels core compiler learn tools pd-external tests 2>/dev/null)
    check "no include goes around the rooms" "$around"
}

# A planted mistake shows that the paths do keep them apart.
walls() {
    local room header bad=
    while read -r room header; do
        mkdir -p "$build/walls/$room"
        echo "#include \"$header\"" >"$build/walls/$room/x.c"
        flags=$(make -s -C "$root" "includes-$room" 2>/dev/null)
        [ -n "$flags" ] || bad="no include paths for $room"
        # shellcheck disable=SC2086 # a list of flags
        (cd "$root" && ${CC:-cc} -std=c11 $flags -fsyntax-only \
            "$build/walls/$room/x.c") 2>/dev/null &&
            bad="$room sees $header"
    done <<'END'
kernels mlinfer.h
core compiler.h
core npy.h
compiler npy.h
compiler kernels.h
compiler learner.h
learn kernels.h
learn npy.h
tools kernels.h
END
    check "each room sees only the rooms it may" "$bad"
}

system_headers
rooms
walls
freestanding
no_mutable_state
said_by_gcc
clang=$(compgen -c clang | grep -xE 'clang(-[0-9]+)?' | sort | head -n 1)
warnings_of clang "$clang" "-O2 -Werror -fsyntax-only" syntax
warnings_of clang-kernels "$clang" "-O2 -Werror -emit-llvm" kernel-objects
finish
