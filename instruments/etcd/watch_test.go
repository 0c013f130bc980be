package etcd_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/etcd"
	"github.com/telltale-agent/telltale/instruments/instrumentstest"
)

// answerOf makes an answer with an event of 100 bytes for each key.
func answerOf(keys ...string) *response {
	answer := &response{}
	for _, key := range keys {
		answer.Events = append(answer.Events, &event{Kv: &keyValue{Key: []byte(key)}, Bytes: 100})
	}
	return answer
}

func byFirstSegment(key []byte) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(string(key), "/"), "/")
	return name
}

func TestEvents(t *testing.T) {
	addr := serve(t)
	users := etcd.WatchOptions{Resource: byFirstSegment}
	for _, row := range []struct {
		name    string
		options etcd.WatchOptions
		answers []*response
		want    instrumentstest.Values
	}{
		{"none", users, []*response{{}, {}}, instrumentstest.Values{}},
		{"two resources", users, []*response{answerOf("/user/a", "/role/b"), {}, answerOf("/user/c")}, instrumentstest.Values{
			"watcher_event_sizes_count": 3, "watcher_event_sizes_sum": 300,
			"watcher_events_count{user}": 2, "watcher_events_sum{user}": 200,
			"watcher_events_count{role}": 1, "watcher_events_sum{role}": 100,
		}},
		{"no rule", etcd.WatchOptions{}, []*response{answerOf("/user/a")}, instrumentstest.Values{
			"watcher_event_sizes_count": 1, "watcher_event_sizes_sum": 100,
			"watcher_events_count{unknown}": 1, "watcher_events_sum{unknown}": 100,
		}},
		{"no name", users, []*response{answerOf("/")}, instrumentstest.Values{
			"watcher_event_sizes_count": 1, "watcher_event_sizes_sum": 100,
			"watcher_events_count{unknown}": 1, "watcher_events_sum{unknown}": 100,
		}},
		{"rule panics", etcd.WatchOptions{Resource: func([]byte) string { panic("of the rule") }},
			[]*response{answerOf("a", "b")}, instrumentstest.Values{
				"watcher_event_sizes_count": 2, "watcher_event_sizes_sum": 200,
				"watcher_events_count{unknown}": 2, "watcher_events_sum{unknown}": 200,
			}},
		{"parts missing", users, []*response{{Events: []*event{nil, {Bytes: 7}}}}, instrumentstest.Values{
			"watcher_event_sizes_count": 1, "watcher_event_sizes_sum": 7,
			"watcher_events_count{unknown}": 1, "watcher_events_sum{unknown}": 7,
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			exit := instrumentstest.New(t)
			conn := dial(t, addr, etcd.DialOptions(exit.Registry, row.options)...)
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			stream := watch(t, ctx, conn, row.answers...)
			for i, want := range row.answers {
				var got response
				if err := stream.RecvMsg(&got); err != nil || len(got.Events) != len(want.Events) {
					t.Fatalf("answer %d: got %d events and %v, want %d", i, len(got.Events), err, len(want.Events))
				}
			}
			cancel()
			if err := stream.RecvMsg(&response{}); err == nil {
				t.Error("got an answer after the end of the context")
			}
			exit.WantRecorded(t, row.want)
		})
	}
}

func TestOtherStreamsPass(t *testing.T) {
	bare := &fakeStream{message: func(m any) { *m.(*response) = *answerOf("a") }}
	intercept := etcd.StreamInterceptor(instrumentstest.New(t).Registry, etcd.WatchOptions{})
	open := func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, ...grpc.CallOption) (grpc.ClientStream, error) {
		return bare, nil
	}
	got, err := intercept(context.Background(), &grpc.StreamDesc{}, nil, "/etcdserverpb.Lease/LeaseKeepAlive", open)
	if err != nil || got != grpc.ClientStream(bare) {
		t.Errorf("got %v, %v; want the stream itself", got, err)
	}
}

func TestStreamThatDoesNotOpen(t *testing.T) {
	want := errors.New("no stream")
	intercept := etcd.StreamInterceptor(instrumentstest.New(t).Registry, etcd.WatchOptions{})
	open := func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, ...grpc.CallOption) (grpc.ClientStream, error) {
		return nil, want
	}
	got, err := intercept(context.Background(), &grpc.StreamDesc{}, nil, methodWatch, open)
	if got != nil || err != want {
		t.Errorf("got %v, %v; want nil and the very error", got, err)
	}
}

// fakeStream receives whatever message writes into the caller's.
type fakeStream struct {
	grpc.ClientStream
	message func(m any)
}

func (s *fakeStream) RecvMsg(m any) error {
	s.message(m)
	return nil
}

// watchOf puts the interceptor around a stream.
func watchOf(t testing.TB, exit *instrumentstest.Exit, options etcd.WatchOptions, message func(m any)) grpc.ClientStream {
	t.Helper()
	intercept := etcd.StreamInterceptor(exit.Registry, options)
	stream, err := intercept(context.Background(), &grpc.StreamDesc{}, nil, methodWatch,
		func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string, ...grpc.CallOption) (grpc.ClientStream, error) {
			return &fakeStream{message: message}, nil
		})
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

