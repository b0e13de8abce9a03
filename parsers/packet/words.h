/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the payload says.  The first or the last bytes of one direction of a stream come in, a flat
 * struct of facts goes out; texts in it are views of the input.  Nothing is remembered or judged,
 * and no text is cleaned: whoever prints it escapes it.
 *
 * "head" is a view that starts with the direction's first byte and may end anywhere.  "tail" is a
 * view that ends with the direction's last byte and may begin anywhere; framed protocols are found
 * in it by a chain of frames that ends exactly at its end (at most WORDS_TAIL_MAX bytes are tried).
 * Each function returns whether the bytes are of its protocol; *out is set in any case.
 */
#ifndef WHYRST_PARSERS_PACKET_WORDS_H
#define WHYRST_PARSERS_PACKET_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parsers/base/text.h"

#define WORDS_TAIL_MAX 4096

enum app_protocol {
    APP_UNKNOWN,
    APP_TLS,
    APP_SSH,
    APP_HTTP1,
    APP_HTTP2,
    APP_AMQP,
    APP_MYSQL,
    APP_POSTGRESQL,
    APP_REDIS,
    APP_SMTP,
    APP_FTP,
    APP_LDAP,
    APP_RDP,
    APP_SMB,
    APP_TEXT, /* clear text of no known protocol */
    APP_PROTOCOLS
};

/* Either text may be empty.  The server's words decide where the two contradict. */
enum app_protocol words_protocol(struct text first_from_client, struct text first_from_server);
const char *words_protocol_id(enum app_protocol p);    /* "tls", "http1" ... */
const char *words_protocol_title(enum app_protocol p); /* "TLS", "HTTP/1" ... */
/* The first line without its end when head begins with printable text, else empty. */
struct text words_first_line(struct text head);
/* The last line (a final line end is not one) when it is printable text, else empty. */
struct text words_last_line(struct text tail);

/* SSH, RFC 4253 section 4.2 and 6. */
struct ssh_seen {
    struct text before;   /* the first line that is not the banner: a plain-text refusal */
    struct text banner;   /* the whole identification line */
    struct text protocol; /* "2.0" */
    struct text software; /* "OpenSSH_9.2p1" */
    bool saw_kexinit, saw_newkeys;
    bool saw_disconnect; /* in clear, before NEWKEYS */
    uint32_t disconnect_code;
    struct text disconnect_text;
    uint32_t n_packets;  /* readable ones */
    struct text after;   /* a line of text in place of packets: "Invalid SSH identification ..." */
    bool cut;            /* the view ends inside a packet: more may have been said in clear */
    uint8_t cut_message; /* number of that packet, 0 unknown */
    uint64_t cut_end;    /* where in the stream it ends, 0 unknown */
};
bool words_ssh(struct text head, struct ssh_seen *out);
/* Whether this end had sent NEWKEYS among its n_bytes.  The packets of a key exchange outgrow most
 * views, but their lengths stand in front: what follows the reply is NEWKEYS. */
bool words_ssh_keys_sent(const struct ssh_seen *seen, uint64_t n_bytes);
const char *words_ssh_disconnect(uint32_t code); /* "BY_APPLICATION" ... or NULL */

/* TLS, RFC 5246 and 8446. */
struct tls_seen {
    uint32_t n_records;
    uint16_t record_version;
    bool saw_client_hello, saw_server_hello, saw_certificate, saw_server_hello_done;
    bool saw_hello_retry; /* a ServerHello that asks for another ClientHello */
    struct text sni;      /* of the ClientHello */
    struct text alpn;     /* first name offered or the one chosen */
    uint16_t version;     /* 0x0304: highest offered by a client, chosen by a server */
    bool saw_change_cipher_spec, saw_application_data;
    uint32_t n_sealed;      /* records that cannot be read and are no alert, by type and size */
    uint16_t sealed_length; /* of the first of these */
    uint32_t n_alerts;
    bool saw_clear_alert; /* the last readable one: */
    uint8_t alert_level;  /* 1 warning, 2 fatal */
    uint8_t alert_code;
    bool saw_encrypted_alert; /* record type 21 that cannot be read; in TLS 1.3 there is none */
    bool ends_with_alert;     /* the last record is a type 21 */
    bool ends_alert_sized;    /* or TLS 1.3 data of an alert's size (17 to 24 bytes) */
    bool cut;                 /* the view ends inside a record */
};
bool words_tls_scan(struct text head, struct tls_seen *out);
bool words_tls_tail(struct text tail, struct tls_seen *out);
const char *words_tls_alert(uint8_t code); /* "close_notify" ... or NULL */

