package toolbox

import (
	"fmt"
	"strings"
)

// options are parsed flags: those with a value by their letter, the others
// with an empty text.
type options map[byte]string

func (o options) has(letter byte) bool { _, found := o[letter]; return found }

// parse reads short flags, joined or not, before and between the operands. In
// spec a letter with a colon takes a value. "--" ends the flags.
func parse(spec string, args []string) (options, []string, error) {
	found := options{}
	var operands []string
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			return found, append(operands, args...), nil
		}
		if len(arg) < 2 || arg[0] != '-' {
			operands = append(operands, arg)
			continue
		}
		for i := 1; i < len(arg); i++ {
			at := strings.IndexByte(spec, arg[i])
			if at < 0 || arg[i] == ':' {
				return nil, nil, fmt.Errorf("unknown option %q", arg)
			}
			if at+1 == len(spec) || spec[at+1] != ':' {
				found[arg[i]] = ""
				continue
			}
			value := arg[i+1:]
			if value == "" {
				if len(args) == 0 {
					return nil, nil, fmt.Errorf("option -%c needs a value", arg[i])
				}
				value, args = args[0], args[1:]
			}
			found[arg[i]] = value
			break
		}
	}
	return found, operands, nil
}
