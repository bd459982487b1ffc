package operator

import "io/fs"

// Schema is the migrations of the ledger, for whoever wants to know what Open
// would still run.
func Schema() fs.FS {
	files, _ := fs.Sub(schema, "schema") // a constant, valid name
	return files
}
