#include "translation/conversation_facts.h"

#include "base/utf8.h"
#include "json/json_body.h"
#include "json/json_read.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <strings.h>

#define VALUES_MOST 200000

typedef struct json_object tree_t;

const char *
presence_words (presence_t presence)
{
    static const char *const words[] = {
#define PRESENCE(NAME, waiting, with, between, words) words,
#include "translation/presence.def"
#undef PRESENCE
    };
    return presence < PRESENCES ? words[presence] : "";
}

// ------------------------------------------------------------------------------------------------
//  One leg

//  What a leg is to the visitor.
typedef enum { LEG_CUSTOMER, LEG_AGENT, LEG_QUEUE, LEG_OTHER } leg_kind_t;
typedef enum { LEG_LIVE, LEG_CALLED, LEG_OVER, LEG_IDLE, LEG_STRANGE } leg_state_t;

typedef struct {
    leg_kind_t kind;
    leg_state_t state;
    bool was_there;   //  it was connected
    bool only_listens; //  a supervisor who monitors
    uint64_t came_ms; //  0: it does not say
    uint64_t ended_ms;
    tree_t *tree;
} leg_t;

static bool
s_is (text_t text, text_t name)
{
    return text.size == name.size && strncasecmp (text.data, name.data, name.size) == 0;
}

static leg_kind_t
s_kind (text_t purpose)
{
    if (s_is (purpose, TEXT ("customer")))
        return LEG_CUSTOMER;
    if (s_is (purpose, TEXT ("agent")) || s_is (purpose, TEXT ("user")))
        return LEG_AGENT;
    return s_is (purpose, TEXT ("acd")) ? LEG_QUEUE : LEG_OTHER;
}

