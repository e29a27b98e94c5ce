//  fake_question — what the log in a fake store says of the visitor's last question, as
//  load_session in functions.sql reads it.

#ifndef FAKE_QUESTION_H
#define FAKE_QUESTION_H

#include "store/store.h"

//  The visitor's last message that nobody has answered; NULL: none. `asked` are the works that the
//  bot was given, ended or not.
const stored_entry_t *fake_question (const stored_entry_t *entries, size_t count,
                                     const stored_work_t *asked, size_t asked_count);

#endif
