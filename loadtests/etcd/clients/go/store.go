package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/kubernetes"
	"go.etcd.io/etcd/client/v3/leasing"
	"go.etcd.io/etcd/client/v3/mirror"
	"go.etcd.io/etcd/client/v3/naming/endpoints"
	"go.etcd.io/etcd/client/v3/ordering"
	"go.uber.org/zap"
)

// watch sees every change once and in order, from a revision that is past, filtered, in fragments, and with progress.
func watch(ctx context.Context, w world) error {
	put, err := w.first().Put(ctx, w.key("a"), "0")
	if err != nil {
		return err
	}
	from := put.Header.Revision
	all := w.last().Watch(ctx, w.prefix, clientv3.WithPrefix(), clientv3.WithRev(from), clientv3.WithPrevKV(),
		clientv3.WithFragment(), clientv3.WithCreatedNotify())
	if created := <-all; !created.Created {
		return errors.New("not told of the watch's creation")
	}
	deletes := w.last().Watch(ctx, w.key("a"), clientv3.WithFilterPut(), clientv3.WithRev(from))
	for n := range 50 {
		if _, err := w.first().Put(ctx, w.key("a"), fmt.Sprint(n)); err != nil {
			return err
		}
	}
	gone, err := w.first().Delete(ctx, w.key("a"))
	if err != nil {
		return err
	}
	last := from - 1
	for last < gone.Header.Revision {
		answer := <-all
		if err := answer.Err(); err != nil {
			return err
		}
		for _, event := range answer.Events {
			if event.Kv.ModRevision != last+1 || (last >= from && event.PrevKv.ModRevision != last) {
				return fmt.Errorf("%v after revision %d", event, last)
			}
			last = event.Kv.ModRevision
		}
	}
	if only := <-deletes; len(only.Events) != 1 || only.Events[0].Type != clientv3.EventTypeDelete {
		return fmt.Errorf("%v where deletions alone were asked for", only.Events)
	}
	if err := w.last().RequestProgress(ctx); err != nil {
		return err
	}
	if progress := <-all; !progress.IsProgressNotify() || progress.Header.Revision < gone.Header.Revision {
		return fmt.Errorf("no progress: %v", progress)
	}
	if _, err := w.first().Compact(ctx, gone.Header.Revision); err != nil {
		return err
	}
	past := <-w.last().Watch(ctx, w.key("a"), clientv3.WithRev(from))
	compacted := past.CompactRevision == gone.Header.Revision && errors.Is(past.Err(), rpctypes.ErrCompacted)
	return expect(compacted, "watched what is compacted: %v", past)
}

// lease is kept alive through one member, seen by another, and ends its keys.
func lease(ctx context.Context, w world) error {
	granted, err := w.first().Grant(ctx, 2)
	if err != nil {
		return err
	}
	if _, err := w.first().Put(ctx, w.key("a"), "1", clientv3.WithLease(granted.ID)); err != nil {
		return err
	}
	keeping, stop := context.WithCancel(ctx)
	defer stop()
	answers, err := w.last().KeepAlive(keeping, granted.ID)
	if err != nil {
		return err
	}
	for range 4 {
		if answer := <-answers; answer == nil || answer.TTL != 2 {
			return fmt.Errorf("kept alive: %v", answer)
		}
	}
	left, err := w.last().TimeToLive(ctx, granted.ID, clientv3.WithAttachedKeys())
	if err != nil {
		return err
	}
	if left.GrantedTTL != 2 || left.TTL < 0 || len(left.Keys) != 1 {
		return fmt.Errorf("left: %v", left)
	}
	ends := w.last().Watch(ctx, w.key("a"), clientv3.WithFilterPut())
	stop()
	if end := <-ends; len(end.Events) != 1 {
		return fmt.Errorf("the lease's end: %v", end.Err())
	}
	if _, err := w.first().Revoke(ctx, granted.ID); !errors.Is(err, rpctypes.ErrLeaseNotFound) {
		return fmt.Errorf("revoked what has ended: %v", err)
	}
	all, err := w.first().Leases(ctx)
	if err != nil {
		return err
	}
	for _, one := range all.Leases {
		if one.ID == granted.ID {
			return errors.New("a lease that ended is listed")
		}
	}
	return nil
}

// leasingCache caches a key under a lease; who writes by another cache invalidates it. Reads never go back.
func leasingCache(ctx context.Context, w world) error {
	cached, closeFirst, err := leasing.NewKV(w.first(), w.key("leases/"))
	if err != nil {
		return err
	}
	defer closeFirst()
	other, closeOther, err := leasing.NewKV(w.last(), w.key("leases/"))
	if err != nil {
		return err
	}
	defer closeOther()
	ordered := ordering.NewKV(cached, func(clientv3.Op, clientv3.OpResponse, int64) error {
		return errors.New("a read went back")
	})
	for n := range 5 {
		if _, err := other.Put(ctx, w.key("a"), fmt.Sprint(n)); err != nil {
			return err
		}
		for range 3 {
			found, err := ordered.Get(ctx, w.key("a"))
			if err != nil {
				return err
			}
			if string(found.Kvs[0].Value) != fmt.Sprint(n) {
				return fmt.Errorf("read %q after %d was written", found.Kvs[0].Value, n)
			}
		}
	}
	return nil
}

