/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IPv4 (RFC 791) and IPv6 (RFC 8200) headers.  Afterwards the cursor ends where the datagram says
 * that it ends, so that padding and trailers are never payload.  Fragments are not put together
 * here: the analyzer does that.
 */
#include "parsers/packet/decode.h"

/* A header inside another one: what the outer header said is kept once and cleared. */
static bool ip_enter(struct decoding *d)
{
    struct packet *p = d->p;
    if (d->n_ip > 0) {
        if (d->n_ip == DECODE_IP_MAX) {
            decoding_flaw(d, "tunnel.nested-too-deep");
            return false;
        }
        if (!p->in_tunnel) {
            p->in_tunnel = true;
            p->outer_src = p->ip_src;
            p->outer_dst = p->ip_dst;
        }
        p->tunnel = d->tunnel;
        p->has_ip_id = p->df = p->mf = false;
        p->ip_id = p->fragment_offset = p->src_port = p->dst_port = 0;
        p->flow_label = 0;
        p->fragment = (struct packet_fragment){0};
        d->dst_not_final = false;
        d->ip4_header = NULL;
    }
    d->n_ip++;
    p->kind = PACKET_OTHER_IP;
    return true;
}

/* A datagram cannot be longer than the bytes that carried it, unless a tool cut the frame and
 * forgot to keep its length: the header is believed, and the contradiction counted. */
static void ip_bound(struct decoding *d, uint32_t len, const char *flaw_beyond)
{
    if (len > decoding_wire_left(d))
        decoding_flaw(d, flaw_beyond);
    decoding_bound(d, len);
    d->p->snaplen_cut = d->missing > 0;
}

/* Loose and strict source routes not yet used up: the checksum covers the last address of the
 * route (RFC 791 section 3.1). */
static bool ip4_is_routed(struct cursor options)
{
    while (cursor_left(&options) > 0) {
        const uint8_t kind = cursor_u8(&options);
        if (kind == 0)
            return false;
        if (kind == 1)
            continue;
        const uint8_t len = cursor_u8(&options);
        const uint8_t *body = len >= 2 ? cursor_take(&options, (size_t)len - 2) : NULL;
        if (!body)
            return false;
        if ((kind == 131 || kind == 137) && len >= 3 && body[0] <= len)
            return true;
    }
    return false;
}

/* A fragment from the byte at on, the rest of the datagram's bytes. */
static void ip_fragment(struct decoding *d, size_t at, uint32_t id, uint8_t protocol)
{
    if (d->missing > 0 || at >= d->c.n)
        return;
    d->p->fragment = (struct packet_fragment){
        .bytes = d->c.p + at, .len = (uint32_t)(d->c.n - at), .id = id, .protocol = protocol};
}

/* A fragment that is all there waits for the others and is not looked into; of a cut one the first
 * shows what it can. */
static enum layer ip_upper(struct decoding *d)
{
    struct packet *p = d->p;
    if (p->fragment_offset > 0 || (p->mf && p->fragment.bytes)) {
        p->payload_len = (uint32_t)decoding_wire_left(d);
        p->payload_captured = (uint32_t)cursor_left(&d->c);
        p->payload = p->payload_captured > 0 ? d->c.p + d->c.at : NULL;
        return LAYER_END;
    }
    d->type = p->ip_protocol;
    return LAYER_UPPER;
}

static enum layer ip4_ah(struct decoding *d)
{
    uint8_t protocol = IP_PROTOCOL_AH;
    struct ip6_extensions seen = {0};
    if (!ip6_extensions_skip(&d->c, &protocol, &seen))
        return decoding_broken(d, "ah.header-cut");
    d->p->ip_protocol = protocol;
    d->type = protocol;
    return LAYER_UPPER;
}

enum layer ip4_decode(struct decoding *d)
{
    const uint8_t *h = cursor_take(&d->c, 20);
    if (!h)
        return decoding_broken(d, "ip4.header-cut");
    const size_t header_len = (size_t)(h[0] & 0x0f) * 4;
    if (h[0] >> 4 != 4)
        return decoding_broken(d, "ip4.version-wrong");
    if (header_len < 20)
        return decoding_broken(d, "ip4.header-length-too-small");
    if (!ip_enter(d))
        return LAYER_END;

    struct packet *p = d->p;
    p->ip_version = 4;
    p->tos = h[1];
    p->has_ip_id = true;
    p->ip_id = be16_at(h, 4);
    const uint16_t fragment = be16_at(h, 6);
    p->df = fragment & 0x4000;
    p->mf = fragment & 0x2000;
    p->fragment_offset = (uint16_t)((fragment & 0x1fff) * 8);
    p->ttl = h[8];
    p->ip_protocol = h[9];
    address_put_v4(&p->ip_src, h + 12);
    address_put_v4(&p->ip_dst, h + 16);
    d->ip4_header = h;
    d->ip4_header_len = header_len;

    const uint8_t *options = NULL;
    if (header_len > 20) {
        options = cursor_take(&d->c, header_len - 20);
        if (!options)
            return decoding_broken(d, "ip4.options-cut");
        d->dst_not_final = ip4_is_routed(cursor_of(options, header_len - 20));
    }
    const uint32_t total_len = be16_at(h, 2);
    if (total_len == 0) { /* segmentation offload, BIG TCP: the frame's length is the only one */
        decoding_flaw(d, "ip4.total-length-zero");
        p->snaplen_cut = d->missing > 0;
    } else if (total_len < header_len) {
        return decoding_broken(d, "ip4.total-length-too-small");
    } else {
        ip_bound(d, total_len - (uint32_t)header_len, "ip4.total-length-beyond-frame");
    }
    if (p->mf || p->fragment_offset > 0)
        ip_fragment(d, d->c.at, p->ip_id, p->ip_protocol);
    else if (p->ip_protocol == IP_PROTOCOL_AH)
        return ip4_ah(d);
    return ip_upper(d);
}

