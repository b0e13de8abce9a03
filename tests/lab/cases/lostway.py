# SPDX-License-Identifier: Apache-2.0
"""Firewalls that have lost their table, and paths that lose what one end says."""
import time

from case import again, case
import net
from talk import begin, exchange, meet

STRICT = """table inet f {
 chain forward {
  type filter hook forward priority 0
  ct state established,related accept
  tcp flags & (syn|ack) == syn accept
  meta l4proto tcp reject with tcp reset
 }
}
"""


@case("firewall-forgot", "A firewall that has lost its table rejects what is open", corpus=True)
def forgot(c, port=8443):
    """
    A router lets pass what belongs to a connection that it knows, and SYNs.  Its table is emptied,
    as after a restart, and connections may not be picked up in their midst
    (`nf_conntrack_tcp_loose=0`): it rejects with a TCP reset whatever the clients say on open
    ones.  New connections are served.

    The reader should see: no signature that some request met, but a filter that knows none of the
    connections any more.
    """
    c.stage(routed=True, log=False, router_log=False, delay=0.003, captures=("client", "server"))
    c.router.nft(STRICT)
    c.router.sysctl("net.netfilter.nf_conntrack_tcp_loose=0")
    listener = c.server.listen(port)
    c.watch()
    group = [meet(c, listener, port) for _ in range(3)]
    for a, b, _ in group:
        exchange(c, a, b)
    c.pause(0.4)
    c.router.run("conntrack", "-F", check=False)
    for a, b, mine in group:
        a.sendall(c.text(20, 200))
        c.pause(0.2)
        c.server.forget(b)
        a.close()
        c.truth.add(
            (c.client.addr, mine), (c.server.addr, port), sender="path", phase="active",
            mechanism=["injected"],
            cause=["firewall-reject", "forged-reset", "ips-reset"],
        )
    a, b, _ = meet(c, listener, port)
    exchange(c, a, b)
    a.close()
    c.pause(0.05)
    b.close()


@case("own-data-lost", "The path loses what the client says, and the client closes", corpus=True)
def own_data_lost(c, port=8443):
    """
    From some moment on nothing that the client sends arrives.  It asks, closes, and sends again;
    the server, which knows of neither, speaks on its own and is reset.

    The reader should see: not late data that nobody wanted, but a path that loses one direction.
    """
    c.stage(log=False, delay=0.006, captures=("client",))
    listener = c.server.listen(port)
    c.watch()
    group = [meet(c, listener, port) for _ in range(2)]
    for a, b, _ in group:
        exchange(c, a, b)
    c.pause(0.3)
    c.cable.cut_to = "b"
    for a, _, _ in group:
        a.sendall(c.text(20, 200))
        a.close()
    c.pause(0.7)
    for _, b, mine in group:
        b.sendall(c.text(20, 200))
        c.truth.add(
            (c.client.addr, mine), (c.server.addr, port), sender="client", phase="half-closed",
            mechanism=["after-close"],
            cause=["retransmission-timeout", "client-abort"],
        )
    time.sleep(0.3)
    c.cable.cut = True
    time.sleep(0.1)


def address_moved(c, port=8443):
    """
    Two hosts have one address, as with anycast; the router leads to the first, then to the second,
    which knows nothing of the connections and resets them.  The first one, cut off, sends what it
    has to say again and again.

    The reader should see: a host that does not know the connection; what the other one sends
    afterwards is no sign of a path that had lost packets before.
    """
    c.stage(routed=True, log=False, router_log=False, delay=0, captures=("client",))
    known = "server" in c.planned  # that neither end sent the reset
    listener = c.server.listen(port)
    other = c.host("peer")
    here, there = net.join(c.router, other)
    net.give(other, there, c.server.addr4, None, net4=32)
    other.run("ip", "route", "replace", "default", "dev", there)
    c.watch()
    group = [meet(c, listener, port) for _ in range(2)]
    for a, b, _ in group:
        exchange(c, a, b)
    for host, name, at, addr in (
        (c.router, here, (other, there), c.server.addr4),
        (other, there, (c.router, here), c.client.addr4),
    ):
        mac = at[0].sh(f"cat /sys/class/net/{at[1]}/address").strip()
        host.run("ip", "neigh", "replace", addr, "lladdr", mac, "dev", name)
    c.router.run("ip", "route", "add", c.server.addr4 + "/32", "dev", here)
    for a, b, mine in group:
        a.sendall(c.text(20, 200))
        c.pause(0.1)
        b.sendall(c.text(20, 200))
        a.close()
        c.truth.add(
            (c.client.addr, mine), (c.server.addr, port),
            sender="path" if known else "server", stranger=known, phase="active",
            mechanism=["injected" if known else "no-state"],
            cause=["peer-lost-state", "firewall-reject", "forged-reset"],
            deciding=lambda p, w=(c.server.addr, port): (p.src, p.sport) == w,
        )
    time.sleep(1)
    for _, b, _ in group:
        c.server.forget(b)


for name, shape in (("address-moved", {}), ("address-moved-both", {"captures": ("client", "server")})):
    again(address_moved, name, "A route leads the server's address to another host", shape=shape)
