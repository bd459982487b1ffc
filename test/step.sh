#!/bin/sh
# step.sh NAME COMMAND...: runs the command under a heading, and says how long it took.
name=$1
shift
echo "== $name"
began=$(date +%s)
"$@"
rc=$?
took=$(($(date +%s) - began))
[ $rc -eq 0 ] && echo "== $name: ok, $took s" || echo "== $name: FAILED after $took s" >&2
exit $rc
