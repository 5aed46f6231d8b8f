package demo

import (
	"fmt"
	"time"
)

func (s *show) welcome() {
	s.printf(`Maskline %s: one masked call and one notification on a simulated switch (real calls need FreeSWITCH).

  tenant API  %s
  admin API   %s
  customer    %s (checks the signature of every push)
  log         %s

A dials X. B's telephone rings and shows X.

`, s.Version, s.API, s.Admin, s.customer.url, s.log.Name())
}

// invite says what to try now.
func (s *show) invite(now time.Time) {
	s.printf(`The daemon stays up; Ctrl-C ends it. What was made stands in %s/demo.json. Try:

  bin/maskline binding explain --config %[2]s --dialled %[3]s --caller %[4]s
  bin/maskline cdr list --config %[2]s
  bin/maskline sim call --config %[2]s --from %[4]s --to %[3]s --answer 2s --talk 10s
  bin/maskline sim call --config %[2]s --from %[5]s --to %[3]s --busy

`, s.Dir, s.Config, s.Numbers[0], s.A, s.B)
	s.printCurl(now)
}

// printCurl prints signed requests to paste. A signature holds for the API's clock window.
func (s *show) printCurl(now time.Time) {
	s.printf("Signed requests, good until %s; press Enter for fresh ones.\n\n", now.Add(15*time.Minute).Format(time.TimeOnly))
	s.printf("# query the binding\n%s\n\n", s.curl(s.masked(), now, "GET", bindPath+"?subscriptionId="+s.SubscriptionID, ""))
	s.printf("# bind two other people to another X\n%s\n\n", s.curl(s.masked(), now, "POST", bindPath,
		fmt.Sprintf(`{"relationNum":"%s","callerNum":"+8613800000003","calleeNum":"+8613900000004","duration":3600}`, s.Numbers[1])))
	s.printf("# a day more for the first binding, at most 30 minutes a call\n%s\n\n", s.curl(s.masked(), now, "PUT", bindPath,
		fmt.Sprintf(`{"subscriptionId":"%s","duration":172800,"maxDuration":30}`, s.SubscriptionID)))
	s.printf("# unbind it\n%s\n\n", s.curl(s.masked(), now, "DELETE", bindPath+"?subscriptionId="+s.SubscriptionID, ""))
	s.printf("# tell somebody that an order is ready: bin/maskline call list --config %s shows it\n%s\n\n", s.Config, s.curl(s.voiced(), now, "POST", noticePath,
		s.noticeBody("+8613900000004")))
}

func (s *show) curl(app credentials, now time.Time, method, path, body string) string {
	authorization, token := app.sign(now)
	line := fmt.Sprintf("curl -sS -X %s '%s%s' -H 'Authorization: %s' -H 'X-AKSK: %s'", method, s.API, path, authorization, token)
	if body != "" {
		line += fmt.Sprintf(" -H 'Content-Type: application/json' -d '%s'", body)
	}
	return line
}
