package wire

import (
	"fmt"
	"strings"

	"maskline/esl"
)

// maxSetVars is how many variables one uuid_setvar_multi takes (argv[64] in mod_commands.c).
const maxSetVars = 64

// SetVars gives the arguments of the uuid_setvar_multi commands that set vars on a leg; more than one when there are many. FreeSWITCH
// splits at `;`, unquotes and unescapes once, so `;`, quotes and backslashes are escaped and arrive as they were. An empty
// value unsets the variable. Refused with esl.ErrUnsafe: control characters and `${`, which FreeSWITCH would drop silently.
func SetVars(leg string, vars ...esl.Var) ([]string, error) {
	if err := UUID("leg", leg); err != nil {
		return nil, err
	}
	var args []string
	var b strings.Builder
	for i, v := range vars {
		if err := name("variable", v.Name); err != nil {
			return nil, err
		}
		if err := Literal("variable "+v.Name, v.Value); err != nil {
			return nil, fmt.Errorf("set variables: %w", err)
		}
		if i%maxSetVars == 0 {
			if i > 0 {
				args = append(args, b.String())
				b.Reset()
			}
			b.WriteString(leg + " ")
		} else {
			b.WriteByte(';')
		}
		b.WriteString(v.Name + "=" + escapeSet(v.Value))
	}
	if b.Len() > 0 {
		args = append(args, b.String())
	}
	return args, nil
}

var setEscapes = strings.NewReplacer(`\`, `\\`, `'`, `\'`, `;`, `\;`)

// escapeSet writes a value so that cleanup_separated_string gives it back. A last blank would be cut off; `\s` is one that is not.
func escapeSet(v string) string {
	body := strings.TrimRight(v, " ")
	return setEscapes.Replace(body) + strings.Repeat(`\s`, len(v)-len(body))
}
