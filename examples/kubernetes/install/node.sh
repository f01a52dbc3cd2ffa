#!/bin/bash
# node.sh install|remove: brings unikrun and its QEMU to the node that this pod runs on, or takes both away. A second time
# nothing changes, and one that was ended half-way is finished by the next.
# The node's root is /host; what has to be done as the node itself, in its namespaces, goes through process 1.
set -euo pipefail

home=/opt/unikrun                     # on the node, with a folder for each version
program=$home/current/bin/unikrun     # what the engine calls, whatever the version
store=/var/lib/unikrun
label=unikrun.org/runtime
restart_due=/host$home/.restart-due   # the engine's configuration has changed, and it was not restarted yet
made_store=/host$home/.made-store     # the node had no store before

say() { echo "$NODE_NAME: $*"; }
fail() { say "$*" >&2; exit 1; }
on_node() { nsenter --target 1 --all -- "$@"; }

# Sets engine and unit, by what runs this very pod: its parent is containerd's shim, with containerd's address, or conmon.
find_engine() {
  local parent unit_name
  parent=$(tr '\0' ' ' <"/proc/$PPID/cmdline")
  case $parent in
    *conmon*) engine=crio unit=crio ;;
    *containerd-shim*' /run/containerd/containerd.sock '*)
      engine=containerd unit=containerd
      check_configuration
      ;;
    *containerd-shim*' /run/k3s/containerd/containerd.sock '*)
      engine=k3s unit=
      for unit_name in k3s-agent k3s; do
        ! on_node systemctl is-active --quiet "$unit_name" || unit=$unit_name
      done
      [ -n "$unit" ] || fail "This node's containerd is k3s', but neither k3s nor k3s-agent is a unit that runs (RKE2 is not known)." ;;
    *) fail "This pod is run by neither containerd, k3s nor CRI-O as they usually are, but by '$parent': see docs/kubernetes.md, A node." ;;
  esac
}

# containerd reads the one file that unikrun install writes, unless its unit says another, as Flatcar's does.
check_configuration() {
  local pid file
  pid=$(on_node systemctl show --property MainPID --value "$unit")
  file=$(tr '\0' ' ' <"/proc/$pid/cmdline" | sed -nE 's/^.* (-c|--config)[ =]([^ ]+) .*$/\2/p')
  [[ -z $file || $file = /etc/containerd/config.toml ]] ||
    fail "This node's containerd reads $file, which is not what unikrun install writes: have its unit read /etc/containerd/config.toml first."
}

restart_engine() {
  local second
  on_node systemctl restart "$unit" || return 1
  for second in {1..60}; do
    ! on_node systemctl is-active --quiet "$unit" || return 0
    sleep 1
  done
  return 1
}

# label_node VALUE: null takes it away.
label_node() {
  local api=/api-access host=$KUBERNETES_SERVICE_HOST answer
  [[ $host != *:* ]] || host=[$host]
  answer=$(curl --silent --show-error --fail --retry 5 --retry-connrefused --max-time 30 --cacert $api/ca.crt \
    --header @<(printf 'Authorization: Bearer %s' "$(<$api/token)") \
    --request PATCH --header 'Content-Type: application/merge-patch+json' \
    --data "{\"metadata\":{\"labels\":{\"$label\":$1}}}" --output /dev/null \
    "https://$host:$KUBERNETES_SERVICE_PORT/api/v1/nodes/$NODE_NAME" 2>&1) ||
    fail "The label $label could not be changed ($answer): may the service account patch nodes?"
}

# By their folders' names; what somebody else has there has others.
versions() {
  [ ! -d "/host$home" ] ||
    find "/host$home" -mindepth 1 -maxdepth 1 -type d -regextype posix-extended -regex '.*/[0-9a-f]{16}' -printf '%f\n'
}

# The version before stays until the next one: a call that began with it may be under way.
bring_files() {
  local id before folder
  id=$(</id)
  before=$(readlink "/host$home/current" || true)
  if [ "$before" = "$id" ]; then
    say "$home has this version already ($id)."
    return
  fi
  mkdir -p "/host$home"
  [ -n "$before" ] || [ -e "/host$store" ] || : >"$made_store"
  rm -rf "/host$home/.new"
  # Without SELinux' labels, which would be those of this container.
  cp -r --preserve=mode,timestamps,links /unikrun "/host$home/.new"
  rm -rf "/host$home/${id:?}"
  mv "/host$home/.new" "/host$home/$id"
  ln -sfn "$id" "/host$home/.current"
  mv -T "/host$home/.current" "/host$home/current"
  for folder in $(versions); do
    case $folder in "$id" | "$before") ;; *) rm -rf "/host$home/${folder:?}" ;; esac
  done
  say "$home has unikrun and a QEMU of its own now ($id${before:+, $before before})."
}

