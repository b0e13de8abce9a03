# SPDX-License-Identifier: Apache-2.0
"""A device that completes handshakes in a server's name before it asks the server."""
from case import case

GUARD = """table inet guard {{
 chain raw {{
  type filter hook prerouting priority -300
  tcp dport {{ {ports} }} tcp flags syn / fin,syn,rst,ack notrack
 }}
 chain forward {{
  type filter hook forward priority 0
  ct state invalid,untracked tcp dport {{ {ports} }} synproxy mss 1460 wscale 7 timestamp sack-perm
  ct state invalid drop
 }}
}}
"""


@case("syn-proxy", "A SYN proxy answers for ports on which nothing listens", corpus=True)
def syn_proxy(c, closed=8443, stopped=8450):
    """
    The router completes handshakes itself (nftables `synproxy`) and only then asks the server.
    On one port nothing ever listens; on the other a service is stopped for a while.

    The reader should see: no service that threw connections away, but ports that are closed.
    """
    c.stage(routed=True, log=False, router_log=False, captures=("client",))
    c.router.sysctl("net.netfilter.nf_conntrack_tcp_loose=0", "net.ipv4.tcp_syncookies=1")
    c.router.nft(GUARD.format(ports=f"{closed}, {stopped}"))
    c.watch()
    c.ordinary(8080)
    c.ordinary(stopped)
    for port in (closed, stopped, closed, stopped):
        s = c.client.connect(c.server.addr, port)
        mine = s.getsockname()[1]
        try:
            s.sendall(c.text(20, 200))
        except OSError:
            pass
        c.pause(0.1)
        s.close()
        c.truth.add(
            (c.client.addr, mine), (c.server.addr, port), sender="path", phase="idle-open",
            stranger=True, mechanism=["injected", "abort", "refused-late"],
            cause=["service-down"] * (port == stopped) + ["port-closed", "firewall-reject"],
        )
    c.ordinary(stopped)
