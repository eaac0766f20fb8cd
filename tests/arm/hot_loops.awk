# From a disassembly (objdump -d, ARMv7): what hot loops must not have. A hot
# loop is a jump back within a function that has no other such jump inside.
#
#   scalar FUNCTION ADDRESS TEXT   a multiplication that is not of vectors
#   apart FUNCTION ADDRESS         products of vectors are added by themselves, in
#                                  a linear kernel
#   newer FUNCTION ADDRESS TEXT    VFPv4, or a division of whole numbers:
#                                  a Cortex-A8 has neither (in loops or not)
# and last: fused N, the multiply-accumulates of 128 bits
function number(hex,    i, n) {
    n = 0
    hex = tolower(hex)
    for (i = 1; i <= length(hex); i++)
        n = n * 16 + index("0123456789abcdef", substr(hex, i, 1)) - 1
    return n
}
# Loops of the function that just ended.
function loops(    i, j, k, inner, products, sums) {
    for (i = 1; i <= n; i++) {
        if (!(i in back))
            continue
        inner = 1
        for (j = back[i]; j < i && inner; j++)
            if (j in back && back[j] >= back[i])
                inner = 0
        if (!inner)
            continue
        products = sums = fused = 0
        for (k = back[i]; k <= i; k++) {
            if (text[k] ~ /^vn?(mul|ml[as])[^ ]*\.f(32[ \t]+s|64[ \t]+d)/)
                print "scalar", name, at[k], text[k]
            products += text[k] ~ /^vmul\.f32[ \t]+q/
            sums += text[k] ~ /^vadd\.f32[ \t]+q/
            fused += text[k] ~ /^vml[as]\.f32[ \t]+q/
        }
        if (name ~ /^(linear|conv|depthwise|dot|fir)/ && products > 1 && sums > 1 &&
            fused < products)
            print "apart", name, at[i]
    }
    n = 0
    delete back
    delete text
    delete at
    delete where
}
/^[0-9a-f]+ <.*>:$/ {
    loops()
    name = $2
    gsub(/[<>:]/, "", name)
    next
}
/^ +[0-9a-f]+:/ {
    split($0, part, "\t")
    n++
    at[n] = part[1]
    gsub(/[ :]/, "", at[n])
    where[number(at[n])] = n
    text[n] = part[3] "\t" part[4]
    if (part[3] ~ /^(vfn?m[as]|[su]div)/ || text[n] ~ /^vcvt[bt]/)
        print "newer", name, at[n], text[n]
    all += text[n] ~ /^vmla\.f32[ \t]+q/
    if (part[3] ~ /^(b|cbn?z)/ && part[4] ~ /<[^>]*>/) {
        target = part[4]
        sub(/ *<.*/, "", target)
        sub(/.*[ ,\t]/, "", target)
        target = number(target)
        if (target in where)
            back[n] = where[target]
    }
}
END {
    loops()
    print "fused", all + 0
}
