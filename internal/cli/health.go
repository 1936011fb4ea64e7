package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) healthCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "health", Short: "Ask a running server whether it is well", Args: cobra.NoArgs,
		Long: "Ask a running server whether it is well.\n\n" +
			"Exit code 0: yes; 1: it answered no; 3: it did not answer.",
	}
	ready := c.Flags().Bool("ready", false, "ask whether it wants requests, not only lives")
	url := c.Flags().String("url", "", "base URL; by default the configured HTTP port here")
	timeout := c.Flags().Duration("timeout", 5*time.Second, "how long to wait")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		base := *url
		if base == "" {
			l, err := a.load(cmd)
			if err != nil {
				return err
			}
			base = localURL(l.Server.Host, l.Server.Port)
		}
		path := "/livez"
		if *ready {
			path = "/readyz"
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), *timeout)
		defer cancel()
		return a.probe(ctx, strings.TrimSuffix(base, "/")+path)
	}
	return c
}

// localURL is where a server listening on host can be reached from the same machine.
func localURL(host string, port int) string {
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(port))
}

func (a *app) probe(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return usage(fmt.Errorf("%w; --url takes something like http://127.0.0.1:15500", err))
	}
	reply, err := http.DefaultClient.Do(req)
	if err != nil {
		return failure{fmt.Errorf("no answer from %s: %w; is the server running, and is this "+
			"its port?", url, errors.Unwrap(err)), ExitUnreachable}
	}
	defer reply.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(reply.Body, 4096))
	if err != nil {
		return failure{fmt.Errorf("the answer of %s broke off: %w", url, err), ExitUnreachable}
	}
	if reply.StatusCode != http.StatusOK {
		return failed(fmt.Errorf("%s answered %s: %s", url, reply.Status,
			strings.TrimSpace(string(text))))
	}
	_, err = fmt.Fprintln(a.out, strings.TrimSpace(string(text)))
	return failed(err)
}
