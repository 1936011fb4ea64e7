package queues

import "time"

var waitScenarios = []scenario{
	{name: "a wait that nobody ends answers nothing, in its time", run: func(u *user) {
		u.create(nil)
		const wait = 150 * time.Millisecond
		begun := time.Now()
		m := u.do("queue.consume", fields{"consumer_id": "c", "wait_ms": wait.Milliseconds()})
		u.equal("message", m["message"], nil)
		u.atLeast("the answer came", time.Since(begun), wait)
	}},
	{name: "to wait for a queue that is not there is an error", run: func(u *user) {
		u.refused("queue.consume", fields{"consumer_id": "c", "wait_ms": 60_000},
			"Queue not found: "+u.queue)
		answer := u.do("queue.consume", fields{"consumer_id": "c"})
		u.equal("message", answer["message"], nil)
	}, not: map[string]string{"WebSocket": pushOnly}},
	{name: "a publisher wakes who waits", run: func(u *user) {
		u.create(nil)
		got := u.waiting("c")
		id := u.publish("x")
		u.equal("id", (<-got).id, id)
	}},
	{name: "each message wakes one of those who wait", run: func(u *user) {
		u.create(nil)
		var waiting []<-chan message
		for _, consumer := range []string{"a", "b", "c"} {
			waiting = append(waiting, u.waiting(consumer))
		}
		ids := map[string]bool{u.publish("1"): true, u.publish("2"): true, u.publish("3"): true}
		for _, w := range waiting {
			delete(ids, (<-w).id)
		}
		u.equal("messages that nobody got", len(ids), 0)
	}, not: map[string]string{"WebSocket": "a socket that is awake takes what else there is"}},
	{name: "a nack wakes who waits", run: func(u *user) {
		u.create(nil)
		u.publish("x")
		m := u.one("first")
		got := u.waiting("second")
		u.nack(m)
		again := <-got
		u.equal("id", again.id, m.id)
		u.equal("retries", again.retries, 1)
	}, not: map[string]string{"WebSocket": "the first socket would get it again"}},
	{name: "resume wakes who waits", run: func(u *user) {
		u.create(nil)
		u.do("queue.pause", nil)
		got := u.waiting("c")
		id := u.publish("x")
		u.do("queue.resume", nil)
		u.equal("id", (<-got).id, id)
	}},
	{name: "delete ends the wait", run: func(u *user) {
		u.create(nil)
		done := make(chan any)
		go func() {
			answer, err := u.try("queue.consume",
				fields{"consumer_id": "c", "wait_ms": patience.Milliseconds()})
			if f, ok := answer.(fields); ok && err == nil {
				done <- f["message"]
			} else {
				done <- err
			}
		}()
		u.isWaiting("c")
		u.do("queue.delete", nil)
		if err, _ := (<-done).(error); err == nil || err.Error() != "Queue not found: "+u.queue {
			u.Errorf("the answer is %v", err)
		}
	}, not: map[string]string{"WebSocket": pushOnly}},
}

// waiting begins to consume, and returns when the server knows that consumer waits. What comes is
// sent on.
func (u *user) waiting(consumer string) <-chan message {
	u.Helper()
	got := make(chan message, 1)
	go func() {
		defer close(got) // also when the scenario fails in there
		got <- u.one(consumer)
	}()
	u.isWaiting(consumer)
	return got
}

func (u *user) isWaiting(consumer string) {
	u.Helper()
	u.eventually(consumer+" waits", func() bool {
		list, _ := u.do("queue.info", nil)["consumers"].([]any)
		for _, c := range list {
			if f, _ := c.(fields); f["consumer_id"] == consumer {
				return f["waiting"] == true || f["waiting"] == int64(1)
			}
		}
		return false
	})
}
