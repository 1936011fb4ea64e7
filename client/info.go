package synap

import (
	"context"
	"fmt"
	"strings"
)

// Info is what a server says of itself: the figures of Redis' INFO and its own, by name, such as
// redis_version, process_id or synap_durability.
func (c *Client) Info(ctx context.Context) (map[string]string, error) {
	v, err := c.call(ctx, &request{command: "info", line: []any{"INFO"}, read: true})
	if err != nil {
		return nil, err
	}
	facts := map[string]string{}
	if sections, ok := v.(map[string]any); ok { // an envelope has them by section
		for _, section := range sections {
			members, _ := section.(map[string]any)
			for name, value := range members {
				facts[name] = fmt.Sprint(value)
			}
		}
		return facts, nil
	}
	for line := range strings.Lines(toText(v)) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			facts[name] = value
		}
	}
	return facts, nil
}
