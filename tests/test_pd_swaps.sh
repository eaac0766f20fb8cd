#!/usr/bin/env bash
# One model in place of another while sound runs, in real, headless Pd: nothing
# is allocated, locked or asked of the system, in perform as in the clock that
# completes it and in the message that asks for the next (tests/trap); no block
# costs twice the median; there is no step in the sound but the crossfade's.
. "${MLI_ROOT:?is not set: run the tests with make check}/tests/pd/common.sh"
need_pd "swaps while sound runs"
traps=$MLI_BUILD/tests/trap
[ -e "$traps/mlinfer~.pd_linux" ] ||
    skip_all "swaps while sound runs" "the traps are not built (make tests)"
swaps=1000
longer=20
[ -z "${MLI_LONG:-}" ] || longer=$swaps

# swapping FIRST SWAPS: each `loaded` asks for the other model, and Pd quits
# after so many. The first ones do not count: Pd learns the names.
swapping() {
    cat <<END
#N canvas 0 0 450 300 12;
#X obj 0 30 osc~ 440;
#X obj 0 60 mlinfer~ first;
#X obj 90 0 loadbang;
#X msg 90 30 \; pd dsp 1;
#X obj 0 90 route loaded;
#X obj 0 120 t b;
#X obj 0 150 f 0;
#X obj 60 150 + 1;
#X obj 0 180 t f f;
#X obj 90 180 sel $1 $(($1 + $2));
#X msg 90 210 1;
#X msg 190 210 0;
#X obj 90 240 callbacks;
#X obj 190 240 delay 10;
#X msg 190 270 \; pd quit;
#X obj 0 210 moses $(($1 + $2));
#X obj 0 240 mod 2;
#X obj 0 270 sel 0 1;
#X msg 0 300 load first;
#X msg 60 300 load second;
#X connect 0 0 1 0;
#X connect 2 0 3 0;
#X connect 1 1 4 0;
#X connect 4 0 5 0;
#X connect 5 0 6 0;
#X connect 6 0 7 0;
#X connect 7 0 6 1;
#X connect 6 0 8 0;
#X connect 8 0 15 0;
#X connect 8 1 9 0;
#X connect 9 0 10 0;
#X connect 9 1 11 0;
#X connect 9 1 13 0;
#X connect 10 0 12 0;
#X connect 11 0 12 0;
#X connect 13 0 14 0;
#X connect 15 0 16 0;
#X connect 16 0 17 0;
#X connect 17 0 18 0;
#X connect 17 1 19 0;
#X connect 18 0 1 0;
#X connect 19 0 1 0;
END
}

# swap SECONDS COMMAND...: Pd with such a patch, run by a command. Whatever is
# preloaded says what it is to be armed.
swap() {
    timeout "$@" "$(readlink -f "$(command -v pd)")" -nrt -nogui -noprefs \
        -noaudio -nomidi -batch -r 48000 -path "$traps" -lib trap~ \
        -lib mlinfer~ -open "$work/swaps.pd" 2>"$work/log" </dev/null
}