# Whether the engine has a unikrun at another place: install would lead that entry to this one, and uninstall would take it out.
has_another() {
  local words
  words=$(on_node "$program" install "$engine" --binary "$program" --dry-run 2>&1) || fail "$words"
  grep -Eq '^-.*(BinaryName|runtime_path) *=' <<<"$words"
}

register() {
  local words was_due=
  [ ! -e "$restart_due" ] || was_due=yes
  # Before the file is changed: who is ended in between has it restarted the next time.
  : >"$restart_due"
  words=$(on_node "$program" install "$engine" --binary "$program" 2>&1) || { [ -n "$was_due" ] || rm "$restart_due"; fail "$words"; }
  say "${words%%$'\n'*}"
  [[ -n $was_due || $words != *' already ('* ]] || rm "$restart_due"
  if [ ! -e "$restart_due" ]; then
    say "$unit was not restarted: it knows unikrun already."
    return
  fi
  if ! restart_engine; then
    on_node "$program" uninstall "$engine" --binary "$program" || true
    restart_engine || true
    rm -f "$restart_due"
    fail "$unit did not come up with unikrun in its configuration, so it has the former one again: journalctl -u $unit on the node says why."
  fi
  rm "$restart_due"
  say "$unit was restarted, and runs; pods went on running."
}

install_node() {
  local words
  bring_files
  if ! words=$(on_node "$program" check 2>&1); then
    label_node null
    fail "This node can't run unikernels:"$'\n'"$words"
  fi
  say "unikrun check says:"$'\n'"$words"
  ! has_another ||
    fail "This node's $engine has a unikrun already, at another place: take it out there (unikrun uninstall), or keep this pod off the node."
  register
  label_node '"ready"'
  say "The node has the label $label=ready: pods of the RuntimeClass unikrun may come."
}

unregister() {
  local words
  if [ ! -x "/host$program" ]; then
    say "There is no unikrun in $home."
    return
  fi
  if has_another; then
    say "The unikrun that this node's $engine has is another one, and stays."
    return
  fi
  words=$(on_node "$program" list) || fail "unikrun list does not work on this node: $words"
  ! words=$(grep ' kubernetes ' <<<"$words") ||
    fail "There are unikernels on this node yet, which $engine can't remove without unikrun; delete their pods, and this goes on by itself:"$'\n'"$words"
  on_node "$program" volumes || fail "What guests wrote could not be brought back into all volumes, so nothing was removed."
  local before=
  [ ! -e "$restart_due" ] || before=yes
  : >"$restart_due"
  words=$(on_node "$program" uninstall "$engine" --binary "$program" 2>&1) || fail "$words"
  say "${words%%$'\n'*}"
  if [[ -n $before || $words != *' has no unikrun.'* ]]; then
    restart_engine || fail "$unit did not come up again: journalctl -u $unit on the node says why."
    say "$unit was restarted, and runs."
  fi
}

remove_files() {
  local folder
  # What was found out, and folders that are empty; a disk in memory there would be another unikrun's.
  rm -f /host/run/unikrun-host/{vmm.json,kernels.json,lock}
  find /host/run/unikrun-host /host/dev/shm/unikrun-in-memory /host/run/unikrun -depth -type d -empty -delete 2>/dev/null || true
  if [ -e "$made_store" ] && [ -d "/host$store" ]; then
    rm -rf "/host$store/images" "/host$store/warm"
    find "/host$store" -depth -type d -empty -delete
    [ ! -d "/host$store" ] || say "$store is left, with what is no cache of unikrun's."
  fi
  for folder in $(versions) .new; do rm -rf "/host$home/${folder:?}"; done
  rm -f "/host$home/current" "/host$home/.current" "$made_store" "$restart_due"
  [ ! -d "/host$home" ] || rmdir --ignore-fail-on-non-empty "/host$home"
}

remove_node() {
  label_node null
  say "The node has no label $label any more."
  unregister
  remove_files
  say "Nothing of unikrun is left on the node."
}

case ${1-} in
  install | remove)
    find_engine
    "$1_node"
    ;;
  *) echo "usage: node.sh install|remove" >&2; exit 2 ;;
esac
