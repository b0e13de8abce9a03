/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over the layers of one frame.  Bytes and a link type come in, struct packet goes out.
 * No layer is decoded here; the bound on their number is.
 */
#include "parsers/packet/packet.h"

#include "parsers/packet/decode.h"

static enum layer upper_decode(struct decoding *d)
{
    switch (d->type) {
    case IP_PROTOCOL_TCP:
        return tcp_decode(d);
    case IP_PROTOCOL_UDP:
        return tunnel_udp(d);
    case IP_PROTOCOL_ICMP:
        return icmp4_decode(d);
    case IP_PROTOCOL_ICMP6:
        return icmp6_decode(d);
    case IP_PROTOCOL_IP4:
        d->tunnel = d->p->ip_version == 4 ? "ip-in-ip" : "4in6";
        return LAYER_IP4;
    case IP_PROTOCOL_IP6:
        d->tunnel = d->p->ip_version == 4 ? "6in4" : "ip6-in-ip6";
        return LAYER_IP6;
    case IP_PROTOCOL_GRE:
        return tunnel_gre(d);
    case IP_PROTOCOL_ETHERIP:
        return tunnel_etherip(d);
    case IP_PROTOCOL_MPLS:
        d->tunnel = "mpls-in-ip";
        return LAYER_MPLS;
    default:
        return LAYER_END;
    }
}

static enum layer layer_decode(struct decoding *d, enum layer layer)
{
    switch (layer) {
    case LAYER_ETHERNET:
        return link_ethernet(d);
    case LAYER_ETHERTYPE:
        return link_ethertype(d);
    case LAYER_LLC:
        return link_llc(d);
    case LAYER_SLL:
        return link_sll(d);
    case LAYER_SLL2:
        return link_sll2(d);
    case LAYER_LOOPBACK:
        return link_loopback(d);
    case LAYER_PFLOG:
        return link_pflog(d);
    case LAYER_PPP:
        return link_ppp(d);
    case LAYER_PPP_HDLC:
        return link_ppp_hdlc(d);
    case LAYER_PPPOE:
        return link_pppoe(d);
    case LAYER_CISCO_HDLC:
        return link_cisco_hdlc(d);
    case LAYER_MPLS:
        return link_mpls(d);
    case LAYER_NSH:
        return tunnel_nsh(d);
    case LAYER_WLAN:
        return link_wlan(d);
    case LAYER_RADIOTAP:
        return link_radiotap(d);
    case LAYER_PRISM:
        return link_prism(d);
    case LAYER_PPI:
        return link_ppi(d);
    case LAYER_PKTAP:
        return link_pktap(d);
    case LAYER_NFLOG:
        return link_nflog(d);
    case LAYER_ENC:
        return link_enc(d);
    case LAYER_PPP_DIRECTION:
        return link_ppp_direction(d);
    case LAYER_IP:
        return ip_any(d);
    case LAYER_IP4:
        return ip4_decode(d);
    case LAYER_IP6:
        return ip6_decode(d);
    case LAYER_UPPER:
        return upper_decode(d);
    case LAYER_END:
        break;
    }
    return LAYER_END;
}

/* All of the struct is cleared, so that no field of an earlier frame can show through.  In blocks
 * of a size for which compilers use plain vector stores: for the whole they choose a string
 * instruction that takes longer than the rest of the decoding. */
static void packet_zero(struct packet *out)
{
    enum { BLOCK = 64 };
    unsigned char *bytes = (unsigned char *)out;
    size_t at = 0;
    for (; at + BLOCK <= sizeof *out; at += BLOCK)
        memset(bytes + at, 0, BLOCK);
    memset(bytes + at, 0, sizeof *out % BLOCK);
}

void packet_clear(const struct frame_bytes *frame, struct packet *out)
{
    packet_zero(out);
    out->kind = PACKET_NOT_IP;
    out->frame = frame->number;
    out->time = frame->time;
    out->wire_len = frame->origlen > frame->caplen ? frame->origlen : frame->caplen;
    out->iface = frame->iface;
    out->link_type = frame->link_type;
    out->mptcp_reset_reason = MPTCP_REASON_NONE;
}

enum packet_kind packet_decode(const struct frame_bytes *frame, bool verify_checksums,
                               struct packet *out, struct flaws *flaws)
{
    packet_clear(frame, out);
    struct decoding d = {
        .c = cursor_of(frame->data, frame->data ? frame->caplen : 0),
        .p = out,
        .flaws = flaws,
        .verify = verify_checksums,
    };
    d.missing = out->wire_len - (uint32_t)d.c.n;

    enum layer layer = link_first(frame->link_type);
    if (layer == LAYER_END)
        decoding_flaw(&d, "link.type-unsupported");
    for (unsigned n = 0; layer != LAYER_END; n++) {
        if (n == DECODE_LAYERS_MAX) {
            decoding_flaw(&d, "tunnel.nested-too-deep");
            break;
        }
        layer = layer_decode(&d, layer);
    }
    return out->kind;
}

bool packet_link_supported(int link_type)
{
    return link_first(link_type) != LAYER_END;
}

static const struct {
    uint16_t flag;
    char name[4];
} flag_names[] = {
    {TCP_AE, "AE"},   {TCP_CWR, "CWR"}, {TCP_ECE, "ECE"}, {TCP_URG, "URG"}, {TCP_SYN, "SYN"},
    {TCP_FIN, "FIN"}, {TCP_RST, "RST"}, {TCP_PSH, "PSH"}, {TCP_ACK, "ACK"},
};

size_t packet_flags_text(uint16_t flags, char out[40])
{
    size_t n = 0;
    for (size_t i = 0; i < sizeof flag_names / sizeof flag_names[0]; i++) {
        if (!(flags & flag_names[i].flag))
            continue;
        if (n > 0)
            out[n++] = ',';
        for (const char *s = flag_names[i].name; *s; s++)
            out[n++] = *s;
    }
    out[n] = '\0';
    return n;
}
