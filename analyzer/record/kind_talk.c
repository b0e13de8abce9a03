/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two tables: what the connections of a daemon's lines begin with, and what is spoken at the ports
 * by which services are known.  Nothing is judged by it.
 */
#include "analyzer/record/kind_talk.h"

#include <stddef.h>

#include "parsers/packet/words.h"

#define BIT(p) (1U << APP_##p)
#define HTTP (BIT(HTTP1) | BIT(HTTP2))
#define OTHER BIT(UNKNOWN) /* first bytes that are of none of the protocols */

/* By what the kind begins with; the first that fits counts. */
static const struct talk_row {
    struct text kind;
    unsigned begins; /* 0: with anything */
} talk_rows[] = {
    {{"ssh.bad-banner", 14}, 0},
    {{"kafka.not-kafka", 15}, 0},
    {{"postfix.not-smtp", 16}, 0},
    {{"redis.not-redis", 15}, 0},
    {{"ssh.", 4}, BIT(SSH)},
    {{"sftp.", 5}, BIT(SSH)},
    {{"rabbitmq.", 9}, BIT(AMQP) | BIT(TLS)},
    {{"postgres.", 9}, BIT(POSTGRESQL)},
    {{"pgbouncer.", 10}, BIT(POSTGRESQL)},
    {{"mysql.", 6}, BIT(MYSQL) | OTHER}, /* only its server's first bytes tell it */
    {{"redis.", 6}, BIT(REDIS) | BIT(TEXT) | BIT(TLS)},
    {{"postfix.", 8}, BIT(SMTP) | BIT(FTP) | BIT(TEXT) | BIT(TLS)}, /* greetings are alike */
    {{"dovecot.", 8}, BIT(TEXT) | BIT(REDIS) | BIT(TLS)},           /* "+OK" is both's */
    {{"mosquitto.", 10}, OTHER | BIT(TLS)},
    {{"kafka.", 6}, OTHER | BIT(TLS)},
    {{"gunicorn.", 9}, HTTP | BIT(TLS)},
    {{"php-fpm.", 8}, HTTP | BIT(TLS) | OTHER}, /* FastCGI */
    {{"apache.", 7}, HTTP | BIT(TLS)},
    {{"iis.", 4}, HTTP | BIT(TLS)},
    {{"mongodb.", 8}, OTHER | BIT(TLS)},
    {{"aws.", 4}, HTTP | BIT(TLS)},
};

/* IANA's service names, and 8080, 8443, 6380 and 6432 as they are used. */
static const struct port_row {
    uint16_t port;
    unsigned speaks; /* within TLS, where that is spoken there */
} port_rows[] = {
    {22, BIT(SSH)},
    {25, BIT(SMTP)},
    {465, BIT(SMTP)},
    {587, BIT(SMTP)},
    {110, BIT(TEXT)},
    {995, BIT(TEXT)},
    {143, BIT(TEXT)},
    {993, BIT(TEXT)},
    {80, HTTP},
    {443, HTTP},
    {8080, HTTP},
    {8443, HTTP},
    {21, BIT(FTP)},
    {990, BIT(FTP)},
    {389, BIT(LDAP)},
    {636, BIT(LDAP)},
    {445, BIT(SMB)},
    {3389, BIT(RDP)},
    {1883, OTHER},
    {8883, OTHER},
    {3306, BIT(MYSQL)},
    {5432, BIT(POSTGRESQL)},
    {9092, OTHER},
    {9093, OTHER},
    {6432, BIT(POSTGRESQL)},
    {5671, BIT(AMQP)},
    {5672, BIT(AMQP)},
    {6379, BIT(REDIS)},
    {873, BIT(TEXT)},
    {11211, BIT(TEXT)},
    {6380, BIT(REDIS)},
    {27017, OTHER},
};

static unsigned spoken_at(uint16_t port)
{
    for (size_t i = 0; i < sizeof port_rows / sizeof port_rows[0]; i++)
        if (port_rows[i].port == port)
            return port_rows[i].speaks;
    return 0;
}

bool kind_talk_tells(uint16_t server_port)
{
    return (spoken_at(server_port) & ~OTHER) != 0;
}

bool kind_talk_fits(unsigned spoken, uint16_t server_port, struct text kind)
{
    unsigned begins = 0;
    for (size_t i = 0; i < sizeof talk_rows / sizeof talk_rows[0]; i++)
        if (text_starts(kind, talk_rows[i].kind)) {
            begins = talk_rows[i].begins;
            break;
        }
    const unsigned at_port = spoken_at(server_port), inside = begins & ~BIT(TLS);
    if (!begins)
        return true;
    if (spoken & inside)
        return true;
    if (spoken != 0 && spoken != BIT(TLS))
        return false;
    return at_port ? at_port & inside : spoken == 0 || (begins & BIT(TLS));
}
