#!/bin/sh
# Runs every fuzz target of the module for TIME each, one after another, and prints a line for each: what was tried, what was
# found to take another way through the code, and whether all held. The list is made from the source. ONLY chooses by REGEXP
# among "FOLDER TARGET". A crasher stays in testdata/fuzz, and its output is shown: keep it in the commit of its fix.
set -eu
failed=0
list=$(grep -r --include='*_test.go' -o '^func Fuzz[A-Za-z0-9_]*' . | sed 's|^\(.*\)/[^/]*:func |\1 |' | sort)
out=$(mktemp)
trap 'rm -f "$out"' EXIT
while read -r folder target; do
	printf '%s %s' "$folder" "$target" | grep -qE "${ONLY:-.}" || continue
	rc=0
	# An input that takes a new way is cut down for a second at most: a minute, as is usual, would be most of a short run.
	go test -run '^$' -fuzz "^$target\$" -fuzztime "${TIME:-10s}" -fuzzminimizetime 1s -parallel "${PARALLEL:-1}" "$folder" >"$out" 2>&1 </dev/null || rc=$?
	last=$(grep 'execs:' "$out" | tail -n 1)
	execs=$(echo "$last" | sed -n 's/.*execs: \([0-9]*\).*/\1/p')
	new=$(echo "$last" | sed -n 's/.*new interesting: \([0-9]*\).*/\1/p')
	if [ $rc -eq 0 ] && [ -n "$execs" ]; then
		echo "fuzz $folder $target ${TIME:-10s} execs $execs new $new ok"
	else
		failed=$((failed + 1))
		echo "fuzz $folder $target ${TIME:-10s} execs ${execs:-0} new ${new:-0} FAILED"
		sed 's/^/    /' "$out"
	fi
done <<LIST
$list
LIST
[ $failed -eq 0 ] || { echo "fuzz: $failed targets failed" >&2; exit 1; }
