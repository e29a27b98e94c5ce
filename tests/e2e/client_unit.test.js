//  client.js alone: its promises, against a router that is played by the test.

import assert from "node:assert/strict";
import { test } from "node:test";
import { webcrypto } from "node:crypto";
import { createRequire } from "node:module";

import { FakeBrowser, FakeStorage, settle } from "./fake_browser.js";

globalThis.crypto ??= webcrypto; //  Node 18 has it only as a module
createRequire(import.meta.url)("../../services/edge/web/client.js");
const { StentorChat } = globalThis;

function begin({ browser = new FakeBrowser(), storage = new FakeStorage(), ...options } = {}) {
    const chat = new StentorChat({
        serverUrl: "http://chat.test/", appId: "demo", storage,
        environment: browser.environment, ...options,
    });
    const heard = [];
    for (const event of ["message", "whisper", "ack", "refused", "status", "typing", "joined",
        "left", "failure", "handoff", "part", "closed", "reopened", "session", "history",
        "lost", "presence", "receipt"]) {
        chat.on(event, (detail) => heard.push({ event, ...detail }));
    }
    const all = (event) => heard.filter((one) => one.event === event);
    return { browser, storage, chat, heard, all };
}

const bot = { deviceId: "Bot", userId: "bot", displayName: "Bot" };
const answer = (seq, text) => ({
    event: "new message", seq, timeMs: 1000 + seq, messageId: `b${seq}`, sender: bot,
    data: { outputSpeech: { displayText: text } },
});

test("a conversation that was closed and goes on", () => {
    const { browser, chat, all } = begin();
    chat.open();
    browser.join();
    for (const [seq, event] of [[5, "session closed"], [6, "session reopened"]]) {
        browser.says({ event, seq, timeMs: 1000 + seq, sender: {} });
    }
    assert.deepEqual(all("closed"), [{ event: "closed", seq: 5, timeMs: 1005 }]);
    assert.deepEqual(all("reopened"), [{ event: "reopened", seq: 6, timeMs: 1006 }]);
    assert.equal(chat.lastSeq, 6);
});

test("the URL says who, where and that the rich dialect is wanted", () => {
    const { browser, chat } = begin({ userId: "u 1" });
    chat.open();
    const { url } = browser.socket;
    assert.equal(url.protocol, "ws:");
    assert.deepEqual(Object.fromEntries(url.searchParams),
        { appId: "demo", userId: "u 1", isAdmin: "false", protocol: "2" });
});

test("a message is sent after the join and settles with its ack", async () => {
    const { browser, chat, all } = begin();
    chat.open();
    const promise = chat.say("hello");
    browser.accept();
    assert.deepEqual(browser.socket.sent.map((frame) => frame.event), ["resume"]);
    assert.equal(browser.socket.sent[0].lastSeq, 0);
    browser.says({ event: "connection update", data: { sessionCreated: true, seq: 1 } });
    const [frame] = browser.sentMessages();
    assert.equal(frame.data.rawQuery, "hello");
    assert.equal(frame.sessionId, chat.sessionId);
    browser.ack(frame.messageId, 2);
    assert.equal((await promise).seq, 2);
    assert.equal(chat.unsent, 0);
    assert.deepEqual(all("message").map((one) => [one.text, one.mine, one.pending]),
        [["hello", true, true]]);
    assert.equal(all("ack")[0].messageId, frame.messageId);
});

test("messages go one at a time, in order", () => {
    const { browser, chat } = begin();
    chat.open();
    for (const text of ["a", "b", "c"]) chat.say(text);
    browser.join();
    for (let i = 0; i < 3; i++) {
        assert.equal(browser.sentMessages().length, i + 1);
        browser.ack(browser.sentMessages()[i].messageId, 2 + i);
    }
    assert.deepEqual(browser.sentMessages().map((frame) => frame.data.rawQuery), ["a", "b", "c"]);
});

test("after a lost connection the same messageIds go again, in order, once", async () => {
    const { browser, chat, all } = begin();
    chat.open();
    browser.join();
    const promises = ["a", "b"].map((text) => chat.say(text));
    const [first] = browser.sentMessages();
    browser.breaks();
    browser.pass(500);
    browser.join();
    assert.equal(browser.sentMessages()[0].messageId, first.messageId);
    browser.ack(first.messageId, 2, true);
    browser.ack(browser.sentMessages()[1].messageId, 3);
    const acks = await Promise.all(promises);
    assert.deepEqual(acks.map((ack) => [ack.seq, ack.duplicate]), [[2, true], [3, false]]);
    assert.equal(all("message").length, 2);
});

test("resume says the highest seq it has; what comes twice is reported once", () => {
    const { browser, chat, all } = begin();
    chat.open();
    browser.join();
    browser.says(answer(3, "one"));
    browser.says(answer(5, "two"));
    browser.breaks();
    browser.pass(500);
    browser.join();
    assert.equal(browser.socket.sent[0].lastSeq, 5);
    for (const frame of [answer(3, "one"), answer(5, "two"), answer(6, "three")]) {
        browser.says(frame);
    }
    assert.deepEqual(all("message").map((one) => one.text), ["one", "two", "three"]);
});

test("a log that is shorter than what it has seen is read from its end", () => {
    const { browser, chat, all } = begin();
    chat.open();
    browser.join();
    browser.says(answer(9, "lost"));
    browser.breaks();
    browser.pass(500);
    browser.join(browser.socket, 3);
    browser.says(answer(4, "new"));
    assert.deepEqual(all("message").map((one) => one.text), ["lost", "new"]);
    assert.equal(chat.lastSeq, 4);
});

// ---------------------------------------------------------------------------------------------
//  A log that has lost its tail

const changed = (seq, lastSeq, check) => ({
    event: "history changed", seq, check, data: { lastSeq },
});

test("resume says the check of the last frame again", () => {
    const { browser, chat } = begin();
    chat.open();
    browser.join();
    assert.equal("check" in browser.socket.sent[0], false);
    browser.says({ ...answer(3, "one"), check: "00000000000000a3" });
    browser.says({ ...answer(5, "two"), check: "00000000000000a5" });
    browser.breaks();
    browser.pass(500);
    browser.join();
    const [{ lastSeq, check }] = browser.socket.sent;
    assert.deepEqual([lastSeq, check], [5, "00000000000000a5"]);
    browser.says(answer(6, "of a router that knows no checks"));
    browser.breaks();
    browser.pass(5000);
    browser.accept();
    assert.equal("check" in browser.socket.sent[0], false);
});

test("what is above a seq is gone, and what stands there now is reported", () => {
    const { browser, chat, heard, all } = begin();
    chat.open();
    browser.join();
    for (const seq of [3, 4, 5]) browser.says(answer(seq, `old ${seq}`));
    heard.length = 0;
    browser.says(changed(3, 4, "00000000000000a3"));
    browser.says(answer(4, "new 4"));
    browser.says(answer(4, "new 4"));
    browser.says(answer(5, "new 5"));
    assert.deepEqual(heard.map(({ event, seq, text }) => [event, seq, text]),
        [["history", 3, undefined], ["message", 4, "new 4"], ["message", 5, "new 5"]]);
    assert.equal(all("lost").length, 0);
});

test("the resume behind it is of what is there", () => {
    const { browser, chat } = begin();
    chat.open();
    browser.join();
    browser.says({ ...answer(5, "old"), check: "00000000000000a5" });
    browser.says(changed(3, 3, "00000000000000a3"));
    browser.breaks();
    browser.pass(500);
    browser.accept();
    const [{ lastSeq, check }] = browser.socket.sent;
    assert.deepEqual([lastSeq, check], [3, "00000000000000a3"]);
});

test("own messages that were acknowledged and are gone are named; unsent ones are kept", () => {
    const { browser, chat, all } = begin();
    chat.open();
    browser.join();
    chat.say("kept");
    chat.say("lost");
    chat.say("unsent");
    const [kept] = browser.sentMessages();
    browser.ack(kept.messageId, 3);
    const lost = browser.sentMessages()[1];
    browser.ack(lost.messageId, 4);
    browser.says(changed(3, 3));
    assert.deepEqual(all("lost").map(({ messageId, seq, text }) => [messageId, seq, text]),
        [[lost.messageId, 4, "lost"]]);
    assert.equal(chat.unsent, 1);
    browser.ack(browser.sentMessages()[2].messageId, 4);
    assert.equal(all("ack").length, 3);
    browser.says(answer(5, "go on"));
    assert.equal(all("lost").length, 1);
});

//  Nobody knows where the histories part: all of the log comes again.
test("own messages are gone when the log has passed their place without them", () => {
    const { browser, chat, all } = begin();
    chat.open();
    browser.join();
    chat.say("there");
    chat.say("gone");
    const [there] = browser.sentMessages();
    browser.ack(there.messageId, 3);
    browser.ack(browser.sentMessages()[1].messageId, 5);
    browser.says(answer(6, "before"));
    browser.says(changed(0, 7));
    assert.equal(all("lost").length, 0);
    const sender = { deviceId: "Widget", userId: chat.userId, isAdmin: false };
    browser.says({ ...there, seq: 3, sender });
    browser.says(answer(4, "another"));
    assert.equal(all("lost").length, 0);
    browser.says(answer(7, "now"));
    assert.deepEqual(all("lost").map(({ seq, text }) => [seq, text]), [[5, "gone"]]);
    assert.deepEqual(all("message").map(({ text, pending }) => [text, pending]).slice(3),
        [["there", false], ["another", false], ["now", false]]);
});

test("an agent is in control as the log says that is left", () => {
    const { browser, chat } = begin({ isAdmin: true, sessionId: "s", userId: "anna" });
    const self = { deviceId: "Widget", userId: "anna", isAdmin: true };
    chat.open();
    browser.join();
    browser.says({ event: "user joined", seq: 4, timeMs: 4, sender: self });
    assert.equal(chat.inControl, true);
    browser.says({ event: "user left", seq: 6, timeMs: 6, sender: self, data: { why: "absent" } });
    assert.equal(chat.inControl, false);
    browser.says(changed(5, 5));
    assert.equal(chat.inControl, true);
    browser.says(changed(3, 3));
    assert.equal(chat.inControl, false);
});

