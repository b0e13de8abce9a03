# SPDX-License-Identifier: Apache-2.0
"""Mosquitto: clients that are not heard of within their keep-alive time, that take another's name, that
break off."""
import struct

import daemons
from case import again
from cases.limits import pair
from cases.told import ended
from daemons import abort, wait_for
from talk import drain

MQTT = 1883


def mosquitto(c, more=""):
    where = f"listener {MQTT} {'::' if c.ip == 6 else '0.0.0.0'}"
    own = c.spec["shape"].get("own_log")
    dest = "file /var/log/mosquitto/mosquitto.log" if own else "syslog"
    c.server.sh("mkdir -p /var/log/mosquitto")
    c.server.write(
        "/etc/mosquitto/lab.conf",
        f"{where}\nallow_anonymous true\nlog_dest {dest}\nlog_type all\nuser root\n"
        f"{more}\n",
    )
    c.server.spawn("mosquitto", "-c", "/etc/mosquitto/lab.conf")
    wait_for(lambda: daemons.listening(c.server, MQTT), "mosquitto")
    c.pause(0.3)


def text(s):
    return struct.pack("!H", len(s)) + s


def packet(kind, body):
    """An MQTT 3.1.1 packet of less than 16 kB."""
    n = len(body)
    length = bytes([n]) if n < 128 else bytes([n % 128 | 128, n // 128])
    return bytes([kind]) + length + body


def device(c, name, keepalive):
    s = c.client.connect(c.server.addr, MQTT)
    s.sendall(packet(0x10, text(b"MQTT") + b"\x04\x02" + struct.pack("!H", keepalive) + text(name)))
    s.recv(64)
    return s


def reading(c):
    return packet(0x30, text(b"hall/%d" % c.rng.randrange(9)) + c.text(20, 80))


def publish(c, s):
    try:
        s.sendall(reading(c))
    except OSError:
        pass


def said(c, pattern):
    """A line of the broker's, in syslog or in the log of its own that Debian gives it."""
    own = c.spec["shape"].get("own_log")
    if own:
        return [("mosquitto/mosquitto.log", r"^\d+: .*" + pattern)]
    return [("syslog", r"mosquitto\[.*" + pattern)]


def mqtt_silent(c):
    """
    Devices promise to be heard of every two seconds (MQTT's keep-alive) and then sleep for longer.
    Mosquitto waits for half as long again, logs "has exceeded timeout, disconnecting", and closes.
    The devices publish when they wake.  One keeps its promise and says goodbye.

    The reader should see: the keep-alive that was missed, from the broker's log.
    """
    c.stage()
    mosquitto(c)
    c.watch()
    good, group = device(c, b"door", 2), []
    for n in range(c.rng.randrange(2, 5)):
        group.append(device(c, b"meter-%d" % n, 2))
        publish(c, group[-1])
        c.pause(0.1, 0.3)
    for _ in range(5):
        c.pause(1.0, 1.2)
        good.sendall(b"\xc0\x00")
        good.recv(16)
    for s in group:
        publish(c, s)
        c.pause(0.05, 0.1)
        publish(c, s)
        drain(s, 0.1)
        s.close()
    good.sendall(b"\xe0\x00")
    drain(good)
    good.close()
    ended(
        c, MQTT, ["heartbeat-missed", "endpoint-idle-timeout"], each=True,
        logs=said(c, r"Client meter-\d+ has exceeded timeout, disconnecting"),
        logs_ok=said(c, r"."),
    )


def mqtt_twice(c):
    """
    Two devices were given the same client id.  Each connects when it has been thrown out, and
    throws the other out by that: Mosquitto logs "already connected, closing old connection".  What
    the older still publishes meets a closed connection.

    The reader should see: two clients with one name, from the broker's log.
    """
    c.stage()
    mosquitto(c)
    c.watch()
    old = device(c, b"thermostat", 60)
    for _ in range(c.rng.randrange(3, 5)):
        publish(c, old)
        c.pause(0.4, 0.8)
        new = device(c, b"thermostat", 60)
        c.pause(0.05, 0.2)
        publish(c, old)
        c.pause(0.05)
        publish(c, old)
        drain(old, 0.1)
        old.close()
        old = new
    old.sendall(b"\xe0\x00")
    drain(old)
    old.close()
    ended(
        c, MQTT, ["application-abort"], each=True,
        logs=said(c, r"Client thermostat already connected, closing old connection"),
        logs_ok=said(c, r"."),
    )


pair(mqtt_silent, "mqtt-silent", "Mosquitto gives up devices that sleep too long", delay=0.02)
again(mqtt_silent, "mqtt-own-log", "Mosquitto's own log", shape=dict(own_log=True, delay=0.01))
again(mqtt_silent, "mqtt-own-log-v6", "Mosquitto's own log", ip=6, graded=True,
      shape=dict(own_log=True, delay=0.03))
again(mqtt_twice, "mqtt-twice-seen-twice", "Two devices with one MQTT client id, captured at both ends",
      shape=dict(delay=0.012, captures=("client", "server"), log_style="iso", tz="Asia/Tokyo"))
pair(mqtt_twice, "mqtt-twice", "Two devices with one MQTT client id", delay=0.01, log_style="bsd")
