//  The agent's page (demo mode, or #token=… of an agent): watches a session, takes it over, gives
//  it back.

import { ChatView } from "./chat_view.js";
import { readConfiguration, showStatus } from "./connection_state.js";
import { startWriter } from "./writer.js";

const byId = (id) => document.getElementById(id);
const sessionId = new URLSearchParams(window.location.search).get("sessionId");

if (sessionId) await watch(sessionId);
else askForSession();

function askForSession() {
    byId("choose").hidden = false;
    byId("state").textContent = "Which conversation?";
    byId("choose").addEventListener("submit", (event) => {
        event.preventDefault();
        window.location.search = new URLSearchParams({ sessionId: byId("session").value });
    });
}

async function watch(session) {
    const configuration = await readConfiguration();
    const chat = new window.StentorChat({ ...configuration, sessionId: session, isAdmin: true });
    const nothing = () => {};
    const view = new ChatView({
        scroll: byId("scroll"), log: byId("log"), live: byId("live"), chips: byId("chips"),
        newer: byId("newer"),
        actions: { say: nothing, choose: nothing, retry: (text) => chat.say(text) },
    });
    const grow = startWriter({
        form: byId("writer"), text: byId("text"), send: byId("send"),
        onSay: (text) => chat.say(text),
        onTyping: (on) => chat.typing(on),
    });

    const showControl = () => {
        const mine = chat.inControl;
        byId("take").hidden = mine;
        byId("give").hidden = !mine;
        byId("name").disabled = mine;
        byId("text").disabled = !mine;
        byId("text").placeholder = mine ? "Write to the visitor" : "Take over to write";
        if (chat.status === "open") byId("state").textContent = mine ? "You answer" : "Watching";
        grow();
    };
    //  What takes control away, in the words of the one who had it.
    const lost = {
        replaced: "You no longer answer: another agent has taken over",
        absent: "You no longer answer: you were away for too long",
        asked: "You have handed the visitor back",
    };
    const who = (sender) => (sender && sender.isAdmin
        ? sender.displayName || "An agent" : "The visitor");

    //  What is known of a visitor who came. Nothing of it is proven.
    const known = ({ page, language } = {}) => [page && ` on ${page}`, language && ` (${language})`]
        .filter(Boolean).join("");

    showStatus(chat, { state: byId("state"), banner: byId("banner"),
        online: () => (chat.inControl ? "You answer" : "Watching") });
    chat.on("message", (message) => view.message(message));
    chat.on("ack", (ack) => {
        view.ack(ack);
        showControl();
    });
    chat.on("refused", (refusal) => {
        view.refused(refusal);
        if (!refusal.messageId) view.notice(`Refused: ${refusal.message || refusal.code}`);
    });
    chat.on("typing", (typing) => view.typing(typing));
    chat.on("failure", (failure) => view.bothered(failure));
    chat.on("joined", ({ sender, seq, mine, visitor }) => {
        const words = `${who(sender)} has joined${known(visitor)}`;
        view.notice(mine ? "You answer the visitor" : words, seq);
        showControl();
    });
    chat.on("left", ({ sender, seq, why, mine }) => {
        const words = mine ? lost[why] || "You no longer answer" : `${who(sender)} has left`;
        view.notice(words, seq);
        showControl();
    });
    chat.on("history", ({ seq }) => {
        view.truncate(seq);
        showControl();
    });
    chat.on("lost", (message) => view.lost(message, "agent"));
    chat.on("handoff", ({ kind, seq }) => view.notice(`The bot asks for a person (${kind})`, seq));

    byId("control").hidden = false;
    byId("control").addEventListener("submit", (event) => {
        event.preventDefault();
        chat.bargeIn(byId("name").value.trim());
        showControl();
        byId("text").focus();
    });
    byId("give").addEventListener("click", () => {
        chat.bargeOut();
        showControl();
    });
    byId("title").textContent = `Session ${session.slice(0, 24)}`;
    showControl();
    chat.open();
}
