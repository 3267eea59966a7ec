package controlplane

import (
	"fmt"
	"os"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/eci-vnode/eci-vnode/sandbox/pki"
)

// clusterName appears in every kubeconfig, as cluster and as context.
const clusterName = "eci-sandbox"

// kubernetesServiceIP is the first address of serviceCIDR: in-cluster clients
// reach the API server under it.
const kubernetesServiceIP = "10.96.0.1"

// Credentials are the files that prove who is who in one cluster.
type Credentials struct {
	CA          pki.Files // signs everything that clients and servers show each other
	NodeServing pki.Files // of the virtual node's kubelet API
	// MetricsServing is that of the service metrics-server in kube-system.
	MetricsServing pki.Files

	apiServer, apiServerToKubelet pki.Files
	frontProxyCA, frontProxy      pki.Files
	serviceAccount                pki.Files // signs ServiceAccount tokens

	adminKubeconfig, schedulerKubeconfig, controllerManagerKubeconfig string
}

// issuer writes key pairs into a directory and remembers the first error, so
// that a list of certificates reads as a list.
type issuer struct {
	dir string
	err error
}

func writeCredentials(config Config) (Credentials, error) {
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return Credentials{}, err
	}
	i := &issuer{dir: config.Dir}
	ca, frontProxyCA := i.authority("eci-sandbox-ca"), i.authority("eci-sandbox-front-proxy-ca")
	if i.err != nil {
		return Credentials{}, i.err
	}
	credentials := Credentials{
		CA: i.write(ca.KeyPair, "ca"),
		NodeServing: i.issue(ca, "node", pki.Subject{
			CommonName:    "system:node:" + config.NodeName,
			Organizations: []string{"system:nodes"},
			Hosts:         []string{config.NodeName, "localhost", "127.0.0.1", config.NodeIP},
		}),
		MetricsServing: i.issue(ca, "metrics-server", pki.Subject{
			CommonName: "metrics-server",
			Hosts:      []string{"metrics-server.kube-system.svc", "localhost", "127.0.0.1"},
		}),
		apiServer: i.issue(ca, "apiserver", pki.Subject{
			CommonName: "kube-apiserver",
			Hosts: []string{
				"localhost", "127.0.0.1", kubernetesServiceIP,
				"kubernetes", "kubernetes.default", "kubernetes.default.svc",
			},
		}),
		apiServerToKubelet: i.issue(ca, "apiserver-kubelet-client", pki.Subject{
			CommonName:    "kube-apiserver-kubelet-client",
			Organizations: []string{"system:masters"},
		}),
		frontProxyCA: i.write(frontProxyCA.KeyPair, "front-proxy-ca"),
		frontProxy:   i.issue(frontProxyCA, "front-proxy-client", pki.Subject{CommonName: "front-proxy-client"}),
		// Only the key counts: tokens are signed with it, the certificate is not shown to anyone.
		serviceAccount:              i.issue(ca, "service-account", pki.Subject{CommonName: "service-account"}),
		adminKubeconfig:             i.kubeconfig(config, ca, "admin", "system:masters"),
		schedulerKubeconfig:         i.kubeconfig(config, ca, "system:kube-scheduler"),
		controllerManagerKubeconfig: i.kubeconfig(config, ca, "system:kube-controller-manager"),
	}
	return credentials, i.err
}

func (i *issuer) authority(name string) *pki.Authority {
	authority, err := pki.NewAuthority(name)
	i.keep(err)
	return authority
}

func (i *issuer) issue(authority *pki.Authority, file string, subject pki.Subject) pki.Files {
	pair, err := authority.Issue(subject)
	i.keep(err)
	return i.write(pair, file)
}

func (i *issuer) write(pair pki.KeyPair, file string) pki.Files {
	files, err := pair.Write(i.dir, file)
	i.keep(err)
	return files
}

// kubeconfig writes one that holds its certificates, so that it may be copied.
func (i *issuer) kubeconfig(config Config, ca *pki.Authority, user string, groups ...string) string {
	pair, err := ca.Issue(pki.Subject{CommonName: user, Organizations: groups})
	i.keep(err)
	path := config.path(user + ".kubeconfig")
	i.keep(writeKubeconfig(path, config.ServerURL(), ca.CertificatePEM, user, &clientcmdapi.AuthInfo{
		ClientCertificateData: pair.CertificatePEM,
		ClientKeyData:         pair.KeyPEM,
	}))
	return path
}

func (i *issuer) keep(err error) {
	if i.err == nil {
		i.err = err
	}
}

func writeKubeconfig(path, server string, ca []byte, user string, auth *clientcmdapi.AuthInfo) error {
	file := clientcmdapi.NewConfig()
	file.Clusters[clusterName] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: ca}
	file.AuthInfos[user] = auth
	file.Contexts[clusterName] = &clientcmdapi.Context{Cluster: clusterName, AuthInfo: user}
	file.CurrentContext = clusterName
	if err := clientcmd.WriteToFile(*file, path); err != nil {
		return fmt.Errorf("write the kubeconfig of %s: %w", user, err)
	}
	return nil
}

// WriteAdminKubeconfig saves, at path, access as cluster administrator.
func (p *Plane) WriteAdminKubeconfig(path string) error {
	content, err := os.ReadFile(p.Credentials.adminKubeconfig)
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

// WriteTokenKubeconfig saves, at path, access as the user that token proves.
func (p *Plane) WriteTokenKubeconfig(path, user, token string) error {
	return writeKubeconfig(path, p.Admin.Host, p.Admin.CAData, user, &clientcmdapi.AuthInfo{Token: token})
}

func adminClientConfig(credentials Credentials) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", credentials.adminKubeconfig)
	if err != nil {
		return nil, err
	}
	config.UserAgent = clusterName
	return config, nil
}
