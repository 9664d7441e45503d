package ccm

import (
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"
)

// FuzzPoll: no answer may panic, and what was read can be stored and loaded again unchanged.
func FuzzPoll(f *testing.F) {
	f.Add([]byte(`{"resultCode":"0","downlinkMessages":[{"controlType":"CHAT","content":"Hello","timestamp":1700000002000,"simQuestions":[{"a":"<&"}]}]}`))
	f.Add([]byte(`{"resultCode":0,"downlinkMessages":[null,1,"x",{},[],{"timestamp":"1e300","isOfflineStatus":1}]}`))
	f.Add([]byte("{\"downlinkMessages\":[{\"content\":{\"\xff\":1}}]}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, downlinks, err := decodePoll(body)
		if err != nil {
			return
		}
		stored, err := json.Marshal(downlinks)
		if err != nil {
			t.Fatal(err)
		}
		loaded := []Downlink{}
		if err := json.Unmarshal(stored, &loaded); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(loaded, downlinks) {
			t.Errorf("stored as %s\nloaded %+v\nwant   %+v", stored, loaded, downlinks)
		}
		for _, d := range downlinks {
			if !utf8.ValidString(d.Content) {
				t.Errorf("content %q is not valid", d.Content)
			}
		}
	})
}

// FuzzHistory: no answer may panic, and no record goes missing unless it is unreadable.
func FuzzHistory(f *testing.F) {
	f.Add([]byte(`{"resultCode":"0","messageList":[{"id":1,"content":"a","sendTime":1}, 5, null]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, page, rows, err := decodeHistory(body)
		if err == nil && len(page) > rows {
			t.Errorf("%d records of %d rows", len(page), rows)
		}
		sorted := oldestFirst(page)
		for i := 1; i < len(sorted); i++ {
			if sorted[i].At.Before(sorted[i-1].At) {
				t.Errorf("record %d is older than the one before", i)
			}
		}
	})
}

func FuzzQueue(f *testing.F) {
	f.Add([]byte(`{"resultCode":"0","position":1,"totalWaitTime":"3","estimateWaitTime":1e99}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		_, info, err := decodeQueue(body)
		if err == nil && len(info.Code) > 32 {
			t.Errorf("code %q", info.Code)
		}
	})
}

// TestVisitorsBound: however many visitors come, the kept tokens are bounded.
func TestVisitorsBound(t *testing.T) {
	t.Parallel()
	vs := visitors{holders: map[visitorKey]*holder{}}
	for i := range maxVisitors + 1000 {
		vs.holder(Visitor{UserID: string(rune(i)) + "x", ChannelID: "c"})
		vs.holder(Visitor{UserID: string(rune(i)) + "y", ChannelID: "c"})
	}
	if len(vs.holders) != maxVisitors {
		t.Errorf("%d visitors kept, want %d", len(vs.holders), maxVisitors)
	}
	v := Visitor{UserID: "kept", ChannelID: "c"}
	h := vs.holder(v)
	if vs.holder(v) != h {
		t.Error("a visitor lost the token at once")
	}
	vs.forget(v)
	if vs.holder(v) == h {
		t.Error("a forgotten visitor kept the token")
	}
}
