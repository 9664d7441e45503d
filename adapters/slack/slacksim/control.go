package slacksim

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// controls puts the endpoints under /_sim/, described in the package comment.
func (s *Sim) controls(mux *http.ServeMux) {
	do := func(name string, f func(order) (any, error)) {
		mux.HandleFunc("POST /_sim/"+name, func(w http.ResponseWriter, r *http.Request) {
			var o order
			err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&o.raw)
			if err == nil {
				err = json.Unmarshal(o.raw, &o)
			}
			var out any
			if err == nil {
				out, err = f(o)
			}
			reply(w, out, err)
		})
	}
	show := func(name string, f func(arg func(string) string) (any, error)) {
		mux.HandleFunc("GET /_sim/"+name, func(w http.ResponseWriter, r *http.Request) {
			out, err := f(r.URL.Query().Get)
			reply(w, out, err)
		})
	}
	s.controlPeople(do)
	s.controlFaults(do)
	show("messages", func(arg func(string) string) (any, error) { return s.Messages(arg("channel")), nil })
	show("thread", func(arg func(string) string) (any, error) { return s.Thread(arg("channel"), arg("root")), nil })
	show("ephemerals", func(arg func(string) string) (any, error) { return s.Ephemerals(arg("user")), nil })
	show("calls", func(arg func(string) string) (any, error) { return s.Calls(arg("method")), nil })
	show("violations", func(func(string) string) (any, error) { return s.Violations(), nil })
	show("stats", func(func(string) string) (any, error) { return s.Stats(), nil })
	show("interaction", func(arg func(string) string) (any, error) {
		i := s.Interaction(arg("id"))
		if i == nil {
			return nil, fmt.Errorf("no interaction %s", arg("id"))
		}
		return i.Outcome(), nil
	})
}

// order is the union of the simple arguments; richer types are read from raw.
type order struct {
	Channel    string        `json:"channel"`
	User       string        `json:"user"`
	TS         string        `json:"ts"`
	Text       string        `json:"text"`
	Command    string        `json:"command"`
	ActionID   string        `json:"action_id"`
	Value      string        `json:"value"`
	CallbackID string        `json:"callback_id"`
	Token      string        `json:"token"`
	Code       string        `json:"code"`
	Scopes     []string      `json:"scopes"`
	Do         string        `json:"do"`
	Reason     string        `json:"reason"`
	Door       Door          `json:"door"`
	Count      int           `json:"count"`
	Delay      time.Duration `json:"delay"`

	raw json.RawMessage
}

type registrar func(name string, f func(order) (any, error))

func (s *Sim) controlPeople(do registrar) {
	do("manifest", func(o order) (any, error) { return nil, s.ApplyManifest(o.raw) })
	do("users", func(o order) (any, error) {
		u, err := read[User](o)
		if err == nil && u.ID == "" {
			err = errors.New("a user needs an id")
		}
		if err == nil {
			s.AddUser(u)
		}
		return nil, err
	})
	do("channels", func(o order) (any, error) {
		c, err := read[Channel](o)
		if err == nil && c.ID == "" {
			err = errors.New("a channel needs an id")
		}
		if err == nil {
			s.AddChannel(c)
		}
		return nil, err
	})
	do("dm", func(o order) (any, error) { return map[string]string{"channel": s.OpenDM(o.User)}, nil })
	do("post", func(o order) (any, error) {
		p, err := read[Post](o)
		if err != nil {
			return nil, err
		}
		ts, err := s.Post(p)
		return map[string]string{"ts": ts}, err
	})
	do("edit", func(o order) (any, error) { return nil, s.Edit(o.Channel, o.TS, o.Text) })
	do("delete", func(o order) (any, error) { return nil, s.Delete(o.Channel, o.TS) })
	do("unfurl", func(o order) (any, error) { return nil, s.Unfurl(o.Channel, o.TS) })
	do("slash", func(o order) (any, error) { return named(s.Slash(o.User, o.Channel, o.Command, o.Text)) })
	do("click", func(o order) (any, error) { return named(s.Click(o.User, o.Channel, o.TS, o.ActionID, o.Value)) })
	do("shortcut", func(o order) (any, error) { return named(s.Shortcut(o.User, o.Channel, o.TS, o.CallbackID)) })
	do("join", func(o order) (any, error) { return nil, s.JoinBot(o.Channel) })
	do("kick", func(o order) (any, error) { return nil, s.KickBot(o.Channel) })
	do("leave", func(o order) (any, error) { return nil, s.Leave(o.Channel, o.User) })
	do("archive", func(o order) (any, error) { return nil, s.Archive(o.Channel) })
	do("unarchive", func(o order) (any, error) { return nil, s.Unarchive(o.Channel) })
}

func (s *Sim) controlFaults(do registrar) {
	act := func(name string, f func(order)) {
		do(name, func(o order) (any, error) {
			f(o)
			return nil, nil
		})
	}
	act("revoke", func(o order) { s.Revoke(o.Token, o.Code) })
	act("uninstall", func(order) { s.Uninstall() })
	act("scopes", func(o order) { s.SetScopes(o.Scopes...) })
	act("app-scopes", func(o order) { s.SetAppScopes(o.Scopes...) })
	act("ignore-acks", func(o order) { s.IgnoreAcks(o.Count) })
	act("read-lag", func(o order) { s.SetReadLag(o.Delay) })
	act("clear-faults", func(order) { s.ClearFaults() })
	do("door", func(o order) (any, error) { return nil, s.SetDoor(o.Door) })
	do("fault", func(o order) (any, error) {
		f, err := read[Fault](o)
		if err == nil {
			s.Inject(f)
		}
		return nil, err
	})
	do("event-fault", func(o order) (any, error) {
		f, err := read[EventFault](o)
		if err != nil {
			return nil, err
		}
		return nil, s.InjectEvent(f)
	})
	do("sockets", func(o order) (any, error) {
		switch o.Do {
		case "drop":
			s.DropSockets()
		case "mute":
			s.MuteSockets()
		case "disconnect":
			s.Disconnect(o.Reason)
		default:
			return nil, fmt.Errorf("do what with the sockets: %q", o.Do)
		}
		return nil, nil
	})
}

func read[T any](o order) (T, error) {
	var v T
	err := json.Unmarshal(o.raw, &v)
	return v, err
}

func named(i *Interaction, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return map[string]string{"id": i.ID()}, nil
}

func reply(w http.ResponseWriter, out any, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		out = map[string]string{"error": err.Error()}
	}
	if out == nil {
		out = map[string]bool{"ok": true}
	}
	_, _ = w.Write(append(encode(out), '\n'))
}
