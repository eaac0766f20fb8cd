#!/usr/bin/env bash
# What people do in real patches: abstractions, clones, copies, undo, patches
# that make patches, names of every kind, boxes that hear themselves.
. "$(dirname "$0")/pd/common.sh"
need_pd patches

# patch FILE LINE...: a patch of "X ..." and "N ..." lines. MODELS and PATCH
# stand for the folders of small models and of patches.
patch() {
    local file=$1
    shift
    {
        echo "#N canvas 0 0 600 400 12;"
        printf '#%s;\n' "$@" | sed "s|MODELS|$work/models|g; s|PATCH|$work|g"
    } >"$file"
}

# steps NAME STEP... <<EXPECTED: what Pd says while $work/case.pd is open and
# the steps of `script` are done.
steps() {
    local name=$1
    shift
    script "$work/script.pd" "$@"
    sed -i "s|MODELS|$work/models|g; s|PATCH|$work|g" "$work/script.pd"
    run_pd -open "$work/case.pd" -open "$work/script.pd" >"$work/got"
    compare "$name"
}

# ------------------------------------------------- boxes that hear themselves
for class in mlinfer mlinfer~; do
    for message in info reload "load MODELS/gain"; do
        patch "$work/case.pd" "X declare -path mlinfer" "X obj 20 20 r box" \
            "X obj 20 60 $class MODELS/gain" "X obj 20 90 t b" \
            "X msg 20 120 $message" "X connect 0 0 1 0" "X connect 1 1 2 0" \
            "X connect 2 0 3 0" "X connect 3 0 1 0"
        word=${message%% *}
        line="error: $class: $word: asked for by its own reports, again and again: left out"
        # creation, and what is sent; info makes one round, loads make eight
        PD_SECONDS=5 steps "$class: reports to its own $word come to an end" \
            "info" <<EOF
$line
$line
EOF
    done
    patch "$work/case.pd" "X declare -path mlinfer" "X obj 20 20 r box" \
        "X obj 20 60 $class -in 1 -out 1 nope" "X obj 20 90 route loaded" \
        "X obj 20 120 route 0" "X msg 20 150 load MODELS/gain" \
        "X obj 120 120 print" "X connect 0 0 1 0" "X connect 1 1 2 0" \
        "X connect 2 0 3 0" "X connect 3 0 4 0" "X connect 4 0 1 0" \
        "X connect 2 0 5 0"
    [ $class = mlinfer ] && sed -i 's/-in 1 -out 1 //' "$work/case.pd"
    steps "$class: another model where one is not found" "reset" <<EOF
error: $class: nope: not found beside the patch (PATCH), on declared or search paths
print: 1 MODELS/gain.bin
print: 0 notfound
EOF
done
finish
