//  alert_hours — when a rule may call: windows over midnight, days, and both changes of the clocks.

#include "alerts/alert_hours.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <time.h>

#define MON 1u
#define TUE 2u
#define SAT 32u
#define SUN 64u

//  "2026-03-29 01:00:00" of UTC as milliseconds.
static uint64_t
s_utc (const char *text)
{
    struct tm parts = { 0 };
    cr_assert (strptime (text, "%Y-%m-%d %H:%M:%S", &parts));
    return (uint64_t) timegm (&parts) * 1000;
}

static const char *
s_text (uint64_t time_ms)
{
    static char text[2][40];
    static unsigned turn;
    char *to = text[turn++ % 2];
    time_t time = (time_t) (time_ms / 1000);
    struct tm parts;
    gmtime_r (&time, &parts);
    strftime (to, sizeof text[0], "%Y-%m-%d %H:%M:%S", &parts);
    return to;
}

//  When the window is open next: at `next`, all in UTC. NULL: now.
static void
s_expect (const char *zone, unsigned days, unsigned from, unsigned to, const char *now,
          const char *next)
{
    alert_hours_t *hours = alert_hours_new (text_of (zone), days, from, to);
    cr_assert (hours);
    uint64_t found = alert_hours_next (hours, s_utc (now));
    uint64_t expected = s_utc (next ? next : now);
    cr_expect_eq (found, expected, "%s %s: %s and not %s", zone, now, s_text (found),
                  s_text (expected));
    alert_hours_destroy (&hours);
    cr_assert_null (hours);
}

#define AT(hour, minute) ((hour) * 60 + (minute))

Test (alert_hours, a_window_of_a_day)
{
    //  Berlin is one hour ahead in November.
    s_expect ("Europe/Berlin", 0, AT (9, 0), AT (17, 30), "2026-11-26 07:59:59",
              "2026-11-26 08:00:00");
    s_expect ("Europe/Berlin", 0, AT (9, 0), AT (17, 30), "2026-11-26 08:00:00", NULL);
    s_expect ("Europe/Berlin", 0, AT (9, 0), AT (17, 30), "2026-11-26 16:29:59", NULL);
    s_expect ("Europe/Berlin", 0, AT (9, 0), AT (17, 30), "2026-11-26 16:30:00",
              "2026-11-27 08:00:00");
    s_expect ("UTC", 0, 0, AT (24, 0), "2026-11-26 23:59:59", NULL);
    s_expect ("UTC", MON, 0, AT (24, 0), "2026-11-26 12:00:00", "2026-11-30 00:00:00"); //  Thu
    s_expect ("UTC", MON, 0, AT (24, 0), "2026-11-30 23:59:59", NULL);
    s_expect ("UTC", MON, 0, AT (24, 0), "2026-12-01 00:00:00", "2026-12-07 00:00:00");
}

Test (alert_hours, a_window_over_midnight_is_of_the_day_that_it_begins_on)
{
    s_expect ("UTC", 0, AT (22, 0), AT (6, 0), "2026-11-26 05:59:59", NULL);
    s_expect ("UTC", 0, AT (22, 0), AT (6, 0), "2026-11-26 06:00:00", "2026-11-26 22:00:00");
    s_expect ("UTC", MON, AT (22, 0), AT (6, 0), "2026-12-01 05:00:00", NULL); //  Tuesday
    s_expect ("UTC", MON, AT (22, 0), AT (6, 0), "2026-11-30 05:00:00", "2026-11-30 22:00:00");
    s_expect ("UTC", TUE, AT (22, 0), AT (6, 0), "2026-12-01 05:00:00", "2026-12-01 22:00:00");
    s_expect ("UTC", SUN, AT (22, 0), AT (6, 0), "2026-11-30 05:00:00", NULL);
    s_expect ("Asia/Tokyo", SAT, AT (22, 0), AT (6, 0), "2026-11-28 20:59:59", NULL);
    s_expect ("Asia/Tokyo", SAT, AT (22, 0), AT (6, 0), "2026-11-28 21:00:00",
              "2026-12-05 13:00:00");
}

//  2026-03-29, a Sunday: at 01:00 UTC Berlin goes from 02:00 to 03:00.
Test (alert_hours, clocks_that_are_put_forward)
{
    //  The night is an hour shorter: 22:00 is 21:00 UTC, 06:00 is 04:00 UTC.
    s_expect ("Europe/Berlin", 0, AT (22, 0), AT (6, 0), "2026-03-28 20:59:59",
              "2026-03-28 21:00:00");
    s_expect ("Europe/Berlin", 0, AT (22, 0), AT (6, 0), "2026-03-29 03:59:59", NULL);
    s_expect ("Europe/Berlin", 0, AT (22, 0), AT (6, 0), "2026-03-29 04:00:00",
              "2026-03-29 20:00:00");
    //  It begins at a time that there is not: when they are put forward.
    s_expect ("Europe/Berlin", 0, AT (2, 30), AT (5, 0), "2026-03-29 00:59:59",
              "2026-03-29 01:00:00");
    //  It ends at one.
    s_expect ("Europe/Berlin", 0, AT (1, 0), AT (2, 30), "2026-03-29 00:59:59", NULL);
    s_expect ("Europe/Berlin", 0, AT (1, 0), AT (2, 30), "2026-03-29 01:00:00",
              "2026-03-29 23:00:00");
    //  There is nothing left of it: a week later.
    s_expect ("Europe/Berlin", SUN, AT (2, 10), AT (2, 50), "2026-03-28 12:00:00",
              "2026-04-05 00:10:00");
}

