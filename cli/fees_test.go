package cli

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/countersign-health/countersign/claims"
)

// The command prints CMS's own list for California, every row of it.
func TestFeesPriceCalifornia(t *testing.T) {
	root := os.Getenv("COUNTERSIGN_CORPUS")
	if root == "" {
		t.Skip("COUNTERSIGN_CORPUS is not set: CMS's fee schedule is not at hand")
	}
	dir := filepath.Join(root, "mpfs-2025")
	f, err := os.Open(filepath.Join(dir, "PFREV4-california.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	type amounts struct{ nonFacility, facility claims.Cents }
	codes, want := map[string][]string{}, map[string][]amounts{}
	for _, l := range lines {
		locality := l[1] + "-" + l[2]
		codes[locality] = append(codes[locality], strings.TrimSuffix(l[3]+"-"+strings.TrimSpace(l[4]), "-"))
		want[locality] = append(want[locality], amounts{listedCents(t, l[5]), listedCents(t, l[6])})
	}
	for locality := range codes {
		args := append([]string{"fees", "price", "--json", "--rvu", filepath.Join(dir, "PPRRVU2025_Oct.nodesc.csv"),
			"--gpci", filepath.Join(dir, "GPCI2025.csv"), "--locality", locality}, codes[locality]...)
		code, out, stderr := typed(args...)
		if code != exitDone {
			t.Fatalf("%s: got exit %d, %s", locality, code, stderr)
		}
		var got struct{ Prices []pricedCode }
		if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.Prices) != len(want[locality]) {
			t.Fatalf("%s: got %d prices, %v, want %d", locality, len(got.Prices), err, len(want[locality]))
		}
		for i, p := range got.Prices {
			if got := (amounts{p.NonFacility, p.Facility}); got != want[locality][i] {
				t.Errorf("%s in %s: got %v, want %v", codes[locality][i], locality, got, want[locality][i])
			}
		}
	}
}

func listedCents(t *testing.T, s string) claims.Cents {
	c, err := claims.ParseCents(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
