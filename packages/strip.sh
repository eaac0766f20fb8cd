#!/bin/sh
# strip.sh STRIP FILE...: what a binary needs to be loaded, and no more. On
# 32-bit ARM the symbols that tell code from data and Thumb from ARM are kept:
# nothing can read the code without them.
strip=$1
shift
for file; do
    case $(uname -s) in
    Darwin) "$strip" -x "$file" ;;
    *) "$strip" --strip-all --wildcard --keep-symbol='$[atd]*' "$file" ;;
    esac || exit 1
done
