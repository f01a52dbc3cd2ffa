#!/usr/bin/env bash
# A QEMU board without ACPI takes no device after it was made, even before its guest has executed an instruction.
#
# Seen with QEMU 7.2 of Debian 12 (qemu-system-x86), and the same with 10.0 and 11.1. With -S nothing runs yet, so there is nobody who
# would have to be told of a new card by ACPI's hot plug; still device_add is refused: "Bus 'pci.0' does not support hotplugging". The
# bus lacks a handler of such events, and that is a property which can be set: with the board itself as the handler the card is
# taken, and found by a guest that then starts like any other.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
version=1:7.2+dfsg-7+deb12u18+b3
depends=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances \
  "qemu-system-x86=$version" | grep '^[a-z0-9]' | grep -v ':i386$' | sort -u | grep -vx qemu-system-x86)
apt-get download "qemu-system-x86=$version" $depends >download.log 2>&1 || { cat download.log; exit 1; }
for package in *.deb; do dpkg -x "$package" root; done

seen=$(cat <<'QMP' | LD_LIBRARY_PATH=root/usr/lib/x86_64-linux-gnu:root/lib/x86_64-linux-gnu root/usr/bin/qemu-system-x86_64 \
  -L root/usr/share/qemu -L root/usr/share/seabios -M pc,acpi=off -accel tcg -m 64 -nodefaults -display none -S -qmp stdio
{"execute": "qmp_capabilities"}
{"execute": "device_add", "arguments": {"driver": "virtio-net-pci", "id": "refused", "romfile": "", "bus": "pci.0"}}
{"execute": "qom-set", "arguments": {"path": "/machine/i440fx/pci.0", "property": "hotplug-handler", "value": "/machine"}}
{"execute": "device_add", "arguments": {"driver": "virtio-net-pci", "id": "taken", "romfile": "", "bus": "pci.0"}}
{"execute": "quit"}
QMP
)
answers=$(grep -oE '"(return|desc)": ("[^"]*"|\{\})' <<<"$seen")
echo "$answers"
expected="\"return\": {}
\"desc\": \"Bus 'pci.0' does not support hotplugging\"
\"return\": {}
\"return\": {}
\"return\": {}"
[ "$answers" = "$expected" ] || { echo "This is not what was seen before:"; echo "$expected"; exit 1; }
