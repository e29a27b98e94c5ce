//  client.js for agents: orders over the HTTP API, who answers, and the console, against a router
//  that is played by the test.

import assert from "node:assert/strict";
import { test } from "node:test";
import { webcrypto } from "node:crypto";
import { createRequire } from "node:module";

import { FakeBrowser, FakeStorage, settle } from "./fake_browser.js";

globalThis.crypto ??= webcrypto; //  Node 18 has it only as a module
createRequire(import.meta.url)("../../services/edge/web/client.js");
const { StentorChat } = globalThis;

const options = ({ browser = new FakeBrowser().allowHttp(), storage = new FakeStorage(),
    ...more } = {}) => ({ serverUrl: "http://chat.test/", appId: "demo", storage,
    environment: browser.environment, ...more });

function listen(source, events) {
    const heard = [];
    for (const event of events) source.on(event, (detail) => heard.push({ event, ...detail }));
    return (event) => heard.filter((one) => one.event === event);
}

//  An agent's chat in the session s-1, joined.
function beginChat({ browser = new FakeBrowser().allowHttp(), ...more } = {}) {
    const chat = new StentorChat(options({ browser, isAdmin: true, sessionId: "s-1",
        userId: "anna", ...more }));
    const all = listen(chat, ["control", "offer", "offerEnded", "deadline"]);
    chat.open();
    browser.join();
    return { browser, chat, all };
}

const session = (lastSeq, control, offer = null) => ({
    sessionId: "s-1", visitor: "ann", state: "open", lastSeq, lastActivity: time(lastSeq),
    control: { since: time(control.version), ...control }, offer, participants: [],
});
const time = (seconds) => new Date(1_760_000_000_000 + 1000 * seconds).toISOString();
const ms = (seconds) => 1_760_000_000_000 + 1000 * seconds;
const bot = (version) => ({ role: "bot", version });
const agent = (userId, version) => ({ role: "agent", userId, version });
const offerTo = (to, seconds) => ({ targets: ["group:desk", "bot"], step: 0, by: { role: "bot" },
    since: time(seconds), offeredTo: to, until: time(seconds + 30) });
const problem = (code, status, detail) => [status,
    { type: `urn:stentor:problem:${code}`, title: "no", status, detail }];

//  The oldest request to this path that was not answered yet.
function asked(browser, method, path) {
    const found = browser.requests.find((one) => !one.isTaken && one.path === `/api/v1/${path}`
        && (one.init.method || "GET") === method);
    assert.ok(found, `${method} ${path}; there are ${browser.requests.map((one) =>
        `${one.init.method} ${one.path}`)}`);
    found.isTaken = true;
    return found;
}

test("who answers is asked for after the join, and told", async () => {
    const { browser, chat, all } = beginChat();
    assert.equal(chat.control, null);
    await asked(browser, "GET", "sessions/s-1").answers(200, session(7, bot(5)));
    assert.deepEqual(all("control"), [{ event: "control", role: "bot", userId: "", version: 5,
        mine: false, since: ms(5), waitingSince: null, offer: null }]);
    assert.equal(chat.control.version, 5);
});

test("an entry has control asked for; an answer of before the entry does not do", async () => {
    const { browser, all } = beginChat();
    await asked(browser, "GET", "sessions/s-1").answers(200, session(7, bot(5)));
    browser.says({ event: "offer", seq: 8, timeMs: ms(8), sender: {},
        data: { targets: ["group:desk"], step: 0, by: { role: "bot" }, to: "agent:anna",
            until: time(38) } });
    assert.equal(all("offer")[0].until, ms(38));
    await asked(browser, "GET", "sessions/s-1").answers(200, session(7, bot(5)));
    assert.equal(all("control").length, 1);
    browser.pass(200);
    await asked(browser, "GET", "sessions/s-1").answers(200,
        session(8, { role: "router", version: 8 }, offerTo("agent:anna", 8)));
    const { role, offer, waitingSince } = all("control").at(-1);
    assert.deepEqual([role, offer.mine, offer.until, waitingSince],
        ["router", true, ms(38), ms(8)]);
});

