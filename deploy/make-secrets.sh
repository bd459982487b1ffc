#!/bin/sh
# Makes the keys, passwords and configurations that docker-compose.yml mounts,
# in deploy/secrets, and founds a ledger with them. In life each house makes its
# own, on its own machine, and no file with a key ever leaves it: see
# docs/joining.md. It never replaces anything.
set -eu
umask 077
here=$(cd "$(dirname "$0")" && pwd)
secrets=$here/secrets
user=65532 # who runs in the containers

command -v countersign >/dev/null || {
	echo "make-secrets: countersign is not on PATH: go build -o bin/ ./cmd/countersign, and PATH=\$PWD/bin:\$PATH" >&2
	exit 2
}
if [ -e "$secrets" ]; then
	echo "make-secrets: $secrets is there already: keep it, or move it away together with the volumes that belong to it" >&2
	exit 2
fi
new=$secrets.new # so that half a set is never taken for a whole one
mkdir "$new"
unset COUNTERSIGN_TRUST COUNTERSIGN_LEDGER COUNTERSIGN_KEYS COUNTERSIGN_KEY COUNTERSIGN_PASSPHRASE_FILE
cd "$new"

random() { head -c 32 /dev/urandom >"$1"; }
password() { head -c 24 /dev/urandom | od -An -vtx1 | tr -d ' \n' >"$1"; }
# as PARTY COMMAND... types a command with the keys of a party.
as() {
	party=$1
	shift
	countersign "$@" --keys "$party/keys" --passphrase-file "$party/passphrase"
}
key() {
	mkdir -p "$1"
	password "$1/passphrase"
	as "$1" key create "$1" >/dev/null
}

mkdir founding ledger postgres
countersign network keys ledger --name ledger.example --out ledger >/dev/null
for party in board insurer hospital auditor; do
	key $party
	state=
	[ $party != board ] || state='--jurisdiction CA'
	# shellcheck disable=SC2086 # two words, or none
	as $party network party --name $party --role $party $state --out founding/$party.json >/dev/null
	countersign network keys witness --name witness.$party.example --out $party >/dev/null
done
key clerk
key reviewer
as reviewer network party --name reviewer --role reviewer --out founding/reviewer.json >/dev/null

countersign network draft --origin ledger.example --log-key "$(cat ledger/log.vkey)" \
	--witness "$(cat board/witness.vkey)" --witness "$(cat insurer/witness.vkey)" \
	--witness "$(cat hospital/witness.vkey)" --witness "$(cat auditor/witness.vkey)" --quorum 3 \
	--founder founding/board.json --founder founding/insurer.json \
	--founder founding/hospital.json --founder founding/auditor.json --admission 3 --out founding/genesis.draft.json >/dev/null
for party in board insurer hospital auditor; do
	as $party network sign founding/genesis.draft.json --out founding/$party.approval.json >/dev/null
done
as board network init founding/genesis.draft.json \
	--approval founding/board.approval.json --approval founding/insurer.approval.json \
	--approval founding/hospital.approval.json --approval founding/auditor.approval.json \
	--out founding/genesis.entry --trust founding/trust.json

# A reviewer is no founder: three of these approve, and the reviewer joins
# once the ledger runs (deploy/README.md).
for party in board insurer hospital; do
	as $party network approve founding/reviewer.json --trust founding/trust.json --ledger '' \
		--out founding/reviewer.approval-$party.json >/dev/null
done

random insurer/business.key
random insurer/payload-1.key
random insurer/wrapping-1.key
password postgres/postgres.password
password insurer/insurer.password
password insurer/temporal.password
password board/board.password
password ledger/ledger.password

# put WORD VALUE replaces the example value before the comment WORD.
put() { sed "s|[^ ]* # $1\$|$2|"; }
json() { sed -n "s/^ *\"$1\": \"\\([^\"]*\\)\".*/\\1/p"; }
put LOG-KEY "$(cat ledger/log.vkey)" <"$here/witness.yaml" >witness.yaml
put CLERK "$(as clerk key export-public --as keyid)" <"$here/board.yaml" >board/board.yaml
put BOARD "$(json did <founding/board.json)" <"$here/insurer.yaml" |
	put REVIEWER "$(json did <founding/reviewer.json)" >insurer/insurer.yaml
cp "$here/ledger.yaml" ledger/ledger.yaml

cd "$here"
mv "$new" "$secrets"
if [ "$(id -u)" = 0 ]; then
	chown -R $user:$user "$secrets"
else
	echo "make-secrets: the containers run as user $user, and each key can be read by its owner alone. Now type:"
	echo "  sudo chown -R $user:$user $secrets"
fi