//  2026-10-25, a Sunday: at 01:00 UTC Berlin goes from 03:00 back to 02:00.
Test (alert_hours, clocks_that_are_put_back)
{
    //  The night is an hour longer: 22:00 is 20:00 UTC, 06:00 is 05:00 UTC.
    s_expect ("Europe/Berlin", 0, AT (22, 0), AT (6, 0), "2026-10-24 19:59:59",
              "2026-10-24 20:00:00");
    s_expect ("Europe/Berlin", 0, AT (22, 0), AT (6, 0), "2026-10-25 04:59:59", NULL);
    s_expect ("Europe/Berlin", 0, AT (22, 0), AT (6, 0), "2026-10-25 05:00:00",
              "2026-10-25 21:00:00");
    //  It begins with the first 02:30, and ends with the last.
    s_expect ("Europe/Berlin", 0, AT (2, 30), AT (5, 0), "2026-10-25 00:29:59",
              "2026-10-25 00:30:00");
    s_expect ("Europe/Berlin", 0, AT (2, 30), AT (5, 0), "2026-10-25 01:10:00", NULL);
    s_expect ("Europe/Berlin", 0, AT (1, 0), AT (2, 30), "2026-10-25 00:45:00", NULL);
    s_expect ("Europe/Berlin", 0, AT (1, 0), AT (2, 30), "2026-10-25 01:29:59", NULL);
    s_expect ("Europe/Berlin", 0, AT (1, 0), AT (2, 30), "2026-10-25 01:30:00",
              "2026-10-26 00:00:00");
}

Test (alert_hours, other_changes)
{
    //  New York, 2026-03-08 and 2026-11-01, at 2:00.
    s_expect ("America/New_York", 0, AT (8, 0), AT (9, 0), "2026-03-07 12:00:00",
              "2026-03-07 13:00:00");
    s_expect ("America/New_York", 0, AT (8, 0), AT (9, 0), "2026-03-08 11:00:00",
              "2026-03-08 12:00:00");
    s_expect ("America/New_York", 0, AT (8, 0), AT (9, 0), "2026-11-01 12:00:00",
              "2026-11-01 13:00:00");
    //  Half an hour, in April and October: Lord Howe.
    s_expect ("Australia/Lord_Howe", 0, AT (8, 0), AT (9, 0), "2026-04-04 20:00:00",
              "2026-04-04 21:30:00");
    //  At midnight: Asuncion of 2023 has no 00:00 on 1 October.
    s_expect ("America/Asuncion", SUN, 0, AT (1, 30), "2023-10-01 03:00:00",
              "2023-10-01 04:00:00");
    //  A day that there was not: Apia had no 30 December 2011, a Friday.
    s_expect ("Pacific/Apia", 16, AT (8, 0), AT (9, 0), "2011-12-30 05:00:00",
              "2012-01-05 18:00:00");
    //  Years ahead, beyond what a file of zones lists: the rule goes on.
    s_expect ("Europe/Berlin", 0, AT (9, 0), AT (10, 0), "2055-07-01 06:00:00",
              "2055-07-01 07:00:00");
    s_expect ("Europe/Berlin", 0, AT (9, 0), AT (10, 0), "2055-12-01 06:00:00",
              "2055-12-01 08:00:00");
}

//  Over each half hour of a year: open is what the wall clock says.
Test (alert_hours, a_year_of_half_hours)
{
    setenv ("TZ", "Europe/Berlin", 1);
    tzset ();
    alert_hours_t *hours = alert_hours_new (TEXT ("Europe/Berlin"), MON | SAT, AT (22, 0),
                                            AT (6, 0));
    uint64_t wrong = 0, open = 0;
    for (uint64_t at = s_utc ("2026-01-05 00:00:00"); at < s_utc ("2027-01-04 00:00:00");
         at += 1800 * 1000) {
        time_t time = (time_t) (at / 1000);
        struct tm parts;
        localtime_r (&time, &parts);
        int begins = parts.tm_hour < 6 ? (parts.tm_wday + 6) % 7 : parts.tm_wday;
        bool expected = (parts.tm_hour >= 22 || parts.tm_hour < 6) && (begins == 1 || begins == 6);
        bool found = alert_hours_next (hours, at) == at;
        wrong += found != expected;
        open += found;
    }
    cr_expect_eq (wrong, 0);
    cr_expect_eq (open, 104 * 16 - 2 + 2); //  one night has two half hours less, one two more
    alert_hours_destroy (&hours);
}

Test (alert_hours, names_of_zones)
{
    static const char *const bad[] = { "",         "Europe",      "Europe/",       "europe/berlin",
                                       "+01:00",   "/etc/passwd", "Europe/../UTC", "Europe//Berlin",
                                       "CET-1CEST", "Z",          "America/Argentina" };
    cr_expect (alert_zone_is_known (TEXT ("UTC")));
    cr_expect (alert_zone_is_known (TEXT ("Etc/GMT+5")));
    cr_expect (alert_zone_is_known (TEXT ("America/Argentina/Buenos_Aires")));
    for (size_t at = 0; at < sizeof bad / sizeof *bad; at++) {
        cr_expect_not (alert_zone_is_known (text_of (bad[at])), "%s", bad[at]);
        cr_expect_null (alert_hours_new (text_of (bad[at]), 0, 0, 60), "%s", bad[at]);
    }
}

Test (alert_hours, times_for_people)
{
    char text[ALERT_TIME_ROOM];
    alert_hours_t *hours = alert_hours_new (TEXT ("Europe/Berlin"), 0, 0, 60);
    alert_hours_print (hours, s_utc ("2026-07-01 12:00:00"), text);
    cr_expect_str_eq (text, "2026-07-01 14:00 CEST");
    alert_hours_print (NULL, s_utc ("2026-07-01 12:00:00"), text);
    cr_expect_str_eq (text, "2026-07-01 12:00 UTC");
    alert_hours_destroy (&hours);
}
