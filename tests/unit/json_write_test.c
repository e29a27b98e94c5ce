//  json_write — commas where they belong, and nothing at all of what does not fit.

#include "base/utf8.h"
#include "json/json_write.h"

#include <criterion/criterion.h>

static bool
s_holds (const buffer_t *buffer, const char *expected)
{
    return text_is (buffer_text (buffer), text_of (expected));
}

Test (json_write, objects_and_arrays_in_each_other)
{
    buffer_t buffer;
    buffer_init (&buffer, 1000);
    json_writer_t json;
    json_write_begin (&json, &buffer);
    json_open_object (&json, NULL);
    json_put_string (&json, "event", "ack");
    json_put_json (&json, "sender", TEXT ("{\"a\":[1]}"));
    json_put_json (&json, "left out", TEXT_EMPTY);
    json_put_text_if (&json, "left out", TEXT_EMPTY);
    json_open_object (&json, "data");
    json_put_number (&json, "seq", UINT64_MAX);
    json_put_bool (&json, "duplicate", false);
    json_put_text_if (&json, "text", TEXT ("\"{[\n"));
    json_open_object (&json, "empty");
    json_close_object (&json);
    json_close_object (&json);
    json_open_array (&json, "list");
    json_put_number (&json, NULL, 1);
    json_put_string (&json, NULL, "two");
    json_open_array (&json, NULL);
    json_close_array (&json);
    json_open_object (&json, NULL);
    json_put_bool (&json, "last", true);
    json_close_object (&json);
    json_close_array (&json);
    json_close_object (&json);
    cr_assert_eq (json_write_end (&json), 0);
    cr_assert (s_holds (&buffer, "{\"event\":\"ack\",\"sender\":{\"a\":[1]},\"data\":{"
                                 "\"seq\":18446744073709551615,\"duplicate\":false,"
                                 "\"text\":\"\\\"{[\\n\",\"empty\":{}},"
                                 "\"list\":[1,\"two\",[],{\"last\":true}]}"),
               "%.*s", TEXT_ARGS (buffer_text (&buffer)));
    buffer_free (&buffer);
}

Test (json_write, a_time)
{
    buffer_t buffer;
    json_writer_t json;
    buffer_init (&buffer, 200);
    json_write_begin (&json, &buffer);
    json_open_array (&json, NULL);
    json_put_time (&json, NULL, 0);
    json_put_time (&json, NULL, 1769903999007);
    json_close_array (&json);
    cr_assert_eq (json_write_end (&json), 0);
    cr_assert (text_is (buffer_text (&buffer), TEXT ("[\"1970-01-01T00:00:00.000Z\","
                                                     "\"2026-01-31T23:59:59.007Z\"]")));
    buffer_free (&buffer);
}

Test (json_write, follows_what_stands_in_the_buffer)
{
    buffer_t buffer;
    buffer_init (&buffer, 1000);
    cr_assert_eq (buffer_put_string (&buffer, "before "), 0);
    json_writer_t json;
    json_write_begin (&json, &buffer);
    json_put_string (&json, NULL, "a text alone");
    cr_assert_eq (json_write_end (&json), 0);
    cr_assert (s_holds (&buffer, "before \"a text alone\""));
    buffer_free (&buffer);
}

//  At every ceiling: all of it, or the buffer as it was.
Test (json_write, what_does_not_fit_changes_nothing)
{
    const size_t whole = sizeof "x{\"name\":\"value\",\"number\":77,\"list\":[]}" - 1;
    for (size_t ceiling = 1; ceiling <= whole; ceiling++) {
        buffer_t buffer;
        buffer_init (&buffer, ceiling);
        cr_assert_eq (buffer_put_string (&buffer, "x"), 0);
        json_writer_t json;
        json_write_begin (&json, &buffer);
        json_open_object (&json, NULL);
        json_put_string (&json, "name", "value");
        json_put_number (&json, "number", 77);
        json_open_array (&json, "list");
        json_close_array (&json);
        json_close_object (&json);
        cr_assert_eq (json_write_end (&json), ceiling == whole ? 0 : -1);
        cr_assert_eq (buffer.size, ceiling == whole ? whole : 1, "at %zu", ceiling);
        buffer_free (&buffer);
    }
}

//  Never more than so many bytes between the quotes, and always whole characters.
Test (json_write, a_text_is_cut_to_its_place)
{
    static const char *const texts[] = { "plain", "\"\"\"\"\"\"", "a\nb\001c", "üöäüöä", "" };
    for (size_t row = 0; row < sizeof texts / sizeof *texts; row++)
        for (size_t most = 0; most < 50; most++) {
            buffer_t buffer;
            json_writer_t json;
            text_t text = text_of (texts[row]);
            buffer_init (&buffer, 1000);
            json_write_begin (&json, &buffer);
            bool is_cut = json_put_cut (&json, NULL, text, most);
            cr_assert_eq (json_write_end (&json), 0);
            cr_assert_leq (buffer.size, most + 2);
            cr_assert (!is_cut || most < 6 * text.size);
            cr_assert (utf8_is_valid (buffer_text (&buffer)));
            buffer_free (&buffer);
        }
}
