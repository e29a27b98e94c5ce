//  agent_conversation — one visitor's conversation as its agents see it: watches it, takes it over,
//  offers it to others, gives it back.

import { answers, clock, refusalOf, shortId } from "./agent_desk.js";
import { ChatView } from "./chat_view.js";
import { markSeen, showStatus } from "./connection_state.js";
import { startWriter } from "./writer.js";

const byId = (id) => document.getElementById(id);
const whispers = () => byId("whisper").checked;
const myName = () => byId("name").value.trim();

//  What takes control away, in the words of the one who had it.
const LOST = {
    replaced: "You no longer answer: another agent has taken over",
    passed: "You no longer answer: somebody else has accepted",
    absent: "You no longer answer: you were away for too long",
    silent: "You no longer answer: you were silent for too long",
    asked: "You have handed the visitor back",
};

//  How an offer ended, in words.
const ENDED = {
    accepted: "accepted",
    declined: "declined",
    expired: "not answered in time",
    withdrawn: "withdrawn",
    nobody: "nobody is there to take it",
};

//  What happens at a deadline, in words.
const WARNINGS = {
    silent: "The visitor has no answer yet, and is taken from whoever answers",
    waiting: "Nobody was found yet, and others are asked",
};

//  What is known of a visitor who came. Nothing of it is proven.
const known = ({ page, language } = {}) => [page && ` on ${page}`, language && ` (${language})`]
    .filter(Boolean).join("");

export class Conversation {
    constructor(configuration, desk) {
        this.configuration = configuration;
        this.desk = desk;
        this.chat = null;
        this.unmark = null;     //  ends that what comes is read
        this.names = new Map(); //  agents' ids → names
        this.view = new ChatView({
            scroll: byId("scroll"), log: byId("log"), live: byId("live"), chips: byId("chips"),
            newer: byId("newer"),
            actions: { say: () => {}, choose: () => {}, retry: (text, whisper) =>
                (whisper ? this.chat.whisper(text) : this.chat.say(text)) },
        });
        this.grow = startWriter({
            form: byId("writer"), text: byId("text"), send: byId("send"),
            onSay: (text) => (whispers() ? this.chat.whisper(text) : this.chat.say(text)),
            //  A visitor is not to see that somebody writes to the other agents.
            onTyping: (on) => this.chat.typing(on && !whispers()),
        });
        byId("whisper").addEventListener("change", () => {
            if (whispers() && this.chat) this.chat.typing(false);
            this.#showControl();
        });
        byId("take").addEventListener("click", () => this.#order("take", { name: myName() }));
        byId("give").addEventListener("click", () => this.#order("release"));
        byId("pass").addEventListener("submit", (event) => {
            event.preventDefault();
            if (byId("pass-to").value) this.#order("offer", byId("pass-to").value);
        });
        byId("pass-to").addEventListener("focus", () => this.#listTargets());
    }

    open(sessionId) {
        if (this.chat && this.chat.sessionId === sessionId) return;
        this.#close();
        this.view.clear();
        byId("text").value = "";
        this.chat = new window.StentorChat({ ...this.configuration, sessionId, isAdmin: true,
            displayName: myName() });
        this.#listen(this.chat);
        this.unmark = markSeen(this.chat);
        byId("control").hidden = false;
        byId("title").textContent = `Session ${sessionId.slice(0, 24)}`;
        byId("answers").textContent = "";
        byId("away").hidden = true;
        this.#showControl();
        this.#listTargets();
        this.chat.open();
    }

    #close() {
        if (!this.chat) return;
        this.chat.close();
        this.unmark();
    }

    #nameOf(userId) {
        return this.names.get(userId) || shortId(userId);
    }

    #who(sender) {
        return sender && sender.isAdmin ? sender.displayName || "An agent" : "The visitor";
    }

    // -----------------------------------------------------------------------------------------
    //  What is reported. A chat that was closed is over: what it still says is not shown.

