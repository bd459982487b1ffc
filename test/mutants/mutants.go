package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// elsewhere are functions of those files that sign, write, route or word, and let
// nothing in. One of a name that another package uses otherwise stands with its
// own package's name.
var elsewhere = []string{
	"issue", "draft", "saltWith", "signJWS", "SignRequest", "CanonicalJSON", "Peek", "peekPayload", "nameOf", "Handle", "Equal", "Public",
	"Algorithm", "Multikey", "Set", "KeyFromDIDKey", "withPointer", "pointer", "syntax",
	"Present", "saltFor", "salted", "plainProbed", "probe", "settle", "settleAnew", "structMembersOf", "unquote", "ProveKey",
	"Sign", "sign", "integrity.proof",
	"Issue", "salter", "choose", "unverified", "bind", "conceal", "concealOne", "encode", "confirm", "sdjwt.find", "sdjwt.index", "split",
	"rdfc.plain", "NewImporter", "controlDial", "Loader", "newLibrary",
	"postChallenge", "boundTo", "looks", "Ask", "Ledger",
}

// verifyPath is what stands between a stranger's bytes and a verdict: for a
// vc+jwt, a presentation and a request, for documents with a proof, for SD-JWT,
// and for what is imported from data model 1.1.
var verifyPath = []string{
	"credentials/credential.go", "credentials/did.go", "credentials/jws.go", "credentials/jose.go", "credentials/judge.go", "credentials/key.go",
	"credentials/plain.go", "credentials/presentation.go", "credentials/request.go", "credentials/status.go", "credentials/statuslist.go",
	"credentials/strict.go", "credentials/fill.go",
	"credentials/verdict.go", "ledger/compromise.go", "credentials/did_document.go", "credentials/holder.go", "credentials/possession.go",
	"claims/reversal.go", "claims/change.go", "dossier/reversals.go", "dossier/status.go", "dossier/superseded.go",
	"claims/signature.go", "claims/countersigned.go", "gateway/signatures.go", "dossier/signatures.go", "board/challenge.go",
	"credentials/integrity/integrity.go", "credentials/integrity/open.go",
	"credentials/sdjwt/binding.go", "credentials/sdjwt/disclosure.go", "credentials/sdjwt/holder.go", "credentials/sdjwt/sdjwt.go",
	"credentials/rdfc/contexts.go", "credentials/rdfc/document.go", "credentials/rdfc/graph.go", "credentials/rdfc/rdfc.go",
	"credentials/aries/import.go", "credentials/aries/import_linked.go", "credentials/aries/import_token.go", "credentials/aries/resolver.go",
	"worker/doubt.go", "store/doubt.go", "store/signatures.go",
	"standing/standing.go", "standing/receipts.go", "standing/record.go", "standing/ask.go",
	"vcalm/credential.go", "vcalm/examine.go", "vcalm/presentation.go", "vcalm/challenge.go", "vcalm/vcalm.go",
	"statuslist/cache.go", "statuslist/lists.go",
}

// rules are what a claim comes to under rules/2, from its lines' checks to the last
// cent of their prices. Besides their own packages' tests, the second adjudicator's
// have to catch what is taken out.
var rules = []string{
	"claims/adjudicate.go", "claims/benefits.go", "claims/duplicate.go", "claims/eligibility.go", "claims/filing.go", "claims/priced.go", "claims/providers.go",
	"claims/rules.go", "claims/surgery.go", "claims/terms.go", "claims/contract/contract.go", "claims/mpfs/diagnostic.go", "claims/mpfs/modifiers.go",
	"claims/mpfs/session.go", "claims/mpfs/surgery.go", "claims/pricing/bill.go", "claims/pricing/pricing.go",
}

// testers are the packages whose tests are run against a mutant, the quickest to
// fail first.
func (m mutant) testers() []string {
	own := filepath.Dir(m.file)
	if slices.Contains(rules, m.file) {
		return []string{"claims/oracle", own}
	}
	return []string{own}
}

// testsOf names the tests that have to catch what is taken out of a file, where
// its package has many that take long and are about other things.
var testsOf = map[string]string{
	"ledger/compromise.go": "Compromise", "credentials/did_document.go": "DIDDocument|PublicDocument",
	"claims/reversal.go": "Void|Replace|Reversal|NoDecision", "claims/change.go": "Change|Switches", "dossier/reversals.go": "Changed",
	"dossier/status.go": "List|Status|Standing|Supersede|Order|Revo|Sequence", "dossier/superseded.go": "Standing|Supersede|Changed",
	"store/reversals.go":  "Void|AsThough|Corrections|Reversal|Withdrawn|HoldIsCarried|Change",
	"claims/signature.go": "Signature", "claims/countersigned.go": "Signature|Unnamed", "gateway/signatures.go": "Signature",
	"dossier/signatures.go": "Countersigned", "board/challenge.go": "TestKeyIs|TestImportBindsKeys",
}