test("a change of history that is none changes nothing", () => {
    const { browser, chat, all } = begin();
    chat.open();
    browser.join();
    browser.says(answer(5, "one"));
    for (const seq of [-1, "3", null, 1.5]) browser.says(changed(seq, 5));
    assert.equal(chat.lastSeq, 5);
    assert.equal(all("history").length, 0);
    browser.says(changed(9, 9)); //  above all that it has
    assert.equal(chat.lastSeq, 5);
    browser.says(answer(6, "two"));
    assert.deepEqual(all("message").map((one) => one.text), ["one", "two"]);
});

test("its own message, stored but not acknowledged, comes back as an ack and not as a message",
    async () => {
        const { browser, chat, all } = begin();
        chat.open();
        browser.join();
        const promise = chat.say("hello");
        const [frame] = browser.sentMessages();
        browser.breaks();
        browser.pass(500);
        browser.accept();
        const sender = { deviceId: "Widget", userId: chat.userId, isAdmin: false };
        browser.says({ ...frame, seq: 2, sender });
        browser.says({ event: "connection update", data: { sessionCreated: true, seq: 2 } });
        assert.equal((await promise).seq, 2);
        assert.equal(browser.sentMessages().length, 0);
        assert.equal(all("message").length, 1);
        assert.equal(chat.lastSeq, 2);
    });

test("somebody else's message with the id of an own one is neither its ack nor hidden", () => {
    const { browser, chat, all } = begin();
    chat.open();
    browser.join();
    chat.say("mine");
    const [frame] = browser.sentMessages();
    browser.says({
        event: "new message", seq: 2, timeMs: 1002, messageId: frame.messageId,
        sender: { userId: chat.userId, isAdmin: true }, data: { rawQuery: "an agent's" },
    });
    assert.equal(chat.unsent, 1);
    browser.ack(frame.messageId, 3);
    assert.equal(chat.unsent, 0);
    assert.deepEqual(all("message").map((one) => [one.text, one.mine]),
        [["mine", true], ["an agent's", false]]);
});

test("unsent messages outlive the page", async () => {
    const before = begin();
    before.chat.open();
    before.chat.say("a");
    before.chat.say("b");
    const after = begin({ storage: before.storage });
    assert.equal(after.chat.userId, before.chat.userId);
    assert.equal(after.chat.sessionId, before.chat.sessionId);
    after.chat.open();
    assert.deepEqual(after.all("message").map((one) => one.text), ["a", "b"]);
    after.browser.join();
    for (const seq of [2, 3]) {
        after.browser.ack(after.browser.sentMessages().at(-1).messageId, seq);
    }
    assert.deepEqual(after.browser.sentMessages().map((one) => one.data.rawQuery), ["a", "b"]);
    const third = begin({ storage: before.storage });
    third.chat.open();
    assert.equal(third.chat.unsent, 0);
});

test("two tabs share the session, and neither loses the other's unsent messages", () => {
    const storage = new FakeStorage();
    const one = begin({ storage });
    const two = begin({ storage });
    assert.equal(one.chat.sessionId, two.chat.sessionId);
    one.chat.open();
    two.chat.open();
    one.chat.say("from one");
    two.chat.say("from two");
    const three = begin({ storage });
    three.chat.open();
    assert.deepEqual(three.all("message").map((message) => message.text).sort(),
        ["from one", "from two"]);
    two.browser.join();
    two.browser.says({ ...answer(2, ""), messageId: "x",
        sender: { deviceId: "Widget", userId: one.chat.userId }, data: { rawQuery: "from one" } });
    assert.deepEqual(two.all("message").map((message) => [message.text, message.mine]),
        [["from two", true], ["from one", true]]);
});

test("a restart in one tab is followed by the other", () => {
    const storage = new FakeStorage();
    const one = begin({ storage });
    const two = begin({ storage });
    one.chat.open();
    two.chat.open();
    two.browser.join();
    one.chat.restart();
    const key = Array.from({ length: storage.length }, (_, i) => storage.key(i))
        .find((name) => name.endsWith(":visitor"));
    two.browser.window.dispatchEvent(Object.assign(new Event("storage"), { key }));
    assert.equal(two.chat.sessionId, one.chat.sessionId);
    assert.equal(two.browser.sockets.length, 2);
    assert.equal(two.all("session")[0].sessionId, one.chat.sessionId);
});

test("a restart refuses what is unsent and does not listen to the old session", async () => {
    const { browser, chat, all } = begin();
    chat.open();
    browser.join();
    const promise = chat.say("late");
    const old = chat.sessionId;
    chat.restart();
    await assert.rejects(promise, { code: "restarted" });
    browser.join();
    browser.says({ ...answer(2, "late answer"), sessionId: old });
    assert.equal(all("message").length, 1);
    assert.equal(browser.sentMessages().length, 0);
    assert.equal(browser.socket.sent[0].lastSeq, 0);
});

test("the first wait is 0.3 to 0.5 s, later ones are random up to 30 s", () => {
    for (const [random, first, fifteenth] of [[0, 300, 300], [0.999999, 500, 30000]]) {
        const { browser, chat, all } = begin({ browser: new FakeBrowser(() => random) });
        chat.open();
        const waits = [];
        for (let i = 0; i < 15; i++) {
            browser.breaks();
            const waiting = all("status").at(-1);
            assert.equal(waiting.status, "waiting");
            waits.push(waiting.retryAt - browser.time);
            browser.pass(waits.at(-1) + 1);
        }
        assert.ok(Math.abs(waits[0] - first) <= 1, String(waits[0]));
        assert.ok(Math.abs(waits[14] - fifteenth) <= 1, String(waits[14]));
        assert.ok(Math.max(...waits) <= 30000);
    }
});

test("a connection that lived for a while makes the next wait a first one again", () => {
    const { browser, chat, all } = begin({ browser: new FakeBrowser(() => 0.999999) });
    chat.open();
    for (let i = 0; i < 6; i++) {
        browser.breaks();
        browser.pass(all("status").at(-1).retryAt - browser.time);
    }
    browser.join();
    browser.pass(5001);
    browser.breaks();
    assert.ok(all("status").at(-1).retryAt - browser.time <= 501);
});

test("going away: nothing more is sent, and the given delay is kept", () => {
    const { browser, chat } = begin();
    chat.open();
    browser.join();
    browser.says({ event: "going away", data: { delayMs: 7000 } });
    chat.say("meanwhile");
    assert.equal(browser.sentMessages().length, 0);
    browser.breaks(1001);
    browser.show("visible");
    browser.pass(6999);
    assert.equal(browser.sockets.length, 1);
    browser.pass(1);
    assert.equal(browser.sockets.length, 2);
    browser.join();
    assert.equal(browser.sentMessages().length, 1);
});

test("busy: the same message again after the delay, and nothing overtakes it", () => {
    const { browser, chat } = begin({ browser: new FakeBrowser(() => 0) });
    chat.open();
    browser.join();
    chat.say("a");
    chat.say("b");
    const [first] = browser.sentMessages();
    browser.says({ event: "busy",
        data: { code: "busy", messageId: first.messageId, retryAfterMs: 2000 } });
    browser.pass(1999);
    chat.say("c");
    assert.equal(browser.sentMessages().length, 1);
    browser.pass(1);
    assert.equal(browser.sentMessages()[1].messageId, first.messageId);
});

test("a refused message rejects its promise, and the next one goes", async () => {
    const { browser, chat, all } = begin();
    chat.open();
    browser.join();
    const promise = chat.say("bad");
    chat.say("good");
    const [{ messageId }] = browser.sentMessages();
    browser.says({ event: "error", data: { code: "bad_request", message: "no", messageId } });
    await assert.rejects(promise, { code: "bad_request" });
    assert.equal(all("refused")[0].messageId, messageId);
    assert.equal(browser.sentMessages()[1].data.rawQuery, "good");
});

test("an error that may pass is not the message's end", () => {
    const { browser, chat, all } = begin();
    chat.open();
    browser.join();
    chat.say("a");
    const [{ messageId }] = browser.sentMessages();
    browser.says({ event: "error", data: { code: "not_joined", message: "no", messageId } });
    browser.pass(600);
    browser.join();
    assert.equal(browser.sentMessages()[0].messageId, messageId);
    assert.equal(all("refused").length, 0);
});

test("the queue has a ceiling, and so has a message", async () => {
    const { chat, all } = begin({ queueLimit: 2 });
    chat.open();
    chat.say("1");
    chat.say("2");
    await assert.rejects(chat.say("3"), { code: "queue_full" });
    await assert.rejects(chat.say("x".repeat(300 * 1024)), { code: "too_large" });
    assert.equal(chat.unsent, 2);
    assert.equal(all("message").length, 2);
});

test("a message that the router closes for is refused, and not sent for ever", async () => {
    const { browser, chat } = begin();
    chat.open();
    browser.join();
    const promise = chat.say("x".repeat(1000));
    browser.breaks(1009);
    await assert.rejects(promise, { code: "too_large" });
    assert.equal(chat.unsent, 0);
});

test("an ack that does not come is a dead connection", () => {
    const { browser, chat } = begin();
    chat.open();
    browser.join();
    chat.say("a");
    browser.pass(15001 + 500);
    assert.equal(browser.sockets.length, 2);
    assert.equal(browser.sockets[0].readyState, 3);
});

test("what an abandoned connection still says is not heard", () => {
    const { browser, chat, all } = begin();
    chat.open();
    browser.join();
    chat.say("a");
    browser.pass(15001 + 500);
    browser.says(answer(7, "late"), browser.sockets[0]);
    browser.breaks(1006, browser.sockets[0]);
    assert.equal(all("message").length, 1);
    assert.equal(chat.lastSeq, 0);
    assert.equal(chat.status, "connecting");
});