test("agents are warned of a deadline, and told how an offer ended", () => {
    const { browser, all } = beginChat();
    browser.says({ event: "deadline", seq: 8, timeMs: ms(8), sender: {},
        data: { why: "silent", until: time(38) } });
    browser.says({ event: "deadline", seq: 9, timeMs: ms(9), sender: {}, data: {} });
    assert.deepEqual(all("deadline").map(({ seq, why, until }) => [seq, why, until]),
        [[8, "silent", ms(38)], [9, undefined, 0]]);
    browser.says({ event: "offer ended", seq: 10, timeMs: ms(10), sender: {},
        data: { why: "expired", to: "agent:anna" } });
    assert.deepEqual(all("offerEnded").map(({ why, to, until }) => [why, to, until]),
        [["expired", "agent:anna", undefined]]);
});

test("a page that does not listen to it costs no question", () => {
    const browser = new FakeBrowser().allowHttp();
    const chat = new StentorChat(options({ browser, isAdmin: true, sessionId: "s-1" }));
    chat.open();
    browser.join();
    assert.equal(browser.requests.length, 0);
});

test("orders say the version that the page was shown, and the name", async () => {
    const { browser, chat } = beginChat({ displayName: "Anna" });
    await asked(browser, "GET", "sessions/s-1").answers(200, session(7, bot(5)));
    const orders = [
        ["take", {}, { version: 5, name: "Anna" }], ["accept", {}, { version: 5, name: "Anna" }],
        ["release", {}, { version: 5 }], ["decline", { version: 6 }, { version: 6 }],
        ["take", { version: null, name: "Anna B" }, { name: "Anna B" }],
    ];
    for (const [name, given, body] of orders) {
        const promise = chat[name](given);
        await settle();
        const request = asked(browser, "POST", `sessions/s-1/${name}`);
        assert.deepEqual(request.body, body, name);
        assert.ok(request.init.headers["idempotency-key"]);
        assert.equal(request.url.searchParams.get("isAdmin"), "true");
        await request.answers(200, { sessionId: "s-1", state: "open", changed: true, seq: 8,
            time: time(8), control: agent("anna", 8) });
        assert.deepEqual([(await promise).changed, (await promise).time], [true, ms(8)]);
    }
});

test("barge in and barge out say the version that the page was shown", async () => {
    const { browser, chat, all } = beginChat();
    const refused = listen(chat, ["refused"]);
    const order = () => browser.socket.sent.at(-1);
    await asked(browser, "GET", "sessions/s-1").answers(200, session(7, bot(5)));
    chat.bargeIn("Anna");
    assert.deepEqual([order().event, order().version], ["barge in", 5]);
    browser.says({ event: "error", data: { code: "precondition", message: "agent ben has control",
        messageId: order().messageId, control: agent("ben", 9) } });
    assert.deepEqual(refused("refused").map(({ code, control }) => [code, control.userId,
        control.version, control.mine]), [["precondition", "ben", 9, false]]);
    assert.equal(chat.inControl, false);
    //  What it was told has the page ask who answers.
    await asked(browser, "GET", "sessions/s-1").answers(200, session(9, agent("ben", 9)));
    assert.equal(all("control").at(-1).version, 9);
    chat.bargeIn("Anna", { version: null });
    assert.deepEqual([order().event, "version" in order()], ["barge in", false]);
    //  Nobody knows the version behind an order that is on its way.
    chat.bargeOut();
    assert.deepEqual([order().event, "version" in order()], ["barge out", false]);
    browser.ack(order().messageId, 12);
    browser.says({ event: "user joined", seq: 14, timeMs: ms(14), data: { why: "asked" },
        sender: { userId: "anna", isAdmin: true } });
    chat.bargeOut();
    assert.deepEqual([order().event, order().version], ["barge out", 14]);
});

