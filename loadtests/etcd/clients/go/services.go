package main

import (
	"context"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"
	epb "go.etcd.io/etcd/server/v3/etcdserver/api/v3election/v3electionpb"
	lpb "go.etcd.io/etcd/server/v3/etcdserver/api/v3lock/v3lockpb"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// locker asks the server's own services for locks and elections, as programs without a client of etcd's do.
func locker(ctx context.Context, w world) error {
	granted, err := w.first().Grant(ctx, 20)
	if err != nil {
		return err
	}
	id := int64(granted.ID)
	locks := lpb.NewLockClient(w.last().ActiveConnection())
	held, err := locks.Lock(ctx, &lpb.LockRequest{Name: []byte(w.key("lock")), Lease: id})
	if err != nil {
		return err
	}
	if _, err := locks.Unlock(ctx, &lpb.UnlockRequest{Key: held.Key}); err != nil {
		return err
	}
	elections := epb.NewElectionClient(w.last().ActiveConnection())
	name := []byte(w.key("seat"))
	won, err := elections.Campaign(ctx, &epb.CampaignRequest{Name: name, Lease: id, Value: []byte("me")})
	if err != nil {
		return err
	}
	leader, err := elections.Leader(ctx, &epb.LeaderRequest{Name: name})
	if err != nil {
		return err
	}
	if string(leader.Kv.Value) != "me" {
		return fmt.Errorf("%q leads", leader.Kv.Value)
	}
	if _, err := elections.Resign(ctx, &epb.ResignRequest{Leader: won.Leader}); err != nil {
		return err
	}
	_, err = w.first().Revoke(ctx, clientv3.LeaseID(id))
	return err
}

// health is what probes of gRPC ask, of the server as a whole.
func health(ctx context.Context, w world) error {
	for _, client := range w.clients {
		asked := healthpb.NewHealthClient(client.ActiveConnection())
		answer, err := asked.Check(ctx, &healthpb.HealthCheckRequest{})
		if err != nil {
			return err
		}
		if answer.Status != healthpb.HealthCheckResponse_SERVING {
			return fmt.Errorf("%v", answer.Status)
		}
		stream, err := asked.Watch(ctx, &healthpb.HealthCheckRequest{})
		if err != nil {
			return err
		}
		if answer, err = stream.Recv(); err != nil {
			return err
		}
		if answer.Status != healthpb.HealthCheckResponse_SERVING {
			return fmt.Errorf("watched %v", answer.Status)
		}
		unknown := &healthpb.HealthCheckRequest{Service: "etcdserverpb.None"}
		if _, err := asked.Check(ctx, unknown); err == nil {
			return errors.New("a service that there isn't has a health")
		}
	}
	return nil
}
