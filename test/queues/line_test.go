package queues

import (
	"fmt"
	"testing"

	"github.com/synapdb/synap/test/harness"
)

// onLines is a server, and both versions of the protocol.
func onLines(t *testing.T, test func(t *testing.T, r *resp)) {
	t.Helper()
	s := harness.Start(t)
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprintf("RESP%d", protocol), func(t *testing.T) {
			r := newRESP(s.RESP, protocol)
			t.Cleanup(r.Close)
			test(t, r)
			if _, err := r.Words("QDELETE", "q"); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// want runs a command line and compares the reply as it prints.
func (r *resp) want(t *testing.T, want string, argv ...any) any {
	t.Helper()
	v, err := r.Words(argv...)
	if err != nil {
		v = err
	}
	if got := fmt.Sprint(v); want != "" && got != want {
		t.Errorf("%v answers %s, want %s", argv, got, want)
	}
	return v
}

// TestLinesOfTheContract are those that published clients send.
func TestLinesOfTheContract(t *testing.T) {
	onLines(t, func(t *testing.T, r *resp) {
		r.want(t, "OK", "QCREATE", "q", "0", "0")
		r.want(t, "<nil>", "QCONSUME", "q", "c")
		low := r.want(t, "", "qpublish", "q", "low", "1", "2")
		high := r.want(t, "", "QPUBLISH", "q", "high", "PRIORITY", "8")
		r.want(t, fmt.Sprintf("[%s high 8 0]", high), "QCONSUME", "q", "c")
		r.want(t, fmt.Sprintf("[%s low 1 0]", low), "QCONSUME", "q")
		r.want(t, "OK", "QNACK", "q", low, "true")
		r.want(t, fmt.Sprintf("[%s low 1 1]", low), "QCONSUME", "q", "c")
		r.want(t, "OK", "QNACK", "q", low, "REQUEUE", "0")
		r.want(t, "<nil>", "QCONSUME", "q", "c")
		r.want(t, "[depth 0 consumers 1 published 2 consumed 3 acked 0 nacked 2 dead_lettered 0]",
			"QSTATS", "q")
		r.want(t, "OK", "QACK", "q", high)
		r.want(t, fmt.Sprintf("Message not found: %s", high), "QACK", "q", high)
		r.want(t, "[q]", "QLIST")
		r.want(t, "0", "QPURGE", "q")
		r.want(t, "1", "QDELETE", "q")
		r.want(t, "0", "QDELETE", "q")
		r.want(t, "Queue not found: q", "QPUBLISH", "q", "x")
	})
}

func TestPublishManyByALine(t *testing.T) {
	onLines(t, func(t *testing.T, r *resp) {
		r.want(t, "OK", "QCREATE", "q")
		ids := r.want(t, "", "QMPUBLISH", "q", "a", "b", "c").([]any)
		got := r.want(t, "", "QCONSUME", "q", "c", "COUNT", "10").([]any)
		for i, payload := range []string{"a", "b", "c"} {
			if want := fmt.Sprintf("[%s %s 5 0]", ids[i], payload); fmt.Sprint(got[i]) != want {
				t.Errorf("message %d is %v, want %s", i, got[i], want)
			}
		}
		r.want(t, "3", append([]any{"QACK", "q"}, ids...)...)
		r.want(t, "[]", "QCONSUME", "q", "c", "COUNT", "10")
	})
}

// TestMultiSpansKeysAndQueues has the hand-over of an atomic batch as a transaction.
func TestMultiSpansKeysAndQueues(t *testing.T) {
	onLines(t, func(t *testing.T, r *resp) {
		r.want(t, "OK", "QCREATE", "q")
		id := r.want(t, "", "QPUBLISH", "q", "order")
		r.want(t, "", "QCONSUME", "q", "c")
		conn := r.Client.Conn()
		defer func() { _ = conn.Close() }()
		say := func(argv ...any) any {
			t.Helper()
			v, err := conn.Do(t.Context(), argv...).Result()
			if err != nil {
				t.Fatalf("%v: %v", argv, err)
			}
			return v
		}
		say("MULTI")
		say("SET", "done", "yes")
		say("QPUBLISH", "q", "invoice")
		say("QACK", "q", id)
		if got := say("EXEC").([]any); len(got) != 3 || got[0] != "OK" || got[2] != "OK" {
			t.Errorf("EXEC answers %v", got)
		}
		r.want(t, "yes", "GET", "done")
		if got := fmt.Sprint(r.want(t, "", "QCONSUME", "q", "c")); len(got) < 36 ||
			got[37:] != " invoice 5 0]" {
			t.Errorf("the follow-up is %s", got)
		}
		say("MULTI")
		say("QCONSUME", "q", "c", "WAIT", "60000") // does not wait inside a transaction
		if got := say("EXEC").([]any); len(got) != 1 || got[0] != nil {
			t.Errorf("a wait inside EXEC answers %v", got)
		}
	})
}
