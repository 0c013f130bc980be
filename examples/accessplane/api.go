package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	gossh "golang.org/x/crypto/ssh"

	"github.com/telltale-agent/telltale/instruments/auth"
	"github.com/telltale-agent/telltale/instruments/inventory"
	"github.com/telltale-agent/telltale/instruments/kv"
)

// api is what the auth service offers over HTTP. It is open to everybody on this
// host; outside of an example, it would ask who is there.
type api struct {
	resources  kv.Store // the cache
	authority  *authority
	audit      *auditLog
	recordings *recordings
	proxyAddr  func() string
}

// Handler serves
//
//	GET, PUT, DELETE /v1/resources/{kind}/{name}   one resource; PUT ?ttl=1h lets it expire
//	GET, DELETE      /v1/resources/{kind}          all of a kind
//	POST             /v1/resources/{kind}/{name}/rename?to=…
//	POST             /v1/certificates/{user}       a public key in, its certificate out
//	GET              /v1/audit/{user}              events from Firestore
//	POST             /v1/audit                     an event, in JSON
//	POST             /v1/audit/flush               sends what is buffered to Firestore
//	GET              /v1/recordings/{session}      from Cloud Storage
//	GET              /v1/ssh_config/{user}         how OpenSSH gets to the nodes
//	GET              /v1/known_hosts               the authority of hosts, for OpenSSH
//	POST             /v1/announce                  a heartbeat, see package inventory
func (a *api) Handler(servers *inventory.Inventory) http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, serve func(http.ResponseWriter, *http.Request) error) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := serve(w, r); err != nil {
				http.Error(w, err.Error(), statusOf(err))
			}
		})
	}
	handle("GET /v1/resources/{kind}/{name}", a.get)
	handle("PUT /v1/resources/{kind}/{name}", a.put)
	handle("DELETE /v1/resources/{kind}/{name}", a.delete)
	handle("GET /v1/resources/{kind}", a.list)
	handle("DELETE /v1/resources/{kind}", a.deleteAll)
	handle("POST /v1/resources/{kind}/{name}/rename", a.rename)
	handle("POST /v1/certificates/{user}", a.certify)
	handle("GET /v1/audit/{user}", a.search)
	handle("POST /v1/audit", a.emit)
	handle("POST /v1/audit/flush", func(_ http.ResponseWriter, r *http.Request) error { return a.audit.Flush(r.Context()) })
	handle("GET /v1/recordings/{session}", func(w http.ResponseWriter, r *http.Request) error {
		return a.recordings.Download(r.Context(), r.PathValue("session"), w)
	})
	handle("GET /v1/ssh_config/{user}", a.sshConfig)
	handle("GET /v1/known_hosts", func(w http.ResponseWriter, _ *http.Request) error {
		_, err := fmt.Fprintf(w, "@cert-authority * %s", gossh.MarshalAuthorizedKey(a.authority.hosts.PublicKey()))
		return err
	})
	mux.Handle(inventory.AnnouncePath, servers.Handler())
	return mux
}

// errRequest is what a client has done wrong.
var errRequest = errors.New("bad request")

func statusOf(err error) int {
	switch {
	case errors.Is(err, errRequest):
		return http.StatusBadRequest
	case errors.Is(err, kv.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, kv.ErrOutdated):
		return http.StatusConflict
	case errors.Is(err, auth.ErrThrottled):
		return http.StatusTooManyRequests
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	}
	return http.StatusInternalServerError
}

// keyOf is the key of the resource that a request is about.
func keyOf(r *http.Request) (string, error) {
	kind := r.PathValue("kind")
	if !slices.Contains(kinds, kind) {
		return "", fmt.Errorf("%w: kind %q: use one of %q", errRequest, kind, kinds)
	}
	return kind + "/" + r.PathValue("name"), nil
}

func (a *api) get(w http.ResponseWriter, r *http.Request) error {
	key, err := keyOf(r)
	if err != nil {
		return err
	}
	item, err := a.resources.Get(r.Context(), key)
	if err != nil {
		return err
	}
	_, err = w.Write(item.Value)
	return err
}