// A mutant is a file with one check taken out, or with one line weakened.
type mutant struct {
	number   int
	name     string // file, function, condition
	file     string // from the top of the repository
	text     string // of the whole file: as it is, or weakened
	from, to int    // the condition in it
	weak     bool
	alike    string // why it behaves as the original does, if it does
}

// mutants makes all of them, for the repository at root.
func mutants(root string) (all []mutant, err error) {
	for _, file := range slices.Concat(verifyPath, rules) {
		src, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			return nil, err
		}
		found, err := without(file, string(src))
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	weak, err := weakened(root)
	if err != nil {
		return nil, err
	}
	all = append(all, weak...)
	for i := range all {
		all[i].number = i + 1
	}
	return all, markAlike(root, all)
}

// without finds each check of a file.
func without(file, src string) (all []mutant, err error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, src, 0)
	if err != nil {
		return nil, err
	}
	seen := map[string]int{}
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Body == nil || slices.Contains(elsewhere, fn.Name.Name) || slices.Contains(elsewhere, f.Name.Name+"."+fn.Name.Name) {
			continue
		}
		add := func(cond ast.Expr) {
			for _, part := range alternatives(cond) {
				from, to := fset.Position(part.Pos()).Offset, fset.Position(part.End()).Offset
				name := fmt.Sprintf("%s %s: %s", file, fn.Name.Name, strings.Join(strings.Fields(src[from:to]), " "))
				if seen[name]++; seen[name] > 1 {
					name = fmt.Sprintf("%s (%d)", name, seen[name])
				}
				all = append(all, mutant{name: name, file: file, text: src, from: from, to: to})
			}
		}
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.IfStmt:
				if refuses(n.Body.List) {
					add(n.Cond)
				}
			case *ast.SwitchStmt:
				for _, c := range n.Body.List {
					if c := c.(*ast.CaseClause); n.Tag == nil && refuses(c.Body) {
						for _, cond := range c.List {
							add(cond)
						}
					}
				}
			}
			return true
		})
	}
	return all, nil
}

// alternatives are the operands of ||.
func alternatives(e ast.Expr) []ast.Expr {
	if or, ok := e.(*ast.BinaryExpr); ok && or.Op == token.LOR {
		return append(alternatives(or.X), alternatives(or.Y)...)
	}
	return []ast.Expr{e}
}

// refuses says whether a block ends in a return of something else than nil, or
// in a note of an error.
func refuses(block []ast.Stmt) bool {
	if len(block) == 0 {
		return false
	}
	switch last := block[len(block)-1].(type) {
	case *ast.ReturnStmt:
		if len(last.Results) == 0 {
			return false
		}
		id, ok := last.Results[len(last.Results)-1].(*ast.Ident)
		return !ok || id.Name != "nil"
	case *ast.AssignStmt:
		id, ok := last.Lhs[len(last.Lhs)-1].(*ast.Ident)
		return ok && id.Name == "err"
	}
	return false
}

// weakened reads weakened.txt: paragraphs of a file, a line of it that stands
// there once, and what it becomes.
func weakened(root string) (all []mutant, err error) {
	b, err := os.ReadFile(filepath.Join(root, "test/mutants/weakened.txt"))
	if err != nil {
		return nil, err
	}
	for _, p := range strings.Split(strings.TrimSpace(string(b)), "\n\n") {
		lines := strings.Split(p, "\n")
		if strings.HasPrefix(p, "#") {
			continue
		}
		if len(lines) != 3 || !strings.HasPrefix(lines[1], "- ") || !strings.HasPrefix(lines[2], "+ ") {
			return nil, fmt.Errorf("weakened.txt: want FILE, - OLD, + NEW: %s", p)
		}
		file, old, new := lines[0], lines[1][2:], lines[2][2:]
		src, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			return nil, err
		}
		if n := strings.Count(string(src), old); n != 1 {
			return nil, fmt.Errorf("weakened.txt: %s has %d times: %s", file, n, old)
		}
		all = append(all, mutant{name: file + " weakened: " + old + " -> " + new, file: file, weak: true, text: strings.Replace(string(src), old, new, 1)})
	}
	return all, nil
}

// markAlike reads alike.txt: a mutant's name, and under it, indented, why it
// behaves as the original.
func markAlike(root string, all []mutant) error {
	b, err := os.ReadFile(filepath.Join(root, "test/mutants/alike.txt"))
	if err != nil {
		return err
	}
	byName := map[string]*mutant{}
	for i := range all {
		byName[all[i].name] = &all[i]
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	for i := 0; i < len(lines); i++ {
		if lines[i] == "" || strings.HasPrefix(lines[i], "#") {
			continue
		}
		m := byName[lines[i]]
		if m == nil || i+1 == len(lines) || !strings.HasPrefix(lines[i+1], "\t") {
			return fmt.Errorf("alike.txt: no mutant, or no reason: %s", lines[i])
		}
		i++
		m.alike = strings.TrimSpace(lines[i])
	}
	return nil
}
