package config

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/providers/env/v2"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"
)

// Sources are where settings come from, from the weakest to the strongest.
type Sources struct {
	// File is the path of the YAML file; "" = none.
	File string
	// Environ are the variables as NAME=value; nil = those of the process.
	Environ []string
	// Preset are values that a flag such as --dev implies, by key; Flags win over them.
	Preset map[string]string
	// Flags are the flags that were given, by the setting's key.
	Flags map[string]string
}

// Loaded is a checked Config and where its values came from.
type Loaded struct {
	Config
	// Origin says for each key where its value came from: "default", "file config.yml:3",
	// "env SYNAP_SERVER_PORT", "flag --port".
	Origin map[string]string
	// Values are the effective values as text, by key.
	Values map[string]string
	// File is the path that was read; "" = none.
	File string
	// Warnings are things that are probably mistakes.
	Warnings []string
}

// layer is one source, read but not checked.
type layer struct {
	values *koanf.Koanf
	origin func(key string) string
}

// Load reads all sources: flags win over the environment, that over the file, that over the
// defaults. The error names every problem, each with its place and what to write instead.
func Load(src Sources) (*Loaded, error) {
	l := &Loaded{Origin: map[string]string{}, Values: map[string]string{}, File: src.File}
	layers := []layer{defaults()}
	var problems []error
	for _, read := range []func(Sources, *Loaded) (layer, error){
		fromFile, fromEnv, fromPreset, fromFlags,
	} {
		next, err := read(src, l)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		layers = append(layers, next)
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	merged := koanf.New(".")
	for _, one := range layers {
		if err := merged.Merge(one.values); err != nil {
			return nil, err
		}
		for _, key := range one.values.Keys() {
			l.Origin[key] = one.origin(key)
		}
	}
	for i := range Settings {
		s := &Settings[i]
		text, n, err := s.parse(merged.Get(s.Key))
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", l.Origin[s.Key], err))
			continue
		}
		s.set(&l.Config, text, n)
		l.Values[s.Key] = s.format(text, n)
	}
	return l, errors.Join(append(problems, l.contradictions()...)...)
}

// format is the canonical spelling of a checked value.
func (s *Setting) format(text string, n int64) string {
	switch s.Kind {
	case Whole, Megabytes:
		return fmt.Sprint(n)
	case Truth:
		return fmt.Sprint(n == 1)
	default:
		return text
	}
}

// contradictions are settings that are fine alone but not together.
func (l *Loaded) contradictions() (problems []error) {
	s := &l.Server
	if s.Port != 0 && s.Port == s.RESPPort {
		problems = append(problems, fmt.Errorf("server.port and server.resp_port are both %d; "+
			"give each its own (the HTTP port understands the Redis protocol too)", s.Port))
	}
	return problems
}

func defaults() layer {
	values := map[string]any{}
	for i := range Settings {
		values[Settings[i].Key] = Settings[i].Default
	}
	return fixed(values, func(string) string { return "default" })
}

// fixed is a layer of known keys.
func fixed(values map[string]any, origin func(string) string) layer {
	k := koanf.New(".")
	_ = k.Load(confmap.Provider(values, "."), nil) // a map can't fail to load
	return layer{k, origin}
}

func fromFile(src Sources, _ *Loaded) (layer, error) {
	k := koanf.New(".")
	y := &yamlFile{path: src.File}
	if src.File != "" {
		if err := k.Load(file.Provider(src.File), y); err != nil {
			var missing *os.PathError
			if errors.As(err, &missing) {
				return layer{}, fmt.Errorf("the config file %s could not be read: %w; check the "+
					"path, or write one with: synap-server config init %s",
					src.File, missing.Err, src.File)
			}
			return layer{}, err
		}
	}
	return layer{k, func(key string) string {
		return fmt.Sprintf("file %s:%d", src.File, y.lines[key])
	}}, nil
}

func fromEnv(src Sources, l *Loaded) (layer, error) {
	k := koanf.New(".")
	names := map[string]string{} // key -> variable
	var problems []error
	transform := func(name, value string) (string, any) {
		s, isFile := byEnv(name)
		if s == nil {
			if guess := unknownEnv(name); guess != "" {
				l.Warnings = append(l.Warnings, guess)
			}
			return "", nil
		}
		if isFile {
			text, err := os.ReadFile(value)
			if err != nil {
				problems = append(problems, fmt.Errorf("env %s: %w", name, err))
				return "", nil
			}
			value = strings.TrimSpace(string(text))
		}
		if other := names[s.Key]; other != "" {
			problems = append(problems, fmt.Errorf("env %s and %s are both set; keep one",
				min(name, other), max(name, other)))
		}
		names[s.Key] = name
		return s.Key, value
	}
	opt := env.Opt{Prefix: "SYNAP_", TransformFunc: transform}
	if src.Environ != nil {
		opt.EnvironFunc = func() []string { return src.Environ }
	}
	if err := k.Load(env.Provider(".", opt), nil); err != nil {
		problems = append(problems, err)
	}
	origin := func(key string) string { return "env " + names[key] }
	return layer{k, origin}, errors.Join(problems...)
}

func byEnv(name string) (s *Setting, isFile bool) {
	base, isFile := strings.CutSuffix(name, "_FILE")
	for i := range Settings {
		if e := Settings[i].Env(); e == name {
			return &Settings[i], false
		} else if isFile && e == base {
			return &Settings[i], true
		}
	}
	return nil, false
}

// unknownEnv words a warning for a variable that looks like a mistyped setting. Others are left
// alone: SYNAP_URL and the like belong to clients, and Kubernetes adds its own.
func unknownEnv(name string) string {
	var known []string
	for i := range Settings {
		known = append(known, Settings[i].Env())
	}
	guess := nearest(name, known)
	if guess == "" || distance(name, guess) > 3 {
		return ""
	}
	return fmt.Sprintf("the environment variable %s is unknown and ignored; did you mean %s?",
		name, guess)
}

func fromPreset(src Sources, _ *Loaded) (layer, error) {
	return given(src.Preset, func(string) string { return "flag --dev" }), nil
}

func fromFlags(src Sources, _ *Loaded) (layer, error) {
	return given(src.Flags, func(key string) string { return "flag --" + Find(key).Flag }), nil
}

func given(from map[string]string, origin func(string) string) layer {
	values := map[string]any{}
	for key, v := range from {
		values[key] = v
	}
	return fixed(values, origin)
}
