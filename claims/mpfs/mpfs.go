// Package mpfs prices services by the Medicare Physician Fee Schedule, from the
// files in which CMS publishes it: relative values (PPRRVU), geographic indices
// (GPCI) and the counties of each locality.
//
// All of it is functions of their arguments, in exact integer arithmetic. It
// never uses a float, never rounds but once, opens no file, reads no clock, and
// never decides whether a plan covers a service or what the patient owes. CMS's
// descriptors, which are the AMA's, are not kept.
package mpfs

import (
	"fmt"
	"math/bits"

	"github.com/countersign-health/countersign/claims"
)

// The numbers of the files, each an integer of its own unit, with the bounds
// within which no sum below overflows.
type (
	RVU    int64 // hundredths of a relative value unit
	GPCI   int64 // thousandths
	Factor int64 // conversion factor in ten-thousandths of a dollar
)

const (
	maxRVU    RVU    = 10_000_00
	maxGPCI   GPCI   = 10_000
	maxFactor Factor = 1_000_0000
)

// String writes the factor as CMS does: "32.3465".
func (f Factor) String() string { return fmt.Sprintf("%d.%04d", f/10000, f%10000) }

// String writes the index with three decimals: "1.088".
func (g GPCI) String() string { return fmt.Sprintf("%d.%03d", g/1000, g%1000) }

// String writes the units with two decimals: "29.03".
func (r RVU) String() string { return fmt.Sprintf("%d.%02d", r/100, r%100) }

// Weights are the three geographic indices of one locality.
type Weights struct{ Work, PE, Malpractice GPCI }

// Amounts is what one unit of a service is worth in each class of place.
type Amounts struct{ NonFacility, Facility claims.Cents }

// In is the amount for a class of place (claims.PlaceClass).
func (a Amounts) In(class string) claims.Cents {
	if class == claims.Facility {
		return a.Facility
	}
	return a.NonFacility
}

// A Price is what the schedule says of one row in one locality.
type Price struct {
	// Schedule is by the row's own relative values, as CMS lists it.
	Schedule Amounts
	// Cap is the hospital outpatient (OPPS) amount, above which the technical
	// part of imaging is not paid (42 CFR 414.22(b)(3)(iv), from section 5102(b)
	// of the Deficit Reduction Act); nil where the row has none.
	Cap *Amounts
}

// Payable is the lesser of the schedule's amount and the cap.
func (p Price) Payable() Amounts {
	if p.Cap == nil {
		return p.Schedule
	}
	return Amounts{min(p.Schedule.NonFacility, p.Cap.NonFacility), min(p.Schedule.Facility, p.Cap.Facility)}
}

// Price is the row's worth under the indices of a locality.
func (r *Row) Price(w Weights) Price {
	p := Price{Schedule: Amounts{
		NonFacility: cents(r.Factor, w, r.Work, r.NonFacilityPE, r.Malpractice),
		Facility:    cents(r.Factor, w, r.Work, r.FacilityPE, r.Malpractice),
	}}
	if c := r.Cap; c != (Cap{}) {
		p.Cap = &Amounts{
			NonFacility: cents(r.Factor, w, r.Work, c.NonFacilityPE, c.Malpractice),
			Facility:    cents(r.Factor, w, r.Work, c.FacilityPE, c.Malpractice),
		}
	}
	return p
}

// cents is [work×GPCI + PE×GPCI + malpractice×GPCI] × conversion factor (CMS,
// "Documentation and Files" of the fee schedule), exact to the end and rounded
// half up to the cent once. CMS's own price list settles that order: rounding
// the sum, or each term, to two, three or four decimals before the factor comes
// out wrong on 76 to 756 of its 812 amounts for California, truncating on 388
// (TestEveryOtherRoundingFails).
func cents(f Factor, w Weights, work, pe, malpractice RVU) claims.Cents {
	return centsOfPE(f, w, work, pe, malpractice, wholePE)
}

const wholePE claims.Rate = 100_00

// centsOfPE counts a share of the practice expense only, still rounding once.
// The units, of 10^-(2+3+4) and the factor's 10^-4 dollars, need up to 71 bits.
func centsOfPE(f Factor, w Weights, work, pe, malpractice RVU, share claims.Rate) claims.Cents {
	units := (int64(work)*int64(w.Work)+int64(malpractice)*int64(w.Malpractice))*int64(wholePE) + int64(pe)*int64(w.PE)*int64(share)
	const unit = 100_000_000_000 // in a cent
	high, low := bits.Mul64(uint64(units), uint64(f))
	low, carry := bits.Add64(low, unit/2, 0)
	quotient, _ := bits.Div64(high+carry, low, unit)
	return claims.Cents(quotient)
}
