package prepared

import "database/sql/driver"

// hold gives the statement back when its rows are closed. What the driver says
// of the columns' types is still heard, where it says all that there is to say.
func hold(r driver.Rows, s *statement) driver.Rows {
	if typed, ok := r.(typedRows); ok {
		return &heldTyped{typed, s}
	}
	return &held{r, s}
}

type typedRows interface {
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeLength
	driver.RowsColumnTypeNullable
	driver.RowsColumnTypePrecisionScale
	driver.RowsColumnTypeScanType
}

type held struct {
	driver.Rows
	of *statement
}

func (h *held) Close() error {
	h.of.busy = false
	return h.Rows.Close()
}

type heldTyped struct {
	typedRows
	of *statement
}

func (h *heldTyped) Close() error {
	h.of.busy = false
	return h.typedRows.Close()
}
