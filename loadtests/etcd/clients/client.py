"""What Python programs do with etcd by its `etcd3` client, done to a cluster: python client.py HOST:PORT..."""

import io
import sys
import threading
import time
import uuid

import etcd3
from etcd3 import exceptions

PATIENCE = 20
ROOT = f"/clients-check/python-{uuid.uuid4()}/"


def until(what, condition):
    """Waits for a condition, up to PATIENCE seconds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.02)


def key(name):
    return ROOT + name


def key_values(clients):
    client, other = clients[0], clients[-1]
    assert client.get(key("none")) == (None, None)
    put = client.put(key("a"), "1")
    assert client.put(key("a"), "2", prev_kv=True).prev_kv.value == b"1"
    # Another member answers with what the first has acknowledged.
    value, about = other.get(key("a"))
    assert (value, about.version, about.create_revision) == (b"2", 2, put.header.revision)
    assert about.mod_revision == put.header.revision + 1
    assert client.put_if_not_exists(key("a"), "3") is False
    assert client.put_if_not_exists(key("b"), "3") is True
    assert client.replace(key("b"), "wrong", "4") is False
    assert client.replace(key("b"), "3", "4") is True
    found = [(about.key.decode(), value) for value, about in client.get_prefix(ROOT, sort_order="descend")]
    assert found == [(key("b"), b"4"), (key("a"), b"2")]
    assert [about.key.decode() for _, about in client.get_range(key("a"), key("b"))] == [key("a")]
    assert client.get_prefix_response(ROOT, keys_only=True).count == 2
    assert client.get(key("a"), serializable=True)[0] == b"2"
    assert client.delete(key("a")) is True and client.delete(key("a")) is False
    assert client.delete(key("b"), prev_kv=True, return_response=True).prev_kvs[0].value == b"4"
    client.put(key("a"), "1")
    assert client.delete_prefix(ROOT).deleted == 1


def transactions(clients):
    client = clients[0]
    tx = client.transactions
    client.put(key("t"), "1")
    compare = [tx.value(key("t")) == "1", tx.version(key("t")) > 0, tx.create(key("u")) == 0, tx.mod(key("t")) != 0]
    success, results = client.transaction(
        compare=compare,
        success=[tx.put(key("u"), "new"), tx.get(key("t")), tx.delete(key("t"))],
        failure=[tx.get(key("t"))],
    )
    assert success and results[1][0][0] == b"1" and client.get(key("t")) == (None, None)
    nested = tx.txn(compare=[tx.value(key("u")) == "new"], success=[tx.put(key("v"), "in")], failure=[])
    success, results = client.transaction(compare=compare, success=[], failure=[nested, tx.get(key("u"))])
    assert not success and results[1][0][0] == b"new" and client.get(key("v"))[0] == b"in"
    client.delete_prefix(ROOT)


def leases(clients):
    client, other = clients[0], clients[-1]
    lease = client.lease(60)
    client.put(key("l"), "1", lease=lease)
    about = other.get_lease_info(lease.id)
    assert about.grantedTTL == 60 and 0 < about.TTL <= 60 and [k.decode() for k in about.keys] == [key("l")]
    assert lease.granted_ttl == 60 and lease.remaining_ttl <= 60 and lease.keys
    assert lease.refresh()[0].TTL == 60
    lease.revoke()
    assert client.get(key("l")) == (None, None)
    assert client.get_lease_info(lease.id).TTL == -1
    short = client.lease(2)
    client.put(key("l"), "1", lease=short)
    until("the end of a lease", lambda: other.get(key("l")) == (None, None))
    named = client.lease(60, lease_id=uuid.uuid4().int >> 66)
    assert named.refresh()[0].ID == named.id
    named.revoke()
    try:
        client.put(key("l"), "1", lease=named)
        raise AssertionError("a lease that is gone was taken")
    except Exception as error:  # The client passes on what gRPC tells.
        assert "requested lease not found" in str(error), error


def watches(clients):
    client, other = clients[0], clients[-1]
    first = client.put(key("w"), "0").header.revision
    events, cancel = other.watch_prefix(ROOT, start_revision=first, prev_kv=True, progress_notify=True)
    client.put(key("w"), "1")
    client.delete(key("w"))
    seen = [next(events) for _ in range(3)]
    assert [type(event).__name__ for event in seen] == ["PutEvent", "PutEvent", "DeleteEvent"]
    assert [event.value for event in seen] == [b"0", b"1", b""] and seen[2].prev_value == b"1"
    cancel()
    assert list(events) == []
    timer = threading.Timer(0.2, lambda: client.put(key("w"), "once"))
    timer.start()
    assert other.watch_once(key("w"), timeout=PATIENCE).value == b"once"
    try:
        other.watch_once(key("never"), timeout=0.2)
        raise AssertionError("an event of a key that nobody touched")
    except exceptions.WatchTimedOut:
        pass


def locks(clients):
    client, other = clients[0], clients[-1]
    inside, most = [], []

    def work(client):
        for _ in range(5):
            with client.lock(ROOT + "lock", ttl=20) as lock:
                assert lock.is_acquired()
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    workers = [threading.Thread(target=work, args=(client,)) for client in (client, other)]
    [worker.start() for worker in workers]
    [worker.join(PATIENCE) for worker in workers]
    assert len(most) == 10 and max(most) == 1, most
    held = client.lock(ROOT + "held", ttl=20)
    assert held.acquire() and held.refresh()
    late = other.lock(ROOT + "held", ttl=20)
    assert late.acquire(timeout=0.3) is False and late.is_acquired() is False
    assert held.release() and late.acquire(timeout=PATIENCE) and late.release()
    # One whose holder vanishes is free when its lease ends.
    assert client.lock(ROOT + "lost", ttl=2).acquire()
    assert other.lock(ROOT + "lost", ttl=20).acquire(timeout=PATIENCE)


def elections(clients):
    """An election as Python programs write it: who makes the key leads, on a lease, and the others watch."""
    seat = key("seat")
    leaders = []

    def campaign(client, name):
        lease, tx = client.lease(20), client.transactions
        while True:
            won, found = client.transaction(
                compare=[tx.create(seat) == 0],
                success=[tx.put(seat, name, lease=lease)],
                failure=[tx.get(seat)],
            )
            if won:
                break
            revision = found[0][0][1].mod_revision
            gone, cancel = client.watch(seat, start_revision=revision + 1)
            next(event for event in gone if isinstance(event, etcd3.events.DeleteEvent))
            cancel()
        leaders.append(name)
        lease.revoke()

    candidates = [threading.Thread(target=campaign, args=(c, f"n{n}")) for n, c in enumerate(clients)]
    [candidate.start() for candidate in candidates]
    [candidate.join(PATIENCE) for candidate in candidates]
    assert sorted(leaders) == sorted(f"n{n}" for n in range(len(clients))), leaders


def maintenance(clients):
    client = clients[0]
    status = client.status()
    assert status.version.startswith("3.") and status.db_size > 0 and status.raft_index > 0
    members = list(client.members)
    assert status.leader.id in [member.id for member in members]
    assert all(member.name and member.client_urls and member.peer_urls for member in members)
    revision = client.put(key("m"), "1").header.revision
    client.put(key("m"), "2")
    client.compact(revision)
    try:
        client.compact(revision)
        raise AssertionError("compacted twice")
    except Exception as error:
        assert "required revision has been compacted" in str(error), error
    try:
        next(client.watch(key("m"), start_revision=1)[0])
        raise AssertionError("watched what is compacted")
    except exceptions.RevisionCompactedError as error:
        assert error.compacted_revision == revision
    client.defragment()
    assert isinstance(client.hash(), int)
    assert list(client.list_alarms()) == []
    file = io.BytesIO()
    client.snapshot(file)
    assert len(file.getvalue()) % 512 == 32
    client.delete_prefix(ROOT)


def main(endpoints):
    clients = []
    for endpoint in endpoints:
        host, port = endpoint.removeprefix("http://").split(":")
        clients.append(etcd3.client(host=host, port=int(port), timeout=PATIENCE))
    failed = 0
    for check in (key_values, transactions, leases, watches, locks, elections, maintenance):
        try:
            check(clients)
            print(f"python  {check.__name__:<12} ok")
        except Exception as error:
            failed += 1
            print(f"python  {check.__name__:<12} FAILED: {type(error).__name__}: {error}")
    return failed


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)
