#!/usr/bin/env bash
# The externals for ARMv7 (Bela) and arm64: cross-built, loaded by Debian's Pd
# for those machines under qemu, and compared with what Pd makes here.
. "$(dirname "$0")/pd/common.sh"
. "$(dirname "$0")/pd/archive.sh"
name="externals for ARM"
frames=4800

for tool in make apt-get dpkg arm-linux-gnueabihf-gcc aarch64-linux-gnu-gcc \
    qemu-arm qemu-aarch64; do
    command -v $tool >/dev/null || skip_all "$name" "no $tool here (make deps)"
done
need_pd "$name"

# fetch ARCHITECTURE ROOT: Pd for it, unpacked.
fetch() {
    local apt=$2.apt
    [ -x "$2/usr/lib/puredata/bin/pd" ] && return 0
    rm -rf "$2.new"
    from_archive "$apt" "$1" deb install -y --download-only puredata-core ||
        return 1
    for deb in "$apt"/cache/archives/*.deb; do
        dpkg -x "$deb" "$2.new" || return 1
    done
    rm -rf "$apt"
    mv "$2.new" "$2"
}

# The largest difference of two WAV files, in parts of the second's peak.
difference() {
    paste <(samples "$1" | od -An -v -tf4 -w4) \
        <(samples "$2" | od -An -v -tf4 -w4) |
        awk '{ d = $1 - $2; if (d < 0) d = -d; if (d > worst) worst = d
               p = $2 < 0 ? -$2 : $2; if (p > peak) peak = p }
             END { if (NR == 0 || peak == 0) print 1
                   else printf "%.3g", worst / peak }'
}

"$MLI_BUILD/tests/pd-models" -wav "$work/in.wav" $frames
models="$work/models/deep.bin"
for model in drive; do
    file=$MLI_ROOT/models/$model/$model.bin
    [ -f "$file" ] && models="$models $file"
done
for model in $models; do
    through "$work/$(basename "$model").wav" 64 "$model"
done
mapping=$MLI_ROOT/models/mapping/mapping.bin
[ -f "$mapping" ] || mapping=$work/models/sumlist.bin
box_patch "$work/list.pd" "mlinfer $mapping" 1 "0.2 0.4 0.9"
run_pd -open "$work/list.pd" >"$work/list.here"

# Trained here and there: the same file.
cat >"$work/learn.pd" <<'EOF'
#N canvas 0 0 600 400 12;
#X declare -path mlinfer;
#X obj 20 60 mlinfer -learn 1 2;
#X obj 20 20 r box;
#X obj 120 20 r right;
#X obj 20 100 route trained;
#X msg 20 130 \; box write learned \; pd quit;
#X obj 300 20 loadbang;
#X msg 300 50 \; box set 0 \; right 0 1 \; box add \; box set 0.5 \; right 1
0 \; box add \; box set 3 \; right 0 1 \; box add \; box train 7 5;
#X connect 1 0 0 0;
#X connect 2 0 0 1;
#X connect 0 1 3 0;
#X connect 3 0 4 0;
#X connect 5 0 6 0;
EOF
run_pd -open "$work/learn.pd" >"$work/learn.log"
mv "$work/learned.bin" "$work/learned.here"

# Externals: built into the build folder, with this machine's archive of Pd for
# the other one beside them.
make_arm() {
    env -u MAKEFLAGS -u MAKELEVEL make -j2 --no-print-directory -C "$MLI_ROOT" \
        BUILD="$MLI_BUILD" "$1" >"$work/make.log" 2>&1
}

for target in armv7:armhf:"qemu-arm -cpu cortex-a8":arm-linux-gnueabihf-strip \
    arm64:arm64:"qemu-aarch64 -cpu cortex-a53":aarch64-linux-gnu-strip; do
    IFS=: read -r arm debian qemu strip <<<"$target"
    folder=$MLI_BUILD/$arm/pd/mlinfer
    if ! make_arm "$arm"; then
        fail "$arm builds" "$(tail -3 "$work/make.log")"
        continue
    fi
    if grep -q "warning" "$work/make.log"; then
        fail "$arm builds without a warning" \
            "$(grep -m1 warning "$work/make.log")"
    else
        pass "$arm builds without a warning"
    fi

    # As it will be shipped: the package, and the folder for Bela.
    "$MLI_ROOT/packages/pack.sh" "$MLI_ROOT" 1.2.3 "Linux-$arm-32" "$folder" \
        "$strip" "$work/dist"
    TAP=1 "$MLI_ROOT/packages/check.sh" dek "$MLI_ROOT" \
        "$work/dist/mlinfer[v1.2.3](Linux-$arm-32).dek" || failed=1
    bela=$work/projects/$arm
    "$MLI_ROOT/packages/bela.sh" "$folder" "$strip" "$bela"
    TAP=1 "$MLI_ROOT/packages/check.sh" bela "Linux-$arm-32" "$bela" |
        grep -v "pd_linux: " || failed=1

    root=$MLI_BUILD/pd-$debian
    if ! fetch "$debian" "$root"; then
        echo "ok - $arm in Debian's Pd # SKIP no Pd for $debian from this" \
            "machine's package archive"
        continue
    fi
    # shellcheck disable=SC2086 # a command with its arguments
    PD_COMMAND=($qemu -L "$root" "$root/usr/lib/puredata/bin/pd")
    PD_SECONDS=100
    # As on the board: Pd knows the project's folder, and nothing else.
    rm -f "$work/home/.local/lib/pd/extra/mlinfer"
    (cd "$bela" && run_pd -r 44100 -verbose -nostdpath -path . \
        -path ../pd-externals -open _main.pd -send "pd dsp 1; bela-analog 0.1 0.2 0.3 0.4 0.5; bela_digitalIn11 1; bela_digitalIn11 0; pd quit") \
        >"$work/bela.log"
    if grep -q "tried $bela/mlinfer~*.pd_linux and succeeded" \
        "$work/bela.log" &&
        ! grep -E "couldn't create|error|not found|ended with" "$work/bela.log"; then
        pass "$arm: _main.pd runs in the folder for Bela"
    else
        fail "$arm: _main.pd runs in the folder for Bela" \
            "$(grep -m1 -E "couldn't create|error|not found|ended with" \
                "$work/bela.log")"
    fi
    ln -sfn "$folder" "$work/home/.local/lib/pd/extra/mlinfer"
    for model in $models; do
        base=$(basename "$model")
        for block in 64 16; do
            through "$work/$arm.wav" $block "$model"
            [ $block = 64 ] && cp "$work/$arm.wav" "$work/$arm-64.wav"
        done
        error=$(difference "$work/$arm-64.wav" "$work/$base.wav")
        if awk "BEGIN { exit !($error <= 1e-5) }"; then
            pass "$arm: $base is within 1e-5 of here ($error)"
        else
            fail "$arm: $base is within 1e-5 of here" \
                "$error; $(tail -1 "$work/bits.log")"
        fi
        cmp -s <(samples "$work/$arm.wav") <(samples "$work/$arm-64.wav") &&
            pass "$arm: $base gives the same bits in blocks of 16 and 64" ||
            fail "$arm: $base in blocks of 16 and 64" "the bits differ"
    done
    run_pd -open "$work/learn.pd" >"$work/learn.log"
    if cmp "$work/learned.bin" "$work/learned.here" 2>"$work/learn.diff"; then
        pass "$arm: [mlinfer -learn] trains the same network as here"
    else
        fail "$arm: [mlinfer -learn] trains the same network as here" \
            "$(head -2 "$work/learn.log" "$work/learn.diff")"
    fi
    rm -f "$work/learned.bin"
    run_pd -open "$work/list.pd" >"$work/list.there"
    if paste "$work/list.here" "$work/list.there" | awk '
        /OUT:/ { n = NF / 2; seen = 1
                 for (i = 2; i <= n; i++) {
                     d = $i - $(i + n); if (d < 0) d = -d
                     if (d > 1e-5 * ($i < 0 ? -$i : $i) + 1e-5) bad = 1 } }
        END { exit !seen || bad }'; then
        pass "$arm: [mlinfer] answers as here"
    else
        fail "$arm: [mlinfer] answers as here" "$(tail -1 "$work/list.there")"
    fi
done
finish
