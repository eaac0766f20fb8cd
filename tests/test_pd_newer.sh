#!/usr/bin/env bash
# The tests of the externals once more, in a newer Pd than the installed one:
# the one binary serves both.
set -u
newer=$MLI_BUILD/newer-pd/usr/bin/puredata
if [ -n "${PD:-}" ] || [ ! -x "$newer" ]; then
    echo "ok - the externals in a newer Pd # SKIP none here: with" \
        "bookworm-backports among apt's sources, make check gets one"
    exit 0
fi
export PD=$newer
version=$("$newer" -version 2>&1 | sed -n 's/^Pd-\([0-9.]*\).*/\1/p' | head -1)
failed=0
for kind in messages signals bits rates install patches learn formats; do
    # what is skipped there was done in the installed one
    "$MLI_ROOT/tests/test_pd_$kind.sh" |
        sed -E "/# *SKIP/d; s/^(not )?ok - /&in Pd $version, $kind: /"
    [ "${PIPESTATUS[0]}" = 0 ] || failed=1
done
exit $failed
