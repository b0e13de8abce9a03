/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The yardstick of the benchmark: reads a capture with libpcap, touches the first and last byte of
 * every frame and prints how many there were.  It decides nothing.
 */
#include <pcap/pcap.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    char text[PCAP_ERRBUF_SIZE] = "";
    pcap_t *capture = argc == 2 ? pcap_open_offline(argv[1], text) : NULL;
    if (!capture) {
        fprintf(stderr, "usage: pcap_loop FILE  %s\n", text);
        return 1;
    }
    struct pcap_pkthdr *header;
    const unsigned char *bytes;
    unsigned long n_packets = 0, sum = 0;
    while (pcap_next_ex(capture, &header, &bytes) == 1) {
        n_packets++;
        if (header->caplen > 0)
            sum += bytes[0] + bytes[header->caplen - 1];
    }
    printf("%lu packets, sum %lu\n", n_packets, sum);
    pcap_close(capture);
    return 0;
}
