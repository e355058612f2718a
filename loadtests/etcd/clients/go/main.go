// Command go does to a cluster what Go programs do with etcd by its own client: go run ./clients/go HOST:PORT...
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// patience is longer than any of the checks takes.
const patience = 30 * time.Second

// world is what a check is given: a client for each endpoint, and a prefix of its own.
type world struct {
	clients []*clientv3.Client
	prefix  string
}

func (w world) first() *clientv3.Client { return w.clients[0] }
func (w world) last() *clientv3.Client  { return w.clients[len(w.clients)-1] }

// key is a key of this check's alone.
func (w world) key(name string) string { return w.prefix + name }

var checks = []struct {
	name string
	run  func(context.Context, world) error
}{
	{"mutex", mutex},
	{"session", session},
	{"election", election},
	{"memory", memory},
	{"watch", watch},
	{"lease", lease},
	{"leasing", leasingCache},
	{"mirror", mirrorPrefix},
	{"naming", naming},
	{"locker", locker},
	{"health", health},
	{"kubernetes", kubernetesStore},
	{"snapshot", snapshot},
}

func main() {
	if failed := run(os.Args[1:]); failed != nil {
		fmt.Fprintln(os.Stderr, failed)
		os.Exit(1)
	}
}

func run(endpoints []string) error {
	if len(endpoints) == 0 {
		return errors.New("usage: go run ./clients/go HOST:PORT...")
	}
	root := fmt.Sprintf("/clients-check/go-%d/", time.Now().UnixNano())
	var clients []*clientv3.Client
	for _, endpoint := range endpoints {
		client, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: patience, Logger: zap.NewNop()})
		if err != nil {
			return fmt.Errorf("%s: %w", endpoint, err)
		}
		defer client.Close()
		clients = append(clients, client)
	}
	failed := 0
	for _, check := range checks {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		err := check.run(ctx, world{clients: clients, prefix: root + check.name + "/"})
		cancel()
		told := "ok"
		if err != nil {
			failed++
			told = "FAILED: " + err.Error()
		}
		fmt.Printf("go      %-12s %s\n", check.name, told)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d checks failed", failed, len(checks))
	}
	return nil
}

// expect is nil where the condition holds.
func expect(condition bool, format string, arguments ...any) error {
	if condition {
		return nil
	}
	return fmt.Errorf(format, arguments...)
}
