# Sourced after setup.sh: a whole Debian 13 host for a virtual machine, made once by make-host and kept in the cache.
# The name carries the recipe's version: raise it when anything there changes.

host=$cache/debian-13-v2

# Ends with 3 where the distribution can't be had.
make_host() {
  [ ! -e "$host/.complete" ] || return 0
  need_packages debootstrap debian-archive-keyring e2fsprogs openssh-client
  local make=$repository/scripts/lib/make-host
  rm -rf --one-file-system "$cache"/debian-13-v*
  mkdir -p "$host.new"
  (quietly "making a Debian 13 with Docker and Podman for a virtual machine (once, about two minutes)" \
    "$make" "$host.new" tree) || exit 3
  quietly "making its disk" "$make" "$host.new" disk
  touch "$host.new/.complete"
  mv -T "$host.new" "$host"
}
