package cli

import (
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/synapdb/synap/internal/config"
)

// reload reads the configuration again, as SIGHUP asks. The log level takes effect; other settings
// that changed are named, because they need a restart. A wrong configuration changes nothing.
func (a *app) reload(cmd *cobra.Command, was *config.Loaded, level *slog.LevelVar,
	log *slog.Logger,
) {
	is, err := a.load(cmd)
	if err != nil {
		log.Error("SIGHUP: the configuration is wrong and was not taken", "error", err)
		return
	}
	for _, w := range is.Warnings {
		log.Warn(w)
	}
	setLevel(level, is)
	var waiting []string
	for key, value := range is.Values {
		if key != "logging.level" && value != was.Values[key] {
			waiting = append(waiting, key)
		}
	}
	if len(waiting) > 0 {
		slices.Sort(waiting)
		log.Warn("SIGHUP: these settings changed and need a restart",
			"settings", strings.Join(waiting, ", "))
	}
	log.Info("SIGHUP: the configuration was read again", "log_level", is.Logging.Level)
}

// setLevel takes over the configured level. The table allows only names that slog knows.
func setLevel(level *slog.LevelVar, l *config.Loaded) {
	_ = level.UnmarshalText([]byte(strings.ToUpper(l.Logging.Level)))
}
