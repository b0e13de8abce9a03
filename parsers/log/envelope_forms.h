/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelope parser's own parts, shared between its files and nobody else.  Each takes its form
 * off the scan and fills the envelope, or returns false with both left alone.
 */
#ifndef WHYRST_PARSERS_LOG_ENVELOPE_FORMS_H
#define WHYRST_PARSERS_LOG_ENVELOPE_FORMS_H

#include "parsers/log/envelope.h"

/* The ones below are in envelope_syslog.c. */

/* The outermost form that was named stays; containers are named before what they wrap. */
void form_name(struct envelope *e, enum log_format f);
/* "sshd[123]: ", "kernel: ", "Setup Assistant[1173]: ", "(systemd)[1]: " */
bool form_take_tag(struct scan *s, struct envelope *e);
/* The stamp of an inner form: it replaces the one outside it, which was a relay's or supervisor's.
 * A container runtime reads the line as it is written, so there the finer stamp stays. */
void form_set_stamp(struct envelope *e, const struct stamp *st);
/* Sets the message to what is left of the scan, and takes a kernel line's bracketed time off it. */
void form_set_message(struct envelope *e, const struct scan *s);
/* "Nov 27 09:01:02 host sshd[1]: text", with a year or a fraction, too. */
bool form_take_rfc3164(struct scan *s, struct envelope *e);
/* What follows "<PRI>1 ". */
bool form_take_rfc5424(struct scan *s, struct envelope *e);
/* Behind a stamp: "host sshd[1]: text", relays' stamps between them; strict: no tag, no form. */
bool form_take_host_and_tag(struct scan *s, struct envelope *e, bool strict);
/* "Sun 2025-06-15 15:06:40 UTC host sshd[1]: text" of journalctl -o short-full, and what begins an
 * entry of -o verbose. */
bool form_take_journal_full(struct scan *s, struct envelope *e);
/* "1750000000.123456 host sshd[1]: text" of journalctl -o short-unix. */
bool form_take_unix(struct scan *s, struct envelope *e);

/* The ones below are in envelope_native.c. */

/* The form and its program, where nothing outside it named one. */
void form_name_writer(struct envelope *e, enum log_format f, struct text program);
/* A process id as it was written; 0: it is none. */
uint32_t form_pid(uint64_t n);
/* "[error] ": letters in brackets, and a blank. */
bool form_take_level(struct scan *s);

/* What daemons that stamp their own lines write behind an ISO stamp: nginx, RabbitMQ, PostgreSQL,
 * MySQL, fail2ban.  date_sep is what stood between year and month, time_sep before the hour. */
bool form_take_native(struct scan *s, struct envelope *e, char date_sep, char time_sep);
/* "230324 14:08:01 [ERROR] mariadbd got signal 11 ;" */
bool form_take_mysql_short(struct scan *s, struct envelope *e);
/* "1:M 29 Aug 2023 13:47:38.984 * message" */
bool form_take_redis(struct scan *s, struct envelope *e);
/* "type=CRYPTO_SESSION msg=audit(1475948552.051:28938): ..." */
bool form_take_audit(struct scan *s, struct envelope *e);
/* "  sshd-123 [001] ..s1. 5000.123456: tcp_send_reset: ..." */
bool form_take_ftrace(struct scan *s, struct envelope *e);
/* "192.0.2.1 - - [06/Feb/2009:12:12:51 +0100] "GET / ..." */
bool form_take_access(struct scan *s, struct envelope *e);
/* "=ERROR REPORT==== 14-May-2015::14:52:07 ===" */
/* "MM/DD/YYYY-hh:mm:ss.uuuuuu  [**] [1:2:3] ...": fast alerts of Suricata and Snort. */
bool form_take_fast(struct scan *s, struct envelope *e);
bool form_take_erlang(struct scan *s, struct envelope *e);

/* The one below is in envelope_bracketed.c. */

