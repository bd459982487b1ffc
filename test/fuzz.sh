#!/bin/sh
# Runs every fuzz target of the module for FUZZTIME each. A crasher stays in testdata/fuzz: keep it in the commit of its fix.
set -eu
for package in $(go list ./...); do
	for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
		echo "== $package $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-10s}" "$package"
	done
done
