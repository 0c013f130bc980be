package profiling

import "encoding/binary"

// The part of the protocol buffer encoding that profiles use.
const (
	wireVarint = 0
	wireBytes  = 2
)

// field is one field of a message. Those of type bytes share memory with the message.
type field struct {
	number int
	wire   int
	value  uint64 // of a varint
	data   []byte // of bytes
}

// fields calls visit for each field of a message, in order, until it fails.
func fields(message []byte, visit func(field) error) error {
	for len(message) > 0 {
		tag, n := binary.Uvarint(message)
		if n <= 0 {
			return errProfile
		}
		message = message[n:]
		f := field{number: int(tag >> 3), wire: int(tag & 7)}
		value, n := binary.Uvarint(message)
		if n <= 0 {
			return errProfile
		}
		message = message[n:]
		switch f.wire {
		case wireVarint:
			f.value = value
		case wireBytes:
			if value > uint64(len(message)) {
				return errProfile
			}
			f.data, message = message[:value], message[value:]
		default:
			return errProfile
		}
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

// appendNumbers appends the numbers of a repeated field, packed or not.
func (f field) appendNumbers(to []uint64) ([]uint64, error) {
	if f.wire == wireVarint {
		return append(to, f.value), nil
	}
	for rest := f.data; len(rest) > 0; {
		v, n := binary.Uvarint(rest)
		if n <= 0 {
			return nil, errProfile
		}
		to, rest = append(to, v), rest[n:]
	}
	return to, nil
}

func appendVarintField(to []byte, number int, value uint64) []byte {
	to = binary.AppendUvarint(to, uint64(number)<<3|wireVarint)
	return binary.AppendUvarint(to, value)
}

func appendBytesField(to []byte, number int, data []byte) []byte {
	to = binary.AppendUvarint(to, uint64(number)<<3|wireBytes)
	to = binary.AppendUvarint(to, uint64(len(data)))
	return append(to, data...)
}

// rewriter says for the fields of a message what becomes of them. Fields without a rule
// stay as they are.
type rewriter map[int]rule

type rule struct {
	to     func(uint64) (uint64, error) // for references
	within rewriter                     // for messages in the message
}

// append appends the rewritten field.
func (r rewriter) append(to []byte, f field) ([]byte, error) {
	known := r[f.number]
	switch {
	case known.to != nil:
		// Repeated references may be packed; unpacked they mean the same.
		values, err := f.appendNumbers(nil)
		if err != nil {
			return nil, err
		}
		for _, old := range values {
			value, err := known.to(old)
			if err != nil {
				return nil, err
			}
			to = appendVarintField(to, f.number, value)
		}
		return to, nil
	case known.within != nil:
		data, err := known.within.message(f.data)
		if err != nil {
			return nil, err
		}
		return appendBytesField(to, f.number, data), nil
	case f.wire == wireVarint:
		return appendVarintField(to, f.number, f.value), nil
	}
	return appendBytesField(to, f.number, f.data), nil
}

func (r rewriter) message(message []byte) (out []byte, err error) {
	err = fields(message, func(f field) (err error) {
		out, err = r.append(out, f)
		return err
	})
	return out, err
}

// table numbers the messages of one kind, equal ones alike.
type table struct {
	number  int
	known   map[string]uint64
	encoded []byte
}

func newTable(number int) *table {
	return &table{number: number, known: make(map[string]uint64)}
}

// enter adds messages after rewriting them, and returns which new identifier belongs to
// which old one.
func (t *table) enter(messages []field, rules rewriter) (map[uint64]uint64, error) {
	moved := make(map[uint64]uint64, len(messages))
	for _, m := range messages {
		var id uint64
		var body []byte
		err := fields(m.data, func(f field) (err error) {
			if f.number == entryID {
				id = f.value
				return nil
			}
			body, err = rules.append(body, f)
			return err
		})
		if err != nil {
			return nil, err
		}
		moved[id] = t.add(body)
	}
	return moved, nil
}

func (t *table) add(body []byte) uint64 {
	if id, known := t.known[string(body)]; known {
		return id
	}
	id := uint64(len(t.known) + 1)
	t.known[string(body)] = id
	t.encoded = appendBytesField(t.encoded, t.number, append(appendVarintField(nil, entryID, id), body...))
	return id
}

// in looks references up. Zero refers to nothing.
func in(moved map[uint64]uint64) func(uint64) (uint64, error) {
	return func(old uint64) (uint64, error) {
		id, known := moved[old]
		if !known && old != 0 {
			return 0, errProfile
		}
		return id, nil
	}
}
