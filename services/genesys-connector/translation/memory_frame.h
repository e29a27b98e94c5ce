//  memory_frame — what is remembered of an item or a lane, as the JSON object that it is written
//  as.
//
//      memory_frame_t frame;
//      json_writer_t *json = memory_begin (&frame, sizeof room);
//      json_put_number (json, "turn", 7);
//      return memory_end (&frame, room);

#ifndef MEMORY_FRAME_H
#define MEMORY_FRAME_H

#include "json/json_write.h"

typedef struct {
    buffer_t buffer;
    json_writer_t json;
} memory_frame_t;

//  What is put must fit into so many bytes, however it is escaped.
json_writer_t *memory_begin (memory_frame_t *self, size_t most);
//  The object, in the room of that size.
text_t memory_end (memory_frame_t *self, char *room);

#endif
