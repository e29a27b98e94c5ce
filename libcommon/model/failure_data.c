#include "model/failure_data.h"

#include "json/json_write.h"

#include <assert.h>

void
failure_data_write (buffer_t *to, unsigned tries, uint64_t delay_s, const char *error)
{
    json_writer_t json;
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    json_put_string (&json, "type", "BOT");
    json_put_number (&json, "tries", tries);
    json_put_number (&json, "delay", delay_s);
    json_put_string (&json, "error", error);
    json_close_object (&json);
    int rc = json_write_end (&json);
    assert (rc == 0); //  FAILURE_DATA_MAX is more than our longest text needs
}
