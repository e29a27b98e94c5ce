//  What a visitor goes through whose way to the edge has a proxy that knows no WebSockets: the page
//  (client.js) receives by Server-Sent Events and sends by POST.

import assert from "node:assert/strict";

import { startPathProxy } from "./path_proxy.js";
import { makeToken, until } from "./stack.js";

//  A chat in a page of the edge behind such a proxy; what it hears is kept there.
class Chat {
    static async open(person, url, options = {}) {
        const chat = new Chat();
        chat.page = await person.newPage();
        await chat.page.goto(url);
        await chat.page.evaluate((given) => {
            window.heard = [];
            window.chat = new window.StentorChat({ serverUrl: location.href, ...given });
            for (const name of ["message", "ack", "status", "refused", "joined", "left", "typing"])
                window.chat.on(name, (event) => window.heard.push({ name, ...event }));
            window.chat.open();
        }, options);
        return chat;
    }

    say(text) { return this.page.evaluate((said) => { window.chat.say(said); }, text); }
    get(name) { return this.page.evaluate((member) => window.chat[member], name); }
    all(name) {
        return this.page.evaluate((wanted) =>
            window.heard.filter((event) => event.name === wanted), name);
    }

    hears(what, name, test, within) {
        return until(what, async () => (await this.all(name)).find(test), within);
    }

    isOpen(transport) {
        return until(`open by ${transport}`, async () =>
            await this.get("status") === "open" && await this.get("transport") === transport);
    }

    //  Each was acknowledged once; said once, answered once, and both in order.
    async hasAllOnce(label, howMany) {
        const numbers = Array.from({ length: howMany }, (_, i) => `${label}-${i + 1}`);
        await this.hears(`the answer to ${numbers.at(-1)}`, "message",
            ({ mine, text }) => !mine && text === numbers.at(-1), 30000);
        await until("all are acknowledged", async () => await this.get("unsent") === 0);
        const said = (await this.all("message")).filter(({ text }) => text.includes(`${label}-`));
        const of = (own) => said.filter(({ mine }) => mine === own).map(({ text }) => text);
        assert.deepEqual(of(true), numbers.map((one) => `echo ${one}`));
        assert.deepEqual(of(false), numbers);
        const ids = said.filter(({ mine }) => mine).map(({ messageId }) => messageId);
        const acks = (await this.all("ack")).filter(({ messageId }) => ids.includes(messageId));
        assert.deepEqual(acks.map(({ messageId }) => messageId), ids);
        const seqs = acks.map(({ seq }) => seq);
        assert.deepEqual(seqs, [...seqs].sort((a, b) => a - b));
    }
}

