# What is in .npy files, for tests in shell (sourced, by sh and bash).

# data FILE: what is behind its header, whose length is a little-endian 16-bit
# number at byte 8
data() {
    tail -c +$((11 + $(od -An -tu1 -j8 -N2 "$1" |
        awk '{ print $1 + 256 * $2 }'))) "$1"
}
# floats FILE: one a line
floats() { data "$1" | od -An -v -w4 -tf4; }
