package instruments

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// identity is what two instruments of one name must agree in, so that every
// exit can show both.
type identity struct {
	kind    Kind
	upDown  bool // may shrink, though it is a sum
	integer bool
	unit    string
}

// foreignNames knows the instruments of the embedder by the name that a scrape
// shows, in lower case. The registry's mutex guards it.
type foreignNames map[string]foreignInstrument

type foreignInstrument struct {
	identity
	name        string
	scope       string
	description string
}

// admit says whether an instrument of the embedder may be created, and
// remembers it. It returns the description to create it with: the first one
// that was given for the name, since the SDK would otherwise make a second
// stream that clashes with the first. A refusal is counted, told to the log and
// returned.
func (r *Registry) admit(scope, name string, id identity, description string) (string, error) {
	wanted := foreignInstrument{identity: id, name: name, scope: scope, description: strings.ToValidUTF8(description, "\uFFFD")}
	reason, err := r.examine(&wanted)
	if err != nil {
		r.own.refused.Add(1, Refusal{Reason: reason})
		r.logger.Error("instrument refused", "scope", scope, "instrument", name, "err", err)
	}
	return wanted.description, err
}

func (r *Registry) examine(wanted *foreignInstrument) (RefusalReason, error) {
	name, id := wanted.name, wanted.identity
	if !sdkName.MatchString(name) || !utf8.ValidString(id.unit) {
		return RefusedInvalid, fmt.Errorf("create %s %q: the name or the unit cannot be shown: use a letter, then letters, digits and _.-/, at most 255", id.kind, name)
	}
	shown := strings.ToLower(escapeName(name))
	for _, exposed := range id.kind.exposes(shown) {
		if row := theCatalogue.holder(exposed); row != nil {
			return RefusedDeclared, fmt.Errorf("create %s %q: the name belongs to the %s %q declared at %s: choose another name",
				id.kind, name, row.Kind, row.Name, row.site)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.foreign == nil {
		r.foreign = make(foreignNames)
	}
	for _, exposed := range id.kind.exposes(shown) {
		other, ok := r.foreign[exposed]
		if ok && (other.identity != id || !strings.EqualFold(other.name, name)) {
			return RefusedConflict, fmt.Errorf("create %s %q: clashes with the %s %q of scope %q, which %s: choose another name",
				id.kind, name, other.kind, other.name, other.scope, other.clash(name))
		}
		if ok {
			wanted.description = other.description
		}
	}
	for _, exposed := range id.kind.exposes(shown) {
		r.foreign[exposed] = *wanted
	}
	return "", nil
}

// clash says why another instrument, of that name, cannot be shown beside i.
func (i foreignInstrument) clash(name string) string {
	if strings.EqualFold(i.name, name) {
		return "has another kind, number type or unit"
	}
	return "a scrape shows under the same name"
}

// clashWithForeign says why a row that was declared after New cannot come to
// life: the embedder has made an instrument with its name meanwhile.
func (r *Registry) clashWithForeign(row *row) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, exposed := range row.Kind.exposes(strings.ToLower(row.Name)) {
		if other, ok := r.foreign[exposed]; ok {
			return fmt.Errorf("create %s %q declared at %s: clashes with the %s %q of scope %q: choose another name",
				row.Kind, row.Name, row.site, other.kind, other.name, other.scope)
		}
	}
	return nil
}

// sdkName is what OpenTelemetry allows as the name of an instrument.
var sdkName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.\-/]{0,254}$`)

// escapeName gives an OpenTelemetry name as the Prometheus exporter shows it:
// runs of other characters become one underscore, and vanish at the end.
func escapeName(name string) string {
	return strings.Join(strings.FieldsFunc(name, func(r rune) bool {
		return r == '.' || r == '-' || r == '/'
	}), "_")
}