# ----------------------------------------------------------------- traps ----
trapped() {
    local told name="$swaps swaps: nothing allocated, locked or asked of the system"
    swapping 5 $swaps >"$work/swaps.pd"
    cp "$work/models/deep.bin" "$work/first.bin"
    cp "$work/models/deep.bin" "$work/second.bin"
    told=$(swap 100 "$traps/run-traced" "$traps/libtrap.so" | grep '^stretches')
    if grep -q 'nobody trace' "$work/log"; then
        skip "$name" "this system lets nobody trace a child"
    elif [[ $told =~ ^stretches\ [1-9][0-9]{3,}\ allocations\ 0\ calls\ 0$ ]] &&
        ! grep -q "error" "$work/log"; then
        pass "$name"
    else
        fail "$name" "$told $(head -n 3 "$work/log")"
    fi
}
# ---------------------------------------------------------- instructions ----
# counted SWAPS FIRST SECOND: between these models. Of each block: perform, and
# before it the clock, what it says, the message to load that comes back, and
# all that Pd does for these. The median is that of blocks with one model only;
# a crossfade takes 385 frames, which are in at least 6 blocks. Twice is meant
# to the instruction as gcc 12 makes them; other compilers may need 2 % more for
# what is around the models.
counted() {
    local figures name="$1 swaps, $2 and $3: no block costs twice the median"
    local said qemu kernels=() most=2.02
    # The emulator does wider vectors piece by piece: that takes it ten times as
    # long.
    [ "$(uname -m)" != x86_64 ] || kernels=(-E MLI_KERNELS=sse2)
    if ! qemu=$(command -v "qemu-$(uname -m)"); then
        skip "$name" "there is no qemu"
        return
    fi
    if ! said=$("$qemu" -plugin "$traps/count-blocks.so" -d plugin \
        -D /dev/null /bin/true 2>&1) &&
        grep -qE "unknown option|API version" <<<"$said"; then
        skip "$name" "this qemu takes no such plugin ($(head -n 1 <<<"$said"))"
        return
    fi
    said=$(readelf -p .comment "$traps/mlinfer~.pd_linux")
    [[ $said != *GCC:*\ 12.* || $said = *clang* ]] || most=2
    cp "$work/models/$2.bin" "$work/first.bin"
    cp "$work/models/$3.bin" "$work/second.bin"
    swapping 5 "$1" >"$work/swaps.pd"
    swap 600 "$qemu" "${kernels[@]}" -E LD_PRELOAD="$traps/libmarks.so" \
        -plugin "$traps/count-blocks.so" -d plugin -D "$work/counts" \
        >>"$work/log"
    if figures=$(sort -n "$work/counts" | awk -v swaps="$1" -v most=$most '
        { n[NR] = $1 }
        END {
            while (one < NR && n[one + 1] < 1.2 * n[1])
                one++
            median = n[int((one + 1) / 2)]
            printf "%d blocks of %d instructions, %d of them in a crossfade, "\
                "at most %.3f times that\n", NR, median, NR - one,
                median ? n[NR] / median : 0
            exit median < 500 || one < swaps || NR - one < 6 * swaps ||
                n[NR] > most * median
        }'); then
        pass "$name ($figures)"
    else
        fail "$name" "$figures $(head -n 3 "$work/log")"
    fi
}

# ------------------------------------------------------------- the sound ----
# What comes out of [mlinfer~ $1] in $3, from 20 ms before it says that it is
# another model ($2: a message that makes it so), into out.wav.
recorded() {
    cat >"$work/record.pd" <<END
#N canvas 0 0 450 300 12;
#X declare -path mlinfer;
#X obj 0 0 table out 4800;
#X obj 0 30 $3;
#X obj 0 60 mlinfer~ $1;
#X obj 0 90 delwrite~ late 100;
#X obj 90 90 delread~ late 20;
#X obj 90 120 tabwrite~ out;
#X obj 200 0 loadbang;
#X obj 200 30 t b b;
#X msg 300 30 \; pd dsp 1;
#X obj 200 60 delay 200;
#X msg 200 90 $2;
#X obj 300 90 route ${4:-loaded};
#X obj 300 120 spigot 0;
#X msg 200 120 1;
#X obj 300 150 t b b;
#X obj 300 180 delay 100;
#X obj 300 210 t b b;
#X msg 350 240 write -wave -bytes 4 -nframes 4800 out.wav out;
#X obj 350 270 soundfiler;
#X msg 200 270 \; pd quit;
#X connect 1 0 2 0;
#X connect 2 0 3 0;
#X connect 4 0 5 0;
#X connect 6 0 7 0;
#X connect 7 1 8 0;
#X connect 7 0 9 0;
#X connect 9 0 13 0;
#X connect 9 0 10 0;
#X connect 10 0 2 0;
#X connect 2 1 11 0;
#X connect 11 0 12 0;
#X connect 13 0 12 1;
#X connect 12 0 14 0;
#X connect 14 1 5 0;
#X connect 14 0 15 0;
#X connect 15 0 16 0;
#X connect 16 0 19 0;
#X connect 16 1 17 0;
#X connect 17 0 18 0;
END
    rm -f "$work/out.wav"
    run_pd -open "$work/record.pd" >"$work/log"
}

# smooth NAME FIRST LAST MOST LEAST: out.wav begins with peaks of FIRST, ends
# with LAST, has no step over MOST and no sample below LEAST.
smooth() {
    local figures
    if figures=$(tail -c 19200 "$work/out.wav" | od -An -v -w4 -t f4 | awk '
        function peak(a, b, p, i) {
            for (i = a; i < b; i++)
                if (y[i] > p) p = y[i]
            return p
        }
        function near(a, b) { return a - b < 1e-3 && b - a < 1e-3 }
        { y[NR] = $1; low = NR == 1 || $1 < low ? $1 : low }
        NR > 1 { d = $1 - y[NR - 1]; d = d < 0 ? -d : d; most = d > most ? d : most }
        END {
            printf "peaks %g and %g, largest step %.5f, lowest %g", peak(1, 900),
                peak(3000, 4800), most, low
            exit !(NR == 4800 && near(peak(1, 900), '"$2"') &&
                near(peak(3000, 4800), '"$3"') && most <= '"$4"' && low >= '"$5"')
        }'); then
        pass "$1 ($figures)"
    else
        fail "$1" "$figures $(head -n 2 "$work/log")"
    fi
}

# A crossfade of 8 ms adds at most 1.5 / 385 of the difference to the steps of
# the sound, which are at most 2 pi 100 / 48000 of its peak.
sounds() {
    cp "$work/models/"{gain,soft,late}.bin "$work"
    recorded gain "load soft" "osc~ 100"
    smooth "a swap has no step" 1 0.25 0.01602 -1.001
    recorded soft "load gain" "osc~ 100"
    smooth "... nor has the way back" 0.25 1 0.01602 -1.001
    recorded "-in 1 -out 1" "load gain" "sig~ 1"
    smooth "the first model fades in" 0 1 0.0039 0
    recorded gain "load late" "sig~ 1"
    smooth "one with latency leaves no gap" 1 1 1e-6 0.999999
    recorded soft "bypass 1 \\, info" "sig~ 1" mode
    smooth "bypass fades, too" 0.25 1 0.003 0.25
}

trapped
counted $swaps small other
counted $longer deep deep
sounds
finish
