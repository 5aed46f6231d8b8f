package main

import (
	"context"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"

	"maskline/web/admin"
)

func enterpriseRow(e admin.Enterprise) []string {
	return []string{id(e.TenantID), e.State, e.Kind, e.Name, e.Business, clock(&e.UploadedAt), count(e.Refusals), e.Reason}
}

func enterprisePath(tenant string) string { return tenantPath(tenant) + "/enterprise" }

func (c *cli) printEnterprise(e admin.Enterprise) error {
	err := c.facts("tenant", id(e.TenantID), "state", e.State, "kind", e.Kind, "name", e.Name, "licence", e.Licence, "business", e.Business, "sms", onlyYes(e.SMS),
		"scenario", e.Scenario, "script", e.Script, "submitted", clock(&e.UploadedAt), "by", e.UploadedBy, "reviewed", clock(e.ReviewedAt), "reviewed by", e.ReviewedBy,
		"reason", e.Reason, "refused in a row", count(e.Refusals))
	if err != nil || len(e.Documents) == 0 {
		return err
	}
	rows := make([][]string, 0, len(e.Documents))
	for _, d := range e.Documents {
		rows = append(rows, []string{d.Kind, d.Name, strconv.FormatInt(d.Bytes, 10), d.Hash})
	}
	return c.table("DOCUMENT NAME BYTES SHA256", rows)
}

func (c *cli) enterpriseCommand() *cobra.Command {
	return c.group("enterprise", "What tenants show before they order numbers: review it", "", "",
		listCommand(c, "/enterprises", "List enterprises", "  maskline enterprise list --state waiting", "TENANT STATE KIND NAME BUSINESS SUBMITTED REFUSALS REASON", enterpriseRow,
			func(cmd *cobra.Command, q *query) {
				q.text(cmd, "state", "state", "only in this `STATE`: waiting, approved, rejected")
			}),
		c.leaf("show TENANT", "Show a tenant's enterprise", "  maskline enterprise show Acme", oneArg("tenant, by id or name"),
			func(ctx context.Context, args []string) error {
				return ask(ctx, c, http.MethodGet, enterprisePath(args[0]), nil, nil, c.printEnterprise)
			}),
		c.leaf("approve TENANT", "Approve an enterprise; its tenant may order numbers", "  maskline enterprise approve Acme", oneArg("tenant, by id or name"),
			func(ctx context.Context, args []string) error {
				return ask(ctx, c, http.MethodPost, enterprisePath(args[0])+"/approve", nil, admin.DecisionRequest{}, c.printEnterprise)
			}),
		c.enterpriseReject(),
		c.leaf("clear-refusals TENANT", "Let a tenant submit again who was refused too often for a forbidden business", "  maskline enterprise clear-refusals Acme",
			oneArg("tenant, by id or name"), func(ctx context.Context, args []string) error {
				return ask(ctx, c, http.MethodPost, enterprisePath(args[0])+"/clear-refusals", nil, nil, c.printEnterprise)
			}),
	)
}

func (c *cli) enterpriseReject() *cobra.Command {
	var in admin.DecisionRequest
	cmd := c.leaf("reject TENANT --reason TEXT [--forbidden]", "Reject an enterprise", `  maskline enterprise reject Acme --reason "the licence cannot be read"`,
		oneArg("tenant, by id or name"), func(ctx context.Context, args []string) error {
			return ask(ctx, c, http.MethodPost, enterprisePath(args[0])+"/reject", nil, in, c.printEnterprise)
		})
	cmd.Flags().StringVar(&in.Reason, "reason", "", "why; the tenant is told")
	cmd.Flags().BoolVar(&in.Forbidden, "forbidden", false, "for a forbidden business; three in a row limit the tenant")
	require(cmd, "reason")
	return cmd
}
