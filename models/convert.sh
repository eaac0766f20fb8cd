#!/bin/sh
# Convert the shipped models again: after a change of the compiler that is
# meant to change them. BUILD: the build folder.
set -e
BUILD=$(cd "${BUILD:-$(dirname "$0")/../build}" && pwd)
cd "$(dirname "$0")"
for model in drive mapping fuzz gestures continue; do
    "$BUILD/mlinfer" convert $model/$model.onnx -o $model/$model.bin
done
