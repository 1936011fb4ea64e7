package assembly

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// peer is a RESP connection that tells pushes from replies.
type peer struct {
	t *testing.T
	net.Conn
	in *bufio.Reader
}

func (in *Instance) peer(t *testing.T) *peer {
	t.Helper()
	c, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", in.RESPPort()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(6 * patient))
	return &peer{t, c, bufio.NewReader(c)}
}

// say sends inline commands at once.
func (p *peer) say(lines ...string) {
	if _, err := io.WriteString(p.Conn, strings.Join(lines, "\r\n")+"\r\n"); err != nil {
		p.t.Error(err)
	}
}

// next is the next value: the words of an array, a push or a map, or one word.
func (p *peer) next() (kind byte, words []string) {
	line, err := p.in.ReadString('\n')
	if err != nil {
		p.t.Errorf("no more comes: %v", err)
		return 0, nil
	}
	kind, text := line[0], strings.TrimSpace(line[1:])
	n, _ := strconv.Atoi(text)
	switch kind {
	case '%', '>', '*':
		if kind == '%' {
			n *= 2
		}
		for range n {
			_, part := p.next()
			words = append(words, part...)
		}
	case '$':
		bulk := make([]byte, n+2)
		if _, err := io.ReadFull(p.in, bulk); err != nil {
			p.t.Error(err)
		}
		words = []string{string(bulk[:n])}
	default:
		words = []string{text}
	}
	return kind, words
}

// wants takes the next value, which is that.
func (p *peer) wants(kind byte, words ...string) bool {
	k, got := p.next()
	if k != kind || strings.Join(got, " ") != strings.Join(words, " ") {
		p.t.Errorf("%c %.200q came, not %c %.200q", k, got, kind, words)
		return false
	}
	return true
}

// A subscriber that pauses while a burst comes gets all of it: Redis would keep it for him.
func TestABurstReachesAReaderThatPauses(t *testing.T) {
	const messages = 20_000
	in := open(t, nil)
	reader, writer := in.peer(t), in.peer(t)
	reader.say("SUBSCRIBE burst")
	reader.wants('*', "subscribe", "burst", "1")
	padding := strings.Repeat("x", 1000)
	go func() {
		var all strings.Builder
		for i := range messages {
			fmt.Fprintf(&all, "PUBLISH burst %d-%s\r\n", i, padding)
		}
		_, _ = io.WriteString(writer.Conn, all.String())
	}()
	for i := range messages { // the reader pauses until the last one is sent
		if !writer.wants(':', "1") {
			t.Fatalf("message %d was not counted", i)
		}
	}
	reader.say("UNSUBSCRIBE", "PING")
	for i := range messages {
		if !reader.wants('*', "message", "burst", fmt.Sprint(i, "-", padding)) {
			t.Fatalf("message %d is missing", i)
		}
	}
	reader.wants('*', "unsubscribe", "burst", "0")
	reader.wants('+', "PONG")
}

var eventText = regexp.MustCompile(`^{"type":"event","room":"(\w+)","offset":(\d+),"event":"e",` +
	`"data":(\d+),"timestamp":\d+}$`)

// roomReader follows rooms, stops and goes on as it likes, and asks other things meanwhile.
type roomReader struct {
	*peer
	next    map[string]int // by room
	ids     map[string]string
	echoes  []string // what is asked and not answered
	ending  map[string]bool
	asked   int
	replies int
}

func (r *roomReader) follow(room string) {
	r.asked++
	id := fmt.Sprint(room, r.asked)
	r.ids[room] = id
	r.say(fmt.Sprintf("SFOLLOW %s FROM %d ID %s", room, r.next[room], id))
	r.echoes = append(r.echoes, fmt.Sprint("subscriber_id ", id, " room ", room, " from_offset ",
		r.next[room]))
}

func (r *roomReader) unfollow(room string) {
	r.say("SUNFOLLOW " + r.ids[room])
	r.echoes = append(r.echoes, "1")
	r.ending[room] = true
}