test("a socket that never opens is replaced", () => {
    const { browser, chat } = begin();
    chat.open();
    browser.pass(10000 + 501);
    assert.equal(browser.sockets.length, 2);
});

test("waking up asks a silent connection whether it lives", () => {
    const { browser, chat } = begin();
    chat.open();
    browser.join();
    browser.show("hidden");
    browser.time += 60000; //  asleep: no timer ran
    browser.show("visible");
    assert.equal(browser.socket.sent.at(-1).event, "resume");
    browser.pass(8000 + 501);
    assert.equal(browser.sockets.length, 2);
});

test("becoming visible, or online, ends the wait", () => {
    const { browser, chat } = begin({ browser: new FakeBrowser(() => 0.999) });
    chat.open();
    for (let i = 0; i < 8; i++) {
        browser.breaks();
        if (i % 2) browser.show("visible");
        else browser.window.dispatchEvent(new Event("online"));
    }
    assert.equal(browser.sockets.length, 9);
});

test("a session of somebody else ends it, with a reason", async () => {
    const { browser, chat, all } = begin();
    chat.open();
    const promise = chat.say("a");
    browser.accept();
    browser.says({ event: "connection update",
        data: { sessionCreated: false, errorMessage: "not yours", code: "not_yours" } });
    await assert.rejects(promise, { code: "not_yours" });
    assert.equal(all("status").at(-1).code, "not_yours");
    browser.pass(100000);
    assert.equal(browser.sockets.length, 1);
});

test("what is said after a final refusal is refused with its reason, until it is opened again",
    async () => {
        for (const code of ["not_yours", "not_allowed", "unknown_app", "bad_request"]) {
            const { browser, chat, all } = begin();
            chat.open();
            browser.accept();
            browser.says({ event: "connection update",
                data: { sessionCreated: false, errorMessage: "go away", code } });
            for (const say of [() => chat.say("a"), () => chat.send({ type: "X" }),
                () => chat.choose({ token: "t" }), () => chat.launch()])
                await assert.rejects(say(), { code, message: "go away" });
            assert.equal(all("refused").length, 4);
            assert.equal(all("message").length, 0);
            assert.equal(chat.unsent, 0);
            chat.open();
            const promise = chat.say("b");
            browser.join();
            const [{ messageId }] = browser.sentMessages();
            browser.ack(messageId, 2);
            assert.equal((await promise).seq, 2);
        }
    });

test("a listener to the refusals that says it again is refused, too", async () => {
    const { browser, chat } = begin();
    let again;
    chat.on("refused", () => { again ??= chat.say("again"); });
    chat.open();
    const promise = chat.say("a");
    browser.accept();
    browser.breaks(4404);
    await assert.rejects(promise, { code: "unknown_app" });
    await assert.rejects(again, { code: "unknown_app" });
    assert.equal(chat.unsent, 0);
});

test("what is said to a chat that the page closed, or began anew, waits for the next open",
    async () => {
        for (const end of ["close", "restart"]) {
            const { browser, chat } = begin();
            chat.open();
            browser.accept();
            browser.says({ event: "connection update",
                data: { sessionCreated: false, errorMessage: "no", code: "not_yours" } });
            await assert.rejects(chat.say("a"), { code: "not_yours" });
            chat[end]();
            const promise = chat.say("b");
            assert.equal(chat.unsent, 1);
            chat.open();
            browser.join();
            browser.ack(browser.sentMessages()[0].messageId, 2);
            assert.equal((await promise).seq, 2);
        }
    });

test("an agent's orders are refused with the connection", () => {
    const { browser, chat, all } = begin({ isAdmin: true, sessionId: "s" });
    chat.open();
    chat.bargeIn("Anna");
    browser.accept();
    browser.breaks(4403);
    assert.deepEqual(all("refused").map((one) => one.code), ["not_allowed"]);
    chat.bargeIn("Anna");
    assert.equal(chat.inControl, false);
    assert.equal(all("refused").length, 2);
    chat.open();
    browser.join();
    assert.deepEqual(browser.socket.sent.map((frame) => frame.event), ["resume"]);
});

test("an agent is told that there is no such session", () => {
    const { browser, chat, all } = begin({ isAdmin: true, sessionId: "nonesuch" });
    chat.open();
    browser.accept();
    browser.says({ event: "connection update",
        data: { sessionCreated: false, errorMessage: "not in it", code: "not_joined" } });
    assert.equal(all("status").at(-1).code, "not_joined");
    browser.pass(100000);
    assert.equal(browser.sockets.length, 1);
});

test("a closed app ends it; a router whose database is away does not", () => {
    const final = begin();
    final.chat.open();
    final.browser.accept();
    final.browser.breaks(4404);
    assert.equal(final.all("status").at(-1).code, "unknown_app");
    const passing = begin();
    passing.chat.open();
    passing.browser.accept();
    passing.browser.says({ event: "connection update",
        data: { sessionCreated: false, errorMessage: "later", code: "store_down" } });
    passing.browser.pass(600);
    assert.equal(passing.browser.sockets.length, 2);
});

test("the greeting has one id in a session", () => {
    const storage = new FakeStorage();
    const ids = [1, 2].map(() => {
        const { browser, chat, all } = begin({ storage });
        chat.open();
        browser.join();
        chat.launch();
        chat.launch();
        assert.equal(all("message").length, 0);
        return browser.sentMessages()[0].messageId;
    });
    assert.equal(ids[0], ids[1]);
});

test("typing of others ends with the connection", () => {
    const { browser, chat, all } = begin();
    chat.open();
    browser.join();
    browser.says({ event: "typing", sender: bot });
    browser.says({ event: "typing", sender: bot });
    browser.breaks();
    assert.deepEqual(all("typing").map((one) => one.on), [true, false]);
});

test("half an answer is shown, and taken away by whatever ends it", () => {
    const { browser, chat, all } = begin();
    const part = (text) => browser.says({ event: "part", sender: bot, timeMs: 1,
        data: { outputSpeech: { displayText: text } } });
    const texts = () => all("part").map((one) => one.text);
    const agent = { userId: "a", isAdmin: true };
    const ends = [
        () => browser.says(answer(1, "Hello there")),
        () => browser.says({ event: "failure", data: { tries: 1, delay: 5 }, sender: bot }),
        () => browser.says({ event: "user joined", seq: 2, timeMs: 2, sender: agent, data: {} }),
        () => browser.says({ event: "session closed", seq: 3, timeMs: 3, sender: {} }),
        () => browser.says({ event: "history changed", seq: 1, data: { lastSeq: 1 } }),
        () => browser.breaks(),
    ];
    chat.open();
    browser.join();
    let told = 0;
    for (const end of ends) {
        part("Hel");
        part("Hello");
        end();
        assert.deepEqual(texts().slice(told), ["Hel", "Hello", ""]);
        told += 3;
    }
    assert.equal(all("message").length, 1);
    assert.equal(chat.lastSeq, 1);
});

test("half an answer without words, or of nobody, is none; a visitor's word ends none", () => {
    const { browser, chat, heard, all } = begin();
    chat.open();
    browser.join();
    const before = heard.length;
    browser.says({ event: "part", sender: bot, data: {} });
    browser.says({ event: "part", sender: bot });
    browser.says({ event: "part", data: { outputSpeech: "x" } });
    assert.equal(heard.length, before);
    browser.says({ event: "part", sender: bot, data: { outputSpeech: "x" } });
    browser.says({ event: "new message", seq: 1, timeMs: 1, sender: { userId: "v" },
        data: { rawQuery: "hurry" } });
    assert.deepEqual(all("part").map((one) => one.text), ["x"]);
});

test("own typing is told sparingly and ends by itself", () => {
    const { browser, chat } = begin();
    chat.open();
    browser.join();
    for (let i = 0; i < 40; i++) {
        chat.typing(true);
        browser.pass(100);
    }
    browser.pass(10000);
    assert.deepEqual(browser.socket.sent.map((frame) => frame.event),
        ["resume", "typing", "typing", "stop typing"]);
});

test("barge in waits for a connection; barge out for what was said before it", () => {
    const { browser, chat } = begin({ isAdmin: true, sessionId: "s-1" });
    chat.open();
    chat.bargeIn("Anna");
    browser.join();
    chat.say("a");
    chat.say("b");
    chat.bargeOut();
    browser.ack(browser.sentMessages()[0].messageId, 5);
    browser.ack(browser.sentMessages()[1].messageId, 6);
    assert.deepEqual(browser.socket.sent.map((frame) => frame.event),
        ["resume", "barge in", "new message", "new message", "barge out"]);
    assert.equal(browser.socket.sent[1].sender.displayName, "Anna");
    assert.equal(chat.inControl, false);
});

test("barge in is said until it is acknowledged", () => {
    const { browser, chat } = begin({ isAdmin: true, sessionId: "s-1" });
    const barges = () => browser.socket.sent.filter((frame) => frame.event === "barge in");
    chat.open();
    browser.join();
    chat.bargeIn("Anna");
    const [{ messageId }] = barges();
    browser.breaks();
    browser.pass(1000);
    browser.join();
    assert.deepEqual(barges().map((frame) => frame.messageId), [messageId]);
    browser.says({ event: "busy", data: { code: "busy", messageId, retryAfterMs: 100 } });
    chat.say("a");
    assert.equal(browser.sentMessages().length, 0);
    browser.pass(200);
    assert.deepEqual(barges().map((frame) => frame.messageId), [messageId, messageId]);
    assert.equal(browser.sentMessages().length, 1);
    browser.says({ event: "ack", data: { messageId, seq: 3, timeMs: 3 } });
    browser.breaks();
    browser.pass(10000);
    browser.join();
    assert.deepEqual(barges(), []);
});

