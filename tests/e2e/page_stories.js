//  What a visitor of our own page (client.js) goes through, and an agent.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import { PHONE, setVisibility } from "./browser.js";
import { ChatPage } from "./chat_page.js";
import { startPathProxy } from "./path_proxy.js";
import { makeToken, sleep, until } from "./stack.js";

const GREETING = "Welcome! I am the demo bot";
const RECONNECT = 20000;

async function begin({ stack, visitor, url = stack.pageUrl }) {
    const page = await ChatPage.open(visitor, url);
    await page.sees(GREETING);
    await page.isOnline();
    return page;
}

//  Says "echo <label>-1" and so on, with pauses in which the world may break.
async function sayMany(page, label, howMany, pause) {
    for (let i = 1; i <= howMany; i++) {
        await page.say(`echo ${label}-${i}`);
        await sleep(pause);
    }
}

//  Each was said once and answered once, and both in order.
async function assertAllOnce(page, label, howMany) {
    await page.sees(`${label}-${howMany}`, { times: 2, within: RECONNECT });
    const said = (await page.said()).filter(([, text]) => text.includes(`${label}-`));
    const numbers = Array.from({ length: howMany }, (_, i) => `${label}-${i + 1}`);
    const of = (whose) => said.filter(([who]) => who === whose).map(([, text]) => text);
    assert.deepEqual(of("me"), numbers.map((one) => `echo ${one}`));
    assert.deepEqual(of("other"), numbers);
}

