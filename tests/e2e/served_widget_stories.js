//  /widget.html: the real widget in a page that the edge serves, and the agent's page beside it.

import assert from "node:assert/strict";

import { startPathProxy } from "./path_proxy.js";
import { makeToken, until } from "./stack.js";
import { WidgetPage } from "./widget_page.js";

const GREETING = "Welcome! I am the demo bot";

//  What the page's security policy kept from happening is noted in the page.
async function watched(visitor) {
    await visitor.context.addInitScript(() => {
        window.blocked = [];
        document.addEventListener("securitypolicyviolation", (event) =>
            window.blocked.push(event.effectiveDirective));
    });
    return visitor;
}

const blockedIn = (widget) => widget.page.evaluate(() => window.blocked);

export function servedWidgetStories(story) {
    const name = "widget.html: talks with the bot, its link makes an agent";
    story(name, async ({ stack, visitor, more, shot }) => {
        const widget = await WidgetPage.open(await watched(visitor), `${stack.pageUrl}widget.html`);
        await widget.sees(GREETING);
        await widget.say("echo hello there");
        await widget.sees("hello there", { times: 2 });
        await shot(widget, "visitor");

        const link = widget.page.locator("#agent-link");
        await link.waitFor();
        const agent = await WidgetPage.open(await watched(await more()),
            await link.evaluate(({ href }) => href));
        await agent.sees("hello there", { times: 2 });
        await agent.bargeIn("Anna");
        await until("the visitor is told", async () =>
            (await widget.notices()).includes("Anna has joined the chat"));
        await agent.say("Anna here");
        await widget.sees("Anna here");
        await shot(agent, "agent");

        //  The widget's fonts are another host's, and are done without.
        for (const page of [widget, agent])
            assert.deepEqual((await blockedIn(page)).filter((one) => one !== "font-src"), []);
    });

    story("widget.html: nothing that is put into the page may run", async ({ stack, visitor }) => {
        const widget = await WidgetPage.open(await watched(visitor), `${stack.pageUrl}widget.html`);
        await widget.page.evaluate(() => document.body.insertAdjacentHTML("beforeend",
            '<img src="data:," onerror="window.hit = true">'));
        await until("it is blocked", async () =>
            (await blockedIn(widget)).includes("script-src-attr"));
        assert.equal(await widget.page.evaluate(() => window.hit), undefined);
    });

    story("widget.html: under a path, behind a proxy", async ({ stack, visitor }) => {
        const proxy = await startPathProxy("/chat/", () => stack.edgePort);
        try {
            const widget = await WidgetPage.open(visitor, `${proxy.url}widget.html`);
            await widget.sees(GREETING);
        } finally {
            await proxy.stop();
        }
    });

    story("widget.html: the demo page leads to it, where it is", async ({ stack, visitor }) => {
        const page = await visitor.newPage();
        await page.goto(stack.pageUrl);
        await page.locator("#widget-hint a").click();
        await page.locator("#xapp-widget-button").waitFor();
        await page.route("**/config.json", (route) => route.fulfill({ json: { widget: false } }));
        await page.goto(stack.pageUrl);
        await page.locator('#state[data-kind="open"]').waitFor();
        assert.equal(await page.locator("#widget-hint").isVisible(), false);
    });

    story("widget.html: visitor and agent come with tokens", async ({ stack, visitor, more }) => {
        const page = (query, claims) => `${stack.strictUrl}widget.html?`
            + `${new URLSearchParams(query)}#token=${makeToken(claims)}`;
        const widget = await WidgetPage.open(visitor,
            page({}, { kind: "visitor", sub: "customer-ö", name: "Carla" }));
        await widget.sees(GREETING);
        assert.equal(await widget.page.locator("#agent-hint").isVisible(), false);
        const sessionId = await widget.sessionId();
        const agent = await WidgetPage.open(await more(), page({ isAdmin: "true", sessionId },
            { kind: "agent", sub: "anna", name: "Anna" }));
        await agent.sees(GREETING);
        await agent.bargeIn("somebody else");
        await until("the visitor is told", async () =>
            (await widget.notices()).includes("Anna has joined the chat"));
    });

    story("widget.html: other pages are as strict as ever", async ({ stack }) => {
        const policy = async (path) =>
            (await fetch(`${stack.pageUrl}${path}`)).headers.get("content-security-policy");
        for (const path of ["", "index.html", "agent.html", "widget/", "widget/xapp-chat-widget.js",
            "widget%2ehtml"])
            assert.match(await policy(path), /style-src 'self';/, path);
        assert.match(await policy("widget.html"), /style-src 'self' 'unsafe-inline';/);
        assert.doesNotMatch(await policy("widget.html"), /script-src|unsafe-eval/);
    });
}
