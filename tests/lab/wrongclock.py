# SPDX-License-Identifier: Apache-2.0
"""A host's log clock that is wrong, runs at its own rate, or is set while it runs.

In: seconds ahead, a rate, a zone.  Out: the environment in which that host's rsyslogd stamps its
lines by such a clock.  CLOCK_REALTIME knows no namespaces, so libfaketime stands between the daemon
and the clock; the lines themselves are the daemon's own, and no finished log is touched.
"""
import os

LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"


class WrongClock:
    def __init__(self, folder, offset=0.0, rate=1.0, tz=None):
        self.path, self.offset, self.rate, self.tz = os.path.join(folder, "clock"), offset, rate, tz
        self.set(offset)

    def set(self, offset):
        """The clock is `offset` seconds ahead of the truth from now on."""
        with open(self.path + ".new", "w") as f:
            f.write(f"{offset:+.3f} x{self.rate}\n")
        os.rename(self.path + ".new", self.path)

    def env(self):
        env = {
            "LD_PRELOAD": LIBRARY,
            "FAKETIME_TIMESTAMP_FILE": self.path,
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        if self.tz:
            env["TZ"] = self.tz
        return env