/* HTTP/1, RFC 9112. */
struct http_message {
    bool is_request;
    size_t at;                        /* where in the view it begins */
    struct text method, target, host; /* of a request */
    uint16_t status;                  /* of a response */
    struct text reason, server;
    uint8_t minor_version; /* 0 or 1 */
    bool head_complete;    /* the empty line was seen */
    size_t head_len;       /* bytes with that line; of the view when it was not seen */
    bool has_content_length;
    uint64_t content_length;
    bool chunked, closes, keeps_alive, upgrades; /* Connection: close, keep-alive, upgrade */
    struct text keep_alive;                      /* "timeout=5, max=100" */
};
bool words_http_request(struct text head, struct http_message *out);
bool words_http_response(struct text head, struct http_message *out);
/* The last message that begins in tail: of a connection that was kept alive.  A request is taken
 * only with its whole head: half of one could be anything. */
bool words_http_last_request(struct text tail, struct http_message *out);
bool words_http_last_response(struct text tail, struct http_message *out);
enum http_completeness { HTTP_INCOMPLETE, HTTP_COMPLETE, HTTP_ENDS_BY_CLOSE, HTTP_UNSURE };
/* Of a message that the direction's n_bytes began with and last are its last bytes. */
enum http_completeness words_http_completeness(const struct http_message *m, uint64_t n_bytes,
                                               struct text last);

/* HTTP/2, RFC 9113. */
struct http2_seen {
    bool saw_preface, saw_settings;
    uint32_t n_frames, n_rst_stream;
    uint32_t rst_stream_code; /* of the last one */
    bool saw_goaway;
    uint32_t goaway_code, goaway_last_stream; /* of the last one, or the last with an error */
    uint32_t n_rst_before_goaway;             /* RST_STREAM frames right before it */
    struct text goaway_text;                  /* debug data: "too_many_pings" */
};
bool words_http2_scan(struct text head, struct http2_seen *out);
bool words_http2_tail(struct text tail, struct http2_seen *out);
const char *words_http2_error(uint32_t code); /* "ENHANCE_YOUR_CALM" ... or NULL */

/* AMQP 0-9-1, sections 4.2 and 1.4. */
struct amqp_seen {
    bool saw_header;
    uint8_t version[3]; /* 0 9 1 */
    uint32_t n_frames, n_heartbeats;
    bool has_heartbeat; /* tune (server) or tune-ok (client) */
    uint16_t heartbeat_s;
    bool saw_open;        /* open or open-ok: the connection is in use */
    bool ends_with_login; /* the last frame is a step of the login: start ... tune-ok */
    bool saw_close, saw_close_ok;
    uint16_t close_code;
    struct text close_text;
    bool ends_with_heartbeat;
};
bool words_amqp_scan(struct text head, struct amqp_seen *out);
bool words_amqp_tail(struct text tail, struct amqp_seen *out);

/* An error that a server names in its own protocol. */
struct server_error {
    bool saw;
    uint32_t code;     /* MySQL's number, SMTP's and FTP's reply code, LDAP's result code */
    struct text state; /* SQLSTATE; first word of a Redis error */
    struct text text;
};

struct mysql_seen {
    bool saw_greeting, saw_thread;
    uint32_t thread; /* the session's number, as the server's log calls it too */
    struct text version;
    struct server_error error;
};
bool words_mysql(struct text head, struct mysql_seen *out); /* of the server */
bool words_mysql_tail(struct text tail, struct mysql_seen *out);

struct postgresql_seen {
    bool saw_startup, saw_ssl_request, saw_gss_request, saw_cancel_request; /* of a client */
    struct text user, database;
    bool ssl_answered, ssl_accepted; /* of a server */
    bool saw_authentication, saw_key;
    uint32_t process; /* BackendKeyData: the process that serves the session, as its log says too */
    struct server_error error;
    struct text severity; /* FATAL, ERROR */
};
bool words_postgresql(struct text head, struct postgresql_seen *out); /* of either side */
bool words_postgresql_tail(struct text tail, struct postgresql_seen *out);

/* "-ERR max number of clients reached": the first error line, or of a tail the last. */
bool words_redis(struct text head, struct server_error *out);
bool words_redis_tail(struct text tail, struct server_error *out);
/* The reply of SMTP or FTP that the text begins with: code, and as text the rest of its line. */
bool words_reply(struct text head, struct server_error *out);

