# SPDX-License-Identifier: Apache-2.0
"""What a device or a host does to connections that are in use: a ban, a NAT that loses its table."""
from case import again
from talk import end, exchange, meet


def ban(c, port=8443):
    """
    The server's own firewall begins to reject one source with a TCP reset (`nft … reject with tcp
    reset`, no log) while that source has connections open; another source is served all the time.

    The reader should see: the host's firewall, not a lost state.
    """
    c.stage(log=False)
    banned = "2001:db8:1::bad" if c.ip == 6 else "192.0.2.%d" % c.rng.randrange(240, 250)
    c.client.add_address(banned)
    door = c.server.listen(port)
    c.watch()
    good = c.client.connect(c.server.addr, port, src=c.client.addr)
    good_s, _ = door.accept()
    good_s.settimeout(10)
    group = []
    for _ in range(c.rng.randrange(2, 4)):
        a = c.client.connect(c.server.addr, port, src=banned)
        b, _ = door.accept()
        b.settimeout(10)
        exchange(c, a, b)
        group.append((a, b))
    c.say(good, good_s)
    c.server.nft(
        f"""table inet filter {{
      chain input {{
        type filter hook input priority 0
        {"ip6" if c.ip == 6 else "ip"} saddr {banned} tcp dport {port} reject with tcp reset
      }}
    }}\n"""
    )
    for a, b in group:
        c.say(good, good_s)
        c.pause(0.2, 0.5)
        mine = a.getsockname()[1]
        a.sendall(c.text(20, 200))
        c.pause(0.1)
        a.close()
        c.truth.add(
            (banned, mine), (c.server.addr, port), sender="server", phase="active", kernel=False,
            mechanism=["no-state"], cause=["firewall-reject", "peer-lost-state"],
        )
    for _ in range(2):
        s = c.client.socket()
        s.bind((banned, 0))
        mine = s.getsockname()[1]
        try:
            s.connect((c.server.addr, port))
        except ConnectionRefusedError:
            pass
        s.close()
        c.truth.add(
            (banned, mine), (c.server.addr, port), sender="server", phase="opening", kernel=False,
            mechanism=["refused"], cause=["firewall-reject"],
        )
        c.say(good, good_s)
    c.mute(c.server)
    good.close()


again(ban, "ban-live", "A ban meets live sessions")
again(ban, "ban-live-v6", "A ban meets live sessions", ip=6, graded=True, shape=dict(delay=0.01))


def sudden(c, port=8443):
    """
    A rule `reject with tcp reset` comes into force on the server itself while connections are open;
    what the client sends then is answered as if nobody knew it, and its new attempts are refused.
    The service is alive and says nothing.

    The reader should see: no service that is down, since that closes its connections first; a rule,
    by how soon after the server's last word.
    """
    c.stage(log=False)
    listener = c.server.listen(port)
    c.watch()
    group = []
    for _ in range(c.rng.randrange(2, 4)):
        a, b, mine = meet(c, listener, port)
        exchange(c, a, b)
        group.append((a, b, mine))
    c.server.nft(
        "table inet filter {\n chain input {\n type filter hook input priority 0\n"
        f" tcp dport {port} reject with tcp reset\n }}\n}}\n"
    )
    for a, _, mine in group:
        a.sendall(c.text(20, 200))
        c.pause(0.1, 0.2)
        a.close()
        c.truth.add(
            (c.client.addr, mine), (c.server.addr, port), sender="server", phase="active",
            kernel=False, mechanism=["no-state"], cause=["firewall-reject", "peer-lost-state"],
        )
    for _ in range(2):
        s = c.client.socket()
        s.bind((c.client.addr, 0))
        mine = s.getsockname()[1]
        try:
            s.connect((c.server.addr, port))
        except ConnectionRefusedError:
            pass
        s.close()
        c.truth.add(
            (c.client.addr, mine), (c.server.addr, port), sender="server", phase="opening",
            kernel=False, mechanism=["refused"],
            cause=["firewall-reject", "service-down"],  # byte for byte the answer of a closed port
        )
        c.pause(0.2, 0.5)
    c.mute(c.server)


again(sudden, "reject-sudden", "A rule on the server rejects what was open")


def flushed(c, port=8080):
    """
    A service address is translated to the server (DNAT).  The router loses its connection table
    (`conntrack -F`) under live connections; the server speaks first, its segment is taken for a
    new connection's and passes untranslated.  The client's kernel resets what it does not know,
    and that RST fits the server's end.

    The reader should see: the NAT's doing; the client itself went on.
    """
    c.stage(routed=True, delay=0.004, captures=c.spec["shape"].get("captures", ("server",)), router_log=False)
    public = f"203.0.113.{c.rng.randrange(2, 250)}"
    c.router.nft(
        f"""table ip nat {{
      chain pre {{
        type nat hook prerouting priority -100
        ip daddr {public} tcp dport 80 dnat to {c.server.addr}:{port}
      }}
    }}\n"""
    )
    listener = c.server.listen(port)
    c.watch()
    c.ordinary(8081)
    for _ in range(c.rng.randrange(2, 4)):
        a = c.client.connect(public, 80)
        b, _ = listener.accept()
        mine = a.getsockname()[1]
        us, them = (c.client.addr, mine), (c.server.addr, port)
        exchange(c, a, b, 2)
        c.pause(0.2, 0.4)
        c.router.run("conntrack", "-F", check=False)
        b.sendall(c.text(50, 400))
        c.pause(0.15, 0.25)
        a.sendall(c.text(20, 200))
        c.pause(0.1)
        end(a)
        b.close()
        both = "client.pcap" in [x.name for x in c.captures]
        c.truth.add(
            us, them, sender="client", phase="active", mechanism=["no-state", "injected"],
            cause=["nat-mapping-lost", "conntrack-invalid"],
            capture="client.pcap" if both else "server.pcap",
        )
        if both:
            c.truth.add(
                us, (public, 80), sender="server", phase="active", mechanism=["no-state"],
                cause=["nat-mapping-lost", "conntrack-invalid", "peer-lost-state"], capture="client.pcap",
                nat={"server.pcap": (us, them)}, kernel=False,
            )
        c.pause(0.1, 0.3)


BOTH = dict(captures=("client", "server"))
again(flushed, "nat-flushed", "A NAT's table is flushed, seen from the server alone")
again(flushed, "nat-flushed-both", "A NAT's table is flushed, seen from both sides", shape=BOTH)
again(flushed, "nat-flushed-2", "A NAT's table is flushed, seen from the server alone",
      graded=True, shape=dict(delay=0.02))
