# Sourced: what the package for Debian and the one for other hosts have in common.

# make_tree FOLDER: what an installation adds below /usr or /usr/local, from dist/unikrun. Documents lie to each other as here,
# so that a link among them leads to the same.
make_tree() {
  local tree=$1 document
  local documents=$tree/share/doc/unikrun man=$tree/share/man/man8/unikrun.8.gz
  put() { install -D -m "$1" "$2" "$tree/$3"; }
  put 755 dist/unikrun bin/unikrun
  mkdir -p "$documents" "${man%/*}"
  $bun scripts/man-page.ts | gzip -9n >"$man"
  put 644 config.schema.json share/unikrun/config.schema.json
  ln -s ../../unikrun/config.schema.json "$documents/config.schema.json"
  for document in README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md LICENSE; do
    put 644 "$document" "share/doc/unikrun/$document"
  done
  cp -r docs examples "$documents"
  $bun scripts/copyright.ts >"$documents/copyright"
  completion bash bash-completion/completions/unikrun
  completion zsh zsh/site-functions/_unikrun
  completion fish fish/vendor_completions.d/unikrun.fish
  # Whatever the checkout's modes are.
  chmod -R u=rwX,go=rX "$tree"
}

completion() { install -D -m 644 <(dist/unikrun completion "$1") "$tree/share/$2"; }

# The time of everything in a package: that of the commit, so that who makes it again gets the same bytes.
source_time() {
  echo "${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}"
}

# pack NAME FILE: the folder NAME of $scratch as a tarball.
pack() {
  tar -C "$scratch" --format=gnu --sort=name --mtime="@$(source_time)" --owner=0 --group=0 --numeric-owner -c "$1" |
    gzip -n >"$2"
}

# fact NAME prints a value of package.json.
fact() { $bun -p "require('./package.json').$1"; }
