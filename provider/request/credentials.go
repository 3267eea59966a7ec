package request

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/eci-vnode/eci-vnode/eci"
)

// maxCredentials is how many registries a group can log in to. Source: OpenAPI
// metadata.
const maxCredentials = 10

// registryLogin is one entry of a docker config.
type registryLogin struct {
	Username      string `json:"username"`
	Password      string `json:"password"`
	Auth          string `json:"auth"`
	IdentityToken string `json:"identitytoken"`
}

// credentials turns the pull secrets into logins. As with the kubelet, a secret
// that is missing or is no pull secret stops nothing: the image may be public.
func (t *translator) credentials(path *field.Path) {
	for i, ref := range t.pod.Spec.ImagePullSecrets {
		if !t.hasPullSecret(ref.Name) {
			t.warn(ReasonPullSecretMissing, path.Index(i).Child("name"), "image pull secret "+ref.Name+" not found")
		}
	}
	logins := &registryLogins{t: t, path: path, known: map[string]bool{}}
	size := 0
	for _, secret := range uniqueSecrets(t.objects.PullSecrets) {
		if size += loginSize(secret); size > maxPullSecretText {
			t.refuse(path, fmt.Sprintf("the pull secrets have more than %d bytes together: leave some out", maxPullSecretText))
			return
		}
		servers, err := loginsOf(secret)
		if err != nil {
			// The parser quotes what it read: say nothing but the name.
			t.warn(ReasonPullSecretInvalid, path, "secret "+secret.Name+" is no docker config")
			continue
		}
		for _, server := range sortedKeys(servers) {
			logins.put(server, servers[server])
		}
	}
	if n := len(t.req.ImageRegistryCredentials); n > maxCredentials {
		t.refusals = append(t.refusals, field.TooMany(path, n, maxCredentials))
	}
}

// uniqueSecrets returns each Secret once: a pod may name one again and again.
func uniqueSecrets(secrets []*corev1.Secret) []*corev1.Secret {
	var found []*corev1.Secret
	seen := map[*corev1.Secret]bool{nil: true}
	for _, secret := range secrets {
		if !seen[secret] {
			seen[secret] = true
			found = append(found, secret)
		}
	}
	return found
}

// loginSize is how much loginsOf would parse.
func loginSize(secret *corev1.Secret) int {
	return len(secret.Data[corev1.DockerConfigJsonKey]) + len(secret.Data[corev1.DockerConfigKey])
}

func (t *translator) hasPullSecret(name string) bool {
	for _, secret := range t.objects.PullSecrets {
		if secret != nil && secret.Name == name {
			return true
		}
	}
	return false
}

// loginsOf reads both forms of docker config by server.
func loginsOf(secret *corev1.Secret) (map[string]registryLogin, error) {
	if data, ok := secret.Data[corev1.DockerConfigJsonKey]; ok {
		var config struct {
			Auths map[string]registryLogin `json:"auths"`
		}
		err := json.Unmarshal(data, &config)
		return config.Auths, err
	}
	var logins map[string]registryLogin
	err := json.Unmarshal(secret.Data[corev1.DockerConfigKey], &logins)
	return logins, err
}

// registryLogins puts logins into the request.
type registryLogins struct {
	t    *translator
	path *field.Path
	// known are the servers that have a login.
	known map[string]bool
}

// put adds a login; the first one for a server counts.
func (l *registryLogins) put(server string, login registryLogin) {
	host := serverHost(server)
	user, password := login.userAndPassword()
	if host == "" || user == "" || password == "" {
		l.t.warn(ReasonPullSecretInvalid, l.path, "no user name and password for registry "+host)
		return
	}
	if l.known[host] {
		return
	}
	l.known[host] = true
	l.t.req.ImageRegistryCredentials = append(l.t.req.ImageRegistryCredentials,
		eci.ImageRegistryCredential{Server: host, UserName: user, Password: eci.Secret(password)})
}

// userAndPassword prefers auth, as docker does. The password is all behind the
// first colon.
func (l registryLogin) userAndPassword() (user, password string) {
	plain, err := base64.StdEncoding.DecodeString(l.Auth)
	if err == nil && len(plain) > 0 {
		if user, password, ok := strings.Cut(strings.TrimRight(string(plain), "\x00"), ":"); ok {
			return user, password
		}
	}
	return l.Username, l.Password
}

// serverHost cuts the scheme and the path off: ECI wants the host alone.
func serverHost(server string) string {
	server = strings.TrimSpace(server)
	if _, rest, ok := strings.Cut(server, "://"); ok {
		server = rest
	}
	host, _, _ := strings.Cut(server, "/")
	return host
}