test("an agent that passed the visitor on is out until it is opened again", () => {
    const { browser, chat } = beginChat();
    const status = listen(chat, ["status"]);
    assert.equal(browser.socket.sent[0].join, true);
    browser.breaks(1006);
    browser.pass(1000);
    browser.accept();
    assert.equal(browser.socket.sent[0].join, undefined, "nobody asked for it");
    browser.says({ event: "connection update",
        data: { sessionCreated: false, errorMessage: "passed on", code: "passed_on" } });
    assert.equal(status("status").at(-1).code, "passed_on");
    const { length } = browser.sockets;
    browser.pass(100000);
    assert.equal(browser.sockets.length, length);
    chat.open();
    browser.join();
    assert.equal(browser.socket.sent[0].join, true);
    assert.equal(chat.status, "open");
});

test("an offer names one target or several, and why", async () => {
    const { browser, chat } = beginChat();
    for (const [to, targets] of [["bot", ["bot"]], [["agent:ben", "bot"], ["agent:ben", "bot"]]]) {
        chat.offer(to, { why: "French", version: 3 });
        await settle();
        const request = asked(browser, "POST", "sessions/s-1/offer");
        assert.deepEqual(request.body, { to: targets, why: "French", version: 3 });
        await request.answers(200, { changed: true });
    }
});

test("the slower of two is told who was faster, and since when", async () => {
    const { browser, chat } = beginChat();
    const promise = chat.take({ version: 5 }).catch((error) => error);
    await settle();
    await asked(browser, "POST", "sessions/s-1/take").answers(
        ...problem("precondition", 412, "agent ben has control"));
    asked(browser, "GET", "sessions/s-1"); //  the one after the join
    await asked(browser, "GET", "sessions/s-1").answers(200, session(9, agent("ben", 9)));
    const error = await promise;
    assert.ok(error instanceof StentorChat.Error);
    assert.deepEqual([error.code, error.message, error.control.userId, error.control.since],
        ["precondition", "agent ben has control", "ben", ms(9)]);
});

test("an order is repeated with its key when nobody answered, but not for ever", async () => {
    const { browser, chat } = beginChat();
    const promise = chat.release({ version: 5 }).catch((error) => error);
    const keys = [];
    for (const fail of [(one) => one.fails(), (one) => one.answers(...problem("busy", 503)),
        (one) => one.answers(502, "<html>"), (one) => one.fails()]) {
        await settle();
        const request = asked(browser, "POST", "sessions/s-1/release");
        keys.push(request.init.headers["idempotency-key"]);
        await fail(request);
        await settle();
        browser.pass(1000);
    }
    assert.equal(new Set(keys).size, 1);
    assert.equal((await promise).code, "unreachable");
});

test("what a proxy holds back is given up, and asked again", async () => {
    const { browser, chat } = beginChat();
    const promise = chat.release({ version: 5 });
    await settle();
    const request = asked(browser, "POST", "sessions/s-1/release");
    browser.pass(15000);
    assert.ok(request.isAborted);
    await settle();
    browser.pass(1000);
    await settle();
    await asked(browser, "POST", "sessions/s-1/release").answers(200, { changed: false });
    assert.equal((await promise).changed, false);
});

test("a visitor's client orders nothing", async () => {
    const browser = new FakeBrowser().allowHttp();
    const chat = new StentorChat(options({ browser }));
    await assert.rejects(chat.take(), { code: "forbidden" });
    assert.equal(browser.requests.length, 0);
});

test("availability: of the agent itself, null before the first time", async () => {
    const { browser, chat } = beginChat({ userId: "anna/ü" });
    const none = chat.availability();
    await settle();
    await asked(browser, "GET", "agents/anna%2F%C3%BC").answers(...problem("not-found", 404));
    assert.equal(await none, null);
    const set = chat.setAvailability({ state: "available", capacity: 4 });
    await settle();
    const request = asked(browser, "PUT", "agents/anna%2F%C3%BC");
    assert.deepEqual(request.body, { state: "available", capacity: 4 });
    await request.answers(200, { state: "available", missed: 0 });
    assert.equal((await set).state, "available");
});

