//  genesys_platform — the scripted Genesys Cloud of a test (tests/genesys/genesys_platform.py says
//  what it does, and its control protocol) as a process. There is one at a time.

#ifndef HARNESS_GENESYS_PLATFORM_H
#define HARNESS_GENESYS_PLATFORM_H

#include <stdbool.h>

//  `app`: a JSON object that is laid over the app `demo` of its apps.json, or NULL.
void genesys_platform_start (const char *app);
//  Asserts that nothing was said to it that should not be (/control/wrong).
void genesys_platform_end (void);

//  "http://127.0.0.1:40123"
const char *genesys_platform_url (void);
//  "APPS_FILE=…/apps.json": of the apps `demo` and `other`.
const char *genesys_platform_apps (void);
//  A path in its directory, valid until the next call.
const char *genesys_platform_path (const char *name);

//  GET /control/… of "says?user=ann&text=hello"; asserts that it is answered with 200. The answer,
//  JSON, is valid until the next call.
__attribute__ ((format (printf, 1, 2))) const char *genesys_control (const char *format, ...);
//  The same with a JSON object as body: what does not go into a URL.
const char *genesys_control_post (const char *verb, const char *json);
//  The string at the first member of that name in the last answer; "" when there is none. Valid
//  until the next call.
const char *genesys_control_text (const char *member);
//  How many lines of its log contain the text (no '&', '%' or '+' in it).
unsigned genesys_platform_count (const char *text);
//  Waits until there are so many, 30 s at most.
bool genesys_platform_comes_to (const char *text, unsigned count);

#endif
