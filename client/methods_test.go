package synap_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	synap "github.com/synapdb/synap/client"
)

func TestKeys(t *testing.T) {
	onEveryWire(t, func(t *testing.T, _ *server, c *synap.Client, w wire) {
		ctx := t.Context()
		value := []byte("x\x00\xff\r\n")
		if w.format == synap.JSON {
			value = []byte("x é \" \\ \n")
		}
		v, ok, err := c.KV.Get(ctx, "none")
		same(t, "absent", fmt.Sprint(v == nil, ok, err), "true false <nil>")
		version, err := c.KV.Set(ctx, "a", value)
		must(t, "set", err)
		if w.scheme != "resp" && version != 1 {
			t.Errorf("version %d", version)
		}
		v, ok, err = c.KV.Get(ctx, "a")
		same(t, "get", fmt.Sprintf("%q %v %v", v, ok, err), fmt.Sprintf("%q true <nil>", value))
		_, err = c.KV.Set(ctx, "a", value, synap.IfAbsent())
		same(t, "if absent", errors.Is(err, synap.ErrConflict), true)
		_, err = c.KV.Set(ctx, "b", value, synap.IfPresent())
		same(t, "if present", errors.Is(err, synap.ErrConflict), true)
		if w.scheme != "resp" {
			_, err = c.KV.Set(ctx, "a", value, synap.IfVersion(7))
			same(t, "if version", errors.Is(err, synap.ErrConflict), true)
			_, err = c.KV.Set(ctx, "a", value, synap.IfVersion(1))
			must(t, "right version", err)
		}
		is, err := c.KV.Exists(ctx, "a")
		same(t, "exists", fmt.Sprint(is, err), "true <nil>")
		n, err := c.KV.Incr(ctx, "n", 41)
		same(t, "incr", fmt.Sprint(n, err), "41 <nil>")
		n, err = c.KV.Incr(ctx, "n", -2)
		same(t, "incr", fmt.Sprint(n, err), "39 <nil>")
		_, err = c.KV.Incr(ctx, "a", 1)
		same(t, "incr of text", errors.Is(err, synap.ErrInvalid), true)
		must(t, "mset", c.KV.MSet(ctx, synap.Pair{Key: "p", Value: value},
			synap.Pair{Key: "q", Value: []byte{}}))
		values, err := c.KV.MGet(ctx, "p", "none", "q")
		same(t, "mget", fmt.Sprintf("%q %v %v", values, values[1] == nil, err),
			fmt.Sprintf("[%q %q %q] true <nil>", value, "", ""))
		n, err = c.KV.Delete(ctx, "p", "q", "none")
		same(t, "delete", fmt.Sprint(n, err), "2 <nil>")
	})
}

func TestKeysThatExpire(t *testing.T) {
	onEveryWire(t, func(t *testing.T, _ *server, c *synap.Client, _ wire) {
		ctx := t.Context()
		_, err := c.KV.Set(ctx, "a", []byte("1"), synap.TTL(time.Hour))
		must(t, "set", err)
		left, ok, err := c.KV.TTL(ctx, "a")
		if err != nil || !ok || left > time.Hour || left < time.Hour-time.Minute {
			t.Errorf("%v %v %v", left, ok, err)
		}
		_, err = c.KV.Set(ctx, "a", []byte("2"), synap.KeepTTL())
		must(t, "keep", err)
		if left, _, _ := c.KV.TTL(ctx, "a"); left <= 0 {
			t.Errorf("KeepTTL leaves %v", left)
		}
		_, err = c.KV.Set(ctx, "a", []byte("3"))
		must(t, "set", err)
		left, ok, err = c.KV.TTL(ctx, "a")
		same(t, "for ever", fmt.Sprint(left < 0, ok, err), "true true <nil>")
		_, ok, err = c.KV.TTL(ctx, "none")
		same(t, "none", fmt.Sprint(ok, err), "false <nil>")
		ok, err = c.KV.Expire(ctx, "a", 90*time.Second)
		same(t, "expire", fmt.Sprint(ok, err), "true <nil>")
		if left, _, _ := c.KV.TTL(ctx, "a"); left <= 0 || left > 90*time.Second {
			t.Errorf("Expire leaves %v", left)
		}
		ok, err = c.KV.Expire(ctx, "none", time.Second)
		same(t, "expire none", fmt.Sprint(ok, err), "false <nil>")
	})
}

