//  An edge that speaks TLS itself: our own page, the real widget and a server's client, by wss://.

import assert from "node:assert/strict";

import { ChatPage } from "./chat_page.js";
import { WidgetPage } from "./widget_page.js";

const GREETING = "Welcome! I am the demo bot";

//  The stack's own authority is nobody's; what it says is taken all the same.
const TRUSTING = { ignoreHTTPSErrors: true };

//  What the pages of one visitor connect to.
function sockets(visitor) {
    const urls = [];
    visitor.context.on("page", (page) =>
        page.on("websocket", (socket) => urls.push(socket.url())));
    return urls;
}

export function tlsStories(story) {
    story("tls: the page and the widget speak wss", async ({ stack, more, shot }) => {
        const visitor = await more(TRUSTING);
        const urls = sockets(visitor);
        const page = await ChatPage.open(visitor, stack.tlsUrl);
        await page.sees(GREETING);
        await page.isOnline();
        await page.say("echo sealed");
        await page.sees("sealed", { times: 2 });

        const widget = await WidgetPage.open(await more(TRUSTING), `${stack.tlsUrl}widget.html`);
        await widget.sees(GREETING);
        await widget.say("echo hello there");
        await widget.sees("hello there", { times: 2 });
        await shot(widget, "widget");
        assert.ok(urls.length > 0);
        for (const url of urls) assert.match(url, /^wss:\/\/127\.0\.0\.1:/);
    });
}
