package x12

// A loopCode is a loop of an 837, under the name that the guides give it. It is a
// number, since a file has one for each of its segments.
type loopCode uint8

const (
	noLoop loopCode = iota
	loop1000A
	loop1000B
	loop2000A
	loop2000B
	loop2000C
	loop2010AA
	loop2010AB
	loop2010AC
	loop2010BA
	loop2010BB
	loop2010CA
	loop2300
	loop2310A
	loop2310B
	loop2310C
	loop2310D
	loop2310E
	loop2310F
	loop2320
	loop2330
	loop2400
	loop2410
	loop2420A
	loop2420B
	loop2420C
	loop2420D
	loop2420E
	loop2420F
	loop2420G
	loop2420H
	loop2430
)

var loopNames = [...]string{
	"", "1000A", "1000B", "2000A", "2000B", "2000C", "2010AA", "2010AB", "2010AC", "2010BA", "2010BB", "2010CA",
	"2300", "2310A", "2310B", "2310C", "2310D", "2310E", "2310F", "2320", "2330",
	"2400", "2410", "2420A", "2420B", "2420C", "2420D", "2420E", "2420F", "2420G", "2420H", "2430",
}

// String is the loop's name, "2010AA"; empty for none.
func (l loopCode) String() string { return loopNames[l] }

// levelLoop is the loop that an NM1 before the claim opens, by the level (HL03)
// and who is named (NM101).
func levelLoop(level, qualifier string) loopCode {
	switch level {
	case "":
		switch qualifier {
		case "41":
			return loop1000A
		case "40":
			return loop1000B
		}
	case "20":
		switch qualifier {
		case "85":
			return loop2010AA
		case "87":
			return loop2010AB
		case "PE":
			return loop2010AC
		}
	case "22":
		switch qualifier {
		case "IL":
			return loop2010BA
		case "PR":
			return loop2010BB
		}
	case "23":
		if qualifier == "QC" {
			return loop2010CA
		}
	}
	return noLoop
}

// ofLevel is the loop in which a level's own segments stand.
func ofLevel(level string) loopCode {
	switch level {
	case "20":
		return loop2000A
	case "22":
		return loop2000B
	case "23":
		return loop2000C
	}
	return noLoop
}
