# Packages of Debian's for tests alone, fetched by an apt of their own: the
# machine's package lists and packages stay as they are.

# Where this machine gets its packages from: "URI SUITE" of its main archive,
# whether its lists of packages are here or not.
archive() {
    apt-get indextargets --no-release-info \
        --format '$(SITE) $(RELEASE) $(COMPONENT)' "Identifier: Packages" \
        2>/dev/null | awk '$3 == "main" && $2 !~ /-/ && !n++ {print $1, $2}'
}

# from_archive FOLDER ARCHITECTURE TYPE ARGUMENT...: apt-get with these
# arguments, in a new folder, with the archive's lists of a type (deb, deb-src).
from_archive() {
    local apt=$1 architecture=$2 type=$3 uri suite
    shift 3
    command -v apt-get >/dev/null || return 1
    read -r uri suite <<<"$(archive)"
    [ -n "$uri" ] || return 1
    rm -rf "$apt"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
    : >"$apt/status"
    echo "$type $uri $suite main" >"$apt/sources.list"
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
    (cd "$apt" && export APT_CONFIG=$apt/apt.conf &&
        timeout 100 apt-get update && timeout 100 apt-get "$@") \
        >"$apt/log" 2>&1
}
