package health

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// namedMost is how many names an answer lists before it says "and 7 more".
const namedMost = 20

// readyCode is the status code of a probe in each state.
var readyCode = [states]int{
	StateOK:         http.StatusOK,
	StateRecovering: http.StatusBadRequest,
	StateDegraded:   http.StatusServiceUnavailable,
	StateStarting:   http.StatusBadRequest,
}

// ReadyHandler answers probes. It is meant to be mounted at both of
//
//	/readyz
//	/readyz/{component}
//
// where the second path answers for one component alone. It takes GET and
// HEAD, runs no check, and reads one [Snapshot] for each request:
//
//	state       code  {"status":"…"}
//	ok          200   ok
//	recovering  400   recovering: auth (recovering)
//	degraded    503   degraded: auth (failed), proxy (missed)
//	starting    400   starting: auth (never reported)
//	            400   starting: no component declared
//
// The components named are those whose state is that of the process, in the
// order of declaration, the first 20 of them. After [Tracker.Stopping] every
// answer is 503, and the status begins with "degraded: shutting down".
//
// In the query, exclude=NAME (repeatable) answers as if that component were not
// declared; a name that is not is 400. verbose (also verbose=true, but not
// verbose=false) adds state, since, and components, each with name, state,
// since, reason ("" when ok), last_ok (null if there was none), and ok_in while
// recovering. Times are RFC 3339 in UTC; ok_in is a duration such as "7.5s".
// Other parameters are ignored, a query that cannot be parsed is 400.
//
// Errors are {"error":"…"}: 404 for an unknown component, 405 for a method.
// Error texts of components are never shown. Each body is one line of JSON
// without a newline at its end.
func (t *Tracker) ReadyHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuseMethod(w, r) {
			return
		}
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			writeError(w, r, http.StatusBadRequest, "the query cannot be parsed: give it as exclude=NAME&verbose")
			return
		}
		s, failure := view(t.Snapshot(), r, query["exclude"])
		if failure != nil {
			writeError(w, r, failure.code, failure.message)
			return
		}
		writeValue(w, r, readyCode[s.State], readinessOf(s, wantsVerbose(query)))
	})
}

// refusedProbe is a probe that cannot be answered as asked.
type refusedProbe struct {
	code    int
	message string
}

// view is the part of a snapshot that a probe asks for.
func view(s Snapshot, r *http.Request, exclude []string) (Snapshot, *refusedProbe) {
	name, one := componentPath(r)
	if one && s.find(name) < 0 {
		return s, &refusedProbe{http.StatusNotFound, "unknown component " + quoted(name)}
	}
	if len(exclude) > 0 {
		var unknown []string
		if s, unknown = s.Without(exclude...); len(unknown) > 0 {
			return s, &refusedProbe{http.StatusBadRequest, "exclude: unknown component " + quotedList(unknown)}
		}
	}
	if one {
		s, _ = s.Only(name) // none is left if it was excluded
	}
	return s, nil
}

// quotedList shows the first of some names that may be anything.
func quotedList(names []string) string {
	shown := names[:min(len(names), namedMost)]
	items := make([]string, len(shown))
	for i, name := range shown {
		items[i] = quoted(name)
	}
	return enumerate(items, len(names)-len(shown))
}

// componentPath returns the component that the request is for, if it is for one.
func componentPath(r *http.Request) (name string, one bool) {
	if name = r.PathValue("component"); name != "" {
		return name, true
	}
	return strings.CutPrefix(r.URL.Path, "/readyz/")
}

// wantsVerbose tells whether the query asks for the long answer.
func wantsVerbose(query url.Values) bool {
	if !query.Has("verbose") {
		return false
	}
	yes, err := strconv.ParseBool(query.Get("verbose"))
	return yes || err != nil
}

// readiness is the body of an answer. The fields after Status are verbose only.
type readiness struct {
	Status     string                `json:"status"`
	State      string                `json:"state,omitempty"`
	Since      string                `json:"since,omitempty"`
	Components *[]componentReadiness `json:"components,omitempty"`
}

type componentReadiness struct {
	Name   string  `json:"name"`
	State  string  `json:"state"`
	Since  string  `json:"since"`
	Reason string  `json:"reason"`
	LastOK *string `json:"last_ok"`
	OKIn   string  `json:"ok_in,omitempty"`
}

// readinessOf is the answer about a snapshot.
func readinessOf(s Snapshot, verbose bool) readiness {
	body := readiness{Status: s.Status()}
	if !verbose {
		return body
	}
	components := make([]componentReadiness, len(s.Components))
	for i := range s.Components {
		components[i] = componentReadinessOf(&s.Components[i])
	}
	body.State = s.State.String()
	body.Since = instant(s.Since)
	body.Components = &components
	return body
}

func componentReadinessOf(c *ComponentStatus) componentReadiness {
	body := componentReadiness{
		Name:   c.Name,
		State:  c.State.String(),
		Since:  instant(c.Since),
		Reason: c.Reason.String(),
	}
	if !c.LastOK.IsZero() {
		at := instant(c.LastOK)
		body.LastOK = &at
	}
	if c.State == StateRecovering {
		body.OKIn = c.OKIn.String()
	}
	return body
}

// Status returns the snapshot's state and its causes in words, as
// [Tracker.ReadyHandler] shows them.
func (s Snapshot) Status() string {
	if s.State == StateOK {
		return s.State.String()
	}
	var causes []string
	if s.Stopping {
		causes = append(causes, ReasonShuttingDown.String())
	}
	more := 0
	for _, c := range s.Components {
		switch {
		case c.State != s.State:
		case len(causes) < namedMost:
			causes = append(causes, c.Name+" ("+c.Reason.String()+")")
		default:
			more++
		}
	}
	if len(causes) == 0 {
		causes = append(causes, "no component declared")
	}
	return s.State.String() + ": " + enumerate(causes, more)
}

// enumerate joins items, and says how many more there are.
func enumerate(items []string, more int) string {
	text := strings.Join(items, ", ")
	if more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// instant is how bodies show a time.
func instant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
