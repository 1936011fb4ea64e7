package synap

import "context"

// batchItems is how many commands go into one batch of the server, which takes 10000 unless
// configured otherwise.
const batchItems = 1000

// batchOf makes one request of several.
func batchOf(reqs []*request, atomic bool) *request {
	commands := make([]any, len(reqs))
	b := &request{command: "batch", read: !atomic}
	for i, r := range reqs {
		payload := make(map[string]any, len(r.fields))
		for _, f := range r.fields {
			payload[f.name] = f.value
		}
		commands[i] = map[string]any{"command": r.command, "payload": payload}
		b.read = b.read && r.read
	}
	b.fields = []field{{"commands", commands}, {"atomic", atomic}}
	return b
}

// batchResults reads the answer to batchOf.
func batchResults(v any, reqs []*request) (payloads []any, errs []error) {
	list := toList(member(v, "results"))
	payloads = make([]any, len(reqs))
	for i, r := range reqs {
		var err error
		switch {
		case i >= len(list):
			err = unreadable(r.command, nil, errStrange)
		case member(list[i], "success") == true:
			payloads[i] = r.payload(member(list[i], "payload"))
		default:
			err = refusal(r.command, toText(member(list[i], "error")),
				toText(member(list[i], "code")))
		}
		if err != nil && errs == nil {
			errs = make([]error, len(reqs))
		}
		if err != nil {
			errs[i] = err
		}
	}
	return payloads, errs
}

// BatchAtomic runs commands with nobody else's between, and all of them or none: when one fails,
// nothing was changed, its Result says why, those of the others are ErrConflict, and err is nil.
// Over resp:// it is refused. The server takes 10000 commands at once unless configured otherwise.
func (c *Client) BatchAtomic(ctx context.Context, commands ...Command) ([]Result, error) {
	if len(commands) == 0 {
		return nil, nil
	}
	reqs := make([]*request, len(commands))
	for i := range commands {
		reqs[i] = commands[i].r
	}
	v, err := c.call(ctx, batchOf(reqs, true))
	if err != nil {
		return nil, err
	}
	return results(batchResults(v, reqs)), nil
}

func results(payloads []any, errs []error) []Result {
	all := make([]Result, len(payloads))
	for i := range all {
		all[i].Value = payloads[i]
		if errs != nil {
			all[i].Err = errs[i]
		}
	}
	return all
}
