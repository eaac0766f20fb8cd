# What every test in shell says, in TAP (sourced, by sh and bash). The last line
# of a test is `finish`.

failed=0

pass() { echo "ok - $1"; }
fail() {
    echo "not ok - $1: $2"
    failed=$((failed + 1))
}
# check NAME TEXT: passes when TEXT is empty, else shows it.
check() {
    if [ -z "$2" ]; then
        pass "$1"
    else
        fail "$1" "$(echo "$2" | head -n 1)"
        echo "$2" | sed -n '2,10s/^/# /p'
    fi
}
# equal NAME GOT EXPECTED
equal() {
    if [ "$2" = "$3" ]; then
        pass "$1"
    else
        fail "$1" "got \"$2\" (expected \"$3\")"
    fi
}
skip() { echo "ok - $1 # SKIP $2"; }
skip_all() {
    skip "$1" "$2"
    exit 0
}
finish() { exit $((failed > 0)); }
