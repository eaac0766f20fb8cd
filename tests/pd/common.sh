# What the tests of the externals share: a home with the externals installed,
# patches made from a few words, real Pd without a window, TAP lines.

set -u
: "${MLI_BUILD:?is not set: run the tests with make check}"
: "${MLI_ROOT:?is not set: run the tests with make check}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

pass() { echo "ok - $1"; }
fail() {
    echo "not ok - $1: $2"
    failed=$((failed + 1))
}
skip_all() {
    echo "ok - $1 # SKIP $2"
    exit 0
}
finish() { exit $((failed > 0)); }

need_pd() {
    command -v pd >/dev/null || skip_all "$1" "no pd here (puredata-core)"
    [ -f "$MLI_BUILD/pd/mlinfer/mlinfer~.pd_linux" ] ||
        skip_all "$1" "the externals are not built (make pd)"
    mkdir -p "$work/home/.local/lib/pd/extra" "$work/models"
    ln -s "$MLI_BUILD/pd/mlinfer" "$work/home/.local/lib/pd/extra/mlinfer"
    "$MLI_BUILD/tests/pd-models" "$work/models" ||
        fail "$1" "cannot make models"
}

# Pd without sound card and window, as fast as it goes. Output on one stream.
run_pd() {
    HOME=$work/home XDG_CONFIG_HOME=$work/home \
        timeout -k 2 "${PD_SECONDS:-20}" "${PD:-pd}" -nrt -nogui -noprefs \
        -noaudio -nomidi -batch -stderr -r "${PD_RATE:-48000}" "$@" 2>&1 </dev/null ||
        echo "pd ended with status $?"
}

# box_patch FILE BOX INFO MESSAGES: one box, its outlets printed (INFO is the
# number of the info outlet, 0 to INFO-1 print lists as OUT), and messages sent
# to it 10 ms after loading; "name: words" sends to another receiver.
box_patch() {
    local file=$1 box=$2 info=$3 messages=$4 text="" m
    while IFS= read -r m; do
        m="${m#"${m%%[! ]*}"}"
        [ -z "$m" ] && continue
        case $m in
        *:\ *) text+=" \\; ${m%%: *} ${m#*: }" ;;
        *) text+=" \\; box $m" ;;
        esac
    done <<<"${messages//;/$'\n'}"
    cat >"$file" <<EOF
#N canvas 0 0 600 400 12;
#X declare -path mlinfer;
#X obj 20 60 $box;
#X obj 20 20 r box;
#X obj 20 100 print OUT;
#X obj 120 100 print INFO;
#X obj 300 20 loadbang;
#X obj 300 40 delay 10;
#X obj 300 60 t b b;
#X msg 380 90$text;
#X obj 300 120 delay ${PD_MILLISECONDS:-50};
#X msg 300 150 \\; pd quit;
#X connect 1 0 0 0;
#X connect 0 $info 3 0;
#X connect 4 0 5 0;
#X connect 5 0 6 0;
#X connect 6 0 8 0;
#X connect 6 1 7 0;
#X connect 8 0 9 0;
EOF
    [ "$info" = 0 ] || [ "${box#mlinfer~}" != "$box" ] &&
        [ "${box#*-list}" = "$box" ] || echo "#X connect 0 0 2 0;" >>"$file"
}

# expect NAME BOX INFO MESSAGES <<EXPECTED: everything that Pd says, line by
# line. MODELS stands for the folder of small models, PATCH for the patch's.
expect() {
    local name=$1
    box_patch "$work/case.pd" "$2" "$3" "$4"
    sed "s|MODELS|$work/models|g" -i "$work/case.pd"
    run_pd -open "$work/case.pd" |
        sed -E "s|$work/models|MODELS|g; s|$work|PATCH|g
            s/memory(:?) [0-9]+/memory\\1 BYTES/" >"$work/got"
    cat >"$work/expected"
    if diff -u "$work/expected" "$work/got" >"$work/diff"; then
        pass "$name"
    else
        fail "$name" "Pd said something else"
        tail -n +3 "$work/diff"
    fi
}