func TestScanYieldsAllKeysInOrder(t *testing.T) {
	onEveryWire(t, func(t *testing.T, _ *server, c *synap.Client, _ wire) {
		ctx := t.Context()
		var want []string
		var pairs []synap.Pair
		for i := range 2500 {
			key := fmt.Sprintf("a*[?\\:%04d", i)
			want = append(want, key)
			pairs = append(pairs, synap.Pair{Key: key, Value: []byte("v")})
		}
		pairs = append(pairs, synap.Pair{Key: "ab"}, synap.Pair{Key: "b"},
			synap.Pair{Key: "aX[?\\:1"})
		must(t, "mset", c.KV.MSet(ctx, pairs...))
		var got []string
		for key, err := range c.KV.Scan(ctx, `a*[?\:`) {
			must(t, "scan", err)
			got = append(got, key)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d keys of %d: %.200q", len(got), len(want), got)
		}
		all := 0
		for _, err := range c.KV.Scan(ctx, "") {
			must(t, "scan", err)
			all++
		}
		same(t, "all", all, len(pairs))
		for range c.KV.Scan(ctx, "") {
			break
		}
		answers, err := c.Batch(ctx, synap.ScanPage(`a*[?\:`, 100), synap.Incr("n", 7))
		must(t, "a page", err)
		if page := synap.PageKeys(answers[0].Value); !slices.Equal(page, want[:100]) {
			t.Errorf("a page has %d keys: %.200q", len(page), page)
		}
		same(t, "the sum", synap.Sum(answers[1].Value), 7)
	})
}

func TestQueues(t *testing.T) {
	onEveryWire(t, func(t *testing.T, _ *server, c *synap.Client, w wire) {
		ctx := t.Context()
		payload := []byte("p\xff\x00")
		if w.format == synap.JSON {
			payload = []byte("pé")
		}
		q := c.Queue("jobs")
		_, err := q.Publish(ctx, payload)
		same(t, "no such queue", errors.Is(err, synap.ErrNotFound), true)
		must(t, "create", q.Create(ctx, synap.QueueOptions{MaxDepth: 3,
			AckDeadline: time.Minute, MaxRetries: 2}))
		low, err := q.Publish(ctx, payload, synap.Priority(1))
		must(t, "publish", err)
		high, err := q.Publish(ctx, []byte("high"), synap.Priority(9))
		must(t, "publish", err)
		m, ok, err := q.Pop(ctx, 0)
		must(t, "pop", err)
		same(t, "pop", fmt.Sprintf("%v %s %s %d %d", ok, m.ID, m.Payload, m.Priority, m.Retries),
			fmt.Sprintf("true %s high 9 0", high))
		must(t, "extend", m.Extend(ctx, time.Hour))
		must(t, "ack", m.Ack(ctx))
		same(t, "ack again", errors.Is(m.Ack(ctx), synap.ErrNotFound), true)
		m, _, err = q.Pop(ctx, time.Second)
		must(t, "pop", err)
		same(t, "payload", fmt.Sprintf("%s %q", m.ID, m.Payload),
			fmt.Sprintf("%s %q", low, payload))
		must(t, "nack", m.Nack(ctx, 0))
		m, _, err = q.Pop(ctx, time.Second)
		must(t, "pop", err)
		same(t, "again", fmt.Sprint(m.ID, m.Retries), fmt.Sprint(low, 1))
		must(t, "ack", synap.AckAll(ctx, []*synap.Message{m}))
		_, ok, err = q.Pop(ctx, 0)
		same(t, "empty", fmt.Sprint(ok, err), "false <nil>")
		ids, err := q.PublishBatch(ctx,
			[][]byte{[]byte("1"), []byte("2"), []byte("3"), []byte("4")})
		same(t, "full", errors.Is(err, synap.ErrFull), true)
		if len(ids) != 4 || ids[2] == "" || ids[3] != "" {
			t.Errorf("ids %q", ids)
		}
		all, err := q.PopBatch(ctx, 10, 0)
		same(t, "batch", fmt.Sprint(len(all), err), "3 <nil>")
		must(t, "ack", synap.AckAll(ctx, all))
		deleted, err := q.Delete(ctx)
		same(t, "delete", fmt.Sprint(deleted, err), "true <nil>")
	})
}

