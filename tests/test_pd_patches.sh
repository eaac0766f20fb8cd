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

# ------------------------------------------------------ names of every kind
# Files beside the patch are copies of one model; a box names each, and says
# which it found.
mkdir "$work/a folder ☃"
for name in 7 20 1e+06 0.5 -3 "a b  c" "modèle ☃" "x,y;z" +5 '#5' '{x}' dots.in; do
    cp "$work/models/total.bin" "$work/a folder ☃/$name.bin"
done
# A dollar that is not escaped is looked up when the box is made: 0 here.
boxes=('007' '2e1' '1e6' '1000000' '.5' '-3' 'a\ b\ \ c' 'modèle ☃'
    'modèle\ ☃.bin' 'x\,y\;z' '+5' '#5' '{x}' 'dots.in' '0' '0.0' '$1' '$2'
    'a b  c')
lines=("X declare -path mlinfer" "X obj 20 20 print INFO")
for i in "${!boxes[@]}"; do
    lines+=("X obj 20 $((50 + 30 * i)) mlinfer ${boxes[$i]}")
done
for i in "${!boxes[@]}"; do lines+=("X connect $((i + 1)) 1 0 0"); done
patch "$work/a folder ☃/case.pd" "${lines[@]}"
script "$work/script.pd"
run_pd -open "$work/a folder ☃/case.pd" -open "$work/script.pd" |
    grep -v 'INFO: latency 0' >"$work/got"
sed -i 's/a\\ folder\\ ☃/FOLDER/; s/a folder ☃/FOLDER/' "$work/got"
compare "names are symbols, or the text of a number" <<'EOF'
error: $1: argument number out of range
error: $2: argument number out of range
error: mlinfer: a b c: not found beside the patch (PATCH/FOLDER), on declared or search paths
INFO: loaded 1 PATCH/FOLDER/7.bin
INFO: loaded 1 PATCH/FOLDER/20.bin
INFO: loaded 1 PATCH/FOLDER/1e+06.bin
INFO: loaded 1 PATCH/FOLDER/1e+06.bin
INFO: loaded 1 PATCH/FOLDER/0.5.bin
INFO: loaded 1 PATCH/FOLDER/-3.bin
INFO: loaded 1 PATCH/FOLDER/a\ b\ \ c.bin
INFO: loaded 1 PATCH/FOLDER/modèle\ ☃.bin
INFO: loaded 1 PATCH/FOLDER/modèle\ ☃.bin
INFO: loaded 1 PATCH/FOLDER/x\,y\;z.bin
INFO: loaded 1 PATCH/FOLDER/+5.bin
INFO: loaded 1 PATCH/FOLDER/#5.bin
INFO: loaded 1 PATCH/FOLDER/{x}.bin
INFO: loaded 1 PATCH/FOLDER/dots.in.bin
INFO: loaded 0 notfound
EOF

# --------------------------------------------------- abstractions and clones
# voice MODEL: the model is its argument, and one voice has one state.
patch "$work/voice.pd" "X obj 20 20 inlet" "X obj 20 60 mlinfer \\\$1" \
    "X obj 20 100 outlet" "X connect 0 0 1 0" "X connect 1 0 2 0"
patch "$work/case.pd" "X declare -path mlinfer" "X obj 20 20 r box" \
    "X obj 20 60 voice MODELS/total" "X obj 20 90 print FIRST" \
    "X obj 120 60 voice MODELS/total.bin" "X obj 120 90 print SECOND" \
    "X obj 220 60 voice" "X obj 220 90 print NONE" "X obj 120 20 r two" \
    "X connect 0 0 1 0" "X connect 1 0 2 0" "X connect 7 0 3 0" \
    "X connect 3 0 4 0" "X connect 7 0 5 0" "X connect 5 0 6 0"
steps "an abstraction's argument names the model; without one there is none" \
    "1; two: 5; 1; two: 5" <<'EOF'
FIRST: 1
SECOND: 5
FIRST: 2
SECOND: 10
EOF

patch "$work/choir.pd" "X obj 20 20 inlet" "X obj 20 60 mlinfer \\\$2" \
    "X obj 20 100 outlet" "X connect 0 0 1 0" "X connect 1 0 2 0"
