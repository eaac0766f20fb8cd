#!/bin/sh
# What storing the weights of the shipped models in fewer bits brings and costs:
# prints the reports and writes the table in README.md beside this. The error is
# that of the goldens' inputs. BUILD: the build folder.
set -e
BUILD=$(cd "${BUILD:-$(dirname "$0")/../build}" && pwd)
cd "$(dirname "$0")"
OUT=$(mktemp -d)
trap 'rm -rf "$OUT"' EXIT
{
    echo "| model | weights as | file, bytes | weights, bytes | time, of that with floats | error |"
    echo "|---|---|---|---|---|---|"
} >"$OUT/table"
for model in drive mapping fuzz gestures continue; do
    for how in f16 int8 'int8, computing in int8'; do
        case $how in
        *computing*) as='--arithmetic int8 --all --weights int8' ;;
        *) as="--weights $how" ;;
        esac
        # shellcheck disable=SC2086 # an option and its value
        "$BUILD/mlinfer" convert $model/$model.onnx -o "$OUT/$model.bin" $as \
            --calibrate ../tests/goldens/models/$model/input.npy >"$OUT/report"
        echo "$model, $how"
        grep -E '^(size|speed|error|classes):' "$OUT/report" | sed 's/^/  /'
        awk -v model=$model -v how="$how" '
            /^size:/ { file = $3 " of " $5; weights = $11 " of " $12
                       gsub(/,/, "", weights) }
            /^speed:/ { time = sprintf("%.0f %%", 100 * $2 / $6) }
            /^error:/ { sub(/^error: /, ""); sub(/, over .*/, ""); error = $0 }
            END { printf "| %s | %s | %s | %s | %s | %s |\n", model, how, file,
                  weights, time, error }' "$OUT/report" >>"$OUT/table"
    done
done
sed -i -e '/<!-- weights -->/,/<!-- end -->/{//!d}' README.md
sed -i -e "/<!-- weights -->/r $OUT/table" README.md
