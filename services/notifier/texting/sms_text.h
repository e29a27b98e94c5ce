//  sms_text — texts as SMS have them: how many segments one takes, where a long one is cut.
//
//  An SMS carries 160 characters of the GSM alphabet, or 70 units of UCS-2 as soon as one character
//  is in none; of several in a row each carries 153, or 67. Characters of two units, and those of
//  the alphabet's extension, stand in one segment. Lengths are in units of UTF-16, as which Twilio
//  counts at most. All texts are valid UTF-8.

#ifndef SMS_TEXT_H
#define SMS_TEXT_H

#include "base/buffer.h"

#define SMS_MOST 1600    //  units in one message, of several segments
#define SMS_PARTS_MOST 40 //  of DEGRADE_TEXT_MOST bytes there are less

//  In units.
size_t sms_units (text_t text);
//  0 of an empty text.
unsigned sms_segments (text_t text);

//  The longest beginning of `most` units at most that ends between characters, as people count
//  them: not before what joins the one before. Never empty, unless the text is.
text_t sms_cut (text_t text, size_t most);

//  Takes the next message off the text: SMS_MOST units at most, up to a blank or the end of a line
//  if there is one in its last quarter (which is left out), else as sms_cut. Blanks at both ends
//  are left out. False: there is none.
bool sms_next_part (text_t *rest, text_t *part);

//  Appends what people say without what an SMS cannot have: line ends become "\n", a tab a blank,
//  other control characters nothing. As much of it as the buffer takes.
void sms_put_clean (text_t text, buffer_t *to);

#endif
