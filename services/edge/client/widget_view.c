#include "client/widget_view.h"

#include "json/json_members.h"

#include <assert.h>
#include <string.h>

//  How the sender of every bot begins (apps_file.c).
static const char s_bot[] = "{\"deviceId\":\"Bot\"";

static bool
s_has (text_t data, const char *quoted_name)
{
    return memmem (data.data, data.size, quoted_name, strlen (quoted_name)) != NULL;
}

static bool
s_begins (text_t text, const char *with, size_t size)
{
    return text.size >= size && memcmp (text.data, with, size) == 0;
}

//  Most answers need no closer look: they begin with words, and have no `system`.
static bool
s_is_plain (const bus_deliver_t *entry)
{
    static const char words[] = "{\"outputSpeech\":";
    return entry->event != EVENT_NEW_MESSAGE || !s_begins (entry->sender, s_bot, sizeof s_bot - 1)
           || (s_begins (entry->data, words, sizeof words - 1)
               && !s_has (entry->data, "\"system\""));
}

typedef struct {
    bool has_system; //  one that the widget can bear
    bool has_data;   //  an object
    bool has_shown;  //  something that it shows, or uses
    bool lacks_data; //  its `system` needs some
    bool drops_system;
} members_t;

static void
s_read_system (members_t *self, text_t value)
{
    bool is_permission = value.size > 12 && memcmp (value.data, "\"PERMISSION_", 12) == 0;
    bool is_known = text_is (value, TEXT ("\"PERMISSION_EMAIL\""))
                    || text_is (value, TEXT ("\"PERMISSION_LOCATION_PRECISE\""));
    bool is_word = value.data[0] == '"' && value.size > 2;
    self->drops_system = !is_word || text_is (value, TEXT ("\"TRANSFER_CALL\""))
                         || (is_permission && !is_known);
    self->has_system = !self->drops_system;
    self->lacks_data = is_known;
}

static members_t
s_read (text_t data)
{
    members_t members = { 0 };
    json_members_t all = json_members_of (data);
    text_t name, value;
    while (json_members_next (&all, &name, &value))
        if (text_is (name, TEXT ("system")))
            s_read_system (&members, value);
        else if (text_is (name, TEXT ("data")))
            members.has_data = value.data[0] == '{';
        else if (text_is (name, TEXT ("outputSpeech")) || text_is (name, TEXT ("displays"))
                 || text_is (name, TEXT ("context")))
            members.has_shown = true;
    members.has_shown = members.has_shown || members.has_system;
    members.lacks_data = members.lacks_data && !members.has_data;
    return members;
}

static int
s_write (const members_t *members, text_t data, buffer_t *to)
{
    json_members_t all = json_members_of (data);
    text_t name, value;
    int rc = buffer_put_string (to, "{");
    while (rc == 0 && json_members_next (&all, &name, &value)) {
        if ((members->drops_system && text_is (name, TEXT ("system")))
            || (members->lacks_data && text_is (name, TEXT ("data"))))
            continue;
        //  From the quote before the name to the value's last byte, as it stands.
        text_t member = { name.data - 1, (size_t) (value.data + value.size - (name.data - 1)) };
        if (to->size > 1)
            rc = buffer_put_string (to, ",");
        if (rc == 0)
            rc = buffer_put_text (to, member);
    }
    if (rc == 0 && members->lacks_data)
        rc = buffer_put_string (to, ",\"data\":{}");
    return rc == 0 ? buffer_put_string (to, "}") : -1;
}

widget_view_t
widget_view (const bus_deliver_t *entry, buffer_t *to)
{
    if (s_is_plain (entry))
        return WIDGET_VIEW_SAME;
    members_t members = s_read (entry->data);
    if (!members.has_shown)
        return WIDGET_VIEW_NOTHING;
    if (!members.drops_system && !members.lacks_data)
        return WIDGET_VIEW_SAME;
    int rc = s_write (&members, entry->data, to);
    assert (rc == 0); //  WIDGET_VIEW_ROOM is what may be added
    return WIDGET_VIEW_CHANGED;
}
