# SPDX-License-Identifier: Apache-2.0
"""Refusals that look alike on the wire, and what snapshots of the host tell of them."""
from case import case
from cases.opening import refused


@case("refused-told-by-snapshots", "A service on the loopback alone, a reject rule, a closed port",
      corpus=True)
def three_refusals(c):
    """
    One service listens on the server's loopback address alone; a second listens everywhere, but
    the server's own firewall rejects its port with a TCP reset; on a third port nothing listens.
    There is no log; afterwards the listening sockets and the firewall's rules are collected.

    The reader should see: `port-closed` with the address on which the first listens,
    `firewall-reject` with the rule for the second, `port-closed` for the third.
    """
    c.stage(log=False)
    inner, ruled, shut = c.rng.sample([3306, 5432, 6379, 8443, 9100, 11211], 3)
    c.server.nft(
        f"""table inet filter {{
      chain input {{
        type filter hook input priority 0
        tcp dport {ruled} counter reject with tcp reset
        tcp dport 22 accept
      }}
    }}\n"""
    )
    doors = [c.server.listen(inner, addr="127.0.0.1"), c.server.listen(ruled)]
    c.watch()
    c.ordinary(8080)
    for port, cause in ((inner, "port-closed"), (ruled, "firewall-reject"), (shut, "port-closed")):
        for p in refused(c, port, c.rng.randrange(2, 4)):
            c.truth.add(
                (c.client.addr, p),
                (c.server.addr, port),
                sender="server",
                phase="opening",
                kernel=port != ruled,
                mechanism="refused",
                cause=[cause],
            )
    c.snapshot(c.server, "ss-ltn.txt", "ss", "-ltn")
    c.snapshot(c.server, "nft.txt", "nft", "list", "ruleset")
    for d in doors:
        d.close()


@case("rejected-though-listed", "A reject rule that nobody wrote down, and a listing of sockets",
      corpus=True)
def listed(c):
    """
    The server's own firewall rejects the port of a service with a TCP reset.  There is no log, and
    of the host nothing was collected but its listening sockets.

    The reader should see: `firewall-reject`, but not for sure: had the service been started after
    the refusals, the packets and the listing would be the same.
    """
    c.stage(log=False)
    port = c.rng.choice([3306, 5432, 6379, 8443, 9100, 11211])
    c.server.nft(
        f"""table inet filter {{
      chain input {{
        type filter hook input priority 0
        tcp dport {port} reject with tcp reset
      }}
    }}\n"""
    )
    door = c.server.listen(port, addr="0.0.0.0")
    c.watch()
    c.ordinary(8080)
    for p in refused(c, port, c.rng.randrange(2, 4)):
        c.truth.add(
            (c.client.addr, p),
            (c.server.addr, port),
            sender="server",
            phase="opening",
            kernel=False,
            mechanism="refused",
            cause=["firewall-reject"],
        )
    c.snapshot(c.server, "ss-ltn.txt", "ss", "-ltn")
    door.close()
