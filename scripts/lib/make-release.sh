# Sourced after setup.sh: what people download, made of a commit of this repository and of nothing else that lies here.

# make_release COMMIT FOLDER [TIME-ZONE]: a release in FOLDER/output, by the commit's own scripts. Names of what is compiled in
# depend on where it lies, so that is always /mnt.
make_release() {
  local root=(--map-root-user)
  [ "$(id -u)" != 0 ] || root=()
  mkdir -p "$2/source" "$2/output"
  git -C "$repository" archive "$1" | tar -x -C "$2/source"
  mkdir "$2/source/node_modules"
  quietly "building $1" env -i PATH="$PATH" HOME=/nonexistent LC_ALL=C TZ="${3-UTC}" \
    UNIKRUN_COMMIT="$1" SOURCE_DATE_EPOCH="$(git -C "$repository" log -1 --format=%ct "$1")" \
    unshare "${root[@]}" --mount --propagation private -- bash -euc '
      mount --bind "$1/source" /mnt
      mount --bind "$2/node_modules" /mnt/node_modules
      exec /mnt/scripts/lib/release-here "$1/output"' make "$2" "$repository"
}
