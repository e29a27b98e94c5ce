#include "translation/genesys_body.h"

#include "json/json_write.h"

#include <strings.h>

static void
s_begin (json_writer_t *json, buffer_t *to, const genesys_from_t *from)
{
    json_write_begin (json, to);
    json_open_object (json, NULL);
    json_open_object (json, "channel");
    json_open_object (json, "from");
    json_put_text (json, "id", from->id);
    json_put_string (json, "idType", "Opaque");
    json_put_text_if (json, "nickname", from->name);
    json_close_object (json);
    json_put_time (json, "time", from->time_ms);
    json_put_text_if (json, "messageId", from->message_id);
}

int
genesys_put_text (buffer_t *to, const genesys_from_t *from, text_t text, text_t attributes)
{
    json_writer_t json;
    s_begin (&json, to, from);
    if (attributes.size > 0) {
        json_open_object (&json, "metadata");
        json_put_json (&json, "customAttributes", attributes);
        json_close_object (&json);
    }
    json_close_object (&json);
    json_put_text (&json, "text", text);
    json_close_object (&json);
    return json_write_end (&json);
}

static const char *
s_media_type (text_t mime)
{
    static const struct {
        text_t begins;
        const char *type;
    } rows[] = {
        { TEXT ("image/"), "Image" },
        { TEXT ("video/"), "Video" },
        { TEXT ("audio/"), "Audio" },
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++)
        if (mime.size > rows[row].begins.size
            && strncasecmp (mime.data, rows[row].begins.data, rows[row].begins.size) == 0)
            return rows[row].type;
    return "File";
}

int
genesys_put_file (buffer_t *to, const genesys_from_t *from, const genesys_file_t *file)
{
    json_writer_t json;
    s_begin (&json, to, from);
    json_close_object (&json);
    json_open_array (&json, "content");
    json_open_object (&json, NULL);
    json_open_object (&json, "attachment");
    json_put_string (&json, "mediaType", s_media_type (file->mime));
    json_put_text (&json, "url", file->url);
    json_put_text (&json, "mime",
                   file->mime.size > 0 ? file->mime : TEXT ("application/octet-stream"));
    json_close_object (&json);
    json_close_object (&json);
    json_close_array (&json);
    json_close_object (&json);
    return json_write_end (&json);
}

int
genesys_put_choice (buffer_t *to, const genesys_from_t *from, const genesys_choice_t *choice)
{
    json_writer_t json;
    s_begin (&json, to, from);
    json_close_object (&json);
    json_open_object (&json, "buttonResponse");
    json_put_text (&json, "type", choice->type);
    json_put_text (&json, "text", choice->label);
    json_put_text (&json, "payload", choice->payload);
    json_close_object (&json);
    json_put_text (&json, "originatingMessageId", choice->message_id);
    json_close_object (&json);
    return json_write_end (&json);
}

int
genesys_put_typing (buffer_t *to, const genesys_from_t *from)
{
    json_writer_t json;
    s_begin (&json, to, from);
    json_close_object (&json);
    json_open_array (&json, "events");
    json_open_object (&json, NULL);
    json_put_string (&json, "eventType", "Typing");
    json_close_object (&json);
    json_close_array (&json);
    json_close_object (&json);
    return json_write_end (&json);
}

int
genesys_put_receipt (buffer_t *to, const genesys_receipt_t *receipt)
{
    json_writer_t json;
    json_write_begin (&json, to);
    json_open_object (&json, NULL);
    json_put_text (&json, "id", receipt->message_id);
    json_open_object (&json, "channel");
    json_open_object (&json, "to");
    json_put_text (&json, "id", receipt->to);
    json_put_string (&json, "idType", "Opaque");
    json_close_object (&json);
    json_put_time (&json, "time", receipt->time_ms);
    json_close_object (&json);
    json_put_text (&json, "status", receipt->status);
    json_put_bool (&json, "isFinalReceipt", true);
    if (receipt->code.size > 0 || receipt->reason.size > 0) {
        json_open_array (&json, "reasons");
        json_open_object (&json, NULL);
        json_put_text_if (&json, "code", receipt->code);
        json_put_text (&json, "message", receipt->reason);
        json_close_object (&json);
        json_close_array (&json);
    }
    json_close_object (&json);
    return json_write_end (&json);
}
