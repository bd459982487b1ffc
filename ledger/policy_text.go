package ledger

import (
	"fmt"
	"strings"
)

// PolicyText is the ledger's policy as c2sp.org/tlog-policy writes it, for
// programs of others that judge checkpoints and receipts. URL is where the log
// is read, or empty. Witnesses go by their places, since names mean nothing
// outside the text; their keys say who they are.
func (g *Genesis) PolicyText(url string) string {
	var b strings.Builder
	b.WriteString(strings.TrimSpace("log "+g.LogKey+" "+url) + "\n")
	var names []string
	for i, key := range g.Witnesses {
		name := fmt.Sprint("w", i+1)
		names = append(names, name)
		fmt.Fprintf(&b, "witness %s %s\n", name, key)
	}
	fmt.Fprintf(&b, "group witnesses %d %s\nquorum witnesses\n", g.Quorum, strings.Join(names, " "))
	return b.String()
}
