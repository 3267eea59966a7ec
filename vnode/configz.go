package vnode

import (
	"encoding/json"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubeletv1beta1 "k8s.io/kubelet/config/v1beta1"
	"k8s.io/utils/ptr"
)

// configz answers with what of a kubelet's configuration applies here, in the
// kubelet's shape.
func configz(cfg Config) http.HandlerFunc {
	pods := cfg.Node.Capacity[corev1.ResourcePods]
	shown := map[string]kubeletv1beta1.KubeletConfiguration{"kubeletconfig": {
		TypeMeta:           metav1.TypeMeta{APIVersion: kubeletv1beta1.SchemeGroupVersion.String(), Kind: "KubeletConfiguration"},
		Address:            cfg.Kubelet.Address,
		Port:               cfg.Kubelet.Port,
		TLSCertFile:        cfg.Kubelet.TLSCertFile,
		TLSPrivateKeyFile:  cfg.Kubelet.TLSPrivateKeyFile,
		ServerTLSBootstrap: cfg.Kubelet.SignedCertificate,
		Authentication: kubeletv1beta1.KubeletAuthentication{
			X509:      kubeletv1beta1.KubeletX509Authentication{ClientCAFile: cfg.Kubelet.ClientCAFile},
			Webhook:   kubeletv1beta1.KubeletWebhookAuthentication{Enabled: ptr.To(true)},
			Anonymous: kubeletv1beta1.KubeletAnonymousAuthentication{Enabled: ptr.To(cfg.Kubelet.AnonymousAuth)},
		},
		Authorization:                  kubeletv1beta1.KubeletAuthorization{Mode: kubeletv1beta1.KubeletAuthorizationModeWebhook},
		StreamingConnectionIdleTimeout: metav1.Duration{Duration: cfg.Kubelet.StreamIdleTimeout},
		NodeStatusReportFrequency:      metav1.Duration{Duration: cfg.Node.StatusInterval},
		NodeStatusUpdateFrequency:      metav1.Duration{Duration: cfg.Node.PingInterval},
		NodeLeaseDurationSeconds:       int32(cfg.Node.LeaseDuration.Seconds()),
		MaxPods:                        int32(pods.Value()),
		RegisterWithTaints:             cfg.Node.Taints,
	}}
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(shown) // a client that has left needs no answer
	}
}
