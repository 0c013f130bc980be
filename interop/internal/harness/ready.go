package harness

import (
	"encoding/json"
	"fmt"
	"time"
)

// Readiness is an answer of /readyz or of /readyz/{component}.
type Readiness struct {
	Code       int // HTTP status
	Status     string
	State      string
	Since      time.Time
	Components []ComponentReadiness
}

// ComponentReadiness is one component in the verbose answer.
type ComponentReadiness struct {
	Name   string
	State  string
	Since  time.Time
	Reason string
	LastOK *time.Time `json:"last_ok"`
}

// Component finds a component in a verbose answer.
func (r Readiness) Component(name string) (ComponentReadiness, bool) {
	for _, c := range r.Components {
		if c.Name == name {
			return c, true
		}
	}
	return ComponentReadiness{}, false
}

// Ready asks a readiness path, such as "/readyz?verbose".
func (p *Process) Ready(path string) (Readiness, error) {
	code, _, body, err := p.Get(path)
	if err != nil {
		return Readiness{}, err
	}
	r := Readiness{Code: code}
	if err := json.Unmarshal(body, &r); err != nil {
		return Readiness{}, fmt.Errorf("%s: %w in %q", path, err, body)
	}
	return r, nil
}
