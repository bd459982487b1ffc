package board

import "io/fs"

// Schema is the migrations of the register, for whoever wants to know what Open
// would still run.
func Schema() fs.FS {
	files, _ := fs.Sub(migrations, "migrations") // a constant, valid name
	return files
}
