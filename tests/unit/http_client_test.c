//  http_client — what it leaves on the loop.

#include "http/http_client.h"

#include <criterion/criterion.h>

static void
s_answered (void *owner, http_call_t call, const http_answer_t *answer)
{
    (void) call;
    cr_assert_eq (answer->outcome, HTTP_NOT_RESOLVED);
    *(bool *) owner = true;
}

//  curl wakes itself through sockets of its own while a name is looked up.
Test (http_client, a_name_that_is_not_found_leaves_nothing_on_the_loop, .timeout = 60)
{
    uv_loop_t loop;
    uv_loop_init (&loop);
    http_client_t *client = http_client_new (
        &loop,
        &(http_client_config_t){ .connections_per_host = 1, .proxy = "", .no_proxy = "" });
    cr_assert (client);
    const char *const headers[] = { NULL };
    http_request_t request = { .method = "POST",
                               .url = "http://nowhere.invalid/",
                               .headers = headers,
                               .body = TEXT ("{}"),
                               .timeout_ms = 20000,
                               .answer_limit = 1000 };
    bool is_answered = false;
    cr_assert_neq (http_client_send (client, &request, s_answered, &is_answered), 0);
    while (!is_answered)
        uv_run (&loop, UV_RUN_ONCE);
    http_client_destroy (&client);
    for (int turn = 0; turn < 10; turn++)
        uv_run (&loop, UV_RUN_NOWAIT);
    cr_assert_eq (uv_loop_close (&loop), 0, "a handle is still open");
}