test("an agent follows the log: who is in control, and why not any more", () => {
    const { browser, chat, all } = begin({ isAdmin: true, sessionId: "s-1", userId: "anna" });
    const own = { deviceId: "Widget", userId: "anna", isAdmin: true };
    const other = { deviceId: "Widget", userId: "otto", isAdmin: true };
    chat.open();
    chat.bargeIn("Anna");
    browser.join();
    browser.says({ event: "user joined", seq: 2, sender: own, data: { why: "asked" } });
    assert.equal(chat.inControl, true);
    browser.says({ event: "user left", seq: 3, sender: own, data: { why: "replaced" } });
    browser.says({ event: "user joined", seq: 4, sender: other, data: { why: "asked" } });
    assert.equal(chat.inControl, false);
    const visitor = { page: "https://shop.example/", language: "de" };
    browser.says({ event: "user joined", seq: 5, sender: { userId: "vic" }, data: { visitor } });
    assert.deepEqual(all("joined").at(-1).visitor, visitor);
    assert.deepEqual(all("left").map(({ why, mine }) => ({ why, mine })),
        [{ why: "replaced", mine: true }]);
    assert.deepEqual(all("joined").map((one) => one.mine), [true, false, false]);
    chat.typing(true);
    assert.ok(!browser.socket.sent.some((frame) => frame.event === "typing"));
    //  What is said all the same is refused, and the next one goes on.
    chat.say("a").catch(() => {});
    const { messageId } = browser.sentMessages()[0];
    browser.says({ event: "error", data: { code: "not_in_control", message: "no", messageId } });
    assert.deepEqual(all("refused").map((one) => one.code), ["not_in_control"]);
    assert.equal(chat.unsent, 0);
    assert.equal(chat.inControl, false);
});

//  What only agents are shown.

const said = (browser) => browser.socket.sent
    .filter((frame) => frame.messageId).map((frame) => [frame.event, frame.data?.rawQuery]);
const whisperOf = (userId, seq, text) => ({
    event: "whisper", seq, timeMs: 1000 + seq, messageId: `w${seq}`,
    sender: { deviceId: "Widget", userId, isAdmin: true }, data: { rawQuery: text },
});

test("a whisper is a frame of its own, in order with messages, and never a message", async () => {
    const { browser, chat, all } = begin({ isAdmin: true, sessionId: "s-1", userId: "anna",
        accessToken: "token-1" });
    chat.open();
    const promise = chat.whisper("a regular");
    chat.say("hello");
    chat.whisper("she knows");
    browser.join();
    for (let seq = 2; seq < 5; seq++) browser.ack(browser.socket.sent.at(-1).messageId, seq);
    assert.equal((await promise).seq, 2);
    assert.deepEqual(said(browser),
        [["whisper", "a regular"], ["new message", "hello"], ["whisper", "she knows"]]);
    assert.deepEqual(browser.socket.sent.filter(({ event }) => event === "whisper")
        .map(({ data }) => "accessToken" in data), [false, false]);
    browser.says(whisperOf("otto", 5, "I see"));
    assert.deepEqual(all("whisper").map((one) => [one.text, one.mine, one.pending, one.from]), [
        ["a regular", true, true, "agent"], ["she knows", true, true, "agent"],
        ["I see", false, false, "agent"]]);
    assert.deepEqual(all("message").map((one) => one.text), ["hello"]);
    assert.equal(chat.inControl, false);
    assert.equal(chat.lastSeq, 5);
});

//  A client.js of before takes all that stands under `unsent`, and says it to everybody.
test("a whisper that was not sent is one after a reload, and kept apart", () => {
    const { storage, chat } = begin({ isAdmin: true, sessionId: "s-1" });
    chat.open();
    chat.whisper("later");
    chat.say("aloud");
    const keys = Array.from({ length: storage.length }, (none, at) => storage.key(at));
    assert.equal(keys.filter((key) => key.includes(":unsent:")).length, 1);
    assert.equal(keys.filter((key) => key.includes(":whispers:")).length, 1);
    const { browser, chat: again, all } = begin({ storage, isAdmin: true, sessionId: "s-1" });
    again.open();
    browser.join();
    browser.ack(browser.socket.sent.at(-1).messageId, 2);
    browser.ack(browser.socket.sent.at(-1).messageId, 3);
    assert.deepEqual(said(browser), [["whisper", "later"], ["new message", "aloud"]]);
    assert.deepEqual([all("whisper").length, all("message").length, again.unsent], [1, 1, 0]);
    assert.equal(storage.length, 1);
});

test("a whisper that was said before the user was known stays one", async () => {
    const { browser, chat } = begin({ isAdmin: true, sessionId: "s-1", token: async () => "t" });
    chat.open();
    chat.whisper("early");
    await settle();
    browser.join();
    assert.deepEqual(said(browser), [["whisper", "early"]]);
});

test("a whisper that the log has lost is told as one", () => {
    const { browser, chat, all } = begin({ isAdmin: true, sessionId: "s-1" });
    chat.open();
    browser.join();
    chat.whisper("gone");
    browser.ack(browser.socket.sent.at(-1).messageId, 5);
    browser.says({ event: "history changed", seq: 2, check: "00000000000000cd",
        data: { lastSeq: 2 } });
    assert.deepEqual(all("lost").map(({ text, whisper }) => [text, whisper]), [["gone", true]]);
});

test("a visitor's whisper is refused, and not sent", async () => {
    const { browser, chat, all } = begin();
    chat.open();
    browser.join();
    await assert.rejects(chat.whisper("psst"), { code: "not_allowed" });
    assert.deepEqual(said(browser), []);
    assert.equal(all("refused").length, 1);
    assert.equal(all("whisper").length + all("message").length, 0);
});

test("the token for the bot is sent and not kept", () => {
    const { browser, chat, storage } = begin({ accessToken: "token-1" });
    chat.open();
    chat.say("a");
    browser.join();
    assert.equal(browser.sentMessages()[0].data.accessToken, "token-1");
    for (let i = 0; i < storage.length; i++) {
        assert.ok(!storage.getItem(storage.key(i)).includes("token-1"));
    }
});

test("a storage that refuses everything costs only the memory of a reload", () => {
    const refusing = () => { throw new Error("forbidden"); };
    const storage = { getItem: refusing, setItem: refusing, removeItem: refusing, key: refusing,
        length: 1 };
    const { browser, chat } = begin({ storage });
    chat.open();
    chat.say("a");
    browser.join();
    browser.ack(browser.sentMessages()[0].messageId, 2);
    assert.equal(chat.unsent, 0);
});

test("nonsense from the other side does no harm", () => {
    const { browser, chat, heard } = begin();
    chat.open();
    browser.join();
    const before = heard.length;
    for (const data of ["", "x", "null", "[]", "1", '{"event":"toString"}', '{"event":"typing"}',
        '{"event":"ack"}', '{"event":"new message","data":7,"seq":"x"}']) {
        browser.socket.onmessage({ data });
    }
    chat.say("still here");
    assert.equal(browser.sentMessages().length, 1);
    assert.ok(heard.length - before <= 2);
});

//  What can never be stored must not stand before what can.

const refusal = (code = "bad_request") => ({ event: "error", data: { code, message: "no" } });
const textsOf = (browser) => browser.sentMessages().map((frame) => frame.data.rawQuery);
const nested = (levels) => JSON.parse("[".repeat(levels) + "]".repeat(levels));

//  The reload: what an earlier page left in the storage.
function keep(storage, chat, messageId, kept) {
    storage.setItem(`stentor:chat.test:demo:visitor:unsent:${chat.sessionId}:${messageId}`,
        typeof kept === "string" ? kept : JSON.stringify(kept));
}

//  The connection ends, and the wait for the next one.
function closes({ browser, all }, code) {
    browser.breaks(code);
    browser.pass(all("status").at(-1).retryAt - browser.time);
}

//  A page that is opened again has nothing to send.
function isForgotten(storage) {
    const { browser, chat } = begin({ storage });
    chat.open();
    browser.join();
    return chat.unsent === 0 && browser.sentMessages().length === 0;
}

test("an error without a messageId, twice, is about the message in flight; the next one goes",
    async () => {
        const { browser, storage, chat, all } = begin();
        chat.open();
        browser.join();
        const promise = chat.say("bad");
        const next = chat.say("good");
        browser.says(refusal());
        assert.deepEqual(textsOf(browser), ["bad", "bad"]);
        assert.equal(all("refused").length, 0);
        const [first, second] = browser.sentMessages();
        assert.equal(first.messageId, second.messageId);
        browser.says(refusal("odd_code"));
        await assert.rejects(promise, { code: "odd_code", message: "no" });
        assert.deepEqual(all("refused").map((one) => [one.messageId, one.code]),
            [[first.messageId, "odd_code"]]);
        assert.deepEqual(textsOf(browser), ["bad", "bad", "good"]);
        browser.ack(browser.sentMessages()[2].messageId, 2);
        assert.equal((await next).seq, 2);
        assert.ok(isForgotten(storage));
    });

test("so it is after a reload", async () => {
    const before = begin();
    before.chat.open();
    before.chat.say("bad");
    before.chat.say("good");
    const { browser, chat, all } = begin({ storage: before.storage });
    chat.open();
    browser.join();
    browser.says(refusal());
    browser.says(refusal());
    assert.deepEqual(textsOf(browser), ["bad", "bad", "good"]);
    assert.deepEqual(all("refused").map((one) => one.code), ["bad_request"]);
    browser.ack(browser.sentMessages()[2].messageId, 2);
    assert.ok(isForgotten(before.storage));
});

test("an error that names what nobody sent is one without a name", async () => {
    const { browser, chat } = begin();
    chat.open();
    browser.join();
    const promise = chat.say("bad");
    for (const messageId of ["nonesuch", 7]) {
        browser.says({ event: "error", data: { code: "bad_request", message: "no", messageId } });
    }
    await assert.rejects(promise, { code: "bad_request" });
});

