//  Webhooks as vendors' own libraries of npm sign them, a line of JSON each: what, path, headers,
//  body and the status that is expected.
//
//      node webhooks.mjs PLACE SECRET TOKEN PUBLIC SECONDS

import { createRequire } from "node:module";
import { join } from "node:path";

const [place, secret, token, base, seconds] = process.argv.slice(2);
const require = createRequire(join(place, "node_modules", "x.js"));
const { Webhook } = require("standardwebhooks");
const twilio = require("twilio");

const say = (what, path, headers, body, status = 200) =>
    console.log(JSON.stringify({ what: `npm: ${what}`, path, headers, body, status }));

const message = (number, text) => JSON.stringify({
    type: "message.created", data: { messageId: `js-${number}`, userId: "js", text },
});

function standard(what, id, body, { signed = body, at = Number(seconds), more = "", status } = {}) {
    const signature = new Webhook(secret).sign(id, new Date(at * 1000), signed);
    say(what, "/webhooks/demo/crm", {
        "webhook-id": id, "webhook-timestamp": String(at), "content-type": "application/json",
        "webhook-signature": more + signature,
    }, body, status);
}

standard("signed", "msg_js1", message(1, "“Hello” \u{1F600}"));
standard("again", "msg_js1", message(1, "“Hello” \u{1F600}"));
standard("with other signatures", "msg_js2", message(2, "two"), { more: "v1,AAAA v1a,BBBB " });
standard("changed", "msg_js3", message(3, "x"), { signed: message(3, "y"), status: 403 });
standard("too old", "msg_js4", message(4, "x"), { at: Number(seconds) - 400, status: 403 });

function sms(what, path, fields, { signed = fields, port = "", status } = {}) {
    const url = base + port + path;
    say(what, path, {
        "content-type": "application/x-www-form-urlencoded",
        "X-Twilio-Signature": twilio.getExpectedTwilioSignature(token, url, signed),
    }, new URLSearchParams(fields).toString(), status);
}

const fields = {
    MessageSid: "SMjs1", From: "+447700900514", To: "+447700900000", Body: " é & 100% + \u{1F600}\n",
    NumMedia: "0", FromCity: "", AccountSid: `AC${"0".repeat(32)}`,
};
sms("an SMS", "/webhooks/demo/sms", fields);
sms("with the port", "/webhooks/demo/sms", { ...fields, MessageSid: "SMjs2" }, { port: ":443" });
sms("with a query", "/webhooks/demo/sms?a=b%20c&d", { ...fields, MessageSid: "SMjs3" });
sms("changed", "/webhooks/demo/sms", { ...fields, Body: "x" }, { signed: fields, status: 403 });
sms("another port", "/webhooks/demo/sms", fields, { port: ":8443", status: 403 });
