package spawn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// rabbitBinaries: the first does not ask to be root, or change the user.
var rabbitBinaries = []string{"/usr/lib/rabbitmq/bin/rabbitmq-server", "rabbitmq-server"}

// startRabbit: a node of its own with its own name, ports, cookie and directories, without
// plugins. Erlang's name server would outlive the node that started it; so it gets one of ours.
func startRabbit(s *starter) (*Process, error) {
	names, err := freePort()
	if err != nil {
		return nil, err
	}
	distribution, err := freePort()
	if err != nil {
		return nil, err
	}
	epmd, err := startEPMD(s, names)
	if err != nil {
		return nil, err
	}
	in := func(name string) string { return filepath.Join(s.dir, name) }
	files := map[string]string{
		"rabbitmq.conf": fmt.Sprintf("listeners.tcp.local = 127.0.0.1:%d\n", s.port),
		"plugins":       "[].\n",
		"env.conf":      "",
	}
	for name, text := range files {
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			return nil, errors.Join(err, epmd.end())
		}
	}
	env := []string{"HOME=" + s.dir, fmt.Sprint("ERL_EPMD_PORT=", names),
		"ERL_EPMD_ADDRESS=127.0.0.1",
		fmt.Sprintf("RABBITMQ_NODENAME=synapbench%d@localhost", s.port),
		fmt.Sprint("RABBITMQ_DIST_PORT=", distribution),
		"RABBITMQ_CONF_ENV_FILE=" + in("env.conf"),
		"RABBITMQ_CONFIG_FILE=" + in("rabbitmq.conf"),
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + in("plugins"),
		"RABBITMQ_MNESIA_BASE=" + in("mnesia"), "RABBITMQ_LOG_BASE=" + in("log"),
		"RABBITMQ_GENERATED_CONFIG_DIR=" + in("config"), "RABBITMQ_PID_FILE=" + in("pid"),
		// The script then becomes the server instead of watching it: its process id is ours.
		"RABBITMQ_ALLOW_INPUT=1", "RABBITMQ_SERVER_START_ARGS=-noinput"}
	words := "transient queue and messages: in memory"
	if s.Durability != "memory" {
		words = "durable queue, persistent messages: confirmed when on the disk"
	}
	const hello = "AMQP\x00\x00\x09\x01"
	p, err := s.runWith(env, "amqp", words, greeting{hello, "\x01\x00\x00"})
	if err != nil {
		return nil, errors.Join(err, epmd.end())
	}
	p.helper, p.abrupt = epmd, true
	return p, nil
}

// startEPMD starts the server of names that Erlang's nodes ask for.
func startEPMD(s *starter, port int) (*Process, error) {
	binary, err := exec.LookPath("epmd")
	if err != nil {
		return nil, &MissingError{"epmd (Erlang)", "sudo apt-get install erlang-base"}
	}
	p, err := start("epmd", s.dir, map[string]int{"epmd": port}, binary, "-port",
		fmt.Sprint(port), "-address", "127.0.0.1")
	if err != nil {
		return nil, err
	}
	err = p.await(s.ctx, func(ctx context.Context) error {
		return greeting{}.ask(ctx, p.Addr("epmd"))
	})
	if err != nil {
		return nil, errors.Join(err, p.end())
	}
	return p, nil
}
