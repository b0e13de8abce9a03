/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the facts of one direction of a TLS stream from standard input, for tls_live.py. */
#include <stdio.h>

#include "parsers/packet/words.h"

int main(void)
{
    static char bytes[65536];
    const struct text all = {bytes, fread(bytes, 1, sizeof bytes, stdin)};
    struct tls_seen head, tail;
    const bool is_tls = words_tls_scan(all, &head);
    words_tls_tail(text_slice(all, all.n > 512 ? all.n - 512 : 0, all.n), &tail);
    printf("tls=%d version=%04x client_hello=%d server_hello=%d ccs=%d data=%d", is_tls,
           head.version, head.saw_client_hello, head.saw_server_hello, head.saw_change_cipher_spec,
           head.saw_application_data);
    printf(" sni=" TEXT_FMT " alpn=" TEXT_FMT, TEXT_ARG(head.sni), TEXT_ARG(head.alpn));
    printf(" alert=%s", head.saw_clear_alert ? words_tls_alert(head.alert_code) : "none");
    printf(" encrypted_alert=%d ends_with_alert=%d ends_alert_sized=%d cut=%d\n",
           head.saw_encrypted_alert, tail.ends_with_alert, tail.ends_alert_sized, head.cut);
    return 0;
}
