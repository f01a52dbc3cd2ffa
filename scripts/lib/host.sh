# Sourced: the disk, kernel and initrd of a whole Debian 13 host for a virtual machine, made once and kept in the cache.
# The name carries the recipe's version: raise it when anything here changes.

host=$cache/host-v1

host_is_whole() { [ -e "$host/.complete" ]; }

host_packages=(
  # the host itself
  systemd-sysv dbus dbus-user-session libpam-systemd udev kmod openssh-server apparmor linux-image-amd64
  initramfs-tools iproute2 iptables procps e2fsprogs util-linux-extra curl
  # what runs containers on it
  docker.io docker-cli containerd runc crun podman netavark aardvark-dns containernetworking-plugins
  uidmap passt rootlesskit slirp4netns qemu-system-x86
  # what looks at them
  busybox-static bpftool jq
)

make_host() {
  host_is_whole && return
  need_packages debootstrap debian-archive-keyring e2fsprogs openssh-client
  rm -rf --one-file-system "$cache"/host-v*
  mkdir -p "$host.new"
  quietly "making a Debian 13 tree for a host (once, about four minutes)" \
    debootstrap --variant=minbase trixie "$host.new/tree" "${UNIKRUN_MIRROR:-http://deb.debian.org/debian}" sid
  quietly "installing Docker, Podman and a kernel in it" install_host_packages "$host.new/tree"
  quietly "making its disk" make_host_disk "$host.new"
  touch "$host.new/.complete"
  mv -T "$host.new" "$host"
}

install_host_packages() (
  set -e
  cd "$1"
  printf '#!/bin/sh\nexit 101\n' >usr/sbin/policy-rc.d
  chmod +x usr/sbin/policy-rc.d
  printf '%s\n' force-unsafe-io 'path-exclude=/usr/share/'{doc,info,locale,man}'/*' >etc/dpkg/dpkg.cfg.d/making
  # What the disk needs, and no more: the emulated machine unpacks it at each boot.
  mkdir -p etc/initramfs-tools/conf.d
  printf 'MODULES=list\nCOMPRESS=gzip\nBUSYBOX=n\n' >etc/initramfs-tools/conf.d/small
  printf '%s\n' virtio_pci virtio_blk ext4 >etc/initramfs-tools/modules
  mount -t proc proc proc
  trap 'umount proc' EXIT
  chroot . apt-get -qq update
  DEBIAN_FRONTEND=noninteractive chroot . apt-get -qq install -y --no-install-recommends "${host_packages[@]}"
  chroot . apt-get clean
  rm usr/sbin/policy-rc.d etc/dpkg/dpkg.cfg.d/making
)

# make_host_disk FOLDER makes disk.img, kernel, initrd and the key for ssh of FOLDER/tree.
make_host_disk() (
  set -e
  cd "$1"
  ssh-keygen -q -t ed25519 -N '' -C unikrun -f key
  set_up_host tree
  mv tree/boot/vmlinuz-* kernel
  mv tree/boot/initrd.img-* initrd
  truncate -s 12G disk.img
  mke2fs -q -t ext4 -d tree disk.img
  rm -rf --one-file-system tree
)

# set_up_host TREE gives a fresh system what an installer and an administrator would.
set_up_host() {
  local unit user
  echo host >"$1/etc/hostname"
  printf '127.0.0.1 localhost\n127.0.1.1 host\n::1 localhost\n' >"$1/etc/hosts"
  echo '/dev/vda / ext4 defaults 0 1' >"$1/etc/fstab"
  cat >"$1/etc/systemd/network/host.network" <<'NETWORK'
[Match]
Driver=virtio_net
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
IPv6AcceptRA=no
LinkLocalAddressing=no
NETWORK
  chroot "$1" systemctl -q enable systemd-networkd
  chroot "$1" systemctl -q disable systemd-networkd-wait-online
  # What would do work of its own at times that no test chooses.
  for unit in apt-daily.timer apt-daily-upgrade.timer man-db.timer dpkg-db-backup.timer e2scrub_all.timer \
    e2scrub_reap.service fstrim.timer systemd-tmpfiles-clean.timer getty@tty1.service; do
    ln -sf /dev/null "$1/etc/systemd/system/$unit"
  done
  chroot "$1" useradd --create-home --shell /bin/bash alice
  mkdir -p "$1/var/lib/systemd/linger"
  touch "$1/var/lib/systemd/linger/alice"
  printf '%s\n' 'MaxSessions 100' 'PrintMotd no' 'PrintLastLog no' >"$1/etc/ssh/sshd_config.d/tests.conf"
  for user in root home/alice; do
    install -d -m 700 "$1/$user/.ssh"
    install -m 600 key.pub "$1/$user/.ssh/authorized_keys"
  done
  chroot "$1" chown -R alice: /home/alice
}
