package mpfs

import (
	"slices"
	"strings"
	"testing"
)

const counties = "COUNTIES,,,,\n,,,,\nMedicare Adminstrative Contractor,Locality Number,State ,Fee Schedule Area ,Counties\n,,,,\n"

func TestReadCounties(t *testing.T) {
	file := counties + "1182,18,CALIFORNIA,LOS ANGELES ,\"LOS ANGELES, ORANGE\"\n1112,5, ,SAN FRANCISCO,MARIN\n , , , , \n10112,0,ALABAMA ,STATEWIDE ,ALL COUNTIES \n*  a note,,,,\n"
	got, err := NewAreas("counties.csv", strings.NewReader(file))
	want := []Area{
		{LocalityID{"01182", "18"}, "CALIFORNIA", "LOS ANGELES", "LOS ANGELES, ORANGE"},
		{LocalityID{"01112", "05"}, "CALIFORNIA", "SAN FRANCISCO", "MARIN"},
		{LocalityID{"10112", "00"}, "ALABAMA", "STATEWIDE", "ALL COUNTIES"},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for _, test := range []struct{ name, file, want string }{
		{"empty", "", "counties.csv line 1: no column headings"},
		{"nothing", counties, "headings and no rows"},
		{"headings", strings.Replace(counties, "State", "Province", 1), `line 3 column 51: heading "Province "`},
		{"contractor", counties + "x,5,CA,A,B\n", `line 5 column 1: "x": want the contractor's number`},
		{"locality", counties + "1112,,CA,A,B\n", `line 5 column 6: "": want the locality's number`},
		{"state", counties + "1112,5,,A,B\n", "line 5 column 8: no state here or above"},
		{"counties", counties + "1112,5,CA,A,\n", "line 5 column 13: no counties"},
		{"cut short", counties + "1112,,,,\n", "want the locality's number"},
		{"columns", counties + "1112,5,CA,A\n", "line 5 column 1: 4 columns; want 5"},
		{"quotes", counties + "\"1112\"5,CA,A\n", "counties.csv line 5 column 6"},
	} {
		if _, err := NewAreas("counties.csv", strings.NewReader(test.file)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
}

// The year's files name the same localities.
func TestCountiesOfTheYear(t *testing.T) {
	_, localities := year2025(t)
	areas, err := NewAreas("25LOCCO.csv", corpus(t, "25LOCCO.csv"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[LocalityID]bool{}
	for _, a := range areas {
		if localities[a.ID] == nil {
			t.Errorf("%s has counties and no indices", a.ID)
		}
		found[a.ID] = true
	}
	if len(found) != len(localities) {
		t.Errorf("got counties of %d localities, want %d", len(found), len(localities))
	}
}

func FuzzReadCounties(f *testing.F) {
	f.Add(counties + "1182,18,CALIFORNIA,LOS ANGELES ,\"LOS ANGELES, ORANGE\"\n1112,5, ,SAN FRANCISCO,MARIN\n")
	f.Fuzz(func(t *testing.T, file string) {
		for a, err := range ReadCounties("counties.csv", strings.NewReader(file)) {
			if (a == nil) == (err == nil) {
				t.Fatalf("got %v and %v", a, err)
			}
			if err == nil {
				if _, err := ParseLocality(a.ID.String()); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
