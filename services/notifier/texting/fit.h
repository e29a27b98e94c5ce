//  fit — an alert's text within a channel's limit: words in front of the link are cut, never the
//  link.

#ifndef FIT_H
#define FIT_H

#include "base/buffer.h"

//  What lengths are of this channel.
typedef struct {
    size_t (*measure) (text_t text);
    text_t (*cut) (text_t text, size_t most); //  a beginning of this length at most
} fit_measure_t;

extern const fit_measure_t fit_sms;   //  units of UTF-16
extern const fit_measure_t fit_slack; //  bytes; not within an entity or a link

//  Appends the text, of this length at most, with "..." where it is cut. Without a link in it the
//  end is cut. The buffer takes 4 * most bytes, at least; a link of half of that is none.
void fit_put (const fit_measure_t *measure, text_t text, text_t link, size_t most, buffer_t *to);

#endif
