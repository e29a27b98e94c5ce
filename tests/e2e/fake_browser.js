//  What client.js uses of a browser, driven by hand: a clock that stands still until it is told, a
//  WebSocket whose other end is the test, a storage, and the events of a page.

export class FakeStorage {
    #items = new Map();
    get length() { return this.#items.size; }
    //  In an order that is not the one of writing: a browser's storage promises none.
    key(index) { return [...this.#items.keys()].reverse()[index] ?? null; }
    getItem(key) { return this.#items.get(key) ?? null; }
    setItem(key, value) { this.#items.set(key, String(value)); }
    removeItem(key) { this.#items.delete(key); }
}

export class FakeBrowser {
    constructor(random = () => 0.5) {
        this.time = 1_760_000_000_000;
        this.timers = [];
        this.sockets = [];
        this.window = new EventTarget();
        this.document = Object.assign(new EventTarget(), { visibilityState: "visible" });
        this.logged = 1;
        const browser = this;
        this.environment = {
            window: this.window,
            document: this.document,
            now: () => this.time,
            random,
            setTimeout: (action, delay) => {
                const timer = { at: this.time + delay, action };
                this.timers.push(timer);
                return timer;
            },
            clearTimeout: (timer) => {
                this.timers = this.timers.filter((one) => one !== timer);
            },
            WebSocket: class {
                constructor(url, protocols) {
                    this.url = new URL(url);
                    this.protocols = protocols;
                    this.readyState = 0;
                    this.sent = [];
                    browser.sockets.push(this);
                }
                send(text) { this.sent.push(JSON.parse(text)); }
                close() { this.readyState = 3; }
            },
        };
    }

    get socket() { return this.sockets.at(-1); }

    //  Lets time pass; what is due happens in its order.
    pass(milliseconds) {
        const end = this.time + milliseconds;
        for (;;) {
            const due = this.timers.filter((timer) => timer.at <= end)
                .sort((a, b) => a.at - b.at)[0];
            if (!due) break;
            this.timers = this.timers.filter((timer) => timer !== due);
            this.time = Math.max(this.time, due.at);
            due.action();
        }
        this.time = end;
    }

    accept(socket = this.socket) {
        socket.readyState = 1;
        socket.onopen({});
    }

    //  The router says something.
    says(frame, socket = this.socket) {
        this.logged = Math.max(this.logged, frame?.seq || 0, frame?.data?.seq || 0);
        socket.onmessage({ data: JSON.stringify(frame) });
    }

    //  The usual beginning: accepted, and in the session, whose log has all that was said.
    join(socket = this.socket, seq = this.logged) {
        this.accept(socket);
        this.says({ event: "connection update", data: { sessionCreated: true, seq } }, socket);
    }

    breaks(code = 1006, socket = this.socket) {
        socket.readyState = 3;
        socket.onclose({ code });
    }

    ack(messageId, seq, duplicate = false) {
        this.says({ event: "ack", data: { messageId, seq, timeMs: this.time, duplicate } });
    }

    show(state) {
        this.document.visibilityState = state;
        this.document.dispatchEvent(new Event("visibilitychange"));
    }

    sentMessages(socket = this.socket) {
        return socket.sent.filter((frame) => frame.event === "new message");
    }
}
