package temporalserver

import (
	"net"
	"runtime"
	"strconv"
	"time"

	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/common/primitives"
)

const (
	loopback    = "127.0.0.1"
	clusterName = "active"
)

// servicesOf are in the order in which ports are given to them. Where the frontend guards itself, the server's own workers
// use an internal frontend, as in a cluster.
func servicesOf(o Options) []primitives.ServiceName {
	services := []primitives.ServiceName{
		primitives.FrontendService, primitives.HistoryService, primitives.MatchingService, primitives.WorkerService,
	}
	if o.Door != nil {
		services = append(services, primitives.InternalFrontendService)
	}
	return services
}

func names(services []primitives.ServiceName) (names []string) {
	for _, s := range services {
		names = append(names, string(s))
	}
	return names
}

func frontendOf(cfg *config.Config) string {
	return address(cfg.Services[string(primitives.FrontendService)].RPC.GRPCPort)
}

// unguardedOf is the frontend that asks for no certificate and no key.
func unguardedOf(cfg *config.Config) string {
	if internal, ok := cfg.Services[string(primitives.InternalFrontendService)]; ok {
		return address(internal.RPC.GRPCPort)
	}
	return frontendOf(cfg)
}

// newConfig is one cluster of one host: a shard, no archive, no metrics, no profiler.
func newConfig(database string, o Options, ports []int) *config.Config {
	frontend := address(ports[0])
	off := config.Archival{History: config.HistoryArchival{State: "disabled"}, Visibility: config.VisibilityArchival{State: "disabled"}}
	cfg := &config.Config{
		Global:   config.Global{Membership: config.Membership{MaxJoinDuration: 10 * time.Second, BroadcastAddress: loopback}},
		Services: map[string]config.Service{},
		Persistence: config.Persistence{
			DefaultStore:     sqlite.PluginName,
			VisibilityStore:  sqlite.PluginName,
			NumHistoryShards: 1, // fixed for the life of a database
			DataStores:       map[string]config.DataStore{sqlite.PluginName: {SQL: sqlConfig(database)}},
		},
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Archival:            off,
		NamespaceDefaults: config.NamespaceDefaults{Archival: config.ArchivalNamespaceDefaults{
			History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
			Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
		}},
		PublicClient: config.PublicClient{HostPort: frontend},
	}
	for i, name := range servicesOf(o) {
		cfg.Services[string(name)] = config.Service{RPC: config.RPC{GRPCPort: ports[i], BindOnLocalHost: true}}
	}
	if o.Door != nil {
		cfg.PublicClient = config.PublicClient{} // it has the internal frontend
		cfg.Global.TLS.Frontend = o.Door.tls()
	}
	return cfg
}

// hosts tells every service where the others are, so that no gossip has to find it out.
func hosts(cfg *config.Config, services []primitives.ServiceName) map[primitives.ServiceName]static.Hosts {
	all := map[primitives.ServiceName]static.Hosts{}
	for _, name := range services {
		here := address(cfg.Services[string(name)].RPC.GRPCPort)
		all[name] = static.Hosts{All: []string{here}, Self: here}
	}
	return all
}

// dynamicConfig raises the queue poll rates: their default of 20 a second and shard costs a workflow 50 ms at every
// hop. Timers are read ahead by 10 ms instead of a second, which every retry and every short sleep would wait for
// otherwise (an idle server costs the same). What is done is taken off the queues every second instead of every 30: until then
// each new task is sorted in among all of them, a twelfth of the server's time under load. No payload of ours lies outside of a
// history, so none is searched for one that does. The last entry keeps the server from telling its makers that it runs.
//
// The list of contracts is the one queue that is read seldom: twice a second under load (at once, where two looks a second are
// enough). No contract waits for it, and of one that has ended by then only its end is written, not its start and its build
// too: two of nine transactions, a tenth of a claim's processor time. The batch is for all that gather in half a second.
func dynamicConfig(o Options) dynamicconfig.Client {
	const fast = 5000
	settings := dynamicconfig.StaticClient{
		dynamicconfig.TransferProcessorMaxPollRPS.Key():          fast,
		dynamicconfig.TransferProcessorMaxPollHostRPS.Key():      fast,
		dynamicconfig.TimerProcessorMaxPollRPS.Key():             fast,
		dynamicconfig.TimerProcessorMaxPollHostRPS.Key():         fast,
		dynamicconfig.VisibilityProcessorMaxPollRPS.Key():        2,
		dynamicconfig.VisibilityProcessorMaxPollHostRPS.Key():    fast,
		dynamicconfig.VisibilityTaskBatchSize.Key():              1000,
		dynamicconfig.TimerProcessorMaxTimeShift.Key():           10 * time.Millisecond,
		dynamicconfig.TransferProcessorUpdateAckInterval.Key():   time.Second,
		dynamicconfig.TimerProcessorUpdateAckInterval.Key():      time.Second,
		dynamicconfig.VisibilityProcessorUpdateAckInterval.Key(): time.Second,
		dynamicconfig.ExternalPayloadsEnabled.Key():              false,
		dynamicconfig.EnableServerVersionCheck.Key():             false,
	}
	if o.DrainageAfter > 0 {
		settings[dynamicconfig.VersionDrainageStatusVisibilityGracePeriod.Key()] = o.DrainageAfter
		settings[dynamicconfig.VersionDrainageStatusRefreshInterval.Key()] = o.DrainageAfter
	}
	if o.WorkflowTaskTimeout > 0 {
		settings[dynamicconfig.DefaultWorkflowTaskTimeout.Key()] = o.WorkflowTaskTimeout
	}
	return settings
}

func address(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

// freePorts finds loopback ports that stay free until the server binds them. It listens on each, and closes an accepted
// connection from the server's side: that leaves the port in TIME_WAIT, where the kernel gives it to nobody who asks for
// any port, while an explicit bind still succeeds.
func freePorts(n int) ([]int, error) {
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", address(0))
		if err != nil {
			return nil, err
		}
		defer l.Close() // all are held until all are known, so that they differ
		ports[i] = l.Addr().(*net.TCPAddr).Port
		if runtime.GOOS != "linux" {
			continue // elsewhere ports are given out in order, and none comes back soon
		}
		dialled, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			return nil, err
		}
		defer dialled.Close() // after the accepted side, which closes first and so keeps TIME_WAIT
		accepted, err := l.Accept()
		if err != nil {
			return nil, err
		}
		if err := accepted.Close(); err != nil {
			return nil, err
		}
	}
	return ports, nil
}
