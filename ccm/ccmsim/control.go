package ccmsim

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// controlPath begins the addresses that are no part of the API; see the package comment.
const controlPath = "/_sim/"

// control serves programs in other processes.
func (s *Sim) control(w http.ResponseWriter, r *http.Request) {
	answer, err := s.command(r)
	rep := reply{}
	if err != nil {
		rep = jsonReply(map[string]string{"error": err.Error()}).with(http.StatusBadRequest)
	} else {
		rep = jsonReply(answer)
	}
	rep.write(w)
}

func (s *Sim) command(r *http.Request) (any, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("read command: %w", err)
	}
	query := r.URL.Query()
	done := map[string]bool{"ok": true}
	switch r.Method + " " + strings.TrimPrefix(r.URL.Path, controlPath) {
	case "GET state":
		return map[string]any{
			"waiting": s.Desk().Waiting(), "sessions": s.Sessions(), "violations": s.Violations(), "calls": s.Calls(),
		}, nil
	case "GET sessions":
		if id := query.Get("visitor"); id != "" {
			return s.Session(id), nil
		}
		return s.Sessions(), nil
	case "GET log":
		return s.logAfter(r.Context(), query.Get("after"), query.Get("wait"))
	case "GET violations":
		return s.Violations(), nil
	case "GET switches":
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.sw, nil
	case "POST switches":
		var err error
		s.Change(func(sw *Switches) { err = decodeNamed(body, sw) })
		return done, err
	case "POST desk":
		return s.deskCommand(body)
	case "POST faults":
		return done, s.faultCommand(body)
	case "DELETE faults":
		s.ClearFaults()
		return done, nil
	case "POST tokens":
		return done, s.tokenCommand(body)
	}
	return nil, fmt.Errorf("no such command: %s %s", r.Method, r.URL.Path)
}

// logAfter waits up to wait for entries after seq.
func (s *Sim) logAfter(ctx context.Context, after, wait string) ([]Entry, error) {
	seq, hold := 0, time.Duration(0)
	var err error
	if after != "" {
		if seq, err = strconv.Atoi(after); err != nil {
			return nil, fmt.Errorf("after is not a number")
		}
	}
	if wait != "" {
		if hold, err = time.ParseDuration(wait); err != nil {
			return nil, fmt.Errorf("wait is not a duration")
		}
	}
	ctx, cancel := context.WithTimeout(ctx, hold)
	defer cancel()
	entries, err := s.Since(ctx, seq)
	if err != nil {
		return []Entry{}, nil // nothing came in time
	}
	return entries, nil
}

func (s *Sim) deskCommand(body []byte) (any, error) {
	var in struct {
		Do, Visitor, Nickname, Text string
		Soft                        bool
		Fields                      map[string]any
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("decode desk command: %w", err)
	}
	desk, code := s.Desk(), ""
	var err error
	switch in.Do {
	case "accept":
		setDefault(&in.Nickname, "Agent")
		err = desk.Accept(in.Visitor, in.Nickname)
	case "say":
		code, err = desk.Say(in.Visitor, in.Text)
	case "robot":
		err = desk.RobotSay(in.Visitor, in.Text)
	case "system":
		err = desk.SystemSay(in.Visitor, in.Text)
	case "put":
		err = desk.Put(in.Visitor, in.Fields)
	case "read":
		err = desk.Read(in.Visitor)
	case "end":
		err = desk.End(in.Visitor)
	case "timeout":
		err = desk.TimeOut(in.Visitor, in.Soft)
	case "lose":
		err = desk.Lose(in.Visitor)
	default:
		err = fmt.Errorf("unknown desk command %q", in.Do)
	}
	return map[string]any{"ok": err == nil, "messageCode": code}, err
}

func (s *Sim) faultCommand(body []byte) error {
	var in struct {
		Op    string
		Count int
		Fault json.RawMessage
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return fmt.Errorf("decode fault: %w", err)
	}
	var f Fault
	if err := decodeNamed(in.Fault, &f); err != nil {
		return err
	}
	if in.Op == "" {
		return fmt.Errorf("op is missing")
	}
	s.Fail(in.Op, in.Count, f)
	return nil
}

func (s *Sim) tokenCommand(body []byte) error {
	var in struct{ Do, Visitor string }
	if err := json.Unmarshal(body, &in); err != nil {
		return fmt.Errorf("decode token command: %w", err)
	}
	switch in.Do {
	case "expire-access":
		s.ExpireAccessTokens()
	case "expire-visitor":
		s.ExpireVisitorTokens(in.Visitor)
	case "rotate":
		s.RotateToken(in.Visitor)
	default:
		return fmt.Errorf("unknown token command %q", in.Do)
	}
	return nil
}
