#!/usr/bin/env bash
# Two releases of the same library turn the same CPU shares of cgroup v1 into different weights of cgroup v2.
#
# Seen with github.com/opencontainers/runc v1.1.15 (libcontainer/cgroups) and github.com/opencontainers/cgroups v0.0.6, which runc 1.4
# uses: Docker's default of 1,024 shares is a weight of 39 by the first, the kernel's old linear rule, and of 100, the kernel's
# default weight, by the second, a curve through (2, 1), (1024, 100) and (262144, 10000).
# So "equal shares" are equal only among containers that one release started: on a host with an older runc beside a newer runtime the
# older one's containers get 0.39 of what the others get.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
mkdir "$folder/module"
cd "$folder/module"
export GOFLAGS=-mod=mod GOPATH=$folder/go GOCACHE=$folder/cache
cat >go.mod <<'MODULE'
module weights

go 1.23

require (
	github.com/opencontainers/cgroups v0.0.6
	github.com/opencontainers/runc v1.1.15
)
MODULE
cat >main.go <<'CODE'
package main

import (
	"fmt"

	newer "github.com/opencontainers/cgroups"
	older "github.com/opencontainers/runc/libcontainer/cgroups"
)

func main() {
	for _, shares := range []uint64{2, 512, 1024, 2048, 262144} {
		fmt.Println(shares, older.ConvertCPUSharesToCgroupV2Value(shares), newer.ConvertCPUSharesToCgroupV2Value(shares))
	}
}
CODE
go mod tidy >tidy.log 2>&1 || { cat tidy.log; exit 1; }
seen=$(go run .)
expected='2 1 1
512 20 59
1024 39 100
2048 79 174
262144 10000 10000'
printf 'shares, weight by runc 1.1.15, weight by cgroups 0.0.6\n%s\n' "$seen"
[ "$seen" = "$expected" ] || { echo "This is not what was seen before:"; echo "$expected"; exit 1; }
