package config

// defaults are what a field has that the file leaves out, by its path. A field
// with neither a value nor a default is asked for, unless its tag says
// optional.
var defaults = map[string]string{
	"log.level":                          "info",
	"drain":                              "25s",
	"tracing.sample":                     "1",
	"insurer.temporal.address":           "127.0.0.1:7233",
	"insurer.temporal.namespace":         "insurer",
	"insurer.edits.skip_npi_check_digit": "false",
	"insurer.patience":                   "5m",
	"insurer.estimates_an_hour":          "3000",
	"worker.admin":                       "127.0.0.1:9101",
	"gateway.listen":                     "127.0.0.1:8101",
	"gateway.admin":                      "127.0.0.1:9102",
	"board.listen":                       "127.0.0.1:8102",
	"board.admin":                        "127.0.0.1:9103",
	"board.skip_npi_check_digit":         "false",
	"ledger.listen":                      "127.0.0.1:8103",
	"ledger.admin":                       "127.0.0.1:9104",
	"witness.listen":                     "127.0.0.1:8104",
	"witness.admin":                      "127.0.0.1:9105",
}

func init() {
	for _, section := range []string{"insurer", "board", "ledger", "witness"} {
		for name, value := range map[string]string{
			"pool.max_open": "24", "pool.max_idle": "12", "pool.lifetime": "30m", "pool.wait": "10s",
			"connect_timeout": "5s", "statement_timeout": "30s", "lock_timeout": "10s", "standby_reads": "1m",
		} {
			defaults[section+".database."+name] = value
		}
	}
}
