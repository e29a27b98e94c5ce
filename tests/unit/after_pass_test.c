//  after_pass — an agent who has passed its visitor on is out where the app has it so: its
//  connections everywhere, also when a postoffice knows nothing of it yet, and until it means to
//  come in again.

#include "office_rig.h"
#include "rules/changes.h"

static text_t s_usual; //  the apps' own

//  Nobody reads the file again.
static app_switchboard_t *
s_section (void)
{
    return &((app_t *) apps_find (rig_office.apps, TEXT ("demo")))->switchboard;
}

static void
s_begin (void)
{
    rig_begin ();
    s_usual = s_section ()->after_pass;
    s_section ()->after_pass = TEXT ("out");
    visitor_joins (1, 5);
    agent_joins (1, 9, "anna");
    agent_joins (2, 8, "anna");
    rig_run ();
    post (1, 9, EVENT_BARGE_IN, "b1");
    rig_run ();
    rig_forget ();
}

static void
s_end (void)
{
    s_section ()->after_pass = s_usual;
    rig_end ();
}

TestSuite (after_pass, .init = s_begin, .fini = s_end);

//  Anna passes the visitor on, to the bot.
static void
s_ask_to_pass (void)
{
    operation_t *operation = operation_change (&(change_t){ .kind = CHANGE_OFFER,
                                                            .session = KEY,
                                                            .message_id = TEXT (":key:o"),
                                                            .by_role = ROLE_AGENT,
                                                            .by_user = TEXT ("anna"),
                                                            .by_sender = TEXT ("{}"),
                                                            .role = ROLE_AGENT,
                                                            .user = TEXT ("anna"),
                                                            .sender = TEXT ("{}"),
                                                            .info = TEXT_EMPTY,
                                                            .first_id = TEXT_EMPTY,
                                                            .data = TEXT_EMPTY,
                                                            .version = SEQ_UNKNOWN,
                                                            .targets = TEXT ("bot\n"),
                                                            .why = TEXT_EMPTY,
                                                            .secret = TEXT_EMPTY });
    operation->if_match = SEQ_UNKNOWN;
    sessions_ask (rig_office.sessions, KEY, &operation);
}

static void
s_pass (void)
{
    s_ask_to_pass ();
    rig_run ();
}

static const participant_t *
s_anna (void)
{
    return fold_participant (&rig_session ()->fold, ROLE_AGENT, TEXT ("anna"));
}

#define SAYS(line)                                                                               \
    cr_assert_not_null (strstr (rig_story (), line), "no %s in %s", line, rig_story ())
#define SAYS_NOT(line)                                                                           \
    cr_assert_null (strstr (rig_story (), line), "%s in %s", line, rig_story ())

Test (after_pass, all_its_connections_are_put_out)
{
    s_pass ();
    SAYS ("e1 ATTACHED 9 passed_on");
    SAYS ("e2 ATTACHED 8 passed_on");
    cr_assert (s_anna ()->is_out && !s_anna ()->present);
    cr_assert_eq (rig_session ()->endpoint_count, 1);
    rig_forget ();
    say (1, 5, "hello");
    rig_run ();
    SAYS_NOT ("DELIVER 9");
    SAYS_NOT ("DELIVER 8");
    rig_wait (GRACE_MS + 100);
    cr_assert (s_anna ()->is_out, "nobody waits for it");
}

Test (after_pass, what_brings_a_connection_back_is_refused)
{
    static const attach_reason_t reasons[] = { ATTACH_FRAME, ATTACH_SILENT, ATTACH_RESUME,
                                               ATTACH_REATTACH };
    s_pass ();
    for (size_t at = 0; at < sizeof reasons / sizeof *reasons; at++) {
        uint64_t last = fake_store_last (KEY);
        rig_forget ();
        attach_as (1, 9, ROLE_AGENT, "anna", DIALECT_RICH, reasons[at], SEQ_UNKNOWN);
        rig_run ();
        SAYS ("e1 ATTACHED 9 passed_on");
        cr_assert_eq (fake_store_last (KEY), last);
    }
    rig_forget ();
    attach_as (1, 9, ROLE_AGENT, "anna", DIALECT_RICH, ATTACH_JOIN, SEQ_UNKNOWN);
    rig_run ();
    SAYS ("e1 ATTACHED 9 ok");
    cr_assert (s_anna ()->present && !s_anna ()->is_out);
    rig_forget ();
    attach_as (2, 8, ROLE_AGENT, "anna", DIALECT_RICH, ATTACH_RESUME, SEQ_UNKNOWN);
    rig_run ();
    SAYS ("e2 ATTACHED 8 ok"); //  it is there
}

//  Whoever loads the session from the log knows it.
Test (after_pass, another_postoffice_knows_it)
{
    s_pass ();
    rig_begin_second ();
    rig_use (2);
    rig_forget ();
    attach_as (3, 7, ROLE_AGENT, "anna", DIALECT_RICH, ATTACH_REATTACH, 3);
    rig_run ();
    SAYS ("e3 ATTACHED 7 passed_on");
}

//  A postoffice that has a connection of it hears that another one wrote: the load says the rest.
Test (after_pass, a_connection_elsewhere_is_put_out_by_the_load)
{
    rig_begin_second ();
    rig_use (2);
    attach_as (3, 7, ROLE_AGENT, "anna", DIALECT_WIDGET, ATTACH_REATTACH, SEQ_UNKNOWN);
    rig_run ();
    rig_use (1);
    rig_forget ();
    s_pass ();
    SAYS ("e3 ATTACHED 7 passed_on");
}

//  It comes in again at once, in the same changeset as it was put out by.
Test (after_pass, who_takes_again_at_once_stays)
{
    s_ask_to_pass ();
    post (1, 9, EVENT_BARGE_IN, "b2");
    rig_run ();
    cr_assert (fold_controls (&rig_session ()->fold, ROLE_AGENT, TEXT ("anna")));
    cr_assert (s_anna ()->present && !s_anna ()->is_out);
    SAYS_NOT ("ATTACHED 9 passed_on");
}
