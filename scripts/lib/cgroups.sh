# Sourced: one cgroup a hierarchy for an engine, which becomes the root that the engine sees.

# Prints "MOUNT-POINT CONTROLLERS" for each cgroup v1 hierarchy, or "MOUNT-POINT unified" for cgroup v2 alone.
cgroup_hierarchies() {
  if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then
    echo "/sys/fs/cgroup unified"
    return
  fi
  local point type options option kept
  while read -r _ point type options _; do
    [ "$type" = cgroup ] && [[ $point == /sys/fs/cgroup/* ]] || continue
    kept=
    for option in ${options//,/ }; do
      case $option in
        rw | ro | nosuid | nodev | noexec | relatime | xattr | clone_children | release_agent=*) ;;
        *) kept+=,$option ;;
      esac
    done
    echo "$point ${kept#,}"
  done </proc/mounts
}

# Writes what a cgroup v2 hierarchy has into the subtree_control of a cgroup of it.
hand_down_controllers() {
  local controller
  for controller in $(cat "$1/cgroup.controllers"); do
    echo "+$controller" >"$1/cgroup.subtree_control" || true
  done 2>/dev/null
}

make_cgroups() {
  local point controllers file
  while read -r point controllers; do
    mkdir "$point/$1"
    [ "$controllers" != unified ] || hand_down_controllers "$point"
    for file in cpuset.cpus cpuset.mems; do
      [ "$controllers" = unified ] || [ ! -e "$point/$1/$file" ] || cat "$point/$file" >"$point/$1/$file"
    done
  done < <(cgroup_hierarchies)
}

# join_cgroups NAME puts the calling shell there.
join_cgroups() {
  local point
  while read -r point _; do
    echo "$BASHPID" >"$point/$1/cgroup.procs"
  done < <(cgroup_hierarchies)
}

# leave_cgroup_root NAME: a cgroup of v2 whose children have controllers may hold no processes itself.
leave_cgroup_root() {
  local point controllers
  read -r point controllers < <(cgroup_hierarchies)
  [ "$controllers" = unified ] || return 0
  mkdir "$point/$1/engine"
  echo "$BASHPID" >"$point/$1/engine/cgroup.procs"
  hand_down_controllers "$point/$1"
}

# The last processes leave their cgroup a moment after they were waited for, hence the patience.
remove_cgroups() {
  local point try folder
  while read -r point _; do
    for try in {1..50}; do
      [ -d "$point/$1" ] || break
      find "$point/$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
      [ -d "$point/$1" ] && sleep 0.1
    done
  done < <(cgroup_hierarchies)
}

# kill_cgroups NAME ends what is still in there.
kill_cgroups() {
  local point
  while read -r point _; do
    [ -d "$point/$1" ] && find "$point/$1" -name cgroup.procs -exec cat {} + | sort -u | xargs -r kill -9
  done < <(cgroup_hierarchies) 2>/dev/null || true
}

# mount_cgroups ROOT mounts the hierarchies again, so that they begin where this cgroup namespace begins.
mount_cgroups() {
  local hierarchies point controllers
  hierarchies=$(cgroup_hierarchies)
  # What is only covered still shows in /proc/self/mountinfo.
  [ -n "$1" ] || umount --recursive --lazy /sys
  mount -t sysfs sysfs "$1/sys"
  if [ "${hierarchies##* }" = unified ]; then
    mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup"
    return
  fi
  mount -t tmpfs -o mode=755 cgroups "$1/sys/fs/cgroup"
  while read -r point controllers; do
    mkdir -p "$1$point"
    mount -t cgroup -o "$controllers" cgroup "$1$point"
  done <<<"$hierarchies"
}