/* Lines that begin with '[': dmesg, dmesg -T, Apache, Envoy, PHP, gunicorn, NATS, journalctl
 * short-monotonic. */
bool form_take_bracketed(struct scan *s, struct envelope *e);

/* The ones below are in envelope_device.c. */

/* Behind an ISO stamp: "name 192.0.2.1:2817 198.51.100.7:80 0.000073 ..." */
bool form_take_classic_elb(struct scan *s, struct envelope *e);
/* "http 2018-07-02T22:23:00.186641Z app/...", "tls 2.0 2018-12-20T02:59:40 net/..." */
bool form_take_aws(struct scan *s, struct envelope *e);
/* "date=2024-03-16 time=09:29:50 devname="fw1" ..." */
bool form_take_fortigate(struct scan *s, struct envelope *e);
/* "1,2024/03/16 09:29:50,001234567890,TRAFFIC,end,..." */
bool form_take_panos(struct scan *s, struct envelope *e);
/* "2024.01.01 12:00:00 LOG5[12]: ..." */
bool form_take_stunnel(struct scan *s, struct envelope *e);
/* "1773653390: New client connected from ..." */
bool form_take_mosquitto(struct scan *s, struct envelope *e);
/* Behind a stamp: "192.0.2.1:51514 text", "client/192.0.2.1:51514 text", "us=1 text". */
bool form_take_openvpn(struct scan *s, struct envelope *e);
/* "Mon Jan  1 12:00:00 2024 text" */
bool form_take_asctime(struct scan *s, struct envelope *e);
/* Behind "[2024-01-01 12:00:00,123] ": "INFO text (org.apache.kafka....)" */
bool form_take_log4j(struct scan *s, struct envelope *e);

/* The ones below are in envelope_app.c. */

/* "27-Nov-2026 03:52:39.123 INFO [main] ...": Tomcat's catalina.out, BIND. */
bool form_take_day_first(struct scan *s, struct envelope *e);
/* "INFO  [main] 2026-11-27 03:52:39,123 ...": Cassandra; "ERROR 2026-11-27 03:52:39,123 ..." */
bool form_take_level_first(struct scan *s, struct envelope *e);
/* "INFO:werkzeug:" and a line of an access log. */
bool form_take_python(struct scan *s, struct envelope *e);
/* "I1127 03:52:39.123456       1 server.go:123] ...": klog and glog, of Kubernetes' parts. */
bool form_take_klog(struct scan *s, struct envelope *e);
/* "time="2026-11-27T03:52:39Z" level=info ...", "ts=...", "level=info ts=...": the message begins
 * behind the stamp. */
bool form_take_logfmt(struct scan *s, struct envelope *e);
/* "[pod/web-1/nginx] line" of kubectl logs --prefix: the pod is the host, the line inside follows.
 */
bool form_take_kubectl(struct scan *s, struct envelope *e);
/* Behind a stamp: the lines of HTTP.sys ("client 50124 server 80 ..."), IIS ("server GET /up ...")
 * and the Windows firewall ("DROP TCP ...").  The stamps of the first two are UTC. */
bool form_take_w3c(struct scan *s, struct envelope *e);
/* "1795751559.123    182 192.0.2.1 TCP_MISS/200 1234 GET ...": squid's native access log. */
bool form_take_squid(struct scan *s, struct envelope *e);
/* Behind "[2026-11-27T03:52:39,123": "][INFO ][o.e.n.Node   ] [node-1] ...", Elasticsearch,
 * OpenSearch, Logstash. */
bool form_take_elastic(struct scan *s, const struct scan *behind, struct envelope *e,
                       const struct stamp *st);

/* The ones below are in envelope_dress.c. */

/* A line without the colours before and behind it. */
struct text form_uncoloured(struct text line);
/* "/var/log/auth.log:" or "12:", as grep says where it found a line: whether it was that, what
 * follows must tell. */
bool form_take_place(struct scan *s);

#endif
