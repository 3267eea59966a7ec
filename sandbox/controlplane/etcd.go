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

func startEtcd(ctx context.Context, config Config) error {
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
		return fmt.Errorf("start etcd: %w", err)
	}
	select {
	case <-server.Server.ReadyNotify():
		return nil
	case err := <-server.Err():
		return fmt.Errorf("etcd ended: %w", err)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func loopbackURLs(port int) []url.URL {
	return []url.URL{{Scheme: "http", Host: fmt.Sprintf("127.0.0.1:%d", port)}}
}