func TestRoomsAndTopics(t *testing.T) {
	onEveryWire(t, func(t *testing.T, _ *server, c *synap.Client, _ wire) {
		ctx := t.Context()
		s := c.Stream("orders")
		_, err := s.Publish(ctx, "e", []byte(`1`))
		same(t, "no such room", errors.Is(err, synap.ErrNotFound), true)
		must(t, "create", s.Create(ctx, synap.StreamOptions{}))
		same(t, "create again", errors.Is(s.Create(ctx, synap.StreamOptions{}), synap.ErrConflict),
			true)
		offset, err := s.Publish(ctx, "e", []byte(`{"a":[1,"é"]}`))
		same(t, "publish", fmt.Sprint(offset, err), "0 <nil>")
		offsets, err := s.PublishBatch(ctx, []synap.NewEvent{{Name: "f", Data: []byte(`2`)},
			{Name: "g", Data: []byte(`null`)}})
		same(t, "publish batch", fmt.Sprint(offsets, err), "[1 2] <nil>")
		events, err := s.History(ctx, 0, 10)
		must(t, "history", err)
		text := ""
		for _, e := range events {
			text += fmt.Sprintf("%d %s %s|", e.Offset, e.Name, e.Data)
		}
		same(t, "history", text, `0 e {"a":[1,"é"]}|1 f 2|2 g null|`)
		n, err := c.PubSub.Publish(ctx, "a.b", []byte(`"x"`))
		same(t, "nobody", fmt.Sprint(n, err), "0 <nil>")
		must(t, "delete", s.Delete(ctx))
		same(t, "delete again", errors.Is(s.Delete(ctx), synap.ErrNotFound), true)
	})
}

func TestBatches(t *testing.T) {
	onEveryWire(t, func(t *testing.T, _ *server, c *synap.Client, w wire) {
		ctx := t.Context()
		res, err := c.Batch(ctx, synap.Set("a", []byte("x")), synap.Get("a"), synap.Incr("a", 1),
			synap.Get("none"), synap.Delete("a"))
		must(t, "batch", err)
		if len(res) != 5 || res[0].Err != nil || fmt.Sprintf("%s", res[1].Value) != "x" ||
			!errors.Is(res[2].Err, synap.ErrInvalid) || res[3].Value != nil || res[4].Err != nil {
			t.Errorf("%v", res)
		}
		res, err = c.BatchAtomic(ctx, synap.Set("b", []byte("x")), synap.Incr("b", 1))
		if w.scheme == "resp" {
			same(t, "atomic", errors.Is(err, synap.ErrInvalid), true)
			return
		}
		must(t, "atomic", err)
		same(t, "undone", fmt.Sprint(errors.Is(res[0].Err, synap.ErrConflict),
			errors.Is(res[1].Err, synap.ErrInvalid)), "true true")
		_, ok, _ := c.KV.Get(ctx, "b")
		same(t, "nothing is left", ok, false)
		res, err = c.BatchAtomic(ctx, synap.Set("b", []byte("1")), synap.Incr("b", 1))
		must(t, "atomic", err)
		same(t, "done", fmt.Sprint(res[0].Err, res[1].Err), "<nil> <nil>")
		v, err := c.Do(ctx, "kv.get", map[string]any{"key": "b"})
		same(t, "do", fmt.Sprint(v, " ", err), "2 <nil>")
		_, err = c.Do(ctx, "no.such", nil)
		same(t, "do", err, "synap: no.such: Unknown command: no.such")
	})
}

func TestPipes(t *testing.T) {
	onEveryWire(t, func(t *testing.T, _ *server, c *synap.Client, _ wire) {
		ctx := t.Context()
		p, err := c.Pipe(ctx)
		must(t, "pipe", err)
		defer p.Close()
		big := strings.Repeat("b", 300_000) // more than the buffers of sockets between them
		for round := range 3 {
			for i := range 20 {
				p.Set([]byte(fmt.Sprint("k", i)), []byte(fmt.Sprint(round, i, big)))
				p.Get([]byte(fmt.Sprint("k", i)))
			}
			p.Get([]byte("none"))
			p.Add(synap.Incr("k0", 1))
			answers := 0
			must(t, "exec", p.Exec(ctx, func(i int, r *synap.Reply) {
				answers++
				switch {
				case i == 41:
					same(t, "refused", errors.Is(r.Err, synap.ErrInvalid), true)
				case r.Err != nil:
					t.Error(i, r.Err)
				case i == 40:
					same(t, "absent", r.Found, false)
				case i%2 == 1:
					if want := fmt.Sprint(round, i/2, big); string(r.Value) != want || !r.Found {
						t.Errorf("%d: %.20q, want %.20q", i, r.Value, want)
					}
				}
			}))
			same(t, "answers", answers, 42)
		}
	})
}
