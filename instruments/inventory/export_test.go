package inventory

// What tests of the outside look at.
var (
	CleanVersion      = cleanVersion
	ParseAnnouncement = parseAnnouncement
)

// Alarms is the number of alarms that are set.
func (inv *Inventory) Alarms() int {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	return len(inv.alarms)
}

// Due reports whether heartbeats of a server are expected.
func (inv *Inventory) Due(id string) bool {
	inv.mu.Lock()
	defer inv.mu.Unlock()
	s, known := inv.servers[id]
	return known && s.due
}