test("the queue is read with all its pages", async () => {
    const { browser, chat } = beginChat();
    const promise = chat.queue({ target: "group:desk" });
    await settle();
    const first = asked(browser, "GET", "queue");
    assert.equal(first.url.searchParams.get("target"), "group:desk");
    await first.answers(200, { items: [{ sessionId: "s-1" }], next: "c2", prev: null });
    const second = asked(browser, "GET", "queue");
    assert.deepEqual([second.url.searchParams.get("cursor"), second.url.searchParams.get("target")],
        ["c2", null]);
    await second.answers(200, { items: [{ sessionId: "s-2" }], next: null, prev: "c1" });
    assert.deepEqual((await promise).map(({ sessionId }) => sessionId), ["s-1", "s-2"]);
});

// ----------------------------------------------------------------------------------------------
//  Tokens

const tokenOf = (sub) => `h.${Buffer.from(JSON.stringify({ sub })).toString("base64url")}.s`;

test("a token goes in a header; another one is asked for when it is refused", async () => {
    const tokens = [tokenOf("anna"), tokenOf("anna")];
    let given = 0;
    const desk = new StentorChat.Console(options({ userId: undefined,
        browser: globalThis.browser = new FakeBrowser().allowHttp(),
        token: () => tokens[given++] }));
    const promise = desk.take("s-9", { version: 1 });
    await settle();
    const first = asked(browser, "POST", "sessions/s-9/take");
    assert.equal(first.init.headers.authorization, `Bearer ${tokens[0]}`);
    assert.equal(first.url.searchParams.has("userId"), false);
    await first.answers(...problem("unauthenticated", 401));
    browser.pass(1);
    await settle();
    await asked(browser, "POST", "sessions/s-9/take").answers(200, { changed: true });
    await promise;
    assert.equal(given, 2);
    assert.equal(desk.userId, "anna");
});

// ----------------------------------------------------------------------------------------------
//  The console

const row = (sessionId, lastSeq, control = bot(1), offer = null) =>
    ({ ...session(lastSeq, control, offer), sessionId, waiting: false, presentCount: 1 });

function beginConsole({ browser = new FakeBrowser().allowHttp(), ...more } = {}) {
    const desk = new StentorChat.Console(options({ browser, userId: "anna", ...more }));
    const all = listen(desk, ["change", "offer", "availability", "status"]);
    desk.open();
    const ids = (rows) => rows.map(({ sessionId }) => sessionId);
    return { browser, desk, all, ids };
}

//  Listens, and has what the list says.
async function ready(browser, rows) {
    await settle();
    const feed = asked(browser, "GET", "feed");
    await feed.streams();
    await feed.says({}, "ready");
    await asked(browser, "GET", "sessions").answers(200, { items: rows, next: null, prev: null });
    browser.pass(50);
    await asked(browser, "GET", "agents/anna").answers(200, { state: "available", missed: 0 });
    return feed;
}

test("console: subscribes, asks, and applies what is newer", async () => {
    const { browser, desk, all, ids } = beginConsole();
    await settle();
    const feed = asked(browser, "GET", "feed");
    await feed.streams();
    assert.throws(() => asked(browser, "GET", "sessions"));
    await feed.says({}, "ready");
    const list = asked(browser, "GET", "sessions");
    assert.equal(list.url.searchParams.get("state"), "open");
    //  What comes while the list is on its way is newer for s-1, and older for s-2.
    await feed.says(row("s-1", 9, agent("ben", 9)), "session");
    await feed.says(row("s-2", 3), "session");
    //  Of the same entry: only the feed's row says who is connected.
    await feed.says({ ...row("s-3", 2), presentCount: 2 }, "session");
    await list.answers(200, { items: [row("s-1", 8), row("s-2", 4), row("s-3", 2)], next: null });
    browser.pass(50);
    assert.equal(desk.sessions()[2].presentCount, 2);
    assert.equal(desk.status, "open");
    assert.deepEqual(desk.sessions().map(({ sessionId, lastSeq }) => [sessionId, lastSeq]),
        [["s-1", 9], ["s-2", 4], ["s-3", 2]]);
    const changes = all("change").length;
    await feed.says({ ...row("s-3", 5), state: "closed" }, "session");
    await feed.says(row("s-3", 4), "session");
    browser.pass(50);
    assert.deepEqual(ids(desk.sessions()), ["s-1", "s-2"]);
    assert.equal(all("change").length, changes + 1);
});

