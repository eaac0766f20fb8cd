#!/usr/bin/env bash
# A Pd with multichannel signals for the tests, beside the one that is installed:
# unpacked into FOLDER/newer-pd if the installed one is older than 0.54 and apt
# knows a newer one (on Debian 12: if backports are configured). Once; what
# cannot be had is left out, and tests say so. usage: newer_pd.sh FOLDER
set -u

to=${1:?usage: newer_pd.sh FOLDER}/newer-pd
[ ! -e "$to" ] && command -v dpkg-query >/dev/null || exit 0
here=$(dpkg-query -W -f '${Version}' puredata-core 2>/dev/null)
dpkg --compare-versions "$here" lt 0.54 || exit 0
version=$(apt-cache madison puredata-core 2>/dev/null |
    awk '$3 ~ /^0\.(5[4-9]|[6-9][0-9])/ { print $3; exit }')
[ -n "$version" ] || exit 0

mkdir -p "$to" && cd "$to" || exit 0
apt-get -o Acquire::Retries=0 -o Acquire::http::Timeout=10 \
    download "puredata-core=$version" >log 2>&1 &&
    dpkg -x puredata-core_*.deb . >>log 2>&1
rm -f puredata-core_*.deb
exit 0
