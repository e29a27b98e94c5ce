//  list_page — one page of a list: which one a request means, and how it is answered.
//
//      {"items": […], "next": "cursor" | null, "prev": "cursor" | null}
//
//  A cursor holds the operation, the filter and order of the list, the direction, and the position
//  from which on the page is read: an item's, which need not be there any more. So pages go on from
//  where they ended, whatever comes and goes meanwhile. It is base64url of a JSON object, for
//  nobody to look into, and no secret: who may see what is a condition of each statement. With a
//  cursor a request may leave its filter and order out; when it says them again, they must be those
//  of the cursor.
//
//      {"o":operation,"f":{"name":"value",…},"b":true,"p":["…",…]}      b: backward

#ifndef LIST_PAGE_H
#define LIST_PAGE_H

#include "base/buffer.h"
#include "model/api_operation.h"

struct json_object;

typedef struct list_page list_page_t;

#define LIST_POSITION_MOST 4 //  texts of a position

//  Of a request's query, which is checked here once more; NULL: an empty one. On failure NULL, and
//  what is wrong with it, for a person, in `complaint`.
list_page_t *list_page_new (const api_row_t *row, struct json_object *query,
                            const char **complaint, char room[API_COMPLAINT]);
void list_page_destroy (list_page_t **self_p);

uint64_t list_page_limit (const list_page_t *self);
bool list_page_is_backward (const list_page_t *self); //  towards `prev`
//  Of the filter and order; empty: it is not said.
text_t list_page_filter (const list_page_t *self, const char *name);
bool list_page_has (const list_page_t *self, const char *name, const char *value);
//  A part of the position: what is read stands behind it (before it, when it is backward). Empty:
//  the list's beginning.
text_t list_page_position (const list_page_t *self, size_t at);
//  The list's first page is to be read from behind this position of one number; nothing happens
//  when there is a position already.
void list_page_begin_at (list_page_t *self, uint64_t number);

//  What the statement answered: `items` is a JSON array in the list's order, `first` and `last` are
//  positions, JSON arrays of texts, of its first and last item; empty when there are no items.
//  `more`: there are others in the direction of reading.
typedef struct {
    text_t items;
    text_t first, last;
    bool more;
} list_items_t;
void list_page_write (const list_page_t *self, const list_items_t *items, buffer_t *to);

#endif