export function eventStories(story) {
    story("events: a proxy without WebSockets, cuts, and an agent", async ({ stack, visitor,
        more }) => {
        const proxy = await startPathProxy("/chat/", () => stack.edgePort, { refuses: true });
        try {
            const chat = await Chat.open(visitor, proxy.url);
            await chat.isOpen("events");
            for (let i = 1; i <= 8; i++) {
                await chat.say(`echo cut-${i}`);
                //  With messages on their way, in both directions.
                if (i % 3 === 0) proxy.drop();
            }
            await chat.hasAllOnce("cut", 8);
            //  An agent, by WebSocket, and what it says.
            const agent = await Chat.open(await more(), stack.pageUrl,
                { isAdmin: true, sessionId: await chat.get("sessionId") });
            await agent.isOpen("websocket");
            await agent.page.evaluate(() => window.chat.bargeIn("Anna"));
            await chat.hears("the agent comes", "joined",
                ({ sender }) => sender.displayName === "Anna");
            await agent.page.evaluate(() => window.chat.typing(true));
            await chat.hears("the agent types", "typing", ({ on }) => on);
            await agent.say("how can I help?");
            await chat.hears("the agent's words", "message",
                ({ from, text }) => from === "agent" && text === "how can I help?");
            await chat.say("thank you");
            await agent.hears("the visitor's words", "message",
                ({ from, text }) => from === "visitor" && text === "thank you");
        } finally {
            await proxy.stop();
        }
    });

    story("events: an agent without WebSockets takes and gives back", async (world) => {
        const { stack, visitor, more } = world;
        const proxy = await startPathProxy("/chat/", () => stack.edgePort, { refuses: true });
        try {
            const chat = await Chat.open(visitor, stack.pageUrl);
            await chat.say("echo first");
            await chat.hears("the bot's words", "message", ({ text }) => text === "first");
            const agent = await Chat.open(await more(), proxy.url,
                { isAdmin: true, sessionId: await chat.get("sessionId") });
            await agent.isOpen("events");
            await agent.page.evaluate(() => window.chat.take({ name: "Anna" }));
            await chat.hears("the agent comes", "joined",
                ({ sender }) => sender.displayName === "Anna");
            await agent.hears("it has control", "joined", ({ mine }) => mine);
            await agent.say("how can I help?");
            await chat.hears("the agent's words", "message",
                ({ from, text }) => from === "agent" && text === "how can I help?");
            await agent.page.evaluate(() => window.chat.release());
            await chat.hears("the agent goes", "left",
                ({ sender }) => sender.displayName === "Anna");
            await chat.say("echo bot again");
            await chat.hears("the bot's words", "message",
                ({ from, text }) => from === "bot" && text === "bot again");
        } finally {
            await proxy.stop();
        }
    });

    story("events: with a token", async ({ stack, visitor }) => {
        const port = () => Number(new URL(stack.strictUrl).port);
        const proxy = await startPathProxy("/", port, { refuses: true });
        try {
            const chat = await Chat.open(visitor, proxy.url,
                { token: makeToken({ kind: "visitor", sub: "customer-2", name: "Carla" }) });
            await chat.isOpen("events");
            await chat.say("echo token-1");
            await chat.hasAllOnce("token", 1);
            const bad = await Chat.open(visitor, proxy.url,
                { token: `${makeToken({ kind: "visitor", sub: "customer-2" })}x`, storage: null });
            await bad.hears("it is refused", "status", ({ code }) => code === "unauthenticated");
        } finally {
            await proxy.stop();
        }
    });

    story("events: from a page of another origin", async ({ stack, visitor, host }) => {
        const page = await visitor.newPage();
        await page.goto(new URL("/xapp-chat-widget.css", host.url("")).href);
        const heard = await page.evaluate(async ([base, token]) => {
            const { StentorChat } = await import(new URL("client.module.js", base).href);
            const chat = new StentorChat({ serverUrl: base, token, storage: null,
                transport: "events" });
            chat.open();
            const ack = await chat.say("hello");
            return { ack, transport: chat.transport };
        }, [stack.strictUrl, makeToken({ kind: "visitor", sub: "customer-3" })]);
        assert.equal(heard.transport, "events");
        assert.equal(heard.ack.duplicate, false);
        assert.ok(heard.ack.seq > 0 && Math.abs(heard.ack.timeMs - Date.now()) < 60000);
    });

    //  Without client.js: the browser itself comes again, with the id that it has.
    story("events: a browser's own EventSource", async ({ stack, visitor }) => {
        const proxy = await startPathProxy("/", () => stack.edgePort, { refuses: true });
        try {
            const page = await visitor.newPage();
            await page.goto(proxy.url);
            const at = `/api/v1/sessions/source-${Date.now()}`;
            const says = (text) => page.evaluate(async ([path, said]) => {
                const body = JSON.stringify({ messageId: said, text: said });
                const answer = await fetch(`${path}/messages?userId=eva`, { method: "POST", body });
                return answer.status;
            }, [at, text]);
            await page.evaluate((path) => {
                window.heard = [];
                window.source = new EventSource(`${path}/events?userId=eva`);
                window.source.onmessage = ({ data, lastEventId }) =>
                    window.heard.push({ frame: JSON.parse(data), lastEventId });
            }, at);
            const texts = () => page.evaluate(() => window.heard.map(({ frame }) =>
                frame.event === "new message" && frame.data.rawQuery).filter(Boolean));
            const updates = () => page.evaluate(() =>
                window.heard.filter(({ frame }) => frame.event === "connection update").length);
            await until("it is in", async () => await updates() === 1);
            assert.equal(await says("one"), 201);
            await until("it hears", async () => (await texts()).length === 1);
            proxy.drop();
            await until("another is stored", async () => [200, 201].includes(await says("two")));
            await until("it came again", async () => await updates() === 2, 20000);
            await until("it hears the rest", async () => (await texts()).length === 2);
            assert.deepEqual(await texts(), ["one", "two"]);
            const ids = await page.evaluate(() => window.heard.map((one) => one.lastEventId));
            assert.match(ids.at(-1), /^[0-9]+-[0-9a-f]{16}$/);
        } finally {
            await proxy.stop();
        }
    });

    story.alone("events: the edge stops and comes back", async ({ stack, visitor }) => {
        const proxy = await startPathProxy("/chat/", () => stack.edgePort, { refuses: true });
        try {
            const chat = await Chat.open(visitor, proxy.url);
            await chat.isOpen("events");
            for (let i = 1; i <= 6; i++) {
                if (i === 3) await stack.stopOne("edge");
                await chat.say(`echo stop-${i}`);
                if (i === 4) await stack.startOne("edge");
            }
            await chat.hasAllOnce("stop", 6);
        } finally {
            await proxy.stop();
        }
    });
}
