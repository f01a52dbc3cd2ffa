# Sourced after host.sh: a machine with the host's disk. Its state folder has
#   disk.qcow2   what it writes, above the cached disk
#   ssh          a configuration for ssh -F: the names "host" (root) and "alice"
#   console      what it says on its serial console
#   ask, answer  QEMU's monitor, as two pipes
# A machine that has booted is kept in the cache, and goes on from there in place of another boot.

# Its name tells what it can go on with: this QEMU, and the options here.
host_booted() { echo "$host/running-$( (qemu-system-x86_64 --version && cat "${BASH_SOURCE[0]}") | sha256sum | cut -c 1-12)"; }

# start_host_qemu STATE OPTION... leaves its process id in $host_qemu. Its processors take turns: with a thread for each
# the kernel, when it changes its own code, meets on one of them what was there before.
start_host_qemu() {
  local state=$1
  shift
  mkfifo "$state/monitor.in" "$state/monitor.out"
  setpriv --pdeathsig KILL qemu-system-x86_64 -M q35 -accel tcg,thread=single,tb-size=1024 -cpu max -smp 2 -m 4096 \
    -nodefaults -display none -no-user-config -serial "file:$state/console" \
    -chardev "pipe,id=monitor,path=$state/monitor" -mon chardev=monitor,mode=control \
    -kernel "$host/kernel" -initrd "$host/initrd" \
    -append "root=/dev/vda rw console=ttyS0 quiet security=apparmor apparmor=1 mitigations=off" \
    -drive "file=$state/disk.qcow2,if=virtio,cache=unsafe,discard=unmap" \
    -netdev user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:0-:22 -device virtio-net-pci,netdev=net,romfile= \
    -device virtio-rng-pci \
    -virtfs "local,path=$repository,mount_tag=repository,security_model=none,multidevs=remap,readonly=on" "$@" </dev/null >"$state/qemu.log" 2>&1 &
  host_qemu=$!
  # Opening one end waits for the other.
  exec {host_ask}>"$state/monitor.in" {host_answer}<"$state/monitor.out"
  monitor qmp_capabilities >/dev/null
}

# monitor COMMAND [JSON-ARGUMENTS] prints the answer of QEMU's monitor.
monitor() {
  local line
  printf '{"execute":"%s","arguments":%s}\n' "$1" "${2:-{\}}" >&"$host_ask"
  while IFS= read -r -t 60 line <&"$host_answer"; do
    case $line in
      '{"return"'*) printf '%s\n' "$line"; return ;;
      '{"error"'*) printf '%s\n' "$line" >&2; return 1 ;;
    esac
  done
  return 1
}

write_host_ssh() {
  local port
  port=$(monitor human-monitor-command '{"command-line":"info usernet"}' | sed -n 's/.*HOST_FORWARD\] *[0-9]* *127.0.0.1 *\([0-9]*\) .*/\1/p')
  cat >"$1/ssh" <<SSH
Host alice
  User alice
Host host alice
  HostName 127.0.0.1
  Port $port
  User root
  IdentityFile $host/key
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile /dev/null
  StrictHostKeyChecking no
  LogLevel ERROR
  ControlMaster auto
  ControlPath $1/control-%r
  ControlPersist yes
  ConnectTimeout 20
  ServerAliveInterval 20
  ServerAliveCountMax 6
SSH
}

# wait_for_host STATE SECONDS: until it lets us in.
wait_for_host() {
  local end=$((SECONDS + $2))
  until timeout 30 ssh -F "$1/ssh" host true </dev/null >/dev/null 2>&1; do
    kill -0 "$host_qemu" 2>/dev/null && [ $SECONDS -lt $end ] || return 1
    sleep 1
  done
}

# boot_host STATE: from the power button.
boot_host() {
  qemu-img create -q -f qcow2 -F raw -b "$host/disk.img" "$1/disk.qcow2" &&
    start_host_qemu "$1" &&
    write_host_ssh "$1" &&
    wait_for_host "$1" 400 || return 1
  [ "$(ssh -F "$1/ssh" host systemctl is-system-running --wait </dev/null)" = running ] ||
    ssh -F "$1/ssh" host systemctl list-units --failed </dev/null >&2
}

# resume_host STATE: from the kept one.
resume_host() {
  local booted
  booted=$(host_booted)
  [ -e "$booted" ] &&
    qemu-img create -q -f qcow2 -F qcow2 -b "$booted/disk.qcow2" "$1/disk.qcow2" &&
    start_host_qemu "$1" -incoming "exec:cat $booted/memory" &&
    write_host_ssh "$1" &&
    wait_for_host "$1" 60 &&
    ssh -F "$1/ssh" host date -s "@$(date +%s.%N)" </dev/null >/dev/null
}

# end_host STATE: ends the machine, and leaves the folder with what it said.
end_host() {
  ssh -F "$1/ssh" -O exit host
  ssh -F "$1/ssh" -O exit alice
  kill -KILL "$host_qemu"
  wait "$host_qemu"
  rm -f "$1/disk.qcow2" "$1"/monitor.*
} 2>/dev/null

# keep_booted_host: boots one, and keeps it as it is then.
keep_booted_host() (
  booted=$(host_booted)
  [ ! -e "$booted" ] || exit 0
  say "booting the host (once, about two minutes)"
  # Others may have another version of these options.
  find "$host" -maxdepth 1 -name 'running-*' -mtime +7 -exec rm -rf {} +
  state=$(mktemp -d "$booted.XXXX") || exit 1
  trap 'end_host "$state" || true; rm -rf "$state"' EXIT
  boot_host "$state" && write_host_memory "$state" && rm "$state/ssh" "$state"/monitor.* && mv -T "$state" "$booted"
)

# write_host_memory STATE: into its file "memory", and ends the machine.
write_host_memory() {
  local status
  # A connection would go on with nobody at its other end.
  ssh -F "$1/ssh" host sync </dev/null && ssh -F "$1/ssh" -O exit host 2>/dev/null || return 1
  sleep 3
  monitor migrate-set-parameters '{"max-bandwidth":10000000000}' >/dev/null &&
    monitor migrate "{\"uri\":\"exec:cat >$1/memory\"}" >/dev/null || return 1
  until status=$(monitor query-migrate) && [[ $status == *'"status": "completed"'* ]]; do
    [[ $status != *'"status": "failed"'* ]] || return 1
    sleep 0.5
  done
  monitor quit >/dev/null && wait "$host_qemu"
}
