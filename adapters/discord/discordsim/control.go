package discordsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// order is the body of a control call; each uses the fields that doc.go names.
type order struct {
	ID         string          `json:"id"`
	Guild      string          `json:"guild"`
	Channel    string          `json:"channel"`
	Thread     json.RawMessage `json:"thread"` // an id, or a NewThread
	Message    string          `json:"message"`
	User       string          `json:"user"`
	Type       ChannelType     `json:"type"`
	Name       string          `json:"name"`
	GlobalName string          `json:"global_name"`
	Nick       string          `json:"nick"`
	Roles      []string        `json:"roles"`
	Title      string          `json:"title"`
	Content    string          `json:"content"`
	Extra      Extra           `json:"extra"`
	On         bool            `json:"on"`
	Command    string          `json:"command"`
	Options    map[string]any  `json:"options"`
	CustomID   string          `json:"custom_id"`
	Bits       int64           `json:"bits"`
	Deny       int64           `json:"deny"`
	Token      string          `json:"token"`
	Seconds    float64         `json:"seconds"`
	Do         string          `json:"do"`
	N          int             `json:"n"`
	Event      string          `json:"event"`
	Data       json.RawMessage `json:"data"`
	Raw        string          `json:"raw"`
}

func (o *order) threadID() string {
	var id string
	_ = json.Unmarshal(o.Thread, &id) // what is no id is an unknown thread
	return id
}

func (o *order) newThread() (n NewThread) {
	_ = json.Unmarshal(o.Thread, &n) // what is no NewThread has no name, and is refused for it
	return n
}

// deeds are the orders, by name. They answer the id of what they made, if anything.
func (s *Sim) deeds() map[string]func(*order) (string, error) {
	just := func(f func(*order) error) func(*order) (string, error) {
		return func(o *order) (string, error) { return "", f(o) }
	}
	return map[string]func(*order) (string, error){
		"guild":   func(o *order) (string, error) { return s.AddGuild(o.ID), nil },
		"channel": func(o *order) (string, error) { return s.AddChannel(o.Guild, o.ID, o.Type), nil },
		"user": func(o *order) (string, error) {
			return s.AddUser(User{ID: o.ID, Name: o.Name, GlobalName: o.GlobalName, Nick: o.Nick, Roles: o.Roles}), nil
		},
		"dm":        func(o *order) (string, error) { return s.OpenDM(o.User), nil },
		"post":      func(o *order) (string, error) { return s.Post(o.Channel, o.User, o.Content, o.Extra) },
		"thread":    func(o *order) (string, error) { return s.StartThread(o.Channel, o.User, o.newThread()) },
		"forum":     func(o *order) (string, error) { return s.ForumPost(o.Channel, o.User, o.Title, o.Content, o.Extra) },
		"slash":     func(o *order) (string, error) { return s.Slash(o.User, o.Channel, o.Command, o.Options) },
		"context":   func(o *order) (string, error) { return s.Context(o.User, o.Message, o.Command) },
		"click":     func(o *order) (string, error) { return s.Click(o.User, o.Message, o.CustomID) },
		"edit":      just(func(o *order) error { return s.Edit(o.Message, o.Content) }),
		"delete":    just(func(o *order) error { return s.Delete(o.Message) }),
		"unfurl":    just(func(o *order) error { return s.Unfurl(o.Message) }),
		"archive":   just(func(o *order) error { return s.Archive(o.threadID()) }),
		"unarchive": just(func(o *order) error { return s.Unarchive(o.threadID()) }),
		"lock":      just(func(o *order) error { return s.Lock(o.threadID()) }),
		"unlock":    just(func(o *order) error { return s.Unlock(o.threadID()) }),
		"remove":    just(func(o *order) error { return s.Remove(o.Channel) }),
		"kick":      just(func(o *order) error { return s.KickBot(o.Guild) }),
		"outage":    just(func(o *order) error { return s.Outage(o.Guild, o.On) }),
		"permissions": just(func(o *order) error {
			return s.SetPermissions(o.Channel, o.Bits)
		}),
		"role":      just(func(o *order) error { return s.SetRole(o.Guild, Role{ID: o.ID, Name: o.Name, Permissions: o.Bits}) }),
		"bot-roles": just(func(o *order) error { return s.GiveBot(o.Guild, o.Roles...) }),
		"overwrite": just(func(o *order) error { return s.Overwrite(o.Channel, o.ID, o.Bits, o.Deny) }),
		"token":     just(func(o *order) error { s.SetToken(o.Token); return nil }),
		"advance":   just(func(o *order) error { s.Advance(time.Duration(o.Seconds * float64(time.Second))); return nil }),
		"heal":      just(func(*order) error { s.Heal(); return nil }),
		"gateway":   just(s.disturb),
	}
}

