# Packages of Debian's for tests alone, fetched by an apt of their own: the
# machine's package lists and packages stay as they are.

# Where this machine gets its packages from: "URI SUITE COMPONENT..." of its
# distribution, whether its lists of packages are here or not. Ubuntu has Pd in
# universe.
archive() {
    local suite
    # shellcheck disable=SC1091 # a file of the system's
    suite=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}")
    apt-get indextargets --no-release-info \
        --format '$(SITE) $(RELEASE) $(COMPONENT)' "Identifier: Packages" \
        2>/dev/null | awk -v suite="$suite" '
        $2 ~ /-/ || $3 !~ /^(main|universe)$/ || seen[$0]++ { next }
        $3 == "main" && (!from || !named && $2 == suite) {
            from = $1 " " $2
            named = $2 == suite
        }
        { has[$1 " " $2] = has[$1 " " $2] " " $3 }
        END { if (from) print from has[from] }'
}

# from_archive FOLDER ARCHITECTURE TYPE ARGUMENT...: apt-get with these
# arguments, in a new folder, with the archive's lists of a type (deb, deb-src).
from_archive() {
    local apt=$1 architecture=$2 type=$3 from
    shift 3
    command -v apt-get >/dev/null || return 1
    from=$(archive)
    [ -n "$from" ] || return 1
    rm -rf "$apt"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
    : >"$apt/status"
    echo "$type $from" >"$apt/sources.list"
    cat >"$apt/apt.conf" <<END
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Sandbox::User "$(id -un)";
APT::Install-Recommends "false";
Dir::State "$apt";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Acquire::Languages "none";
Acquire::Retries "0";
Acquire::http::Timeout "10";
END
    # Read after the machine's settings: what it does after an update of its own.
    echo "#clear APT::Update;" >"$apt/last.conf"
    (cd "$apt" && export APT_CONFIG=$apt/apt.conf &&
        timeout 100 apt-get -c "$apt/last.conf" update &&
        timeout 100 apt-get -c "$apt/last.conf" "$@") \
        >"$apt/log" 2>&1
}