patch "$work/case.pd" "X declare -path mlinfer" "X obj 20 20 r box" \
    "X obj 20 60 clone choir 16 MODELS/total" "X obj 20 90 print OUT" \
    "X connect 0 0 1 0" "X connect 1 0 2 0"
steps "clones have a state each" "list 3 1; list 3 1; list 15 1; list 4 7" \
    <<'EOF'
OUT: 3 1
OUT: 3 2
OUT: 15 1
OUT: 4 7
EOF

patch "$work/sound.pd" "X obj 20 20 inlet~" \
    "X obj 20 60 mlinfer~ -in 1 -out 1 \\\$2" "X obj 20 100 outlet~" \
    "X connect 0 0 1 0" "X connect 1 0 2 0"
patch "$work/case.pd" "X declare -path mlinfer" "X obj 20 20 sig~ 0.5" \
    "X obj 20 60 clone sound 16 MODELS/gain" "X obj 20 90 snapshot~" \
    "X obj 20 120 print SUM" "X obj 120 60 r box" \
    "X connect 0 0 1 0" "X connect 1 0 2 0" "X connect 2 0 3 0" \
    "X connect 4 0 2 0"
steps "16 clones of [mlinfer~]" "pd: dsp 1" "bang" <<'EOF'
SUM: 8
EOF

patch "$work/changing.pd" "X obj 20 20 inlet~" "X obj 120 20 r box" \
    "X obj 20 60 mlinfer~ -in 1 -out 1 0" "X obj 20 100 outlet~" \
    "X obj 120 100 route latency" "X obj 120 115 t b" "X obj 120 130 s one" \
    "X connect 0 0 2 0" "X connect 1 0 2 0" "X connect 2 0 3 0" \
    "X connect 2 1 4 0" "X connect 4 0 5 0" "X connect 5 0 6 0"
patch "$work/case.pd" "X declare -path mlinfer" "X obj 20 20 sig~ 0.5" \
    "X obj 20 60 clone changing 16" "X obj 20 90 snapshot~" \
    "X obj 20 120 print SUM" "X obj 120 60 r snap" "X obj 220 20 r one" \
    "X obj 220 50 f" "X obj 260 50 + 1" "X obj 220 80 mod 16" \
    "X obj 220 110 sel 15" "X obj 220 140 s all" "X connect 0 0 1 0" \
    "X connect 1 0 2 0" "X connect 2 0 3 0" "X connect 4 0 2 0" \
    "X connect 5 0 6 0" "X connect 6 0 7 0" "X connect 7 0 6 1" \
    "X connect 6 0 8 0" "X connect 8 0 9 0" "X connect 9 0 10 0"
steps "16 clones change their models while they sound" "pd: dsp 1" \
    "snap: bang" "set gain 2; load MODELS/gain @ all" "snap: bang" \
    "load MODELS/late @ all" "snap: bang" <<'EOF'
SUM: 0
SUM: 16
SUM: 8
EOF

# Which of several files of one name it is: the innermost, and what is declared
# before what lies around.
mkdir -p "$work/outer/inner" "$work/outer/declared"
cp "$work/models/total.bin" "$work/outer/both.bin"
cp "$work/models/clock.bin" "$work/outer/inner/both.bin"
cp "$work/models/total.bin" "$work/outer/only.bin"
cp "$work/models/clock.bin" "$work/outer/declared/said.bin"
for box in both only said; do
    patch "$work/outer/inner/$box.pd" "N canvas 0 0 300 300 sub 0" \
        "X obj 20 20 mlinfer $box" "X obj 20 60 print" "X connect 0 1 1 0" \
        "X restore 20 20 pd sub"
done
patch "$work/outer/case.pd" "X declare -path mlinfer -path declared" \
    "X obj 20 20 inner/both" "X obj 20 50 inner/only" "X obj 20 80 inner/said" \
    "X obj 20 120 mlinfer both" "X obj 20 150 print" "X connect 3 1 4 0"
script "$work/script.pd"
run_pd -open "$work/outer/case.pd" -open "$work/script.pd" |
    grep -v latency >"$work/got"