// gatewayDeeds are the values of "do" for /_sim/gateway; n, event, guild, data and raw are their arguments.
func (s *Sim) gatewayDeeds() map[string]func(*order) {
	return map[string]func(*order){
		"silent":             func(o *order) { s.Silent(o.On) },
		"refuse":             func(o *order) { s.Refuse(o.On) },
		"no_ack":             func(o *order) { s.NoACK(o.On) },
		"mute":               func(o *order) { s.Mute(o.On) },
		"op7_before_hello":   func(o *order) { s.Op7BeforeHello(o.N) },
		"op7_after_identify": func(o *order) { s.Op7AfterIdentify(o.N) },
		"duplicate":          func(o *order) { s.Duplicate(o.N) },
		"swap":               func(*order) { s.Swap() },
		"zombie":             func(*order) { s.Zombie() },
		"reconnect":          func(*order) { s.Reconnect() },
		"request_heartbeat":  func(*order) { s.RequestHeartbeat() },
		"invalid_session":    func(o *order) { s.InvalidSession(o.On) },
		"forget":             func(*order) { s.Forget() },
		"close":              func(o *order) { s.CloseGateway(o.N) },
		"drop":               func(*order) { s.DropGateway() },
		"raw":                func(o *order) { s.SendRaw([]byte(o.Raw)) },
		"emit":               func(o *order) { s.Emit(o.Event, o.Guild, o.Data) },
	}
}

func (s *Sim) disturb(o *order) error {
	deed := s.gatewayDeeds()[o.Do]
	if deed == nil {
		return fmt.Errorf("unknown gateway deed %q", o.Do)
	}
	deed(o)
	return nil
}

// control serves /_sim/.
func (s *Sim) control() http.Handler {
	mux := http.NewServeMux()
	for name, deed := range s.deeds() {
		mux.HandleFunc("POST /_sim/"+name, func(w http.ResponseWriter, r *http.Request) {
			var o order
			if err := readOrder(w, r, &o); err != nil {
				reply(w, nil, err)
				return
			}
			id, err := deed(&o)
			reply(w, object{"id": id}, err)
		})
	}
	mux.HandleFunc("POST /_sim/fault", func(w http.ResponseWriter, r *http.Request) {
		var f Fault
		err := readOrder(w, r, &f)
		if err == nil {
			s.Fail(f)
		}
		reply(w, object{}, err)
	})
	for name, show := range map[string]func(*View, *http.Request) any{
		"messages":   func(v *View, r *http.Request) any { return v.Messages(r.FormValue("channel")) },
		"threads":    func(v *View, r *http.Request) any { return v.Threads(r.FormValue("parent")) },
		"commands":   func(v *View, r *http.Request) any { return v.Commands(r.FormValue("guild")) },
		"calls":      func(v *View, _ *http.Request) any { return v.Calls() },
		"violations": func(v *View, _ *http.Request) any { return append([]string{}, v.Violations()...) },
		"gateway":    func(v *View, _ *http.Request) any { return v.Gateway() },
		"interaction": func(v *View, r *http.Request) any {
			i, _ := v.Interaction(r.FormValue("id"))
			return i
		},
	} {
		mux.HandleFunc("GET /_sim/"+name, func(w http.ResponseWriter, r *http.Request) {
			var answer any
			s.View(func(v *View) { answer = show(v, r) })
			reply(w, answer, nil)
		})
	}
	return mux
}

func readOrder(w http.ResponseWriter, r *http.Request, v any) error {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(v)
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read order: %w", err)
	}
	return nil
}

func reply(w http.ResponseWriter, answer any, err error) {
	status := http.StatusOK
	if err != nil {
		status, answer = http.StatusBadRequest, object{"error": err.Error()}
	}
	b, err := json.Marshal(answer)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"encode answer"}`)
	}
	writeJSON(w, status, append(b, '\n'))
}
