//  A visitor asks for a person: offers, agents who accept, decline or do not answer, who is faster,
//  and the way back to the bot.

import assert from "node:assert/strict";

import { AgentPage } from "./agent_page.js";
import { makeToken, until } from "./stack.js";
import { WidgetPage } from "./widget_page.js";

const GREETING = "Welcome! I am the demo bot";
const CALLS = "I am calling a person for you.";
const NOBODY = "Nobody is here right now.";

const agentUrl = ({ pageUrl }, appId, user, more = {}) =>
    `${pageUrl}agent.html?${new URLSearchParams({ appId, user, ...more })}`;

//  A visitor with the stock widget.
async function begin({ host, stack }, visitor, appId, more = {}) {
    const server = `ws://127.0.0.1:${stack.edgePort}/?appId=${appId}`;
    const widget = await WidgetPage.open(visitor, host.url(server, more));
    if (!more.isAdmin) await widget.sees(GREETING);
    return widget;
}

async function askForPerson(widget) {
    await widget.say("person");
    await widget.sees(CALLS);
}

const isTold = (widget, words) => until(`the visitor is told: ${words}`, async () =>
    (await widget.notices()).includes(words));

export function switchboardStories(story) {
    story("switchboard: a person is asked for, accepts, talks, and gives back", async (world) => {
        const { stack, visitor, more, shot } = world;
        const anna = await AgentPage.open(await more(), agentUrl(stack, "talk", "anna"));
        await anna.becomes("available", { name: "Anna" });
        const widget = await begin(world, visitor, "talk");
        await askForPerson(widget);
        await anna.offer().waitFor();
        await shot(anna, "is offered");
        await widget.say("echo is anybody there?");
        await anna.accept();
        await isTold(widget, "Anna has joined the chat");
        await anna.sees("is anybody there?");
        await anna.answers("You answer");
        await anna.say("Anna here, how can I help?");
        await widget.sees("Anna here");
        await widget.say("echo to a person");
        await anna.sees("echo to a person");
        await shot(anna, "talks");
        await shot(widget, "talks with a person");

        await anna.page.locator("#give").click();
        await isTold(widget, "Anna has left the chat");
        await anna.answers("The bot answers");
        await widget.say("echo bot again");
        await widget.sees("bot again", { times: 2 });
        //  Nothing was answered by the bot while a person had it, and nothing twice.
        assert.deepEqual((await widget.texts()).filter((text) => text === "is anybody there?"), []);
        await shot(anna, "has given back");
    });

    story("switchboard: who declines, and who does not answer", async (world) => {
        const { stack, visitor, more, shot } = world;
        const agents = [];
        for (const name of ["Anna", "Ben"]) {
            const agent = await AgentPage.open(await more(),
                agentUrl(stack, "hasty", name.toLowerCase()));
            await agent.becomes("available", { name });
            agents.push(agent);
        }
        const widget = await begin(world, visitor, "hasty");
        await askForPerson(widget);
        const first = await until("one of them is asked", async () => {
            for (const agent of agents) if (await agent.offer().count()) return agent;
            return null;
        });
        const second = agents.find((agent) => agent !== first);
        await first.decline();
        await second.offer().waitFor();
        assert.equal(await first.offer().count(), 0);
        await shot(second, "is offered what was declined");

        //  It expires; nobody else is left.
        await second.missed("Missed 1 of 2");
        await widget.sees(NOBODY);
        await widget.say("echo bot again");
        await widget.sees("bot again", { times: 2 });

        await first.becomes("busy");
        await askForPerson(widget);
        await second.missed("You are away, as you missed 2 offers in a row");
        await second.is("away");
        await widget.sees(NOBODY, { times: 2 });
        assert.equal(await first.offer().count(), 0);
        await shot(second, "is away");
    });

    story("switchboard: an agent passes the visitor on, and goes on until somebody accepts",
        async (world) => {
            const { stack, visitor, more, shot } = world;
            const widget = await begin(world, visitor, "pass");
            const sessionId = await widget.sessionId();
            const [anna, ben] = [await AgentPage.open(await more(),
                agentUrl(stack, "pass", "anna", { sessionId })),
            await AgentPage.open(await more(), agentUrl(stack, "pass", "ben"))];
            await anna.becomes("available", { name: "Anna" });
            await ben.becomes("available", { name: "Ben" });
            await anna.answers("The bot answers");
            await anna.page.locator("#take").click();
            await isTold(widget, "Anna has joined the chat");

            //  Ben does not want her; then he does.
            await anna.offerTo("agent:ben");
            await ben.offer().waitFor();
            await shot(anna, "seeks a successor");
            await ben.decline();
            await anna.notice("Ben: declined");
            await anna.answers("You answer");
            await anna.say("one moment please");
            await widget.sees("one moment please");
            await anna.offerTo("agent:ben");
            await ben.offer().waitFor();
            await ben.accept();
            await isTold(widget, "Ben has joined the chat");
            await anna.notice("You no longer answer: somebody else has accepted");
            await anna.answers("Ben answers");
            await ben.sees("one moment please");
            await ben.say("Ben here");
            await widget.sees("Ben here");

            //  Back to the bot, by name.
            await ben.offerTo("bot");
            await isTold(widget, "Ben has left the chat");
            await widget.say("echo bot again");
            await widget.sees("bot again", { times: 2 });
        });

    story("switchboard: a stock admin who joins accepts the offer", async (world) => {
        const { stack, visitor, more, shot } = world;
        const page = (claims, query = {}) =>
            `${stack.strictUrl}widget.html?${new URLSearchParams({ appId: "barge", ...query })}`
            + `#token=${makeToken({ app: "barge", ...claims })}`;
        const claims = { app: "barge", kind: "agent", sub: "anna", name: "Anna", groups: ["desk"] };
        const ask = async (path, init = {}) => {
            const answer = await fetch(`${stack.strictUrl}api/v1/${path}?appId=barge`, { ...init,
                headers: { authorization: `Bearer ${makeToken(claims)}` } });
            assert.equal(answer.status, 200, path);
            return answer.json();
        };
        await ask("agents/anna", { method: "PUT", body: JSON.stringify({ state: "available" }) });

        const widget = await WidgetPage.open(visitor,
            page({ kind: "visitor", sub: "carla" }));
        await widget.sees(GREETING);
        await askForPerson(widget);
        const sessionId = await widget.sessionId();
        const path = `sessions/${encodeURIComponent(sessionId)}`;
        await until("it is offered to Anna", async () =>
            (await ask(path)).offer?.offeredTo === "agent:anna");

        const admin = await WidgetPage.open(await more(),
            page(claims, { isAdmin: "true", sessionId }));
        await admin.sees(CALLS);
        await admin.bargeIn("somebody else");
        await isTold(widget, "Anna has joined the chat");
        await admin.say("Anna here");
        await widget.sees("Anna here");
        //  Through the API, from no page: the widget is to show it like what comes from one.
        const posted = await fetch(`${stack.strictUrl}api/v1/${path}/messages?appId=barge`, {
            method: "POST",
            headers: { authorization: `Bearer ${makeToken(claims)}` },
            body: JSON.stringify({ messageId: "p-1", text: "written by a program" }),
        });
        assert.equal(posted.status, 201);
        await widget.sees("written by a program");
        await shot(admin, "has joined");
        const { control, offer } = await ask(path);
        assert.deepEqual([control.role, control.userId, offer], ["agent", "anna", null]);
        const { items } = await ask(`${path}/messages`);
        assert.deepEqual(items.filter(({ event }) => event === "offer ended")
            .map(({ data }) => [data.why, data.to]), [["accepted", "agent:anna"]]);
        const { missed, sessions } = await ask("agents/anna");
        assert.deepEqual([missed, sessions], [0, 1]);
    });

    story("switchboard: a silent agent is warned, then the bot answers", async (world) => {
        const { stack, visitor, more, shot } = world;
        const widget = await begin(world, visitor, "silent");
        const anna = await AgentPage.open(await more(),
            agentUrl(stack, "silent", "anna", { sessionId: await widget.sessionId() }));
        await anna.page.locator("#name").fill("Anna");
        await anna.answers("The bot answers");
        await anna.page.locator("#take").click();
        await isTold(widget, "Anna has joined the chat");
        await widget.say("echo is anybody there?");
        await anna.notice("The visitor has no answer yet");
        await anna.notice("You no longer answer: you were silent for too long");
        await isTold(widget, "Anna has left the chat");
        //  Which is asked what the agent did not answer.
        await widget.sees("is anybody there?", { times: 2 });
        await anna.answers("The bot answers");
        await shot(anna, "was silent");
    });

    story("switchboard: of two who take at once the slower one is told", async (world) => {
        const { stack, visitor, more, shot } = world;
        const widget = await begin(world, visitor, "demo");
        const sessionId = await widget.sessionId();
        const agents = [];
        let waiting = 0;
        for (const name of ["Anna", "Ben"]) {
            const agent = await AgentPage.open(await more(),
                agentUrl(stack, "demo", name.toLowerCase(), { sessionId }));
            await agent.page.locator("#name").fill(name);
            await agent.answers("The bot answers");
            //  Neither goes before both have decided.
            await agent.page.route("**/take?*", async (route) => {
                waiting++;
                await until("both take", () => waiting === 2);
                await route.continue();
            });
            agents.push(agent);
        }
        await Promise.all(agents.map((agent) => agent.page.locator("#take").click()));
        const slower = await until("one is told", async () => {
            for (const agent of agents) {
                const notices = await agent.notices();
                if (notices.some((words) => words.startsWith("Somebody was faster"))) return agent;
            }
            return null;
        });
        const faster = agents.find((agent) => agent !== slower);
        await faster.answers("You answer");
        const name = faster === agents[0] ? "Anna" : "Ben";
        await slower.answers(`${name} answers`);
        assert.ok(await slower.page.locator("#text").isDisabled());
        await isTold(widget, `${name} has joined the chat`);
        assert.equal((await widget.notices()).length, 1);
        await faster.say("I was faster");
        await widget.sees("I was faster");
        await slower.sees("I was faster");
        await shot(slower, "was slower");
    });

    story("switchboard: a visitor who waits is told the place, and is next", async (world) => {
        const { stack, visitor, more, shot } = world;
        const anna = await AgentPage.open(await more(), agentUrl(stack, "queue", "anna"));
        await anna.becomes("available", { name: "Anna", capacity: 1 });
        const first = await begin(world, visitor, "queue");
        await askForPerson(first);
        await anna.offer().waitFor();
        await anna.accept();
        await isTold(first, "Anna has joined the chat");

        const second = await begin(world, await more(), "queue");
        await askForPerson(second);
        await second.sees("You are number 1 in the queue.", { within: 20000 });
        const waiting = anna.page.locator("#waiting li");
        await waiting.filter({ hasText: "group:desk is sought" }).waitFor();
        assert.equal(await anna.offer().count(), 0);
        await shot(second, "waits");
        await shot(anna, "has no room");

        await anna.page.locator("#give").click();
        await anna.offer().waitFor();
        await anna.accept();
        await isTold(second, "Anna has joined the chat");
        await anna.say("Now it is your turn");
        await second.sees("Now it is your turn");
        assert.ok(!(await first.texts()).includes("Now it is your turn"));
        await until("nobody waits", async () => await waiting.count() === 0);
    });
}
