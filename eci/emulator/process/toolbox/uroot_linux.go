package toolbox

import (
	"os"

	"github.com/u-root/u-root/pkg/core"
	"github.com/u-root/u-root/pkg/core/base64"
	"github.com/u-root/u-root/pkg/core/cat"
	"github.com/u-root/u-root/pkg/core/chmod"
	"github.com/u-root/u-root/pkg/core/cp"
	"github.com/u-root/u-root/pkg/core/find"
	"github.com/u-root/u-root/pkg/core/ls"
	"github.com/u-root/u-root/pkg/core/mkdir"
	"github.com/u-root/u-root/pkg/core/mktemp"
	"github.com/u-root/u-root/pkg/core/mv"
	"github.com/u-root/u-root/pkg/core/rm"
	"github.com/u-root/u-root/pkg/core/touch"
	"github.com/u-root/u-root/pkg/core/xargs"
)

// uroot are the commands that u-root has as packages.
func uroot() map[string]command {
	all := map[string]command{}
	for name, make := range map[string]func() core.Command{
		"base64": base64.New, "cat": cat.New, "chmod": chmod.New, "cp": cp.New, "find": find.New, "ls": ls.New, "mkdir": mkdir.New,
		"mktemp": mktemp.New, "mv": mv.New, "rm": rm.New, "touch": touch.New, "xargs": xargs.New,
	} {
		all[name] = func(c call) int { return c.fail(runCore(make(), c)) }
	}
	return all
}

func runCore(cmd core.Command, c call) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	cmd.SetIO(c.in, c.out, c.err)
	cmd.SetWorkingDir(dir)
	cmd.SetLookupEnv(os.LookupEnv)
	return cmd.Run(c.args...)
}