test("console: after a resync only what is there now counts", async () => {
    const { browser, desk, ids } = beginConsole();
    const feed = await ready(browser, [row("s-1", 8), row("s-2", 8)]);
    await feed.says({ reason: "gap" }, "resync");
    assert.deepEqual(ids(desk.sessions()), ["s-1", "s-2"]);
    await asked(browser, "GET", "sessions").answers(200, { items: [row("s-2", 3)], next: null });
    assert.deepEqual(desk.sessions().map(({ sessionId, lastSeq }) => [sessionId, lastSeq]),
        [["s-2", 3]]);
});

test("console: of two lists the later one counts", async () => {
    const { browser, desk, ids } = beginConsole();
    const feed = await ready(browser, []);
    await feed.says({}, "resync");
    await feed.says({}, "resync");
    const [first, second] = [asked(browser, "GET", "sessions"), asked(browser, "GET", "sessions")];
    await second.answers(200, { items: [row("s-2", 3)], next: null });
    await first.answers(200, { items: [row("s-1", 3)], next: null });
    assert.deepEqual(ids(desk.sessions()), ["s-2"]);
});

test("console: who waits, and what is offered to me; each offer is told once", async () => {
    const { browser, desk, all, ids } = beginConsole();
    const nobody = { role: "router", version: 6 };
    const feed = await ready(browser,
        [row("s-1", 8), row("s-2", 6, nobody, offerTo(undefined, 6))]);
    assert.deepEqual(ids(desk.waiting()), ["s-2"]);
    assert.deepEqual(ids(desk.offers()), []);
    await feed.says(row("s-1", 9, { role: "router", version: 9 }, offerTo("agent:anna", 2)),
        "session");
    await feed.says(row("s-3", 9, { role: "router", version: 9 }, offerTo("agent:ben", 9)),
        "session");
    browser.pass(50);
    assert.deepEqual(ids(desk.waiting()), ["s-1", "s-2", "s-3"]);
    assert.deepEqual(ids(desk.offers()), ["s-1"]);
    const [first] = desk.offers();
    assert.equal(desk.control(first).offer.until, ms(32));
    await feed.says(row("s-1", 10, { role: "router", version: 9 }, offerTo("agent:anna", 2)),
        "session");
    browser.pass(50);
    assert.equal(all("offer").length, 1);

    //  It expires, and the router has counted that.
    await feed.says(row("s-1", 11, bot(11)), "session");
    browser.pass(50);
    await settle();
    await asked(browser, "GET", "agents/anna").answers(200, { state: "away", missed: 3 });
    assert.deepEqual(all("availability").at(-1).agent, { state: "away", missed: 3 });
    assert.equal(desk.agent.state, "away");
});

test("console: an order says the version of the row that was shown", async () => {
    const { browser, desk } = beginConsole({ displayName: "Anna" });
    await ready(browser, [row("s/1", 8, bot(4))]);
    desk.accept("s/1");
    await settle();
    const request = asked(browser, "POST", "sessions/s%2F1/accept");
    assert.deepEqual(request.body, { version: 4, name: "Anna" });
    await request.answers(200, { changed: true });
});

test("console: an offer that was answered is none any more", async () => {
    const { browser, desk, all, ids } = beginConsole();
    const offered = (seq, version) => row("s-1", seq, { role: "router", version },
        offerTo("agent:anna", 2));
    const feed = await ready(browser, [offered(8, 8)]);
    const promise = desk.decline("s-1");
    await settle();
    assert.deepEqual(ids(desk.offers()), ["s-1"]);
    await asked(browser, "POST", "sessions/s-1/decline").answers(200, { changed: true });
    await promise;
    assert.deepEqual(ids(desk.offers()), []);
    await feed.says(offered(9, 8), "session");
    browser.pass(50);
    assert.deepEqual(ids(desk.offers()), []);
    await feed.says(offered(12, 12), "session");
    browser.pass(50);
    assert.deepEqual(ids(desk.offers()), ["s-1"]);
    assert.equal(all("offer").length, 2);
});