test("one error without a name is not the message's end: its ack clears it", async () => {
    const { browser, chat, all } = begin();
    chat.open();
    browser.join();
    const promises = ["a", "b"].map((text) => chat.say(text));
    browser.says(refusal());
    const [{ messageId }] = browser.sentMessages();
    browser.ack(messageId, 2);
    browser.ack(messageId, 2, true); //  it was sent twice
    browser.says(refusal());
    assert.deepEqual(textsOf(browser), ["a", "a", "b", "b"]);
    browser.ack(browser.sentMessages()[3].messageId, 3);
    assert.deepEqual((await Promise.all(promises)).map((ack) => ack.seq), [2, 3]);
    assert.equal(all("refused").length, 0);
});

test("errors that other frames can have caused are not held against the message", async () => {
    const { browser, chat, all } = begin();
    chat.open();
    browser.join();
    chat.typing(true);
    const promise = chat.say("a"); //  after `typing` and `stop typing`
    browser.says(refusal());
    browser.says(refusal());
    assert.equal(all("refused").length, 0);
    browser.ack(browser.sentMessages()[0].messageId, 2);
    assert.equal((await promise).seq, 2);
    const bad = chat.say("bad");
    for (let i = 0; i < 3; i++) browser.says(refusal());
    await assert.rejects(bad, { code: "bad_request" });
});

test("an error and the end of the connection, twice, are the message's end", async () => {
    const page = begin();
    const { browser, chat } = page;
    chat.open();
    browser.join();
    chat.typing(true);
    const promise = chat.say("bad");
    browser.says(refusal());
    closes(page, 1013);
    browser.join();
    browser.says(refusal());
    await assert.rejects(promise, { code: "bad_request" });
});

test("beside a suspected message nothing else begins", () => {
    const { browser, chat } = begin({ isAdmin: true, sessionId: "s-1" });
    chat.open();
    chat.bargeIn("Anna");
    browser.join();
    chat.say("a");
    browser.pass(9000); //  what an error now is about cannot be the `barge in`
    browser.says(refusal());
    const before = browser.socket.sent.length;
    chat.typing(true);
    chat.bargeIn("Anna");
    assert.equal(browser.socket.sent.length, before);
    browser.ack(browser.sentMessages()[0].messageId, 2);
    chat.typing(true);
    assert.deepEqual(browser.socket.sent.slice(before).map((frame) => frame.event),
        ["barge in", "typing"]);
});

test("a message that was sent twice is refused once, whatever is said about the second", () => {
    const { browser, chat, all } = begin();
    chat.open();
    browser.join();
    chat.say("bad");
    chat.say("good");
    browser.says(refusal());
    const [{ messageId }] = browser.sentMessages();
    for (let i = 0; i < 2; i++) {
        browser.says({ event: "error", data: { code: "bad_request", message: "no", messageId } });
    }
    assert.deepEqual(all("refused").map((one) => one.messageId), [messageId]);
    assert.deepEqual(textsOf(browser), ["bad", "bad", "good"]);
});

test("an error without a name while nothing is in flight is only told", () => {
    const { browser, chat, all } = begin();
    chat.open();
    browser.join();
    browser.says(refusal());
    browser.says(refusal());
    assert.deepEqual(all("refused").map((one) => one.messageId), [undefined, undefined]);
    chat.say("a");
    browser.ack(browser.sentMessages()[0].messageId, 2);
    assert.equal(chat.unsent, 0);
});

for (const code of [1002, 1003, 1007, 1008]) {
    test(`three closes ${code} in a row over one message refuse it`, async () => {
        const page = begin();
        const { browser, storage, chat } = page;
        chat.open();
        const promise = chat.say("bad");
        chat.say("good");
        let isSettled = false;
        promise.catch(() => { isSettled = true; });
        for (let i = 0; i < 3; i++) {
            browser.join();
            assert.deepEqual(textsOf(browser), ["bad"]);
            await null;
            assert.equal(isSettled, false);
            closes(page, code);
        }
        await assert.rejects(promise, { code: "bad_request", message: new RegExp(code) });
        browser.join();
        assert.deepEqual(textsOf(browser), ["good"]);
        browser.ack(browser.sentMessages()[0].messageId, 2);
        assert.ok(isForgotten(storage));
    });
}

test("closes that say nothing about the message, or follow a word about it, do not count", () => {
    const page = begin();
    const { browser, chat, all } = page;
    const closed = (...codes) => {
        for (const code of codes) {
            closes(page, code);
            browser.join();
        }
    };
    chat.open();
    browser.join();
    closed(1008, 1008, 1008, 1008); //  nothing is in flight
    chat.say("a");
    for (const code of [1001, 1006, 1011, 1013]) closed(code, code, code, code);
    closed(1008, 1008);
    const [{ messageId }] = browser.sentMessages();
    browser.says({ event: "busy", data: { code: "busy", messageId, retryAfterMs: 10 } });
    browser.pass(20);
    closed(1008, 1008);
    assert.equal(all("refused").length, 0);
    assert.equal(browser.sentMessages()[0].messageId, messageId);
});

test("text above the app's limit: refused by its name, and the next one goes", async () => {
    const { browser, storage, chat } = begin();
    chat.open();
    browser.join();
    const promise = chat.say("x".repeat(9000));
    chat.say("good");
    const [{ messageId }] = browser.sentMessages();
    browser.says({ event: "error",
        data: { code: "too_large", message: "at most 8192 bytes", messageId } });
    await assert.rejects(promise, { code: "too_large", message: "at most 8192 bytes" });
    assert.equal(browser.sentMessages()[1].data.rawQuery, "good");
    browser.ack(browser.sentMessages()[1].messageId, 2);
    assert.ok(isForgotten(storage));
});

test("the greeting's id is one that the router takes, and one in a session", () => {
    for (const sessionId of ["s".repeat(94), "\u00e4".repeat(60), "s".repeat(200)]) {
        const storage = new FakeStorage();
        const ids = [1, 2].map(() => {
            const { browser, chat } = begin({ storage, sessionId });
            chat.open();
            browser.join();
            chat.launch();
            chat.launch();
            assert.equal(browser.sentMessages().length, 1);
            return browser.sentMessages()[0].messageId;
        });
        assert.equal(ids[0], ids[1]);
        assert.ok(Buffer.byteLength(ids[0]) <= 100, ids[0]);
    }
    const { browser, chat } = begin({ sessionId: "s".repeat(93) });
    chat.open();
    browser.join();
    chat.launch();
    assert.equal(browser.sentMessages()[0].messageId, `launch-${"s".repeat(93)}`);
});

test("what the storage has and no router can take is dropped", () => {
    const { storage, chat } = begin();
    const request = { type: "INTENT_REQUEST", rawQuery: "kept" };
    const ids = ["x".repeat(101), "\u00e4".repeat(51), "a\nb", "a\u007f", "a\u0085", "\ud800", ""];
    for (const id of ids) keep(storage, chat, id, { messageId: id, request, timeMs: 1, count: 0 });
    for (const [id, kept] of Object.entries({
        "no-id": { request }, "number": { messageId: 7, request },
        "no-request": { messageId: "no-request" }, "text": { messageId: "text", request: "x" },
        "list": { messageId: "list", request: [] }, "null": { messageId: "null", request: null },
        "no-json": "{", "no-object": "7",
    })) keep(storage, chat, id, kept);
    keep(storage, chat, "good", { messageId: "good", request, timeMs: 2, count: 0 });
    const after = begin({ storage });
    after.chat.open();
    after.browser.join();
    assert.deepEqual(after.browser.sentMessages().map((frame) => frame.messageId), ["good"]);
    assert.equal(after.chat.unsent, 1);
    after.browser.ack("good", 2);
    assert.equal(storage.length, 1); //  who it is
});

test("a session does not take what another one, whose id goes on behind a colon, has left", () => {
    const storage = new FakeStorage();
    const longer = begin({ storage, userId: "u", sessionId: "s:1" });
    longer.chat.open();
    longer.chat.say("theirs");
    const shorter = begin({ storage, userId: "u", sessionId: "s" });
    shorter.chat.open();
    assert.equal(shorter.chat.unsent, 0);
    const again = begin({ storage, userId: "u", sessionId: "s:1" });
    again.chat.open();
    assert.equal(again.chat.unsent, 1);
});

test("what an earlier page kept and no router can take is refused, the next one goes", () => {
    const { storage, chat } = begin();
    const request = { type: "INTENT_REQUEST", rawQuery: "deep", attributes: { deep: nested(40) } };
    keep(storage, chat, "deep", { messageId: "deep", request, timeMs: 1, count: 0 });
    keep(storage, chat, "good", { messageId: "good", request: { rawQuery: "good" }, timeMs: 2 });
    const after = begin({ storage });
    after.chat.open();
    after.browser.join();
    assert.deepEqual(after.all("refused").map((one) => [one.messageId, one.code]),
        [["deep", "bad_request"]]);
    assert.deepEqual(textsOf(after.browser), ["good"]);
});

test("what nobody can send is rejected, not thrown, and is not kept", async () => {
    const { browser, storage, chat, all } = begin();
    const cycle = {};
    cycle.self = cycle;
    chat.open();
    browser.join();
    const requests = [undefined, null, 7, "text", true, [], [{}], new Map(), new Date(), () => {},
        Symbol("s"), 1n, cycle, { attributes: cycle }, { count: 1n }, { toJSON: () => "text" },
        { toJSON: () => [] }, { toJSON: () => undefined },
        { toJSON() { throw null; } }, { get type() { throw new Error("no"); } },
        { rawQuery: "x", deep: nested(40) }, { rawQuery: "x", deep: nested(20000) },
        { "a\0b": 1 }, { deep: [{ "\0": 1 }] }, { list: Array(8193).fill(0) },
        { list: Array(4200).fill([]) }];
    for (const request of requests) {
        await assert.rejects(chat.send(request), { code: "bad_request" });
    }
    await assert.rejects(chat.say({ toString() { throw new Error("no"); } }),
        { code: "bad_request" });
    await assert.rejects(chat.choose(), { code: "bad_request" });
    await assert.rejects(chat.send({ rawQuery: "x".repeat(256 * 1024) }), { code: "too_large" });
    await assert.rejects(chat.say("\u20ac".repeat(90000)), { code: "too_large" });
    assert.equal(all("refused").length, requests.length + 4);
    assert.equal(all("message").length, 0);
    assert.equal(chat.unsent, 0);
    assert.equal(browser.sentMessages().length, 0);
    assert.ok(isForgotten(storage));
    chat.say("next");
    assert.deepEqual(textsOf(browser), ["next"]);
});

