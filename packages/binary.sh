#!/usr/bin/env bash
# binary.sh ARCHITECTURE FILE...: what an external must be to run where a package
# of that architecture (deken's name: Linux-armv7-32) is for. Prints a TAP line
# for every property.
set -u
here=$(cd "$(dirname "$0")" && pwd)
architecture=$1
shift
failed=0

check() { # NAME WRONG: passes when WRONG is empty
    if [ -z "$2" ]; then
        echo "ok - $file_name: $1"
    else
        echo "not ok - $file_name: $1: $2"
        failed=1
    fi
}

# The words of the first text that are not in the second.
besides() {
    comm -23 <(tr -s ' \n' '\n' <<<"$1" | sed '/^$/d' | sort -u) \
        <(tr -s ' \n' '\n' <<<"$2" | sort -u) | xargs
}

# The newest C library that may be needed. Bela's image is Debian 9 with glibc
# 2.24; all others are older than any system that has a Pd of these days.
case $architecture in
Linux-armv7-32)
    machine="ELF32 ARM" glibc=2.24 tools=arm-linux-gnueabihf-
    ;;
Linux-arm64-32) machine="ELF64 AArch64" glibc=2.17 tools=aarch64-linux-gnu- ;;
Linux-amd64-*)
    machine="ELF64 Advanced Micro Devices X86-64" glibc=2.17 tools=
    ;;
Windows-amd64-*) machine=pei-x86-64 tools=x86_64-w64-mingw32- ;;
*)
    echo "not ok - $architecture: no such architecture is known"
    exit 1
    ;;
esac

functions=$(sed 's/#.*//; s/ data//' "$here/pd-functions.txt")
case $architecture in
*-64) functions=${functions/class_new/class_new64} ;;
esac

setup_of() {
    case $(basename "$1") in
    mlinfer~.*) echo mlinfer_tilde_setup ;;
    *) echo mlinfer_setup ;;
    esac
}

elf() {
    local dynamic symbols header newest asked
    header=$(readelf -h "$1")
    dynamic=$(readelf -d "$1")
    symbols=$(readelf -W --dyn-syms "$1")
    check "is for $machine" "$(awk -F': *' -v want="$machine" '
        /Class:/ { class = $2 } /Machine:/ { got = class " " $2 }
        END { if (got != want) print got }' <<<"$header")"
    # Names like $t tell code from data on ARM.
    check "holds no debug information and no names" "$(
        readelf -WS "$1" | grep -oE '\.debug_[a-z]+' | xargs
        readelf -Ws "$1" | awk '/^Symbol table/ { all = /symtab/ }
            all && $4 != "SECTION" && $8 ~ /^[^$]/ && $8 != "Name"' | head -n 1
    )"
    check "shows its setup function and nothing else" "$(
        shown=$(awk '$5 != "LOCAL" && $7 ~ /^[0-9]+$/ {print $8}' \
            <<<"$symbols" | xargs)
        [ "$shown" = "$(setup_of "$1")" ] || echo "it shows ${shown:-nothing}"
    )"
    check "needs libc, libm and libpthread only" "$(
        sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' <<<"$dynamic" | grep -vE \
            '^(libc|libm|libpthread|ld-linux[-_a-z0-9]*)\.so\.[0-9]+$' | xargs
    )"
    check "is bound when it is loaded" "$(
        grep -q 'BIND_NOW\|(FLAGS_1).*NOW' <<<"$dynamic" || echo "it is lazy"
    )"
    newest=$(grep -o '@GLIBC_[0-9.]*' <<<"$symbols" | sed 's/@GLIBC_//' |
        sort -uV | tail -n 1)
    check "loads on glibc $glibc" "$(
        [ "$(printf '%s\n' "${newest:-none}" $glibc | sort -V | tail -n 1)" = \
            $glibc ] || grep -o "[a-z0-9_]*@GLIBC_$newest" <<<"$symbols" | xargs
    )"
    # A weak symbol is one that it can do without.
    asked=$(awk '$5 == "GLOBAL" && $7 == "UND" && $8 !~ /@/ {print $8}' \
        <<<"$symbols")
    check "asks for functions of Pd 0.48 only" \
        "$(besides "$asked" "$functions")"
    check "is for a Pd of ${architecture##*-}-bit numbers" "$(
        grep -qx "class_new$([ "${architecture##*-}" = 64 ] && echo 64)" \
            <<<"$asked" || echo "it calls $(grep class_new <<<"$asked")"
    )"
}

armv7() {
    local attributes
    attributes=$(readelf -A "$1")
    check "is for ARMv7-A with NEON and numbers in its registers" "$(
        for a in "Tag_CPU_arch: v7" "Tag_CPU_arch_profile: Application" \
            "Tag_FP_arch: VFPv3" "Tag_Advanced_SIMD_arch: NEONv1" \
            "Tag_ABI_VFP_args: VFP registers"; do
            grep -qx " *$a" <<<"$attributes" || echo "no $a;"
        done
    )"
    disassembly=$("${tools}objdump" -d "$1")
    check "uses NEON" "$(
        grep -qE '\<vmla\.f32[[:space:]]+q' <<<"$disassembly" ||
            echo "no vmla.f32 of quad registers"
    )"
    check "has no instruction newer than a Cortex-A8" "$(
        grep -E '\<(vfn?m[as][^ ]*|[su]div)[[:space:]]' <<<"$disassembly" |
            grep -vE '\<vfma[bt]' | head -n 2
    )"
}

pe() {
    local header imports
    header=$("${tools}objdump" -p "$1")
    check "is for $machine" \
        "$(grep -q "file format $machine" <<<"$header" || echo "it is not")"
    check "holds no debug information" \
        "$("${tools}objdump" -h "$1" | grep -oE '\.debug_[a-z]+' | xargs)"
    check "shows its setup function and nothing else" "$(
        shown=$(sed -n '/Ordinal\/Name Pointer\] Table/,/^$/p' <<<"$header" |
            awk '/^\t\[/ {print $NF}' | xargs)
        [ "$shown" = "$(setup_of "$1")" ] || echo "it shows ${shown:-nothing}"
    )"
    check "needs Pd, Windows and msvcrt only" "$(
        sed -n 's/.*DLL Name: //p' <<<"$header" |
            grep -vixE 'kernel32\.dll|msvcrt\.dll|pd\.dll' | xargs
    )"
    imports=$(awk '/DLL Name:/ {pd = tolower($3) == "pd.dll"}
        pd && NF == 3 && $1 ~ /^[0-9a-f]+$/ {print $3}' <<<"$header")
    check "asks for functions of Pd 0.48 only" \
        "$(besides "$imports" "$functions")"
    check "is for a Pd of ${architecture##*-}-bit numbers" \
        "$(grep -qx class_new <<<"$imports" || echo "no class_new")"
}

for file in "$@"; do
    file_name="$architecture $(basename "$file")"
    if [ ! -f "$file" ]; then
        check "is there" "no such file"
        continue
    fi
    case $architecture in
    Windows-*) pe "$file" ;;
    *) elf "$file" ;;
    esac
    [ "$architecture" != Linux-armv7-32 ] || armv7 "$file"
done
exit $failed
