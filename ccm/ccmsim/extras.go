package ccmsim

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
)

// fileLimit is the largest file, before base64 (the download's documented
// default; the upload's own limit is not documented).
const fileLimit = 2 << 20

var leaveFields = []field{{"callId", true, 24}, {"caller", true, 0}, {"leaveMessage", true, 0}, {"channel", true, 0}}

// leaveMessage keeps a message for later (cec_07_0107). Its callId is the user id.
func (s *Sim) leaveMessage(c *call) reply {
	return s.extra(c, leaveFields, func(v *visitor) reply {
		if c.text("callId") != v.id {
			return s.refuse(c, "callId is not the token's user")
		}
		s.accept(c, v, EffectNoted)
		return result("0", "Save leaveMessage success!")
	})
}

// surveyMode tells what to ask a visitor (cec_07_0113).
func (s *Sim) surveyMode(c *call) reply {
	return s.extra(c, []field{{"language", false, 0}}, func(*visitor) reply {
		levels := []map[string]string{}
		for i, desc := range []string{"Very dissatisfied", "Dissatisfied", "Neutral", "Satisfied", "Very satisfied"} {
			levels = append(levels, map[string]string{
				"satisfactionLevelKey": string(rune('1' + i)), "satisfactionLevelDesc": desc,
			})
		}
		return jsonReply(map[string]any{"resultCode": "0", "resultDesc": "success", "satisfactionSurvey": map[string]any{
			"surveyType": "WEB", "satisfactionLevel": levels, "satisfactionQuestion": []string{"CSAT"},
		}})
	})
}

var surveyFields = []field{
	{"channel", true, 0}, {"userId", true, 24}, {"evaluation", true, 1}, {"comment", true, 511},
	{"channelConfigId", true, 0}, {"npsScore", false, 1}, {"fcrValue", false, 1},
}

// saveSurvey keeps a visitor's verdict; it must come before DISCONNECT (cec_07_0115).
func (s *Sim) saveSurvey(c *call) reply {
	return s.extra(c, surveyFields, func(v *visitor) reply {
		switch {
		case c.text("userId") != v.id || c.text("channelConfigId") != s.cfg.ChannelID:
			return s.refuse(c, "userId or channelConfigId is not the token's")
		case !strings.Contains("12345", c.text("evaluation")):
			return s.refuse(c, "evaluation is not 1 to 5")
		case !v.live():
			return result("13", "The callIdString obtained failed!")
		}
		s.accept(c, v, EffectNoted)
		return result("0", "Save satisfaction success!")
	})
}

// robotFeedback rates a robot's answer; feedback is an integer (cec_07_0114).
func (s *Sim) robotFeedback(c *call) reply {
	feedback, isNumber := c.body["feedback"].(float64)
	delete(c.body, "feedback") // the one field that is no string
	fields := []field{{"feedbackContent", false, 64}, {"from", true, 24}, {"interIdx", true, 0}}
	return s.extra(c, fields, func(v *visitor) reply {
		switch {
		case !isNumber || feedback != 0 && feedback != 1:
			return s.refuse(c, "feedback is not 0 or 1")
		case c.text("from") != v.id:
			return s.refuse(c, "from is not the token's user")
		case feedback == 0 && c.text("feedbackContent") == "":
			return result("30000000008", "feedbackContent is missing")
		case v.state != StateRobot:
			return result("30000000019", "not in a robot session")
		}
		s.accept(c, v, EffectNoted)
		return result("0", "success")
	})
}

const uploadTypes = " jpg jpeg png bmp bpm mp3 aac mp4 txt csv "

// upload keeps a file; its answer says returnCode (cec_07_0111).
func (s *Sim) upload(c *call) reply {
	return s.extra(c, []field{{"fileType", true, 0}, {"fileStream", true, 0}, {"channel", true, 0}}, func(v *visitor) reply {
		content, err := base64.StdEncoding.DecodeString(c.text("fileStream"))
		switch {
		case err != nil || !strings.Contains(uploadTypes, " "+c.text("fileType")+" "):
			return jsonReply(map[string]string{"returnCode": "3"})
		case len(content) > fileLimit:
			return jsonReply(map[string]string{"returnCode": "13"})
		}
		key := "sim/" + rand.Text()
		s.files[key] = content
		s.accept(c, v, EffectNoted)
		return jsonReply(map[string]string{"returnCode": "0", "objectKey": key})
	})
}

var downloadFields = []field{{"fileId", true, 0}, {"channel", true, 0}, {"fileType", true, 0}, {"multiMedia", false, 0}}

// download gives a file back (cec_07_0109). An uploaded file is a local one: "local/" and its key.
func (s *Sim) download(c *call) reply {
	return s.extra(c, downloadFields, func(v *visitor) reply {
		content, found := s.files[strings.TrimPrefix(c.text("fileId"), "local/")]
		if !found {
			return result("13", "fsservice downloadFile is failed")
		}
		s.accept(c, v, EffectNoted)
		return jsonReply(map[string]string{"resultCode": "0", "fileStream": base64.StdEncoding.EncodeToString(content)})
	})
}

// extra is the common frame: locks, checks, and channel WEB where it is a field.
func (s *Sim) extra(c *call, fields []field, do func(*visitor) reply) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, rep := s.checkVisitor(c)
	if v == nil {
		return rep
	}
	if rep, ok := s.checkBody(c, fields); !ok {
		return rep
	}
	for _, f := range fields {
		if f.name == "channel" && c.text("channel") != "WEB" {
			return s.refuse(c, "channel is not WEB")
		}
	}
	return do(v)
}
