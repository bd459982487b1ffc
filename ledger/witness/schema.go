package witness

import "io/fs"

// Schema is the migrations of a witness's state, for whoever wants to know what Open
// would still run.
func Schema() fs.FS {
	files, _ := fs.Sub(schema, "schema") // a constant, valid name
	return files
}
