"""Sends random requests to two OTLP receivers, asks both query APIs the same, and prints what differs."""

import json
import random
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

JAEGER_OTLP, JAEGER, OURS_OTLP, OURS, ROUNDS = sys.argv[1:]
SERVICES = ["order", "inventory", "", None, 7]
NAMES = ["GET /", "SELECT", "", "é <b>"]
KEYS = ["a", "b", "http.route", "event", "service", "é"]
random.seed(20)


def value(depth=0):
    kinds = [
        lambda: {"stringValue": random.choice(["", "x", "y", "<&>", "é", "z" * 200])},
        lambda: {"intValue": str(random.choice([0, -1, 200, 2**53, -(2**53), 2**63 - 1]))},
        lambda: {"boolValue": random.random() < 0.5},
        lambda: {"doubleValue": random.choice([0, 1, -2.5, 1e21, 1e-7, 0.1, 1.5e300])},
        # No bytes at all are `null` to Jaeger, and an empty text here.
        lambda: {"bytesValue": random.choice(["AQI=", "//79"])},
        lambda: {},
    ]
    if depth < 2:
        kinds.append(lambda: {"arrayValue": {"values": [value(depth + 1) for _ in range(random.randint(0, 3))]}})
        kinds.append(lambda: {"kvlistValue": {"values": pairs(depth + 1)}})
    return random.choice(kinds)()


def pairs(depth=0):
    # A key once in a list: what a key that stands twice means is up to either.
    return [{"key": key, "value": value(depth)} for key in random.sample(KEYS, random.randint(0, 4))]


def identifier(digits):
    return "".join(random.choice("0123456789abcdef") for _ in range(digits - 1)) + "1"


def span(trace, ids, start):
    begin = start + random.randint(0, 10**9)
    own = identifier(16)
    made = {
        "traceId": trace,
        "spanId": own,
        "parentSpanId": random.choice(ids + [""]),
        "name": random.choice(NAMES),
        "kind": random.randint(0, 5),
        "startTimeUnixNano": str(begin),
        "endTimeUnixNano": str(begin + random.randint(2_000, 10**8)),
        "attributes": pairs(),
        "traceState": random.choice(["", "a=b"]),
        "status": random.choice([{}, {"code": 1}, {"code": 2, "message": "no"}, {"code": 2}]),
        "events": [
            {"timeUnixNano": str(begin + 5), "name": random.choice(["", "ev"]), "attributes": pairs()}
            for _ in range(random.randint(0, 2))
        ],
        "links": [
            {"traceId": random.choice([trace, identifier(32)]), "spanId": random.choice(ids + [identifier(16)]),
             "attributes": random.choice([[], [{"key": "opentracing.ref_type", "value": {"stringValue": "child_of"}}]])}
            for _ in range(random.randint(0, 2))
        ],
    }
    ids.append(own)
    return made


def request(trace):
    start = time.time_ns() - 10**10
    groups, ids = [], []
    for _ in range(random.randint(1, 3)):
        service = random.choice(SERVICES)
        attributes = [pair for pair in pairs()]
        if service is not None:
            typed = {"intValue": str(service)} if isinstance(service, int) else {"stringValue": service}
            attributes.append({"key": "service.name", "value": typed})
        scope = random.choice([{}, {"name": "lib"}, {"name": "lib", "version": "1", "attributes": pairs()}])
        spans = [span(trace, ids, start) for _ in range(random.randint(1, 4))]
        groups.append({"resource": {"attributes": attributes}, "scopeSpans": [{"scope": scope, "spans": spans}]})
    return {"resourceSpans": groups}


def send(address, body):
    headers = {"content-type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(f"http://{address}/v1/traces", json.dumps(body).encode(), headers)).read()


def ask(address, path):
    try:
        with urllib.request.urlopen(f"http://{address}{path}") as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def as_text(what):
    return json.dumps(what, sort_keys=True)


def comparable(what):
    """Numbers of processes are replaced by what they stand for, and lists are put in one order."""
    if isinstance(what, dict) and "processes" in what:
        processes = what["processes"]
        for one in what["spans"]:
            one["processID"] = processes[one["processID"]]
        what = {**what, "processes": sorted(processes.values(), key=as_text)}
    if isinstance(what, dict):
        return {key: comparable(inner) for key, inner in what.items() if key != "warnings"}
    if isinstance(what, list):
        return sorted((comparable(inner) for inner in what), key=as_text)
    return float(what) if isinstance(what, (int, float)) and not isinstance(what, bool) else what


differences = asked = 0


def compare(path):
    global differences, asked
    asked += 1
    theirs, ours = ask(JAEGER, path), ask(OURS, path)
    one, other = as_text([theirs[0], comparable(theirs[1])]), as_text([ours[0], comparable(ours[1])])
    if one != other:
        differences += 1
        place = next((at for at, (a, b) in enumerate(zip(one, other)) if a != b), min(len(one), len(other)))
        print(f"{path}\n  jaeger …{one[max(0, place - 100):place + 160]}\n  ours   …{other[max(0, place - 100):place + 160]}")


traces = []
for _ in range(int(ROUNDS)):
    trace = random.choice([identifier(32), "0" * 16 + identifier(16)])
    traces.append(trace)
    body = request(trace)
    send(JAEGER_OTLP, body)
    send(OURS_OTLP, body)
deadline = time.time() + 10
while ask(JAEGER, f"/api/traces/{traces[-1]}")[0] != 200 and time.time() < deadline:
    pass
for trace in traces:
    compare(f"/api/traces/{trace}")
names = ["order", "inventory", "empty-service-name", "missing-service-name", "service-name-wrong-type", "none"]
compare("/api/services")
compare("/api/dependencies")
for name in names:
    service = urllib.parse.quote(name)
    compare(f"/api/services/{service}/operations")
    compare(f"/api/operations?service={service}")
    compare(f"/api/operations?service={service}&spanKind=client")
    for query in ["", "&operation=SELECT", "&minDuration=50ms", "&maxDuration=20ms", "&minDuration=1ms&maxDuration=90ms",
                  "&tag=a:x", "&tag=b:200", "&tag=http.route:true", "&tags=" + urllib.parse.quote('{"a":"-2.5"}'), "&tag=nothing:x"]:
        compare(f"/api/traces?service={service}&limit=1000{query}")
for path in ["/api/traces/ff", "/api/traces/xyz", "/api/traces", "/api/traces?service=order&start=x", "/api/operations",
             "/api/traces?service=order&minDuration=5", "/api/traces?service=order&tag=a", "/api/metrics/calls?service=order"]:
    compare(path)
print(f"{asked} questions about {len(traces)} traces, {differences} answers differ")
sys.exit(differences > 0)
