//  agent_desk — the agent's side of all conversations: whether it is available, what is offered to
//  it, who waits, and which conversations there are.

import { element } from "./chat_view.js";

const byId = (id) => document.getElementById(id);
const SHORT = 12; //  characters of an id
const LISTED_MOST = 100;
const BOT_EVERY = 15000; //  milliseconds

export const shortId = (id) => (id.length > SHORT ? `${id.slice(0, SHORT)}…` : id);
export const clock = (timeMs) => new Date(timeMs)
    .toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

//  Who answers, in words. nameOf: of an agent's id.
export function answers({ role, userId, mine, offer }, nameOf = shortId) {
    if (mine) return "You answer";
    if (role === "agent") return `${nameOf(userId)} answers`;
    if (role === "platform") return `${userId} answers`;
    if (role === "bot") return "The bot answers";
    return offer && offer.offeredTo ? `Nobody answers, ${offer.offeredTo} is asked`
        : `Nobody answers, ${offer ? offer.targets[offer.step] : "somebody"} is sought`;
}

//  Why an order was not carried out. The slower of two is told who was faster.
export function refusalOf({ code, message, control }, nameOf = shortId) {
    if (code !== "precondition" || !control) return `Not done: ${message}`;
    const since = control.since ? ` since ${clock(control.since)}` : "";
    return `Somebody was faster: ${answers(control, nameOf)}${since}`;
}

//  Items that are there stay the same elements, so that nobody loses the button that it is on.
function show(list, rows, { keyOf, make, update }) {
    const old = new Map([...list.children].map((item) => [item.dataset.key, item]));
    const items = rows.map((row) => {
        const item = old.get(keyOf(row)) || make(row);
        item.dataset.key = keyOf(row);
        update(item, row);
        return item;
    });
    const isSame = items.length === list.children.length
        && items.every((item, at) => item === list.children[at]);
    if (!isSame) list.replaceChildren(...items);
}

function part(item, name) {
    return item.querySelector(`.${name}`);
}