static bool ip6_jumbo(struct cursor options, uint32_t *len)
{
    while (cursor_left(&options) > 0) {
        const uint8_t kind = cursor_u8(&options);
        if (kind == 0) /* Pad1 */
            continue;
        struct cursor body = {0};
        const uint8_t n = cursor_u8(&options);
        const uint8_t *bytes = cursor_take(&options, n);
        if (!bytes)
            return false;
        body = cursor_of(bytes, n);
        if (kind == 0xc2 && n == 4) { /* RFC 2675 section 2 */
            *len = cursor_be32(&body);
            return true;
        }
    }
    return false;
}

static bool ip6_extension(struct cursor *c, uint8_t kind, uint8_t *next,
                          struct ip6_extensions *seen)
{
    const uint8_t *h = cursor_take(c, 8);
    if (!h)
        return false;
    *next = h[0];
    if (kind == IP_PROTOCOL_FRAGMENT) {
        const uint16_t field = be16_at(h, 2);
        seen->is_fragment = true;
        seen->more_fragments = field & 1;
        seen->fragment_offset = field & 0xfff8;
        seen->fragment_next = h[0];
        seen->fragment_id = be32_at(h, 4);
        seen->fragment_at = c->at;
        return true;
    }
    /* AH counts 4-byte words less 2 (RFC 4302 section 2.2), the others 8-byte words less 1 */
    const size_t len = kind == IP_PROTOCOL_AH ? ((size_t)h[1] + 2) * 4 : ((size_t)h[1] + 1) * 8;
    if (len < 8 || !cursor_skip(c, len - 8))
        return false;
    if (kind == IP_PROTOCOL_ROUTING && h[3] > 0)
        seen->routed = true;
    if (kind == IP_PROTOCOL_HOP_BY_HOP)
        seen->has_jumbo |= ip6_jumbo(cursor_of(h + 2, len - 2), &seen->jumbo_len);
    return true;
}

bool ip6_extensions_skip(struct cursor *c, uint8_t *protocol, struct ip6_extensions *seen)
{
    for (unsigned n = 0; n <= DECODE_EXTENSIONS_MAX; n++) {
        switch (*protocol) {
        case IP_PROTOCOL_HOP_BY_HOP:
        case IP_PROTOCOL_ROUTING:
        case IP_PROTOCOL_FRAGMENT:
        case IP_PROTOCOL_AH:
        case IP_PROTOCOL_DESTINATION:
        case IP_PROTOCOL_MOBILITY:
        case IP_PROTOCOL_HIP:
        case IP_PROTOCOL_SHIM6:
            break;
        default:
            return true;
        }
        if (!ip6_extension(c, *protocol, protocol, seen))
            return false;
        if (seen->is_fragment && seen->fragment_offset > 0)
            return true; /* what follows is the middle of something */
    }
    return false;
}

/* Payload length 0: RFC 2675 puts the length into an option, BIG TCP of newer kernels nowhere. */
static void ip6_bound_unstated(struct decoding *d, const struct ip6_extensions *seen,
                               size_t extensions_len)
{
    if (seen->has_jumbo && seen->jumbo_len > 65535 && seen->jumbo_len >= extensions_len) {
        ip_bound(d, seen->jumbo_len - (uint32_t)extensions_len, "ip6.jumbo-length-beyond-frame");
        return;
    }
    if (seen->has_jumbo)
        decoding_flaw(d, "ip6.jumbo-length-bad");
    else
        decoding_flaw(d, "ip6.payload-length-zero");
    d->p->snaplen_cut = d->missing > 0;
}

enum layer ip6_decode(struct decoding *d)
{
    const uint8_t *h = cursor_take(&d->c, 40);
    if (!h)
        return decoding_broken(d, "ip6.header-cut");
    if (h[0] >> 4 != 6)
        return decoding_broken(d, "ip6.version-wrong");
    if (!ip_enter(d))
        return LAYER_END;

    struct packet *p = d->p;
    p->ip_version = 6;
    p->tos = (uint8_t)(h[0] << 4 | h[1] >> 4);
    p->flow_label = be32_at(h, 0) & 0xfffff;
    p->ttl = h[7];
    p->ip_protocol = h[6];
    memcpy(p->ip_src.b, h + 8, 16);
    memcpy(p->ip_dst.b, h + 24, 16);

    const uint16_t payload_len = be16_at(h, 4);
    if (payload_len > 0)
        ip_bound(d, payload_len, "ip6.payload-length-beyond-frame");
    struct ip6_extensions seen = {0};
    const size_t extensions_at = d->c.at;
    if (!ip6_extensions_skip(&d->c, &p->ip_protocol, &seen))
        return decoding_broken(d, "ip6.extension-cut");
    if (payload_len == 0 && p->ip_protocol != IP_PROTOCOL_NONE)
        ip6_bound_unstated(d, &seen, d->c.at - extensions_at);
    p->mf = seen.more_fragments;
    p->fragment_offset = seen.fragment_offset;
    d->dst_not_final = seen.routed;
    if (p->mf || p->fragment_offset > 0)
        ip_fragment(d, seen.fragment_at, seen.fragment_id, seen.fragment_next);
    return ip_upper(d);
}

enum layer ip_any(struct decoding *d)
{
    struct cursor peek = d->c;
    const uint8_t version = cursor_u8(&peek) >> 4;
    if (version == 4)
        return LAYER_IP4;
    if (version == 6)
        return LAYER_IP6;
    return decoding_broken(d, "ip.version-unknown");
}
