package doctor

import (
	"context"

	"maskline/cmd/maskline/daemon"
	"maskline/conf"
)

// mail logs in to the mail server. Without one contacts are told by webhook alone, which is no fault.
func mail(ctx context.Context, cfg conf.Config) []Finding {
	if cfg.Mail.Host == "" {
		return nil
	}
	server, err := daemon.MailOf(cfg.Mail)
	if err == nil {
		err = server.Check(ctx)
	}
	if err != nil {
		return []Finding{failed("mail", err.Error(), "see mail.host, mail.tls, mail.user and mail.password")}
	}
	return []Finding{ok("mail", cfg.Mail.Host+" takes mail from us")}
}
