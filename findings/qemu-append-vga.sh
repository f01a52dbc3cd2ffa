#!/usr/bin/env bash
# QEMU's loader of Linux kernels looks for "vga=" anywhere in -append, and ends where what follows is no mode of a display.
#
# Seen with QEMU 7.2 of Debian 12 and its kernel (linux-image-6.1.0-56-cloud-amd64). The kernel's own parameter is a word; QEMU takes the
# first place that those letters stand at, in the middle of a word and behind "--", too. So an argument of a program
# such as --output=vga=off keeps the machine from starting, with words about a parameter that nobody gave.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
version=1:7.2+dfsg-7+deb12u18+b3
depends=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
  "qemu-system-x86=$version" | grep '^[a-z0-9]' | grep -v ':i386$' | sort -u | grep -vx qemu-system-x86)
apt-get download "qemu-system-x86=$version" $depends linux-image-6.1.0-56-cloud-amd64=6.1.192-2 >download.log 2>&1 ||
  { cat download.log; exit 1; }
for package in *.deb; do dpkg -x "$package" root; done
libraries=root/usr/lib/x86_64-linux-gnu:root/lib/x86_64-linux-gnu

# QEMU's words and exit code for a machine that would be made and ended at once.
make_machine() {
  local code=0
  echo '{"execute":"qmp_capabilities"}{"execute":"quit"}' |
    LD_LIBRARY_PATH=$libraries timeout 60 root/usr/bin/qemu-system-x86_64 -M pc -accel tcg -m 128 -nodefaults -display none -S -qmp stdio \
      -L root/usr/share/qemu -L root/usr/share/seabios -kernel root/boot/vmlinuz-6.1.0-56-cloud-amd64 \
      -append "$1" 2>&1 >/dev/null || code=$?
  echo "exit code $code"
}
check() {
  seen=$(make_machine "$1" | sed 's/^.*qemu-system-x86_64: //')
  printf '%s:\n%s\n' "$1" "$seen"
  [ "$seen" = "$2" ] || { printf 'and this was seen:\n%s\n' "$2"; exit 1; }
}
check 'quiet -- --output=off' 'exit code 0'
check 'quiet -- --output=vga=off' "qemu: invalid 'vga=' kernel parameter.
exit code 1"
