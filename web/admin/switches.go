package admin

import (
	"github.com/gin-gonic/gin"

	"maskline/esl"
	"maskline/models"
)

func showSwitch(sw esl.Switch) Switch {
	st := sw.Status()
	out := Switch{Name: sw.Name(), Up: st.Up, Since: at(st.Since), LastBeat: at(st.LastBeat), Hostname: st.Hostname, Version: st.Version, Sessions: st.Sessions}
	if st.Err != nil && !st.Up {
		out.Error = st.Err.Error()
	}
	return out
}

func (s *server) listSwitches(c *gin.Context) { listed(s, c, inMemory(s.Switches), showSwitch) }

func showTrunk(t models.Trunk) Trunk {
	out := Trunk{Name: t.Name, Addresses: []string{}, Registers: t.Registers, Proxy: t.Proxy, TrustCaller: t.TrustCaller, ShowIn: []string{},
		DialForm: string(t.DialForm), Channels: t.Channels, Rate: t.Rate, Order: t.Order}
	for _, p := range t.Addresses {
		out.Addresses = append(out.Addresses, p.String())
	}
	for _, f := range t.ShowIn {
		out.ShowIn = append(out.ShowIn, string(f))
	}
	return out
}

func (s *server) listTrunks(c *gin.Context) { listed(s, c, inMemory(s.Trunks), showTrunk) }

// inMemory pages through a list of the configuration.
func inMemory[T any](all []T) func(models.Page) ([]T, int, error) {
	return func(p models.Page) ([]T, int, error) {
		from := min(p.Offset, len(all))
		return all[from:min(from+p.Limit, len(all))], len(all), nil
	}
}