compare "files are found from the innermost patch outwards" <<'EOF'
print: loaded 1 PATCH/outer/inner/both.bin
print: loaded 1 PATCH/outer/only.bin
print: loaded 1 PATCH/outer/declared/said.bin
print: loaded 1 PATCH/outer/both.bin
EOF

patch "$work/case.pd" "X declare -path mlinfer" "X obj 20 20 r box" \
    "X obj 20 60 mlinfer" "X obj 20 90 print" "X connect 0 0 1 0" \
    "X connect 1 1 2 0"
script "$work/script.pd" "load clock" "load outer/both" "load ../*/models/nope"
run_pd -path "$work/models" -open "$work/case.pd" -open "$work/script.pd" \
    >"$work/got"
compare "... on the search path, and below a folder" <<'EOF'
print: loaded 1 MODELS/clock.bin
print: latency 0
print: loaded 1 PATCH/outer/both.bin
print: latency 0
error: mlinfer: ../*/models/nope: not found beside the patch (PATCH), on declared or search paths
print: loaded 0 notfound
EOF

# ------------------------------------------------- editing: copies and undo
# edited NAME SETS STEP...: after these steps the patch has so many copies of
# all its boxes and cords, and none lost a cord.
# A patch without a window is edited once it is "mapped".
edit="pd-case.pd: vis 1; pd-case.pd: map 1; pd-case.pd: editmode 1; pd-case.pd: selectall"
edited() {
    local name=$1 sets=$2 boxes cords
    shift 2
    script "$work/script.pd" "$@" "pd: dsp 0" \
        "pd-case.pd: savetofile case.pd $work/saved"
    run_pd -open "$work/case.pd" -open "$work/script.pd" >"$work/got"
    boxes=$(grep -c '^#X obj.* mlinfer' "$work/saved/case.pd")
    cords=$(grep -c '^#X connect' "$work/saved/case.pd")
    if [ "$boxes $cords" != "$((3 * sets)) $((6 * sets))" ]; then
        fail "$name" "$boxes boxes and $cords cords: $(head -5 "$work/got")"
    elif grep -vE 'saved to|nope: not found|INFO|OUT' "$work/got"; then
        fail "$name" "Pd said so"
    else
        pass "$name"
    fi
}
mkdir "$work/saved"
patch "$work/case.pd" "X declare -path mlinfer" "X obj 20 20 sig~ 0.5" \
    "X obj 20 60 mlinfer~ -in 2 -out 2 nope" "X obj 20 90 print INFO" \
    "X obj 120 60 mlinfer~ -hop 32 -clamp MODELS/sumlist" \
    "X obj 120 90 mlinfer MODELS/total" "X obj 20 20 r box" \
    "X connect 0 0 1 1" "X connect 1 2 2 0" "X connect 0 0 3 2" \
    "X connect 3 2 2 0" "X connect 5 0 4 0" "X connect 4 0 2 0"
for dsp in 0 1; do
    edited "copy, paste and duplicate (dsp $dsp)" 3 "pd: dsp $dsp" \
        "$edit; pd-case.pd: copy; pd-case.pd: paste; pd-case.pd: duplicate"
    edited "... undone and done again (dsp $dsp)" 2 "pd: dsp $dsp" \
        "$edit; pd-case.pd: copy; pd-case.pd: paste; pd-case.pd: duplicate" \
        "pd-case.pd: undo; pd-case.pd: undo" "pd-case.pd: redo"
    edited "a cut patch (dsp $dsp)" 0 "pd: dsp $dsp" "$edit; pd-case.pd: cut"
    edited "... comes back with its cords (dsp $dsp)" 1 "pd: dsp $dsp" \
        "$edit; pd-case.pd: cut" "pd-case.pd: undo"
    edited "... and is pasted with them (dsp $dsp)" 2 "pd: dsp $dsp" \
        "$edit; pd-case.pd: cut" "pd-case.pd: paste" "pd-case.pd: paste"
done

# Each copy has a state of its own: two sums of 1, then 2 and 1.
patch "$work/case.pd" "X declare -path mlinfer" "X obj 20 20 r box" \
    "X obj 20 60 mlinfer MODELS/total" "X obj 20 90 print OUT" \
    "X connect 0 0 1 0" "X connect 1 0 2 0"
steps "a copy has a state of its own" "1" \
    "$edit; pd-case.pd: duplicate" "1" <<'EOF'
OUT: 1
OUT: 1
OUT: 2
EOF

# ------------------------------------------------- patches that make patches
# A new patch, never saved, in some folder; boxes and cords made by messages,
# while DSP runs.
patch "$work/case.pd" "X declare -path mlinfer" "X obj 20 20 r box"
steps "a patch that was never saved, made by messages" \
    "pd: dsp 1; pd: menunew new.pd PATCH/outer" \
    "pd-new.pd: obj 20 20 sig~ 0.25; pd-new.pd: obj 20 60 mlinfer/mlinfer~ MODELS/gain; pd-new.pd: obj 20 90 snapshot~; pd-new.pd: obj 20 120 print OUT; pd-new.pd: obj 90 20 r snap; pd-new.pd: connect 0 0 1 0; pd-new.pd: connect 1 0 2 0; pd-new.pd: connect 2 0 3 0; pd-new.pd: connect 4 0 2 0" \
    "snap: bang" \
    "pd-new.pd: obj 20 160 mlinfer/mlinfer both; pd-new.pd: obj 20 190 mlinfer/mlinfer~ -in 1 -out 1 nothere; pd-new.pd: connect 5 0 3 0; pd-new.pd: connect 5 1 3 0; pd-new.pd: obj 120 160 r list; pd-new.pd: connect 7 0 5 0" \
    "list: 3; list: 4" "pd-new.pd: disconnect 0 0 1 0" "snap: bang" \
    "pd-new.pd: clear" "pd-new.pd: menuclose 1" <<'EOF'
OUT: 0.25
error: mlinfer~: nothere: not found beside the patch (PATCH/outer), on declared or search paths
OUT: loaded 1 PATCH/outer/both.bin
OUT: latency 0
OUT: 3
OUT: 7
OUT: 0
EOF

# A box that makes way for another by what it says: a moment later, for Pd
# itself does not survive it at once, whatever the box.
for box in "mlinfer MODELS/larger" "mlinfer~ -list MODELS/larger"; do
    patch "$work/case.pd" "X declare -path mlinfer" \
        "N canvas 0 0 300 300 inside 0" "X obj 20 20 r box" "X obj 20 60 $box" \
        "X obj 20 100 s said" "X connect 0 0 1 0" "X connect 1 1 2 0" \
        "X restore 20 20 pd inside" "X obj 20 100 r said" \
        "X obj 20 130 route class loaded file" "X obj 20 160 t b" \
        "X obj 20 190 delay 0" \
        "X msg 20 220 \\; pd-inside clear \\; pd-inside obj 20 20 r box \\; pd-inside obj 20 60 $box \\; pd-inside obj 20 90 s said \\; pd-inside connect 0 0 1 0 \\; pd-inside connect 1 1 2 0" \
        "X obj 120 160 print LOADED" "X obj 220 160 print FILE" \
        "X connect 1 0 2 0" "X connect 2 0 3 0" "X connect 3 0 4 0" \
        "X connect 4 0 5 0" "X connect 2 1 6 0" "X connect 2 2 7 0"
    steps "[${box% *}] makes way for another by what it says" \
        "pd: dsp 1" "$([[ $box = *~* ]] || echo list 1 0)" "pd: dsp 0" \
        "info" <<'EOF'
LOADED: 1 MODELS/larger.bin
LOADED: 1 MODELS/larger.bin
FILE: MODELS/larger.bin
EOF
done

# ------------------------------------------------------- many boxes, one file
# One of two goes, then the file's last: what stays plays on.
patch "$work/case.pd" "X declare -path mlinfer" \
    "N canvas 0 0 300 300 one 0" "X obj 20 20 r box" \
    "X obj 20 60 mlinfer MODELS/total" "X obj 20 90 print ONE" \
    "X obj 120 60 mlinfer~ -in 1 -out 1 -list MODELS/total" \
    "X connect 0 0 1 0" "X connect 1 0 2 0" "X restore 20 20 pd one" \
    "N canvas 0 0 300 300 two 0" "X obj 20 20 r box" \
    "X obj 20 60 mlinfer MODELS/total" "X obj 20 90 print TWO" \
    "X connect 0 0 1 0" "X connect 1 0 2 0" "X restore 20 60 pd two"
steps "boxes with one file come and go" "1; pd: dsp 1" "pd-one: clear" "2" \
    "pd-one: obj 20 20 r box; pd-one: obj 20 60 mlinfer MODELS/total; pd-one: obj 20 90 print ONE; pd-one: connect 0 0 1 0; pd-one: connect 1 0 2 0" \
    "3" "pd-two: clear" "4" "pd-one: clear" "pd: dsp 0" <<'EOF'
TWO: 1
ONE: 1
TWO: 3
ONE: 3
TWO: 6
ONE: 7
EOF

# 200 boxes are one image: the patch is there at once, and each has its state.
{
    echo "#N canvas 0 0 600 400 12;#X declare -path mlinfer;#X obj 20 20 r box;"
    echo "#X obj 20 40 print OUT;"
    for _ in {1..200}; do echo "#X obj 20 60 mlinfer $work/models/total;"; done
    for i in {2..201}; do echo "#X connect 0 0 $i 0;#X connect $i 0 1 0;"; done
} >"$work/case.pd"
script "$work/script.pd" "1" "1"
run_pd -open "$work/case.pd" -open "$work/script.pd" | sort | uniq -c |
    sed 's/^ *//' >"$work/got"
