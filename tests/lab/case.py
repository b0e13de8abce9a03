# SPDX-License-Identifier: Apache-2.0
"""One case: its hosts, captures, words and folder.

In: a function that makes something happen.  Out: a folder with captures, logs, snapshots,
README.md and truth.json.
"""
import os
import random
import re
import shutil
import tempfile
import threading
import time
import zlib

import capture
import daemons
import disguise
import kernelword
import net
import truth
import wire

CASES = {}
RELEASE = os.uname().release.encode()


def case(name, title, corpus=False, graded=False, ip=4, shape=None, **params):
    """Registers a case.  Its docstring says what is done and what the reader should see."""

    def keep(f):
        CASES[name] = dict(
            name=name,
            title=title,
            corpus=corpus,
            graded=graded,
            ip=ip,
            shape=shape or {},
            run=f,
            params=params,
        )
        return f

    return keep


def again(f, name, title, **k):
    """Registers a case function once more, in another shape, for the corpus."""
    case(name, title, corpus=True, **k)(f)


def offsets(shift):
    """Seconds by which the logs are ahead; for several hosts a dict."""
    return {k: float(v) for k, v in shift.items()} if isinstance(shift, dict) else float(shift)


class Case:
    HOSTNAMES = {
        "server": ["web", "app", "srv", "vault", "bastion"],
        "client": ["desk", "laptop", "runner", "ws"],
        "router": ["gw", "fw", "edge"],
        "proxy": ["lb", "proxy"],
        "peer": ["peer", "node"],
    }

    def __init__(self, lab, spec, folder):
        self.lab, self.spec, self.name, self.folder = lab, spec, spec["name"], folder
        self.graded, self.ip = spec["graded"], spec["ip"]
        self.rng = random.Random(zlib.crc32(self.name.encode()))
        shape = spec["shape"]
        self.tz, self.log_offset = shape.get("tz", "UTC"), offsets(shape.get("log_shift", 0))
        self.hosts, self.captures, self.wires = [], [], []
        self.taken_ifnames, self.trace, self.trace_rows = set(), None, []
        self.closing, self.work = threading.Lock(), None
        self.truth, self.happened, self.remarks = truth.Truth(self), [], []
        self.log_style = shape.get("log_style") or self.rng.choice(["iso", "iso", "bsd"])

    # --- hosts and links ----------------------------------------------------------------------
    def host(self, name, log=False, **k):
        h = net.Host(self, name)
        h.syslog = None
        if log:
            daemons.Syslog(h, self.log_style, **k)
        return h

    def addresses(self, n4="192.0.2", n6="2001:db8:1"):
        last = self.rng.randrange(20, 240)
        return f"{n4}.{last}", f"{n6}::{last:x}"

    def wire(self, a, b, delay, jitter=0.0):
        """Puts a slow cable between two hosts; returns (interface of a, interface of b, wire)."""
        middle = net.Host(self, "wire%d" % len(self.wires))
        middle.sysctl("net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
        ia, ma = net.join(a, middle, offloads=False)
        ib, mb = net.join(b, middle, offloads=False)
        w = wire.Wire(middle, ma, mb, self.rng, delay, jitter)
        w.host, w.if_a, w.if_b = middle, ma, mb
        self.wires.append(w)
        return ia, ib, w

    def pair(self, delay=None, log=True, **k):
        """Client and server on one link.  Sets self.client, self.server (and self.cable)."""
        self.client, self.server = self.host("client"), self.host("server", log=log, **k)
        if delay is None:
            delay = self.rng.choice([0, 0.002, 0.008, 0.02])
        if delay:
            ia, ib, self.cable = self.wire(self.client, self.server, delay, delay / 20)
        else:
            ia, ib = net.join(self.client, self.server)
            self.cable = None
        net.give(self.client, ia, *self.addresses())
        net.give(self.server, ib, *self.addresses("198.51.100", "2001:db8:2"))
        return self.client, self.server

    def routed(self, delay=None, log=True, router_log=True):
        """Client, router, server; the router forwards.  The slow cable is on the server's side."""
        self.client, self.router = self.host("client"), self.host("router", log=router_log)
        self.server = self.host("server", log=log)
        ic, self.inside = net.join(self.client, self.router)
        if delay is None:
            delay = self.rng.choice([0, 0.003, 0.012])
        if delay:
            self.outside, is_, self.cable = self.wire(self.router, self.server, delay, delay / 20)
        else:
            self.outside, is_ = net.join(self.router, self.server)
            self.cable = None
        self.router.sysctl("net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        net.give(self.router, self.inside, "192.0.2.1", "2001:db8:1::1", via=(None, None))
        net.give(self.router, self.outside, "198.51.100.1", "2001:db8:2::1", via=(None, None))
        net.give(self.client, ic, *self.addresses(), via=("192.0.2.1", "2001:db8:1::1"))
        net.give(
            self.server,
            is_,
            *self.addresses("198.51.100", "2001:db8:2"),
            via=("198.51.100.1", "2001:db8:2::1"),
        )
        return self.client, self.router, self.server

    def stage(self, routed=False, delay=None, log=True, router_log=True, captures=("server",)):
        """The topology that the case's shape asks for, or else the one given; start it with
        watch()."""
        shape = self.spec["shape"]
        delay = shape.get("delay", delay)
        if shape.get("routed", routed):
            self.routed(delay, log, router_log and routed)
        else:
            self.pair(delay, log)
        self.planned = shape.get("captures", captures)
        if not shape.get("timestamps", True):
            for h in self.hosts:
                h.sysctl("net.ipv4.tcp_timestamps=0")
        for trouble, chance in shape.get("cable", {}).items():
            setattr(self.cable, trouble, chance)
        return self.client, self.server

    def watch(self, **k):
        """Starts the planned captures: client, server, router, router-outside, router-any."""
        snaplen = self.spec["shape"].get("snaplen", 0)
        for where in self.planned:
            host, _, side = where.partition("-")
            h = getattr(self, host)
            name = {"": h.ifnames[0], "outside": h.ifnames[-1], "any": "any"}[side]
            self.capture(h, name, where + ".pcap", **{"snaplen": snaplen, **k})

    def proxied(self, delay=None, log=True):
        """Client, proxy, server: two links, two connections; nothing is forwarded."""
        self.client, self.proxy = self.host("client"), self.host("proxy", log=log)
        self.server = self.host("server")
        ic, front = net.join(self.client, self.proxy)
        delay = self.rng.choice([0, 0.002, 0.01]) if delay is None else delay
        if delay:
            back, is_, self.cable = self.wire(self.proxy, self.server, delay, delay / 20)
        else:
            back, is_ = net.join(self.proxy, self.server)
            self.cable = None
        net.give(self.proxy, front, *self.addresses(), via=(None, None))
        self.back4, self.back6 = self.addresses("198.51.100", "2001:db8:2")
        net.give(self.proxy, back, self.back4, self.back6, via=(None, None))
        net.give(self.client, ic, *self.addresses())
        net.give(self.server, is_, *self.addresses("198.51.100", "2001:db8:2"))
        self.planned = self.spec["shape"].get("captures", ("proxy-any",))
        return self.client, self.proxy, self.server

    def capture(self, host, ifname=None, name=None, **k):
        c = capture.Capture(self, host, ifname or host.ifnames[0], name or host.name + ".pcap", **k)
        self.captures.append(c)
        return c

    def mute(self, host):
        """Nothing of the host is heard from here on: what dies at teardown is no evidence."""
        self.pause(0.05)
        host.nft("table inet dark {\n chain out {\n type filter hook output priority 0\n drop\n }\n}\n")

    # --- happenings ---------------------------------------------------------------------------
    def pause(self, low, high=None):
        time.sleep(self.rng.uniform(low, high or low * 1.3))

    def text(self, low, high):
        """Letters of a length between low and high."""
        n = self.rng.randrange(low, high)
        return "".join(
            self.rng.choice("abcdefghijklmnopqrstuvwxyz0123456789 ") for _ in range(n)
        ).encode()

    def say(self, a, b, low=20, high=400):
        """Sends text from a to b and reads all of it there."""
        text = self.text(low, high)
        a.sendall(text)
        n = 0
        while n < len(text):
            n += len(b.recv(65536))
        return text

    def snapshot(self, host, name, *args):
        path = os.path.join(self.out, "host", host.name, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(host.run(*args, check=False))

    def snapshot_guest(self, guest, name, script):
        """As snapshot(), of a machine with a kernel of its own."""
        path = os.path.join(self.out, "host", guest.host.name, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(guest.run(script, check=False))

    def ordinary(self, port=8080, n=None, server=None, client=None):
        """Connections that end in order."""
        server, client = server or self.server, client or self.client
        listener = server.listen(port)
        for _ in range(n or self.rng.randrange(2, 5)):
            c = client.connect(server.addr, port)
            s, _ = listener.accept()
            for _ in range(self.rng.randrange(1, 4)):
                self.say(c, s, 20, 400)
                self.say(s, c, 50, 1800)
            first, second = self.rng.sample([c, s], 2)
            first.close()
            self.pause(0.01, 0.06)
            second.close()
        listener.close()

    # --- the folder ---------------------------------------------------------------------------
    def capture_names(self):
        return sorted(n for n in os.listdir(self.out) if ".pcap" in n)

    def inputs(self):
        found = []
        for base, _, names in os.walk(self.out):
            for n in names:
                rel = os.path.relpath(os.path.join(base, n), self.out)
                if rel not in ("README.md", "truth.json"):
                    found.append(rel)
        return sorted(found)

    def vantage(self):
        return {n: re.split("[._-]", n)[0] for n in self.capture_names()}

    def collect(self):
        for c in self.captures:
            c.stop()
        self.trace_rows = list(self.trace.rows())
        time.sleep(1.5)  # the lines of the teardown are not near anything that happened
        for h in self.hosts:
            h.stop_programs()
        logged = [
            h
            for h in self.hosts
            if any(
                os.path.getsize(os.path.join(b, n)) for b, _, ns in os.walk(h.log_dir) for n in ns
            )
        ]
        for h in logged:
            to = os.path.join(self.out, "logs", *([h.name] if len(logged) > 1 else []))
            for base, _, names in os.walk(h.log_dir):
                for n in names:
                    src = os.path.join(base, n)
                    dst = os.path.join(to, os.path.relpath(src, h.log_dir))
                    if os.path.getsize(src) and n not in ("wtmp", "btmp", "lastlog", "faillog"):
                        os.makedirs(os.path.dirname(dst), exist_ok=True)
                        with open(src, "rb") as f:
                            text = f.read()
                        with open(
                            dst, "wb"
                        ) as f:  # the lab machine's own name is nobody's business
                            f.write(text.replace(RELEASE, RELEASE.split(b"-")[0] + b"-lab"))
        if self.spec["shape"].get("trace"):
            self.keep_trace(self.client if self.spec["shape"]["trace"] == "client" else self.server)
        for c in self.captures:
            shutil.copyfile(c.path, os.path.join(self.out, c.name))
        moved = disguise.apply(self.out, self.spec["shape"])
        self.trace_rows = [(row[0] + moved, *row[1:]) for row in self.trace_rows]

    def keep_trace(self, host):
        """What someone who traced the host's kernel would have: trace, and when it booted."""
        os.makedirs(os.path.join(self.out, "logs"), exist_ok=True)
        with open(os.path.join(self.out, "logs", "tcp-trace.txt"), "w") as f:
            f.write(self.trace.text({host.addr4, host.addr6}))
        self.snapshot(host, "proc-stat.txt", "grep", "-E", "^(cpu |cpu0 |btime)", "/proc/stat")

    def readme(self, result):
        doc = (self.spec["run"].__doc__ or "").strip("\n")
        lines = [f"# {self.name}", "", self.spec["title"] + ".", ""]
        lines += [
            line[4:] if line.startswith("    ") else line for line in doc.rstrip().split("\n")
        ]
        shape = ", ".join(f"{k}: {v}" for k, v in self.spec["shape"].items())
        lines += ["", f"Shape: IPv{self.ip}" + (f"; {shape}" if shape else "") + "."]
        lines += ["", "## What happened in this run", ""]
        lines += [f"- {h}" for h in self.happened]
        for c in result["connections"]:
            lines.append(
                f"- {c['client']} to {c['server']}: frame {c['rst_frame']} of {c['capture']}, sent by the "
                f"{c['sender']}, {c['mechanism'][0]}, cause {c['cause'][0]}"
                + (f" (the kernel says {c['kernel_reason']})" if "kernel_reason" in c else "")
                + "."
            )
        lines += [
            "",
            "## Remake",
            "",
            f"`./dev lab make {self.name}` (root; the ports, times and sizes will differ).",
            "",
        ]
        with open(os.path.join(self.out, "README.md"), "w") as f:
            f.write("\n".join(lines))

    def make(self):
        self.work = tempfile.mkdtemp(prefix="whyrst-lab-")
        self.out = self.work + "/out"
        os.mkdir(self.out)
        try:
            self.trace = kernelword.Trace(self)
            self.spec["run"](self, **self.spec["params"])
            self.collect()
            result = self.truth.write()
            self.readme(result)
            if self.spec["shape"].get("pcapng"):
                disguise.to_pcapng(self.out)
            big = [
                n
                for n in self.capture_names()
                if os.path.getsize(os.path.join(self.out, n)) > 300000
            ]
            if big:
                raise RuntimeError(f"{self.name}: over 300 kB: {big}")
            final = os.path.join(self.folder, self.name)
            shutil.rmtree(final, ignore_errors=True)
            shutil.copytree(self.out, final)
            return result
        except Exception:
            keep = os.environ.get("WHYRST_LAB_KEEP")
            if keep:  # what there is, for whoever looks into it
                shutil.copytree(self.out, os.path.join(keep, self.name), dirs_exist_ok=True)
                for h in self.hosts:
                    if os.path.isdir(h.work + "/share"):
                        to = os.path.join(keep, self.name, h.name)
                        shutil.copytree(h.work + "/share", to, dirs_exist_ok=True)
            raise
        finally:
            self.close()

    def close(self):
        """Takes down whatever there is; may be called twice, by whoever stops the run and by the
        case itself."""
        with self.closing:
            captures, self.captures = self.captures, []
            wires, self.wires = self.wires, []
            hosts, self.hosts = self.hosts, []
            trace, self.trace = self.trace, None
            steps = [c.stop for c in captures] + [w.close for w in wires]
            steps += [h.syslog.close for h in hosts if getattr(h, "syslog", None)]
            steps += [h.close for h in hosts] + ([trace.close] if trace else [])
            for step in steps:
                try:
                    step()
                except Exception as e:  # teardown goes on to the end whatever fails
                    print(f"{self.name}: teardown: {e!r}")
            if self.work:
                shutil.rmtree(self.work, ignore_errors=True)
