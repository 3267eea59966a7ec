package vnode

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/virtual-kubelet/virtual-kubelet/log"
	"github.com/virtual-kubelet/virtual-kubelet/node/nodeutil"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// guarded lets a request through to h once its sender is known and may ask for
// this path. The refusals tell nothing of why: what goes wrong is in the log.
func guarded(auth nodeutil.Auth, node string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, known, err := auth.AuthenticateRequest(r)
		if err != nil || !known {
			log.G(r.Context()).WithError(err).Debug("a request to the kubelet API has no valid credentials")
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		if !plain(r.URL) {
			http.Error(w, "the path is not in its shortest form", http.StatusBadRequest)
			return
		}
		allowed, err := mayAsk(auth, node, who.User, r)
		switch {
		case err != nil:
			log.G(r.Context()).WithError(err).Error("ask the API server who may use the kubelet API")
			http.Error(w, "the authorization could not be asked", http.StatusInternalServerError)
		case !allowed:
			http.Error(w, "Forbidden", http.StatusForbidden)
		default:
			h.ServeHTTP(w, r)
		}
	})
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