func (a *api) put(_ http.ResponseWriter, r *http.Request) error {
	item := kv.Item{}
	var err error
	if item.Key, err = keyOf(r); err != nil {
		return err
	}
	if item.Value, err = io.ReadAll(io.LimitReader(r.Body, 1<<20)); err != nil {
		return err
	}
	if text := r.URL.Query().Get("ttl"); text != "" {
		ttl, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%w: %v", errRequest, err)
		}
		item.Expires = time.Now().Add(ttl)
	}
	return a.resources.Put(r.Context(), item)
}

func (a *api) delete(_ http.ResponseWriter, r *http.Request) error {
	key, err := keyOf(r)
	if err != nil {
		return err
	}
	return a.resources.Delete(r.Context(), key)
}

// bounds are the first key of a kind and the first after its last.
func bounds(key string) (start, end string) {
	return key, key[:len(key)-1] + string('/'+1)
}

func (a *api) list(w http.ResponseWriter, r *http.Request) error {
	key, err := keyOf(r)
	if err != nil {
		return err
	}
	start, end := bounds(key)
	items, err := a.resources.Range(r.Context(), start, end, 0)
	if err != nil {
		return err
	}
	for _, item := range items {
		fmt.Fprintln(w, item.Key)
	}
	return nil
}

func (a *api) deleteAll(_ http.ResponseWriter, r *http.Request) error {
	key, err := keyOf(r)
	if err != nil {
		return err
	}
	start, end := bounds(key)
	return a.resources.DeleteRange(r.Context(), start, end)
}

// rename moves a resource to another name, unless somebody changes it meanwhile
// or the name is taken.
func (a *api) rename(_ http.ResponseWriter, r *http.Request) error {
	key, err := keyOf(r)
	if err != nil {
		return err
	}
	item, err := a.resources.Get(r.Context(), key)
	if err != nil {
		return err
	}
	to := item
	to.Key = r.PathValue("kind") + "/" + r.URL.Query().Get("to")
	return a.resources.Txn(r.Context(), kv.Txn{
		If:     []kv.Condition{{Key: item.Key, Revision: item.Revision}, {Key: to.Key}},
		Put:    []kv.Item{to},
		Delete: []string{item.Key},
	})
}

// certify signs the public key of a user who is known.
func (a *api) certify(w http.ResponseWriter, r *http.Request) error {
	user := r.PathValue("user")
	text, err := io.ReadAll(io.LimitReader(r.Body, 64<<10))
	if err != nil {
		return err
	}
	key, _, _, _, err := gossh.ParseAuthorizedKey(text)
	if err != nil {
		return fmt.Errorf("%w: %v", errRequest, err)
	}
	if _, err := a.resources.Get(r.Context(), "users/"+user); err != nil {
		return err
	}
	certificate, err := a.authority.SignUser(r.Context(), user, key)
	if err != nil {
		return err
	}
	_, err = w.Write(gossh.MarshalAuthorizedKey(certificate))
	return err
}

func (a *api) search(w http.ResponseWriter, r *http.Request) error {
	events, err := a.audit.Search(r.Context(), r.PathValue("user"))
	if err != nil {
		return err
	}
	return json.NewEncoder(w).Encode(events)
}

func (a *api) emit(_ http.ResponseWriter, r *http.Request) error {
	var event auditEvent
	if err := json.NewDecoder(io.LimitReader(r.Body, 64<<10)).Decode(&event); err != nil {
		return fmt.Errorf("%w: %v", errRequest, err)
	}
	return a.audit.Emit(r.Context(), event)
}

// sshConfig expects the key, its certificate and the known hosts beside it.
func (a *api) sshConfig(w http.ResponseWriter, r *http.Request) error {
	host, port, err := net.SplitHostPort(a.proxyAddr())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, `Host proxy
	HostName %s
	Port %s
	HostKeyAlias proxy
Host node-*
	ProxyJump proxy
Host *
	User %s
	IdentityFile key
	CertificateFile key-cert.pub
	UserKnownHostsFile known_hosts
`, host, port, r.PathValue("user"))
	return err
}
