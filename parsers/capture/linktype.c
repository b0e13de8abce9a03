/* SPDX-License-Identifier: Apache-2.0 */
/* Link-layer types by number.  Names come from libpcap, so they follow the installed registry. */
#include "parsers/capture/linktype.h"

#include <pcap/pcap.h>

#include "parsers/capture/capture.h"

#define LINKTYPE_ATM_RFC1483 100
#define LINKTYPE_RAW 101
#define LINKTYPE_USB_LINUX 189
#define LINKTYPE_USB_LINUX_MMAPPED 220
#define LINKTYPE_DBUS 231
#define LINKTYPE_USBPCAP 249

int linktype_from_file(uint32_t field)
{
    int type = (int)(field & 0xffff);
    return type == 12 || type == 14 ? LINKTYPE_RAW : type;
}

int linktype_to_dlt(int link_type)
{
    switch (link_type) { /* the few that IP travels in and whose two numbers differ */
    case LINKTYPE_ATM_RFC1483:
        return DLT_ATM_RFC1483;
    case LINKTYPE_RAW:
        return DLT_RAW;
    default:
        return link_type;
    }
}

const char *linktype_name(int link_type)
{
    const char *name = pcap_datalink_val_to_name(linktype_to_dlt(link_type));
    return name ? name : "unknown";
}

const char *linktype_description(int link_type)
{
    const char *text = pcap_datalink_val_to_description(linktype_to_dlt(link_type));
    return text ? text : "unknown";
}

bool linktype_is_bulky(int link_type)
{
    return link_type == LINKTYPE_USB_LINUX || link_type == LINKTYPE_USB_LINUX_MMAPPED ||
           link_type == LINKTYPE_DBUS || link_type == LINKTYPE_USBPCAP;
}

uint32_t linktype_frame_max(int link_type)
{
    return linktype_is_bulky(link_type) ? (uint32_t)(SOURCE_PEEK_MAX - 64) : CAPTURE_FRAME_MAX;
}
