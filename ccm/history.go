package ccm

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
)

const (
	opHistory = "queryHistoryChatMessage"

	pageSize = 100 // the most a third party asks for; the limit is not documented
	maxPages = 200 // 20,000 records: no conversation comes near
	maxStale = 3   // pages in a row that may show nothing new
)

// Record is one message of a visitor's history, in either direction.
type Record struct {
	ID          string      // the record's id at the centre, if shown
	Source      string      // USER, ROBOT, AGENT or SYSTEM
	Control     ControlType // as sent
	Media       string
	Content     string
	Nickname    string
	MessageCode string    // as in Downlink
	MessageID   string    // of SendRequest, if shown
	At          time.Time // when it was sent; zero if not shown
}

// recordBody is an element of messageList (cec_07_0104).
type recordBody struct {
	ID             text `json:"id"`
	SourceType     text `json:"sourceType"`
	ControlType    text `json:"controlType"`
	MediaType      text `json:"mediaType"`
	Content        text `json:"content"`
	SenderNickname text `json:"senderNickname"`
	MessageCode    text `json:"messageCode"`
	MessageID      text `json:"messageId"`
	SendTime       text `json:"sendTime"`
	ReceiveTime    text `json:"receiveTime"`
}

func (b recordBody) record() Record {
	at := b.SendTime.millis()
	if at.IsZero() {
		at = b.ReceiveTime.millis()
	}
	return Record{
		ID: string(b.ID), Source: string(b.SourceType), Control: ControlType(b.ControlType), Media: string(b.MediaType),
		Content: string(b.Content), Nickname: string(b.SenderNickname), MessageCode: string(b.MessageCode),
		MessageID: string(b.MessageID), At: at,
	}
}

// History reads all of the visitor's messages, oldest first (queryHistoryChatMessage, cec_07_0104). It reads page after
// page until an empty one, because the centre may give shorter pages than asked for. A record that moved to the next
// page while it was read is listed once, if it has an id or a time. A history beyond all reason is an error, never cut.
func (c *Client) History(ctx context.Context, v Visitor) ([]Record, error) {
	if err := v.check(opHistory); err != nil {
		return nil, err
	}
	var (
		records []Record
		seen    = make(map[string]bool)
		offset  int
		stale   int // pages in a row without a new record
	)
	for range maxPages {
		page, rows, err := c.historyPage(ctx, v, offset)
		if err != nil {
			return nil, err
		}
		if rows == 0 {
			return oldestFirst(records), nil
		}
		before := len(records)
		records = appendUnseen(records, page, seen)
		if stale++; len(page) == 0 || len(records) > before {
			stale = 0
		}
		if stale >= maxStale && rows < pageSize {
			return oldestFirst(records), nil // a server that ignores the offset; rows that moved fill fewer pages
		}
		offset += rows
	}
	return nil, unclear(opHistory, "history does not end")
}

// historyPage reads one page. rows counts its elements, also those that cannot be read.
func (c *Client) historyPage(ctx context.Context, v Visitor, offset int) (page []Record, rows int, err error) {
	body, err := json.Marshal(map[string]string{
		"channelId": v.ChannelID, "userId": v.UserID, "channel": channelWeb,
		"limit": strconv.Itoa(pageSize), "offset": strconv.Itoa(offset),
	})
	if err != nil {
		return nil, 0, invalid(opHistory, "cannot be written as JSON")
	}
	r := request{op: opHistory, call: opHistory, url: c.config.BaseURL + messagingPath + opHistory, body: body,
		timeout: c.config.CallTimeout}
	a, err := c.callVisitor(ctx, v, r)
	if err != nil {
		return nil, 0, err
	}
	res, page, rows, err := decodeHistory(a.body)
	switch {
	case err != nil:
		return nil, 0, unclear(opHistory, err.Error())
	case res.code() == codeOK:
		return page, rows, nil
	case res.code() == "":
		return nil, 0, unclear(opHistory, "answer has no resultCode")
	default:
		return nil, 0, refusal(r, a, res)
	}
}

func decodeHistory(body []byte) (result, []Record, int, error) {
	var answer struct {
		result
		MessageList json.RawMessage `json:"messageList"`
	}
	if err := decode(body, &answer); err != nil {
		return result{}, nil, 0, err
	}
	list, err := elements(answer.MessageList)
	if err != nil {
		return result{}, nil, 0, err
	}
	page := make([]Record, 0, len(list))
	for _, raw := range list {
		var b recordBody
		if string(raw) == "null" || decode(raw, &b) != nil {
			continue
		}
		page = append(page, b.record())
	}
	return answer.result, page, len(list), nil
}

// appendUnseen adds the records that are not among those seen on earlier pages.
func appendUnseen(records, page []Record, seen map[string]bool) []Record {
	for _, record := range page {
		if key := record.key(); key == "" || !seen[key] {
			records = append(records, record)
		}
		if record.ID != "" || record.MessageCode != "" { // it names one record, also on one page
			seen[record.key()] = true
		}
	}
	for _, record := range page {
		seen[record.key()] = true
	}
	return records
}

// key tells a record from others: its id, or else its message code, or else what it is and when; "" if nothing does.
func (r Record) key() string {
	switch {
	case r.ID != "":
		return "id " + r.ID
	case r.MessageCode != "":
		return "code " + r.MessageCode
	case !r.At.IsZero():
		return fmt.Sprintf("at %d %s %s %s", r.At.UnixMilli(), r.Source, r.Media, r.Content)
	}
	return ""
}

// oldestFirst sorts by time. Records of one millisecond keep the order of the conversation, whichever way the centre
// lists it.
func oldestFirst(records []Record) []Record {
	if n := len(records); n > 0 && records[0].At.After(records[n-1].At) {
		slices.Reverse(records)
	}
	slices.SortStableFunc(records, func(a, b Record) int { return a.At.Compare(b.At) })
	return records
}
