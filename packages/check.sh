#!/usr/bin/env bash
# check.sh dek ROOT PACKAGE.dek
# check.sh bela ARCHITECTURE FOLDER
# What is about to be shipped, looked at as it is: says what is wrong and fails.
# With TAP=1 in the environment everything that was looked at is a line.
set -u
here=$(cd "$(dirname "$0")" && pwd)
wrong=0
say() {
    [ -n "${TAP:-}" ] && echo "$1"
    case $1 in
    "not ok"*)
        [ -n "${TAP:-}" ] || echo "$1" >&2
        wrong=1
        ;;
    esac
}
check() { # NAME WRONG
    if [ -z "$2" ]; then
        say "ok - $1"
    else
        say "not ok - $1: $2"
    fi
}
differences() { # EXPECTED FOUND: files that are missing, files too many
    comm -3 --output-delimiter='+' <(sort <<<"$1") <(sort <<<"$2") |
        sed 's/^\([^+]\)/-\1/' | xargs
}
binaries() { # ARCHITECTURE FILE...
    local line
    while IFS= read -r line; do
        say "$line"
    done < <("$here/binary.sh" "$@")
}

# The files of a package, its name and what is beside it.
check_dek() {
    local root=$1 package=$2 name architecture work extension expected found
    name=$(basename "$package")
    architecture=${name##*(}
    architecture=${architecture%%)*}
    work=$(mktemp -d)
    # shellcheck disable=SC2064 # this folder
    trap "rm -rf '$work'" EXIT
    check "$name is named as deken wants it" "$(
        grep -qxE 'mlinfer\[v[0-9]+(\.[0-9]+)*\]\((Sources|[A-Z][a-z]+-[a-z0-9]+-(32|64))\)\.dek' \
            <<<"$name" || echo "it is not"
    )"
    check "$name.sha256 is its checksum" "$(
        sum=$(command -v sha256sum || echo "shasum -a 256")
        [ "$($sum <"$package" | cut -d' ' -f1)" = \
            "$(cat "$package.sha256")" ] || echo "it is not"
    )"
    check "$name.txt says what boxes there are" "$(
        [ "$(cut -f1 "$package.txt" | xargs)" = "mlinfer mlinfer~" ] &&
            ! grep -qvE "^[^	]+	[^	]{10,}$" "$package.txt" ||
            head -c 200 "$package.txt"
    )"
    unzip -q "$package" -d "$work" || check "$name can be unpacked" "it cannot"
    found=$(cd "$work" && find . -type f | sed 's|^\./||')
    if [ "$architecture" = Sources ]; then
        check "$name has what make needs" "$(
            for f in Makefile Makefile.pdlibbuilder LICENSE README.md \
                core/mlinfer.h pd-external/mlinfer~.c; do
                grep -qxF "mlinfer/$f" <<<"$found" || echo "no $f"
            done
            grep -E '\.(o|a|pd_linux|dll|so)$' <<<"$found"
        )"
        return
    fi
    case $architecture in
    Linux-*-32) extension=pd_linux ;;
    Linux-*-64) extension=$(tr L l <<<"$architecture").so ;;
    Windows-*) extension=dll ;;
    Darwin-*) extension=pd_darwin ;;
    esac
    expected=$(cd "$root" &&
        printf 'mlinfer/%s\n' "mlinfer.$extension" "mlinfer~.$extension" \
            LICENSE README.md
        cd "$root/help-patches" && printf 'mlinfer/%s\n' *.pd {examples,bela}/*.pd
        cd "$root/models" && for m in */*.bin; do
            echo "mlinfer/models/${m##*/}"
        done)
    check "$name holds what it should, and nothing else" \
        "$(differences "$expected" "$found")"
    case $architecture in
    Darwin-*) ;;
    *) binaries "$architecture" "$work/mlinfer/mlinfer.$extension" \
        "$work/mlinfer/mlinfer~.$extension" ;;
    esac
}

# What lies in the folder for Bela, and that its patch finds all of it there.
check_bela() {
    local architecture=$1 folder=$2 wanted
    # The first word after the flags, without a name that is none.
    wanted=$(sed -nE 's/^#X obj [0-9]+ [0-9]+ mlinfer~?(( -[^ ;,]+( [0-9]+)*)*) ?([^ ;,]*).*/\4/p' \
        "$folder/_main.pd" | sed '/^$/d; s/\.bin$//; s/$/.bin/' | sort -u)
    check "the folder for Bela holds what it should, flat" "$(
        differences "$(printf '%s\n' _main.pd README.txt LICENSE \
            mlinfer.pd_linux mlinfer~.pd_linux $wanted)" \
            "$(cd "$folder" && find . -mindepth 1 | sed 's|^\./||')"
    )"
    check "its README has at most 12 lines" "$(
        [ "$(wc -l <"$folder/README.txt")" -le 12 ] || echo "more"
    )"
    binaries "$architecture" "$folder/mlinfer.pd_linux" \
        "$folder/mlinfer~.pd_linux"
}

"check_$1" "${@:2}"
exit $wrong