    #listen(chat) {
        const { view } = this;
        const on = (event, listener) => chat.on(event, (detail) => {
            if (this.chat === chat) listener(detail);
        });
        showStatus({ on }, { state: byId("state"), banner: byId("banner"),
            online: () => (chat.inControl ? "You answer" : "Watching") });
        on("message", (message) => view.message(message));
        on("whisper", (message) => view.message({ ...message, whisper: true }));
        on("ack", (ack) => view.ack(ack));
        on("refused", (refusal) => {
            view.refused(refusal);
            if (!refusal.messageId) view.notice(`Refused: ${refusal.message || refusal.code}`);
        });
        //  The visitor's: the agents' are not shown here.
        on("presence", (one) => this.#seen(one, one.connected));
        on("receipt", (one) => this.#seen(one));
        on("typing", (typing) => view.typing(typing));
        on("part", (part) => view.part(part));
        on("failure", (failure) => view.bothered(failure));
        on("joined", (joined) => this.#joined(joined));
        on("left", ({ sender, seq, why, mine }) => {
            view.notice(mine ? LOST[why] || "You no longer answer"
                : `${this.#who(sender)} has left`, seq);
            this.#showControl();
        });
        on("control", (control) => this.#showAnswers(control));
        on("offer", ({ to, targets, step, why, seq }) => {
            const words = to ? `${this.#target(to)} is asked` : `${targets[step]} is sought`;
            view.notice([words, why].filter(Boolean).join(": "), seq);
        });
        on("offerEnded", ({ why, to, seq }) =>
            view.notice(`${to ? this.#target(to) : "The offer"}: ${ENDED[why] || why}`, seq));
        on("deadline", ({ why, until, seq }) => view.notice(
            `${WARNINGS[why] || "Nobody will have answered in time"} at ${clock(until)}`, seq));
        on("history", ({ seq }) => {
            view.truncate(seq);
            this.#showControl();
        });
        on("lost", (message) => view.lost(message, "agent"));
        on("handoff", ({ kind, seq }) => view.notice(`The bot asks for a person (${kind})`, seq));
        on("closed", ({ seq }) => view.notice("The conversation was closed", seq));
    }

    #seen({ role, deliveredSeq, readSeq }, isConnected) {
        if (role !== "visitor") return;
        this.view.receipt({ deliveredSeq, readSeq });
        if (isConnected !== undefined) byId("away").hidden = isConnected;
    }

    #joined({ sender, seq, mine, visitor }) {
        if (sender && sender.isAdmin) this.names.set(sender.userId, sender.displayName);
        this.view.notice(mine ? "You answer the visitor"
            : `${this.#who(sender)} has joined${known(visitor)}`, seq);
        this.#showControl();
        if (mine) byId("text").focus();
    }

    #target(target) {
        return target.startsWith("agent:") ? this.#nameOf(target.slice("agent:".length)) : target;
    }

    #showAnswers(control) {
        const since = control.since ? ` since ${clock(control.since)}` : "";
        byId("answers").textContent = answers(control, (id) => this.#nameOf(id)) + since;
    }

    #showControl() {
        const mine = Boolean(this.chat && this.chat.inControl);
        const isWhisper = whispers();
        byId("take").hidden = mine;
        byId("give").hidden = !mine;
        byId("writer").classList.toggle("whispers", isWhisper);
        byId("text").disabled = !this.chat || (!mine && !isWhisper);
        byId("text").placeholder = isWhisper ? "Only agents see this"
            : mine ? "Write to the visitor" : "Take over to write, or whisper to agents";
        if (this.chat && this.chat.status === "open")
            byId("state").textContent = mine ? "You answer" : "Watching";
        this.grow();
    }

    // -----------------------------------------------------------------------------------------
    //  Orders

    async #order(name, ...given) {
        const { chat } = this;
        try {
            await chat[name](...given);
        } catch (error) {
            const words = refusalOf(error, (id) => this.#nameOf(id));
            if (this.chat === chat) this.view.notice(words);
        }
    }

    //  The others who are available, their groups, and the bot.
    async #listTargets() {
        const agents = await this.desk.agents({ state: "available" }).catch(() => []);
        for (const { userId, name } of agents) this.names.set(userId, name);
        const groups = [...new Set(agents.flatMap((agent) => agent.groups))].sort();
        const targets = [
            ...groups.map((group) => [`group:${group}`, `Group ${group}`]),
            ...agents.filter(({ userId }) => userId !== this.desk.userId)
                .map(({ userId }) => [`agent:${userId}`, this.#nameOf(userId)]),
            ["bot", "The bot"],
        ];
        const chosen = byId("pass-to").value;
        const options = targets.map(([value, words]) => new Option(words, value));
        byId("pass-to").replaceChildren(...options);
        if (targets.some(([value]) => value === chosen)) byId("pass-to").value = chosen;
    }
}
