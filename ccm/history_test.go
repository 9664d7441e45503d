package ccm_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ccbridge/ccm"
)

// archive serves rows newest first, `most` at a time whatever is asked.
type archive struct {
	rows   []map[string]any
	most   int
	before func(page int) // called before each page, may add rows
}

func (a *archive) serve(n int, w http.ResponseWriter, c call) {
	if a.before != nil {
		a.before(n)
	}
	limit, _ := strconv.Atoi(c.body["limit"].(string))
	offset, _ := strconv.Atoi(c.body["offset"].(string))
	page := a.rows[min(offset, len(a.rows)):]
	page = page[:min(len(page), limit, a.most)]
	_ = json.NewEncoder(w).Encode(map[string]any{"resultCode": "0", "resultDesc": "success", "messageList": page})
}

// row is a record as the centre lists it, one per second.
func row(n int) map[string]any {
	return map[string]any{"id": n, "sourceType": "USER", "controlType": "CHAT", "mediaType": "TEXT", "content": fmt.Sprint("text ", n),
		"sendTime": 1700000000000 + 1000*n, "isForwarded": false, "messageId": fmt.Sprint("m", n), "errorMsg": nil}
}

func rows(count int) []map[string]any {
	var list []map[string]any
	for n := count; n >= 1; n-- {
		list = append(list, row(n))
	}
	return list
}

func TestHistoryPages(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ count, most int }{{0, 100}, {1, 100}, {99, 100}, {100, 100}, {101, 100}, {350, 100}, {120, 50}} {
		for _, reversed := range []bool{false, true} {
			centre, stored := newCentre(), &archive{rows: rows(test.count), most: test.most}
			if reversed {
				slices.Reverse(stored.rows)
			}
			centre.script["queryHistoryChatMessage"] = stored.serve
			got, err := local(t, centre).History(t.Context(), visitor)
			if err != nil || len(got) != test.count {
				t.Fatalf("%+v: %d records, %v", test, len(got), err)
			}
			for i, record := range got {
				if record.Content != fmt.Sprint("text ", i+1) {
					t.Fatalf("%+v: record %d is %+v", test, i, record)
				}
			}
		}
	}
}

// TestHistoryGrows: rows that come while the pages are read push others to the next page; each is listed once.
func TestHistoryGrows(t *testing.T) {
	t.Parallel()
	centre, stored := newCentre(), &archive{rows: rows(150), most: 100}
	stored.before = func(page int) {
		if page <= 2 {
			stored.rows = append([]map[string]any{row(150 + page)}, stored.rows...)
		}
	}
	centre.script["queryHistoryChatMessage"] = stored.serve
	got, err := local(t, centre).History(t.Context(), visitor)
	if err != nil {
		t.Fatal(err)
	}
	for i, record := range got {
		if record.ID != strconv.Itoa(i+1) {
			t.Fatalf("record %d is %+v", i, record)
		}
	}
	if len(got) != 151 {
		t.Errorf("%d records, want 151", len(got))
	}
}

// TestHistoryGrowsWithoutIDs: without ids rows that moved are told by their time; equal ones of one page are two.
func TestHistoryGrowsWithoutIDs(t *testing.T) {
	t.Parallel()
	nameless := func(count int) (list []map[string]any) {
		for _, r := range rows(count) {
			delete(r, "id")
			r["content"] = "same"
			list = append(list, r)
		}
		return append(list, list[len(list)-1]) // the oldest twice in one moment
	}
	centre, stored := newCentre(), &archive{rows: nameless(30), most: 10}
	stored.before = func(page int) {
		if page == 2 {
			stored.rows = nameless(34)
		}
	}
	centre.script["queryHistoryChatMessage"] = stored.serve
	got, err := local(t, centre).History(t.Context(), visitor)
	if err != nil || len(got) != 31 {
		t.Errorf("%d records, %v, want 31", len(got), err)
	}
}

// TestHistoryGrowsByAPage: a page that shows nothing new is not the end.
func TestHistoryGrowsByAPage(t *testing.T) {
	t.Parallel()
	centre, stored := newCentre(), &archive{rows: rows(30), most: 3}
	stored.before = func(page int) {
		if page == 2 {
			stored.rows = rows(33)
		}
	}
	centre.script["queryHistoryChatMessage"] = stored.serve
	got, err := local(t, centre).History(t.Context(), visitor)
	if err != nil || len(got) != 30 || got[0].ID != "1" {
		t.Errorf("%d records, %v, want the 30 of the beginning", len(got), err)
	}
}

func TestHistoryRecord(t *testing.T) {
	t.Parallel()
	centre := newCentre()
	centre.script["queryHistoryChatMessage"] = func(n int, w http.ResponseWriter, c call) {
		if c.body["offset"] != "0" {
			answerWith(200, `{"resultCode":"0"}`)(n, w, c)
			return
		}
		answerWith(200, `{"resultCode":0,"messageList":["broken",null,
			{"sourceType":"SYSTEM","controlType":"DISCONNECT","content":null,"sendTime":null,"receiveTime":"1700000002000"},
			{"id":7,"sourceType":"AGENT","controlType":"CHAT","mediaType":"TEXT","content":"yes","senderNickname":"Eve","messageCode":"mc-7","sendTime":1700000001000},
			{"sourceType":"USER","content":"yes","sendTime":1700000000000},{"sourceType":"USER","content":"yes","sendTime":1700000000000}]}`)(n, w, c)
	}
	got, err := local(t, centre).History(t.Context(), visitor)
	if err != nil {
		t.Fatal(err)
	}
	at := func(second int64) time.Time { return time.Unix(1700000000+second, 0).UTC() }
	want := []ccm.Record{
		{Source: "USER", Content: "yes", At: at(0)},
		{Source: "USER", Content: "yes", At: at(0)},
		{ID: "7", Source: "AGENT", Control: ccm.Chat, Media: "TEXT", Content: "yes", Nickname: "Eve", MessageCode: "mc-7", At: at(1)},
		{Source: "SYSTEM", Control: ccm.Disconnect, At: at(2)},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%+v, want\n%+v", got, want)
	}
}

// TestHistoryWithoutOffsets: a server that gives the same page for ever is read once, or refused if it is full.
func TestHistoryWithoutOffsets(t *testing.T) {
	t.Parallel()
	for count, fails := range map[int]bool{30: false, 100: true} {
		centre := newCentre()
		page, _ := json.Marshal(map[string]any{"resultCode": "0", "messageList": rows(count)})
		centre.script["queryHistoryChatMessage"] = answerWith(200, string(page))
		got, err := local(t, centre).History(t.Context(), visitor)
		if (err != nil) != fails || !fails && len(got) != count {
			t.Errorf("%d rows: %d records, %v", count, len(got), err)
		}
	}
}

func TestHistoryFails(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]ccm.Certainty{
		`{"resultCode":"1","resultDesc":"no right"}`: ccm.NotDone,
		`{"messageList":[]}`:                         ccm.InDoubt,
		`{"resultCode":"0","messageList":{}}`:        ccm.InDoubt,
		`[`:                                          ccm.InDoubt,
	} {
		centre := newCentre()
		centre.script["queryHistoryChatMessage"] = answerWith(200, body)
		_, err := local(t, centre).History(t.Context(), visitor)
		if e := asError(t, err); e.Certainty != want || !strings.HasPrefix(e.Error(), "queryHistoryChatMessage: ") {
			t.Errorf("%s: got %v (%v)", body, e, e.Certainty)
		}
	}
}
