package controlplane

import (
	"context"
	"fmt"
	"net/url"

	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// etcdQuota is room for the history that tens of thousands of pods write
// between two compactions; etcd refuses writes beyond it. In bytes.
const etcdQuota = 8 << 30

// startEtcd returns etcd running and ready.
func startEtcd(ctx context.Context, config Config) (component, error) {
	options := embed.NewConfig()
	options.Dir = config.path("etcd")
	options.UnsafeNoFsync = true // the state is thrown away, so nothing is lost with the machine
	options.QuotaBackendBytes = etcdQuota
	options.AutoCompactionMode, options.AutoCompactionRetention = embed.CompactorModePeriodic, "10m"
	options.ListenClientUrls = loopbackURLs(config.EtcdPort)
	options.AdvertiseClientUrls = options.ListenClientUrls
	options.ListenPeerUrls = loopbackURLs(config.EtcdPort + 1)
	options.AdvertisePeerUrls = options.ListenPeerUrls
	options.InitialCluster = options.InitialClusterFromName(options.Name)
	options.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.New(zapcore.NewCore(
		zapcore.NewConsoleEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(config.Log), zapcore.WarnLevel)))

	server, err := embed.StartEtcd(options)
	if err != nil {
		return component{}, fmt.Errorf("start etcd: %w", err)
	}
	select {
	case <-server.Server.ReadyNotify():
		return component{name: "etcd", run: func(context.Context) error { return <-server.Err() }}, nil
	case err := <-server.Err():
		return component{}, fmt.Errorf("start etcd: %w", err)
	case <-ctx.Done():
		return component{}, ctx.Err()
	}
}

func loopbackURLs(port int) []url.URL {
	return []url.URL{{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)}}
}
