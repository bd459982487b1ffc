package store

import (
	"database/sql"
	"fmt"

	"github.com/countersign-health/countersign/credentials"
)

// A sealedRow is a row with sealed columns, of the submission that is resealed.
type sealedRow struct {
	table, where string // "handle = $2 AND …"
	args         []any
	columns      []string
	row          string
	values       [][]byte
}

// reseal moves everything sealed about a submission from one holder to another.
// It happens when the patient turns out to be somebody else than was thought,
// mostly: a member who was enrolled after the claim came.
func reseal(tx *sealedTx, h credentials.Handle, from, to string) error {
	all, err := sealedRows(tx, h)
	if err != nil {
		return err
	}
	for _, r := range all {
		for i, column := range r.columns {
			plain, err := tx.unseal(cell{from, r.table, column, r.row}, r.values[i])
			if err != nil {
				return err
			}
			sealed, err := tx.seal(cell{to, r.table, column, r.row}, plain)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(fmt.Sprintf(`UPDATE %s SET %s = $1 WHERE %s`, r.table, column, r.where), append([]any{sealed}, r.args...)...); err != nil {
				return err
			}
		}
	}
	for _, table := range []string{"submission", "signed", "determination", "appeal", "appeal_answer", "letter"} {
		if _, err := tx.Exec(fmt.Sprintf(`UPDATE %s SET holder = $2 WHERE %s = $1`, table, submissionColumn(table)), h.String(), to); err != nil {
			return err
		}
	}
	if from == "submission/"+h.String() {
		return tx.dropKey(from)
	}
	return nil
}

// submissionColumn is where a table names the submission.
func submissionColumn(table string) string {
	if table == "submission" {
		return "handle"
	}
	return "submission"
}

func sealedRows(tx *sealedTx, h credentials.Handle) (all []sealedRow, err error) {
	one := func(r sealedRow, rs *sql.Rows, key ...any) error {
		r.values = make([][]byte, len(r.columns))
		for i := range r.values {
			key = append(key, &r.values[i])
		}
		err := rs.Scan(key...)
		all = append(all, r)
		return err
	}
	text := h.String()
	err = rows(tx, `SELECT body, label FROM submission WHERE handle = $1`, []any{text}, func(rs *sql.Rows) error {
		return one(sealedRow{table: "submission", where: "handle = $2", args: []any{text}, columns: []string{"body", "label"}, row: text}, rs)
	})
	if err != nil {
		return nil, err
	}
	err = rows(tx, `SELECT handle, token, body, evidence FROM signed WHERE submission = $1 ORDER BY handle`, []any{text}, func(rs *sql.Rows) error {
		var document string
		err := one(sealedRow{table: "signed", where: "handle = $2", columns: []string{"token", "body", "evidence"}}, rs, &document)
		last := &all[len(all)-1]
		last.args, last.row = []any{document}, document
		return err
	})
	if err != nil {
		return nil, err
	}
	err = rows(tx, `SELECT number, body, token FROM determination WHERE submission = $1 ORDER BY number`, []any{text}, func(rs *sql.Rows) error {
		var number int
		err := one(sealedRow{table: "determination", where: "submission = $2 AND number = $3", columns: []string{"body", "token"}}, rs, &number)
		last := &all[len(all)-1]
		last.args, last.row = []any{text, number}, fmt.Sprintf("%s/%d", text, number)
		return err
	})
	for table, key := range map[string]string{"appeal": "handle", "appeal_answer": "appeal", "letter": "handle"} {
		if err != nil {
			return nil, err
		}
		err = rows(tx, `SELECT `+key+`, body, token FROM `+table+` WHERE submission = $1`, []any{text}, func(rs *sql.Rows) error {
			var handle string
			err := one(sealedRow{table: table, where: key + " = $2", columns: []string{"body", "token"}}, rs, &handle)
			last := &all[len(all)-1]
			last.args, last.row = []any{handle}, handle
			return err
		})
	}
	return all, err
}
