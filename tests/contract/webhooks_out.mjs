//  Is a webhook genuine to the library of npm? Reads {"headers", "body"} and says what is wrong.
//
//      node webhooks_out.mjs PLACE NEW OLD OTHER

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const [place, fresh, old, other] = process.argv.slice(2);
const { Webhook } = createRequire(join(place, "node_modules", "x.js"))("standardwebhooks");
const { headers, body } = JSON.parse(readFileSync(0, "utf8"));

function expect(what, isGenuine, secret, text, names = headers) {
    let found = true;
    try {
        new Webhook(secret).verify(text, names);
    } catch {
        found = false;
    }
    if (found !== isGenuine)
        console.log(what);
}

expect("new secret", true, fresh, body);
expect("old secret", true, old, body);
expect("other secret", false, other, body);
expect("changed body", false, fresh, `${body} `);
expect("changed id", false, fresh, body, { ...headers, "webhook-id": "msg_0" });
