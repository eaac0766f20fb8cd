#!/bin/sh
# README's table of formats is what the command prints: `make readme` renews it.
root=${MLI_ROOT:-.}
mlinfer=${MLI_BUILD:-build}/mlinfer
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

"$mlinfer" formats --markdown >"$work/table"
sed -n '/<!-- formats -->/,/<!-- end -->/p' "$root/README.md" |
    sed '1d;$d' >"$work/readme"
if [ -s "$work/table" ] && cmp -s "$work/table" "$work/readme"; then
    echo "ok - README lists the formats and operators that the code has"
else
    echo "not ok - README lists the formats and operators that the code has:" \
        "run make readme"
    exit 1
fi