func TestEventsOfOtherMessages(t *testing.T) {
	type noEvents struct{ Events []string }
	type notPointers struct{ Events []event }
	type noKey struct{ Events []*event2 }
	dynamic := newDynamicResponse(t, "/user/a", "/role/b")
	for _, row := range []struct {
		name string
		m    any
		want float64
	}{
		{"nil", nil, 0},
		{"nil pointer", (*response)(nil), 0},
		{"no pointer", 7, 0},
		{"other events", &noEvents{Events: []string{"a"}}, 0},
		{"events by value", &notPointers{Events: []event{{}}}, 0},
		{"events without a key", &noKey{Events: []*event2{{}}}, 0},
		{"protobuf without fields", dynamic, 2},
		{"protobuf of something else", newDynamicRange(t, "a", "b"), 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			exit := instrumentstest.New(t)
			stream := watchOf(t, exit, etcd.WatchOptions{Resource: byFirstSegment}, func(any) {})
			if err := stream.RecvMsg(row.m); err != nil {
				t.Error(err)
			}
			if got := exit.Recorded(t)["watcher_event_sizes_count"]; got != row.want {
				t.Errorf("got %v events, want %v", got, row.want)
			}
		})
	}
	exit := instrumentstest.New(t)
	_ = watchOf(t, exit, etcd.WatchOptions{Resource: byFirstSegment}, func(any) {}).RecvMsg(dynamic)
	size := float64(proto.Size(dynamicEvent(t, "/user/a")))
	exit.WantRecorded(t, instrumentstest.Values{
		"watcher_event_sizes_count": 2, "watcher_event_sizes_sum": 2 * size,
		"watcher_events_count{user}": 1, "watcher_events_sum{user}": size,
		"watcher_events_count{role}": 1, "watcher_events_sum{role}": size,
	})
}

type event2 struct{ Kv *struct{ Name string } }

func (*event2) Size() int { return 1 }

func TestResourcesAreBounded(t *testing.T) {
	exit := instrumentstest.New(t, instruments.WithSeriesLimit(4))
	stream := watchOf(t, exit, etcd.WatchOptions{Resource: func(key []byte) string { return string(key) }},
		func(m any) {
			for i := range 10 {
				m.(*response).Events = append(m.(*response).Events, answerOf(fmt.Sprint("r", i)).Events...)
			}
		})
	if err := stream.RecvMsg(&response{}); err != nil {
		t.Fatal(err)
	}
	counts := exit.Recorded(t)
	if counts["watcher_event_sizes_count"] != 10 || counts["watcher_events_count{true}"] != 7 {
		t.Errorf("got %v, want 10 events, 7 of them in the overflow series", counts)
	}
}

func TestConcurrentWatchesAreExact(t *testing.T) {
	exit := instrumentstest.New(t)
	conn := dial(t, serve(t), etcd.DialOptions(exit.Registry, etcd.WatchOptions{Resource: byFirstSegment})...)
	const watches, each = 8, 20
	var done sync.WaitGroup
	for range watches {
		done.Go(func() {
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			var answers []*response
			for range each {
				answers = append(answers, answerOf("/user/a", "/role/b"))
			}
			stream := watch(t, ctx, conn, answers...)
			for range each {
				if err := stream.RecvMsg(&response{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done.Wait()
	const n = watches * each
	exit.WantRecorded(t, instrumentstest.Values{
		"watcher_event_sizes_count": 2 * n, "watcher_event_sizes_sum": 200 * n,
		"watcher_events_count{user}": n, "watcher_events_sum{user}": 100 * n,
		"watcher_events_count{role}": n, "watcher_events_sum{role}": 100 * n,
	})
}

func TestByPrefix(t *testing.T) {
	rule := etcd.ByPrefix(map[string]string{"/users/": "user", "/users/service/": "bot", "/roles/": "role"})
	for key, want := range map[string]string{
		"/users/alice": "user", "/users/service/ci": "bot", "/users/": "user",
		"/users": etcd.UnknownResource, "/roles/x": "role", "": etcd.UnknownResource,
	} {
		if got := rule([]byte(key)); got != want {
			t.Errorf("%q: got %q, want %q", key, got, want)
		}
	}
	if got := etcd.ByPrefix(map[string]string{"": "all"})(nil); got != "all" {
		t.Errorf("got %q, want the resource of the empty prefix", got)
	}
}

func TestEventsAllocateNothing(t *testing.T) {
	rule := etcd.ByPrefix(map[string]string{"/user/": "user", "/role/": "role"})
	stream := watchOf(t, instrumentstest.New(t), etcd.WatchOptions{Resource: rule}, func(any) {})
	answer := answerOf("/user/a", "/role/b", "/other")
	if n := testing.AllocsPerRun(100, func() { _ = stream.RecvMsg(answer) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// What the interceptor adds to an answer of ten events.
func BenchmarkWatch(b *testing.B) {
	rule := etcd.ByPrefix(map[string]string{"/user/": "user", "/role/": "role"})
	var answer response
	for range 5 {
		answer.Events = append(answer.Events, answerOf("/user/a", "/role/b").Events...)
	}
	for _, row := range []struct {
		name   string
		stream grpc.ClientStream
	}{
		{"bare", &fakeStream{message: func(any) {}}},
		{"measured", watchOf(b, instrumentstest.New(b), etcd.WatchOptions{Resource: rule}, func(any) {})},
	} {
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = row.stream.RecvMsg(&answer)
			}
		})
	}
}