//  The number of levels and values of a frame, as the edge counts them.
function measure(value) {
    if (!value || typeof value !== "object") return { levels: 0, values: 0 };
    const inner = Object.values(value).map(measure);
    return {
        levels: 1 + Math.max(0, ...inner.map((one) => one.levels)),
        values: Math.max(1, inner.length) + inner.reduce((sum, one) => sum + one.values, 0),
    };
}

test("what is just not too deep, too many or too large is sent", async () => {
    const { browser, chat } = begin();
    chat.open();
    browser.join();
    const sends = async (request, expected) => {
        const before = browser.sentMessages().length;
        chat.send(request);
        const frame = browser.sentMessages()[before];
        assert.deepEqual({ ...measure(frame), ...expected }, measure(frame));
        browser.ack(frame.messageId, browser.logged + 1);
        assert.equal(chat.unsent, 0);
        return measure(frame);
    };
    await sends({ deep: nested(30) }, { levels: 32 });
    await assert.rejects(chat.send({ deep: nested(31) }), { code: "bad_request" });
    const holding = (levels) => JSON.parse(`${"[".repeat(levels)}1${"]".repeat(levels)}`);
    await sends({ deep: holding(30) }, { levels: 32 });
    await assert.rejects(chat.send({ deep: holding(31) }), { code: "bad_request" });

    const { values } = await sends({ list: [0] }, {});
    await sends({ list: Array(8192 - values + 1).fill(0) }, { values: 8192 });
    await assert.rejects(chat.send({ list: Array(8192 - values + 2).fill(0) }),
        { code: "bad_request" });
    await sends({ text: `"${"[".repeat(40)}`, quote: "\\" }, {});
    await sends({ text: "{[,".repeat(9000), nul: "\0", "\\u0000": "\\", "a\\": '"\\\0":' }, {});

    await sends({ text: "" }, {});
    const around = Buffer.byteLength(JSON.stringify(browser.sentMessages().at(-1)));
    await sends({ text: "x".repeat(256 * 1024 - around) }, {});
    await assert.rejects(chat.send({ text: "x".repeat(256 * 1024 - around + 1) }),
        { code: "too_large" });
});

test("what is sent is what was said, whatever the page does to it later", () => {
    const { browser, chat } = begin();
    chat.on("message", ({ data }) => { data.self = data; });
    chat.open();
    const request = { rawQuery: "a", attributes: { list: [1] } };
    chat.send(request);
    request.attributes.list.push(request);
    browser.join();
    assert.deepEqual(browser.sentMessages()[0].data.attributes, { list: [1] });
    assert.equal(browser.sentMessages()[0].data.self, undefined);
});

test("a token for the bot that cannot be sent is the message's end", async () => {
    const before = begin();
    before.chat.open();
    before.chat.say("kept");
    for (const [accessToken, code] of [[1n, "bad_request"], ["x".repeat(300000), "too_large"]]) {
        const storage = new FakeStorage();
        for (let i = 0; i < before.storage.length; i++)
            storage.setItem(before.storage.key(i), before.storage.getItem(before.storage.key(i)));
        const { browser, chat, all } = begin({ storage, accessToken });
        chat.open();
        browser.join();
        assert.deepEqual(all("refused").map((one) => one.code), [code]);
        await assert.rejects(chat.say("a"), { code });
        assert.ok(isForgotten(storage));
    }
});

test("a page's id that no router takes ends it, with a reason", async () => {
    const cases = [{ userId: "u".repeat(201) }, { userId: "u\n" }, { userId: "u".repeat(20000) },
        { sessionId: "s".repeat(201) }, { sessionId: "s\u0085" },
        { sessionId: "\u20ac".repeat(67) },
        { appId: "a".repeat(65), code: "unknown_app" }, { appId: "a b", code: "unknown_app" }];
    for (const { code = "bad_request", ...options } of cases) {
        const { browser, chat, all } = begin(options);
        const promise = chat.say("a");
        chat.open();
        await assert.rejects(promise, { code });
        assert.equal(all("status").at(-1).code, code);
        browser.pass(100000);
        assert.equal(browser.sockets.length, 0);
        assert.equal(chat.unsent, 0);
    }
});

test("ids and names are made such that the router's words about them are understood", () => {
    const { browser, chat, all } = begin({ userId: 42, sessionId: "s\ud800", displayName: 7n });
    chat.open();
    browser.join();
    assert.equal(chat.userId, "42");
    assert.equal(browser.socket.sent[0].sessionId, "s\ufffd");
    assert.equal(browser.socket.sent[0].sender.displayName, "7");
    browser.says({ ...answer(3, "hello"), sessionId: "s\ufffd" });
    assert.deepEqual(all("message").map((one) => one.text), ["hello"]);
    chat.bargeIn({ toString: () => "\u{1f600}".repeat(300000) });
    assert.equal(browser.socket.sent.at(-1).sender.displayName, "\u{1f600}".repeat(100));
});

test("an identity in the storage that no router takes is replaced", () => {
    for (const [kept, same] of [[{ userId: 7, sessionId: "s" }, undefined],
        [{ userId: "u".repeat(201), sessionId: "s" }, undefined],
        [{ userId: "u", sessionId: { s: 1 } }, "u"], [{ userId: "u", sessionId: "s\n" }, "u"]]) {
        const storage = new FakeStorage();
        storage.setItem("stentor:chat.test:demo:visitor", JSON.stringify(kept));
        const { browser, chat } = begin({ storage });
        chat.open();
        browser.join();
        assert.equal(chat.status, "open");
        assert.match(chat.sessionId, /^[0-9a-f-]{32,36}$/);
        if (same) assert.equal(chat.userId, same);
        else assert.match(chat.userId, /^[0-9a-f-]{32,36}$/);
    }
});

// ------------------------------------------------------------------------------------------------
//  The page

//  As a browser's page at this address.
function onPage(address, run) {
    const url = new URL(address);
    Object.defineProperty(globalThis, "location", { value: url, configurable: true });
    try {
        return run();
    } finally {
        delete globalThis.location;
    }
}

const pageSaid = (options) => {
    const { browser, chat } = begin({ serverUrl: "ws://chat.test/", ...options });
    chat.open();
    return browser.socket.url.searchParams.get("page");
};

test("a visitor's page is said, without what may be a secret", () => {
    const shop = "https://shop.example/cart/1?token=secret#secret";
    assert.equal(onPage(shop, () => pageSaid({})), "https://shop.example/cart/1");
    assert.equal(onPage(shop, () => pageSaid({ page: "" })), null);
    const other = "https://a.example/x";
    assert.equal(onPage(shop, () => pageSaid({ page: other })), other);
    assert.equal(onPage(shop, () => pageSaid({ isAdmin: true, sessionId: "s-1" })), null);
    assert.equal(onPage("file:///home/ann/x.html", () => pageSaid({})), null);
    assert.equal(pageSaid({}), null);
    assert.equal(pageSaid({ page: other }), other);
});

test("a visitor's page is said when it receives by events, too", async () => {
    const { browser, chat } = begin({ browser: new FakeBrowser().allowHttp(), transport: "events",
        page: "https://a.example/x" });
    chat.open();
    await settle();
    assert.equal(browser.request.url.searchParams.get("page"), "https://a.example/x");
});

// ------------------------------------------------------------------------------------------------
//  Tokens

const refusesToken = (browser) => browser.says({ event: "connection update",
    data: { sessionCreated: false, errorMessage: "it has expired", code: "unauthenticated" } });

test("a token goes among the protocols, and says who the user is", () => {
    const { browser, chat, all } = begin({ token: "a.b.c" });
    chat.open();
    assert.deepEqual(browser.socket.protocols, ["stentor.chat", "stentor.token.a.b.c"]);
    assert.equal(browser.socket.url.searchParams.has("userId"), false);
    browser.accept();
    browser.says({ event: "connection update",
        data: { sessionCreated: true, seq: 1, userId: "customer-1" } });
    browser.says({ event: "new message", messageId: "m", seq: 2, timeMs: 5,
        sender: { userId: "customer-1", isAdmin: false }, data: { rawQuery: "elsewhere" } });
    assert.equal(all("message").at(-1).mine, true);
});

test("a userId beside a token is said, so that the router can compare them", () => {
    const { browser, chat } = begin({ token: "a.b.c", userId: "customer-1" });
    chat.open();
    assert.equal(browser.socket.url.searchParams.get("userId"), "customer-1");
});

test("a function is asked for a token before each connection", async () => {
    let count = 0;
    const { browser, chat } = begin({ token: async () => `token${++count}.b.c` });
    chat.open();
    assert.equal(browser.sockets.length, 0);
    await new Promise(setImmediate);
    assert.equal(browser.socket.protocols[1], "stentor.token.token1.b.c");
    browser.join();
    browser.breaks(1006);
    browser.pass(501);
    await new Promise(setImmediate);
    assert.equal(browser.sockets.length, 2);
    assert.equal(browser.socket.protocols[1], "stentor.token.token2.b.c");
});

