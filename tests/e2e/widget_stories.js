//  What a visitor with the real widget, and an agent with it, go through.

import assert from "node:assert/strict";

import { setVisibility } from "./browser.js";
import { sleep, until } from "./stack.js";
import { WidgetPage } from "./widget_page.js";

const GREETING = "Welcome! I am the demo bot";
const OWN_RECONNECT = 15000; //  the widget tries every 5 s, and the edge waits 2 s for its word

const direct = (stack) => `ws://127.0.0.1:${stack.edgePort}/`;
const through = (relay) => `ws://127.0.0.1:${relay.port}/`;

async function begin({ host, stack, visitor, server = direct(stack) }) {
    const widget = await WidgetPage.open(visitor, host.url(server));
    await widget.sees(GREETING);
    return widget;
}

async function beginAgent({ host, stack, more, session }) {
    const agent = await more();
    return WidgetPage.open(agent, host.url(direct(stack), { isAdmin: "true", sessionId: session }));
}

function count(texts, text) {
    return texts.filter((one) => one === text).length;
}

export function widgetStories(story) {
    story("widget: greeting and round trip", async ({ shot, ...world }) => {
        const widget = await begin(world);
        await widget.say("echo hello there");
        await widget.sees("hello there", { times: 2 });
        assert.deepEqual(await widget.said(), [
            ["other", "Welcome! I am the demo bot. How can I help you?"],
            ["me", "echo hello there"],
            ["other", "hello there"],
        ]);
        await shot(widget, "answered");
    });

    story("widget: chips, card, list pick", async ({ shot, ...world }) => {
        const widget = await begin(world);
        await widget.say("chips");
        await widget.sees("Pick one of these.");
        assert.deepEqual(await widget.chips(), ["Opening hours", "List", "Our site"]);
        await shot(widget, "chips");
        await widget.chip("Opening hours").click();
        await widget.sees("We are open Monday to Friday");
        await widget.say("card");
        await widget.page.locator(".chat-card-title", { hasText: "The demo shop" }).waitFor();
        await shot(widget, "card");
        await widget.say("list");
        await widget.page.locator(".xappw-vlist-item", { hasText: "Rental" }).click();
        await widget.sees("You picked rental.");
        await shot(widget, "picked");
    });

    story("widget: typing on and off", async ({ shot, ...world }) => {
        const widget = await begin(world);
        await widget.say("slow");
        await widget.typing().waitFor();
        await shot(widget, "typing");
        await widget.sees("I had to think for five seconds");
        await widget.typing().waitFor({ state: "hidden" });
    });

    story("widget: a bot that fails", async ({ shot, ...world }) => {
        const widget = await begin(world);
        await widget.say("fail");
        await widget.sees("We are having trouble");
        await shot(widget, "first");
        await widget.sees("We are still having trouble");
        await widget.sees("Sorry, we cannot communicate");
        await shot(widget, "given up");
        await widget.say("echo goes on");
        await widget.sees("goes on", { times: 2 });
    });

    story("widget: a bot that answers with HTML is not asked twice", async ({ shot, ...world }) => {
        const widget = await begin(world);
        await widget.say("garbage");
        await widget.sees("Sorry, we cannot communicate");
        const leaked = /having trouble|not what a bot/;
        assert.ok(!(await widget.texts()).some((text) => leaked.test(text)));
        await shot(widget, "given up");
        await widget.say("echo goes on");
        await widget.sees("goes on", { times: 2 });
    });

    story("widget: a bot in trouble may say so, and no more", async ({ shot, ...world }) => {
        const widget = await begin(world);
        await widget.say("trouble");
        await widget.sees("I'm sorry, I'm having trouble with that request.");
        await widget.say("echo goes on");
        await widget.sees("goes on", { times: 2 });
        const body = await widget.page.locator("body").textContent();
        assert.doesNotMatch(body, /TypeError|internal error/);
        await shot(widget, "apology");
    });

    story("widget: a bot that fails once", async ({ shot, ...world }) => {
        const widget = await begin(world);
        await widget.say("fail once");
        await widget.sees("We are having trouble");
        await widget.sees("The second try worked.");
        await shot(widget, "second try");
    });

    story("widget: an answer in parts is one message", async ({ shot, ...world }) => {
        const widget = await begin(world);
        await widget.say("story");
        await widget.typing().waitFor();
        await shot(widget, "typing");
        await widget.sees("a small router.");
        const told = (await widget.texts()).filter((text) => text.includes("Once upon"));
        assert.deepEqual(told, ["Once upon a time there was a small router."]);
        await widget.typing().waitFor({ state: "hidden" });
        await shot(widget, "one message");
    });

    story("widget: reload keeps the session", async ({ shot, ...world }) => {
        const widget = await begin(world);
        await widget.say("echo before");
        await widget.sees("before", { times: 2 });
        const session = await widget.sessionId();
        await widget.page.reload();
        await widget.openWindow();
        await widget.sees("before", { times: 2 });
        await widget.say("echo behind");
        await widget.sees("behind", { times: 2 });
        assert.equal(await widget.sessionId(), session);
        assert.equal((await widget.sees(GREETING)).length, 1);
        assert.equal(count(await widget.texts(), "before"), 1);
        await shot(widget, "continued");
    });

    story("widget: the network is lost meanwhile", async ({ relay, shot, ...world }) => {
        const network = await relay();
        const widget = await begin({ ...world, server: through(network) });
        await widget.say("fail once");
        await widget.sees("We are having trouble");
        network.cut();
        await sleep(3000);
        network.mend();
        await widget.sees("The second try worked.", { within: OWN_RECONNECT });
        await widget.typing().waitFor({ state: "hidden" });
        await widget.say("echo back");
        await widget.sees("back", { times: 2, within: OWN_RECONNECT });
        assert.equal(count(await widget.texts(), "The second try worked."), 1);
        await shot(widget, "back");
    });

    story.alone("widget: the edge is killed and comes back", async ({ stack, shot, ...world }) => {
        const widget = await begin({ ...world, stack });
        await widget.say("fail once");
        await widget.sees("We are having trouble");
        await stack.kill("edge");
        await sleep(2500);
        await stack.startOne("edge");
        await widget.sees("The second try worked.", { within: OWN_RECONNECT });
        await widget.say("echo still here");
        await widget.sees("still here", { times: 2, within: OWN_RECONNECT });
        assert.equal(count(await widget.texts(), "The second try worked."), 1);
        await shot(widget, "still here");
    });

    const comesBack = "widget: the postoffice is killed and comes back";
    story.alone(comesBack, async ({ stack, shot, ...world }) => {
        const widget = await begin({ ...world, stack });
        await widget.say("echo one");
        await widget.sees("one", { times: 2 });
        await stack.kill("postoffice");
        await widget.say("echo two");
        await stack.startOne("postoffice");
        await widget.sees("two", { times: 2, within: 20000 });
        assert.equal(count(await widget.texts(), "two"), 1);
        await shot(widget, "went on");
    });

    const away = "widget: the bot is killed and comes back";
    story.alone(away, async ({ stack, shot, ...world }) => {
        const widget = await begin({ ...world, stack });
        await stack.kill("demo-bot");
        await widget.say("echo one");
        await widget.sees("Sorry, we cannot communicate", { within: 30000 });
        await widget.say("echo two");
        await widget.say("echo three");
        await sleep(3000);
        const sorry = (texts) => texts.filter((text) => text.startsWith("Sorry, we")).length;
        assert.equal(sorry(await widget.texts()), 1, "told once");
        await shot(widget, "told once");
        await stack.startOne("demo-bot");
        await widget.sees("three", { times: 2, within: 40000 });
        const texts = await widget.texts();
        assert.deepEqual(["one", "two", "three"].map((text) => count(texts, text)), [0, 0, 1]);
        await shot(widget, "answered");
    });

    story("widget: sleep and wake-up", async ({ shot, ...world }) => {
        const widget = await begin(world);
        await widget.say("fail once");
        await widget.sees("We are having trouble");
        await setVisibility(widget.page, "hidden");
        await sleep(3500);
        assert.equal(count(await widget.texts(), "The second try worked."), 0);
        await setVisibility(widget.page, "visible");
        await widget.sees("The second try worked.", { within: OWN_RECONNECT });
        await widget.say("echo awake");
        await widget.sees("awake", { times: 2 });
        await shot(widget, "awake");
    });

    story("widget: two tabs", async ({ visitor, host, stack, shot, ...world }) => {
        const one = await begin({ ...world, visitor, host, stack });
        const two = await WidgetPage.open(visitor, host.url(direct(stack)));
        await two.sees(GREETING);
        await sleep(2500);
        await one.say("echo from one");
        await one.sees("from one", { times: 2 });
        await two.sees("from one", { times: 2 });
        await two.say("echo from two");
        await two.sees("from two", { times: 2 });
        await one.sees("from two", { times: 2 });
        for (const tab of [one, two]) {
            const texts = await tab.texts();
            assert.equal(count(texts, "from one"), 1);
            assert.equal(count(texts, "from two"), 1);
            assert.equal(texts.filter((text) => text.includes(GREETING)).length, 1);
        }
        await shot(two, "second tab");
    });

    story("widget: restart begins a new session", async ({ shot, ...world }) => {
        const widget = await begin(world);
        await widget.say("echo old");
        await widget.sees("old", { times: 2 });
        const session = await widget.sessionId();
        await widget.page.locator("#xapp-widget-refresh").click();
        await until("the old texts are gone", async () => !(await widget.texts()).includes("old"));
        await widget.openWindow();
        await widget.sees(GREETING);
        assert.notEqual(await widget.sessionId(), session);
        await shot(widget, "new session");
    });

    story.alone("widget: the server is away when the chat is opened",
        async ({ visitor, host, stack, shot }) => {
            await stack.stopOne("edge");
            const widget = await WidgetPage.open(visitor, host.url(direct(stack)));
            await sleep(12000); //  longer than the widget keeps its `user joined`
            await stack.startOne("edge");
            await sleep(8000);
            await widget.say("echo at last");
            await widget.sees("at last", { times: 2, within: OWN_RECONNECT });
            await shot(widget, "at last");
        });

    story("widget: an agent watches, takes over and hands back", async ({ shot, ...world }) => {
        const widget = await begin(world);
        await widget.say("echo first");
        await widget.sees("first", { times: 2 });
        await widget.say("echo second");
        await widget.sees("second", { times: 2 });

        const agent = await beginAgent({ ...world, session: await widget.sessionId() });
        await agent.sees("second", { times: 2 });
        assert.deepEqual(await agent.texts(), await widget.texts());
        await widget.say("echo third");
        await agent.sees("third", { times: 2 });
        assert.deepEqual(await widget.notices(), []);
        await shot(agent, "watches");

        await agent.bargeIn("Anna");
        await until("the visitor is told", async () =>
            (await widget.notices()).includes("Anna has joined the chat"));
        await agent.say("Anna here, how can I help?");
        await widget.sees("Anna here");
        await widget.say("echo are you a bot?");
        await agent.sees("echo are you a bot?");
        await sleep(1500);
        assert.equal(count(await widget.texts(), "are you a bot?"), 0);
        await shot(widget, "talks with Anna");

        await agent.page.locator(".xappw-admin-input-form__btn", { hasText: "Leave" }).click();
        await until("the visitor is told again", async () =>
            (await widget.notices()).includes("Anna has left the chat"));
        await widget.say("echo bot again");
        await widget.sees("bot again", { times: 2 });
        await agent.sees("bot again", { times: 2 });
        await shot(widget, "bot again");
    });

    story("widget: an answer that is under way when the agent takes over is not shown",
        async ({ shot, ...world }) => {
            const widget = await begin(world);
            const agent = await beginAgent({ ...world, session: await widget.sessionId() });
            await agent.sees(GREETING);
            await widget.say("fail once");
            await widget.sees("We are having trouble");
            await agent.bargeIn("Anna");
            await until("the visitor is told", async () =>
                (await widget.notices()).includes("Anna has joined the chat"));
            await sleep(4000);
            assert.equal(count(await widget.texts(), "The second try worked."), 0);
            assert.equal(count(await agent.texts(), "The second try worked."), 0);
            await shot(widget, "one voice");
        });

    story("widget: a request for a person or a call does no harm", async ({ shot, ...world }) => {
        const widget = await begin(world);
        await widget.say("person");
        await widget.sees("I am calling a person for you.");
        await widget.say("call");
        await widget.sees("Call us at");
        await widget.say("echo all well");
        await widget.sees("all well", { times: 2 });
        await shot(widget, "all well");
    });

    story("widget: a stranger does not get into the session", async ({ more, ...world }) => {
        const widget = await begin(world);
        const session = await widget.sessionId();
        const stranger = await WidgetPage.open(await more(),
            world.host.url(direct(world.stack), { sessionId: session }));
        await stranger.page.getByText("unavailable").first().waitFor();
        await widget.say("echo private");
        await widget.sees("private", { times: 2 });
        assert.ok(!(await stranger.texts()).some((text) => /private|Welcome/.test(text)));
    });
}
