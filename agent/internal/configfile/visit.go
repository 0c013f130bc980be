package configfile

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// visitor walks a document along the schema and collects faults.
type visitor struct {
	name   string
	getenv func(string) string
	faults []*Fault
}

func (v *visitor) err() error { return joined(v.faults) }

func (v *visitor) fault(at place, value, allowed string) {
	v.faults = append(v.faults, &Fault{File: v.name, Line: at.line(), Path: at.path, Value: value, Allowed: allowed})
}

// place is a node and the way to it.
type place struct {
	*yaml.Node
	path string
}

func (p place) line() int { return max(1, p.Node.Line) }

func (p place) key(name string, n *yaml.Node) place {
	if !plainKey.MatchString(name) {
		name = fmt.Sprintf("%.40q", name) // a path stays on one line
	}
	if p.path == "" {
		return place{n, name}
	}
	return place{n, p.path + "." + name}
}

func (p place) item(i int) place {
	return place{p.Content[i], fmt.Sprintf("%s[%d]", p.path, i)}
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_./-]{1,64}$`)

// keys says what a mapping can hold: a function for each key that is
// supported, nil for one that the schema has and Telltale does not support yet.
type keys map[string]func(place)

// mapping visits the entries of a mapping. It reports false, and a fault, if
// there is none.
func (v *visitor) mapping(at place, known keys) bool {
	if at.Kind != yaml.MappingNode {
		v.fault(at, "", "must be a mapping with the keys "+names(known))
		return false
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(at.Content); i += 2 {
		key, value := at.Content[i], at.Content[i+1]
		entry := at.key(key.Value, value)
		where := place{key, entry.path} // faults of the key itself are on its line
		visit, ok := known[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode:
			v.fault(place{key, at.path}, "", "must have words for keys, such as "+names(known))
		case seen[key.Value]:
			v.fault(where, "", "must be given only once")
		case !ok:
			v.fault(where, "", unknown(key.Value, known))
		case value.Kind == yaml.AliasNode:
			v.fault(entry, "", "must be written out; aliases are not supported")
		case visit == nil:
			v.fault(where, "", "is not supported by telltale yet; leave it out")
		default:
			visit(entry)
		}
		seen[key.Value] = true
	}
	return true
}

// required reports a key that a mapping must have and has not.
func (v *visitor) required(at place, name string) {
	for i := 0; i < len(at.Content); i += 2 {
		if at.Content[i].Value == name {
			return
		}
	}
	v.fault(place{at.Node, at.key(name, nil).path}, "", "must be given")
}

// oneOf reports a mapping that has not exactly one key.
func (v *visitor) oneOf(at place, known keys) {
	if at.Kind == yaml.MappingNode && len(at.Content) != 2 {
		v.fault(at, "", "must have exactly one of the keys "+names(known))
	}
}

// list visits the items of a list that is not empty.
func (v *visitor) list(at place, visit func(place)) {
	if at.Kind != yaml.SequenceNode || len(at.Content) == 0 {
		v.fault(at, "", "must be a list with at least one item")
		return
	}
	for i := range at.Content {
		item := at.item(i)
		if item.Kind == yaml.AliasNode {
			v.fault(item, "", "must be written out; aliases are not supported")
			continue
		}
		visit(item)
	}
}

// scalar returns the text of a scalar after substitution. null tells that
// there is nothing, which for the schema is the same as no entry; plain that
// it stands without quotes.
func (v *visitor) scalar(at place) (text string, plain, null, ok bool) {
	if at.Kind != yaml.ScalarNode {
		v.fault(at, "", "must be a single value")
		return "", false, false, false
	}
	text, changed, err := substitute(at.Value, v.getenv)
	if err != nil {
		v.fault(at, "", err.Error())
		return "", false, false, false
	}
	plain = at.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	null = plain && (at.ShortTag() == "!!null" || changed && text == "")
	return text, plain, null, true
}

// text reads a string. Numbers and the like must stand in quotes, unless they
// come from a variable.
func (v *visitor) text(at place, secret bool) (value string, null, ok bool) {
	value, _, null, ok = v.scalar(at)
	if !ok || null {
		return "", null, ok
	}
	if tag := at.ShortTag(); tag != "!!str" && value == at.Value {
		shown := value
		if secret {
			shown = ""
		}
		v.fault(at, shown, "must be text; put it in quotes")
		return "", false, false
	}
	return value, false, true
}

// set returns a visitor of a string that goes to target. Null leaves it alone.
func (v *visitor) set(target *string) func(place) {
	return func(at place) {
		if value, null, ok := v.text(at, false); ok && !null {
			*target = value
		}
	}
}

const maxMilliseconds = 24 * 60 * 60 * 1000

// milliseconds returns a visitor of a duration that goes to target.
func (v *visitor) milliseconds(target *time.Duration) func(place) {
	return func(at place) {
		text, plain, null, ok := v.scalar(at)
		if !ok || null {
			return
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || !plain || n < 1 || n > maxMilliseconds {
			v.fault(at, text, fmt.Sprintf("must be a number of milliseconds between 1 and %d", maxMilliseconds))
			return
		}
		*target = time.Duration(n) * time.Millisecond
	}
}

// boolean returns a visitor of true or false.
func (v *visitor) boolean(target *bool) func(place) {
	return func(at place) {
		text, plain, null, ok := v.scalar(at)
		if !ok || null {
			return
		}
		if !plain || text != "true" && text != "false" {
			v.fault(at, text, "must be true or false")
			return
		}
		*target = text == "true"
	}
}

// choice returns a visitor of one of a few words.
func (v *visitor) choice(use func(string), allowed ...string) func(place) {
	return func(at place) {
		text, null, ok := v.text(at, false)
		switch {
		case !ok || null:
		case slices.Contains(allowed, text):
			use(text)
		default:
			v.fault(at, text, "must be "+strings.Join(allowed, " or "))
		}
	}
}

// ignore visits what has no effect by its nature.
func ignore(place) {}

// names lists the supported keys.
func names(known keys) string {
	var list []string
	for name, visit := range known {
		if visit != nil {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// unknown says so, and suggests the key that was probably meant.
func unknown(key string, known keys) string {
	best, distance := "", 3
	for name := range known {
		if d := editDistance(key, name, distance); d < distance || d == distance && name < best {
			best, distance = name, d
		}
	}
	if best != "" {
		return fmt.Sprintf("is not known; did you mean %s?", best)
	}
	if len(names(known)) == 0 {
		return "is not known; nothing can stand here yet"
	}
	return "is not known; use " + names(known)
}

// editDistance is how many letters to insert, delete or replace between a and
// b, or math.MaxInt if they differ in length by bound or more.
func editDistance(a, b string, bound int) int {
	if len(a)-len(b) >= bound || len(b)-len(a) >= bound {
		return math.MaxInt
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
