package vnode

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// gatekeeper knows who sends a request, and what they may do.
type gatekeeper interface {
	authenticator.Request
	authorizer.Authorizer
}

// guard lets a request through to next once its sender is known and may ask for
// this path, both within a time. Whoever is refused is told nothing of why, which
// is in the log, and loses the connection.
type guard struct {
	gatekeeper
	node    string
	timeout time.Duration
	next    http.Handler
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if code, message := g.judge(r); code != http.StatusOK {
		refuse(w, code, message)
		return
	}
	g.next.ServeHTTP(w, r)
}

// judge returns StatusOK, or the answer to a request that goes no further.
func (g *guard) judge(r *http.Request) (code int, message string) {
	ctx, cancel := context.WithTimeout(withSource(r.Context(), r.RemoteAddr), g.timeout)
	defer cancel()
	r = r.WithContext(ctx)
	who, known, err := g.AuthenticateRequest(r)
	if err != nil || !known {
		log.G(ctx).WithError(err).Debug("a request to the kubelet API has no valid credentials")
		return http.StatusUnauthorized, "Unauthorized"
	}
	if !plain(r.URL) {
		return http.StatusBadRequest, "the path is not in its shortest form"
	}
	allowed, err := mayAsk(g, g.node, who.User, r)
	if err != nil {
		log.G(ctx).WithError(err).Error("ask the API server who may use the kubelet API")
		return http.StatusInternalServerError, "the authorization could not be asked"
	}
	if !allowed {
		return http.StatusForbidden, "Forbidden"
	}
	return http.StatusOK, ""
}

// plain says whether what is authorized is what will be routed: a path with dots
// or escaped slashes could be read in two ways.
func plain(u *url.URL) bool {
	shortest := path.Clean(u.Path)
	return u.RawPath == "" && (u.Path == shortest || u.Path == shortest+"/")
}

// mayAsk tries the subresources that open a path, the narrowest first.
func mayAsk(auth authorizer.Authorizer, node string, who user.Info, r *http.Request) (bool, error) {
	for _, subresource := range subresources(r.URL.Path) {
		decision, _, err := auth.Authorize(r.Context(), authorizer.AttributesRecord{
			User: who, Verb: verb(r), APIVersion: "v1", Resource: "nodes", Name: node, Subresource: subresource,
			ResourceRequest: true, Path: r.URL.Path,
		})
		if err != nil || decision == authorizer.DecisionAllow {
			return err == nil, err
		}
	}
	return false, nil
}

// subresources of nodes that open a path, as the kubelet has them with its
// fine-grained authorization: nodes/proxy opens all but stats and metrics.
func subresources(path string) []string {
	switch first := firstPart(path); first {
	case "stats", "metrics":
		return []string{first}
	case "logs":
		return []string{"log"} // as the other log subresources, pods/log
	case "healthz", "configz":
		return []string{first, "proxy"}
	case "pods", "runningpods":
		return []string{"pods", "proxy"}
	}
	return []string{"proxy"}
}

// verb is what the request does. A stream is a creation, though a websocket
// opens it with GET: who may only read runs no commands.
func verb(r *http.Request) string {
	switch firstPart(r.URL.Path) {
	case "exec", "attach", "portForward":
		return "create"
	}
	switch r.Method {
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		return "patch"
	case http.MethodDelete:
		return "delete"
	}
	return "get"
}

func firstPart(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return first
}
