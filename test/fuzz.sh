#!/bin/sh
# Runs every fuzz target of the module, or of PACKAGES, for FUZZTIME each. A crasher stays in testdata/fuzz: keep it in the
# commit of its fix.
set -eu
for package in ${PACKAGES:-$(go list ./...)}; do
	listed=$(go test -list '^Fuzz' "$package") || { echo "$listed" >&2; exit 1; }
	for target in $(echo "$listed" | grep '^Fuzz' || true); do
		echo "== $package $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-10s}" "$package"
	done
done
