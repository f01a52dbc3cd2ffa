# Sourced: QEMU as a tree that has all that it needs, for hosts without one; made of this Debian's packages.

tree_programs=(/usr/bin/qemu-system-x86_64 /usr/sbin/e2fsck /usr/sbin/debugfs)
# What QEMU loads when it runs, as far as machines are made of it: the emulation, where that is a module, and what a BIOS begins with.
tree_data=(/usr/lib/x86_64-linux-gnu/qemu/accel-tcg-x86_64.so
  /usr/share/qemu/{kvmvapic,linuxboot,linuxboot_dma,multiboot,multiboot_dma,pvh}.bin /usr/share/seabios/bios-256k.bin)

# make_program_tree FOLDER: programs, libraries and firmware where the programs look for them once FOLDER is their root; no links.
make_program_tree() {
  local tree=$1 file linker=/lib64/ld-linux-x86-64.so.2 libraries=/usr/lib/x86_64-linux-gnu
  local documents=$tree/usr/share/doc packages=()
  take() {
    install -D -m "$1" "$2" "$tree$3"
    packages+=("$(package_of "$2")")
  }
  for file in "${tree_programs[@]}"; do
    [ -x "$file" ] || { echo "$file is missing: apt-get install qemu-system-x86 e2fsprogs" >&2; return 1; }
    take 755 "$file" "$file"
  done
  take 755 "$linker" "$linker"
  while read -r file; do
    take 644 "$file" "$libraries/${file##*/}"
  done < <(libraries_of "${tree_programs[@]}")
  for file in "${tree_data[@]}"; do
    [ ! -e "$file" ] || take 644 "$file" "$file"
  done
  mapfile -t packages < <(printf '%s\n' "${packages[@]}" | LC_ALL=C sort -u)
  for file in "${packages[@]}"; do
    install -D -m 644 "/usr/share/doc/${file%:*}/copyright" "$documents/${file%:*}/copyright"
  done
  install -D -m 644 -t "$tree/usr/share/common-licenses" /usr/share/common-licenses/*
  {
    echo "What is in this tree comes from these packages, with their versions, of these sources:"
    dpkg-query -W -f '${Package} ${Version}, ${source:Package} ${source:Version}\n' "${packages[@]}"
    echo "The sources are at https://snapshot.debian.org/ under these names; each package's license is in its folder here."
  } >"$documents/packages"
}

# As the dynamic linker finds them, but for itself.
libraries_of() { ldd "$@" | sed -n 's/.* => \(\/[^ ]*\) (.*/\1/p' | LC_ALL=C sort -u; }

# Some are known to dpkg by their place before /bin, /lib and /sbin were links into /usr.
package_of() {
  local real
  real=$(realpath "$1")
  { dpkg -S "$real" 2>/dev/null || dpkg -S "${real#/usr}"; } | sed -n '/^diversion/!{s/: .*//;s/,.*//;p;q}'
}
