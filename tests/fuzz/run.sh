#!/usr/bin/env bash
# run.sh OUT [SECONDS [KIND...]] - the coverage-guided fuzzers, built with
# clang's address and undefined-behaviour sanitizers into OUT and run for so
# long on each kind: open, onnx, tflite, text. They begin with the golden models
# (as build/mlinfer, or MLINFER, converts them, with floats and with all kinds
# of fewer bits); what they find lies in OUT as found-KIND-..., to be given to
# OUT/open or OUT/import alone. One file may take ten seconds of this and 2 GB.
set -eu
cd "$(dirname "$0")/../.."
out=$1 seconds=${2:-600}
mkdir -p "$out"
shift $(($# > 2 ? 2 : $#))
flags=(-g -O1 -std=c11 -fsanitize=fuzzer,address,undefined
    -fno-sanitize-recover=all -ffp-contract=off -Wall -Wextra)

include=(-Itests -Icompiler -Icompiler/onnx -Icore -Ikernels -Ikernels/public)

# Kernels are long straight code: addresses only, or clang takes minutes.
objects() { # FLAG... - of the sources on standard input, two at a time
    xargs -P 2 -I{} sh -c 'out=$0/$(echo "{}" | tr / _).o
        [ "$out" -nt "{}" ] || ${CC:-clang} "$@" -c "{}" -o "$out"' \
        "$out/objects" "$@"
}
mkdir -p "$out/objects"
ls kernels/*.c | objects "${flags[@]/fuzzer,address,undefined/address}" \
    "${include[@]}"
{
    ls tests/fuzz/*.c tests/exercise.c core/*.c
    find compiler -name '*.c'
} | objects "${flags[@]/fuzzer/fuzzer-no-link}" "${include[@]}"
link() { # NAME OBJECT...
    local name=$1
    shift
    clang "${flags[@]}" "$@" "$out"/objects/{core,kernels}_*.o -lm \
        -o "$out/$name"
}
link open "$out"/objects/tests_fuzz_open.c.o "$out"/objects/tests_exercise.c.o
link import "$out"/objects/tests_fuzz_import.c.o "$out"/objects/compiler_*.o

# Their first files: small ones that are not slow on purpose, each under a name
# of its own; those that have to be converted are made once.
from=(tests/goldens models -not -path '*-hostile/*' -size -40k)
seeds() { # FOLDER PATTERN...
    local folder=$1 file
    mkdir -p "$folder"
    shift
    for pattern; do
        while read -r file; do
            cp "$file" "$folder/$(echo "$file" | tr / _)"
        done < <(find "${from[@]}" -name "$pattern")
    done
}
model_files() {
    mkdir -p "$out/seeds-open"
    find "${from[@]}" -regex '.*\.\(onnx\|nam\|json\|tflite\)' |
        while read -r file; do
            for option in "" "--weights f16" "--weights int8" \
                "--weights int4" "--arithmetic int8"; do
                # shellcheck disable=SC2086 # two words or none
                "${MLINFER:-build/mlinfer}" convert "$file" $option \
                    -o "$out/seeds-open/$(echo "$file$option" |
                        tr '/ ' __).bin" >/dev/null 2>&1 || true
            done
        done
}
seeds "$out/seeds-onnx" '*.onnx'
seeds "$out/seeds-tflite" '*.tflite'
seeds "$out/seeds-text" '*.json' '*.nam' '*.aidax' '*.safetensors' '*.pt'

fuzz() { # NAME PROGRAM SEEDS
    mkdir -p "$out/corpus-$1"
    "$out/$2" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2000 \
        -malloc_limit_mb=1000 -max_len=60000 -print_final_stats=1 \
        -artifact_prefix="$out/found-$1-" "$out/corpus-$1" "$3" \
        >"$out/$1.log" 2>&1 || echo "$1: see $out/$1.log"
}
[ $# -gt 0 ] || set -- open onnx tflite text
for kind; do
    case $kind in
    open)
        [ -d "$out/seeds-open" ] || model_files
        fuzz open open "$out/seeds-open"
        ;;
    *) fuzz "$kind" import "$out/seeds-$kind" ;;
    esac
done
