# The targets that people type. CI runs .ci/run, which uses these.

OUT      ?=
CLAIMS   ?=
RUN      ?=
TIME     ?= 10s

DEV := cmd/countersign-dev

.PHONY: help build demo bench-demo bench-houses bench-ledger bench-scale bench-credentials bench-claims test check race dev-test test-houses test-faults test-backup interop mutants fuzz fmt

help:
	@echo 'make build                    bin/countersign, bin/countersignd, bin/countersign-dev'
	@echo 'make demo OUT=DIR CLAIMS=FILE the whole story in one process, its evidence into DIR; both may be left out'
	@echo 'make bench-demo               how soon Temporal is ready, and how soon a board order holds the money'
	@echo 'make bench-houses             claims a second, submission to receipt, and where the time goes; six minutes on an idle machine'
	@echo 'make bench-ledger             the ledger beside Tessera and a hash chain, in one run; some ten minutes on an idle machine'
	@echo 'make bench-scale MILLIONS=10  what an entry costs as the ledger grows (docs/ledger-scale.md)'
	@echo 'make bench-credentials        issuing and verifying beside the bare signature, and an import; two minutes on an idle machine'
	@echo 'make bench-claims             deciding, reading 837 files, checking one, and what a claim costs end to end; ten minutes on an idle machine'
	@echo 'make test                     everything that must hold; needs gcc, SoftHSM 2 and PostgreSQL binaries, and gets them as root on Debian'
	@echo 'make test-houses              the services of docker-compose.yml as processes, the story through the command line, docs/joining.md as typed'
	@echo 'make test-faults CLAIMS=500    the same processes, killed, stopped, delayed and full, one after the other'
	@echo 'make test-backup               the same processes, their databases taken back to an earlier time, and recovered'
	@echo 'make interop                  ledger, witness and credentials against programs and libraries of others; SHORT=1 hammers for 5 s, not a minute'
	@echo 'make fuzz TIME=10m ONLY=REGEXP  every fuzz target for that long, a line for each'
	@echo 'make mutants ONLY=REGEXP PART=1/4  every check of the verify path and of rules/2 taken out in turn, or a part of them; a test has to fail each time'
	@echo 'make fmt                      gofmt'

build:
	go build -o bin/ ./cmd/...
	cd $(DEV) && go build -o ../../bin/ .

demo:
	@echo 'building; the first time this takes minutes, for it compiles a Temporal server'
	@mkdir -p bin
	@cd $(DEV) && go build -o ../../bin/ .
	@bin/countersign-dev demo $(if $(OUT),--out '$(OUT)') $(if $(CLAIMS),--claims '$(CLAIMS)')

bench-demo:
	@mkdir -p bin
	@cd $(DEV) && go build -o ../../bin/ .
	@bin/countersign-dev bench

# The same claims through one process and through the houses of docker-compose.yml; BENCH=-claims=100 for a quick look.
bench-houses:
	@test/step.sh 'gcc, SoftHSM 2 and PostgreSQL' test/prerequisites.sh
	@mkdir -p bin
	@cd $(DEV) && go build -o ../../bin/bench-houses ./houses/bench
	@bin/bench-houses $(BENCH)

bench-ledger:
	@test/step.sh 'gcc and PostgreSQL' test/prerequisites.sh
	@cd tools && go test -tags bench -run xxx -bench Ledger -benchtime 1x -timeout 60m ./bench $(BENCH)

bench-scale:
	@test/step.sh 'gcc and PostgreSQL' test/prerequisites.sh
	@go test -tags scale -run xxx -bench Scale -benchtime 1x -timeout 120m ./ledger/operator -millions $(or $(MILLIONS),10)

bench-credentials:
	@test/step.sh 'gcc and PostgreSQL' test/prerequisites.sh
	@go test -tags bench -run xxx -bench Credentials -benchtime 1x ./credentials/bench
	@go test -tags bench -run xxx -bench Import -benchtime 1x -timeout 60m ./board/bench $(IMPORT)

# COUNTERSIGN_CORPUS names a folder of public sample files; without it the check of 820 claims is left out. The large file
# and the databases are written below TMPDIR. BENCH='-rounds 1' for a quick look at the last part.
bench-claims:
	@mkdir -p bin
	@cd $(DEV) && go build -o ../../bin/bench-houses ./houses/bench
	@go test -tags bench -run xxx -bench Decisions -benchtime 1x ./claims/oracle
	@go test -tags bench -run xxx -bench ClaimFiles -benchtime 1x ./claims/bench
	@bin/bench-houses -claim-cost $(BENCH)

test: check race dev-test

