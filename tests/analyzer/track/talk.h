/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connection that tests of the tracker begin with, as tests/analyzer/script.h writes it.
 */
#ifndef WHYRST_TESTS_ANALYZER_TRACK_TALK_H
#define WHYRST_TESTS_ANALYZER_TRACK_TALK_H

/* A connection that opens, on which both ends say something and which both close. */
#define OPEN                                                                                       \
    "+0us c S 100 0 ws=7\n"                                                                        \
    "+10ms s SA 500 101 ws=7 win=65160\n"                                                          \
    "+50us c A 101 501\n"
#define TALK                                                                                       \
    OPEN "+1ms c PA 101 501 len=50\n"                                                              \
         "+10ms s A 501 151\n"                                                                     \
         "+1ms s PA 501 151 len=200\n"                                                             \
         "+50us c A 151 701\n"
#define CLOSE                                                                                      \
    "+1ms c FA 151 701\n"                                                                          \
    "+10ms s FA 701 152\n"                                                                         \
    "+50us c A 152 702\n"

#endif
