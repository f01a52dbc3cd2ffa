#!/usr/bin/env bash
# The newest version of the crate hermit on crates.io is a notice that it is elsewhere now, and can't be compiled.
#
# Seen with hermit 0.13.0 and 0.12.0 from crates.io. Hermit's crate, which links a Rust program with the unikernel's kernel,
# is published up to 0.12.0 only. 0.13.0 is a real, unyanked version whose library is one compile_error!, so that `cargo add hermit`,
# and every "hermit = *", end in it on every target, with the words "no longer distributed via crates.io". Its features, which a
# manifest for 0.12 names, are gone as well: with one of them cargo finds no version, and says nothing of the notice.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export CARGO_TERM_COLOR=never

# What cargo says of a program that depends on hermit like this.
try() {
  rm -rf program
  cargo init --quiet --vcs none --name program program
  printf 'hermit = %s\n' "$1" >>program/Cargo.toml
  cargo check --manifest-path program/Cargo.toml 2>&1 || true
}
check() {
  said=$(try "$1")
  printf '%s: %s\n' "$1" "$(grep -m 1 -E '^error|Finished' <<<"$said")"
  grep -qF "$2" <<<"$said" || { printf '%s\nand not: %s\n' "$said" "$2"; exit 1; }
}
check '"=0.12.0"' 'Finished'
check '"=0.13.0"' 'This crate is no longer distributed via crates.io.'
check '{ version = "=0.13.0", features = ["acpi"] }' 'does not have that feature'