struct ldap_seen {
    bool saw_bind, saw_bind_response, saw_notice_of_disconnection;
    struct server_error error; /* result code other than 0 of a bind or the notice */
};
bool words_ldap(struct text head, struct ldap_seen *out);

struct rdp_seen {
    bool saw_request, saw_confirm, saw_failure;
    uint32_t failure_code; /* MS-RDPBCGR section 2.2.1.2.2 */
};
bool words_rdp(struct text head, struct rdp_seen *out);

/* SMB, MS-SMB2 section 2.2.1 and MS-CIFS section 2.2.3.1; of a tail the last message. */
struct smb_seen {
    bool is_response, is_negotiate, is_logoff;
    bool is_encrypted; /* an SMB 3 transform: nothing else is known */
    bool is_error;     /* of severity error; warnings and "more processing required" too are not */
    uint32_t status;   /* NTSTATUS of a response */
};
bool words_smb(struct text head, struct smb_seen *out);
bool words_smb_tail(struct text tail, struct smb_seen *out);
const char *words_smb_status(uint32_t status); /* "STATUS_LOGON_FAILURE" ... or NULL */

/* The last thing that one direction said, whatever its protocol. */
enum said_kind {
    SAID_NOTHING,   /* no payload at all */
    SAID_DATA,      /* payload whose meaning is not read: encrypted, mid-body, unknown */
    SAID_GREETING,  /* a banner, a hello, the first packet of a handshake */
    SAID_REQUEST,   /* asks for an answer */
    SAID_ANSWER,    /* an answer that reports no error */
    SAID_ERROR,     /* an error that the end names: a refusal, a status of failure */
    SAID_ALERT,     /* a TLS alert that is not close_notify, or cannot be read */
    SAID_GOODBYE,   /* the protocol's own way to end: close_notify, GOAWAY, connection.close ... */
    SAID_HEARTBEAT, /* a sign of life that wants no answer of its own */
    SAID_KINDS
};

struct last_words {
    enum said_kind kind;
    bool is_read;       /* by the protocol's reader; false: all that is known is that it is data */
    const char *noun;   /* static: "HTTP request", "MySQL error"; NULL only where SAID_NOTHING */
    struct text detail; /* a view of the input: a target, a name, a message; may be empty */
    const char *name;   /* static: the name that a standard gives to code, or NULL */
    bool has_code;
    uint32_t code;     /* HTTP status, TLS alert, SSH and AMQP reason, error numbers ... */
    struct text state; /* a code that is text: SQLSTATE, Redis's word; may be empty */
    enum http_completeness whole; /* of HTTP/1 messages, else HTTP_UNSURE */
};

/* One direction as it was kept. */
struct spoken {
    struct text head; /* starts with the first byte */
    struct text tail; /* ends with the last byte; the same as head while that is all */
    uint64_t n_bytes; /* of the direction */
    bool by_client;
};

/* p: what the connection speaks (words_protocol of both heads). */
void words_last(enum app_protocol p, const struct spoken *s, struct last_words *out);
const char *words_said_id(enum said_kind k); /* "nothing", "data", "greeting" ... */

/* The payload of a RST.  Three layouts of the diagnostic payload stand in drafts: CBOR and a fixed
 * one behind the number 12345, and the present one of 8 bytes behind 0x33aa
 * (draft-ietf-tcpm-rst-diagnostic-payload). */
enum rst_payload_kind { RST_PAYLOAD_OPAQUE, RST_PAYLOAD_TEXT, RST_PAYLOAD_DIAGNOSTIC };
struct rst_payload {
    enum rst_payload_kind kind;
    const char *layout; /* "cbor", "lengths", "compact" of a diagnostic payload, else NULL */
    bool has_code;
    uint32_t code;
    uint32_t pen;        /* private enterprise number, 0: the registry of TCP failure causes */
    const char *meaning; /* of the code in that registry, or NULL */
    struct text text;    /* printable text, or the description */
};
bool words_rst_payload(struct text payload, struct rst_payload *out); /* false: empty or opaque */

/* The window field of a RST that a Citrix NetScaler sent (CTX200852), which names its reason.  An
 * ordinary window may have the same value by chance: evidence, never proof. */
bool words_netscaler_window(uint16_t window, const char **meaning);

#endif
