package promtail

import "github.com/cybozu-go/neco"

// config is the configuration file of promtail. Its keys are promtail's.
type config struct {
	Server        server    `json:"server"`
	Clients       []client  `json:"clients"`
	Positions     positions `json:"positions"`
	ScrapeConfigs []scrape  `json:"scrape_configs"`
}

type server struct {
	HTTPListenPort int    `json:"http_listen_port"`
	LogLevel       string `json:"log_level"`
}

type client struct {
	URL string `json:"url"`
}

type positions struct {
	Filename string `json:"filename"`
}

type scrape struct {
	JobName        string    `json:"job_name"`
	Journal        journal   `json:"journal"`
	RelabelConfigs []relabel `json:"relabel_configs"`
}

type journal struct {
	// JSON false sends the message of an entry alone, without the entry's other fields.
	JSON   bool              `json:"json"`
	Path   string            `json:"path"`
	MaxAge string            `json:"max_age"`
	Labels map[string]string `json:"labels"`
}

type relabel struct {
	SourceLabels []string `json:"source_labels"`
	TargetLabel  string   `json:"target_label"`
}

func newConfig(lrn int) config {
	return config{
		Server:    server{HTTPListenPort: 3101, LogLevel: "info"},
		Clients:   []client{{URL: pushURL}},
		Positions: positions{Filename: "/run/promtail/positions.yaml"},
		ScrapeConfigs: []scrape{{
			JobName: "journal",
			Journal: journal{
				Path: "/var/log/journal", MaxAge: "12h",
				Labels: map[string]string{"job": "systemd-journal", "instance": neco.BootNode0IP(lrn).String()},
			},
			RelabelConfigs: []relabel{
				from("__journal__systemd_unit", "unit"),
				from("__journal_syslog_identifier", "syslog_identifier"),
				from("__journal_container_name", "container_name"),
				from("__journal__hostname", "hostname"),
			},
		}},
	}
}

func from(source, target string) relabel {
	return relabel{SourceLabels: []string{source}, TargetLabel: target}
}
