#include "api/api_limits.h"

//  What it is beside a request; LIMIT_REQUEST: nothing. An event stream of a session is a client,
//  and counts where clients do (gateway.c).
static limit_act_t
s_act_of (const api_row_t *row)
{
    bool is_of_session = row->place == API_AT_SESSION;
    return row->permission == PERMIT_MESSAGE_POST && is_of_session   ? LIMIT_MESSAGE
           : row->permission == PERMIT_SESSION_JOIN && is_of_session ? LIMIT_JOIN
           : row->permission == PERMIT_SESSION_WATCH                 ? LIMIT_CONNECT
                                                                     : LIMIT_REQUEST;
}

uint64_t
api_limits_wait_ms (limits_t *limits, const api_row_t *row, const principal_t *principal,
                    const client_address_t *address, text_t session, uint64_t now_ms)
{
    limited_t who = { .places = { NULL } };
    limit_act_t act = s_act_of (row);
    limits_enter (limits, &who, principal, address, now_ms);
    uint64_t wait_ms = limits_wait_ms (limits, &who, LIMIT_REQUEST, session, now_ms);
    if (wait_ms == 0 && act != LIMIT_REQUEST)
        wait_ms = limits_wait_ms (limits, &who, act, session, now_ms);
    if (wait_ms == 0) {
        limits_take (limits, &who, LIMIT_REQUEST, now_ms);
        if (act != LIMIT_REQUEST)
            limits_take (limits, &who, act, now_ms);
    }
    limits_leave (limits, &who, now_ms);
    return wait_ms;
}

void
api_limits_done (limits_t *limits, const api_row_t *row, text_t session, uint64_t now_ms)
{
    limit_act_t act = s_act_of (row);
    limits_take_of_session (limits, session, LIMIT_REQUEST, now_ms);
    if (act != LIMIT_REQUEST)
        limits_take_of_session (limits, session, act, now_ms);
}
