#include "alerts/alert_hours.h"

#include "base/alloc.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY_S 86400
#define DAYS_AHEAD 15 //  two weeks and a day: a change of clocks can take one window away
#define WEEK 7
#define THURSDAY 3 //  the first day of 1970
#define ZONE_MOST 60

struct alert_hours {
    GTimeZone *zone;
    unsigned days;
    int64_t from_s, to_s; //  since the midnight with which the window's day begins
};

//  GLib also takes offsets, rules of POSIX and paths for zones: their form keeps them out.
static bool
s_is_zone_name (text_t zone)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789_+-/";
    return zone.size > 0 && zone.size <= ZONE_MOST && strspn (zone.data, allowed) == zone.size
           && g_ascii_isupper (*zone.data) && strchr (zone.data, '/')
           && !strstr (zone.data, "//") && zone.data[zone.size - 1] != '/';
}

static GTimeZone *
s_zone (text_t zone)
{
    if (text_is (zone, TEXT ("UTC")))
        return g_time_zone_new_utc ();
    return s_is_zone_name (zone) ? g_time_zone_new_identifier (zone.data) : NULL;
}

bool
alert_zone_is_known (text_t zone)
{
    GTimeZone *found = s_zone (zone);
    if (found)
        g_time_zone_unref (found);
    return found != NULL;
}

alert_hours_t *
alert_hours_new (text_t zone, unsigned days, unsigned from, unsigned to)
{
    GTimeZone *found = s_zone (zone);
    if (!found)
        return NULL;
    alert_hours_t *self = alloc_zeroed (sizeof *self);
    self->zone = found;
    self->days = days ? days : (1u << WEEK) - 1;
    self->from_s = (int64_t) from * 60;
    self->to_s = (int64_t) to * 60 + (to <= from ? DAY_S : 0);
    return self;
}

void
alert_hours_destroy (alert_hours_t **self_p)
{
    alert_hours_t *self = *self_p;
    *self_p = NULL;
    if (!self)
        return;
    g_time_zone_unref (self->zone);
    free (self);
}

//  Seconds that the zone's clocks are ahead of UTC.
static int64_t
s_offset (const alert_hours_t *self, int64_t time)
{
    int interval = g_time_zone_find_interval (self->zone, G_TIME_TYPE_UNIVERSAL, time);
    return interval < 0 ? 0 : g_time_zone_get_offset (self->zone, interval);
}

//  When the zone's clocks show `local`: the first or the last time that they do, or when they are
//  put past it.
static int64_t
s_moment (const alert_hours_t *self, int64_t local, bool is_last)
{
    int64_t before = local - s_offset (self, local - DAY_S);
    int64_t after = local - s_offset (self, local + DAY_S);
    bool is_before = before + s_offset (self, before) == local;
    bool is_after = after + s_offset (self, after) == local;
    if (is_before && is_after)
        return is_last == (before > after) ? before : after;
    if (is_before || is_after)
        return is_before ? before : after;
    //  Between the two the clocks are put forward.
    int64_t early = after < before ? after : before, late = after < before ? before : after;
    int64_t offset = s_offset (self, early);
    while (late - early > 1) {
        int64_t middle = early + (late - early) / 2;
        if (s_offset (self, middle) == offset)
            early = middle;
        else
            late = middle;
    }
    return late;
}

uint64_t
alert_hours_next (const alert_hours_t *self, uint64_t now_ms)
{
    int64_t now = (int64_t) (now_ms / 1000);
    int64_t today = (now + s_offset (self, now)) / DAY_S;
    for (int64_t day = today - 2; day <= today + DAYS_AHEAD; day++) {
        unsigned weekday = (unsigned) ((day + THURSDAY + WEEK) % WEEK);
        if (!(self->days & 1u << weekday))
            continue;
        int64_t opens = s_moment (self, day * DAY_S + self->from_s, false);
        int64_t closes = s_moment (self, day * DAY_S + self->to_s, true);
        if (opens >= closes || closes <= now)
            continue;
        return opens <= now ? now_ms : (uint64_t) opens * 1000;
    }
    return UINT64_MAX;
}

void
alert_hours_print (const alert_hours_t *self, uint64_t time_ms, char to[ALERT_TIME_ROOM])
{
    GTimeZone *zone = self ? g_time_zone_ref (self->zone) : g_time_zone_new_utc ();
    GDateTime *utc = g_date_time_new_from_unix_utc ((int64_t) (time_ms / 1000));
    GDateTime *local = utc ? g_date_time_to_timezone (utc, zone) : NULL;
    char *text = local ? g_date_time_format (local, "%Y-%m-%d %H:%M %Z") : NULL;
    snprintf (to, ALERT_TIME_ROOM, "%s", text ? text : "");
    g_free (text);
    if (local)
        g_date_time_unref (local);
    if (utc)
        g_date_time_unref (utc);
    g_time_zone_unref (zone);
}