export function pageStories(story) {
    story("page: greeting, chips, card, list, carousel", async ({ shot, ...world }) => {
        const page = await begin(world);
        await shot(page, "greeting");
        await page.say("chips");
        await page.sees("Pick one of these.");
        assert.equal(await page.chip("Our site").getAttribute("href"), "https://www.example.com/");
        await page.chip("Opening hours").click();
        await page.sees("We are open Monday to Friday");
        await page.say("card");
        await page.page.locator(".card h3", { hasText: "The demo shop" }).waitFor();
        await page.say("list");
        await page.page.locator(".list .item", { hasText: "Rental" }).click();
        await page.sees("You picked rental.");
        await shot(page, "picked");
        await page.say("carousel");
        await page.page.locator(".carousel .item", { hasText: "Mountain" }).waitFor();
        await shot(page, "carousel");
    });

    story("page: visitor and agent come with tokens", async ({ stack, visitor, more }) => {
        const sessionId = `tokens-${Date.now()}`;
        //  A chat in a page of the edge; what it hears is kept there.
        const open = async (person, options) => {
            const page = await person.newPage();
            await page.goto(stack.strictUrl);
            await page.evaluate((given) => {
                window.heard = [];
                window.chat = new window.StentorChat({ ...given, serverUrl: location.href,
                    storage: null });
                for (const name of ["message", "status", "joined"])
                    window.chat.on(name, (event) => window.heard.push({ name, ...event }));
                window.chat.open();
            }, options);
            return page;
        };
        const hears = (page, what, test) => until(what, async () =>
            (await page.evaluate(() => window.heard)).find(test));
        const visits = await open(visitor, { sessionId,
            token: makeToken({ kind: "visitor", sub: "customer-1", name: "Carla" }) });
        await hears(visits, "the visitor is in", ({ status }) => status === "open");
        await visits.evaluate(() => { window.chat.say("echo hello"); });
        await hears(visits, "the bot answers",
            ({ from, text }) => from === "bot" && text === "hello");

        const agent = await open(await more(), { sessionId, isAdmin: true,
            token: makeToken({ kind: "agent", sub: "anna", name: "Anna" }) });
        await hears(agent, "the agent is in", ({ status }) => status === "open");
        await agent.evaluate(() => {
            window.chat.bargeIn("somebody else");
            window.chat.say("hi");
        });
        const said = await hears(visits, "the agent speaks",
            ({ from, text }) => from === "agent" && text === "hi");
        assert.equal(said.sender.displayName, "Anna");

        const watcher = await more();
        const watching = await watcher.newPage();
        const token = makeToken({ kind: "agent", sub: "ben", name: "Ben" });
        await watching.goto(`${stack.strictUrl}agent.html?sessionId=${sessionId}#token=${token}`);
        await watching.locator("#state", { hasText: "Watching" }).waitFor();

        const old = makeToken({ kind: "agent", sub: "a", exp: 1e9 });
        for (const bad of [undefined, "a.b.c", old]) {
            const stranger = await open(await more(), { sessionId, isAdmin: true, token: bad });
            await hears(stranger, "a stranger is refused",
                ({ code }) => code === "unauthenticated");
        }
    });

    story("page: under a path, behind a proxy", async ({ stack, visitor }) => {
        const proxy = await startPathProxy("/chat/", () => stack.edgePort);
        try {
            const page = await begin({ visitor, url: proxy.url });
            await page.say("echo under a path");
            await page.sees("under a path", { times: 2 });
        } finally {
            await proxy.stop();
        }
    });

    story("page: another site takes our files", async ({ stack, visitor, host }) => {
        const page = await visitor.newPage();
        await page.goto(new URL("/xapp-chat-widget.css", host.url("")).href);
        const script = await (await fetch(new URL("client.js", stack.pageUrl))).text();
        const integrity = `sha384-${createHash("sha384").update(script).digest("base64")}`;
        const found = await page.evaluate(async (base) => {
            const names = ["client.js", "client.module.js", "client.d.ts", "client.module.d.ts"];
            const answers = names.map((name) => fetch(new URL(name, base), { mode: "cors" }));
            return (await Promise.all(answers)).map(({ status }) => status);
        }, stack.pageUrl);
        assert.deepEqual(found, [200, 200, 200, 200]);
        const kinds = await page.evaluate(async ([base, hash]) => {
            const { StentorChat } = await import(new URL("client.module.js", base).href);
            const module = typeof StentorChat;
            delete window.StentorChat;
            const element = document.createElement("script");
            Object.assign(element, { src: new URL("client.js", base).href, integrity: hash,
                crossOrigin: "anonymous" });
            await new Promise((done, failed) => {
                element.onload = done;
                element.onerror = () => failed(new Error("client.js is blocked"));
                document.head.append(element);
            });
            return [module, typeof window.StentorChat];
        }, [stack.pageUrl, integrity]);
        assert.deepEqual(kinds, ["function", "function"]);
    });

    story("page: on a phone, in the dark", async ({ stack, more, shot }) => {
        const page = await begin({ stack, visitor: await more(PHONE) });
        await page.say("list");
        await page.sees("What are you interested in?");
        await shot(page, "list");
        await page.say("carousel");
        await page.page.locator(".carousel").waitFor();
        await shot(page, "carousel");
        const wide = await page.page.evaluate(() =>
            document.documentElement.scrollWidth > window.innerWidth);
        assert.equal(wide, false, "the page is wider than the phone");
    });

    story("page: a bot's HTML is shown as text", async ({ ...world }) => {
        const page = await begin(world);
        await page.say("html");
        await page.sees("This is bold.");
        assert.equal(await page.page.locator(".log b").count(), 0);
        await page.say("echo <img src=x onerror=window.hit=1>");
        await page.sees("<img src=x", { times: 2 });
        assert.equal(await page.page.locator(".log img").count(), 0);
    });

    story("page: failures count down and end", async ({ shot, ...world }) => {
        const page = await begin(world);
        await page.say("fail once");
        await page.failure().waitFor();
        assert.match(await page.failure().textContent(), /Trying again in [12] s/);
        await shot(page, "first");
        await page.sees("The second try worked.");
        assert.equal(await page.failure().count(), 0);
        await page.say("fail");
        await page.sees("Sorry, I cannot answer right now", { within: 15000 });
        await page.typing().waitFor({ state: "hidden" });
        await shot(page, "given up");
    });

    story("page: half an answer grows, and the whole one takes its place",
        async ({ shot, ...world }) => {
            const page = await begin(world);
            await page.say("story");
            await page.part().waitFor();
            await page.sees("Once upon a time ");
            await shot(page, "half of it");
            await page.sees("a small router.");
            await page.part().waitFor({ state: "detached" });
            const told = (await page.texts()).filter((text) => text.includes("Once upon"));
            assert.deepEqual(told, ["Once upon a time there was a small router."]);
            await page.page.reload();
            await page.sees("a small router.");
            assert.equal(await page.part().count(), 0);
        });

    story("page: an agent who takes over sees half an answer, and ends it",
        async ({ stack, more, ...world }) => {
            const page = await begin({ stack, more, ...world });
            const agent = await ChatPage.open(await more(), await page.agentUrl());
            await page.say("stops");
            await page.part().waitFor();
            await agent.part().waitFor();
            await agent.page.locator("#name").fill("Anna");
            await agent.page.locator("#take").click();
            await page.part().waitFor({ state: "detached" });
            await agent.part().waitFor({ state: "detached" });
            await agent.say("Anna here.");
            await page.sees("Anna here.");
            const told = (await page.texts()).filter((text) => text.includes("Once upon"));
            assert.deepEqual(told, []);
        });

    story("page: a bot that answers later", async ({ ...world }) => {
        const page = await begin(world);
        await page.say("later");
        await page.typing().waitFor();
        await page.sees("I have thought about it for three seconds.");
        await page.typing().waitFor({ state: "hidden" });
        await page.say("echo now");
        await page.sees("now", { times: 2 });
        assert.equal((await page.sees("I have thought about it")).length, 1);
    });

    story("page: a reload brings the whole conversation back", async ({ shot, ...world }) => {
        const page = await begin(world);
        await sayMany(page, "old", 3, 300);
        await assertAllOnce(page, "old", 3);
        const before = await page.said();
        await page.page.reload();
        await page.isOnline();
        await assertAllOnce(page, "old", 3);
        assert.deepEqual(await page.said(), before);
        await shot(page, "back");
    });

    story("page: nothing is lost or doubled while the network breaks again and again",
        async ({ relay, shot, ...world }) => {
            const network = await relay();
            const page = await begin({ ...world, url: `http://127.0.0.1:${network.port}/` });
            const breaking = (async () => {
                for (let i = 0; i < 8; i++) {
                    await sleep(450);
                    if (i % 2) network.mend();
                    else network.cut();
                }
                network.mend();
            })();
            await sayMany(page, "cut", 20, 150);
            await breaking;
            await page.allSent();
            await assertAllOnce(page, "cut", 20);
            await shot(page, "complete");
        });

    story.alone("page: the edge is killed and comes back", async ({ stack, shot, ...world }) => {
        const page = await begin({ ...world, stack });
        await stack.kill("edge");
        await page.isOffline();
        await sayMany(page, "away", 3, 50);
        await shot(page, "offline");
        await stack.startOne("edge");
        await page.isOnline(RECONNECT);
        await page.allSent();
        await assertAllOnce(page, "away", 3);
        await shot(page, "online again");
    });

    story("page: what is unsent outlives a reload", async ({ relay, ...world }) => {
        const network = await relay();
        const url = `http://127.0.0.1:${network.port}/`;
        const page = await begin({ ...world, url });
        network.cut();
        await page.isOffline();
        await page.say("echo kept");
        network.mend();
        await page.page.reload();
        await page.isOnline(RECONNECT);
        await page.sees("kept", { times: 2 });
        assert.equal((await page.texts()).filter((text) => text === "kept").length, 1);
    });

    story("page: what is never taken does not stand before the rest", async (given) => {
        const page = await begin(given);
        await page.say("x".repeat(9000));
        await page.page.locator(".message.refused").waitFor();
        await page.say("echo next");
        await page.sees("next", { times: 2 });
        //  What an older client.js has left in the storage.
        await page.page.evaluate(() => {
            const key = Object.keys(localStorage).find((name) => name.endsWith(":visitor"));
            const { sessionId } = JSON.parse(localStorage.getItem(key));
            const deep = JSON.parse("[".repeat(40) + "]".repeat(40));
            for (const messageId of ["left", "x".repeat(101)]) {
                const kept = { messageId, request: { rawQuery: "left", deep }, timeMs: 1 };
                localStorage.setItem(`${key}:unsent:${sessionId}:${messageId}`,
                    JSON.stringify(kept));
            }
        });
        await page.page.reload();
        await page.isOnline();
        await page.say("echo after");
        await page.sees("after", { times: 2 });
        assert.deepEqual(await page.page.evaluate(() =>
            Object.keys(localStorage).filter((name) => name.includes(":unsent:"))), []);
    });

    //  client.js refuses by itself what the edge would refuse: its bounds must be the edge's own.
    story("page: the most that the router takes, client.js sends", async (given) => {
        const page = await begin(given);
        const outcomes = await page.page.evaluate(async () => {
            const nested = (levels) => JSON.parse(`${"[".repeat(levels)}1${"]".repeat(levels)}`);
            //  On a connection that is not client.js's, what it would not send.
            const asked = (data) => new Promise((done) => {
                const origin = location.origin.replace("http", "ws");
                const socket = new WebSocket(`${origin}/?userId=bounds&protocol=2`);
                const frame = { sessionId: "bounds", timeMs: 1, event: "new message",
                    messageId: crypto.randomUUID(), data };
                socket.onopen = () => socket.send(JSON.stringify(frame));
                socket.onclose = ({ code }) => done(`close ${code}`);
                socket.onmessage = (event) => {
                    const { event: kind, data: word } = JSON.parse(event.data);
                    if (kind === "ack" || kind === "error") done(word.code || "stored");
                };
            });
            const chat = new globalThis.StentorChat({ serverUrl: location.href, storage: null });
            chat.open();
            const sent = (request) => chat.send(request).then(() => "stored", ({ code }) => code);
            //  The largest of its kind that client.js sends, and what becomes of it.
            const most = async (from, to, make) => {
                while (to - from > 1) {
                    const middle = Math.floor((from + to) / 2);
                    if (await sent(make(middle)) === "stored") from = middle;
                    else to = middle;
                }
                return from;
            };
            const levels = await most(1, 100, (n) => ({ deep: nested(n) }));
            const values = await most(8000, 9000, (n) => ({ list: Array(n).fill(0) }));
            chat.close();
            //  The frame has 5 values, `data` one; what client.js adds to `data` has 6.
            return {
                levels: levels + 2,
                tooDeep: await asked({ deep: nested(levels + 1) }),
                values,
                edgeTakes: await asked({ list: Array(8192 - 5 - 1).fill(0) }),
                edgeRefuses: await asked({ list: Array(8192 - 5).fill(0) }),
                tooLarge: await asked({ text: "x".repeat(256 * 1024) }),
            };
        });
        assert.deepEqual(outcomes, {
            levels: 32, tooDeep: "bad_request", values: 8192 - 5 - 1 - 6,
            edgeTakes: "stored", edgeRefuses: "bad_request", tooLarge: "close 1009",
        });
    });

    story.alone("page: the postoffice is killed meanwhile", async ({ stack, ...world }) => {
        const page = await begin({ ...world, stack });
        const restart = (async () => {
            await sleep(500);
            await stack.kill("postoffice");
            await stack.startOne("postoffice");
        })();
        await sayMany(page, "office", 12, 150);
        await restart;
        await page.allSent(30000);
        await assertAllOnce(page, "office", 12);
    });

    //  As after a fail-over to a standby that lagged.
    story.alone("page: the end of the conversation is lost", async ({ stack, shot, ...world }) => {
        const page = await begin({ ...world, stack });
        await page.say("echo kept");
        await page.sees("kept", { times: 2 });
        await page.say("echo gone");
        await page.sees("gone", { times: 2 });
        await page.allSent();
        const id = new URL(await page.agentUrl()).searchParams.get("sessionId");
        const session = `session = 'demo/${id}'`;
        await stack.kill("postoffice");
        stack.query(`DELETE FROM log WHERE ${session} AND seq >= (SELECT min (seq) FROM log
            WHERE ${session} AND data LIKE '%echo gone%')`);
        await stack.startOne("postoffice");
        const refused = page.page.locator(".message.refused", { hasText: "echo gone" });
        await refused.waitFor({ timeout: RECONNECT });
        await page.sees("kept", { times: 2 });
        assert.deepEqual((await page.said()).map(([, text]) => text).slice(-3),
            ["echo kept", "kept", "echo gone"]);
        await shot(page, "lost");
        await refused.locator(".again").click();
        await page.sees("gone", { times: 2 });
        await page.allSent();
        assert.deepEqual((await page.said()).slice(-2), [["me", "echo gone"], ["other", "gone"]]);
    });

    story("page: a frozen network is noticed", async ({ relay, ...world }) => {
        const network = await relay();
        const page = await begin({ ...world, url: `http://127.0.0.1:${network.port}/` });
        network.freeze();
        await setVisibility(page.page, "hidden");
        await sleep(8500); //  client.js asks again only after some silence
        await setVisibility(page.page, "visible");
        await page.say("echo thawed");
        await page.sees("thawed", { times: 2, within: 25000 });
    });

    story("page: two tabs", async ({ visitor, stack, shot }) => {
        const one = await begin({ stack, visitor });
        const two = await begin({ stack, visitor });
        await sayMany(one, "one", 3, 100);
        await sayMany(two, "two", 3, 100);
        for (const tab of [one, two]) {
            await assertAllOnce(tab, "one", 3);
            await assertAllOnce(tab, "two", 3);
            assert.equal((await tab.sees(GREETING)).length, 1);
        }
        await shot(two, "second tab");
    });

    story("page: restart, in both tabs", async ({ visitor, stack }) => {
        const one = await begin({ stack, visitor });
        const two = await begin({ stack, visitor });
        await one.say("echo old");
        await two.sees("old", { times: 2 });
        await one.page.locator("#restart").click();
        for (const tab of [one, two]) {
            await until("the old texts are gone", async () => !(await tab.texts()).includes("old"));
            await tab.sees(GREETING);
            await tab.isOnline();
        }
        await one.say("echo new");
        await two.sees("new", { times: 2 });
    });

    story.alone("page: the edge is asked to end", async ({ stack, ...world }) => {
        const page = await begin({ ...world, stack });
        await stack.stopOne("edge", "SIGTERM");
        await page.isOffline();
        await page.say("echo patient");
        await stack.startOne("edge");
        await page.sees("patient", { times: 2, within: 40000 });
    });

    story("page: the server is away at first", async ({ relay, ...world }) => {
        const network = await relay();
        const url = `http://127.0.0.1:${network.port}/`;
        const page = await begin({ ...world, url });
        network.cut();
        await page.isOffline();
        await page.page.locator("#restart").click();
        await page.say("echo early");
        await sleep(2000);
        network.mend();
        await page.sees("early", { times: 2, within: RECONNECT });
    });

    story("page: an agent watches, takes over and hands back", async ({ more, shot, ...world }) => {
        const page = await begin(world);
        await page.say("echo first");
        await page.sees("first", { times: 2 });
        const agent = await ChatPage.open(await more(), await page.agentUrl());
        await agent.sees("first", { times: 2 });
        assert.deepEqual(await agent.texts(), await page.texts());
        //  What the browser told of the visitor: its page and its language.
        const { origin, pathname } = new URL(page.page.url());
        const language = await page.page.evaluate(() => navigator.language);
        assert.ok((await agent.notices()).includes(
            `The visitor has joined on ${origin}${pathname} (${language})`),
            await agent.notices());

        await agent.page.locator("#name").fill("Anna");
        await agent.page.locator("#take").click();
        await until("the visitor is told", async () =>
            (await page.notices()).includes("Anna has joined the chat"));
        await agent.page.locator("#text").fill("Anna is wri");
        await page.typing().waitFor();
        await shot(page, "Anna writes");
        await agent.say("Anna here, how can I help?");
        await page.sees("Anna here");
        await page.typing().waitFor({ state: "hidden" });
        await page.say("echo to a person");
        await agent.sees("echo to a person");
        await sleep(1500);
        assert.ok(!(await page.texts()).includes("to a person"));
        await shot(agent, "answers");

        await agent.page.locator("#give").click();
        await until("the visitor is told again", async () =>
            (await page.notices()).includes("Anna has left the chat"));
        await page.say("echo bot again");
        await page.sees("bot again", { times: 2 });
        await shot(page, "bot again");
    });

    story("page: agents whisper, and the visitor sees none of it", async (given) => {
        const { more, shot, ...world } = given;
        const page = await begin(world);
        const frames = [];
        page.page.on("websocket", (socket) => socket.on("framereceived",
            ({ payload }) => frames.push(String(payload))));
        await page.say("echo first");
        await page.sees("first", { times: 2 });
        const [anna, ben] = [await ChatPage.open(await more(), await page.agentUrl()),
            await ChatPage.open(await more(), await page.agentUrl())];
        for (const agent of [anna, ben]) await agent.sees("first", { times: 2 });

        //  An observer, who cannot write to the visitor.
        assert.ok(await anna.page.locator("#text").isDisabled());
        await anna.page.locator("#whisper").check();
        await anna.page.locator("#text").fill("a regul");
        await sleep(1000);
        assert.equal(await page.typing().count(), 0);
        await anna.say("a regular customer");
        await ben.sees("a regular customer");
        await anna.allSent();
        for (const agent of [anna, ben]) {
            const whisper = agent.page.locator(".message.whisper");
            assert.equal(await whisper.count(), 1);
            assert.match(await whisper.locator(".author").textContent(), /to agents only/);
        }
        await shot(anna, "whispers");

        //  The one in control, who then writes to the visitor.
        await ben.page.locator("#name").fill("Ben");
        await ben.page.locator("#take").click();
        await until("the visitor is told", async () =>
            (await page.notices()).includes("Ben has joined the chat"));
        await ben.page.locator("#whisper").check();
        await ben.say("I take her");
        await anna.sees("I take her");
        await ben.page.locator("#whisper").uncheck();
        await ben.say("Ben here");
        await page.sees("Ben here");
        await anna.sees("Ben here");
        assert.equal(await anna.page.locator(".message.whisper").count(), 2);

        //  After a reload, too: of the agent, who has all of it, and of the visitor, who has none.
        await anna.page.reload();
        await anna.sees("I take her");
        assert.equal(await anna.page.locator(".message.whisper").count(), 2);
        await page.page.reload();
        await page.sees("Ben here");
        const heard = frames.join() + (await page.texts()).join();
        assert.ok(frames.some((frame) => frame.includes("Ben here")), "its frames are seen");
        assert.ok(!heard.includes("regular") && !heard.includes("I take her"), heard);
        await shot(page, "sees no whisper");
    });

    story("page: an agent sees what was received and read, and that the visitor is away",
        async (given) => {
            const { more, shot, ...world } = given;
            const page = await begin(world);
            await page.say("echo first");
            await page.sees("first", { times: 2 });
            const anna = await ChatPage.open(await more(), await page.agentUrl());
            await anna.sees("first", { times: 2 });
            assert.ok(await anna.page.locator("#away").isHidden());
            await anna.page.locator("#take").click();
            await anna.say("Anna here");
            await page.sees("Anna here");
            const ticks = (at) => at.page.locator(".message.mine .tick").allTextContents();
            await until("anna's words are read", async () =>
                (await ticks(anna)).at(-1) === " · read");
            await page.say("thank you");
            await anna.sees("thank you");
            await until("the visitor's words are read", async () =>
                (await ticks(page)).at(-1) === " · read");
            await shot(anna, "read");
            await page.page.goto("about:blank");
            await until("the visitor is away", () => anna.page.locator("#away").isVisible());
            await shot(anna, "visitor away");
            await page.page.goBack();
            await page.sees("Anna here");
            await until("the visitor is back", () => anna.page.locator("#away").isHidden());
        });

    story("page: an agent whose visitor is taken over is told", async (given) => {
        const { more, shot, ...world } = given;
        const page = await begin(world);
        await page.say("echo first");
        await page.sees("first", { times: 2 });
        const agents = [];
        for (const name of ["Anna", "Ben"]) {
            const agent = await ChatPage.open(await more(), await page.agentUrl());
            await agent.sees("first", { times: 2 });
            await agent.page.locator("#name").fill(name);
            await agent.page.locator("#take").click();
            await until(`${name} is in control`, async () =>
                (await page.notices()).includes(`${name} has joined the chat`));
            agents.push(agent);
        }
        const [anna, ben] = agents;
        await until("Anna is told", async () =>
            (await anna.notices()).includes("You no longer answer: another agent has taken over"));
        assert.ok(await anna.page.locator("#text").isDisabled());
        assert.ok(await anna.page.locator("#take").isVisible());
        assert.equal(await anna.page.locator("#state").textContent(), "Watching");
        await shot(anna, "taken over");
        await ben.say("Ben here");
        await page.sees("Ben here");
        await anna.sees("Ben here");
    });

    story("page: the bot asks for a person", async ({ shot, ...world }) => {
        const page = await begin(world);
        await page.say("person");
        await page.sees("I am calling a person for you.");
        await until("it is said", async () =>
            (await page.notices()).includes("The assistant asks for a person"));
        await page.say("call");
        await page.sees("Call us at");
        await shot(page, "asked");
    });
}
