package ccm

import (
	"context"
	"encoding/json"
	"net/url"
	"time"
)

// Downlink is one message from the centre. Its JSON form is for storing it; the centre's own differs.
type Downlink struct {
	Control      ControlType `json:"control,omitempty"`       // Chat, Disconnect, Read, or one not known here; empty if the message could not be read
	Source       string      `json:"source,omitempty"`        // AGENT, ROBOT or SYSTEM
	Media        string      `json:"media,omitempty"`         // TEXT, IMAGE, …; may be empty
	Content      string      `json:"content,omitempty"`       // the words; for other media an id
	Nickname     string      `json:"nickname,omitempty"`      // of the agent or robot
	MessageCode  string      `json:"message_code,omitempty"`  // the message's id, if it has one
	Timestamp    time.Time   `json:"timestamp,omitzero"`      // zero if there was none
	Offline      bool        `json:"offline,omitempty"`       // of a Disconnect: the visitor may still write (isOfflineStatus)
	QueueFlag    string      `json:"queue_flag,omitempty"`    // "Y": the visitor is in the queue
	ContentType  string      `json:"content_type,omitempty"`  // of media: "1" is a local file, "" one of the library
	FileType     string      `json:"file_type,omitempty"`     // of media: the file's extension
	CallID       string      `json:"call_id,omitempty"`       // mostly empty
	InterIdx     string      `json:"inter_idx,omitempty"`     // count of the robot's interactions
	SimQuestions string      `json:"sim_questions,omitempty"` // similar questions a robot offers, as JSON; shape not documented
}

// downlinkBody is an element of downlinkMessages (cec_05_2020, cec_07_0108).
type downlinkBody struct {
	ControlType     text `json:"controlType"`
	SourceType      text `json:"sourceType"`
	MediaType       text `json:"mediaType"`
	Content         text `json:"content"`
	SenderNickname  text `json:"senderNickname"`
	MessageCode     text `json:"messageCode"`
	Timestamp       text `json:"timestamp"`
	IsOfflineStatus text `json:"isOfflineStatus"`
	QueueFlag       text `json:"queueFlag"`
	ContentType     text `json:"contentType"`
	MediaFileType   text `json:"mediaFileType"`
	CallID          text `json:"callId"`
	InterIdx        text `json:"interIdx"`
	SimQuestions    text `json:"simQuestions"`
}

func (b downlinkBody) downlink() Downlink {
	return Downlink{
		Control: ControlType(b.ControlType), Source: string(b.SourceType), Media: string(b.MediaType),
		Content: string(b.Content), Nickname: string(b.SenderNickname), MessageCode: string(b.MessageCode),
		Timestamp: b.Timestamp.millis(), Offline: b.IsOfflineStatus.yes(), QueueFlag: string(b.QueueFlag),
		ContentType: string(b.ContentType), FileType: string(b.MediaFileType), CallID: string(b.CallID),
		InterIdx: string(b.InterIdx), SimQuestions: string(b.SimQuestions),
	}
}

// Poll fetches the visitor's waiting messages (poll, cec_07_0108). It is a long poll: with none waiting the centre holds
// it for some seconds (5 by default) and then answers with none. It is also the session's heartbeat.
//
// The centre forgets what it has answered: the messages must be kept before the next poll, and after an error that is
// InDoubt some may be lost. Only one poll per visitor should be in flight, two would take each other's messages.
// An element that cannot be read is a Downlink without Control.
func (c *Client) Poll(ctx context.Context, v Visitor) ([]Downlink, error) {
	const op = "poll"
	if err := v.check(op); err != nil {
		return nil, err
	}
	query := url.Values{"receiverId": {v.UserID}, "channel": {channelWeb}}
	r := request{op: op, call: "poll", url: c.config.BaseURL + messagingPath + "poll?" + query.Encode(),
		timeout: c.config.PollTimeout}
	a, err := c.callVisitor(ctx, v, r)
	if err != nil {
		return nil, err
	}
	res, downlinks, err := decodePoll(a.body)
	switch {
	case err != nil:
		return nil, unclear(op, err.Error())
	case len(downlinks) > 0: // they are gone at the centre, whatever the code says
		return downlinks, nil
	case res.code() == codeOK:
		return nil, nil
	case res.code() == "":
		return nil, unclear(op, "answer has no resultCode")
	default:
		return nil, refusal(r, a, res)
	}
}

func decodePoll(body []byte) (result, []Downlink, error) {
	var answer struct {
		result
		DownlinkMessages json.RawMessage `json:"downlinkMessages"`
	}
	if err := decode(body, &answer); err != nil {
		return result{}, nil, err
	}
	list, err := elements(answer.DownlinkMessages)
	if err != nil {
		return result{}, nil, err
	}
	downlinks := make([]Downlink, 0, len(list))
	for _, raw := range list {
		if string(raw) == "null" {
			continue
		}
		var b downlinkBody
		if decode(raw, &b) != nil {
			b = downlinkBody{}
		}
		downlinks = append(downlinks, b.downlink())
	}
	return answer.result, downlinks, nil
}
