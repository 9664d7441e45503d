package ccmsim

import (
	"strconv"
	"time"
)

// historyLimit is the largest page (a third party's notes; the service documents none).
const historyLimit = 100

// record is one message as the history keeps it.
type record struct {
	at                    time.Time
	source, name, content string
	media                 string // "": TEXT
	code, messageID       string
}

var historyFields = []field{
	{"channelId", true, 0}, {"userId", true, 24}, {"limit", true, 0}, {"offset", true, 0},
	{"channel", true, 0}, {"startTime", false, 0}, {"endTime", false, 0},
}

// queryHistory lists a visitor's messages, newest first (cec_07_0104).
func (s *Sim) queryHistory(c *call) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, rep := s.checkVisitor(c)
	if v == nil {
		return rep
	}
	if rep, ok := s.checkBody(c, historyFields); !ok {
		return rep
	}
	switch {
	case c.text("userId") != v.id:
		return s.refuse(c, "userId is not the token's user")
	case c.text("channelId") != s.cfg.ChannelID:
		return s.refuse(c, "channelId is not the token's channel")
	case c.text("channel") != "WEB":
		return s.refuse(c, "channel is not WEB")
	}
	limit, err1 := strconv.Atoi(c.text("limit"))
	offset, err2 := strconv.Atoi(c.text("offset"))
	switch {
	case err1 != nil || err2 != nil || limit < 1 || limit > historyLimit || offset < 0:
		return s.refuse(c, "limit is not 1 to 100, or offset not 0 or more")
	case c.text("startTime") != "" && !isMillis(c.text("startTime")), c.text("endTime") != "" && !isMillis(c.text("endTime")):
		return s.refuse(c, "startTime or endTime is not in milliseconds")
	case s.sw.HistoryRefused:
		return result("1", "")
	}
	return jsonReply(map[string]any{
		"resultCode": "0", "resultDesc": "success", "messageList": s.page(c, v, limit, offset),
	})
}

// page picks the visible records between startTime and endTime, then limit of
// them after the newest offset ones.
func (s *Sim) page(c *call, v *visitor, limit, offset int) []map[string]any {
	list := []map[string]any{}
	if s.sw.HistoryEmpty {
		return list
	}
	start, _ := strconv.ParseInt(c.text("startTime"), 10, 64)
	end, _ := strconv.ParseInt(c.text("endTime"), 10, 64)
	visible := time.Now().Add(-s.sw.HistoryLag)
	for i := len(v.records) - 1; i >= 0 && len(list) < limit; i-- {
		r := v.records[i]
		at := r.at.UnixMilli()
		if r.at.After(visible) || at < start || end > 0 && at > end {
			continue
		}
		if offset > 0 {
			offset--
			continue
		}
		list = append(list, s.historyRecord(v, i))
	}
	return list
}

func (s *Sim) historyRecord(v *visitor, i int) map[string]any {
	r := v.records[i]
	media := r.media
	if media == "" {
		media = "TEXT"
	}
	at := r.at.UnixMilli()
	shown := map[string]any{
		"id": v.id + "-" + strconv.Itoa(i+1), "channel": "WEB", "senderNickname": r.name, "senderAvatar": nil,
		"sendTime": at, "receiveTime": at, "controlType": "CHAT", "sourceType": r.source, "mediaType": media,
		"content": r.content, "callId": nil, "messageCode": r.code, "associationContentId": nil,
		"sendStatus": nil, "errorMsg": nil, "isForwarded": false, "forwardTime": nil, "contentDealType": nil,
	}
	if s.sw.HistoryMessageID && r.messageID != "" {
		shown["messageId"] = r.messageID
	}
	return shown
}
