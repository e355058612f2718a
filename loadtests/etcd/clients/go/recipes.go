package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"
)

// mutex lets contenders on every member count together, one at a time.
func mutex(ctx context.Context, w world) error {
	var inside, total atomic.Int64
	var group sync.WaitGroup
	failures := make(chan error, 2*len(w.clients))
	for n := range 2 * len(w.clients) {
		client := w.clients[n%len(w.clients)]
		group.Add(1)
		go func() {
			defer group.Done()
			failures <- func() error {
				session, err := concurrency.NewSession(client, concurrency.WithTTL(20))
				if err != nil {
					return err
				}
				defer session.Close()
				mutex := concurrency.NewMutex(session, w.key("mutex"))
				for range 5 {
					if err := mutex.Lock(ctx); err != nil {
						return err
					}
					if inside.Add(1) != 1 {
						return errors.New("two hold the mutex")
					}
					total.Add(1)
					inside.Add(-1)
					if err := mutex.Unlock(ctx); err != nil {
						return err
					}
				}
				return nil
			}()
		}()
	}
	group.Wait()
	close(failures)
	for err := range failures {
		if err != nil {
			return err
		}
	}
	return expect(total.Load() == int64(10*len(w.clients)), "%d turns", total.Load())
}

// session shows that a lock that is taken is told so, that its owner can be proven in a transaction, and that it is
// free once its session is orphaned and the lease ends.
func session(ctx context.Context, w world) error {
	holder, err := concurrency.NewSession(w.first(), concurrency.WithTTL(2))
	if err != nil {
		return err
	}
	held := concurrency.NewMutex(holder, w.key("lock"))
	if err := held.TryLock(ctx); err != nil {
		return err
	}
	owned, err := w.first().Txn(ctx).If(held.IsOwner()).Then(clientv3.OpPut(w.key("a"), "1")).Commit()
	if err != nil {
		return err
	}
	other, err := concurrency.NewSession(w.last())
	if err != nil {
		return err
	}
	defer other.Close()
	late := concurrency.NewMutex(other, w.key("lock"))
	if err := late.TryLock(ctx); !errors.Is(err, concurrency.ErrLocked) {
		return fmt.Errorf("a lock that is held was not refused: %v", err)
	}
	// Without anybody to keep it alive its lease ends.
	holder.Orphan()
	if err := late.Lock(ctx); err != nil {
		return err
	}
	lost, err := w.first().Txn(ctx).If(held.IsOwner()).Then(clientv3.OpPut(w.key("a"), "2")).Commit()
	if err != nil {
		return err
	}
	return expect(owned.Succeeded && !lost.Succeeded, "owner %v, afterwards %v", owned.Succeeded, lost.Succeeded)
}

// election hands a seat through candidates on every member, while somebody observes.
func election(ctx context.Context, w world) error {
	observer, err := concurrency.NewSession(w.first())
	if err != nil {
		return err
	}
	defer observer.Close()
	observed := concurrency.NewElection(observer, w.key("seat")).Observe(ctx)
	if _, err := concurrency.NewElection(observer, w.key("seat")).Leader(ctx); !errors.Is(err, concurrency.ErrElectionNoLeader) {
		return fmt.Errorf("somebody leads before anybody stood: %v", err)
	}
	for n, client := range w.clients {
		session, err := concurrency.NewSession(client)
		if err != nil {
			return err
		}
		name := "n" + strconv.Itoa(n)
		election := concurrency.NewElection(session, w.key("seat"))
		if err := election.Campaign(ctx, name); err != nil {
			return err
		}
		if seen := <-observed; string(seen.Kvs[0].Value) != name {
			return fmt.Errorf("observed %q for %q", seen.Kvs[0].Value, name)
		}
		if err := election.Proclaim(ctx, name+" again"); err != nil {
			return err
		}
		if seen := <-observed; string(seen.Kvs[0].Value) != name+" again" {
			return fmt.Errorf("observed %q", seen.Kvs[0].Value)
		}
		resumed := concurrency.ResumeElection(session, w.key("seat"), election.Key(), election.Rev())
		if err := resumed.Resign(ctx); err != nil {
			return err
		}
		session.Close()
	}
	return nil
}

// memory moves money between accounts in software transactional memory, in each isolation: none is lost or made.
func memory(ctx context.Context, w world) error {
	levels := []concurrency.Isolation{concurrency.SerializableSnapshot, concurrency.Serializable, concurrency.RepeatableReads}
	for _, level := range levels {
		if err := transfers(ctx, w, level); err != nil {
			return err
		}
	}
	return nil
}

func transfers(ctx context.Context, w world, level concurrency.Isolation) error {
	const accounts, initial = 5, 100
	for n := range accounts {
		if _, err := w.first().Put(ctx, w.key(strconv.Itoa(n)), strconv.Itoa(initial)); err != nil {
			return err
		}
	}
	failures := make(chan error, len(w.clients))
	for n, client := range w.clients {
		go func() {
			for turn := range 20 {
				from, to := w.key(strconv.Itoa((n+turn)%accounts)), w.key(strconv.Itoa((n+2*turn+1)%accounts))
				move := func(stm concurrency.STM) error {
					if from == to {
						return nil
					}
					a, _ := strconv.Atoi(stm.Get(from))
					b, _ := strconv.Atoi(stm.Get(to))
					stm.Put(from, strconv.Itoa(a-turn))
					stm.Put(to, strconv.Itoa(b+turn))
					return nil
				}
				if _, err := concurrency.NewSTM(client, move, concurrency.WithIsolation(level), concurrency.WithAbortContext(ctx)); err != nil {
					failures <- err
					return
				}
			}
			failures <- nil
		}()
	}
	for range w.clients {
		if err := <-failures; err != nil {
			return err
		}
	}
	sum := 0
	found, err := w.last().Get(ctx, w.prefix, clientv3.WithPrefix())
	if err != nil {
		return err
	}
	for _, account := range found.Kvs {
		balance, err := strconv.Atoi(string(account.Value))
		if err != nil {
			return err
		}
		sum += balance
	}
	return expect(sum == accounts*initial, "isolation %v: %d of %d are left", level, sum, accounts*initial)
}
