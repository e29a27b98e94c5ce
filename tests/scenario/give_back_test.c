//  give_back — the bot gets a visitor back whom somebody else has answered: it is told what was
//  said meanwhile, all of it and nothing else, whichever postoffice has the session by then, and in
//  each try the same.

#include "chat.h"
#include "desk.h"
#include "eventually.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETURN "CONTROL_RETURN_REQUEST"

static void
s_says (router_stack_t *stack, const char *kind, const char *user, const char *text,
        const char *more)
{
    int status = desk_asks (stack, "POST sessions/s1/messages",
                            "{\"as\":{\"kind\":\"%s\",\"userId\":\"%s\"},\"text\":\"%s\"%s}",
                            kind, user, text, more);
    cr_assert_eq (status, 201, "%s: %d", text, status);
}

//  What the bot was told last, from `controlReturn` on; the caller frees it.
static char *
s_told (bot_t *bot)
{
    char *request = bot_request (bot, RETURN);
    char *told = request ? strstr (request, "\"controlReturn\"") : NULL;
    char *end = told ? strstr (told, "\"sessionId\"") : NULL;
    cr_assert (told, "%s", request);
    told = end ? strndup (told, (size_t) (end - told)) : strdup (told);
    free (request);
    return told;
}

//  Do these stand in it, one behind the other?
static bool
s_has (const char *told, const char *const *words)
{
    for (; told && *words; words++)
        told = (told = strstr (told, *words)) ? told + strlen (*words) : NULL;
    return told;
}

Test (give_back, the_bot_is_told_what_was_said_meanwhile)
{
    bot_t *bot = bot_new ();
    bot_rule (bot, RETURN, 1, &(bot_reply_t){ .manner = BOT_RESETS });
    bot_says (bot, RETURN, "{\"outputSpeech\":{\"displayText\":\"Welcome back\"}}");
    bot_says (bot, "", "{\"outputSpeech\":{\"displayText\":\"You said: $rawQuery\"}}");
    router_stack_t *stack =
        desk_begins ("\"giveBack\":\"event\"",
                     &(stack_plan_t){ .postoffices = 2, .bot_url = bot_url (bot) });
    person_t *eve = rich_visitor_opens (stack, 1, "eve", "s1");
    says (eve, "to the bot");
    hears (eve, "bot", "You said: to the bot");
    cr_assert_eq (desk_acts (stack, "s1", "ann", "take"), 200);
    s_says (stack, "agent", "ann", "good morning", "");
    hears (eve, "ann", "good morning");
    s_says (stack, "agent", "bob", "zanzibar", ",\"whisper\":true");
    says (eve, "the first question");
    cr_assert_eq (desk_acts (stack, "s1", "bob", "take"), 200);
    for (unsigned number = 1; number <= 2; number++) {
        char name[20];
        snprintf (name, sizeof name, "postoffice-%u", number);
        stack_kill (stack, name);
        cr_assert (stack_start (stack, name));
    }
    says (eve, "the second question");
    is_told_stored (eve, "eve-3", false);
    s_says (stack, "agent", "bob", "the answer", "");
    hears (eve, "bob", "the answer");
    says (eve, "the third question");
    is_told_stored (eve, "eve-4", false);
    cr_assert_eq (desk_acts (stack, "s1", "bob", "release"), 200);
    EVENTUALLY (20000, bot_asked (bot, RETURN) > 0);
    char *first = s_told (bot);
    hears_at_last (eve, "bot", "Welcome back");
    char *second = s_told (bot);
    cr_expect_eq (bot_asked (bot, RETURN), 2);
    cr_expect_str_eq (first, second);
    static const char *const all[] = {
        "\"why\":\"asked\"", "\"from\":{\"role\":\"agent\",\"userId\":\"bob\"}",
        "\"said\":[{\"seq\":", "\"time\":\"20",
        "\"role\":\"agent\",\"userId\":\"ann\",\"text\":\"good morning\"}",
        "\"role\":\"visitor\",\"userId\":\"eve\",\"text\":\"the first question\"}",
        "\"role\":\"visitor\",\"userId\":\"eve\",\"text\":\"the second question\"}",
        "\"role\":\"agent\",\"userId\":\"bob\",\"text\":\"the answer\"}",
        "\"role\":\"visitor\",\"userId\":\"eve\",\"text\":\"the third question\"}]",
        "\"unanswered\":[{", NULL
    };
    cr_expect (s_has (second, all), "%s", second);
    cr_expect_not (strstr (second, "zanzibar") || strstr (second, "to the bot"));
    free (first);
    free (second);
    leaves (&eve);
    desk_ends (&stack);
    bot_destroy (&bot);
}
