package terms

import (
	"fmt"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/countersign-health/countersign/claims"
	"github.com/countersign-health/countersign/credentials"
)

func plan(when ...string) *claims.Plan {
	p := &claims.Plan{}
	for i, w := range when {
		p.Terms = append(p.Terms, claims.Term{Name: fmt.Sprintf("t-%d", i), When: w, Then: claims.TermReviews, Note: "x"})
	}
	return p
}

// aClaim is of a woman of 17, who becomes 18 the day after the service.
func aClaim() *claims.Claim {
	return &claims.Claim{
		Number: "C1", Charge: 150_00, Place: "11", ServiceState: "CA",
		Billing:    claims.Provider{NPI: "1993999998", Organization: true},
		Subscriber: claims.Person{Last: "DOE", Birth: "1970-01-01", Sex: "M"},
		Patient:    &claims.Person{Last: "DOE", Birth: "2008-10-03", Sex: "F"},
		Diagnoses:  []string{"M545", "J069", "Z0000"},
		Lines: []claims.Line{
			{Number: 1, Code: "72148", Modifiers: []string{"26"}, Charge: 100_00, Units: 1500, Pointers: []int{1, 3}, From: "2026-10-02", To: "2026-10-04", Place: "22"},
			{Number: 2, Code: "A4550", Charge: 50_00, Units: 1000, From: "2026-10-02", To: "2026-10-02", Authorization: "AUTH-A",
				Rendering: &claims.Provider{NPI: "1234567893", Taxonomy: "207RC0000X"}},
		},
	}
}

func TestFacts(t *testing.T) {
	const yes, no, unknown = claims.TermYes, claims.TermNo, claims.TermUnknown
	for when, want := range map[string][2]claims.TermAnswer{
		`true`:                   {yes, yes},
		`line.code == "72148"`:   {yes, no},
		`"26" in line.modifiers`: {yes, no},
		`line.place == "22"`:     {yes, no},
		`line.diagnoses.exists(d, d.startsWith("M54"))`: {yes, no},
		`line.diagnoses.all(d, d.startsWith("M54"))`:    {no, yes}, // of none, all
		`size(line.diagnoses) == 2`:                     {yes, no},
		`"J069" in claim.diagnoses`:                     {yes, yes},
		`line.milliunits > 1000`:                        {yes, no},
		`line.cents * 2 == claim.cents + 5000`:          {yes, no},
		`line.from < "2026-10-03" && line.days == 3`:    {yes, no},
		`line.to == "2026-10-04"`:                       {yes, no},
		`line.authorized`:                               {no, yes},
		`claim.codes == ["72148", "A4550"]`:             {yes, yes},
		`claim.state in ["CA", "NV"]`:                   {yes, yes},
		`billing.npi == "1993999998"`:                   {yes, yes},
		`billing.taxonomy == "207RC0000X"`:              {unknown, unknown}, // the claim does not say
		`rendering.npi == "1234567893"`:                 {unknown, yes},
		`rendering.taxonomy.startsWith("207R")`:         {unknown, yes},
		`member.age < 18`:                               {yes, yes}, // 17, until the next day
		`member.age >= 18`:                              {no, no},
		`member.sex == "F"`:                             {yes, yes},
		// What is not known does not matter where it cannot change the answer.
		`line.code == "72148" || rendering.npi == "1"`:            {yes, no},
		`line.code == "72148" && rendering.npi == "1"`:            {unknown, no},
		`9223372036854775807 + line.cents > 0`:                    {unknown, unknown}, // overflows
		`claim.codes.exists_one(c, c == line.code)`:               {yes, yes},
		`line.code == "72148" ? true : line.code == "x"`:          {yes, no},
		`!(line.code.contains("14") || line.days > 100)`:          {no, yes},
		`[1, 2, 3].exists(n, n * 50000 == line.milliunits * 100)`: {yes, no}, // 150,000; 100,000 is 2 x 50,000
	} {
		c, err := Compile(plan(when))
		if err != nil {
			t.Errorf("%s: %v", when, err)
			continue
		}
		claim := aClaim()
		for i := range claim.Lines {
			want := want[i]
			if strings.HasPrefix(when, "[1, 2, 3]") && i == 1 {
				want = yes
			}
			if got := c.Facts(claim, &claim.Lines[i]); len(got) != 1 || got[0].Answer != want || got[0].Name != "t-0" {
				t.Errorf("%s, line %d: got %v, want %s", when, i+1, got, want)
			}
		}
	}
}