# check is what needs no test to run: format, modules, vet, and that contracts are deterministic.
check:
	@test/step.sh 'gofmt' sh -c 'files=$$(gofmt -l .); test -z "$$files" || { echo "not formatted (make fmt):"; echo "$$files"; exit 1; }'
	@test/step.sh 'go mod tidy' go mod tidy -diff
	@test/step.sh 'go mod tidy, $(DEV)' sh -c 'cd $(DEV) && go mod tidy -diff'
	@test/step.sh 'go vet' go vet ./...
	@test/step.sh 'go vet, $(DEV)' sh -c 'cd $(DEV) && go vet ./...'
	@test/step.sh 'workflowcheck' go tool workflowcheck ./...

race:
	@test/step.sh 'gcc, SoftHSM 2 and PostgreSQL' test/prerequisites.sh
	@test/step.sh 'tests, race detector' env CGO_ENABLED=1 go test -race -timeout 20m ./...
	@test/step.sh 'tests, keys in a module (SoftHSM 2)' env CGO_ENABLED=1 sh -c 'go test -race -tags pkcs11 ./credentials/pkcs11/... && go test -tags pkcs11 -run PKCS11 ./cli ./cmd/countersignd'

# The embedded Temporal server takes many minutes to build with the race detector, so this module goes without.
dev-test:
	@test/step.sh 'tests, $(DEV)' sh -c 'cd $(DEV) && go test -timeout 20m ./...'

# Every service of docker-compose.yml as a process of its own, the demo's story through the command line, and docs/joining.md.
test-houses:
	@test/step.sh 'gcc, SoftHSM 2 and PostgreSQL' test/prerequisites.sh
	@test/step.sh 'go vet, houses' sh -c 'cd $(DEV) && go vet -tags houses ./houses/'
	@test/step.sh 'tests, houses' sh -c 'cd $(DEV) && go test -tags houses -count=1 -timeout 20m -skip TestBackup ./houses/'

# Everything that may go away, while claims are billed; with CLAIMS below 500 each daemon is killed less often.
# RUN=TestKilled chooses one of the tests.
test-faults:
	@test/step.sh 'gcc, SoftHSM 2 and PostgreSQL' test/prerequisites.sh
	@test/step.sh 'go vet, outages' sh -c 'cd $(DEV) && go vet -tags houses ./houses/outages'
	@test/step.sh 'tests, outages' sh -c 'cd $(DEV) && go test -tags houses -count=1 -v -timeout 60m ./houses/outages -run "$(RUN)" -claims $(or $(CLAIMS),500)'

# The insurer's books and Temporal restored from before the ledger's last entries (docs/backup.md).
test-backup:
	@test/step.sh 'gcc, SoftHSM 2 and PostgreSQL' test/prerequisites.sh
	@test/step.sh 'go vet, backup' sh -c 'cd $(DEV) && go vet -tags houses ./houses/'
	@test/step.sh 'tests, backup' sh -c 'cd $(DEV) && go test -tags houses -count=1 -timeout 20m -run TestBackup ./houses/'

# Programs that others wrote, built from the modules that tools/go.mod names, and our daemons. One module that only a test of
# theirs needs is not on every proxy; -e has tidy pass over it. The credentials need node and npm (docs/interop.md).
interop:
	@test/step.sh 'gcc and PostgreSQL' test/prerequisites.sh
	@test/step.sh 'go mod tidy, tools' sh -c 'cd tools && go mod tidy -e -diff 2>/dev/null'
	@test/step.sh 'go vet, tools' sh -c 'cd tools && go vet -tags interop ./...'
	@test/step.sh 'interop' sh -c 'cd tools/interop && go test -tags interop -count=1 -timeout 10m $(if $(SHORT),-short) -run "$(RUN)"'
	@test/step.sh 'interop, credentials' sh -c 'cd tools/interop/npm && go test -tags interop -count=1 -timeout 10m -run "$(RUN)"'

fuzz:
	@TIME='$(TIME)' ONLY='$(ONLY)' test/fuzz.sh

# The tests of the unchanged packages first: what fails anyway catches nothing.
mutants:
	@test/step.sh 'tests as they are' go test ./credentials ./credentials/integrity ./credentials/sdjwt ./credentials/rdfc ./credentials/aries ./vcalm ./standing
	@test/step.sh 'tests as they are' go test -run 'Void|Replace|Reversal|Change|AsThough|Corrections|Withdrawn|HoldIsCarried|Signature|Unnamed|Countersigned|TestKeyIs|TestImportBindsKeys|Doubt|Stolen' ./claims ./gateway ./dossier ./board ./store ./worker
	@test/step.sh 'mutants' go run ./test/mutants -only '$(ONLY)' -part '$(or $(PART),1/1)'

fmt:
	gofmt -w .
