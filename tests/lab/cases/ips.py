# SPDX-License-Identifier: Apache-2.0
"""A real intrusion prevention system in line: Suricata on the router, fed by NFQUEUE."""
from case import again, case
from daemons import Suricata
from talk import begin, end, exchange, meet

RULE = (
    'rejectboth tcp any any -> any any (msg:"LAB forbidden word in a request"; flow:established; '
    'content:"forbidden"; classtype:policy-violation; sid:1000001; rev:1;)\n'
)
SAYS = {
    "syslog": ("syslog", r"suricata\[\d+\]: .*forbidden word.*:%d -> "),
    "fast": ("suricata/fast.log", r"forbidden word.*:%d -> "),
    "eve": ("suricata/eve.json", r'"event_type":"alert","src_ip":"[^"]*","src_port":%d,'),
}


@case("ips-suricata", "Suricata in line resets connections that hold a forbidden word", corpus=True)
def suricata(c, port=8088, output="syslog"):
    """
    The router hands what it forwards to Suricata (NFQUEUE), whose one rule says `rejectboth`: a
    segment with the forbidden word is dropped and both ends get a RST in the other's name.  Its
    alerts go to syslog, or to a file of its own (fast.log, eve.json).  Other requests are answered.

    The reader should see: the device's own log names the connection and the rule.
    """
    c.stage(routed=True, log=False, captures=("client",))
    Suricata(c.router, RULE, output)
    for tables in ("iptables-legacy", "ip6tables-legacy"):
        c.router.run(tables, "-A", "FORWARD", "-p", "tcp", "-j", "NFQUEUE", "--queue-num", "0")
    listener = begin(c, port)
    words = ["forbidden", "news", "forbidden", "weather"] + ["forbidden"] * c.rng.randrange(0, 2)
    for word in words:
        a, b, mine = meet(c, listener, port)
        exchange(c, a, b, c.rng.randrange(1, 3))
        a.sendall(b"give me the %s page\n" % word.encode())
        c.pause(0.2, 0.4)
        if word != "forbidden":
            b.recv(4096)
            c.say(b, a)
        end(a)
        end(b)
        if word == "forbidden":
            c.truth.add(
                (c.client.addr, mine),
                (c.server.addr, port),
                sender="path",
                phase="active",
                mechanism=["injected"],
                cause=["ips-reset", "forged-reset"],
                logs=[(SAYS[output][0], SAYS[output][1] % mine)],
                logs_ok=[("suricata/eve.json", r'"(src|dest)_port":%d\b' % mine)],
            )
        c.pause(0.3, 0.6)


again(suricata, "ips-suricata-v6", "Suricata in line, IPv6", graded=True, ip=6)
again(suricata, "ips-suricata-fast", "Suricata in line, and its fast.log", output="fast")
again(suricata, "ips-suricata-eve", "Suricata in line, and its eve.json", output="eve")
again(suricata, "ips-suricata-fast-v6", "Suricata in line, and its fast.log", graded=True, ip=6,
      output="fast", shape=dict(delay=0.01))
again(suricata, "ips-suricata-eve-v6", "Suricata in line, and its eve.json", graded=True, ip=6,
      output="eve", shape=dict(delay=0.01))
