# DOC: a control plane that lies: hostile.py LISTEN PORT TO PORT PEM DIR. It has the TLS key of the real one,
# behind which it stands, and not the signing key. What it does is the text of DIR/do, a line "N WORD NODE": pass;
# hold (keep events back); release ORDER (send what was kept, "2 0 1", and keep
# back no more); tell TYPE (send what was kept of that type, and go on keeping); rewind NODE (its state calls are answered
# with what the last of them was); starve NODE (and these with 503); feed (truly again); or a lie told once to NODE
# (below). It writes N into DIR/done when that is done. DIR/heard has a line "NODE TYPE" for each event that came by,
# "NODE state" for each whole state, and "NODE rewound" or "NODE starved" for each that was kept from it.
import base64, json, os, re, socket, ssl, sys, threading, time

listen, port, to, to_port, pem, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5], sys.argv[6]
server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
server.load_cert_chain(pem)
client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
lock = threading.Lock()
events, kept, streams, states = {}, {}, {}, {}  # by node
holding = False
rewound, starved = {}, set()  # node: the answer it gets


def note(node, what):
    with open(folder + "/heard", "a") as f:
        f.write("%s %s\n" % (node, what))


def until(s, mark, data=b""):
    while mark not in data:
        more = s.recv(65536)
        if not more:
            raise OSError("closed")
        data += more
    return data.split(mark, 1)


def pump(src, dst):
    try:
        while data := src.recv(65536):
            dst.sendall(data)
    except OSError:
        pass
    for s in (src, dst):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def chunks(s, data):
    while True:
        size, data = until(s, b"\r\n", data)
        n = int(size, 16)
        if n == 0:
            return
        while len(data) < n + 2:
            more = s.recv(65536)
            if not more:
                return
            data += more
        yield data[:n]
        data = data[n + 2 :]


def say(node, event):
    with lock:
        for s in streams.get(node, []):
            try:
                s.sendall(event)
            except OSError:
                pass


def stream(node, near, far):
    head, rest = until(far, b"\r\n\r\n")
    near.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n")
    with lock:
        streams.setdefault(node, []).append(near)
    text = b""
    try:
        for piece in chunks(far, rest):
            text += piece
            while b"\n\n" in text:
                event, text = text.split(b"\n\n", 1)
                event += b"\n\n"
                if b"data:" not in event:
                    near.sendall(event)
                    continue
                kind = re.search(rb"event: ?(\S+)", event)
                events.setdefault(node, []).append(event)
                if holding:
                    kept.setdefault(node, []).append(event)
                else:
                    near.sendall(event)
                note(node, kind.group(1).decode() if kind else "?")
    except OSError:
        pass
    with lock:
        streams[node].remove(near)
    near.close()
    far.close()


def answer(node, near, far):
    # one state call: head and body by Content-Length
    head, body = until(far, b"\r\n\r\n")
    first = head.split(b"\r\n")[0]
    n = re.search(rb"(?i)content-length: *(\d+)", head)
    n = int(n.group(1)) if n and b" 304 " not in first else 0
    while len(body) < n:
        body += far.recv(65536)
    whole = head + b"\r\n\r\n" + body
    if b" 200 " in first:
        states[node] = whole
        note(node, "state")
    near.sendall(whole)


def keep_state(node, near):
    # True when the node gets something else than its state
    if node in starved:
        near.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
        note(node, "starved")
    elif node in rewound:
        near.sendall(rewound[node])
        note(node, "rewound")
    return node in starved or node in rewound


def serve(raw):
    try:
        near = server.wrap_socket(raw, server_side=True)
        far = client.wrap_socket(socket.create_connection((to, to_port)))
        while True:
            data = near.recv(65536)
            if not data:
                break
            m = re.match(rb"GET /v1/nodes/(\w+)/(events|state)", data)
            node = m.group(1).decode() if m else None
            if m and m.group(2) == b"state" and keep_state(node, near):
                continue
            far.sendall(data)
            if m and m.group(2) == b"events":
                stream(node, near, far)
                return
            if m:
                answer(node, near, far)
                continue
            # any other call: one answer, by its length
            head, body = until(far, b"\r\n\r\n")
            n = re.search(rb"(?i)content-length: *(\d+)", head)
            while len(body) < (int(n.group(1)) if n else 0):
                body += far.recv(65536)
            near.sendall(head + b"\r\n\r\n" + body)
    except (OSError, ssl.SSLError):
        pass
    raw.close()


def parts(event):
    lines = event.decode().strip().split("\n")
    data = json.loads("\n".join(x.split(":", 1)[1].lstrip() for x in lines if x.startswith("data:")))
    return data


def put(data, number, kind):
    return ("id: %d\nevent: %s\ndata: %s\n\n" % (number, kind, json.dumps(data, separators=(",", ":")))).encode()


def removal(node):
    return next(e for e in events[node] if b"event: peer_removed" in e or b"event:peer_removed" in e)


def newest(node):
    return max(int(parts(e)["event_id"]) for e in events[node])


def lies(word, node, other):
    old = removal(node)
    data = parts(old)
    now = newest(node)
    if word == "replayed":
        return [old]
    if word == "renumbered":  # the same text under the number that would be next
        return [put(data, now + 1, data["event_type"])]
    if word == "audience":  # what another node was told
        return [removal(other)]
    if word in ("forged", "unsigned", "borrowed"):
        # all as it should be for the next event, but for who signed it
        data["event_id"] = str(now + 1)
        data["nonce"] = "%s:%d:%s" % (node, now, "A" * 22)
        data["issued_at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        for name in ("previous", "revision"):
            if name in data["payload"]:
                data["payload"][name] = now + (name == "revision")
        if word == "forged":
            data["signature"] = base64.b64encode(os.urandom(64)).decode()
        elif word == "unsigned":
            data["signature"] = ""
        return [put(data, now + 1, data["event_type"])]
    if word == "expired":
        data["issued_at"] = "2020-01-01T00:00:00Z"
        return [put(data, now + 1, data["event_type"])]
    if word == "twice":
        last = events[node][-1]
        return [last, last]
    raise SystemExit("no lie " + word)


def obey():
    global holding
    last = ""
    while True:
        time.sleep(0.05)
        try:
            with open(folder + "/do") as f:
                words = f.read().split()
        except OSError:
            continue
        if not words or words[0] == last:
            continue
        last, word = words[0], words[1]
        if word == "pass":
            holding = False
        elif word == "hold":
            kept.clear()
            holding = True
        elif word == "release":
            holding = False
            for node, all in kept.items():
                for i in words[2:]:
                    if int(i) < len(all):
                        say(node, all[int(i)])
            kept.clear()
        elif word == "tell":
            for node, all in kept.items():
                for event in all:
                    if words[2].encode() in event.split(b"data:")[0]:
                        say(node, event)
        elif word == "rewind":
            rewound[words[2]] = states[words[2]]
        elif word == "starve":
            starved.add(words[2])
        elif word == "feed":
            rewound.clear()
            starved.clear()
        else:
            for event in lies(word, words[2], words[3]):
                say(words[2], event)
        with open(folder + "/done", "w") as f:
            f.write(last)


threading.Thread(target=obey, daemon=True).start()
s = socket.create_server((listen, port), backlog=64)
print("ready", flush=True)
while True:
    threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
