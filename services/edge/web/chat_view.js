//  chat_view — shows a conversation: what client.js reports, as elements of a page.
//
//  All that comes from outside is set as text, never as HTML; addresses are used only when their
//  scheme is harmless. The entries stand in the order of the session's log; own messages that have
//  no place in it yet stand last.

const NEAR_THE_END = 80; //  pixels: so near, a new message scrolls into view

//  An element with attributes (functions become listeners, null ones are left out) and children.
export function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (value === null || value === undefined || value === false) continue;
        if (typeof value === "function") made.addEventListener(name, value);
        else if (name === "class") made.className = value;
        else made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
}

//  The address if its scheme is harmless, else null.
export function safeUrl(address, schemes = ["http:", "https:", "tel:", "mailto:"]) {
    if (typeof address !== "string") return null;
    try {
        const url = new URL(address, document.baseURI);
        return schemes.includes(url.protocol) ? url.href : null;
    } catch {
        return null;
    }
}

function list(value) {
    return Array.isArray(value) ? value.filter((one) => one !== null && one !== undefined) : [];
}

function words(value) {
    return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

//  A bot that sends only HTML: its text. The parser's document runs nothing and loads nothing.
function textOfHtml(html) {
    if (typeof html !== "string") return "";
    return new DOMParser().parseFromString(html, "text/html").body.textContent.trim();
}

export class ChatView {
    //  actions: say (text), choose ({ token, title }), retry (text, whisper)
    constructor({ scroll, log, live, chips, newer, actions }) {
        Object.assign(this, { scroll, log, live, chips, newer, actions });
        this.seen = { deliveredSeq: 0, readSeq: 0 };
        this.typers = new Map();
        this.failure = null;
        this.countdown = null;
        newer.addEventListener("click", () => this.#toEnd());
        scroll.addEventListener("scroll", () => {
            if (this.#isNearEnd()) newer.hidden = true;
        });
    }

    clear() {
        this.log.replaceChildren();
        this.seen = { deliveredSeq: 0, readSeq: 0 };
        this.chips.replaceChildren();
        this.typers.clear();
        this.#showTypers();
        this.part({ text: "" });
        this.#endFailure();
        this.newer.hidden = true;
    }

    // -----------------------------------------------------------------------------------------
    //  What is reported

    message(message) {
        const parts = this.#parts(message);
        if (message.from === "bot") this.#endFailure();
        else if (!parts.length) return;
        if (parts.length) {
            const place = message.pending ? Infinity : message.seq || Infinity;
            this.#place(this.#entry(message, parts), place, message.mine);
        }
        if (message.from === "bot") this.#showChips(message.data);
        else this.chips.replaceChildren();
    }

    //  `whisper`: it is for agents only, which its author's line says, also of an own one.
    #entry({ from, mine, pending, messageId, sender, text, timeMs, whisper }, parts) {
        const kind = `message ${from}${mine ? " mine" : ""}${pending ? " pending" : ""}${
            whisper ? " whisper" : ""}`;
        const name = mine ? "You" : sender.displayName || from;
        const author = mine && !whisper ? null
            : element("span", { class: "author" }, whisper ? `${name} · to agents only` : name);
        const item = element("li", { class: kind }, author, ...parts,
            this.#meta({ timeMs, pending }));
        item.dataset.id = (mine && messageId) || "";
        item.dataset.author = `${whisper ? "whisper:" : ""}${
            mine ? "mine" : `${from}:${sender.userId}`}`;
        item.dataset.text = text;
        item.whisper = Boolean(whisper);
        return item;
    }

    ack({ messageId, seq, timeMs }) {
        const item = this.#find(messageId);
        if (!item) return;
        item.classList.remove("pending");
        item.querySelector(".meta").replaceWith(this.#meta({ timeMs }));
        item.seq = seq;
        this.#tick(item);
        const { previousElementSibling: before, nextElementSibling: behind } = item;
        if ((before && before.seq > seq) || (behind && behind.seq < seq)) {
            item.remove();
            this.#place(item, seq, false);
            if (behind) this.#group(behind);
        }
    }

    refused({ messageId, message }, words = `Not sent: ${message || "refused"}`) {
        const item = this.#find(messageId);
        if (!item) return;
        item.classList.remove("pending");
        item.classList.add("refused");
        const again = () => {
            item.remove();
            this.actions.retry(item.dataset.text, item.whisper);
        };
        item.seq = Infinity;
        item.querySelector(".meta").replaceChildren(`${words} `,
            element("button", { type: "button", class: "again", click: again }, "Try again"));
    }

    //  The other one has received, and read, everything up to there.
    receipt({ deliveredSeq, readSeq }) {
        this.seen = { deliveredSeq, readSeq };
        for (const item of this.log.children) this.#tick(item);
    }

    //  At own messages that the other one is shown.
    #tick(item) {
        const meta = item.querySelector(".meta");
        const isMine = item.classList.contains("mine") && !item.whisper;
        if (!isMine || !meta || item.seq === Infinity) return;
        const { deliveredSeq, readSeq } = this.seen;
        const state = item.seq <= readSeq ? "read" : item.seq <= deliveredSeq ? "delivered" : "";
        const old = meta.querySelector(".tick");
        if (old) old.remove();
        if (state) meta.append(element("span", { class: `tick ${state}` }, ` · ${state}`));
    }

    //  What stood above the seq is not in the log any more. Own messages that have no place in it
    //  yet, and those that were refused, stay.
    truncate(seq) {
        for (const item of [...this.log.children])
            if (item.seq > seq && item.seq !== Infinity) item.remove();
        for (const item of this.log.children) this.#group(item);
        this.chips.replaceChildren();
        this.#endFailure();
    }

    //  An own message that was stored is gone.
    lost({ messageId, text, timeMs, whisper }, from = "visitor") {
        this.message({ messageId, text, timeMs, from, mine: true, sender: {}, data: {}, whisper });
        this.refused({ messageId }, "Lost by the server");
    }

    notice(text, seq = Infinity) {
        this.#place(element("li", { class: "notice" }, text), seq, false);
    }

    typing({ sender, on }) {
        const who = `${sender.deviceId}:${sender.userId}`;
        if (on) this.typers.set(who, sender.displayName || "");
        else this.typers.delete(who);
        this.#showTypers();
    }

    //  Half an answer stands below the log, and goes when the whole one comes into it.
    part({ text }) {
        const old = this.live.querySelector(".part");
        if (!text) {
            if (old) old.remove();
        } else if (old) {
            this.#keepEnd(() => { old.firstElementChild.textContent = text; });
        } else {
            this.#keepEnd(() => this.live.prepend(element("div", { class: "message bot part" },
                element("div", { class: "bubble" }, text))));
        }
    }

    //  A failure that will be tried again counts down; the last one stays in the conversation.
    bothered({ tries, delay, seq }) {
        this.#endFailure();
        if (!(delay > 0)) {
            const text = "Sorry, I cannot answer right now. Please try again in a while.";
            const item = element("li", { class: "message bot failure" },
                element("div", { class: "bubble" }, text));
            item.dataset.author = "failure";
            this.#place(item, seq || Infinity, false);
            return;
        }
        const trouble = tries > 1 ? "I still have trouble answering." : "I have trouble answering.";
        const left = element("span", { "aria-hidden": "true" });
        this.failure = element("p", { class: "failure-note", role: "status" }, `${trouble} `, left);
        const end = Date.now() + delay * 1000;
        const count = () => {
            const seconds = Math.ceil((end - Date.now()) / 1000);
            left.textContent = seconds > 0 ? `Trying again in ${seconds} s.` : "Trying again…";
            if (seconds <= 0) clearInterval(this.countdown);
        };
        count();
        this.countdown = setInterval(count, 250);
        this.#keepEnd(() => this.live.append(this.failure));
    }

    #endFailure() {
        clearInterval(this.countdown);
        if (this.failure) this.failure.remove();
        this.failure = null;
    }

    #showTypers() {
        const old = this.live.querySelector(".typing");
        if (old) old.remove();
        if (!this.typers.size) return;
        const names = [...this.typers.values()].filter(Boolean).join(", ");
        const dots = ["", "", ""].map(() => element("i", {}));
        this.#keepEnd(() => this.live.append(
            element("p", { class: "typing", role: "status" }, ...dots,
                element("span", { class: "unseen" }, `${names || "Somebody"} is writing`))));
    }

    // -----------------------------------------------------------------------------------------
    //  Where it stands

    #find(messageId) {
        return [...this.log.children].find((item) => messageId && item.dataset.id === messageId);
    }

    //  Behind the last entry whose seq is not higher: mostly at the end.
    #place(item, seq, own) {
        item.seq = seq;
        let behind = this.log.lastElementChild;
        while (behind && behind.seq > seq) behind = behind.previousElementSibling;
        this.#tick(item);
        const put = () => {
            if (behind) behind.after(item);
            else this.log.prepend(item);
            for (const one of [item, item.nextElementSibling]) if (one) this.#group(one);
        };
        if (own) {
            put();
            this.#toEnd();
        } else {
            this.#keepEnd(put);
        }
    }

    //  Entries of one author that follow each other are drawn as one block.
    #group(item) {
        const before = item.previousElementSibling;
        const same = before && item.dataset.author && before.dataset.author === item.dataset.author;
        item.classList.toggle("follows", Boolean(same));
    }

    #isNearEnd() {
        const { scrollHeight, scrollTop, clientHeight } = this.scroll;
        return scrollHeight - scrollTop - clientHeight < NEAR_THE_END;
    }

    #keepEnd(change) {
        const follow = this.#isNearEnd();
        change();
        if (follow) this.#toEnd();
        else this.newer.hidden = false;
    }

    #toEnd() {
        this.newer.hidden = true;
        this.scroll.scrollTop = this.scroll.scrollHeight;
    }

    // -----------------------------------------------------------------------------------------
    //  What a message is made of

    #meta({ timeMs, pending }) {
        const time = new Date(timeMs || Date.now());
        const shown = time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
        return element("p", { class: "meta" },
            element("time", { datetime: time.toISOString() }, shown),
            pending ? " · sending" : null);
    }

    #parts({ text, data, from }) {
        const said = text || textOfHtml(data.outputSpeech && data.outputSpeech.html);
        const parts = said ? [element("div", { class: "bubble" }, said)] : [];
        if (from !== "bot") return parts;
        for (const display of list(data.displays)) {
            if (display.type === "CARD") parts.push(this.#card(display));
            else if (display.type === "LIST") parts.push(this.#list(display));
            else if (display.type === "CAROUSEL") parts.push(this.#carousel(display));
        }
        return parts;
    }

    #card(card) {
        return element("article", { class: "card" },
            this.#picture(card.largeImageUrl || card.smallImageUrl, card.imageActionUrl),
            card.title ? element("h3", {}, words(card.title)) : null,
            card.content ? element("p", {}, words(card.content)) : null,
            this.#buttons(card.buttons));
    }

    #list(display) {
        const items = list(display.items).map((item) => element("li", {}, this.#item(item)));
        return element("section", { class: "list" },
            display.title ? element("h3", {}, words(display.title)) : null,
            element("ul", {}, ...items));
    }

    #carousel(display) {
        const items = list(display.items).map((item) => element("li", {}, this.#item(item)));
        const name = words(display.title) || "Choices";
        const row = element("ul", { tabindex: "0", "aria-label": name }, ...items);
        const move = (by) => row.scrollBy({ left: by * row.clientWidth * 0.8, behavior: "smooth" });
        const arrow = (label, sign, by) => element("button",
            { type: "button", class: "arrow", "aria-label": label, click: () => move(by) }, sign);
        return element("section", { class: "carousel" },
            element("div", { class: "carousel-head" },
                element("h3", {}, words(display.title)),
                items.length > 1 ? arrow("Back", "‹", -1) : null,
                items.length > 1 ? arrow("Forward", "›", 1) : null),
            row);
    }

    //  A click opens the item's address, or does what its only button does, or picks the item.
    #item(item) {
        const buttons = list(item.buttons);
        const picture = item.image || {};
        const inside = () => [
            this.#picture(picture.url, null),
            element("span", { class: "item-words" },
                element("strong", {}, words(item.title)),
                item.description ? element("span", {}, words(item.description)) : null),
        ];
        if (buttons.length > 1) {
            return element("div", { class: "item" }, ...inside(), this.#buttons(buttons));
        }
        const only = buttons[0] || {};
        const url = safeUrl(item.url || only.openUrlAction);
        if (url) {
            return element("a", { class: "item", href: url, target: "_blank",
                rel: "noopener noreferrer" }, ...inside());
        }
        const pick = () => {
            if (only.title) this.actions.say(words(only.title));
            else if (!item.token) this.actions.say(words(item.title));
            else this.actions.choose({ token: item.token, title: words(item.title) });
        };
        return element("button", { type: "button", class: "item", click: pick }, ...inside());
    }

    #buttons(buttons) {
        const made = list(buttons).map((button) => this.#choice(words(button.title),
            button.openUrlAction, "plain"));
        return made.length ? element("div", { class: "buttons" }, ...made) : null;
    }

    //  Something to click: opens an address, or says its own title.
    #choice(title, address, style) {
        if (!address) {
            return element("button", { type: "button", class: style,
                click: () => this.actions.say(title) }, title);
        }
        return element("a", { class: style, href: safeUrl(address), target: "_blank",
            rel: "noopener noreferrer" }, title);
    }

    #picture(address, actionAddress) {
        const source = safeUrl(address, ["http:", "https:"]);
        if (!source) return null;
        const image = element("img", { src: source, alt: "", loading: "lazy" });
        image.addEventListener("error", () => image.remove());
        image.addEventListener("load", () => this.#isNearEnd() && this.#toEnd());
        const action = safeUrl(actionAddress);
        return action ? element("a", { href: action, target: "_blank", rel: "noopener noreferrer" },
            image) : image;
    }

    #showChips(data) {
        const speech = data.outputSpeech && typeof data.outputSpeech === "object"
            ? data.outputSpeech : {};
        const chips = list(speech.suggestions)
            .map((one) => (typeof one === "string" ? { title: one } : one))
            .filter((one) => words(one.title))
            .map((one) => this.#choice(words(one.title), one.url, "chip"));
        this.#keepEnd(() => this.chips.replaceChildren(...chips));
    }
}
