//  Bytes of a client's frame. What is let in must be whole and within its limits.

#include "client/client_frame.h"

#include "base/utf8.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    client_frame_t frame;
    text_t bytes = { (const char *) data, size };
    frame_fault_t fault = client_frame_read (&frame, bytes, TEXT ("u-1"));
    assert (fault < FAULT_COUNT);
    if (fault == FAULT_NONE) {
        assert (frame.says != SAYS_NOTHING);
        assert (frame.session_id.size > 0 && frame.session_id.size <= SESSION_ID_MAX);
        assert (frame.message_id.size <= MESSAGE_ID_MAX);
        assert (frame.visitor.name.size <= DISPLAY_NAME_MAX);
        assert (utf8_is_valid (frame.session_id) && utf8_is_printable (frame.session_id));
        assert (utf8_is_valid (frame.visitor.name) && utf8_is_showable (frame.visitor.name));
        assert (utf8_is_showable (frame.visitor.email)
                && utf8_is_showable (frame.visitor.avatar));
        assert (utf8_is_printable (frame.secret));
        assert (utf8_is_valid (frame.data) && utf8_is_valid (frame.visitor.path));
        bool has_words = frame.says == SAYS_MESSAGE || frame.says == SAYS_WHISPER;
        assert (has_words == (frame.data.size > 0));
    } else if (fault != FAULT_NOT_UTF8) {
        assert (frame.message_id.size <= MESSAGE_ID_MAX && utf8_is_printable (frame.message_id));
        assert (frame.session_id.size <= SESSION_ID_MAX && utf8_is_printable (frame.session_id));
    }
    client_frame_free (&frame);
    return 0;
}
