package assembly

import (
	"github.com/synapdb/synap/internal/command"
	"github.com/synapdb/synap/internal/command/conncmd"
	"github.com/synapdb/synap/internal/command/pubsubcmd"
	"github.com/synapdb/synap/internal/command/queuecmd"
	"github.com/synapdb/synap/internal/command/rediscmd"
	"github.com/synapdb/synap/internal/command/roomcmd"
	"github.com/synapdb/synap/internal/command/synapcmd"
	"github.com/synapdb/synap/internal/command/watchcmd"
)

// Table is the one table of all commands, of both dialects.
func Table(o synapcmd.Options) *command.Table {
	return command.NewTable(conncmd.Rows(), rediscmd.Rows(), synapcmd.Rows(o),
		queuecmd.Rows(), roomcmd.Rows(), pubsubcmd.Rows(), watchcmd.Rows())
}
