package claims

import "testing"

func TestParseCents(t *testing.T) {
	tests := []struct {
		in   string
		want string // "" is refused
	}{
		{"0", "0.00"}, {"766.5", "766.50"}, {"12.30", "12.30"}, {".75", "0.75"}, {"-4", "-4.00"}, {"-.05", "-0.05"},
		{"1.5000", "1.50"}, {"5.", "5.00"}, {"007", "7.00"}, {"9999999999999.99", "9999999999999.99"},
		{"", ""}, {"-", ""}, {".", ""}, {"1.005", ""}, {"1,000.00", ""}, {"1e3", ""}, {"+1", ""}, {" 1", ""}, {"$1", ""},
		{"--1", ""}, {"1.2.3", ""}, {"１", ""}, {"99999999999999", ""},
	}
	for _, tt := range tests {
		got, err := ParseCents(tt.in)
		if (err != nil) != (tt.want == "") || err == nil && got.String() != tt.want {
			t.Errorf("ParseCents(%q) = %s, %v; want %q", tt.in, got, err, tt.want)
		}
	}
}

func TestParseRate(t *testing.T) {
	tests := []struct{ in, want string }{
		{"0%", "0%"}, {"20%", "20%"}, {"62.5%", "62.5%"}, {"33.33%", "33.33%"}, {"100%", "100%"}, {"10.50%", "10.5%"},
		{"20", ""}, {"0.2", ""}, {"101%", ""}, {"-1%", ""}, {"%", ""}, {"1.234%", ""}, {"20 %", ""},
	}
	for _, tt := range tests {
		got, err := ParseRate(tt.in)
		if (err != nil) != (tt.want == "") || err == nil && got.String() != tt.want {
			t.Errorf("ParseRate(%q) = %s, %v; want %q", tt.in, got, err, tt.want)
		}
	}
}

func TestRounding(t *testing.T) {
	shares := []struct {
		rate Rate
		of   Cents
		want Cents
	}{
		{2000, 1, 0}, {2000, 2, 0}, {2000, 3, 1}, {5000, 1, 1}, {5000, 3, 2}, {1250, 1452, 182}, {1250, 1451, 181},
		{3333, 100_00, 33_33}, {10000, 99, 99}, {0, 99, 0}, {1, 50_00, 1}, {1, 49_99, 0}, {10000, maxLimit, maxLimit},
	}
	for _, tt := range shares {
		if got := tt.rate.Of(tt.of); got != tt.want {
			t.Errorf("%s of %s = %s, want %s", tt.rate, tt.of, got, tt.want)
		}
	}
	prices := []struct {
		unit  Cents
		units Quantity
		want  Cents
	}{
		{33_33, 1500, 50_00}, {33_33, 3000, 99_99}, {1, 500, 1}, {1, 499, 0}, {0, 9000, 0},
		{maxFee, maxUnits, Cents(maxFee) * 100_000},
	}
	for _, tt := range prices {
		if got := tt.unit.Times(tt.units); got != tt.want {
			t.Errorf("%s a unit, %s units = %s, want %s", tt.unit, tt.units, got, tt.want)
		}
	}
}

func TestParseQuantity(t *testing.T) {
	tests := []struct{ in, want string }{
		{"1", "1"}, {"1.00", "1"}, {"0.5", "0.5"}, {"1.125", "1.125"}, {"12", "12"}, {"-1.5", "-1.5"}, {"1.5000", "1.5"},
		{"", ""}, {"1.0005", ""}, {"one", ""},
	}
	for _, tt := range tests {
		got, err := ParseQuantity(tt.in)
		if (err != nil) != (tt.want == "") || err == nil && got.String() != tt.want {
			t.Errorf("ParseQuantity(%q) = %s, %v; want %q", tt.in, got, err, tt.want)
		}
	}
}
