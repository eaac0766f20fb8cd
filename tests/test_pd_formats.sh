#!/usr/bin/env bash
# Models of other programs, opened by the boxes as they are.
. "$(dirname "$0")/pd/common.sh"
need_pd formats

goldens=$MLI_ROOT/tests/goldens
cp "$goldens"/guitarml/*.json "$goldens"/rtneural/aidax_*.json \
    "$goldens"/layers/*.json "$goldens"/layers/*.pt \
    "$goldens"/layers/*.safetensors "$work/models"
cp "$goldens/ml/forest/model.onnx" "$work/models/gestures.onnx"

expect "an AIDA-X file: rate, name and knobs" "mlinfer~ MODELS/aidax_knobs.json" \
    1 "set param2 0.5; set param3 1; info" <<'EOF'
INFO: loaded 1 MODELS/aidax_knobs.json
INFO: latency 0
error: mlinfer~: set param3: aidax_knobs.json has no such control (it has: param1 param2); kept for the next model
INFO: name aidax_knobs.json
INFO: file MODELS/aidax_knobs.json
INFO: mode stream
INFO: rate 48000
INFO: inputs 1
INFO: outputs 1
INFO: in 1 in 0 0
INFO: out 1 out 0 0
INFO: control 1 param1 0 1
INFO: control 2 param2 0 1
INFO: latency 0
INFO: parameters 260
INFO: macs 226
INFO: memory BYTES 3456
EOF

expect "a description of layers and its weights" "mlinfer MODELS/mapping.json" \
    1 "0 0 0" <<'EOF'
INFO: loaded 1 MODELS/mapping.json
INFO: latency 0
OUT: 1.38958 1.1204 2.63327 1.0232
EOF

expect "a list for an input of many values" "mlinfer MODELS/window.json" 1 "1" \
    <<'EOF'
INFO: loaded 1 MODELS/window.json
INFO: latency 0
error: mlinfer: list of 1, window.json takes 2: in (2)
EOF

expect "weights alone: what to do" "mlinfer MODELS/mapping.pt" 1 "" <<'EOF'
error: mlinfer: MODELS/mapping.pt: a PyTorch checkpoint: weights without a graph: describe its layers in a JSON file beside it and open that (docs/layers.md; "mlinfer convert" prints a first draft), or export the model to ONNX
INFO: loaded 0 unsupported
EOF

# Four sensors; three gestures with names, as scikit-learn knows them.
expect "a gesture classifier says the gesture" "mlinfer MODELS/gestures.onnx" \
    1 "-0.64 -0.4 -0.13 -0.3; 0.14 -0.32 0.69 0.69" <<'EOF'
INFO: loaded 1 MODELS/gestures.onnx
INFO: latency 0
INFO: class clap 0.914149
OUT: 0 0.914149 0.085851 0
INFO: class snap 0.614722
OUT: 1 0.345463 0.614722 0.0398148
EOF

# Labels that are whole numbers: [route] takes them as the numbers they are.
cp "$goldens/ml/boosting-two/model.onnx" "$work/models/signed.onnx"
cat >"$work/case.pd" <<EOF
#N canvas 0 0 600 400 12;
#X declare -path mlinfer;
#X obj 20 60 mlinfer $work/models/signed.onnx;
#X obj 20 90 route class;
#X obj 20 120 route -3 5;
#X obj 20 150 print MINUS;
#X obj 120 150 print FIVE;
#X obj 220 150 print OTHER;
#X obj 20 20 loadbang;
#X msg 20 40 -2 -2 -2 -2 \, 2 2 2 2;
#X msg 220 40 \\; pd quit;
#X obj 220 20 delay 50;
#X connect 0 1 1 0;
#X connect 1 0 2 0;
#X connect 2 0 3 0;
#X connect 2 1 4 0;
#X connect 2 2 5 0;
#X connect 6 0 7 0;
#X connect 6 0 9 0;
#X connect 9 0 8 0;
#X connect 7 0 0 0;
EOF
run_pd -open "$work/case.pd" >"$work/got"
name="classes that are numbers are routed as numbers"
if [ "$(sed 's/:.*//' "$work/got" | sort | tr '\n' ' ')" = "FIVE MINUS " ]; then
    pass "$name"
else
    fail "$name" "Pd said something else"
    cat "$work/got"
fi

# The way out of Pd is a conversion.
cp "$goldens/onnx-graphs/mean-over-time/model.onnx" "$work/models/mean.onnx"
expect "a window that the file leaves open" "mlinfer MODELS/mean.onnx" 1 "" \
    <<'EOF'
error: mlinfer: MODELS/mean.onnx: not a stream: node ReduceMean2 (ReduceMean) reduces over time; to run on windows, a window length is needed (mlinfer convert --window N)
INFO: loaded 0 unsupported
EOF

# A stream that classifies says its class every hop.
echo '{"a.weight": [[1], [-1]], "a.bias": [0, 0]}' >"$work/models/ab.json"
cat >"$work/models/sides.json" <<'EOF'
{"mlinfer": 1, "weights": "ab.json",
 "layers": [{"type": "linear", "name": "a"}, {"type": "softmax", "as": "y"}],
 "outputs": [{"from": "y", "labels": ["left", "right"], "classes": true}]}
EOF
PD_MILLISECONDS=4 expect "a stream that classifies, every 64 samples" \
    "mlinfer~ MODELS/sides.json" 2 "-1; pd: dsp 1" <<'EOF'
INFO: loaded 1 MODELS/sides.json
INFO: latency 0
INFO: class right 0.880797
INFO: class right 0.880797
INFO: class right 0.880797
EOF
PD_MILLISECONDS=4 expect "or as often as -hop says" \
    "mlinfer~ -hop 100 MODELS/sides.json" 2 "-1; pd: dsp 1" <<'EOF'
INFO: loaded 1 MODELS/sides.json
INFO: latency 0
INFO: class right 0.880797
EOF

# sounds NAME MODEL MESSAGES EXPECTED: what becomes of 0.5 are PyTorch's samples,
# to 1e-5
sounds() {
    heard "-norate MODELS/$2" 0.5 "\\; box $3" 0 8
    if grep '^OUT: ' "$work/got" | awk -v want="$4" '
        { n = split(want, w, " ")
          if (NF != n + 1) exit 1
          for (i = 1; i <= n; i++) {
              d = $(i + 1) - w[i]
              if (d > 1e-5 || d < -1e-5) exit 1
          }
          seen = 1 }
        END { exit !seen }'; then
        pass "$1"
    else
        fail "$1" "expected $4"
        cat "$work/got"
    fi
}

sounds "an LSTM with its knob at 0.25" lstm_knob.json "set gain 0.25" \
    "0.591317 0.603614 0.60851 0.610246 0.610693 0.610657 0.610475 0.610276"
sounds "and at 0.9" lstm_knob.json "set gain 0.9" \
    "0.595354 0.610408 0.61722 0.620332 0.621788 0.622493 0.62285 0.623042"

finish
