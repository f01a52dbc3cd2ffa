# Sourced after setup.sh: a Debian 12 to which nobody has done more than to install Docker, made once and kept in the cache. What
# the package of unikrun depends on waits where apt keeps what it has fetched, since tests have no network.
# The name carries the recipe's version: raise it when the packages change.

fresh_debian=$cache/debian-12-v1

make_fresh_debian() {
  [ ! -e "$fresh_debian/.complete" ] || return 0
  need_packages debootstrap debian-archive-keyring
  local tree=$fresh_debian.new
  rm -rf --one-file-system "$cache"/debian-12-v*
  quietly "making a Debian 12 (once, about two minutes)" \
    debootstrap --variant=minbase bookworm "$tree" "${UNIKRUN_MIRROR:-http://deb.debian.org/debian}"
  printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
  chmod +x "$tree/usr/sbin/policy-rc.d"
  echo force-unsafe-io >"$tree/etc/dpkg/dpkg.cfg.d/unsafe-io"
  # QEMU recommends a desktop.
  echo 'APT::Install-Recommends "false";' >"$tree/etc/apt/apt.conf.d/small"
  quietly "installing Docker in it" chroot "$tree" env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq install -y docker.io iproute2 procps curl
  chroot "$tree" apt-get clean
  quietly "fetching QEMU for it" chroot "$tree" apt-get -qq install -y --download-only qemu-system-x86
  touch "$tree/.complete"
  mv -T "$tree" "$fresh_debian"
}