test("console: an offer whose answer was refused stands", async () => {
    const { browser, desk, ids } = beginConsole();
    await ready(browser, [row("s-1", 8, { role: "router", version: 8 }, offerTo("agent:anna", 2))]);
    const promise = desk.accept("s-1").catch((error) => error);
    await settle();
    await asked(browser, "POST", "sessions/s-1/accept").answers(...problem("not-offered", 409));
    await asked(browser, "GET", "sessions/s-1").answers(200, session(9, agent("ben", 9)));
    assert.equal((await promise).control.userId, "ben");
    assert.deepEqual(ids(desk.offers()), ["s-1"]);
});

test("console: agents, queue and the bot are asked for", async () => {
    const { browser, desk } = beginConsole();
    await ready(browser, []);
    const promises = [desk.agents({ group: "desk", state: "available" }), desk.queue(),
        desk.botHealth()];
    await settle();
    const agents = asked(browser, "GET", "agents");
    assert.deepEqual(["group", "state"].map((name) => agents.url.searchParams.get(name)),
        ["desk", "available"]);
    await agents.answers(200, { items: [{ userId: "ben" }], next: null });
    await asked(browser, "GET", "queue").answers(200, { items: [], next: null });
    await asked(browser, "GET", "bot-health").answers(200, { hasBot: true, state: "open" });
    assert.deepEqual(await Promise.all(promises),
        [[{ userId: "ben" }], [], { hasBot: true, state: "open" }]);
});

test("console: a feed that ends, breaks, is silent or says so is taken up again", async () => {
    const { browser, desk, all } = beginConsole();
    const ends = [(feed) => feed.ends(), (feed) => feed.breaks(), (feed) => feed.says({}, "end"),
        async () => browser.pass(53000)];
    for (const end of ends) {
        const feed = await ready(browser, [row("s-1", 8)]);
        assert.equal(desk.status, "open");
        browser.requests.length = 0;
        await end(feed);
        assert.equal(desk.status, "waiting");
        browser.pass(all("status").at(-1).retryAt - browser.time);
        assert.equal(desk.status, "connecting");
    }
    await ready(browser, []);
    browser.requests.length = 0;
    desk.close();
    browser.pass(600000);
    assert.equal(browser.requests.length, 0);
});

test("console: a list that cannot be had is asked for again with the feed", async () => {
    const { browser, desk } = beginConsole();
    await settle();
    const feed = asked(browser, "GET", "feed");
    await feed.streams();
    await feed.says({}, "ready");
    for (let tries = 0; tries < 4; tries++) {
        await asked(browser, "GET", "sessions").answers(...problem("store-down", 503));
        assert.equal(desk.status, tries < 3 ? "connecting" : "waiting");
        browser.pass(1000);
        await settle();
    }
    await ready(browser, []);
    assert.equal(desk.status, "open");
});

test("console: a refusal for good is told, and nothing tried again", async () => {
    for (const [code, status, words] of [["forbidden", 403, "no"], ["unauthenticated", 401, "no"],
        ["unknown-app", 404, "no"], ["bad-request", 400, "no"]]) {
        const { browser, all } = beginConsole();
        await settle();
        await asked(browser, "GET", "feed").answers(...problem(code, status, words));
        browser.pass(60000);
        await settle();
        assert.deepEqual(all("status").at(-1), { event: "status", status: "closed", code,
            message: words });
        assert.equal(browser.requests.length, 1);
    }
});

test("console: a busy edge is no refusal", async () => {
    const { browser, desk } = beginConsole();
    await settle();
    await asked(browser, "GET", "feed").answers(...problem("unavailable", 503));
    assert.equal(desk.status, "waiting");
});

test("console and chat of one browser are one agent", () => {
    const storage = new FakeStorage();
    const desk = new StentorChat.Console(options({ storage }));
    const chat = new StentorChat(options({ storage, isAdmin: true, sessionId: "s-1" }));
    assert.equal(chat.userId, desk.userId);
    assert.equal(new StentorChat.Console(options({ storage })).userId, desk.userId);
});