// What could have two answers, or no end, is refused at the door.
func TestCompileRefuses(t *testing.T) {
	for when, want := range map[string]string{
		``:                                "at 1:0: Syntax error",
		`line.code ==`:                    "at 1:13",
		`line.code`:                       "it is a string: want a condition",
		`line.cod == "72148"`:             "at 1:5: undeclared reference",
		`member.name == "DOE"`:            "undeclared reference",
		`line.cents > 1.5`:                "at 1:",
		`1.5 > 0.5`:                       "",
		`line.cents / 2 == 1`:             "undeclared reference to '_/_'",
		`line.cents % 2 == 1`:             "undeclared reference to '_%_'",
		`{"a": 1} == {"a": 1}`:            "a map(string, int) cannot stand in a condition",
		`{"a": true}.exists(k, k == "a")`: "a map(string, bool) cannot stand in a condition",
		`{"a": 1}.a == 1`:                 "a map(string, int) cannot stand in a condition",
		`b"a" == b"a"`:                    "a bytes cannot stand in a condition",
		`1u == 1u`:                        "a uint cannot stand in a condition",
		`null == null`:                    "a null",
		`duration("1h") > duration("1m")`: "undeclared reference to 'duration'",
		`timestamp("2026-01-01T00:00:00Z") == timestamp("2026-01-01T00:00:00Z")`: "undeclared reference to 'timestamp'",
		`double(1) > 0`:                              "undeclared reference to 'double'",
		`dyn(1) == 1`:                                "undeclared reference to 'dyn'",
		`type(1) == int`:                             "undeclared reference to 'type'",
		`line.code.matches("(a+)+$")`:                "undeclared reference to 'matches'",
		`line.modifiers[0] == "26"`:                  "undeclared reference to '_[_]'",
		`claim.codes.map(c, c + "x") == claim.codes`: "undeclared reference to 'map'",
		`[[1], [2]] == [[1], [2]]`:                   "a list(list(int)) cannot stand in a condition",
		`[1, "a"] == [1, "a"]`:                       "at 1:",
		`claim.codes.all(a, claim.codes.all(b, claim.codes.all(c, claim.codes.all(d, a + b + c + d != ""))))`: "steps of work: want at most",
		`line.code == "` + strings.Repeat("x", 5000) + `"`:                                                    "want at most 4000 characters",
		strings.Repeat("(", 200) + "true" + strings.Repeat(")", 200):                                          "at ",
	} {
		_, err := Compile(plan("true", when))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "term t-1: ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%.60s: got %v, want %q in one line", when, err, want)
		}
	}
}

// A thousand times, in any order, on any number of goroutines: one answer.
func TestOneAnswer(t *testing.T) {
	var all []string
	for _, v := range Variables {
		switch v.kind {
		case text:
			all = append(all, v.Name+` > "M"`)
		case texts:
			all = append(all, v.Name+`.exists(x, x > "M")`, `size(`+v.Name+`) > 1`)
		case number:
			all = append(all, v.Name+` * 3 > 4000`)
		case truth:
			all = append(all, v.Name)
		}
	}
	claim := aClaim()
	first := map[string]claims.TermAnswer{}
	answer := func(when []string, l *claims.Line) map[string]claims.TermAnswer {
		c, err := Compile(plan(when...))
		if err != nil {
			t.Error(err)
			return nil
		}
		got := map[string]claims.TermAnswer{}
		for i, f := range c.Facts(claim, l) {
			got[when[i]] = f.Answer
		}
		return got
	}
	first = answer(all, &claim.Lines[1])
	var wait sync.WaitGroup
	for g := range 4 {
		wait.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(g), 7))
			for range 250 {
				when := slices.Clone(all)
				rnd.Shuffle(len(when), func(i, j int) { when[i], when[j] = when[j], when[i] })
				if got := answer(when, &claim.Lines[1]); !reflect.DeepEqual(got, first) {
					t.Errorf("got %v, then %v", first, got)
					return
				}
			}
		})
	}
	wait.Wait()
}

func TestAge(t *testing.T) {
	for _, test := range []struct {
		birth, on credentials.Date
		want      any
	}{
		{"2008-10-03", "2026-10-02", int64(17)},
		{"2008-10-03", "2026-10-03", int64(18)},
		{"2008-02-29", "2026-02-28", int64(17)},
		{"2008-02-29", "2026-03-01", int64(18)},
		{"2026-10-02", "2026-10-02", int64(0)},
		{"2026-10-03", "2026-10-02", nil},
		{"", "2026-10-02", nil},
	} {
		if got := age(test.birth, test.on); got != test.want {
			t.Errorf("born %s, on %s: got %v, want %v", test.birth, test.on, got, test.want)
		}
	}
}

// An edition without terms answers nothing, so that its evidence is as it was
// before there were any.
func TestNone(t *testing.T) {
	c, err := Compile(&claims.Plan{})
	if err != nil || c.Facts(aClaim(), &aClaim().Lines[0]) != nil {
		t.Errorf("got %v, %v", c, err)
	}
}

func BenchmarkFacts(b *testing.B) {
	c, err := Compile(plan(`line.code in ["72148", "70551"] && member.age < 18`, `line.diagnoses.exists(d, d.startsWith("M54"))`))
	if err != nil {
		b.Fatal(err)
	}
	claim := aClaim()
	for b.Loop() {
		c.Facts(claim, &claim.Lines[0])
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{`line.code == "72148" && member.age < 18`, `line.diagnoses.exists(d, d.startsWith("M54"))`, `{1: 2}`, `1.0`, "(((", `a.b.c`, `"\u0000"`} {
		f.Add(s)
	}
	claim := aClaim()
	f.Fuzz(func(t *testing.T, when string) {
		c, err := Compile(plan(when))
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: more than a line: %v", when, err)
			}
			return
		}
		if a, b := c.Facts(claim, &claim.Lines[0]), c.Facts(claim, &claim.Lines[0]); !slices.Equal(a, b) {
			t.Errorf("%q: %v, then %v", when, a, b)
		}
	})
}

// The page for insurers lists every variable as it is.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/terms.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range Variables {
		if row := fmt.Sprintf("| `%s` | %s | %s |\n", v.Name, v.Kind(), v.About); !strings.Contains(string(page), row) {
			t.Errorf("docs/terms.md lacks %s", row)
		}
	}
	if got := strings.Count(string(page), "\n| `line.") + strings.Count(string(page), "\n| `claim.") + strings.Count(string(page), "\n| `billing.") +
		strings.Count(string(page), "\n| `rendering.") + strings.Count(string(page), "\n| `member."); got != len(Variables) {
		t.Errorf("docs/terms.md lists %d variables, there are %d", got, len(Variables))
	}
}
