#!/usr/bin/env bash
# A newer Pd for the tests, beside the one that is installed: one with
# multichannel signals, one with 64-bit numbers, and libpd. Unpacked into
# FOLDER/newer-pd if the installed Pd is older than 0.54 and apt knows a newer
# one (on Debian 12: if backports are configured). Once; what cannot be had is
# left out, and tests say so. usage: newer_pd.sh FOLDER
set -u

to=${1:?usage: newer_pd.sh FOLDER}/newer-pd
[ ! -e "$to" ] && command -v dpkg-query >/dev/null || exit 0
here=$(dpkg-query -W -f '${Version}' puredata-core 2>/dev/null)
dpkg --compare-versions "$here" lt 0.54 || exit 0
wanted=$(apt-cache madison puredata-core puredata64-core libpd0 libpd-dev \
    2>/dev/null | awk '$3 ~ /^0\.(5[4-9]|[6-9][0-9])/ && !seen[$1]++ {
        print $1 "=" $3 }')
[ -n "$wanted" ] || exit 0

mkdir -p "$to" && cd "$to" || exit 0
# shellcheck disable=SC2086 # a list of packages
apt-get -o Acquire::Retries=0 -o Acquire::http::Timeout=10 \
    download $wanted >log 2>&1
for package in *.deb; do
    [ -f "$package" ] && dpkg -x "$package" . >>log 2>&1
done
rm -f -- *.deb
exit 0