//  A leg that is parked is its agent's: the conversation goes on when the visitor writes.
static leg_state_t
s_state (text_t word)
{
    static const struct {
        text_t word;
        leg_state_t state;
    } rows[] = {
        { TEXT ("connected"), LEG_LIVE },      { TEXT ("parked"), LEG_LIVE },
        { TEXT ("converting"), LEG_LIVE },     { TEXT ("uploading"), LEG_LIVE },
        { TEXT ("transmitting"), LEG_LIVE },   { TEXT ("alerting"), LEG_CALLED },
        { TEXT ("dialing"), LEG_CALLED },      { TEXT ("contacting"), LEG_CALLED },
        { TEXT ("offering"), LEG_CALLED },     { TEXT ("scheduled"), LEG_CALLED },
        { TEXT ("disconnected"), LEG_OVER },   { TEXT ("terminated"), LEG_OVER },
        { TEXT ("none"), LEG_IDLE },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        if (s_is (word, rows[row].word))
            return rows[row].state;
    return LEG_STRANGE;
}

static uint64_t
s_time (tree_t *leg, const char *name)
{
    return json_time_read (json_body_text (leg, name));
}

static leg_t
s_leg (tree_t *tree)
{
    leg_t leg = { .kind = s_kind (json_body_text (tree, "purpose")),
                  .state = s_state (json_body_text (tree, "state")),
                  .only_listens = json_body_text (tree, "monitoredParticipantId").size > 0,
                  .ended_ms = s_time (tree, "endTime"),
                  .tree = tree };
    static const char *const times[] = { "connectedTime", "startTime", "startAlertingTime" };
    for (size_t at = 0; at < 3 && leg.came_ms == 0; at++)
        leg.came_ms = s_time (tree, times[at]);
    leg.was_there = leg.state == LEG_LIVE || s_time (tree, "connectedTime") > 0;
    if (leg.ended_ms > 0 && leg.state != LEG_LIVE)
        leg.state = LEG_OVER;
    return leg;
}

// ------------------------------------------------------------------------------------------------
//  All of them

text_t
conversation_id_of (text_t id)
{
    for (size_t at = 0; at < id.size; at++) {
        char byte = id.data[at];
        if (!((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z')
              || (byte >= 'A' && byte <= 'Z') || byte == '-'))
            return TEXT_EMPTY;
    }
    return id.size < CONVERSATION_ID_SIZE ? id : TEXT_EMPTY;
}

//  The last of several that began at the same moment.
static tree_t *
s_customer (tree_t *legs, leg_t *latest)
{
    tree_t *found = NULL;
    for (size_t at = 0; at < json_object_array_length (legs); at++) {
        leg_t leg = s_leg (json_object_array_get_idx (legs, at));
        if (leg.kind != LEG_CUSTOMER || (found && leg.came_ms < latest->came_ms))
            continue;
        *latest = leg;
        found = leg.tree;
    }
    return found;
}

//  What the legs behind the customer's latest come to.
typedef struct {
    leg_t person, left; //  who came last, and who left last
    bool has_person, has_left;
    bool is_called, is_strange, is_queued, is_other;
} company_t;

static void
s_add_agent (company_t *self, const leg_t *leg)
{
    self->is_strange = self->is_strange || leg->state == LEG_STRANGE;
    self->is_called = self->is_called || leg->state == LEG_CALLED;
    if (leg->state == LEG_LIVE && (!self->has_person || leg->came_ms >= self->person.came_ms)) {
        self->person = *leg;
        self->has_person = true;
    }
    if (leg->state == LEG_OVER && leg->was_there
        && (!self->has_left || leg->ended_ms >= self->left.ended_ms)) {
        self->left = *leg;
        self->has_left = true;
    }
}

static void
s_add_leg (company_t *self, const leg_t *leg, uint64_t since_ms)
{
    bool is_over = leg->state == LEG_OVER || leg->state == LEG_IDLE;
    //  Of what is over, only what began behind the customer's leg is of this conversation.
    if (leg->kind == LEG_CUSTOMER || leg->only_listens || (is_over && leg->came_ms < since_ms))
        return;
    if (leg->kind == LEG_AGENT)
        s_add_agent (self, leg);
    self->is_queued = self->is_queued || (leg->kind == LEG_QUEUE && !is_over);
    self->is_other = self->is_other || (leg->kind == LEG_OTHER && !is_over);
}

//  Somebody else has it, or will have.
static bool
s_is_passed_on (const leg_t *left)
{
    text_t why = json_body_text (left->tree, "disconnectType");
    text_t first = { why.data, why.size < 8 ? why.size : 8 };
    return s_is (why, TEXT ("takeover"))
           || (s_is (first, TEXT ("transfer")) && (why.size == 8 || why.data[8] == '.'));
}

static presence_t
s_presence (const company_t *company)
{
    if (company->has_person)
        return PRESENCE_CONNECTED;
    if (company->is_strange)
        return PRESENCE_UNCLEAR;
    if (company->is_called)
        return PRESENCE_ALERTING;
    if (company->is_queued)
        return PRESENCE_QUEUED;
    if (company->has_left)
        return s_is_passed_on (&company->left) ? PRESENCE_PASSING : PRESENCE_LEFT;
    return company->is_other ? PRESENCE_FLOW : PRESENCE_NOBODY;
}

static void
s_judge (conversation_facts_t *self, tree_t *legs, const leg_t *customer)
{
    company_t company = { .has_person = false };
    for (size_t at = 0; at < json_object_array_length (legs); at++) {
        leg_t leg = s_leg (json_object_array_get_idx (legs, at));
        s_add_leg (&company, &leg, customer->came_ms);
    }
    self->presence = s_presence (&company);
    if (self->presence == PRESENCE_LEFT)
        utf8_copy (self->why, sizeof self->why,
                   json_body_text (company.left.tree, "disconnectType"));
    if (self->presence != PRESENCE_CONNECTED)
        return;
    tree_t *person = company.person.tree;
    text_t name = json_body_text (person, "name");
    utf8_copy (self->person, sizeof self->person,
               conversation_id_of (json_body_text (person, "id")));
    utf8_copy (self->user, sizeof self->user,
               conversation_id_of (json_body_text (json_body_member (person, "user"), "id")));
    if (utf8_is_showable (name))
        utf8_copy (self->name, sizeof self->name, name);
}

void
conversation_facts_read (conversation_facts_t *self, text_t body)
{
    json_reading_t reading;
    leg_t customer = { .came_ms = 0 };
    *self = (conversation_facts_t){ .presence = PRESENCE_UNCLEAR };
    tree_t *tree = json_read (
        body, &(json_limits_t){ .depth_most = JSON_DEPTH_MOST, .values_most = VALUES_MOST },
        &reading);
    tree_t *legs = json_object_is_type (tree, json_type_object)
                       ? json_body_member (tree, "participants")
                       : NULL;
    if (json_object_is_type (legs, json_type_array) && s_customer (legs, &customer)) {
        utf8_copy (self->customer, sizeof self->customer,
                   conversation_id_of (json_body_text (customer.tree, "id")));
        self->is_over = customer.state == LEG_OVER;
        if (self->is_over)
            utf8_copy (self->why, sizeof self->why,
                       json_body_text (customer.tree, "disconnectType"));
        if (self->is_over)
            self->presence = PRESENCE_ENDED;
        else if (customer.state != LEG_STRANGE)
            s_judge (self, legs, &customer);
    }
    json_object_put (tree);
}
