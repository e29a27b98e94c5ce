//  A visitor with the stock widget is handed over to people at Genesys Cloud, and comes back.

import assert from "node:assert/strict";

import { until } from "./stack_waits.js";
import { WidgetPage } from "./widget_page.js";

const GREETING = "Welcome! I am the demo bot";

const isTold = (widget, words) => until(`the visitor is told: ${words}`, async () =>
    (await widget.notices()).includes(words), 20000).catch(async (error) => {
    error.message += `; it is told ${JSON.stringify(await widget.notices())}`;
    throw error;
});

//  An assertion that fails is an error of psql.
function isWithBot(stack) {
    try {
        stack.query(`DO $$ BEGIN ASSERT (SELECT bool_and (control_role = 3) FROM session
            WHERE app = 'genesys'); END $$`);
        return true;
    } catch {
        return false;
    }
}

export function genesysStories(story) {
    story("genesys: a person there takes over, passes on, and the bot goes on", async (world) => {
        const { stack, host, visitor, shot } = world;
        const cloud = stack.genesys;
        const server = `ws://127.0.0.1:${stack.edgePort}/?appId=genesys`;
        const widget = await WidgetPage.open(visitor, host.url(server));
        await widget.sees(GREETING);
        await widget.say("person");

        //  The conversation begins with what was said before; nobody is told of anybody yet.
        const opening = await cloud.hears("person");
        assert.match(opening.text, /Welcome! I am the demo bot/);
        await widget.say("echo is anybody there?");
        await cloud.hears("echo is anybody there?");
        assert.deepEqual(await widget.notices(), []);

        await cloud.do("agent-alerts", { user: "ann" });
        await cloud.do("agent-joins", { user: "ann" });
        await isTold(widget, "Ann Agent has joined the chat");
        await cloud.do("typing", { user: "ann", duration: 8000 });
        await widget.typing().waitFor();
        await cloud.do("says", { user: "ann", text: "Ann here, how can I help?" });
        await widget.sees("Ann here");
        await shot(widget, "talks with a person at Genesys Cloud");

        //  A choice is answered as one, and shown as what the visitor said.
        const { id } = await cloud.do("says", {
            user: "ann", type: "Structured", text: "Shall I proceed?",
            content: ["Yes", "No"].map((text) => ({ contentType: "QuickReply",
                quickReply: { text, payload: `payload ${text}`, action: "Message" } })),
        });
        await widget.sees("Shall I proceed?");
        await widget.page.locator(".xappw-vlist-item", { hasText: "Yes" }).click();
        const chosen = await until("the choice is there", async () =>
            (await cloud.conversations())[0].messages.find(({ body }) => body?.buttonResponse));
        assert.equal(chosen.body.originatingMessageId, id);
        assert.equal(chosen.body.buttonResponse.payload, "payload Yes");

        //  Passed on: one goes, another comes, and the visitor stays with people.
        await cloud.do("transfer", { user: "ann" });
        await isTold(widget, "Ann Agent has left the chat");
        await cloud.do("agent-joins", { user: "bob" });
        await isTold(widget, "Bob Builder has joined the chat");
        await widget.say("echo to bob");
        await cloud.hears("echo to bob");
        await cloud.do("says", { user: "bob", text: "Bob here, all done." });
        await widget.sees("Bob here");
        await cloud.do("agent-leaves", { user: "bob", ends: true });
        await isTold(widget, "Bob Builder has left the chat");

        //  What is said before the platform has given the visitor back goes there still, and opens
        //  the conversation again.
        await until("the visitor is given back", () => isWithBot(stack));
        //  And the bot has never answered what was said to people.
        await widget.say("echo bot again");
        await widget.sees("bot again", { times: 2, within: 20000 });
        assert.deepEqual((await widget.texts()).filter((text) => /^to bob$/.test(text)), []);
        const receipts = await until("what was shown is said so", async () => {
            const all = (await cloud.do("receipts")).receipts;
            return all.length >= 3 && all;
        });
        assert.deepEqual(new Set(receipts.map(({ status }) => status)), new Set(["Delivered"]));
        assert.deepEqual((await cloud.do("wrong")).lines, []);
        await shot(widget, "is back with the bot");
    });
}
