#!/bin/sh
# Makes the namespace, once. Histories are kept for 30 days at most: the books,
# not the histories, are the record of a decision, and erasure must be possible.
set -eu
temporal operator namespace describe --namespace "$1" >/dev/null 2>&1 ||
	temporal operator namespace create --namespace "$1" --retention 720h