compare "200 boxes with one file" <<'EOF'
200 OUT: 1
200 OUT: 2
EOF

# A result that loads another model, and one that comes back as an input: what
# goes out is whole, and the new model hears what comes next.
patch "$work/case.pd" "X declare -path mlinfer" "X obj 20 20 r box" \
    "X obj 20 60 mlinfer MODELS/larger" "X obj 20 90 t b l" \
    "X obj 120 120 print OUT" "X obj 20 120 spigot" "X msg 20 150 load MODELS/total" \
    "X obj 220 60 route class" "X obj 220 90 print CLASS" \
    "X obj 20 20 r open" "X connect 0 0 1 0" "X connect 1 0 2 0" \
    "X connect 2 1 3 0" "X connect 2 0 4 0" "X connect 4 0 5 0" \
    "X connect 5 0 1 0" "X connect 1 1 6 0" "X connect 6 0 7 0" \
    "X connect 8 0 4 1"
steps "a result that loads another model" "open: 1" "list 0 0" "5" \
    "open: 0; load MODELS/larger" "list 0 0" <<'EOF'
CLASS: left 0.5
OUT: 0.5 0.5
OUT: 5
CLASS: left 0.5
OUT: 0.5 0.5
EOF
patch "$work/case.pd" "X declare -path mlinfer" "X obj 20 20 r box" \
    "X obj 20 60 mlinfer MODELS/larger" "X obj 20 90 print OUT" \
    "X obj 220 60 route class" "X obj 220 90 t b" \
    "X msg 220 120 load MODELS/total" \
    "X connect 0 0 1 0" "X connect 1 0 2 0" "X connect 1 1 3 0" \
    "X connect 3 0 4 0" "X connect 4 0 5 0" "X connect 5 0 1 0"
steps "a class that loads another model: its list still comes" "list 0 0" "3" \
    <<'EOF'
OUT: 0.5 0.5
OUT: 3
EOF

# A delayed output as the next input: [mlinfer] in a loop of its own.
patch "$work/case.pd" "X declare -path mlinfer" "X obj 20 20 r box" \
    "X obj 20 60 mlinfer MODELS/total" "X obj 20 90 print OUT" \
    "X obj 120 90 pipe 5" "X obj 120 120 moses 100" "X connect 0 0 1 0" \
    "X connect 1 0 2 0" "X connect 1 0 3 0" "X connect 3 0 4 0" \
    "X connect 4 0 1 0"
steps "its own output, a moment later" "1" "reset" <<'EOF'
OUT: 1
OUT: 2
OUT: 4
OUT: 8
OUT: 8
OUT: 16
OUT: 32
OUT: 64
EOF
finish
