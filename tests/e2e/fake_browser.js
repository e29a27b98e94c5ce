//  What client.js uses of a browser, driven by hand: a clock that stands still until it is told, a
//  WebSocket whose other end is the test, a storage, and the events of a page; and HTTP where a
//  test allows it, whose other end is the test, too.

export class FakeStorage {
    #items = new Map();
    get length() { return this.#items.size; }
    //  In an order that is not the one of writing: a browser's storage promises none.
    key(index) { return [...this.#items.keys()].reverse()[index] ?? null; }
    getItem(key) { return this.#items.get(key) ?? null; }
    setItem(key, value) { this.#items.set(key, String(value)); }
    removeItem(key) { this.#items.delete(key); }
}

//  Promises go on: what waits for them has happened.
export async function settle() {
    for (let turn = 0; turn < 10; turn++) await new Promise((done) => setImmediate(done));
}

//  One request, until it is answered.
class FakeRequest {
    #resolve;
    #stream;
    constructor(url, init, resolve, reject) {
        this.url = new URL(url);
        this.init = init;
        this.#resolve = resolve;
        this.fails = () => reject(new TypeError("network"));
        init.signal.addEventListener("abort", () => { this.isAborted = true; this.fails(); });
    }

    get body() { return JSON.parse(this.init.body); }
    get path() { return this.url.pathname; }

    async answers(status, body, headers = {}) {
        const type = status >= 400 ? "application/problem+json" : "application/json";
        this.#resolve(new Response(typeof body === "string" ? body : JSON.stringify(body),
            { status, headers: { "content-type": type, ...headers } }));
        await settle();
    }

    //  200, and events that come one by one.
    async streams() {
        const body = new ReadableStream({ start: (stream) => { this.#stream = stream; } });
        this.#resolve(new Response(body, { headers: { "content-type": "text/event-stream" } }));
        await settle();
    }

    async writes(text) {
        this.writesBytes(new TextEncoder().encode(text));
        await settle();
    }

    writesBytes(bytes) { this.#stream.enqueue(bytes); }

    says(frame, name) {
        const event = name ? `event: ${name}\n` : "";
        return this.writes(`${event}data: ${JSON.stringify(frame)}\n\n`);
    }

    //  The usual beginning.
    async joins(seq = 1) {
        await this.streams();
        await this.says({ event: "connection update", data: { sessionCreated: true, seq } });
    }

    async ends() {
        this.#stream.close();
        await settle();
    }

    async breaks() {
        this.#stream.error(new TypeError("network"));
        await settle();
    }
}

export class FakeBrowser {
    constructor(random = () => 0.5) {
        this.time = 1_760_000_000_000;
        this.timers = [];
        this.sockets = [];
        this.window = new EventTarget();
        this.document = Object.assign(new EventTarget(), { visibilityState: "visible" });
        this.logged = 1;
        this.requests = [];
        const browser = this;
        this.environment = {
            window: this.window,
            document: this.document,
            now: () => this.time,
            random,
            fetch: null,
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
    get request() { return this.requests.at(-1); }

    allowHttp() {
        this.environment.fetch = (url, init) => new Promise((resolve, reject) => {
            this.requests.push(new FakeRequest(url, init, resolve, reject));
        });
        return this;
    }

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