test("a token that is refused is renewed, but not for ever", async () => {
    const { browser, chat, all } = begin({ token: () => "a.b.c" });
    chat.open();
    for (let time = 1; time <= 3; time++) {
        await new Promise(setImmediate);
        assert.equal(browser.sockets.length, time);
        browser.accept();
        refusesToken(browser);
        browser.pass(5000);
    }
    await new Promise(setImmediate);
    assert.equal(browser.sockets.length, 3);
    assert.equal(all("status").at(-1).code, "unauthenticated");
});

test("a running chat that is closed for its token goes on with another one", async () => {
    const { browser, chat, all } = begin({ token: () => "a.b.c" });
    chat.open();
    await new Promise(setImmediate);
    browser.join();
    browser.breaks(4401);
    browser.pass(501);
    await new Promise(setImmediate);
    assert.equal(browser.sockets.length, 2);
    browser.join();
    assert.equal(all("status").at(-1).status, "open");
});

test("a fixed token that is refused ends it", () => {
    const { browser, chat, all } = begin({ token: "a.b.c" });
    chat.open();
    browser.breaks(4401);
    browser.pass(60000);
    assert.equal(browser.sockets.length, 1);
    assert.equal(all("status").at(-1).code, "unauthenticated");
});

test("a page that gives no token is asked again later", async () => {
    let count = 0;
    const { browser, chat } = begin({ token: () => {
        if (++count === 1) throw new Error("offline");
        return "a.b.c";
    } });
    chat.open();
    await new Promise(setImmediate);
    assert.equal(browser.sockets.length, 0);
    browser.pass(501);
    await new Promise(setImmediate);
    assert.equal(browser.sockets.length, 1);
});

test("a token that comes after close is not used", async () => {
    const { browser, chat } = begin({ token: async () => "a.b.c" });
    chat.open();
    chat.close();
    await new Promise(setImmediate);
    assert.equal(browser.sockets.length, 0);
});

const tokenOf = (sub) =>
    `e30.${Buffer.from(JSON.stringify({ sub })).toString("base64url")}.c`;

test("users of one browser have conversations of their own", () => {
    const storage = new FakeStorage();
    const sessions = [undefined, tokenOf("anna"), tokenOf("bärbel"), undefined, tokenOf("anna")]
        .map((token) => begin({ storage, token }).chat.sessionId);
    assert.equal(new Set(sessions).size, 3);
    assert.equal(sessions[0], sessions[3]);
    assert.equal(sessions[1], sessions[4]);
});

test("what is said before a token is there is the user's who gives it, and nobody else's",
    async () => {
        const storage = new FakeStorage();
        const never = begin({ storage, token: () => new Promise(() => {}) });
        never.chat.open();
        never.chat.say("Anna's secret");
        const next = begin({ storage, token: () => tokenOf("bob") });
        next.chat.open();
        next.chat.say("Bob's own");
        await new Promise(setImmediate);
        next.browser.join();
        assert.deepEqual(next.all("message").map(({ text }) => text), ["Bob's own"]);
        assert.equal(next.browser.sentMessages().length, 1);
        //  And it is kept from then on.
        const again = begin({ storage, token: tokenOf("bob") });
        again.chat.open();
        assert.deepEqual(again.all("message").map(({ text }) => text), ["Bob's own"]);
        assert.equal(again.chat.sessionId, next.chat.sessionId);
    });

test("a page that gives another user's token begins that user's conversation", async () => {
    let user = "anna";
    const { browser, chat, all } = begin({ token: () => tokenOf(user) });
    chat.open();
    await new Promise(setImmediate);
    browser.join();
    const first = chat.sessionId;
    const said = chat.say("Anna's");
    user = "bob";
    browser.breaks(1006);
    browser.pass(501);
    await assert.rejects(said, { code: "restarted" });
    assert.notEqual(chat.sessionId, first);
    assert.equal(all("session").at(-1).sessionId, chat.sessionId);
    browser.join();
    assert.equal(browser.sentMessages().length, 0);
});

test("a token may end with a line", () => {
    const { browser, chat } = begin({ token: `${tokenOf("anna")}\n` });
    chat.open();
    assert.equal(browser.socket.protocols[1], `stentor.token.${tokenOf("anna")}`);
});

// ---------------------------------------------------------------------------------------------
//  Without WebSocket

async function beginEvents(options = {}) {
    const browser = new FakeBrowser().allowHttp();
    const world = begin({ browser, transport: "events", ...options });
    world.chat.open();
    await settle();
    return world;
}

async function joinEvents(options) {
    const world = await beginEvents(options);
    world.events = world.browser.request;
    await world.events.joins();
    return world;
}

//  A WebSocket that is refused before anything comes on it; then the wait for the next attempt.
async function refuseSockets(browser, times) {
    for (let i = 0; i < times; i++) {
        browser.breaks();
        browser.pass(3000);
        await settle();
    }
}

test("after three WebSockets in vain it receives by events and sends by POST", async () => {
    const browser = new FakeBrowser().allowHttp();
    const { chat, all } = begin({ browser, userId: "u 1", displayName: "Ann" });
    chat.open();
    const promise = chat.say("hello");
    await refuseSockets(browser, 3);
    assert.equal(browser.sockets.length, 3);
    const [events] = browser.requests;
    assert.equal(events.url.origin, "http://chat.test");
    assert.equal(events.path, `/api/v1/sessions/${chat.sessionId}/events`);
    assert.deepEqual(Object.fromEntries(events.url.searchParams), { appId: "demo", userId: "u 1",
        isAdmin: "false", lastEventId: "0", displayName: "Ann" });
    await events.joins();
    assert.equal(chat.status, "open");
    assert.equal(chat.transport, "events");
    const post = browser.request;
    assert.equal(post.path, `/api/v1/sessions/${chat.sessionId}/messages`);
    assert.equal(post.init.method, "POST");
    assert.equal(post.body.data.rawQuery, "hello");
    assert.deepEqual(Object.keys(post.body), ["messageId", "data"]);
    //  The log shows it before the answer to the POST is there: it is acknowledged by that, once.
    await events.says({ event: "new message", seq: 2, messageId: post.body.messageId,
        sender: { userId: "u 1", isAdmin: false }, data: { rawQuery: "hello" } });
    assert.equal(all("ack").length, 0);
    await post.answers(201, { seq: 2, messageId: post.body.messageId,
        time: "2026-11-26T02:03:04.567Z" });
    assert.deepEqual(await promise, { messageId: post.body.messageId, seq: 2,
        timeMs: Date.parse("2026-11-26T02:03:04.567Z"), duplicate: false });
    assert.equal(all("message").length, 1);
    assert.equal(chat.lastSeq, 2);
});

test("a network that is gone is no reason to give up WebSockets", async () => {
    const browser = new FakeBrowser().allowHttp();
    const { chat } = begin({ browser });
    chat.open();
    await refuseSockets(browser, 3);
    browser.request.fails();
    await settle();
    browser.pass(4000);
    await settle();
    assert.equal(browser.sockets.length, 4);
    browser.join();
    assert.equal(chat.status, "open");
    assert.equal(chat.transport, "websocket");
    //  And it starts counting anew.
    browser.breaks();
    browser.pass(6000);
    assert.equal(browser.sockets.length, 5);
});

test("events are tried first for ten minutes once they worked, then one WebSocket", async () => {
    const browser = new FakeBrowser().allowHttp();
    const { chat } = begin({ browser });
    chat.open();
    await refuseSockets(browser, 3);
    await browser.request.joins();
    await browser.request.ends();
    browser.pass(3000);
    await settle();
    assert.equal(browser.sockets.length, 3);
    assert.equal(browser.requests.length, 2);
    await browser.request.joins();
    for (let minute = 0; minute < 11; minute++) {
        await browser.request.writes(":\n\n");
        browser.pass(40000);
    }
    browser.time += 300000;
    await browser.request.ends();
    browser.pass(500);
    await settle();
    assert.equal(browser.sockets.length, 4);
    browser.breaks();
    browser.pass(3000);
    await settle();
    assert.equal(browser.sockets.length, 4);
    assert.equal(browser.requests.length, 3);
});

test("a cut stream goes on behind the last event; nothing is lost or doubled", async () => {
    const { browser, chat, events, all } = await joinEvents();
    await events.says({ ...answer(3, "one"), check: "00000000000000ab" });
    const promise = chat.say("hello");
    const first = browser.request;
    await events.breaks();
    assert.equal(first.isAborted, true);
    browser.pass(500);
    await settle();
    const second = browser.request;
    assert.equal(second.url.searchParams.get("lastEventId"), "3-00000000000000ab");
    await second.joins(4);
    await second.says(answer(3, "one"));
    await second.says(answer(5, "two"));
    //  The first POST may have been stored: the same id goes again.
    assert.equal(browser.request.body.messageId, first.body.messageId);
    await browser.request.answers(200, { seq: 4, time: "2026-11-26T02:03:04.567Z" });
    assert.equal((await promise).duplicate, true);
    assert.deepEqual(all("message").map((one) => one.text), ["one", "hello", "two"]);
});

test("messages go by POST one at a time, in order, and wait when they have to", async () => {
    const { browser, chat } = await joinEvents();
    for (const text of ["a", "b"]) chat.say(text);
    await settle();
    const posts = () => browser.requests.filter((one) => one.init.method === "POST");
    const texts = () => posts().map((one) => one.body.data.rawQuery);
    assert.deepEqual(texts(), ["a"]);
    await posts()[0].answers(503, { type: "urn:stentor:problem:busy" }, { "retry-after": "2" });
    assert.deepEqual(texts(), ["a"]);
    browser.pass(2600);
    await settle();
    assert.deepEqual(texts(), ["a", "a"]);
    assert.equal(posts()[1].body.messageId, posts()[0].body.messageId);
    await posts()[1].answers(201, { seq: 2, time: "2026-11-26T02:03:04.567Z" });
    assert.deepEqual(texts(), ["a", "a", "b"]);
});

