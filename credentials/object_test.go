package credentials

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
)

func checkObject(t testing.TB, b []byte, name string) {
	t.Helper()
	var members map[string]json.RawMessage
	wantErr := DecodeStrict(b, &members)
	o, err := ParseObject(b)
	if (err == nil) != (wantErr == nil && members != nil) {
		t.Fatalf("%s: %v, want %v", b, err, wantErr)
	}
	if err != nil {
		return
	}
	same := func(what string, got []byte, members map[string]json.RawMessage) {
		t.Helper()
		if want, err := longWay(members); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s of %s is\n%s, want\n%s, %v", what, b, got, want, err)
		}
	}
	same("the text", o.Text(), members)
	if escaped, _ := json.Marshal(name); string(escaped) != `"`+name+`"` || !plainName([]byte(name)) {
		return
	}
	value, there := members[name]
	if got := o.Get(name); (got != nil) != there {
		t.Errorf("%q of %s is %s", name, b, got)
	} else if there {
		if want, err := longWay(value); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q of %s is %s, want %s, %v", name, b, got, want, err)
		}
	}
	delete(members, name)
	same("without "+name, o.Without(name).Text(), members)
	checkMembers(t, o.Without(name))
	members[name] = json.RawMessage(`{"a":[1]}`)
	with := o.Without(name).With(name, members[name])
	same("with "+name, with.Text(), members)
	checkMembers(t, with)
}

// checkMembers wants an edited object to know its members as one that is read.
func checkMembers(t testing.TB, o *Object) {
	t.Helper()
	again, err := ParseObject(o.Text())
	if err != nil || !slices.Equal(o.members, again.members) {
		t.Errorf("%s: members %v, %v", o.Text(), o.members, err)
	}
}

func TestObject(t *testing.T) {
	for _, b := range []string{
		`{}`, `{"a":1}`, `{"b":1,"a":{"b":[1,"}",{}]}}`, `{"a":"\"","b":"\\","c":"x"}`, ` { "z" : [ 1.50 , true ] , "b" : [null] } `, `{"\"":1,"\n":2,"é":3,"€":4,"😀":5,"ａ":6}`,
		`{"a":1,"a":2}`, `{"a":null}`, `null`, `[]`, `{`, ``, `{"a":1}}`, `5`,
	} {
		for _, name := range []string{"", "a", "b", "c", "proof", "z", "~", "@context"} {
			checkObject(t, []byte(b), name)
		}
	}
}

func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"b":1,"a":{"b":[1,"}",{}]},"\"":"\\"}`), "proof")
	f.Add([]byte(`{ "é" : [ 1.50 , true ], "\n" : [null] }`), "b")
	f.Fuzz(func(t *testing.T, b []byte, name string) {
		if len(b) < 1<<16 {
			checkObject(t, b, name)
		}
	})
}
