package slacksim

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
)

// args are the arguments of a call; JSON values that are no strings are kept as their JSON text.
type args map[string]string

func (a args) flag(name string) bool { return a[name] == "true" || a[name] == "1" }

// readArgs reads a form, a JSON object, or the query of a GET. A token inside JSON does not count, as at Slack.
func readArgs(w http.ResponseWriter, r *http.Request) (args, *refusal) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4<<20))
	if err != nil {
		return args{}, refuse("request_timeout")
	}
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case kind == "application/json":
		a, bad := jsonArgs(body)
		delete(a, "token")
		return a, bad
	case kind == "application/x-www-form-urlencoded" || len(body) == 0:
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return args{}, refuse("invalid_form_data")
		}
		a := args{}
		for _, values := range []url.Values{r.URL.Query(), form} {
			for k, v := range values {
				a[k] = v[0]
			}
		}
		return a, nil
	}
	return args{}, refuse("invalid_post_type")
}

func jsonArgs(body []byte) (args, *refusal) {
	if len(bytes.TrimSpace(body)) == 0 {
		return args{}, nil
	}
	if !json.Valid(body) {
		return args{}, refuse("invalid_json")
	}
	var raw map[string]json.RawMessage
	if json.Unmarshal(body, &raw) != nil || raw == nil {
		return args{}, refuse("json_not_object")
	}
	a := args{}
	for k, v := range raw {
		var text string
		if json.Unmarshal(v, &text) != nil {
			text = string(v)
		}
		if string(v) != "null" {
			a[k] = text
		}
	}
	return a, nil
}
