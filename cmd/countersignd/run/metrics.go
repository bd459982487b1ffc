package run

import (
	"database/sql"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/countersign-health/countersign/store/sqldb"
)

// metrics are what /metrics shows. Labels are routes, outcomes and
// the boards of the configuration: never a handle or anything that callers can make grow.
type metrics struct {
	all       *prometheus.Registry
	requests  *prometheus.CounterVec
	durations *prometheus.HistogramVec
}

func newMetrics(command string) *metrics {
	all := prometheus.NewRegistry()
	m := &metrics{all: all}
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "countersign_requests_total", Help: "Requests at the door, by route and status.",
	}, []string{"route", "status"})
	m.durations = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "countersign_request_seconds", Help: "How long they took, long polls included.", Buckets: seconds,
	}, []string{"route"})
	running := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "countersign_running", Help: "1, with the command that this process runs.", ConstLabels: prometheus.Labels{"command": command},
	})
	running.Set(1)
	all.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), running)
	if command != "worker" {
		all.MustRegister(m.requests, m.durations)
	}
	return m
}

// seconds reach from a look-up to the longest poll.
var seconds = []float64{0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.all, promhttp.HandlerOpts{MaxRequestsInFlight: 4, Timeout: 20 * time.Second})
}

// gauge is read whenever somebody asks.
func (m *metrics) gauge(name, help string, labels prometheus.Labels, read func() float64) {
	m.all.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "countersign_" + name, Help: help, ConstLabels: labels}, read))
}

func (m *metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "countersign_" + name, Help: help}, labels)
	m.all.MustRegister(c)
	return c
}

func (m *metrics) histogram(name, help string) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "countersign_" + name, Help: help, Buckets: seconds})
	m.all.MustRegister(h)
	return h
}

// database shows the pool of connections, and how often the database made us
// try again.
func (m *metrics) database(db *sqldb.DB) { m.all.MustRegister(pool{db}) }

type pool struct{ db *sqldb.DB }

var (
	poolConnections = prometheus.NewDesc("countersign_database_connections", "Connections to the database, in use and idle.", []string{"server", "state"}, nil)
	poolLimit       = prometheus.NewDesc("countersign_database_connections_limit", "How many there may be.", []string{"server"}, nil)
	poolWaits       = prometheus.NewDesc("countersign_database_waits_total", "Callers who had to wait for a connection.", []string{"server"}, nil)
	poolWaited      = prometheus.NewDesc("countersign_database_wait_seconds_total", "How long they waited, together.", []string{"server"}, nil)
	dbRetries       = prometheus.NewDesc("countersign_database_retries_total", "Transactions and queries that ran again: conflicts, deadlocks, lost connections.", nil, nil)
	dbUnknown       = prometheus.NewDesc("countersign_database_unknown_commits_total", "Commits without an answer; whoever asked asks again.", nil, nil)
	dbStandbyReads  = prometheus.NewDesc("countersign_database_standby_reads_total", "Reads that a standby answered for the primary.", nil, nil)
)

func (p pool) Describe(c chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{poolConnections, poolLimit, poolWaits, poolWaited, dbRetries, dbUnknown, dbStandbyReads} {
		c <- d
	}
}

func (p pool) Collect(c chan<- prometheus.Metric) {
	s := p.db.Stats()
	show := func(server string, x sql.DBStats) {
		c <- prometheus.MustNewConstMetric(poolConnections, prometheus.GaugeValue, float64(x.InUse), server, "in use")
		c <- prometheus.MustNewConstMetric(poolConnections, prometheus.GaugeValue, float64(x.Idle), server, "idle")
		c <- prometheus.MustNewConstMetric(poolLimit, prometheus.GaugeValue, float64(x.MaxOpenConnections), server)
		c <- prometheus.MustNewConstMetric(poolWaits, prometheus.CounterValue, float64(x.WaitCount), server)
		c <- prometheus.MustNewConstMetric(poolWaited, prometheus.CounterValue, x.WaitDuration.Seconds(), server)
	}
	show("primary", s.Primary)
	if s.Standby != nil {
		show("standby", *s.Standby)
	}
	c <- prometheus.MustNewConstMetric(dbRetries, prometheus.CounterValue, float64(s.Retries))
	c <- prometheus.MustNewConstMetric(dbUnknown, prometheus.CounterValue, float64(s.Unknown))
	c <- prometheus.MustNewConstMetric(dbStandbyReads, prometheus.CounterValue, float64(s.StandbyReads))
}

// count counts what goes through a door.
func (m *metrics) count(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &counted{ResponseWriter: w, status: http.StatusOK}
		begun := time.Now()
		h.ServeHTTP(c, r)
		route := r.Pattern
		if _, path, ok := strings.Cut(route, " "); !ok || path == "" {
			route = "other" // a path that no route has is the caller's invention
		}
		m.requests.WithLabelValues(route, strconv.Itoa(c.status)).Inc()
		m.durations.WithLabelValues(route).Observe(time.Since(begun).Seconds())
	})
}

// counted remembers what was answered.
type counted struct {
	http.ResponseWriter
	status int
	wrote  bool
}

func (c *counted) WriteHeader(status int) {
	if !c.wrote {
		c.status, c.wrote = status, true
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *counted) Write(b []byte) (int, error) {
	c.wrote = true
	return c.ResponseWriter.Write(b)
}

// Unwrap lets doors set their own deadlines (http.ResponseController).
func (c *counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }
