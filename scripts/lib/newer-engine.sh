# Sourced: the tree with Docker 28 or newer, made once from Debian sid and kept in the cache.
# The name carries the recipe's version: raise it when the packages change.

newer_engine=$cache/engine-28-v6

newer_engine_is_whole() { [ -e "$newer_engine/.complete" ] && chroot "$newer_engine" dockerd --version >/dev/null 2>&1; }

make_newer_engine() {
  newer_engine_is_whole && return
  need_packages debootstrap debian-archive-keyring
  local tree=$newer_engine.new version
  rm -rf --one-file-system "$cache"/engine-28-*
  quietly "making a Debian sid tree for Docker 28 (once, about two minutes)" \
    debootstrap --variant=minbase --include=ca-certificates,systemd-standalone-sysusers \
    sid "$tree" "${UNIKRUN_MIRROR:-http://deb.debian.org/debian}"
  printf '#!/bin/sh\nexit 101\n' >"$tree/usr/sbin/policy-rc.d"
  chmod +x "$tree/usr/sbin/policy-rc.d"
  echo force-unsafe-io >"$tree/etc/dpkg/dpkg.cfg.d/unsafe-io"
  quietly "installing Docker 28 in it" \
    chroot "$tree" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
    docker.io docker-cli docker-compose containerd podman netavark aardvark-dns nftables e2fsprogs runc crun qemu-system-x86 iptables iproute2 util-linux-extra busybox-static procps curl containernetworking-plugins
  chroot "$tree" apt-get clean
  version=$(chroot "$tree" dpkg-query -W -f '${Version}' docker.io)
  [ "${version%%.*}" -ge 28 ] || die "Debian sid has Docker $version, and --engine 28 needs 28 or newer."
  touch "$tree/.complete"
  mv -T "$tree" "$newer_engine"
}
