#!/usr/bin/env bash
# The installed folder: what the binaries need and show, how Pd finds them, how
# they find models, what a saved patch keeps, and the help patches.
. "$(dirname "$0")/pd/common.sh"
need_pd install
folder=$MLI_BUILD/pd/mlinfer

# ---------------------------------------------------------- binaries ----
for pair in mlinfer:mlinfer_setup mlinfer~:mlinfer_tilde_setup; do
    binary=$folder/${pair%:*}.pd_linux
    shown=$(nm -D --defined-only "$binary" | awk '{print $3}' | xargs)
    if [ "$shown" = "${pair#*:}" ]; then
        pass "${pair%:*} shows its setup function and nothing else"
    else
        fail "${pair%:*} shows its setup function only" "it shows $shown"
    fi
    others=$(readelf -d "$binary" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' |
        grep -vE '^(libc|libm|libpthread|ld-linux.*)\.so\.[0-9]+$' | xargs)
    if [ -z "$others" ]; then
        pass "${pair%:*} needs libc, libm, libpthread and nothing else"
    else
        fail "${pair%:*} needs no other library" "it needs $others"
    fi
    # Every function of Pd that it asks for was there in Pd 0.48.
    newer=$(nm -D --undefined-only "$binary" | awk '$1 == "U" {print $2}' |
        grep -v '@' | grep -vxFf <(
            sed 's/#.*//; s/ data//; /^$/d' "$MLI_ROOT/packages/pd-functions.txt"
        ) | xargs)
    if [ -z "$newer" ]; then
        pass "${pair%:*} asks for no function that Pd 0.48 does not have"
    else
        fail "${pair%:*} asks for functions of Pd 0.48" "also for $newer"
    fi
done

# ------------------------------------------------------- how Pd finds it ----
# All of these make their boxes: nothing is said.
quiet() { # NAME PD-ARGUMENTS...
    local name=$1
    shift
    if run_pd "$@" -send "pd quit" >"$work/got" && [ ! -s "$work/got" ]; then
        pass "$name"
    else
        fail "$name" "Pd said: $(head -3 "$work/got")"
    fi
}

boxes() { # FILE DECLARE BOX...
    {
        echo "#N canvas 0 0 300 300 12;"
        [ -n "$2" ] && echo "#X declare $2;"
        printf '#X obj 20 20 %s;\n' "${@:3}"
    } >"$1"
}
boxes "$work/both.pd" "-path mlinfer" "mlinfer~" "mlinfer"
boxes "$work/list.pd" "-path mlinfer" "mlinfer" "mlinfer~"
quiet "[declare -path mlinfer] in the user's externals" -open "$work/both.pd"
quiet "... with the other class first" -open "$work/list.pd"

mkdir "$work/settings"
printf 'npath: 1\npath1: %s\n' "$MLI_BUILD/pd" >"$work/settings/.pdsettings"
for patch in both list; do
    if HOME=$work/settings timeout 20 "${PD_COMMAND[@]}" -nrt -nogui -noaudio \
        -nomidi -batch -nostdpath -stderr -open "$work/$patch.pd" \
        -send "pd quit" >"$work/got" 2>&1 &&
        ! grep -qE "couldn't|error" "$work/got"; then
        pass "only the parent folder on Pd's search path ($patch.pd)"
    else
        fail "$patch.pd on the search path's parent" "$(cat "$work/got")"
    fi
done

boxes "$work/qualified.pd" "" "mlinfer/mlinfer~" "mlinfer/mlinfer" \
    "mlinfer/mlinfer~"
quiet "by the folder's name: [mlinfer/mlinfer~] and [mlinfer/mlinfer]" \
    -open "$work/qualified.pd"

boxes "$work/libs.pd" "-lib mlinfer/mlinfer -lib mlinfer/mlinfer~" \
    "mlinfer" "mlinfer~"
run_pd -verbose -open "$work/libs.pd" -send "pd quit" >"$work/got"
if grep -qE "overwritten|couldn't" "$work/got"; then
    fail "both binaries loaded" "$(grep -E "overwritten|couldn't" "$work/got")"
elif [ "$(grep -c "mlinfer.*pd_linux and succeeded" "$work/got")" -lt 2 ]; then
    fail "both binaries loaded" "Pd did not load both"
