# DOC: a TCP relay that misbehaves: relay.py LISTEN PORT TO PORT MODEFILE. The first word of MODEFILE says
# how, for each connection and each piece of it: pass; refuse (close what comes); cut BYTES (close each
# connection behind so many bytes from the far side, and those there are); hole (what is connected stays so
# and hears nothing any more; new ones pass); twice (what a client says is said once more on a connection of
# its own). MODEFILE.count has a line for each connection that came.
import os, socket, sys, threading, time

listen, port, to, to_port, modefile = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5]


def mode():
    try:
        with open(modefile) as f:
            words = f.read().split()
    except OSError:
        words = []
    return (words + ["pass"])[0], int((words + ["0", "0"])[1])


class Link:
    def __init__(self, a, b):
        self.a, self.b, self.heard, self.said, self.hole = a, b, 0, bytearray(), False
        self.born = mode()[0]

    def close(self):
        for s in (self.a, self.b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def pump(self, src, dst, back):
        while True:
            try:
                data = src.recv(16384)
            except OSError:
                data = b""
            if not data:
                break
            what, n = mode()
            if what == "hole" and self.born != "hole":
                self.hole = True
            if self.hole:
                continue
            if what == "refuse":
                break
            if what == "cut":
                self.heard += len(data)
                if self.heard > n:
                    data = data[: max(0, len(data) - (self.heard - n))]
                    try:
                        dst.sendall(data)
                    except OSError:
                        pass
                    break
            if what == "twice" and not back:
                self.said += data
            try:
                dst.sendall(data)
            except OSError:
                break
        if not self.hole:
            self.close()
        if self.said and not back:
            again(bytes(self.said))


# The same bytes once more, as somebody who has listened would send them.
def again(said):
    try:
        s = socket.create_connection((to, to_port), 5)
        s.sendall(said)
        s.settimeout(1)
        while s.recv(16384):
            pass
    except OSError:
        pass
    with open(modefile + ".replayed", "a") as f:
        f.write("%d\n" % len(said))


def take(a):
    with open(modefile + ".count", "a") as f:
        f.write("%d\n" % (time.monotonic() * 1000))
    if mode()[0] == "refuse":
        a.close()
        return
    try:
        b = socket.create_connection((to, to_port), 5)
        b.settimeout(None)
    except OSError:
        a.close()
        return
    link = Link(a, b)
    links.append(link)
    threading.Thread(target=link.pump, args=(a, b, False), daemon=True).start()
    link.pump(b, a, True)


# Modes that end what is there need not wait for it to speak.
def watch():
    was = mode()
    while True:
        time.sleep(0.05)
        now = mode()
        if now != was and now[0] in ("refuse", "cut"):
            for link in links:
                if not link.hole:
                    link.close()
        if now != was and now[0] == "hole":
            for link in links:
                link.hole = True
        was = now


links = []
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind((listen, port))
server.listen(64)
threading.Thread(target=watch, daemon=True).start()
while True:
    a, _ = server.accept()
    threading.Thread(target=take, args=(a,), daemon=True).start()