export class AgentDesk {
    //  onOpen (sessionId)
    constructor(desk, { demoMode, onOpen }) {
        this.desk = desk;
        this.onOpen = onOpen;
        this.current = "";
        for (const id of ["groups", "groups-label"]) byId(id).hidden = !demoMode;
        this.demoMode = demoMode;
        desk.on("status", (status) => this.#showStatus(status));
        desk.on("change", () => this.#show());
        desk.on("offer", ({ row }) => this.#showTitle(row));
        desk.on("availability", ({ agent }) => this.#showAgent(agent));
        byId("me").addEventListener("submit", (event) => event.preventDefault());
        byId("me").addEventListener("change", () => this.#setAgent());
        //  Countdowns, and how long somebody has waited.
        setInterval(() => this.#show(), 1000);
        setInterval(() => this.#askBot(), BOT_EVERY);
    }

    //  The conversation that is open.
    mark(sessionId) {
        this.current = sessionId;
        this.#show();
    }

    #showStatus({ status, message, code }) {
        const words = { open: "Connected", connecting: "Connecting…", waiting: "Offline" };
        byId("desk-state").dataset.kind = status;
        byId("desk-state").textContent = words[status] || message || code || "Closed";
        if (status === "open") this.#askBot();
    }

    async #askBot() {
        if (this.desk.status !== "open") return;
        const { hasBot, state } = await this.desk.botHealth().catch(() => ({}));
        byId("bot").textContent = hasBot && state !== "closed"
            ? "The bot gives no answers at the moment" : "";
    }

    #complain(words) {
        byId("desk-banner").hidden = !words;
        byId("desk-banner").textContent = words;
    }

    //  The page's title tells of an offer when the page is not looked at.
    #showTitle() {
        document.title = "Offer · Stentor Chat Router";
    }

    #show() {
        const { desk } = this;
        const offers = desk.offers();
        if (!offers.length) document.title = "Agent · Stentor Chat Router";
        show(byId("offers"), offers, {
            keyOf: (row) => `${desk.control(row).version} ${row.sessionId}`,
            make: (row) => this.#makeOffer(row),
            update: (item, row) => this.#updateOffer(item, row),
        });
        const rows = { keyOf: ({ sessionId }) => sessionId, make: (row) => this.#makeRow(row),
            update: (item, row) => this.#updateRow(item, row) };
        const waiting = desk.waiting().filter((row) => this.#waits(row));
        show(byId("waiting"), waiting.slice(0, LISTED_MOST), rows);
        const others = desk.sessions().filter((row) => !this.#waits(row));
        show(byId("sessions"), others.slice(0, LISTED_MOST), rows);
    }

    //  An agent who looks for a successor goes on answering.
    #waits(row) {
        return Boolean(row.offer) && row.control.role !== "agent";
    }

    // -----------------------------------------------------------------------------------------
    //  An offer

    #makeOffer(row) {
        const decide = (name) => async (event) => {
            event.target.disabled = true;
            try {
                await this.desk[name](row.sessionId, { name: byId("name").value.trim() });
                this.#complain("");
                if (name === "accept") this.onOpen(row.sessionId);
            } catch (error) {
                this.#complain(refusalOf(error));
                event.target.disabled = false;
            }
        };
        return element("li", { class: "offer" },
            element("p", {}, `Visitor ${shortId(row.visitor)} is offered to you`),
            element("p", { class: "why" }),
            element("p", { class: "left", "aria-live": "off" }),
            element("div", { class: "choices" },
                element("button", { type: "button", class: "plain accept",
                    click: decide("accept") }, "Accept"),
                element("button", { type: "button", class: "plain decline",
                    click: decide("decline") }, "Decline")));
    }

    #updateOffer(item, row) {
        const { offer } = this.desk.control(row);
        const seconds = Math.max(0, Math.ceil((offer.until - Date.now()) / 1000));
        part(item, "why").textContent = [offer.targets[offer.step], offer.why]
            .filter(Boolean).join(": ");
        part(item, "left").textContent = `${seconds} s left`;
    }

    // -----------------------------------------------------------------------------------------
    //  A conversation

    #makeRow(row) {
        return element("li", {}, element("button",
            { type: "button", class: "row", click: () => this.onOpen(row.sessionId) },
            element("strong", { class: "visitor" }), element("span", { class: "how" })));
    }

    #updateRow(item, row) {
        const control = this.desk.control(row);
        const minutes = Math.floor((Date.now() - control.waitingSince) / 60000);
        const how = [answers(control)];
        if (this.#waits(row)) how.push(minutes < 1 ? "waits" : `waits for ${minutes} min`);
        else if (control.offer) how.push("is offered to others");
        else if (row.waiting) how.push("has not been answered");
        part(item, "visitor").textContent = `Visitor ${shortId(row.visitor)}`;
        part(item, "how").textContent = how.join(" · ");
        const isCurrent = row.sessionId === this.current;
        if (isCurrent) item.firstElementChild.setAttribute("aria-current", "true");
        else item.firstElementChild.removeAttribute("aria-current");
    }

    // -----------------------------------------------------------------------------------------
    //  The agent

    async #setAgent() {
        const groups = byId("groups").value.split(",").map((one) => one.trim()).filter(Boolean);
        if (!byId("availability").value) return;
        try {
            await this.desk.setAvailability({
                state: byId("availability").value,
                capacity: Number(byId("capacity").value) || undefined,
                name: byId("name").value.trim() || undefined,
                //  Elsewhere they are what the agent's token says.
                groups: this.demoMode ? groups : undefined,
            });
            this.#complain("");
        } catch (error) {
            this.#complain(refusalOf(error));
            this.#showAgent(this.desk.agent);
        }
    }

    #showAgent(agent) {
        byId("availability").value = agent ? agent.state : "";
        if (!agent) return;
        const { state, why, missed, awayAfterMissed, capacity, groups, name } = agent;
        const fields = { capacity, name, groups: groups.join(", ") };
        for (const [id, value] of Object.entries(fields))
            if (value && document.activeElement !== byId(id)) byId(id).value = value;
        const isSentAway = state === "away" && why === "missed";
        byId("missed").textContent = isSentAway
            ? `You are away, as you missed ${awayAfterMissed} offers in a row`
            : missed ? `Missed ${missed} of ${awayAfterMissed} offers, then you are away` : "";
    }
}
