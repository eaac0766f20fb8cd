#!/bin/sh
# make zoo: with the Python that has PyTorch. BUILD: the build folder.
set -e
BUILD=$(cd "${BUILD:-$(dirname "$0")/../../build}" && pwd)
cd "$(dirname "$0")"
for python in "$BUILD/venv/bin/python3" python3; do
    if "$python" -c 'import onnx, torch, onnxscript' 2>/dev/null; then
        exec "$python" -W ignore zoo.py "$BUILD"
    fi
done
echo "make zoo needs PyTorch (development only):" >&2
echo "    python3 -m venv build/venv" >&2
echo "    build/venv/bin/pip install -r models/requirements.txt" >&2
exit 1
