//go:build linux && houses

package houses_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"strings"
)

// paid looks at what the hospital has in the end.
func (j *joining) paid() {
	address := []string{"--gateway", "http://" + j.host + ":8101", "--insurer", j.insurer}
	var status struct {
		Claims []struct {
			Claim, State string
			Paid         int64 `json:"paidCents"`
		}
	}
	j.types("hospital", &status, append([]string{"claim", "status"}, address...)...)
	if len(status.Claims) != 1 || status.Claims[0].Claim != "DEMO-001" || status.Claims[0].State != "paid" {
		j.Errorf("got the claims %+v, want DEMO-001 paid", status.Claims)
	}
	var fetched struct {
		Remittances []struct {
			Payments []struct {
				TotalCents int64
				Claims     []struct {
					Claim                                string
					ChargeCents, PaidCents, PatientCents int64
				}
			}
		}
	}
	j.types("hospital", &fetched, append([]string{"remit", "fetch"}, address...)...)
	got := fmt.Sprint(fetched.Remittances)
	if want := "[{[{6500 [{DEMO-001 14000 6500 2500}]}]}]"; got != want {
		j.Errorf("the 835 says %s, want %s", got, want)
	}
	var again struct{ Remittances []struct{} }
	out := j.typists["newcomer"].says("countersign remit run --json")
	if err := json.Unmarshal([]byte(out), &again); err != nil || len(again.Remittances) != 0 {
		j.Errorf("run twice, it pays more: %v\n%s", err, out)
	}
	var v verdict
	out = j.typists["hospital"].says("countersign verify --json --trust trust.json evidence")
	if err := json.Unmarshal([]byte(out), &v); err != nil || v.Decisions != 1 || v.Verified != 1 || v.Reproduced != 1 || len(v.Failures) > 0 {
		j.Errorf("the hospital verifies %+v, %v", v, err)
	}
	if text := string(j.read(filepath.Join(j.dir, "..", "hospital", "evidence", "remittance.835"))); !strings.Contains(text, "NEW HEALTH PLAN") {
		j.Errorf("the 835 does not name who pays:\n%s", text)
	}
}

// recorded finds the newcomer's entries on the ledger, by its own DID.
func (j *joining) recorded() {
	var head struct{ Size int64 }
	j.types("auditor", &head, "ledger", "head")
	got := map[string]int{}
	for i := int64(1); i < head.Size; i++ {
		var shown struct {
			Entries []struct{ Kind, DID, Void string }
		}
		j.types("auditor", &shown, "ledger", "show", fmt.Sprint(i))
		for _, e := range shown.Entries {
			if e.DID == j.insurer && e.Void == "" {
				got[e.Kind]++
			}
		}
	}
	want := map[string]int{"participant": 2 /* with the next key */, "plan-edition": 1, "fee-edition": 1, "claim-decision": 1, "remittance": 1}
	if !maps.Equal(got, want) {
		j.Errorf("the new insurer's entries are %v, want %v", got, want)
	}
}

// refused has the page's table tell the truth, as far as a working house can
// be asked: each line has a command that is answered with it. And what was
// typed before can be typed again.
func (j *joining) refused() {
	const digest = "find secrets keys -type f | sort | xargs cat | sha256sum"
	newcomer, hospital := j.typists["newcomer"], j.typists["hospital"]
	secrets := newcomer.says(digest)
	blocks := j.blocks()
	waits := func(edit, says string) string {
		return "sed -e s/:9101/:9111/ -e '" + edit + "' insurer.yaml >wrong.yaml; countersignd worker --config wrong.yaml 2>>wrong.log & worker=$!\n" +
			"for try in $(seq 100); do countersignd probe http://" + j.host + ":9111/readyz 2>&1 | tee said | grep -q '" + says + "' && break; sleep 0.1; done\n" +
			"cat said; kill $worker; wait $worker"
	}
	stranger := "s|key: {.*}|key: {store: " + j.houses.Secret("clerk", "keys") + ", name: clerk, passphrase_file: " + j.houses.Secret("clerk", "passphrase") + "}|"
	clerk := " --keys " + j.houses.Secret("clerk", "keys") + " --passphrase-file " + j.houses.Secret("clerk", "passphrase")
	for _, test := range []struct {
		by      *typist
		command string
		says    []string
	}{
		{newcomer, blocks[3].lines, []string{"cannot overwrite existing file"}},
		{newcomer, "sed 's/did: did:key:[^,]*/did: did:key:THE-BOARD/' insurer.yaml >wrong.yaml; countersignd config check wrong.yaml", []string{"insurer.boards[0].did: want a did:key"}},
		{newcomer, "sed 's/keys.passphrase/key.passphrase/' insurer.yaml >wrong.yaml; countersignd config check --files wrong.yaml", []string{"no such file or directory"}},
		{newcomer, regexp.MustCompile(`(?s)^psql.*?\nEND\n`).FindString(blocks[8].lines), []string{`role "newplan" already exists`}},
		{newcomer, waits("s/books.password/reviewer.passphrase/", "for the database: .*failed"), []string{"it waits for the database: ", "password authentication failed"}},
		{newcomer, waits("s/namespace: newplan/namespace: other/", "not found"), []string{"it waits for Temporal at ", " not found"}},
		{newcomer, waits(stranger, "admission"), []string{"it waits for admission to the ledger"}},
		{newcomer, waits("s/{did: [^,]*,/{did: "+j.insurer+",/", "never read"), []string{"feed of CA: it was never read"}},
		{newcomer, "sed 's/^feeSchedule: .*/feeSchedule: other/; s/^edition: .*/edition: 2026-02/' plan.yaml >other.yaml; countersign plan publish other.yaml", []string{"no edition of its fee schedule ", " is published"}},
		{newcomer, "countersign member enroll members.csv --plan other", []string{"no edition of a plan ", " is published"}},
		{hospital, "countersign claim status" + clerk, []string{"the issuer's key is not a participant's of this ledger"}},
		{newcomer, "countersign remit run", []string{"nothing is payable"}},
	} {
		out := test.by.says("(set +e\n" + test.command + "\n) 2>&1 || true")
		for _, text := range test.says {
			if !strings.Contains(out, text) {
				j.Errorf("got %q, want %q in it", out, text)
			}
			if !strings.Contains(j.table, text) {
				j.Errorf("the page's table does not say %q", text)
			}
		}
	}
	if now := newcomer.says(digest); now != secrets {
		j.Error("typed again, step 4 changes a secret")
	}
}

// named says that the newcomer's daemons log nothing personal.
func (j *joining) named() {
	j.typists["newcomer"].says("kill $(jobs -p); wait") // they drain
	for _, name := range []string{"worker.log", "gateway.log"} {
		log := strings.ToUpper(string(j.read(filepath.Join(j.dir, name))))
		if !strings.Contains(log, "{") {
			j.Errorf("%s says nothing", name)
		}
		for _, value := range personal(j.T) {
			if strings.Contains(log, value) {
				j.Errorf("%s has %q", name, value)
			}
		}
	}
}
