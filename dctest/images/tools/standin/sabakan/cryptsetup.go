package main

import (
	_ "embed"
	"net/http"
)

// cryptsetup is the program that nodes download to open their disks.
//
//go:embed cryptsetup.sh
var cryptsetup []byte

func (s *server) getCryptsetup(*http.Request) (int, any, error) { return ok(cryptsetup) }
