// Package terms answers the conditions that an insurer writes into an edition of
// its plan (coverage policies, what needs an authorization, what a person looks
// at). They are CEL, cut down to what has one answer everywhere and for ever: true
// and false, whole numbers, text and lists of these; no floating point, no maps, no
// clock, and a bound on the work. It alone imports cel-go.
package terms

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/env"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/countersign-health/countersign/claims"
)

// maxCost bounds the work of one condition, in CEL's units: about that many
// comparisons. A condition that could need more is refused when it is published.
const maxCost = 100_000

// maxText bounds a condition, in bytes.
const maxText = 4000

// macros and functions are all that a condition may use of CEL.
var (
	macros    = []string{operators.Exists, operators.ExistsOne, operators.All}
	functions = []string{
		operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals,
		operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.NotStrictlyFalse, operators.Conditional, operators.In,
		operators.Add, operators.Subtract, operators.Multiply, operators.Negate,
		"size", "startsWith", "endsWith", "contains",
	}
)

// environment is built once, by whoever first meets a term: it holds no state.
var environment = sync.OnceValue(func() *cel.Env {
	subset := env.NewLibrarySubset().AddIncludedMacros(macros...)
	for _, name := range functions {
		subset.AddIncludedFunctions(env.NewFunction(name))
	}
	options := []cel.EnvOption{
		cel.StdLib(cel.StdLibSubset(subset)),
		cel.ParserExpressionSizeLimit(maxText), cel.ParserRecursionLimit(50), cel.HomogeneousAggregateLiterals(),
	}
	for _, v := range Variables {
		options = append(options, cel.Variable(v.Name, v.kind.celType()))
	}
	e, err := cel.NewCustomEnv(options...)
	if err != nil {
		panic(err) // the table of variables is wrong, which every test would show
	}
	return e
})

// Conditions are the compiled terms of one edition.
type Conditions struct {
	names    []string
	programs []cel.Program
}

// Compile checks and compiles the terms of an edition. Every problem is a line
// that names the term and says where in its condition. An edition without terms
// has Conditions too, which answer nothing.
func Compile(p *claims.Plan) (*Conditions, error) {
	c := &Conditions{}
	var problems []error
	for _, t := range p.Terms {
		program, err := compile(t.When)
		if err != nil {
			problems = append(problems, fmt.Errorf("term %s: %w", t.Name, err))
			continue
		}
		c.names, c.programs = append(c.names, t.Name), append(c.programs, program)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return c, nil
}

func compile(when string) (cel.Program, error) {
	if len(when) > maxText {
		return nil, fmt.Errorf("want at most %d characters", maxText)
	}
	checked, issues := environment().Compile(when)
	if err := issues.Err(); err != nil {
		return nil, errors.New(places(issues))
	}
	if checked.OutputType() != cel.BoolType {
		return nil, fmt.Errorf("it is a %s: want a condition, which is true or false", checked.OutputType())
	}
	if err := plain(checked.NativeRep()); err != nil {
		return nil, err
	}
	estimate, err := environment().EstimateCost(checked, sizes{})
	if err != nil {
		return nil, fmt.Errorf("estimate its work: %w", err)
	}
	if estimate.Max > maxCost {
		return nil, fmt.Errorf("it could take %d steps of work: want at most %d; use fewer lists within lists", estimate.Max, maxCost)
	}
	return environment().Program(checked, cel.CostLimit(maxCost), cel.EvalOptions(cel.OptTrackCost))
}

// places puts CEL's findings on one line: "1:7: …; 1:20: …".
func places(issues *cel.Issues) string {
	var all []string
	for _, e := range issues.Errors() {
		all = append(all, fmt.Sprintf("at %d:%d: %s", e.Location.Line(), e.Location.Column()+1, strings.Join(strings.Fields(e.Message), " ")))
	}
	return strings.Join(all, "; ")
}

// plain refuses every value that is not true or false, a whole number, text, or
// a list of these, wherever it stands: what is rounded, ordered by chance or read
// from a clock has no place in a decision that is computed again.
func plain(checked *ast.AST) (err error) {
	types := checked.TypeMap()
	ast.PostOrderVisit(checked.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if t := types[e.ID()]; t != nil && !isPlain(t) && err == nil {
			at := checked.SourceInfo().GetStartLocation(e.ID())
			err = fmt.Errorf("at %d:%d: a %s cannot stand in a condition: want true or false, whole numbers, text, or lists of these", at.Line(), at.Column()+1, t)
		}
	}))
	return err
}

func isPlain(t *types.Type) bool {
	switch t.Kind() {
	case types.BoolKind, types.IntKind, types.StringKind:
		return true
	case types.ListKind:
		return len(t.Parameters()) == 1 && t.Parameters()[0].Kind() != types.ListKind && (isPlain(t.Parameters()[0]) || t.Parameters()[0].Kind() == types.TypeParamKind)
	}
	return false
}

// sizes bounds what the work is estimated from.
type sizes struct{}

func (sizes) EstimateSize(n cost.AstNode) *cost.SizeEstimate {
	if n.ComputedSize() != nil {
		return nil
	}
	limit := uint64(maxWord)
	if len(n.Path()) > 0 && n.Type().Kind() == types.ListKind {
		limit = maxList
	}
	return &cost.SizeEstimate{Max: limit}
}

func (sizes) EstimateCallCost(_, _ string, _ *cost.AstNode, _ []cost.AstNode) *cost.CallEstimate {
	return nil
}

// Facts answers every term for a line of a claim, in the edition's order. A
// condition that cannot be computed, because the claim does not say what it asks or
// because a number overflows, is unknown.
func (c *Conditions) Facts(claim *claims.Claim, l *claims.Line) (facts []claims.TermFact) {
	if len(c.programs) == 0 {
		return nil
	}
	values := valuesOf(claim, l)
	for i, p := range c.programs {
		fact := claims.TermFact{Name: c.names[i], Answer: claims.TermUnknown}
		if out, _, err := p.Eval(values); err == nil {
			switch out {
			case types.True:
				fact.Answer = claims.TermYes
			case types.False:
				fact.Answer = claims.TermNo
			}
		}
		facts = append(facts, fact)
	}
	return facts
}
