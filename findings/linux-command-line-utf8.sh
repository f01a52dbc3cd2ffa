#!/usr/bin/env bash
# A letter of UTF-8 may split a word of Linux's command line: the kernel takes the byte a0 for white space.
#
# Seen with Linux 6.1.192 of Debian 12 (linux-image-6.1.0-56-cloud-amd64), QEMU 7.2 and busybox 1.35. The kernel's isspace() is that of
# Latin-1, in which a0 is the space that keeps words together, and "à" ends with that byte in UTF-8 (c3 a0). So the argument
# "voilà", given to init behind "--", arrives without its end, and what follows the letter is another argument; "voilé" arrives whole.
# In double quotes it arrives whole, too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
version=1:7.2+dfsg-7+deb12u18+b3
depends=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
  "qemu-system-x86=$version" | grep '^[a-z0-9]' | grep -v ':i386$' | sort -u | grep -vx qemu-system-x86)
apt-get download "qemu-system-x86=$version" $depends linux-image-6.1.0-56-cloud-amd64=6.1.192-2 \
  busybox-static=1:1.35.0-4+deb12u1+b1 >download.log 2>&1 || { cat download.log; exit 1; }
for package in *.deb; do dpkg -x "$package" root; done
libraries=root/usr/lib/x86_64-linux-gnu:root/lib/x86_64-linux-gnu

mkdir -p initrd/bin initrd/dev
cp root/bin/busybox initrd/bin
cat >initrd/init <<'INIT'
#!/bin/busybox sh
for word in "$@"; do echo "argument:" $(printf %s "$word" | /bin/busybox od -An -tx1); done
/bin/busybox poweroff -f
INIT
chmod +x initrd/init
(cd initrd && find . | ../root/bin/busybox cpio -o -H newc 2>/dev/null) >initrd.cpio

# What init gets of these words, in hexadecimal.
arguments() {
  LD_LIBRARY_PATH=$libraries timeout 120 root/usr/bin/qemu-system-x86_64 -M pc -accel tcg -m 128 -nodefaults -display none -no-reboot \
    -serial stdio -L root/usr/share/qemu -L root/usr/share/seabios -kernel root/boot/vmlinuz-6.1.0-56-cloud-amd64 \
    -initrd initrd.cpio -append "console=ttyS0 quiet no_timer_check -- $1" 2>qemu.log | tr -d '\r' | sed -n 's/^argument: *//p'
}
check() {
  seen=$(arguments "$1")
  printf '%s is\n%s\n' "$1" "$seen"
  [ "$seen" = "$2" ] || { printf 'and was seen as\n%s\n' "$2"; cat qemu.log; exit 1; }
}
check 'voilé' '76 6f 69 6c c3 a9'
check 'voilà' '76 6f 69 6c c3'
check '"voilà"' '76 6f 69 6c c3 a0'
