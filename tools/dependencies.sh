#!/usr/bin/env bash
# Installs the Debian/Ubuntu packages that are missing, for what is named:
#   demo   building, and running the demo
#   check  everything that the tests use, too
#   dist   and the compiler for Windows, for its package
# Says and does nothing, and needs no network, when all are there.
set -u

demo="gcc libc6-dev make libsndfile1-dev puredata-core puredata-dev
      puredata-doc pd-lib-builder gnuplot-nox fonts-dejavu-core"
check="$demo clang libcmocka-dev libonnx-testdata valgrind qemu-user zip unzip
       xz-utils gcc-arm-linux-gnueabihf libc6-dev-armhf-cross
       gcc-aarch64-linux-gnu libc6-dev-arm64-cross"

dist="$check gcc-mingw-w64-x86-64-win32"

case "${1:-check}" in
demo) wanted=$demo ;;
check) wanted=$check ;;
dist) wanted=$dist ;;
*)
    echo "usage: $0 demo|check|dist" >&2
    exit 2
    ;;
esac

# Elsewhere: go on if the essentials are there, else say what they are.
if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    for essential in cc pd; do
        command -v $essential >/dev/null && continue
        echo "mlinfer: $essential is missing, and this is not Debian or" \
            "Ubuntu, where it would be installed for you." >&2
        echo "Please install a C compiler, GNU make, Pure Data with its" \
            "headers, pd-lib-builder, libsndfile, gnuplot, and for the tests" \
            "cmocka, clang, valgrind, qemu-user and ARM cross compilers." >&2
        exit 1
    done
    exit 0
fi

missing=
for package in $wanted; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    root=
elif command -v sudo >/dev/null; then
    root=sudo
else
    echo "mlinfer: missing packages, and neither root nor sudo to install" \
        "them. Please run as root: apt-get install$missing" >&2
    exit 1
fi

echo "installing:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
    # shellcheck disable=SC2086 # a list of packages
    $root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends $missing >"$log" 2>&1
}
# With package lists at hand this is one step; without, or with old ones, the
# lists come first.
if ! install && ! { $root apt-get update >"$log" 2>&1 && install; }; then
    tail -n 20 "$log" >&2
    echo "mlinfer: could not install:$missing" >&2
    exit 1
fi
