package tunnel

// roster compares the ids that are wanted with those that tunnels are open to.
// It is not safe for concurrent use, and grows with what it is told only.
type roster struct {
	open   map[string]int      // tunnels to each id, never 0
	wanted map[string]struct{} // nil: nobody has said what is wanted
	met    int                 // wanted ids with a tunnel
}

func newRoster() roster { return roster{open: make(map[string]int)} }

// missing is the number of wanted ids without a tunnel.
func (r *roster) missing() int { return len(r.wanted) - r.met }

// add notes one tunnel more to id.
func (r *roster) add(id string) {
	r.open[id]++
	if _, wanted := r.wanted[id]; wanted && r.open[id] == 1 {
		r.met++
	}
}

// remove takes one tunnel to id away, which must have been added.
func (r *roster) remove(id string) {
	if r.open[id]--; r.open[id] > 0 {
		return
	}
	delete(r.open, id)
	if _, wanted := r.wanted[id]; wanted {
		r.met--
	}
}

// replace makes ids all that is wanted.
func (r *roster) replace(ids []string) {
	r.wanted, r.met = make(map[string]struct{}, len(ids)), 0
	for _, id := range ids {
		r.want(id)
	}
}

// want adds one id to those wanted.
func (r *roster) want(id string) {
	if r.wanted == nil {
		r.wanted = make(map[string]struct{})
	}
	if _, wanted := r.wanted[id]; wanted {
		return
	}
	r.wanted[id] = struct{}{}
	if r.open[id] > 0 {
		r.met++
	}
}

// unwant takes one id out of those wanted.
func (r *roster) unwant(id string) {
	if _, wanted := r.wanted[id]; !wanted {
		return
	}
	delete(r.wanted, id)
	if r.open[id] > 0 {
		r.met--
	}
}