// take takes one value: an event, the next of its room, or the reply that is due.
func (r *roomReader) take() (ok bool) {
	kind, words := r.peer.next()
	if kind != '>' {
		text := strings.Join(words, " ")
		if kind == 0 || len(r.echoes) == 0 || r.echoes[0] != text {
			r.t.Errorf("%q was answered, of %q", text, r.echoes)
			return false
		}
		if r.echoes = r.echoes[1:]; text == "1" {
			for room := range r.ending { // at most one
				delete(r.ids, room)
			}
			clear(r.ending)
		}
		r.replies++
		return true
	}
	found := []string(nil)
	if len(words) == 3 && words[0] == "event" {
		found = eventText.FindStringSubmatch(words[2])
	}
	if found == nil || found[1] != words[1] || found[2] != found[3] || r.ids[words[1]] == "" ||
		found[2] != fmt.Sprint(r.next[words[1]]) {
		r.t.Errorf("%q was pushed, after %v, of %v", words, r.next, r.ids)
		return false
	}
	r.next[words[1]]++
	return true
}

// run reads until it has so many events of each room.
func (r *roomReader) run(events, seed int, rooms ...string) {
	dice := rand.New(rand.NewPCG(uint64(seed), 1))
	r.say("HELLO 3")
	_, _ = r.peer.next()
	for _, room := range rooms {
		r.follow(room)
	}
	for left := rooms; len(left) > 0; {
		room := rooms[dice.IntN(len(rooms))]
		switch dice.IntN(40) {
		case 0:
			if r.ids[room] != "" && len(r.ending) == 0 {
				r.unfollow(room)
			}
		case 1, 2:
			r.asked++
			r.say(fmt.Sprint("ECHO a", r.asked), fmt.Sprint("ECHO b", r.asked))
			r.echoes = append(r.echoes, fmt.Sprint("a", r.asked), fmt.Sprint("b", r.asked))
		}
		if len(r.ending) == 0 {
			for _, room := range rooms {
				if r.ids[room] == "" {
					r.follow(room)
				}
			}
		}
		if !r.take() {
			return
		}
		for len(left) > 0 && r.next[left[0]] == events {
			left = left[1:]
		}
	}
	for len(r.echoes) > 0 && r.take() {
	}
}

// Followers that come, go and ask other things meanwhile get every event once, in order, and one
// that does not read for long loses nothing.
func TestFollowersOverRESPMissNothing(t *testing.T) {
	const events, readers = 1500, 5
	in := open(t, map[string]string{"server.loops": "2"})
	rooms := []string{"r", "s", "u"}
	control := in.peer(t)
	for _, room := range append(rooms, "big") {
		control.say("SCREATE " + room)
		control.wants('+', "OK")
	}
	slow := in.peer(t)
	slow.say("HELLO 3", "SFOLLOW big ID slow")
	_, _ = slow.next()
	slow.wants('%', "subscriber_id", "slow", "room", "big", "from_offset", "0")
	var all sync.WaitGroup
	for i := range readers {
		p := in.peer(t)
		all.Go(func() {
			r := &roomReader{peer: p, next: map[string]int{}, ids: map[string]string{},
				ending: map[string]bool{}}
			r.run(events, i, rooms...)
		})
	}
	for i := range rooms {
		writer := in.peer(t)
		all.Go(func() {
			for n := 0; n < events; n += 10 {
				for k := range 10 {
					writer.say(fmt.Sprintf("SPUBLISH %s e %d", rooms[i], n+k))
				}
				for k := range 10 {
					writer.wants(':', fmt.Sprint(n+k))
				}
			}
		})
	}
	const large, size = 400, 50_000 // together more than the sockets hold
	for n := range large {
		control.say(fmt.Sprintf("SPUBLISH big e %d%0*d", 1, size, n))
		control.wants(':', fmt.Sprint(n))
	}
	all.Wait()
	for n := range large {
		_, words := slow.next()
		if want := fmt.Sprintf(`{"type":"event","room":"big","offset":%d,"event":"e","data":1%0*d,`,
			n, size, n); len(words) != 3 || !strings.HasPrefix(words[2], want) {
			t.Fatalf("%.200q was pushed, not event %d", words, n)
		}
	}
	control.say("SDELETE big")
	control.wants('+', "OK")
	slow.wants('>', "ended", "slow", "Invalid request: Room 'big' was deleted")
	slow.say("SUNFOLLOW slow")
	slow.wants(':', "0")
}