else
    pass "both binaries loaded: the classes are registered once"
fi

# ------------------------------------------------------- models are found ----
mkdir -p "$work/set/inner/deeper" "$work/set/models" "$work/far"
cp "$work/models/total.bin" "$work/set/models/outside.bin"
cp "$work/models/total.bin" "$work/set/inner/beside.bin"
cp "$work/models/total.bin" "$work/far/declared.bin"
cp "$work/models/total.bin" "$work/home/mine.bin"
boxes "$work/set/inner/voice.pd" "" "mlinfer~ models/outside" \
    "mlinfer~ beside.bin" "mlinfer~ declared"
boxes "$work/set/inner/named.pd" "" "mlinfer~ \\\$1"
boxes "$work/set/main.pd" "-path mlinfer -path ../far" "inner/named 0" \
    "inner/named beside" "inner/voice" "clone inner/voice 2" \
    "mlinfer~ $work/far/declared.bin" "mlinfer~ ~/mine.bin"
quiet "beside the patch, beside the patches around it, declared, absolute" \
    -open "$work/set/main.pd"

# -------------------------------------------------------- cords are kept ----
cat >"$work/cords.pd" <<'EOF'
#N canvas 0 0 600 400 12;
#X declare -path mlinfer;
#X obj 20 20 osc~ 440;
#X obj 20 60 mlinfer~ -in 2 -out 2 gone;
#X obj 20 100 dac~;
#X obj 220 60 mlinfer~ gone;
#X obj 220 100 dac~;
#X obj 320 60 mlinfer gone;
#X obj 320 100 print;
#X connect 0 0 1 0;
#X connect 0 0 1 1;
#X connect 0 0 3 0;
#X connect 0 0 3 4;
#X connect 1 0 2 0;
#X connect 1 1 2 1;
#X connect 1 2 6 0;
#X connect 3 0 4 0;
#X connect 3 2 4 1;
#X connect 5 0 6 0;
#X connect 5 1 6 0;
EOF
run_pd -open "$work/cords.pd" -send \
    "pd-cords.pd savetofile saved.pd $work; pd quit" >"$work/got"
if diff <(grep '#X connect' "$work/cords.pd") \
    <(grep '#X connect' "$work/saved.pd") >"$work/diff"; then
    pass "boxes whose model is missing keep their cords when saved"
else
    fail "boxes whose model is missing keep their cords" "$(cat "$work/diff")"
fi

# ---------------------------------------------------------- help patches ----
for patch in "$folder"/*.pd "$folder"/examples/*.pd "$folder"/bela/*.pd; do
    name=$(basename "$patch")
    run_pd -open "$patch" -send "pd dsp 1; pd quit" >"$work/got"
    if grep -qE "couldn't create|error|failed|no such" "$work/got"; then
        fail "$name opens" "$(grep -E "couldn't|error|failed" "$work/got")"
    else
        pass "$name opens without an error"
    fi
    if HOME=$work/nowhere timeout 20 "${PD_COMMAND[@]}" -nrt -nogui -noprefs \
        -nostdpath -noaudio -nomidi -batch -stderr -open "$patch" \
        -send "pd quit" >"$work/got" 2>&1 && [ ! -s "$work/got" ]; then
        pass "$name opens where nothing is installed"
    else
        fail "$name opens where nothing is installed" "$(head -2 "$work/got")"
    fi
    case $name in
    *-help.pd) grep -q '^#X declare -path mlinfer[; ]' "$patch" &&
        grep -q 'pd reference;' "$patch" && grep -q 'pd META;' "$patch" &&
        pass "$name has declare, reference and META" ||
        fail "$name" "lacks declare, reference or META" ;;
    *-meta.pd) ;;
    *) ! grep -q '^#X obj [0-9 ]*mlinfer' "$patch" ||
        grep -q '^#X declare -path mlinfer' "$patch" ||
        fail "$name" "does not begin with [declare -path mlinfer]" ;;
    esac
done
for class in mlinfer mlinfer~; do
    [ -f "$folder/$class-help.pd" ] && pass "$class has a help patch" ||
        fail "$class has a help patch" "no $class-help.pd"
done
finish
