//  texting_rig — a notifier before scripted peers that are Twilio and Slack (texting_server.py).

#ifndef TEXTING_RIG_H
#define TEXTING_RIG_H

#include "model/model.h"
#include "worker_fixture.h"

extern worker_fixture_t *texting_fixture;
//  Before the start: where Twilio is. "good", "other" (its certificate is nobody's) or "nowhere".
extern const char *texting_twilio;

//  `more` are settings in place of the usual ones, ended by NULL; or NULL.
void texting_start (const char *const *more);
//  The token and the webhooks' URLs stand nowhere in the log.
void texting_end (void);

void texting_hand (const bus_work_t *work);
//  What came of the item's only attempt, or the `nth`. It says no secret.
const worker_heard_t *texting_done (const char *item);
const worker_heard_t *texting_done_again (const char *item, unsigned nth);

//  A file of the server's directory; "" when there is none. The caller frees it.
char *texting_file (const char *name);
//  What the app's script was asked; none of it is wrong. The caller frees it.
char *texting_log (const char *app);
//  Requests with this text.
unsigned texting_count (const char *app, const char *text);
double texting_metric (const char *sample);

#endif
