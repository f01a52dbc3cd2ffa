#!/usr/bin/env bash
# An emulated machine that is let go 100 ms after it was made may be many times slower, for as long as it lives.
#
# Seen with QEMU 7.2 of Debian 12 (qemu-system-x86). TCG's table of translated addresses has 256 entries, and a flush of it makes it smaller
# if it was hardly used and 100 ms have gone by since its size was last looked at. The first are counted from when the machine was
# made, also while it stands still (-S). So the first flush, by the guest's first change to protected mode, leaves 64 entries where
# the machine waited, and 256 where it did not; and a guest that does not flush again, as one of a single address space, keeps that. The
# guest here reads 200 pages in turn, 20 million times.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
version=1:7.2+dfsg-7+deb12u18+b3
depends=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
  "qemu-system-x86=$version" | grep '^[a-z0-9]' | grep -v ':i386$' | sort -u | grep -vx qemu-system-x86)
apt-get download "qemu-system-x86=$version" $depends >download.log 2>&1 || { cat download.log; exit 1; }
for package in *.deb; do dpkg -x "$package" root; done
libraries=root/usr/lib/x86_64-linux-gnu:root/lib/x86_64-linux-gnu

# What the processor executes first, in the place of a BIOS: 64 KiB, the program in the last 4, a jump to it 16 bytes before the end.
program='fa 2e 66 0f 01 16 58 f0'               # cli; lgdtl %cs:pointer
program+=' 0f 20 c0 0c 01 0f 22 c0'             # %cr0 |= 1
program+=' 66 ea 18 f0 ff ff 08 00'             # ljmpl $8, $flat
program+=' 66 b8 10 00 8e d8'                   # flat: %ds = $16
program+=' ba a0 86 01 00'                      # %edx = 100000
program+=' bb 00 00 10 00 b9 c8 00 00 00'       # 1: %ebx = 1 MiB, %ecx = 200
program+=' 8b 03 81 c3 00 10 00 00 49 75 f5'    # 2: read (%ebx), %ebx += 4096, until --%ecx is 0
program+=' 4a 75 e8 e6 f4 f4 eb fd'             # until --%edx is 0; write to port 0xf4
program+=' 00 00 00 00 00 00 00 00'             # table: flat segments
program+=' ff ff 00 00 00 9b cf 00 ff ff 00 00 00 93 cf 00'
program+=' 17 00 40 f0 ff ff'                   # pointer: to the table
head -c 65536 /dev/zero >rom
put() { printf "$(printf '\\x%s' $2)" | dd of=rom bs=1 seek=$(($1)) conv=notrunc status=none; }
put 0xf000 "$program"
put 0xfff0 'e9 0d f0'

# Seconds of CPU time of a machine that stands still for so many seconds.
seconds() {
  { echo '{"execute":"qmp_capabilities"}'; sleep "$1"; echo '{"execute":"cont"}'; sleep 1; } | {
    TIMEFORMAT=%U
    time LD_LIBRARY_PATH=$libraries root/usr/bin/qemu-system-x86_64 -M pc -accel tcg -m 16 -nodefaults -display none -S -bios rom \
      -L root/usr/share/qemu -device isa-debug-exit,iobase=0xf4 -qmp stdio >qmp.log 2>&1 || true
  } 2>&1
}
at_once=$(seconds 0) later=$(seconds 0.5)
echo "let go at once: $at_once s of CPU time, half a second later: $later s"
awk "BEGIN { exit !($later > 4 * $at_once) }" || { echo "Four times as much and more was seen before."; exit 1; }
