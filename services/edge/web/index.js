//  The visitor's page: client.js on one side, the view on the other.

import { ChatView } from "./chat_view.js";
import { markSeen, readConfiguration, showStatus } from "./connection_state.js";
import { startWriter } from "./writer.js";

const byId = (id) => document.getElementById(id);
const configuration = await readConfiguration();
const chat = new window.StentorChat(configuration);

const actions = {
    say: (text) => chat.say(text),
    choose: (item) => chat.choose(item),
    retry: (text) => chat.say(text),
};
const view = new ChatView({
    scroll: byId("scroll"), log: byId("log"), live: byId("live"), chips: byId("chips"),
    newer: byId("newer"), actions,
});

let agent = null; //  who has taken over from the bot
let agents = [];  //  when that changed: { seq, name }

function showWho() {
    byId("title").textContent = agent || "Assistant";
    document.querySelector(".avatar").textContent = (agent || "S").slice(0, 1).toUpperCase();
}

function nameOf(sender) {
    return (sender && sender.displayName) || "An agent";
}

showStatus(chat, { state: byId("state"), banner: byId("banner"), online: () => "Online" });
chat.on("status", ({ status }) => {
    if (status === "open") chat.launch();
});
chat.on("message", (message) => view.message(message));
chat.on("ack", (ack) => view.ack(ack));
chat.on("refused", (refusal) => view.refused(refusal));
//  Of the agent who answers: nobody else is told of to a visitor.
chat.on("presence", (one) => view.receipt(one));
chat.on("receipt", (one) => view.receipt(one));
markSeen(chat);
chat.on("typing", (typing) => view.typing(typing));
chat.on("part", (part) => view.part(part));
chat.on("failure", (failure) => view.bothered(failure));
chat.on("joined", ({ sender, seq }) => {
    agent = nameOf(sender);
    agents.push({ seq, name: agent });
    view.notice(`${agent} has joined the chat`, seq);
    showWho();
});
chat.on("left", ({ sender, seq }) => {
    agent = null;
    agents.push({ seq, name: null });
    view.notice(`${nameOf(sender)} has left the chat`, seq);
    showWho();
});
chat.on("handoff", ({ kind, seq }) => {
    view.notice(kind === "TRANSFER_CALL" ? "The assistant asks for a phone call with a person"
        : "The assistant asks for a person", seq);
});
chat.on("history", ({ seq }) => {
    agents = agents.filter((change) => change.seq <= seq);
    agent = agents.at(-1)?.name ?? null;
    view.truncate(seq);
    showWho();
});
chat.on("lost", (message) => view.lost(message));
chat.on("session", () => {
    agent = null;
    agents = [];
    view.clear();
    showWho();
    linkAgentPage();
});

function linkAgentPage() {
    byId("agent-hint").hidden = !configuration.demoMode;
    byId("agent-link").href = `agent.html?sessionId=${encodeURIComponent(chat.sessionId)}`;
}

startWriter({
    form: byId("writer"), text: byId("text"), send: byId("send"),
    onSay: (text) => chat.say(text),
    onTyping: (on) => chat.typing(on),
});
byId("restart").addEventListener("click", () => {
    chat.restart();
    byId("text").focus();
});
byId("try").addEventListener("click", (event) => {
    const { say } = event.target.dataset;
    if (say) chat.say(say);
});

showWho();
linkAgentPage();
byId("widget-hint").hidden = !configuration.hasWidget;
chat.open();
