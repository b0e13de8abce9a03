/* SPDX-License-Identifier: Apache-2.0 */
/* SMB 1 and 2/3 before encryption: the command, and the status that a server gave. */
#include "parsers/packet/chain.h"

enum {
    NETBIOS_HEADER = 4,
    SMB2_FLAG_RESPONSE = 0x01,
    SMB1_FLAG_REPLY = 0x80,
    SMB1_NEGOTIATE = 0x72,
    SMB2_NEGOTIATE = 0x00,
    SMB2_LOGOFF = 0x02,
    STATUS_SEVERITY_ERROR = 3, /* MS-ERREF section 2.3 */
};

/* MS-SMB2 section 2.2.1: protocol, size, credit charge, status, command, credits, flags. */
static void read_smb2(struct cursor *c, struct smb_seen *out)
{
    cursor_skip(c, 4);
    const uint32_t status = cursor_le32(c);
    const uint16_t command = cursor_le16(c);
    cursor_skip(c, 2);
    const uint32_t flags = cursor_le32(c);
    if (c->overrun)
        return;
    out->is_response = flags & SMB2_FLAG_RESPONSE;
    out->is_negotiate = command == SMB2_NEGOTIATE;
    out->is_logoff = command == SMB2_LOGOFF;
    out->status = out->is_response ? status : 0;
}

/* MS-CIFS section 2.2.3.1: protocol, command, status, flags. */
static void read_smb1(struct cursor *c, struct smb_seen *out)
{
    const uint8_t command = cursor_u8(c);
    const uint32_t status = cursor_le32(c);
    const uint8_t flags = cursor_u8(c);
    if (c->overrun)
        return;
    out->is_response = flags & SMB1_FLAG_REPLY;
    out->is_negotiate = command == SMB1_NEGOTIATE;
    out->status = out->is_response ? status : 0;
}

static bool read_message(struct text message, struct smb_seen *out)
{
    struct cursor c = text_cursor(message);
    cursor_skip(&c, NETBIOS_HEADER);
    const struct text magic = cursor_text(&c, 4);
    *out = (struct smb_seen){0};
    if (message.n == 0 || message.p[0] != 0)
        return false;
    if (text_eq(magic, TEXT("\xfeSMB")))
        read_smb2(&c, out);
    else if (text_eq(magic, TEXT("\xffSMB")))
        read_smb1(&c, out);
    else if (!text_eq(magic, TEXT("\xfdSMB"))) /* an SMB 3 transform: encrypted */
        return false;
    out->is_encrypted = text_eq(magic, TEXT("\xfdSMB"));
    out->is_error = out->status >> 30 == STATUS_SEVERITY_ERROR;
    return true;
}

bool words_smb(struct text head, struct smb_seen *out)
{
    return read_message(head, out);
}

/* Direct hosting over TCP, MS-SMB2 section 2.1: a zero and a length of three bytes. */
static size_t message_length(struct text rest)
{
    struct cursor c = text_cursor(rest);
    struct smb_seen seen;
    const uint32_t length = cursor_be32(&c);
    if (c.overrun || length > 1U << 23 || !read_message(rest, &seen))
        return 0;
    return (size_t)length + NETBIOS_HEADER;
}

bool words_smb_tail(struct text tail, struct smb_seen *out)
{
    *out = (struct smb_seen){0};
    struct text rest = chain_at_end(tail, message_length);
    bool any = false;
    while (rest.n > 0) {
        any = read_message(rest, out) || any;
        rest = text_slice(rest, message_length(rest), rest.n);
    }
    return any;
}

/* MS-ERREF section 2.3.1, those that end sessions. */
static const struct {
    uint32_t status;
    const char *name;
} statuses[] = {
    {0xc000000d, "STATUS_INVALID_PARAMETER"},    {0xc0000022, "STATUS_ACCESS_DENIED"},
    {0xc000006d, "STATUS_LOGON_FAILURE"},        {0xc0000072, "STATUS_ACCOUNT_DISABLED"},
    {0xc00000bb, "STATUS_NOT_SUPPORTED"},        {0xc00000c9, "STATUS_NETWORK_NAME_DELETED"},
    {0xc00000cc, "STATUS_BAD_NETWORK_NAME"},     {0xc00000d0, "STATUS_REQUEST_NOT_ACCEPTED"},
    {0xc0000203, "STATUS_USER_SESSION_DELETED"}, {0xc0000205, "STATUS_INSUFF_SERVER_RESOURCES"},
    {0xc0000234, "STATUS_ACCOUNT_LOCKED_OUT"},   {0xc000035c, "STATUS_NETWORK_SESSION_EXPIRED"},
};

const char *words_smb_status(uint32_t status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        if (statuses[i].status == status)
            return statuses[i].name;
    }
    return NULL;
}
