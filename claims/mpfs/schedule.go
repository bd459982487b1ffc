package mpfs

import (
	"errors"
	"fmt"
	"io"
	"iter"
)

// A Schedule is a relative value file read whole, for looking things up.
type Schedule struct{ rows map[rowKey]*Row }

type rowKey struct{ code, modifier string }

// maxProblems bounds what is told of a file that is wrong throughout.
const maxProblems = 20

// NewSchedule reads a relative value file. Nothing is taken of a file with a bad
// row or with two rows for one thing; each problem is one line.
func NewSchedule(file string, r io.Reader) (*Schedule, error) {
	s := &Schedule{rows: map[rowKey]*Row{}}
	err := collect(ReadRVU(file, r), func(row *Row) error {
		key := rowKey{row.Code, row.Modifier}
		if s.rows[key] != nil {
			return fmt.Errorf("%s line %d: %s is there twice", file, row.line, row.Name())
		}
		s.rows[key] = row
		return nil
	})
	if err == nil && len(s.rows) == 0 {
		err = fmt.Errorf("%s line 1: headings and no rows", file)
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Row finds a code with a modifier ("26", "TC", "53" or none), nil where there
// is no such row.
func (s *Schedule) Row(code, modifier string) *Row { return s.rows[rowKey{code, modifier}] }

// Localities are a GPCI file read whole.
type Localities map[LocalityID]*Locality

// NewLocalities reads a GPCI file, as strictly as NewSchedule.
func NewLocalities(file string, r io.Reader) (Localities, error) {
	all := Localities{}
	err := collect(ReadGPCI(file, r), func(l *Locality) error {
		if all[l.ID] != nil {
			return fmt.Errorf("%s line %d: locality %s is there twice", file, l.line, l.ID)
		}
		all[l.ID] = l
		return nil
	})
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%s line 1: headings and no rows", file)
	}
	if err != nil {
		return nil, err
	}
	return all, nil
}

// collect takes all rows in, and gathers what is wrong.
func collect[T any](rows iter.Seq2[T, error], take func(T) error) error {
	var problems []error
	for row, err := range rows {
		if err == nil {
			err = take(row)
		}
		if err == nil {
			continue
		}
		if problems = append(problems, err); len(problems) == maxProblems {
			problems = append(problems, errors.New("and more"))
			break
		}
	}
	return errors.Join(problems...)
}
