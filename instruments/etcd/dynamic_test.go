package etcd_test

import (
	"context"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/telltale-agent/telltale/instruments/etcd"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// dynamicMessage makes a message of etcd's that has neither fields nor getters
// in Go, such as protobuf's opaque API would.
func dynamicMessage(t testing.TB, name protoreflect.Name) *dynamicpb.Message {
	t.Helper()
	field := func(name string, number int32, kind descriptorpb.FieldDescriptorProto_Type, of string, label descriptorpb.FieldDescriptorProto_Label) *descriptorpb.FieldDescriptorProto {
		f := &descriptorpb.FieldDescriptorProto{Name: &name, Number: &number, Type: &kind, Label: &label}
		if of != "" {
			f.TypeName = &of
		}
		return f
	}
	const (
		one       = descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL
		many      = descriptorpb.FieldDescriptorProto_LABEL_REPEATED
		ofBytes   = descriptorpb.FieldDescriptorProto_TYPE_BYTES
		ofMessage = descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
	)
	message := func(name string, fields ...*descriptorpb.FieldDescriptorProto) *descriptorpb.DescriptorProto {
		return &descriptorpb.DescriptorProto{Name: &name, Field: fields}
	}
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("peer.proto"), Package: proto.String("peer"), Syntax: proto.String("proto3"),
		MessageType: []*descriptorpb.DescriptorProto{
			message("RangeRequest", field("key", 1, ofBytes, "", one), field("range_end", 2, ofBytes, "", one)),
			message("KeyValue", field("key", 1, ofBytes, "", one), field("value", 5, ofBytes, "", one)),
			message("Event", field("kv", 2, ofMessage, ".peer.KeyValue", one)),
			message("WatchResponse", field("events", 11, ofMessage, ".peer.Event", many)),
		},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return dynamicpb.NewMessage(file.Messages().ByName(name))
}

func setBytes(m protoreflect.Message, field protoreflect.Name, value string) {
	m.Set(m.Descriptor().Fields().ByName(field), protoreflect.ValueOfBytes([]byte(value)))
}

func newDynamicRange(t testing.TB, key, end string) *dynamicpb.Message {
	m := dynamicMessage(t, "RangeRequest")
	setBytes(m, "key", key)
	setBytes(m, "range_end", end)
	return m
}

func newDynamicResponse(t testing.TB, keys ...string) *dynamicpb.Message {
	m := dynamicMessage(t, "WatchResponse")
	events := m.Mutable(m.Descriptor().Fields().ByName("events")).List()
	for _, key := range keys {
		event := events.AppendMutable().Message()
		kv := event.Mutable(event.Descriptor().Fields().ByName("kv")).Message()
		setBytes(kv, "key", key)
		setBytes(kv, "value", "some value")
	}
	return m
}

// dynamicEvent is the only event of such an answer.
func dynamicEvent(t testing.TB, key string) proto.Message {
	m := newDynamicResponse(t, key)
	return m.Get(m.Descriptor().Fields().ByName("events")).List().Get(0).Message().Interface()
}

func TestRangeEndOfOtherMessages(t *testing.T) {
	for _, row := range []struct {
		name string
		req  any
		kind string
	}{
		{"one key", newDynamicRange(t, "a", ""), "read"},
		{"range", newDynamicRange(t, "a", "b"), "batch_read"},
		{"no such field", newDynamicResponse(t), "read"},
		{"no message", "a string", "read"},
		{"nil", nil, "read"},
	} {
		t.Run(row.name, func(t *testing.T) {
			exit := instrumentstest.New(t)
			intercept := etcd.UnaryInterceptor(exit.Registry)
			if err := intercept(context.Background(), methodRange, row.req, nil, nil, invokeNothing); err != nil {
				t.Error(err)
			}
			exit.WantRecorded(t, both(row.kind, 1))
		})
	}
}
