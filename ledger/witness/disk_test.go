package witness_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/ledger/ledgertest"
	"github.com/countersign-health/countersign/ledger/witness"
	"github.com/countersign-health/countersign/store/sqldb/sqldbtest"
)

// A witness whose disk is full signs nothing that it has not kept, goes on
// telling what it has, refuses a fork as before, and says in its log why. With
// room again it signs what it could not.
func TestDiskFull(t *testing.T) {
	sqldbtest.EachDisk(t, func(t *testing.T, d sqldbtest.Disk) {
		key, vkey := logKey("log")
		var logs []witness.Log
		for i := range 2000 { // a row each: one that is there already changes in its place
			logs = append(logs, witness.Log{Origin: fmt.Sprintf("log.example/%d", i), Keys: []string{vkey}})
		}
		db := d.Open()
		w, err := witness.New(context.Background(), db, "witness.example/w", ledgertest.Key("w"), logs...)
		if err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		w.Log = slog.New(slog.NewTextHandler(&said, nil))
		url := serve(t, w)
		kept := func(of string) bool {
			t.Helper()
			sum := sha256.Sum256([]byte(of))
			resp, err := http.Get(url + "/" + hex.EncodeToString(sum[:]) + "/checkpoint")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, _ := io.ReadAll(resp.Body)
			if resp.StatusCode != 200 && resp.StatusCode != 404 {
				t.Errorf("checkpoint of %s: got %d", of, resp.StatusCode)
			}
			return resp.StatusCode == 200 && strings.HasPrefix(string(text), of+"\n5\n")
		}
		h, fork := grow(5, 99, ""), grow(5, 3, "x")
		if got, _, _ := post(t, url, h.request(0, logs[0].Origin, key)); got != 200 {
			t.Fatalf("before: got %d", got)
		}
		d.Fill()
		refused := -1
		for i := 1; refused < 0 && i < len(logs); i++ {
			of := logs[i].Origin
			status, _, answer := post(t, url, h.request(0, of, key))
			switch {
			case status == 200 && !kept(of):
				t.Errorf("%s: signed, and not kept", of)
			case status == 200:
			case status != 500 || strings.Contains(answer, "—") || kept(of):
				t.Fatalf("%s: got %d %q, kept %v: want 500, no signature and nothing kept", of, status, answer, kept(of))
			default:
				refused = i
			}
		}
		if refused < 0 {
			t.Fatal("the disk was never full")
		}
		if text := strings.ToLower(said.String()); !strings.Contains(text, "is not signed") || !strings.Contains(text, "full") && !strings.Contains(text, "no space left") {
			t.Errorf("the log says %q, want it to say that the disk is full", said.String())
		}
		if !kept(logs[0].Origin) {
			t.Error("what it had signed is not told any more")
		}
		if got, _, answer := post(t, url, fork.request(5, logs[0].Origin, key)); got != 409 || strings.Contains(answer, "—") {
			t.Errorf("a fork: got %d %q, want 409", got, answer)
		}
		d.Free()
		of := logs[refused].Origin
		if got, _, _ := post(t, url, h.request(0, of, key)); got != 200 || !kept(of) {
			t.Errorf("with room again: got %d, want 200, and kept", got)
		}
		if got, _, _ := post(t, serve(t, newWitnessOf(t, d, logs)), fork.request(0, of, key)); got != 409 {
			t.Errorf("a fork of it: got %d, want 409", got)
		}
	})
}

func newWitnessOf(t *testing.T, d sqldbtest.Disk, logs []witness.Log) *witness.Witness {
	t.Helper()
	w, err := witness.New(context.Background(), d.Open(), "witness.example/w", ledgertest.Key("w"), logs...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}
