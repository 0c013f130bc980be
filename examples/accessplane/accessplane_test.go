package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	gossh "golang.org/x/crypto/ssh"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/telltale-agent/telltale/agent"
	"github.com/telltale-agent/telltale/exporters"
	"github.com/telltale-agent/telltale/instruments"
	"github.com/telltale-agent/telltale/instruments/buildinfo"
	"github.com/telltale-agent/telltale/instruments/inventory"
)

// patience is how long the test waits for what is to come.
const patience = time.Minute

// TestEveryDocumentedMetricMoves starts an access plane, uses it with real
// clients in every way that a documented metric tells of, and compares what
// /metrics and a Collector say, first while everything is going on and then
// when all has ended.
func TestEveryDocumentedMetricMoves(t *testing.T) {
	r := startRig(t)
	before := r.scraper.read(t)
	table := r.table()
	checkTable(t, table)

	r.readAndWrite(t)
	if _, err := r.certificate(t.Context(), "nobody"); err == nil {
		t.Fatal("nobody has a certificate")
	}
	for _, s := range r.services() {
		if err := r.Serve(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	r.cutTunnels(t)
	r.failedLogins(t)
	occupyThreads(pprof.Lookup("threadcreate").Count() + 1) // more than there can be
	alice := r.enterNode(t)
	r.connectElsewhere(t, alice.proxy)
	r.auditAndRecordings(t)
	release := r.beBusy(t, alice)
	busy := r.check(t, "busy", table, before, func(row row) want { return row.busy })
	release()
	runtime.GC()
	end := r.check(t, "end", table, before, func(row row) want { return row.end })
	checkMoved(t, table, before, busy, end)
}

func startRig(t *testing.T) *rig {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t, goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start")) })
	r := &rig{wire: &wire{}, signer: &slowSigner{Signer: mustKey(t)}, collector: startCollector(t)}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	var err error
	r.Plane, err = Start(t.Context(), Config{
		Agent: agent.Config{
			DiagAddr:     "127.0.0.1:0",
			Heartbeat:    2 * time.Second,
			OTLP:         []exporters.Target{{URL: r.collector.url}},
			PushInterval: 500 * time.Millisecond,
			Build:        buildinfo.Info{Version: "1.2.3", GitRef: "v1.2.3-0-gabc"},
		},
		Dir:            t.TempDir(),
		MaxConnections: 3,
		MaxSessions:    2,
		MaxGenerating:  2,
		DiskCheck:      10 * time.Second,
		Announce:       3 * time.Second,
		ForgetAfter:    10 * time.Second,
		FlushAfter:     time.Hour, // the test says when
		UserAuthority:  r.signer,
		DialProxy:      r.wire.dialTunnel,
		Logger:         slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := r.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	r.scraper = &scraper{url: "http://" + r.agent.Addr() + "/metrics"}
	r.watched = watchEtcd(t, r.client.Endpoints()[0])
	return r
}

// services are those that the plane does not start by itself: with them there
// is one of each type.
func (r *rig) services() []service {
	return []service{
		{ID: "kube-1", Type: instruments.TunnelKube, Version: "v17.0.0", Serve: drain},
		{ID: "db-1", Type: instruments.TunnelDB, Version: "17.0.0+lab", Serve: drain},
		{ID: "desk-1", Type: instruments.TunnelWindowsDesktop, Serve: drain},
		{ID: "leaf-proxy", Type: instruments.TunnelProxy, Cluster: "root", Serve: drain},
	}
}

// readAndWrite writes and reads users, nodes and clusters.
func (r *rig) readAndWrite(t *testing.T) {
	r.request(t, "PUT", "/v1/resources/users/alice", "a user", 200)
	r.request(t, "PUT", "/v1/resources/users/bob", strings.Repeat("a longer one ", 50), 200)
	r.request(t, "PUT", "/v1/resources/users/carol?ttl=-1h", "one who has expired", 200)
	r.request(t, "PUT", "/v1/resources/nodes/node-1", "", 200)
	r.request(t, "PUT", "/v1/resources/nodes/node-2", "", 200)
	r.request(t, "PUT", "/v1/resources/clusters/leaf", "leaf-proxy", 200)
	events := func(n float64) {
		r.await(t, row{metric: "teleport_cache_events", labels: `cache_component="resources"`, busy: is(n)})
	}
	events(6)
	r.request(t, "GET", "/v1/resources/users/alice", "", 200)
	r.request(t, "GET", "/v1/resources/users/nobody", "", 404)
	r.request(t, "GET", "/v1/resources/users/carol", "", 404)
	r.request(t, "GET", "/v1/resources/users", "", 200)
	r.request(t, "POST", "/v1/resources/users/bob/rename?to=rob", "", 200)
	events(8)
	r.request(t, "POST", "/v1/resources/users/alice/rename?to=rob", "", 409)
	r.request(t, "DELETE", "/v1/resources/users/rob", "", 200)
	r.request(t, "DELETE", "/v1/resources/users/nobody", "", 404)
	events(9)
}

// cutTunnels takes the line to the proxy away, and gives it back.
func (r *rig) cutTunnels(t *testing.T) {
	tunnels := func(n float64) {
		for _, typ := range []string{"node", "proxy", "app", "kube", "db", "windows_desktop"} {
			r.await(t, row{metric: "teleport_reverse_tunnels_connected", labels: fmt.Sprintf("type=%q", typ), busy: is(n)})
		}
	}
	tunnels(1)
	r.wire.setCut(true)
	tunnels(0)
	r.await(t, row{metric: "proxy_missing_ssh_tunnels", busy: is(2)})
	r.await(t, row{metric: "reversetunnel_connected_proxies", busy: is(0)})
	r.await(t, row{metric: "trusted_clusters", labels: `cluster="root",state="connected"`, busy: gone})
	r.await(t, row{metric: "trusted_clusters", labels: `cluster="root",state="connecting"`, busy: is(1)})
	r.wire.setCut(false)
	tunnels(1)
}

// failedLogins are refused by the proxy, each for another reason.
func (r *rig) failedLogins(t *testing.T) {
	soon := time.Now().Add(time.Minute)
	r.fail(t, certify(t, r.signer, "alice", time.Now().Add(-time.Minute)))
	r.fail(t, certify(t, r.signer, "bob", soon))
	r.fail(t, certify(t, mustKey(t), "alice", soon))
	r.fail(t, mustKey(t))
}

// visit is alice at the proxy and at the node.
type visit struct {
	key         gossh.Signer
	proxy, node *gossh.Client
}

// enterNode lets alice in, after somebody with the certificate of a stranger
// was refused by the node, and runs a command there.
func (r *rig) enterNode(t *testing.T) visit {
	key, err := r.certificate(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	proxy := r.enter(t, key)
	if _, err := r.node(t, proxy, certify(t, mustKey(t), "alice", time.Now().Add(time.Minute))); err == nil {
		t.Fatal("the node lets in who has a certificate of another authority")
	}
	node, err := r.node(t, proxy, key)
	if err != nil {
		t.Fatal(err)
	}
	command, err := node.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Run("true"); err != nil {
		t.Fatal(err)
	}
	return visit{key, proxy, node}
}

// connectElsewhere tries to reach what has a tunnel, and what has none.
func (r *rig) connectElsewhere(t *testing.T, proxy *gossh.Client) {
	for host, works := range map[string]bool{"node-2": false, "node-1.leaf": true, "node-1.nowhere": false} {
		conn, err := proxy.Dial("tcp", host+":22")
		if err == nil {
			_, _ = io.Copy(io.Discard, conn) // the far end closes it
			conn.Close()
		}
		if works != (err == nil) {
			t.Fatalf("connect to %s: %v", host, err)
		}
	}
}

// beBusy keeps open what can be kept open, and finds out what is above the
// limits then. Release lets go of everything.
func (r *rig) beBusy(t *testing.T, alice visit) (release func()) {
	shells := []shell{openShell(t, alice.node, false), openShell(t, alice.node, true)}
	if _, err := alice.node.NewSession(); err == nil {
		t.Fatal("a third session is not refused")
	}
	second, third := r.enter(t, alice.key), r.enter(t, alice.key)
	r.refused(t)
	await := r.generate(t)
	r.loseDirectory(t)
	r.request(t, "POST", inventory.AnnouncePath, `{"id":"dbs-1","type":"db_service","version":"not a version"}`, 204)

	return func() {
		r.findDirectory(t)
		await()
		for _, s := range shells {
			s.leave(t)
		}
		r.request(t, "DELETE", "/v1/resources/clusters", "", 200)
		r.request(t, "DELETE", "/v1/resources/nodes", "", 200)
		r.request(t, "POST", "/v1/audit/flush", "", 200)
		alice.node.Close()
		_ = alice.node.Wait() // the proxy has closed its side
		r.await(t, row{metric: "server_interactive_sessions_total", busy: is(0)})
		for _, client := range []io.Closer{second, third, alice.proxy} {
			client.Close()
		}
		for _, id := range []string{"node-1", "dashboard", "kube-1", "db-1", "desk-1", "leaf-proxy"} {
			r.Withdraw(id)
		}
	}
}

// auditAndRecordings sends events to Firestore, not always with success, and
// fetches things back.
func (r *rig) auditAndRecordings(t *testing.T) {
	r.request(t, "POST", "/v1/audit", `{"type":"note","user":"alice"}`, 200)
	r.request(t, "POST", "/v1/audit", `{"user":"alice"}`, 400)
	r.firestore.Refuse(status.Error(codes.PermissionDenied, "not today"))
	r.request(t, "POST", "/v1/audit/flush", "", 500)
	r.firestore.Refuse(nil)
	r.request(t, "POST", "/v1/audit/flush", "", 200)
	r.request(t, "GET", "/v1/audit/alice", "", 200)
	r.request(t, "GET", "/v1/audit/nobody", "", 200)
	r.request(t, "GET", "/v1/recordings/alice-1", "", 200)
	r.request(t, "GET", "/v1/recordings/none", "", 500)
}

// refused is one connection more than the proxy takes.
func (r *rig) refused(t *testing.T) {
	conn, err := net.Dial("tcp", r.proxy.users.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if n, err := conn.Read(make([]byte, 1)); err == nil {
		t.Fatalf("read %d bytes from a connection above the limit", n)
	}
}

// generate asks for as many certificates as are made at a time, and one more.
// The function returned waits for them.
func (r *rig) generate(t *testing.T) (await func()) {
	release := sync.OnceFunc(r.signer.hold())
	t.Cleanup(release) // if the test fails, so that nothing waits for ever
	var generating sync.WaitGroup
	for range 2 {
		generating.Go(func() {
			if _, err := r.certificate(context.Background(), "alice"); err != nil {
				t.Error(err)
			}
		})
	}
	r.await(t, row{metric: "auth_generate_requests", busy: is(2)})
	if _, err := r.certificate(t.Context(), "alice"); err == nil || !strings.Contains(err.Error(), "429") {
		t.Fatalf("a third certificate at a time: got error %v, want status 429", err)
	}
	return func() {
		release()
		generating.Wait()
	}
}

// loseDirectory takes the audit log's directory away until that was noticed.
func (r *rig) loseDirectory(t *testing.T) {
	if err := os.Rename(r.auditDir(), r.auditDir()+".away"); err != nil {
		t.Fatal(err)
	}
	r.request(t, "POST", "/v1/audit", `{"type":"note","user":"alice"}`, 500)
	r.await(t, row{metric: "process_state", busy: is(2)})
	r.await(t, row{metric: "audit_failed_disk_monitoring", busy: is(1)})
}

func (r *rig) findDirectory(t *testing.T) {
	if err := os.Rename(r.auditDir()+".away", r.auditDir()); err != nil {
		t.Fatal(err)
	}
}

// occupyThreads makes the runtime create threads: for goroutines that are tied
// to one each, all at the same time.
func occupyThreads(n int) {
	var all, done sync.WaitGroup
	all.Add(n)
	for range n {
		done.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			all.Done()
			all.Wait()
		})
	}
	done.Wait()
}

// statfsPercent is what df shows as Use%.
func statfsPercent(dir string) (float64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, err
	}
	used := float64(s.Blocks - s.Bfree)
	return used / (used + float64(s.Bavail)) * 100, nil
}

// documented are the kinds of the documented metrics, by name.
func documented(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "instruments", "testdata", "documented.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	kinds := make(map[string]string)
	for line := range strings.Lines(string(text)) {
		columns := strings.Split(line, "\t")
		kinds[columns[0]] = columns[1]
	}
	delete(kinds, "name") // the heading
	if len(kinds) != 95 {
		t.Fatalf("%d documented metrics, want 95", len(kinds))
	}
	return kinds
}
