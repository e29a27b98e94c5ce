//  url_place — where a URL leads: a host and a port. It says what nobody can ever be reached by, so
//  that a configuration is refused for it, and not the first message that is due.

#ifndef URL_PLACE_H
#define URL_PLACE_H

#include "base/text.h"

//  What stands between "//" and the path of a URL, of which `from` is the rest behind "//". A name
//  and a password before the host are left out.
text_t url_place_of (const char *from);

//  Can it be a host, and behind it ':' and a port from 1 to 65535, or nothing? "bot", "bot:8090",
//  "10.0.0.1", "[::1]:80". A host is of ASCII (others are written as xn--…), and one that ends like
//  an IPv4 address is one.
bool url_place_is_one (text_t place);

//  The port as it is written, without ':'; empty: none.
text_t url_place_port (text_t place);

#endif
