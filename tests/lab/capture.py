# SPDX-License-Identifier: Apache-2.0
"""Captures: one tcpdump per vantage.

In: a host and an interface.  Out: a pcap file that is complete when stop() returns.
"""
import os
import signal
import subprocess
import time


class Capture:
    def __init__(
        self, case, host, ifname, name, expression="tcp or icmp or icmp6", snaplen=0, more=()
    ):
        self.case, self.name, self.host = case, name, host
        self.path = os.path.join(case.work, name)
        self.log = self.path + ".stderr"
        with open(self.log, "wb") as err:
            self.process = subprocess.Popen(
                [
                    "nsenter",
                    "-t",
                    str(host.pid),
                    "-n",
                    "--",
                    "tcpdump",
                    "-i",
                    ifname,
                    "-n",
                    "-U",
                    "--immediate-mode",
                    "-B",
                    "16384",
                    "-s",
                    str(snaplen),
                    "-Z",
                    "root",
                    "-w",
                    self.path,
                    *more,
                    expression,
                ],
                stdin=subprocess.DEVNULL,
                stdout=err,
                stderr=err,
                start_new_session=True,
            )
        end = time.time() + 10
        while b"listening on" not in open(self.log, "rb").read():
            if time.time() > end or self.process.poll() is not None:
                raise RuntimeError("tcpdump: " + open(self.log).read())
            time.sleep(0.02)

    def stop(self):
        if self.process.poll() is None:
            time.sleep(0.35)
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
