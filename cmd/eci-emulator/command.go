package main

import (
	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
)

const long = `eci-emulator is Alibaba Cloud Elastic Container Instance on this machine: the
OpenAPI 2018-08-08 over HTTP or HTTPS, with signatures, validation, lifecycle
and error codes as in the cloud. Containers are simulated: "sleep 5", "exit 3",
"echo hello" and "sh -c" of those behave, anything else runs until it is
stopped; images of the host "invalid." or the tag ":missing" cannot be pulled.
With --runtime=process they really run, as processes of this machine with
namespaces, images and addresses of their own.

Nothing is kept: all groups are gone when the emulator ends.`

const example = `  # Serve with the defaults: one key, two vSwitches, one security group.
  eci-emulator

  # Throttle as the cloud throttles a new account, and use your own network.
  eci-emulator --rates documented --zone cn-hangzhou-k \
    --vswitch vsw-small=cn-hangzhou-k:192.168.0.0/28 --security-group sg-1

  # Run containers for real, and reach them by their addresses.
  eci-emulator --runtime process --vswitch vsw-1=cn-hangzhou-i:10.20.0.0/16

  # HTTPS, with a key from the environment.
  ALIBABA_CLOUD_ACCESS_KEY_SECRET=... eci-emulator --access-key-id my-key \
    --tls-cert-file tls.crt --tls-private-key-file tls.key`

// newCommand builds the command; getenv is where the secret may come from.
func newCommand(getenv func(string) string) *cobra.Command {
	opts := defaultOptions()
	cmd := &cobra.Command{
		Use:           "eci-emulator",
		Short:         "Serve the emulated ECI OpenAPI",
		Long:          long,
		Example:       example,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := opts.config(getenv)
			if err != nil {
				return err
			}
			level, err := logrus.ParseLevel(opts.logLevel)
			if err != nil {
				return err
			}
			log := logrus.New()
			log.SetLevel(level)
			log.SetOutput(cmd.ErrOrStderr())
			return serve(cmd.Context(), opts, cfg, log)
		},
	}
	opts.addFlags(cmd.Flags())
	cmd.AddCommand(newClean())
	cmd.CompletionOptions.DisableDefaultCmd = true
	return cmd
}
