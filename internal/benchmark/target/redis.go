package target

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	synap "github.com/synapdb/synap/client"
	"github.com/synapdb/synap/internal/benchmark/result"
)

// redis is a Redis server. Keys go through the very code that speaks RESP to Synap, so that the
// client costs the same.
type redis struct {
	none
	peer Peer
	url  *url.URL
	same *Synap
	bad  error
}

func newRedis(p Peer, u *url.URL) Server {
	r := &redis{peer: p, url: u}
	at := url.URL{Scheme: "resp", Host: u.Host}
	options := []synap.Option{synap.WithTimeout(0), synap.WithRetry(synap.Retry{Attempts: 1})}
	if password, ok := u.User.Password(); ok {
		if name := u.User.Username(); name != "" {
			at.User = url.User(name)
		}
		options = append(options, synap.WithToken(password))
	}
	r.same, r.bad = NewSynap(at.String(), p.PID, options...)
	return r
}

func (r *redis) PID() int { return r.peer.PID }

func (r *redis) Close() error {
	if r.same == nil {
		return nil
	}
	return r.same.Close()
}

func (r *redis) KV(ctx context.Context) (KV, error) {
	if r.bad != nil {
		return nil, r.bad
	}
	k, err := r.same.KV(ctx)
	return redisKV{k}, err
}

type redisKV struct{ KV }

// Exec refuses scans: Redis would walk through all keys for one.
func (k redisKV) Exec(ctx context.Context, ops []Op) error {
	for i := range ops {
		if ops[i].Kind == Scan {
			return fmt.Errorf("scan: %w", ErrUnsupported)
		}
	}
	return k.KV.Exec(ctx, ops)
}

// Prepare has nothing to do: topics need not be made.
func (r *redis) Prepare(context.Context, Space, []string, time.Duration) error {
	return nil
}

// Remove deletes keys.
func (r *redis) Remove(ctx context.Context, space Space, names []string) error {
	if space != Keys || len(names) == 0 {
		return nil
	}
	c, err := dialRedis(ctx, r.url)
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // the answer said that it was done
	_, err = c.ask(ctx, append([]string{"DEL"}, names...)...)
	return err
}

func (r *redis) About(ctx context.Context) (result.Server, error) {
	about := result.Server{Name: "redis", URL: public(r.url), Protocol: "resp",
		Durability: r.peer.Stated}
	c, err := dialRedis(ctx, r.url)
	if err != nil {
		return about, err
	}
	defer c.Close() //nolint:errcheck // it only asked
	info, err := c.ask(ctx, "INFO", "server")
	if err != nil {
		return about, fmt.Errorf("asking Redis what it is: %w", err)
	}
	about.Version = lineOf(string(info.text), "redis_version:")
	if about.Durability == "" {
		about.Durability = c.durability(ctx)
	}
	return about, nil
}

// lineOf is what follows a name at the beginning of a line.
func lineOf(text, name string) string {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}

// durability asks for it. Servers of others may forbid to ask.
func (c *redisConn) durability(ctx context.Context) string {
	setting := func(name string) string {
		r, err := c.ask(ctx, "CONFIG", "GET", name)
		if err != nil || len(r.list) != 2 {
			return "?"
		}
		return string(r.list[1].text)
	}
	switch journal := setting("appendonly"); journal {
	case "yes":
		switch fsync := setting("appendfsync"); fsync {
		case "always":
			return "appendfsync always: answered when it is on the disk"
		case "everysec":
			return "appendfsync everysec: answered when the kernel has it, on the disk each second"
		default:
			return "appendonly yes, appendfsync " + fsync
		}
	case "no":
		if save := setting("save"); save != "" {
			return "snapshots only, save " + save
		}
		return "appendonly no, save \"\": in memory only"
	}
	return "not known"
}
