#!/bin/sh
# README's table of formats is what the command prints: `make readme` renews it.
root=${MLI_ROOT:-.}
mlinfer=${MLI_BUILD:-build}/mlinfer
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
. "$(dirname "$0")/tap.sh"

"$mlinfer" formats --markdown >"$work/table"
sed -n '/<!-- formats -->/,/<!-- end -->/p' "$root/README.md" |
    sed '1d;$d' >"$work/readme"
if [ -s "$work/table" ] && cmp -s "$work/table" "$work/readme"; then
    pass "README lists the formats and operators that the code has"
else
    fail "README lists the formats and operators that the code has" \
        "run make readme"
fi

# Pictures and links to files: there is what they show. Every patch has one.
sed -n 's/.*](\([^)#:]*\)).*/\1/p; s/.*src="\([^":]*\)".*/\1/p' \
    "$root/README.md" | sed 's/%7E/~/g' | sort -u >"$work/files"
[ -s "$work/files" ] || echo "a file" >"$work/files"
gone=$(while read -r file; do
    [ -e "$root/$file" ] || echo "$file"
done <"$work/files")
if [ -z "$gone" ]; then
    pass "README shows and links files that are there"
else
    fail "README shows and links files that are there" "no $gone"
fi
hidden=$(cd "$root/help-patches" && for patch in *-help.pd examples/*.pd bela/*.pd
do
    name=$(basename "$patch" .pd)
    case $name in calibrate | pad) continue ;; esac # inside of others
    grep -q "pictures/$(echo "$name" | sed 's/~/%7E/').png" ../README.md ||
        echo "$name"
done)
if [ -z "$hidden" ]; then
    pass "README shows every help patch and example"
else
    fail "README shows every help patch and example" "not $hidden"
fi
finish