test("what a POST is refused with is told, and the next one goes on", async () => {
    const refusals = [
        [400, { type: "urn:stentor:problem:bad-request", detail: "why" }, {}, "bad_request"],
        [403, { type: "urn:stentor:problem:forbidden" }, {}, "not_allowed"],
        [413, { type: "urn:stentor:problem:too-large" }, {}, "too_large"],
        [413, "too large", { "content-type": "text/plain" }, "too_large"],
    ];
    for (const [status, body, headers, code] of refusals) {
        const { browser, chat, all } = await joinEvents();
        const promise = chat.say("a").catch((error) => error.code);
        chat.say("b");
        await browser.request.answers(status, body, headers);
        assert.equal(await promise, code);
        assert.equal(all("refused")[0].code, code);
        assert.equal(browser.request.body.data.rawQuery, "b");
    }
});

test("a message that is too large for a POST is refused at once", async () => {
    const { browser, chat } = await joinEvents();
    assert.equal(await chat.say("a".repeat(65536)).catch(({ code }) => code), "too_large");
    assert.equal(browser.requests.length, 1);
    chat.say("b");
    assert.equal(browser.request.body.data.rawQuery, "b");
});

test("a POST that no router answered is sent again after a reconnect", async () => {
    for (const fail of [(post) => post.fails(), (post) => post.answers(502, "<html>",
        { "content-type": "text/html" }), (post) => post.answers(403, "<html>",
        { "content-type": "text/html" })]) {
        const { browser, chat, events } = await joinEvents();
        chat.say("a");
        const post = browser.request;
        await fail(post);
        await settle();
        assert.equal(chat.status, "waiting");
        assert.equal(events.isAborted, true);
        browser.pass(500);
        await settle();
        await browser.request.joins();
        assert.equal(browser.request.body.messageId, post.body.messageId);
    }
});

test("the router's refusals of a stream are those of a WebSocket", async () => {
    const finals = [[400, "bad-request", "bad_request"],
        [401, "unauthenticated", "unauthenticated"], [403, "forbidden", "not_allowed"],
        [404, "unknown-app", "unknown_app"]];
    for (const [status, type, code] of finals) {
        const { browser, chat, all } = await beginEvents();
        await browser.request.answers(status, { type: `urn:stentor:problem:${type}` });
        assert.equal(chat.status, "closed");
        assert.equal(all("status").at(-1).code, code);
    }
    const passing = [[404, { type: "urn:stentor:problem:not-found" }], [503, {}], [429, {}],
        [403, "<html>", { "content-type": "text/html" }],
        [200, "<html>", { "content-type": "text/html" }]];
    for (const [status, body, headers] of passing) {
        const { browser, chat } = await beginEvents();
        await browser.request.answers(status, body, headers);
        assert.equal(chat.status, "waiting");
    }
});

test("the end of a stream is told with its reason", async () => {
    const { browser, all, events } = await joinEvents();
    await events.says({ event: "going away", data: { delayMs: 1234 } });
    await events.says({ code: 1001, reason: "going_away" }, "close");
    assert.equal(all("status").at(-1).retryAt, browser.time + 1234);
    const other = await joinEvents();
    await other.events.says({ code: 4401, reason: "token_expired" }, "close");
    assert.equal(other.all("status").at(-1).code, "unauthenticated");
});

test("tokens go in a header, and a new one is asked for when one is refused", async () => {
    const tokens = ["one.e30.x", "two.e30.x", "three.e30.x"];
    const { browser, chat, all } = await beginEvents({ token: () => tokens.shift() });
    assert.equal(browser.request.init.headers.authorization, "Bearer one.e30.x");
    assert.equal(browser.request.url.searchParams.has("userId"), false);
    await browser.request.answers(401, { type: "urn:stentor:problem:unauthenticated" });
    browser.pass(500);
    await settle();
    const events = browser.request;
    assert.equal(events.init.headers.authorization, "Bearer two.e30.x");
    await events.joins();
    const promise = chat.say("hello");
    await browser.request.answers(401, { type: "urn:stentor:problem:unauthenticated" });
    browser.pass(3000);
    await settle();
    await browser.request.joins();
    assert.equal(browser.request.init.headers.authorization, "Bearer three.e30.x");
    await browser.request.answers(201, { seq: 2, time: "2026-11-26T02:03:04.567Z" });
    assert.equal((await promise).seq, 2);
    assert.equal(all("refused").length, 0);
});

test("events are read however their text is cut", async () => {
    const text = ":\n\nid: 2\r\ndata: {\"event\":\"new message\",\r\ndata:\"seq\":2,\"data\":"
        + "{\"rawQuery\":\"a\u2028b\"}}\r\n\r\nretry: 1\n\nevent: other\ndata: {}\n\n"
        + "data: {\"event\":\"new message\",\"seq\":3,\"data\":{\"rawQuery\":\"ä\"}}\r\r"
        + "data: {";
    for (const size of [1, 2, 3, 7, 1000]) {
        const { events, all } = await joinEvents();
        const bytes = new TextEncoder().encode(text);
        for (let at = 0; at < bytes.length; at += size)
            await events.writesBytes(bytes.slice(at, at + size));
        await settle();
        assert.deepEqual(all("message").map((one) => one.text), ["a\u2028b", "ä"], `by ${size}`);
    }
});

test("a silent stream is given up, a comment is a sign of life", async () => {
    const { browser, chat, events } = await joinEvents();
    for (let i = 0; i < 3; i++) {
        browser.pass(50000);
        await events.writes(":\n\n");
        assert.equal(chat.status, "open");
    }
    browser.pass(52900);
    assert.equal(chat.status, "open");
    browser.pass(200);
    assert.equal(chat.status, "waiting");
});

test("an agent without a WebSocket watches and cannot take control", async () => {
    const { browser, chat, all } = await joinEvents({ isAdmin: true, sessionId: "s-1" });
    chat.bargeIn("Anna");
    await settle();
    assert.deepEqual(all("refused").map(({ code }) => code), ["no_websocket"]);
    assert.equal(chat.inControl, false);
    chat.typing(true);
    assert.equal(browser.requests.length, 1);
    chat.close();
    assert.equal(browser.request.isAborted, true);
});

test("an agent without a WebSocket whispers by POST", async () => {
    const { browser, chat, all } = await joinEvents({ isAdmin: true, sessionId: "s-1" });
    const promise = chat.whisper("psst");
    await settle();
    const { body, path } = browser.request;
    assert.deepEqual([path, body.whisper, body.data.rawQuery],
        ["/api/v1/sessions/s-1/messages", true, "psst"]);
    await browser.request.answers(201, { seq: 4, time: "2026-11-26T02:03:04.567Z" });
    assert.equal((await promise).seq, 4);
    chat.whisper("again").catch(() => {});
    await settle();
    await browser.request.answers(403, { type: "urn:stentor:problem:forbidden" });
    assert.deepEqual(all("refused").map(({ code }) => code), ["not_allowed"]);
    chat.say("aloud");
    await settle();
    assert.equal("whisper" in browser.request.body, false);
});

test("a history that changed is told on a stream, too", async () => {
    const { events, all, chat } = await joinEvents();
    await events.says(answer(3, "one"));
    await events.says({ event: "history changed", seq: 2, check: "00000000000000cd",
        data: { lastSeq: 2 } });
    assert.deepEqual(all("history"), [{ event: "history", seq: 2 }]);
    assert.equal(chat.lastSeq, 2);
});

const reads = ({ socket }) => socket.sent.filter(({ event }) => event === "read")
    .map(({ seq }) => seq);

test("what was read is told once a second, and only rises", () => {
    const { browser, chat } = begin();
    chat.open();
    chat.markRead();
    browser.join();
    for (let seq = 2; seq < 6; seq++) {
        browser.says(answer(seq, `answer ${seq}`));
        chat.markRead();
    }
    chat.markRead(99);
    chat.markRead(3);
    assert.deepEqual(reads(browser), [2]);
    browser.pass(1000);
    assert.deepEqual(reads(browser), [2, 5]);
    browser.pass(5000);
    assert.deepEqual(reads(browser), [2, 5]);
});

test("what was read is told again on the next connection, and forgotten with its log", () => {
    const { browser, chat } = begin();
    chat.open();
    browser.join();
    browser.says(answer(2, "two"));
    browser.says(answer(3, "three"));
    chat.markRead();
    browser.socket.onclose({ code: 1006 });
    browser.pass(600);
    browser.join();
    assert.deepEqual(reads(browser), [3]);
    browser.pass(2000);
    browser.says({ event: "history changed", seq: 2, data: { lastSeq: 2 } });
    browser.says(answer(3, "another"));
    chat.markRead();
    assert.deepEqual(reads(browser), [3, 3]);
});

test("an older router that does not know what was read is not told", () => {
    const { browser, chat, all } = begin();
    chat.open();
    browser.join();
    browser.says(answer(2, "two"));
    chat.markRead();
    browser.says({ event: "error", data: { code: "unknown_event", message: "no such event" } });
    browser.pass(2000);
    browser.says(answer(3, "three"));
    chat.markRead();
    assert.deepEqual(reads(browser), [2]);
    assert.deepEqual(all("refused"), []);
});

test("who is connected, and what was received and read", () => {
    const { browser, chat, all } = begin({ isAdmin: true, sessionId: "s-1", userId: "anna" });
    chat.open();
    browser.join();
    const sender = { deviceId: "Widget", userId: "vic" };
    const who = { role: "visitor", userId: "vic" };
    browser.says({ event: "typing", sender });
    browser.says({ event: "presence", sender, data: { ...who, connected: false, readSeq: 3 } });
    browser.says({ event: "receipt", sender, data: { ...who, deliveredSeq: 4 } });
    assert.deepEqual(all("typing").map(({ on }) => on), [true, false]);
    assert.deepEqual(all("presence"), [{ event: "presence", ...who, sender, connected: false,
        deliveredSeq: 0, readSeq: 3 }]);
    assert.deepEqual(all("receipt"), [{ event: "receipt", ...who, sender, deliveredSeq: 4,
        readSeq: 0 }]);
});
