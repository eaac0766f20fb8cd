#!/bin/sh
# Make every shipped model and every ONNX golden again, from nothing.
set -e
cd "$(dirname "$0")/.."
BUILD=${BUILD:-$PWD/build}
if [ ! -x "$BUILD/venv/bin/python3" ]; then
    python3 -m venv "$BUILD/venv"
    "$BUILD/venv/bin/pip" install -r models/requirements.txt
fi
make BUILD="$BUILD" command
for model in drive mapping fuzz gestures continue; do
    "$BUILD/venv/bin/python3" models/$model/train.py
done
BUILD=$BUILD models/convert.sh
"$BUILD/venv/bin/python3" tests/goldens/make_onnx.py