// mirrorPrefix copies a prefix as it was, and then what happens to it.
func mirrorPrefix(ctx context.Context, w world) error {
	const keys = 2_500 // more than one page
	for begin := 0; begin < keys; begin += 100 {
		var puts []clientv3.Op
		for n := begin; n < begin+100; n++ {
			puts = append(puts, clientv3.OpPut(w.key(fmt.Sprintf("%06d", n)), "1"))
		}
		if _, err := w.first().Txn(ctx).Then(puts...).Commit(); err != nil {
			return err
		}
	}
	syncer := mirror.NewSyncer(w.last(), w.prefix, 0)
	pages, failures := syncer.SyncBase(ctx)
	count := 0
	for page := range pages {
		count += len(page.Kvs)
	}
	if err := <-failures; err != nil {
		return err
	}
	updates := syncer.SyncUpdates(ctx)
	if _, err := w.first().Delete(ctx, w.prefix, clientv3.WithPrefix()); err != nil {
		return err
	}
	gone := 0
	for gone < keys {
		update := <-updates
		if err := update.Err(); err != nil {
			return err
		}
		gone += len(update.Events)
	}
	return expect(count == keys && gone == keys, "%d copied, %d gone", count, gone)
}

// naming is how gRPC's clients find servers by etcd.
func naming(ctx context.Context, w world) error {
	manager, err := endpoints.NewManager(w.first(), w.key("service"))
	if err != nil {
		return err
	}
	channel, err := manager.NewWatchChannel(ctx)
	if err != nil {
		return err
	}
	name := w.key("service") + "/one"
	if err := manager.AddEndpoint(ctx, name, endpoints.Endpoint{Addr: "127.0.0.1:1"}); err != nil {
		return err
	}
	updates := <-channel
	if len(updates) != 1 || updates[0].Endpoint.Addr != "127.0.0.1:1" {
		return fmt.Errorf("updates: %v", updates)
	}
	if err := manager.DeleteEndpoint(ctx, name); err != nil {
		return err
	}
	left, err := manager.List(ctx)
	return errors.Join(err, expect(len(left) == 0, "left: %v", left))
}

// kubernetesStore does by the interface of an API server's storage: optimistic puts and deletes, lists in pages.
func kubernetesStore(ctx context.Context, w world) error {
	config := clientv3.Config{Endpoints: w.first().Endpoints(), DialTimeout: patience, Logger: zap.NewNop()}
	store, err := kubernetes.New(config)
	if err != nil {
		return err
	}
	defer store.Close()
	for n := range 10 {
		put, err := store.Kubernetes.OptimisticPut(ctx, w.key(fmt.Sprint(n)), []byte("1"), 0, kubernetes.PutOptions{})
		if err != nil || !put.Succeeded {
			return fmt.Errorf("put: %v, %w", put, err)
		}
	}
	again, err := store.Kubernetes.OptimisticPut(ctx, w.key("0"), []byte("2"), 0, kubernetes.PutOptions{GetOnFailure: true})
	if err != nil || again.Succeeded || string(again.KV.Value) != "1" {
		return fmt.Errorf("put over what is there: %v, %w", again, err)
	}
	page, err := store.Kubernetes.List(ctx, w.prefix, kubernetes.ListOptions{Limit: 4})
	if err != nil || len(page.Kvs) != 4 || page.Count != 10 {
		return fmt.Errorf("a page: %v, %w", page, err)
	}
	rest, err := store.Kubernetes.List(ctx, w.prefix,
		kubernetes.ListOptions{Continue: string(page.Kvs[3].Key) + "\x00", Revision: page.Revision})
	if err != nil || len(rest.Kvs) != 6 {
		return fmt.Errorf("the rest: %v, %w", rest, err)
	}
	gone, err := store.Kubernetes.OptimisticDelete(ctx, w.key("0"), again.KV.ModRevision, kubernetes.DeleteOptions{})
	if err != nil || !gone.Succeeded {
		return fmt.Errorf("delete: %v, %w", gone, err)
	}
	return nil
}

// snapshot is read to its end, with the digest by which tools tell that it is whole.
func snapshot(ctx context.Context, w world) error {
	stream, err := w.first().SnapshotWithVersion(ctx)
	if err != nil {
		return err
	}
	defer stream.Snapshot.Close()
	size, err := io.Copy(io.Discard, stream.Snapshot)
	if err != nil {
		return err
	}
	began := time.Now()
	status, err := w.first().Status(ctx, w.first().Endpoints()[0])
	if err != nil {
		return err
	}
	if time.Since(began) > patience || status.DbSize <= 0 {
		return fmt.Errorf("status: %v", status)
	}
	return expect(size%512 == 32 && stream.Version != "", "%d bytes of version %q", size, stream.Version)
}
