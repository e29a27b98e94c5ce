//  client.js — the Stentor Chat Router's own browser client. No dependencies, one file.
//
//      <script src="/client.js"></script>                     the class is window.StentorChat
//      import { StentorChat } from "/client.module.js";       the same, as an ES module
//
//      const chat = new StentorChat({ serverUrl: "wss://chat.example.com/", appId: "demo" });
//      chat.on("message", (message) => show(message));
//      chat.on("status", ({ status }) => showStatus(status));
//      chat.open();
//      chat.say("opening hours?").then((ack) => tick(ack.messageId));
//
//  What it promises
//  - A message that `say` or `send` took is stored by the router exactly once, or its promise is
//    rejected with a reason. It is kept in the browser's storage until then, through reconnects,
//    reloads and a closed tab, and sent again with the same messageId.
//  - A message that the router will never take is refused, also when the router cannot name it:
//    the ones behind it go on. No method throws over what it is given to send.
//  - Messages are sent one at a time and in order: one that has to wait is not overtaken.
//  - Every message is reported once, in the order of the session's log, whatever was missed or came
//    twice. The first `open` of a page brings the whole history.
//  - When the router's database has lost the end of the log, `history` says so, what is there now
//    is reported behind it, and `lost` names own messages that are gone.
//  - It reconnects by itself for ever: after 0.3 to 0.5 s at first, then with full jitter up to
//    30 s; at once when the page becomes visible or the network is back.
//  - Where no WebSocket can be opened (a proxy refuses it), it receives by Server-Sent Events and
//    sends by POST, by itself and with the same promises. Only `typing` is not told then, and an
//    agent takes control by `take`, not by `bargeIn`.
//  - It never touches the document: `text` is text, to be shown as text.
//
//  Two tabs are two connections of one visitor in one session: each sees what the other says.
//  Unsent messages have a storage entry each, so that tabs do not overwrite each other; two tabs
//  that send the same one store it once.
//
//  Options (all but serverUrl may be left out)
//      serverUrl    ws(s):// or http(s):// address of the router
//      appId        which app; the router's default app when left out
//      userId       the page's own id for the visitor; else a random one is made and kept
//      sessionId    a certain session; else one is made and kept (agents must give one)
//      isAdmin      true: an agent's connection
//      token        who the page's user is (docs/tokens.md): a string, or a function that returns
//                   one or promises one and is asked before each connection. The user is the
//                   token's then, and userId may be left out
//      displayName  a name to show to others
//      page         the URL of the page that a visitor is on, for agents and alerts; the page's own
//                   when left out, without what stands behind '?' or '#'. "": nobody is told
//      accessToken  a token for the bot, added when a message is sent and never kept in the storage
//      attributes   an object that goes with every request to the bot
//      storage      anything like localStorage (the default); null: keep nothing
//      queueLimit   most messages that may wait (100)
//      transport    "websocket" or "events": this and no other; else what works
//      timing       milliseconds, see TIMING below
//
//  Methods
//      open (), close ()    close keeps what is unsent; a later open goes on with it
//      say (text)           sends a text. Promises { messageId, seq, timeMs, duplicate }
//      choose ({ token, title })   picks an item of a list
//      launch ()            asks the bot for its greeting: once in a session, however often called
//      send (request)       sends any Stentor request
//      typing (on)          tells the others; ends by itself
//      markRead (seq)       the user has read up to this seq; without one, all that came. Call it
//                           as often as something is seen: it is told once a second
//      bargeIn (name, { version }), bargeOut ({ version })   for agents: take control and give it
//                           back. They count only while control is as `version` says, as with
//                           `take` below; the slower of two is `refused` with `precondition`, and
//                           `control` says who was faster. null: however it is
//      take ({ version, name }), release (), accept (), decline (), offer (to, { why, version })
//                           for agents, over the HTTP API: answer the visitor, give it back, take
//                           what is offered or not, offer it to others: one or a list of
//                           "group:NAME", "agent:ID", "platform:NAME", "bot". They count only while
//                           control is as `version` says: the one that the page was shown by the
//                           event `control`, when it says none; null: however it is. Promise
//                           { changed, seq, time, control }; error.control: who was faster
//      setAvailability ({ state, capacity, groups, name }), availability (), queue ({ target })
//                           for agents: whether visitors are offered to it, and who waits
//      whisper (text)       for agents: tells the session's agents, and nobody else. Promises as
//                           `say`; who is in control does not matter
//      restart ()           a new session for the same visitor; what is unsent is refused
//      on (event, listener) returns a function that takes the listener away
//
//  Events, each with one object
//      message, whisper   { messageId, seq, timeMs, from, mine, pending, sender, text, data }
//                from is "visitor", "agent" or "bot"; data is the Stentor request or response;
//                the page's own messages come at once with pending: true, then their `ack`.
//                A whisper is what an agent told the agents, and never a `message`: show it apart,
//                and tell no `typing` while one is written, as the visitor would see that
//      ack       { messageId, seq, timeMs, duplicate }: it is stored
//      refused   { messageId, code, message, control }: it was not stored and will not be (without
//                a messageId: some other frame was refused). control, with `precondition`: who
//                answers now, { role, userId, version, mine, since }
//      status    { status, retryAt, code, message }: "connecting", "open", "waiting" (until
//                retryAt), "closed" (with a code: the router refused; it does not try again, and
//                refuses what is said until the next open, close or restart). "closed" with the
//                code "passed_on": this agent has passed the visitor on, and the app has it that
//                it is out then (afterPass); `open` comes in again
//      typing    { sender, on }
//      part      { sender, text, data }: the bot's answer as far as it has come. The text is all of
//                it up to now, and takes the place of the one before; "" takes it away: the whole
//                answer follows at once as a `message`, or there is none (the bot failed, an agent
//                took over, the connection is lost). It is never in the history
//      presence  { role, userId, sender, connected, deliveredSeq, readSeq }: a participant has a
//                live connection now, or none: it is away, and `left` follows if it does not come
//                back. Comes for everybody who is there after each connect, too
//      receipt   { role, userId, sender, deliveredSeq, readSeq }: a participant has received, or
//                read, everything up to there (0: not known). A visitor hears of the agent in
//                control only; a stock widget says nothing of what was read
//      joined, left   { sender, seq, timeMs, why, mine, visitor }: a visitor came or went, an agent
//                took or lost control. why is "asked", "replaced" (another agent took over) or
//                "absent"; with mine it is the page's own agent, and inControl has changed. visitor
//                is what an agent is told of a visitor who came: page, language … (none is proven)
//      failure   { tries, delay, error, sender, seq }: the bot failed; its next try is in `delay`
//                seconds, or never (0)
//      handoff   { target, kind, seq }: the bot asked for a person
//      control   { role, userId, version, mine, since, waitingSince, offer }: who answers the
//                visitor now (role "bot", "agent", "platform"; "router": nobody, somebody is
//                sought), and since when. Told after each join and whenever it has changed;
//                chat.control is the last one. offer, for agents: null, or who is sought or asked,
//                { targets, step, why, by, offeredTo, until, mine }
//      offer, offerEnded  { seq, timeMs, sender, why, by, to, targets, step, until }: for agents,
//                entries of the log; `control` says how it is now
//      deadline  { seq, timeMs, why, until }: for agents, a warning: at `until` (0: not known)
//                nobody will have answered the visitor in time, or been found
//      closed, reopened   { seq, timeMs }: the conversation was closed, by an agent or by the app,
//                or as nobody was present for long (that comes when the log is read); it was opened
//                again, or something happened in it. A closed one can be gone on with: say()
//      session   { sessionId }: another session began (restart, here or in another tab)
//      history   { seq }: all that was reported with a higher seq is not in the log any more (0:
//                all of it). Take it away: what the log has there now comes as usual
//      lost      { messageId, seq, timeMs, text, whisper }: an own message (or whisper: true) that
//                was acknowledged is gone. It is not sent again by itself: it may be too late for
//                what it said
//
//  An agent's console
//      const desk = new StentorChat.Console ({ serverUrl, appId, token, userId, displayName });
//      Keeps the app's open sessions by the API's feed: what is offered to this agent, who waits.
//      open (), close ()
//      sessions (), waiting (), offers ()   rows of the API's list of sessions (docs/api.md): the
//                           newest first; those for whom somebody is sought or asked, who waits
//                           longest first; those that this agent is asked to take
//      control (row)        of a row, in the words of the event `control`
//      take (sessionId, …), release, accept, decline, offer (sessionId, to, …)   as above
//      availability (), setAvailability (…), agent   how this agent is seen; the last answer
//      agents ({ group, state }), queue ({ target })   lists
//      botHealth ()         whether the app's bot is asked at the moment
//      on (event, listener) with the events
//          change        {}: some rows have changed. Several changes are one event
//          offer         { row }: this agent is asked; once for each time
//          availability  { agent }: it is seen in another way (also after missed offers)
//          status        as above; "open": the rows are all there
//
//  Codes of refusals: the router's (docs/client-protocol.md), and queue_full, too_large, restarted,
//  no_websocket (`bargeIn` and `bargeOut` need one). What is asked over the HTTP API is refused
//  with the last part of the problem's type (docs/api.md), or unreachable.

(function (root) {
    "use strict";

    const at = ({ seq, timeMs }) => ({ seq, timeMs });

    const TIMING = {
        firstDelayFrom: 300,   //  first reconnect: between these two
        firstDelayTo: 500,
        mostDelay: 30000,      //  no reconnect later than this
        stable: 5000,          //  after a connection of this length the next wait is a first one
        join: 10000,           //  from the start of a connection until it is in the session
        ack: 15000,            //  a message that is not answered by then: the connection is dead
        quiet: 45000,          //  no frame for so long on a visible page: ask if it still lives
        probe: 8000,           //  no answer to that question by then: it does not
        goodbye: 5000,         //  from `going away` until we close it ourselves
        typingEvery: 3000,     //  `typing` is repeated no faster than this
        typingEnds: 6000,      //  and ends when it is not repeated
        readEvery: 1000,       //  what was read is told no faster than this
        events: 600000,        //  for so long Server-Sent Events are tried first, once they worked
        look: 15000,           //  how often a console asks how its agent is seen
    };
    const SILENT_MOST = 3;     //  WebSockets in a row on which nothing was heard: no more for now
    const QUEUE_LIMIT = 100;               //  messages
    const QUEUE_BYTES = 1024 * 1024;
    //  What the edge takes by default, and its words of an id (docs/client-protocol.md).
    const FRAME_LIMIT = 256 * 1024;
    const POST_LIMIT = 64 * 1024;
    const LEVELS_MOST = 32;
    const VALUES_MOST = 8192;
    const MESSAGE_ID_MOST = 100;
    const USER_ID_MOST = 200;
    const SESSION_ID_MOST = 200;
    const APP_ID = /^[A-Za-z0-9._-]{1,64}$/;
    const NAME_MOST = 100;
    const FINAL_CODES = new Set(["not_yours", "not_allowed", "unknown_app", "bad_request",
        "passed_on"]);
    const AGAIN_CODES = new Set(["not_joined", "busy", "store_down", "going_away"]);
    const FINAL_CLOSES = { 4400: "bad_request", 4403: "not_allowed", 4404: "unknown_app" };
    const TOO_LARGE_CLOSE = 1009;
    //  The token is missing, not accepted, or has expired: a function may give another one, but not
    //  for ever.
    const TOKEN_CLOSE = 4401;
    const TOKEN_CODE = "unauthenticated";
    const TOKENS_MOST = 3;
    const PROTOCOL = "stentor.chat";
    const PROTOCOL_TOKEN = "stentor.token.";
    //  The other side did not like what it read: so often in a row, and it was the message.
    const DISLIKE_CLOSES = new Set([1002, 1003, 1007, 1008]);
    const DISLIKES_MOST = 3;
    const OWN_MOST = 200;                  //  own messages that are remembered
    const CONTROLS_MOST = 20;
    const API_TRIES = 4;                   //  of one request
    const API_WAIT = 1000;                 //  milliseconds between them, when the router says none
    const API_WAIT_MOST = 5000;            //  it is not tried again after a longer one
    //  Control is not as the asker believed.
    const OVERTAKEN_CODES = new Set(["precondition", "not-offered", "not-in-control"]);
    const CONTROL_AGAIN = 200;             //  milliseconds, when the answer is of before the entry
    const FINAL_PROBLEMS = new Set(["bad-request", "forbidden", "origin", "unknown-app"]);
    const PAGE_ITEMS = 200;
    const ROWS_MOST = 2000;                //  sessions that a console lists
    const TELL_WITHIN = 50;                //  milliseconds: changes that a console tells at once

    class StentorChatError extends Error {
        constructor(code, message) {
            super(message);
            this.name = "StentorChatError";
            this.code = code;
        }
    }

    function randomId() {
        if (root.crypto && root.crypto.randomUUID) return root.crypto.randomUUID();
        //  Pages without TLS have no randomUUID.
        const bytes = root.crypto.getRandomValues(new Uint8Array(16));
        return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    }

    function byteLength(text) {
        return new TextEncoder().encode(text).length;
    }

    function isObject(value) {
        return Object.prototype.toString.call(value) === "[object Object]";
    }

    //  As the router will have it: half a surrogate pair becomes U+FFFD on the way.
    function wellFormed(value) {
        return String(value).replace(/[\ud800-\udfff]/gu, "\ufffd");
    }

    function isId(value, most) {
        return typeof value === "string" && value !== "" && value === wellFormed(value)
            && byteLength(value) <= most && !/[\u0000-\u001f\u007f-\u009f]/.test(value);
    }

    //  The router keeps 100 bytes of a name, which are never more than 100 characters.
    function shortName(name) {
        return [...wellFormed(name)].slice(0, NAME_MOST).join("");
    }

    //  Moves behind the string that begins at `at`.
    function endOfString(json, at) {
        for (at++; json[at] !== '"'; at++) if (json[at] === "\\") at++;
        return at + 1;
    }

    //  What the edge would say against a frame, or "". JSON.stringify wrote it: without spaces.
    function faultOf(json) {
        let level = 0;
        let values = 0;
        for (let at = 0; at < json.length; at++) {
            const char = json[at];
            if (char === '"') {
                const end = endOfString(json, at);
                const isName = json[end] === ":";
                if (isName && JSON.parse(json.slice(at, end)).includes("\0"))
                    return "a member's name has a NUL in it";
                at = end - 1;
            } else if (char === "{" || char === "[") {
                values++;
                level++;
                if (level > LEVELS_MOST)
                    return `the message is nested deeper than ${LEVELS_MOST} levels`;
            } else if (char === "}" || char === "]") {
                level--;
            } else if (char === ",") {
                values++;
            }
        }
        return values > VALUES_MOST ? `the message has more than ${VALUES_MOST} values` : "";
    }

    //  What was thrown while a frame was made, as the reason of a refusal.
    function reasonOf(error) {
        if (error instanceof StentorChatError) return error;
        return new StentorChatError("bad_request", "the message is no object that JSON can write");
    }

    //  The user that a token names, for the names of what is kept; the router checks the token. "":
    //  it cannot be read.
    function subjectOf(token) {
        try {
            const payload = String(token).split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
            const bytes = Uint8Array.from(root.atob(payload), (byte) => byte.charCodeAt(0));
            return String(JSON.parse(new TextDecoder().decode(bytes)).sub || "");
        } catch {
            return "";
        }
    }

    function socketAddress(serverUrl) {
        const base = root.location ? root.location.href : undefined;
        const url = new URL(serverUrl, base);
        url.protocol = url.protocol.replace("http", "ws");
        return url.href;
    }

    //  Of the HTTP API, which stands beside the router's pages.
    function apiAddress(path, options, ownId, query) {
        const url = new URL(socketAddress(options.serverUrl));
        url.protocol = url.protocol.replace("ws", "http");
        url.search = "";
        return withIdentity(new URL(`api/v1/${path}`, url), options, ownId, query);
    }

    function withIdentity(url, { appId, userId, isAdmin, token }, ownId, query) {
        if (appId) url.searchParams.set("appId", appId);
        //  A token says itself who it is; a name that was made up here would be another one.
        if (!token || userId) url.searchParams.set("userId", ownId);
        url.searchParams.set("isAdmin", String(Boolean(isAdmin)));
        for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
        return url.href;
    }

    //  What agents and alerts may know of a visitor's page: what stands behind '?' or '#' may be a
    //  secret. A browser itself says only the origin.
    function pageOf({ page, isAdmin }) {
        const { protocol, origin, pathname } = root.location || {};
        const own = protocol === "https:" || protocol === "http:" ? origin + pathname : "";
        const shown = page === undefined ? own : page;
        return shown && !isAdmin ? { page: String(shown) } : {};
    }

    //  What the names of all that is kept begin with.
    function baseKeyOf({ serverUrl, appId, isAdmin }) {
        const { host } = new URL(socketAddress(serverUrl));
        return `stentor:${host}:${appId || ""}:${isAdmin ? "agent" : "visitor"}`;
    }

    //  Another user of the same browser must find nothing of this one.
    function keyOf(baseKey, token) {
        return token ? `${baseKey}:token:${subjectOf(token)}` : baseKey;
    }

    //  What a person reads of a request or response; "" when there is nothing.
    function textOf(data) {
        if (!data || typeof data !== "object") return "";
        if (typeof data.rawQuery === "string") return data.rawQuery;
        const speech = data.outputSpeech;
        if (typeof speech === "string") return speech;
        if (speech && typeof speech.displayText === "string") return speech.displayText;
        if (data.type === "OPTION_SELECT_REQUEST") return String(data.title || data.token || "");
        return "";
    }

    //  Storage that may be missing, forbidden or full: then things live as long as the page.
    class Shelf {
        constructor(storage) {
            this.storage = storage;
            this.memory = new Map();
        }

        get(key) {
            if (this.memory.has(key)) return this.memory.get(key);
            try {
                return this.storage ? this.storage.getItem(key) : null;
            } catch {
                return null;
            }
        }

        set(key, value) {
            try {
                if (this.storage) {
                    this.storage.setItem(key, value);
                    this.memory.delete(key);
                    return;
                }
            } catch { /* forbidden or full */ }
            this.memory.set(key, value);
        }

        remove(key) {
            this.memory.delete(key);
            try {
                if (this.storage) this.storage.removeItem(key);
            } catch { /* forbidden */ }
        }

        keys(prefix) {
            const keys = new Set(this.memory.keys());
            try {
                for (let i = 0; this.storage && i < this.storage.length; i++) {
                    keys.add(this.storage.key(i));
                }
            } catch { /* forbidden */ }
            return [...keys].filter((key) => key.startsWith(prefix));
        }

        getObject(key) {
            try {
                const value = JSON.parse(this.get(key));
                return value && typeof value === "object" ? value : null;
            } catch {
                return null;
            }
        }
    }

    //  The messages that are not acknowledged yet, oldest first. One storage entry for each.
    //  Whispers have a prefix of their own: a client.js of before, in another tab, takes what it
    //  finds under the other one and says it to everybody.
    class Outbox {
        constructor(shelf, identityKey, sessionId) {
            this.shelf = shelf;
            this.prefix = `${identityKey}:unsent:${sessionId}:`;
            this.whisperPrefix = `${identityKey}:whispers:${sessionId}:`;
            this.entries = new Map(); //  messageId → entry, in the order in which they were said
            this.bytes = 0;
            this.count = 0;
        }

        //  Takes over what an earlier page, or another tab, left unsent. Returns the entries.
        adopt() {
            const found = [...this.#find(false), ...this.#find(true)];
            found.sort((a, b) => a.timeMs - b.timeMs || a.count - b.count);
            for (const entry of found) this.#enter(entry);
            return found;
        }

        #find(isWhisper) {
            const found = [];
            for (const key of this.shelf.keys(isWhisper ? this.whisperPrefix : this.prefix)) {
                const kept = this.shelf.getObject(key);
                const messageId = kept && kept.messageId;
                //  The beginning of a longer session's id: not ours.
                if (typeof messageId === "string" && key !== this.#key({ messageId, isWhisper }))
                    continue;
                if (!isId(messageId, MESSAGE_ID_MOST) || !isObject(kept.request)) {
                    this.shelf.remove(key);
                } else if (!this.entries.has(messageId)) {
                    const size = byteLength(JSON.stringify(kept));
                    found.push({ ...kept, isWhisper, size, settle: null });
                }
            }
            return found;
        }

        #key({ messageId, isWhisper }) {
            return (isWhisper ? this.whisperPrefix : this.prefix) + messageId;
        }

        add({ messageId, request, timeMs, isWhisper }, settle) {
            const kept = { messageId, request, timeMs, count: this.count++ };
            const text = JSON.stringify(kept);
            const entry = { ...kept, isWhisper, size: byteLength(text), settle };
            this.shelf.set(this.#key(entry), text);
            this.#enter(entry);
            return entry;
        }

        #enter(entry) {
            this.entries.set(entry.messageId, entry);
            this.bytes += entry.size;
        }

        head() {
            for (const entry of this.entries.values()) return entry;
            return null;
        }

        //  Takes an entry out for good; null when it is not in.
        take(messageId) {
            const entry = this.entries.get(messageId);
            if (!entry) return null;
            this.entries.delete(messageId);
            this.bytes -= entry.size;
            this.shelf.remove(this.#key(entry));
            return entry;
        }
    }

    //  A listener that throws is the page's trouble and does not stop the client.
    class Listeners {
        #env;
        #all = new Map();         //  event → its listeners

        constructor(env) {
            this.#env = env;
        }

        add(event, listener) {
            if (!this.#all.has(event)) this.#all.set(event, new Set());
            this.#all.get(event).add(listener);
            return () => this.#all.get(event).delete(listener);
        }

        has(event) {
            return Boolean(this.#all.get(event)?.size);
        }

        tell(event, detail) {
            for (const listener of [...(this.#all.get(event) || [])]) {
                try {
                    listener(detail);
                } catch (error) {
                    this.#env.setTimeout(() => { throw error; }, 0);
                }
            }
        }
    }

    //  Each has a name: one that is started anew takes the place of the one before.
    class Timers {
        #env;
        #all = new Map();

        constructor(env) {
            this.#env = env;
        }

        start(name, delay, action) {
            this.stop(name);
            this.#all.set(name, this.#env.setTimeout(() => {
                this.#all.delete(name);
                action();
            }, delay));
        }

        has(name) {
            return this.#all.has(name);
        }

        stop(name) {
            if (this.#all.has(name)) this.#env.clearTimeout(this.#all.get(name));
            this.#all.delete(name);
        }

        stopAll() {
            for (const name of [...this.#all.keys()]) this.stop(name);
        }
    }

    //  The text of Server-Sent Events, as it comes in pieces, taken apart. `take` is called with
    //  the name and the data of each event.
    class EventText {
        #take;
        #line = "";
        #endedWithReturn = false;
        #name = "";
        #data = [];

        constructor(take) {
            this.#take = take;
        }

        push(text) {
            //  A line may end in "\r\n", and a piece between the two.
            if (this.#endedWithReturn && text.startsWith("\n")) {
                text = text.slice(1);
                this.#endedWithReturn = false;
            }
            if (text === "") return;
            this.#endedWithReturn = text.endsWith("\r");
            const lines = (this.#line + text).split(/\r\n|\r|\n/);
            this.#line = lines.pop();
            for (const line of lines) this.#read(line);
        }

        #read(line) {
            if (line === "") {
                const [name, data] = [this.#name, this.#data];
                this.#name = "";
                this.#data = [];
                if (data.length) this.#take(name, data.join("\n"));
                return;
            }
            const colon = line.indexOf(":");
            const field = colon < 0 ? line : line.slice(0, colon);
            const value = colon < 0 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
            if (field === "data") this.#data.push(value);
            if (field === "event") this.#name = value;
        }
    }

    //  Reads an answer of Server-Sent Events to its end, or until `isOver`. `alive` is called with
    //  each sign of life.
    async function readEvents(answer, { take, alive, isOver }) {
        const events = new EventText(take);
        const decoder = new TextDecoder();
        const reader = answer.body.getReader();
        for (;;) {
            const { done, value } = await reader.read();
            if (done || isOver()) return;
            alive();
            events.push(decoder.decode(value, { stream: true }));
        }
    }

    //  What stands in for a WebSocket: frames come as Server-Sent Events, and messages go by POST.
    //  What became of them is told in the frames of the router. It needs fetch: an EventSource
    //  has no headers, and tells no status.
    class EventSocket {
        #env;
        #options;                 //  urlOf (path, query), sessionId, position, token, isAdmin, name
        #abort = new AbortController();
        readyState = 0;
        isListener = true;

        constructor(env, options) {
            this.#env = env;
            this.#options = options;
            //  The owner has not set its handlers yet.
            Promise.resolve().then(() => this.#listen()).catch(() => this.#end(1006));
        }

        close() {
            this.readyState = 3;
            this.#abort.abort();
        }

        send(text) {
            const { event, messageId, data, seq } = JSON.parse(text);
            const whisper = event === "whisper" || undefined;
            const isPosted = whisper || event === "new message";
            const body = JSON.stringify({ messageId, data, whisper });
            if (isPosted && byteLength(body) > POST_LIMIT) {
                this.#says("error", { messageId, code: "too_large",
                    message: "the message is larger than a POST may be" });
            } else if (isPosted) {
                this.#post(messageId, body, whisper).catch(() => this.#end(1006));
            } else if (event === "read") {
                //  What comes of it does not matter: the next one says more.
                this.#fetch("read", {}, asPost(JSON.stringify({ seq }))).catch(() => {});
            } else if (messageId) {
                this.#says("error", { messageId, code: "no_websocket",
                    message: "this needs a WebSocket" });
            }
        }

        //  The end, once.
        #end(code) {
            if (this.readyState === 3) return;
            this.close();
            this.onclose({ code });
        }

        #says(event, data) {
            if (this.readyState === 1) this.onmessage({ data: JSON.stringify({ event, data }) });
        }

        #fetch(path, query, init) {
            const { urlOf, token, sessionId } = this.#options;
            const headers = { ...init.headers };
            if (token) headers.authorization = `Bearer ${token}`;
            const url = urlOf(`sessions/${encodeURIComponent(sessionId)}/${path}`, query);
            return this.#env.fetch(url,
                { ...init, headers, cache: "no-store", signal: this.#abort.signal });
        }

        async #listen() {
            const { position, joins, name, page } = this.#options;
            const query = { lastEventId: position, ...(joins ? { join: "true" } : {}),
                ...(name ? { displayName: name } : {}), ...page };
            const answer = await this.#fetch("events", query,
                { headers: { accept: "text/event-stream" } });
            const type = answer.headers.get("content-type") || "";
            if (answer.status !== 200 || !type.startsWith("text/event-stream")) {
                this.#end(closeOf(answer.status, await problemOf(answer)));
                return;
            }
            if (this.readyState !== 0) return;
            this.readyState = 1;
            this.onopen({});
            await readEvents(answer, {
                take: (event, data) => this.#take(event, data),
                alive: () => this.onalive(),
                isOver: () => this.readyState !== 1,
            });
            this.#end(1006);
        }

        #take(event, data) {
            if (this.readyState !== 1) return;
            if (event === "close") this.#end(Number(JSON.parse(data).code) || 1006);
            else if (event === "") this.onmessage({ data });
        }

        async #post(messageId, body, whisper) {
            const answer = await this.#fetch("messages", {}, asPost(body));
            const { status } = answer;
            if (status === 200 || status === 201) {
                const { seq, time } = await answer.json();
                const duplicate = status === 200;
                this.#says("ack", { messageId, seq, timeMs: Date.parse(time), duplicate });
                return;
            }
            const { type, detail, title } = await problemOf(answer);
            const message = String(detail || title || `the router answered ${status}`);
            const seconds = Number(answer.headers.get("retry-after")) || 1;
            //  What no router said, a proxy did: it may pass.
            const code = !type && status !== 413 ? ""
                : { 400: "bad_request", 413: "too_large",
                    403: this.#options.isAdmin && !whisper ? "not_in_control"
                        : "not_allowed" }[status];
            if (code) this.#says("error", { messageId, code, message });
            else if (status === 401 && type) this.#end(TOKEN_CLOSE);
            else if (status === 429 || status === 503 || status === 504)
                this.#says("busy", { messageId, retryAfterMs: 1000 * seconds });
            else this.#end(1006);
        }
    }

    //  How long to wait before the next try, with so many before it.
    function backOff({ firstDelayFrom, firstDelayTo, mostDelay }, attempts, random) {
        const ceiling = Math.min(mostDelay, firstDelayTo * 2 ** Math.min(attempts, 16));
        return firstDelayFrom + random * Math.max(0, ceiling - firstDelayFrom);
    }

    function asPost(body) {
        return { method: "POST", headers: { "content-type": "application/json" }, body };
    }

    //  The problem that the router answered with; {} when it is none.
    async function problemOf(answer) {
        const type = answer.headers.get("content-type") || "";
        if (!type.startsWith("application/problem+json")) return {};
        try {
            const problem = await answer.json();
            return isObject(problem) ? problem : {};
        } catch {
            return {};
        }
    }

    //  The HTTP API in the name of the page's user: what is asked once, and answered once.
    class Api {
        #env;
        #timing;
        #urlOf;                   //  (path, query)
        #source;                  //  of tokens: the option of that name
        #token = "";

        constructor(env, timing, source, urlOf) {
            this.#env = env;
            this.#timing = timing;
            this.#source = source;
            this.#urlOf = urlOf;
        }

        //  The one that a function gave last.
        get token() { return this.#token; }
        set token(token) { this.#token = token; }

        //  False: there is no other one.
        renew() {
            this.#token = "";
            return typeof this.#source === "function";
        }

        async fetch(path, query, init) {
            if (!this.#token) {
                const given = typeof this.#source === "function" ? await this.#source()
                    : this.#source;
                this.#token = given ? String(given).trim() : "";
            }
            const headers = { ...init.headers };
            if (this.#token) headers.authorization = `Bearer ${this.#token}`;
            return this.#env.fetch(this.#urlOf(path, query),
                { ...init, headers, cache: "no-store" });
        }

        //  Promises what the answer says. It is rejected with a StentorChatError, whose code is the
        //  last part of the problem's type; or `unreachable`.
        async ask(method, path, { query = {}, body } = {}) {
            const headers = method === "GET" ? {} : { "idempotency-key": randomId() };
            if (body) headers["content-type"] = "application/json";
            const init = { method, headers, body: body && JSON.stringify(body) };
            for (let tries = 1; ; tries++) {
                const { value, error, again } = await this.#askOnce(path, query, init);
                if (!error) return value;
                if (again === undefined || again > API_WAIT_MOST || tries >= API_TRIES) throw error;
                await new Promise((done) => this.#env.setTimeout(done, again));
            }
        }

        //  `again`: after so many milliseconds it may be asked again, with the same key.
        async #askOnce(path, query, init) {
            const abort = new AbortController();
            const timer = this.#env.setTimeout(() => abort.abort(), this.#timing.ack);
            try {
                const answer = await this.fetch(path, query, { ...init, signal: abort.signal });
                if (answer.ok) return { value: await answer.json() };
                return { error: await refusalOf(answer), again: this.#waitAfter(answer) };
            } catch {
                const error = new StentorChatError("unreachable", "the router cannot be reached");
                return { error, again: API_WAIT };
            } finally {
                this.#env.clearTimeout(timer);
            }
        }

        #waitAfter({ status, headers }) {
            if (status === 401 && this.renew()) return 0;
            if (status !== 429 && (status < 500 || status === 501)) return undefined;
            return 1000 * Number(headers.get("retry-after")) || API_WAIT;
        }
    }

    //  What an answer refuses with. What is no problem, a proxy said.
    async function refusalOf(answer) {
        const { type, title, detail } = await problemOf(answer);
        const code = type ? String(type).split(":").at(-1) : "unreachable";
        const words = String(detail || title || `the router answered ${answer.status}`);
        return new StentorChatError(code, words);
    }

    //  A session's control, as a page is told of it: from the session, or a row of a list or feed.
    //  me: the user who looks at it.
    function controlOf({ control, offer }, me) {
        const { role, userId = "", version, since } = control;
        return {
            role, userId, version,
            mine: role === "agent" && userId === me,
            since: since ? Date.parse(since) : null,
            waitingSince: offer?.since ? Date.parse(offer.since) : null,
            offer: offer ? {
                targets: offer.targets,
                step: offer.step,
                why: offer.why || "",
                by: offer.by,
                offeredTo: offer.offeredTo || "",
                until: offer.until ? Date.parse(offer.until) : null,
                mine: offer.offeredTo === `agent:${me}`,
            } : null,
        };
    }

    //  What agents ask for, in a session and beside it. Versions: of control, that the agent saw.
    class Desk {
        #api;
        #who;                     //  (): the agent's user id
        #name;                    //  (): what others are shown

        constructor(api, who, name) {
            this.#api = api;
            this.#who = who;
            this.#name = name;
        }

        async order(sessionId, operation, { version, name = this.#name(), ...body } = {}) {
            const isTaking = operation === "take" || operation === "accept";
            if (Number.isSafeInteger(version)) body.version = version;
            if (isTaking && name) body.name = shortName(name);
            const path = `sessions/${encodeURIComponent(sessionId)}`;
            try {
                const answer = await this.#api.ask("POST", `${path}/${operation}`, { body });
                return { ...answer, time: answer.time ? Date.parse(answer.time) : null };
            } catch (error) {
                if (OVERTAKEN_CODES.has(error.code)) error.control = await this.control(sessionId);
                throw error;
            }
        }

        //  null: it cannot be had now.
        async control(sessionId) {
            return this.session(sessionId).then((session) => controlOf(session, this.#who()),
                () => null);
        }

        session(sessionId) {
            return this.#api.ask("GET", `sessions/${encodeURIComponent(sessionId)}`);
        }

        //  null: nobody has set it yet.
        async availability() {
            try {
                return await this.#api.ask("GET", this.#path());
            } catch (error) {
                if (error.code === "not-found") return null;
                throw error;
            }
        }

        setAvailability({ state, capacity, groups, name }) {
            return this.#api.ask("PUT", this.#path(), { body: { state, capacity, groups, name } });
        }

        #path() {
            return `agents/${encodeURIComponent(this.#who())}`;
        }

        //  All pages of a list, but no more items than that.
        async list(path, query, most = ROWS_MOST) {
            const items = [];
            let cursor = null;
            do {
                const page = await this.#api.ask("GET", path,
                    { query: { limit: PAGE_ITEMS, ...(cursor ? { cursor } : query) } });
                items.push(...page.items);
                cursor = page.next;
            } while (cursor && items.length < most);
            return items;
        }
    }

    //  The close code that a WebSocket would have for such an answer.
    function closeOf(status, { type }) {
        if (status === 429 || status === 503) return 1013;
        if (!type) return 1006;
        if (status === 404) return String(type).endsWith(":unknown-app") ? 4404 : 1006;
        return { 400: 4400, 401: TOKEN_CLOSE, 403: 4403 }[status] || 1006;
    }

    class StentorChat {
        #options;
        #timing;
        #env;
        #storage;                 //  the browser's
        #shelf;                   //  what is kept in: #storage, once it is known whose it is
        #baseKey;
        #identityKey;             //  "": nobody knows yet who the user is
        #identity;
        #ownSession;              //  the session is ours to choose: not given by the page
        #outbox;
        #listeners;
        #timers;
        #status = { status: "closed" };
        #wanted = false;          //  open () was called
        #socket = null;           //  a WebSocket, or an EventSocket
        #heard = false;           //  something came on it
        #silent = 0;              //  WebSockets in a row on which nothing came
        #eventsUntil = 0;         //  Server-Sent Events worked: they are tried first until then
        #eventsFailed = false;    //  and did not, when they were tried last
        #joined = false;          //  the socket is in the session
        #inFlight = null;         //  messageId of the one message that awaits its ack
        #doubt = null;            //  what speaks against it: { messageId, errors, closes }
        #unnamed = [];            //  when frames were written that an error cannot name
        #leavingDelay = null;     //  the router said `going away`
        #attempts = 0;
        #tokenAsked = null;       //  the page was asked for a token
        #tokensRefused = 0;       //  one after the other
        #me = null;               //  the user that the router knows us as; null: not yet
        #mayHasten = true;        //  the wait for the next attempt is not the router's order
        #lastSeq = 0;
        #check = "";              //  of the frame with it: to be said again in `resume`
        #lastFrameAt = 0;
        #shown = new Map();       //  own messages reported to the page: messageId → { seq or 0 … }
        #missing = new Map();     //  those of a log that is gone: do they stand in this one?
        #typers = new Map();      //  who is typing now
        #part = null;             //  the bot, while half an answer of it is shown
        #typingSentAt = 0;
        #readSeq = 0;             //  the user has read up to there
        #readSent = 0;            //  and this was told on this connection
        #joins = false;           //  `open` was called, and is not answered yet
        #command = null;          //  `barge in` or `barge out` that is not acknowledged yet
        #inControl = false;
        #controls = [];           //  where the log last said so: { seq, inControl }
        #control = null;          //  who answers, as the router said last
        #controlSeq = 0;          //  an entry of this seq changed it
        #controlAsked = "";       //  the session of which the router is being asked for it
        #api;
        #desk;
        #unlisten = [];

        constructor(options) {
            const defaults = { displayName: "", isAdmin: false, queueLimit: QUEUE_LIMIT };
            this.#options = { ...defaults, ...options };
            this.#options.displayName = shortName(this.#options.displayName || "");
            this.#timing = { ...TIMING, ...this.#options.timing };
            this.#env = environment(this.#options.environment);
            this.#listeners = new Listeners(this.#env);
            this.#timers = new Timers(this.#env);
            const storage = "storage" in this.#options ? this.#options.storage : ownStorage();
            this.#storage = new Shelf(storage);
            this.#chooseIdentity();
            this.#api = new Api(this.#env, this.#timing, this.#options.token,
                (path, query) => apiAddress(path, this.#options, this.userId, query));
            this.#desk = new Desk(this.#api, () => this.#agentId(),
                () => this.#options.displayName);
        }

        get userId() { return this.#identity.userId; }
        get sessionId() { return this.#identity.sessionId; }
        get status() { return this.#status.status; }
        get lastSeq() { return this.#lastSeq; }
        get unsent() { return this.#outbox.entries.size; }
        get inControl() { return this.#inControl; }
        get control() { return this.#control; }
        get transport() { return this.#socket && this.#socket.isListener ? "events" : "websocket"; }

        on(event, listener) {
            return this.#listeners.add(event, listener);
        }

        open() {
            if (this.#wanted) return;
            this.#wanted = true;
            this.#joins = Boolean(this.#options.isAdmin); //  only agents are put out
            this.#listenToPage();
            for (const entry of this.#outbox.adopt()) this.#showOwn(entry);
            this.#connect();
        }

        close() {
            this.#stop();
            this.#setStatus({ status: "closed" });
        }

        say(text) {
            return this.#post(randomId(), () => StentorChat.#sentence(text));
        }

        //  A visitor's is refused here: what it was meant for nobody can know.
        whisper(text) {
            const messageId = randomId();
            return this.#options.isAdmin
                ? this.#post(messageId, () => StentorChat.#sentence(text), true)
                : this.#reject(messageId,
                    new StentorChatError("not_allowed", "only agents whisper"));
        }

        static #sentence(text) {
            return {
                type: "INTENT_REQUEST",
                intentId: "NLU_RESULT_PLACEHOLDER",
                rawQuery: String(text),
                isNewSession: false,
            };
        }

        choose(item) {
            return this.#post(randomId(), () => ({
                type: "OPTION_SELECT_REQUEST",
                intentId: "OptionSelect",
                token: item.token,
                title: item.title,
                isNewSession: false,
            }));
        }

        launch() {
            //  The id depends on the session alone, so that tabs and reloads ask once.
            const messageId = `launch-${this.sessionId}`;
            return this.#post(isId(messageId, MESSAGE_ID_MOST) ? messageId : "launch", () => ({
                type: "LAUNCH_REQUEST",
                intentId: "LaunchRequest",
                isNewSession: true,
                attributes: { isGreeting: true },
            }));
        }

        send(request) {
            return this.#post(randomId(), () => request);
        }

        typing(on) {
            if (!this.#joined || (this.#options.isAdmin && !this.#inControl)) return;
            if (on && this.#isSuspect()) return;
            const now = this.#env.now();
            if (!on) {
                this.#timers.stop("typing");
                if (this.#typingSentAt) this.#write({ event: "stop typing" });
                this.#typingSentAt = 0;
                return;
            }
            if (now - this.#typingSentAt >= this.#timing.typingEvery) {
                this.#write({ event: "typing" });
                this.#typingSentAt = now;
            }
            this.#timers.start("typing", this.#timing.typingEnds, () => this.typing(false));
        }

        //  Not more than has come, and never back. Told on the next connection if there is none.
        markRead(seq = this.#lastSeq) {
            const most = Math.min(seq, this.#lastSeq);
            if (!(most > this.#readSeq)) return;
            this.#readSeq = most;
            if (!this.#timers.has("read")) this.#tellRead();
        }

        #tellRead() {
            if (!this.#joined || this.#isSuspect() || this.#readSeq <= this.#readSent) return;
            this.#readSent = this.#readSeq;
            this.#write({ event: "read", seq: this.#readSeq });
            this.#timers.start("read", this.#timing.readEvery, () => this.#tellRead());
        }

        bargeIn(name, options) {
            if (name) this.#options.displayName = shortName(name);
            this.#inControl = true;
            this.#order("barge in", options);
        }

        bargeOut(options) {
            this.typing(false);
            this.#inControl = false;
            this.#order("barge out", options);
        }

        take(options) { return this.#orderByApi("take", options); }
        release(options) { return this.#orderByApi("release", options); }
        accept(options) { return this.#orderByApi("accept", options); }
        decline(options) { return this.#orderByApi("decline", options); }
        offer(to, options) { return this.#orderByApi("offer", { ...options, to: [to].flat() }); }

        availability() { return this.#desk.availability(); }
        setAvailability(availability) { return this.#desk.setAvailability(availability); }

        queue({ target } = {}) {
            return this.#desk.list("queue", target ? { target } : {});
        }

        restart() {
            this.#writeIdentity({ userId: this.userId, sessionId: randomId() });
            this.#beginSession();
        }

        // -------------------------------------------------------------------------------------
        //  Who and where

        #who() {
            return this.#me || this.userId;
        }

        //  A token says itself who it is.
        #agentId() {
            return this.#me || subjectOf(this.#api.token) || this.userId;
        }

        #chooseIdentity() {
            const { userId, sessionId, token } = this.#options;
            this.#baseKey = baseKeyOf(this.#options);
            const isKnown = typeof token !== "function";
            this.#shelf = isKnown ? this.#storage : new Shelf(null);
            this.#identityKey = isKnown ? keyOf(this.#baseKey, token) : "";
            this.#ownSession = !sessionId;
            const kept = this.#keptIdentity();
            const user = userId ? wellFormed(userId) : kept.userId || randomId();
            //  A session belongs to its visitor: another visitor's is of no use.
            const session = sessionId ? wellFormed(sessionId)
                : (kept.userId === user && kept.sessionId) || randomId();
            this.#writeIdentity({ userId: user, sessionId: session });
        }

        //  Now it is known who the user is, or it is another one than before. What was said while
        //  nobody knew is this user's; what another user has not sent is refused.
        #becomeUserOf(token) {
            const key = keyOf(this.#baseKey, token);
            if (key === this.#identityKey) return;
            const isFirst = this.#identityKey === "";
            const before = this.#identity;
            const unsent = isFirst ? [...this.#outbox.entries.values()] : [];
            if (isFirst) this.#outbox = null;
            this.#shelf = this.#storage;
            this.#identityKey = key;
            const kept = this.#keptIdentity();
            const fresh = isFirst ? before : { userId: randomId(), sessionId: randomId() };
            this.#writeIdentity({
                userId: this.#options.userId ? before.userId : kept.userId || fresh.userId,
                sessionId: this.#ownSession ? kept.sessionId || fresh.sessionId : before.sessionId,
            });
            if (!isFirst) this.#forgetSession();
            for (const entry of this.#outbox.adopt()) this.#showOwn(entry);
            for (const entry of unsent) this.#outbox.add(entry, entry.settle);
            if (this.sessionId !== before.sessionId)
                this.#emit("session", { sessionId: this.sessionId });
        }

        //  What the storage has, as far as a router can take it.
        #keptIdentity() {
            const { userId, sessionId } = this.#shelf.getObject(this.#identityKey) || {};
            if (!isId(userId, USER_ID_MOST)) return {};
            return isId(sessionId, SESSION_ID_MOST) ? { userId, sessionId } : { userId };
        }

        //  Why no router would have these ids; null when one would. It is not left to the router:
        //  too long a URL is refused without a word that a page could read.
        #identityFault() {
            const { appId } = this.#options;
            const words = (name, most) => `${name} must be 1 to ${most} printable bytes`;
            if (appId && !APP_ID.test(appId))
                return new StentorChatError("unknown_app", "there is no such app");
            if (!isId(this.userId, USER_ID_MOST))
                return new StentorChatError("bad_request", words("userId", USER_ID_MOST));
            if (!isId(this.sessionId, SESSION_ID_MOST))
                return new StentorChatError("bad_request", words("sessionId", SESSION_ID_MOST));
            return null;
        }

        //  User and session are one entry, so that two tabs cannot mix them up.
        #writeIdentity(identity) {
            this.#identity = identity;
            const kept = this.#ownSession ? identity : { userId: identity.userId };
            this.#shelf.set(this.#identityKey, JSON.stringify(kept));
            this.#refuseAll("restarted", "another conversation was begun");
            this.#outbox = new Outbox(this.#shelf, this.#identityKey, identity.sessionId);
        }

        #forgetSession() {
            this.#lastSeq = 0;
            this.#check = "";
            this.#readSeq = this.#readSent = 0;
            this.#shown.clear();
            this.#missing.clear();
            this.#inControl = false;
            this.#controls = [];
            this.#control = null;
            this.#controlSeq = 0;
            this.#controlAsked = "";
        }

        #beginSession() {
            this.#hangUp();
            this.#forgetSession();
            this.#attempts = 0;
            //  A refusal was about the session before, maybe: the next `open` tells.
            if (this.#refusal()) this.#status = { status: "closed" };
            this.#emit("session", { sessionId: this.sessionId });
            if (this.#wanted) this.#connect();
        }

        //  Another tab began another session: go there, too.
        #followOtherTab(event) {
            if (event.key !== this.#identityKey || !this.#ownSession) return;
            const kept = this.#keptIdentity();
            if (!kept.sessionId || kept.sessionId === this.sessionId) return;
            this.#writeIdentity({ userId: kept.userId, sessionId: kept.sessionId });
            this.#beginSession();
        }

        #url() {
            return withIdentity(new URL(socketAddress(this.#options.serverUrl)),
                this.#options, this.userId, { protocol: "2", ...pageOf(this.#options) });
        }

        // -------------------------------------------------------------------------------------
        //  The connection

        #connect() {
            this.#timers.stop("retry");
            const fault = this.#identityFault();
            if (fault) {
                this.#giveUp(fault.code, fault.message);
                return;
            }
            this.#setStatus({ status: "connecting" });
            const { token } = this.#options;
            if (typeof token === "function") this.#askToken(token);
            else this.#dial(token);
        }

        //  A page that cannot give a token now is asked again, as if the router could not be
        //  reached. What comes when it is not waited for any more is not used.
        #askToken(token) {
            const asked = this.#tokenAsked = {};
            const ours = (handler) => (value) => {
                if (this.#tokenAsked !== asked) return;
                this.#tokenAsked = null;
                handler(value);
            };
            this.#timers.start("join", this.#timing.join, () => this.#drop());
            Promise.resolve().then(token)
                .then(ours((given) => this.#dial(given)), ours(() => this.#drop()));
        }

        #dial(given) {
            const token = given ? String(given).trim() : "";
            let socket;
            this.#becomeUserOf(token);
            this.#api.token = token;
            try {
                socket = this.#prefersEvents() ? this.#newEventSocket(token)
                    : new this.#env.WebSocket(this.#url(),
                        token ? [PROTOCOL, PROTOCOL_TOKEN + token] : []);
            } catch (error) {
                this.#giveUp("bad_request", error.message);
                return;
            }
            this.#socket = socket;
            this.#heard = false;
            //  What an abandoned socket still says is not for us.
            const ours = (handler) => (event) => {
                if (this.#socket === socket) handler(event);
            };
            socket.onopen = ours(() => this.#resume());
            socket.onmessage = ours((event) => this.#receive(event.data));
            socket.onclose = ours((event) => this.#lost(event.code));
            socket.onalive = ours(() => this.#isAlive());
            this.#timers.start("join", this.#timing.join, () => this.#drop());
        }

        #prefersEvents() {
            const { transport } = this.#options;
            if (transport === "events" || transport === "websocket") return transport === "events";
            if (!this.#env.fetch) return false;
            if (!this.#env.WebSocket) return true;
            const areDue = this.#silent >= SILENT_MOST || this.#env.now() < this.#eventsUntil;
            return areDue && !this.#eventsFailed;
        }

        #newEventSocket(token) {
            return new EventSocket(this.#env, {
                urlOf: (path, query) => apiAddress(path, this.#options, this.userId, query),
                sessionId: this.sessionId,
                position: this.#check ? `${this.#lastSeq}-${this.#check}` : `${this.#lastSeq}`,
                joins: this.#joins,
                token,
                isAdmin: Boolean(this.#options.isAdmin),
                name: this.#options.displayName,
                page: pageOf(this.#options),
            });
        }

        //  Something came, or nothing until the end: which way works? A WebSocket that was refused
        //  in words was open.
        #noteWay(socket, works) {
            if (!socket.isListener) {
                this.#silent = works ? 0 : this.#silent + 1;
                this.#eventsFailed = false;
                if (works) this.#eventsUntil = 0;
                return;
            }
            this.#eventsFailed = !works;
            if (!works) return;
            //  The attempts before this one were another way.
            if (this.#env.now() >= this.#eventsUntil) this.#attempts = 0;
            this.#silent = SILENT_MOST - 1; //  one WebSocket is tried again, when the time is over
            this.#eventsUntil = this.#env.now() + this.#timing.events;
        }

        #resume() {
            const check = this.#check || undefined;
            const join = this.#joins || undefined;
            this.#write({ event: "resume", lastSeq: this.#lastSeq, check, join });
        }

        //  Ends the connection without waiting for the other side, which may be gone.
        #hangUp() {
            const socket = this.#socket;
            this.#socket = null;
            this.#tokenAsked = null;
            this.#joined = false;
            this.#inFlight = null;
            this.#unnamed = [];
            if (this.#command) this.#command.sent = false;
            this.#leavingDelay = null;
            this.#typingSentAt = 0;
            this.#timers.stopAll();
            for (const sender of [...this.#typers.values()]) this.#setTyping(sender, false);
            this.#endPart();
            if (socket) socket.close();
        }

        #drop() {
            this.#lost(0);
        }

        #lost(closeCode) {
            const given = this.#leavingDelay;
            const head = this.#inFlight;
            if (this.#socket && !this.#heard) this.#noteWay(this.#socket, false);
            this.#hangUp();
            if (closeCode === TOKEN_CLOSE && !this.#mayAskToken()) {
                this.#giveUp(TOKEN_CODE, "the router does not accept the token");
                return;
            }
            if (closeCode in FINAL_CLOSES) {
                this.#giveUp(FINAL_CLOSES[closeCode], "the router refused the connection");
                return;
            }
            if (closeCode === TOO_LARGE_CLOSE && head) {
                this.#refuse(head, "too_large", "the message is larger than the router takes");
            } else if (DISLIKE_CLOSES.has(closeCode) && head
                && ++this.#doubt.closes >= DISLIKES_MOST) {
                this.#refuse(head, "bad_request",
                    `the router closed ${DISLIKES_MOST} connections over it (${closeCode})`);
            }
            if (!this.#wanted) return;
            const delay = given === null
                ? backOff(this.#timing, this.#attempts++, this.#env.random()) : given;
            this.#mayHasten = given === null;
            this.#setStatus({ status: "waiting", retryAt: this.#env.now() + delay });
            this.#timers.start("retry", delay, () => this.#connect());
        }

        //  The router did not like the token: may another one be asked for?
        #mayAskToken() {
            return typeof this.#options.token === "function" && ++this.#tokensRefused < TOKENS_MOST;
        }

        #stop() {
            this.#wanted = false;
            for (const unlisten of this.#unlisten.splice(0)) unlisten();
            this.#hangUp();
        }

        //  The router will not have us: trying again would change nothing.
        #giveUp(code, message) {
            this.#stop();
            //  What a listener to the refusals says now is refused, too.
            const status = { status: "closed", code, message };
            this.#status = status;
            this.#refuseAll(code, message);
            if (this.#command) this.#refuseCommand(code, message);
            if (this.#status === status) this.#setStatus(status);
        }

        #refuseCommand(code, message, faster) {
            const { messageId } = this.#command;
            this.#command = null;
            if (!faster) {
                this.#inControl = false;
                this.#emit("refused", { messageId, code, message });
                return;
            }
            const { role, userId, version, mine, since } = controlOf({ control: faster },
                this.#who());
            this.#inControl = mine;
            this.#emit("refused", { messageId, code, message,
                control: { role, userId, version, mine, since } });
            this.#noteControl({ seq: version });
        }

        //  Why the router will not have us; null when it may.
        #refusal() {
            const { status, code, message } = this.#status;
            return status === "closed" && code ? new StentorChatError(code, message) : null;
        }

        #listenToPage() {
            const { window, document } = this.#env;
            const listen = (target, event, listener) => {
                if (!target || !target.addEventListener) return;
                target.addEventListener(event, listener);
                this.#unlisten.push(() => target.removeEventListener(event, listener));
            };
            listen(window, "online", () => this.#wake());
            listen(window, "offline", () => this.#joined && this.#probe());
            listen(window, "pageshow", (event) => event.persisted && this.#wake());
            listen(window, "storage", (event) => this.#followOtherTab(event));
            listen(document, "visibilitychange", () => {
                if (document.visibilityState === "visible") this.#wake();
            });
        }

        //  Somebody looks at the page, or the network is back: don't wait for the timers, which
        //  may have slept.
        #wake() {
            if (!this.#wanted) return;
            const { probe, quiet } = this.#timing;
            const since = this.#env.now() - this.#lastFrameAt;
            if (this.#status.status === "waiting") {
                if (this.#mayHasten) this.#connect();
            } else if (this.#joined && since > (this.#socket.isListener ? quiet : probe)) {
                this.#probe();
            }
        }

        //  A browser cannot ping, but `resume` is answered always. Server-Sent Events cannot ask,
        //  but something comes from time to time.
        #probe() {
            this.#resume();
            this.#timers.start("probe", this.#timing.probe, () => this.#drop());
        }

        #probeWhenQuiet() {
            this.#timers.start("quiet", this.#timing.quiet, () => {
                const { document } = this.#env;
                if (document && document.visibilityState === "hidden") this.#probeWhenQuiet();
                else if (this.#joined) this.#probe();
            });
        }

        // -------------------------------------------------------------------------------------
        //  Frames out

        #write(frame) {
            if (!this.#socket || this.#socket.readyState !== 1) return;
            if (frame.event !== "resume") this.#unnamed = [...this.#lately(), this.#env.now()];
            this.#socket.send(this.#textOf(frame));
        }

        //  An older frame was answered, or the connection is dead.
        #lately() {
            const since = this.#env.now() - this.#timing.probe;
            return this.#unnamed.filter((at) => at > since);
        }

        #textOf(frame) {
            const { displayName } = this.#options;
            const whole = { sessionId: this.sessionId, timeMs: this.#env.now(), ...frame };
            if (displayName) whole.sender = { displayName };
            return JSON.stringify(whole);
        }

        //  The frame of a message. Throws what it would be refused for.
        #messageText({ messageId, timeMs, request, isWhisper }) {
            const { accessToken } = this.#options;
            const data = accessToken && !isWhisper ? { ...request, accessToken } : request;
            const event = isWhisper ? "whisper" : "new message";
            const text = this.#textOf({ event, messageId, timeMs, data });
            const fault = faultOf(text);
            if (fault) throw new StentorChatError("bad_request", fault);
            if (byteLength(text) > FRAME_LIMIT)
                throw new StentorChatError("too_large", "the message is too large");
            return text;
        }

        //  Of several orders given without a connection only the last one counts.
        //  By the version that the page was shown, or of what its own agent has just done. What it
        //  will be behind an order that is on its way, nobody knows yet.
        #order(event, { version } = {}) {
            if (version === undefined && this.#control && !this.#command)
                version = Math.max(this.#control.version, this.#controls.at(-1)?.seq || 0);
            this.#command = { event, messageId: randomId(), sent: false,
                version: version ?? undefined };
            const refusal = this.#refusal();
            if (refusal) this.#refuseCommand(refusal.code, refusal.message);
            else if (this.#joined) this.#flush();
        }

        //  A copy: what the page does to its own later changes nothing.
        #request(compose) {
            const given = compose();
            if (!isObject(given)) throw new TypeError("no object");
            const request = JSON.parse(JSON.stringify({
                platform: "stentor-platform",
                channel: "widget",
                ...given,
                sessionId: this.sessionId,
                userId: this.userId,
                attributes: { ...this.#options.attributes, ...given.attributes },
            }));
            if (!isObject(request)) throw new TypeError("no object");
            return request;
        }

        #post(messageId, compose, isWhisper = false) {
            const refusal = this.#refusal();
            if (refusal) return this.#reject(messageId, refusal);
            const waiting = this.#outbox.entries.get(messageId);
            if (waiting) return this.#promise(waiting);
            const timeMs = this.#env.now();
            let request;
            try {
                request = this.#request(compose);
                this.#messageText({ messageId, timeMs, request, isWhisper });
            } catch (error) {
                return this.#reject(messageId, reasonOf(error));
            }
            const size = byteLength(JSON.stringify(request));
            const { queueLimit } = this.#options;
            if (this.unsent >= queueLimit || this.#outbox.bytes + size > QUEUE_BYTES) {
                return this.#reject(messageId,
                    new StentorChatError("queue_full", "too many messages wait to be sent"));
            }
            const entry = this.#outbox.add({ messageId, request, timeMs, isWhisper }, null);
            const promise = this.#promise(entry);
            if (this.#typingSentAt) this.typing(false);
            this.#showOwn(entry);
            this.#flush();
            return promise;
        }

        #promise(entry) {
            const earlier = entry.settle;
            const promise = new Promise((resolve, reject) => {
                entry.settle = {
                    resolve: (ack) => { if (earlier) earlier.resolve(ack); resolve(ack); },
                    reject: (error) => { if (earlier) earlier.reject(error); reject(error); },
                };
            });
            //  A page that listens to `refused` need not look at the promise.
            promise.catch(() => {});
            return promise;
        }

        #reject(messageId, error) {
            this.#emit("refused", { messageId, code: error.code, message: error.message });
            const promise = Promise.reject(error);
            promise.catch(() => {});
            return promise;
        }

        #showOwn(entry) {
            const text = textOf(entry.request);
            const { timeMs, isWhisper: whisper } = entry;
            this.#shown.set(entry.messageId, { seq: 0, timeMs, text, whisper });
            if (!text) return;
            this.#emit(whisper ? "whisper" : "message", {
                messageId: entry.messageId,
                seq: 0,
                timeMs,
                from: this.#options.isAdmin ? "agent" : "visitor",
                mine: true,
                pending: true,
                sender: { userId: this.userId, displayName: this.#options.displayName },
                text,
                data: JSON.parse(JSON.stringify(entry.request)),
            });
        }

        //  One message at a time: one that the router sends back to wait is never overtaken.
        #flush() {
            if (!this.#joined || this.#leavingDelay !== null) return;
            if (this.#timers.has("busy")) return;
            const next = this.#inFlight ? null : this.#next();
            //  What was said before `barge out` goes before it: later it would be refused.
            const command = this.#command;
            const isTurn = command && (command.event === "barge in" || !this.#outbox.head());
            if (isTurn && !command.sent && !this.#isSuspect()) {
                command.sent = true;
                this.#inControl = command.event === "barge in";
                const { event, messageId, version } = command;
                this.#write({ event, messageId, version });
            }
            //  A listener to a refusal may have sent another one, or ended it all.
            if (next && !this.#inFlight && this.#joined) this.#dispatch(next);
        }

        //  The oldest message with its frame. What an earlier page left may be too much with the
        //  token and the name of this one.
        #next() {
            for (let entry; (entry = this.#outbox.head());) {
                try {
                    return { messageId: entry.messageId, text: this.#messageText(entry) };
                } catch (error) {
                    const { code, message } = reasonOf(error);
                    this.#refuse(entry.messageId, code, message);
                }
            }
            return null;
        }

        #dispatch({ messageId, text }) {
            this.#inFlight = messageId;
            if (!this.#doubt || this.#doubt.messageId !== messageId)
                this.#doubt = { messageId, errors: 0, closes: 0 };
            this.#timers.start("ack", this.#timing.ack, () => this.#drop());
            if (this.#socket.readyState === 1) this.#socket.send(text);
        }

        #answered(messageId) {
            if (this.#doubt && this.#doubt.messageId === messageId) this.#doubt = null;
            if (this.#inFlight !== messageId) return;
            this.#inFlight = null;
            this.#timers.stop("ack");
        }

        #isSuspect() {
            return Boolean(this.#doubt && this.#doubt.errors > 0);
        }

        //  An error that names no message may be about the one in flight, or about a `typing` that
        //  was written shortly before. So the message is sent again, and no new frame beside it,
        //  until there were more errors than the other frames can have caused; two at least.
        #suspect(code, message) {
            this.#doubt.errors++;
            if (this.#doubt.errors > Math.max(1, this.#lately().length))
                this.#refuse(this.#inFlight, code || "bad_request", String(message || ""));
            else this.#inFlight = null;
            this.#flush();
        }

        #stored(ack) {
            const entry = this.#outbox.take(ack.messageId);
            this.#answered(ack.messageId);
            if (entry) {
                const { seq, timeMs } = ack;
                Object.assign(this.#shown.get(ack.messageId) || {}, { seq, timeMs });
                this.#emit("ack", ack);
                if (entry.settle) entry.settle.resolve(ack);
            }
            this.#flush();
        }

        #refuse(messageId, code, message) {
            const entry = this.#outbox.take(messageId);
            this.#answered(messageId);
            this.#emit("refused", { messageId, code, message });
            if (entry && entry.settle) entry.settle.reject(new StentorChatError(code, message));
        }

        #refuseAll(code, message) {
            if (!this.#outbox) return;
            for (const id of [...this.#outbox.entries.keys()]) this.#refuse(id, code, message);
        }

        // -------------------------------------------------------------------------------------
        //  Frames in

        #isAlive() {
            this.#lastFrameAt = this.#env.now();
            this.#timers.stop("probe");
            this.#probeWhenQuiet();
            if (!this.#heard) this.#noteWay(this.#socket, true);
            this.#heard = true;
        }

        #receive(text) {
            this.#isAlive();
            let frame;
            try {
                frame = JSON.parse(text);
            } catch {
                return;
            }
            const handler = frame && StentorChat.#HANDLERS.get(frame.event);
            //  A late word from the session before a restart is not for this one.
            if (!handler || (frame.sessionId && frame.sessionId !== this.sessionId)) return;
            const data = frame.data && typeof frame.data === "object" ? frame.data : {};
            const hasSeq = Number.isSafeInteger(frame.seq) && frame.seq > 0;
            if (!hasSeq || frame.event === "history changed") {
                handler(this, frame, data);
                return;
            }
            if (frame.seq <= this.#lastSeq) return;
            this.#advance(frame.seq, frame.check);
            handler(this, frame, data);
            this.#reportLost(frame.seq);
        }

        static #HANDLERS = new Map([
            ["connection update", (chat, frame, data) => chat.#onUpdate(data)],
            ["new message", (chat, frame, data) => chat.#onSaid("message", frame, data)],
            ["whisper", (chat, frame, data) => chat.#onSaid("whisper", frame, data)],
            ["ack", (chat, frame, data) => chat.#onAck(data)],
            ["busy", (chat, frame, data) => chat.#onBusy(data)],
            ["error", (chat, frame, data) => chat.#onError(data)],
            ["going away", (chat, frame, data) => chat.#onGoingAway(data)],
            ["typing", (chat, frame) => chat.#setTyping(frame.sender, true)],
            ["stop typing", (chat, frame) => chat.#setTyping(frame.sender, false)],
            ["part", (chat, frame, data) => chat.#onPart(frame, data)],
            ["presence", (chat, frame, data) => chat.#onCompany(frame, data)],
            ["receipt", (chat, frame, data) => chat.#onCompany(frame, data)],
            ["failure", (chat, frame, data) => chat.#onFailure(frame, data)],
            ["user joined", (chat, frame, data) => chat.#onPresence("joined", frame, data)],
            ["user left", (chat, frame, data) => chat.#onPresence("left", frame, data)],
            ["handoff", (chat, frame, data) => chat.#onHandoff(frame, data)],
            ["offer", (chat, frame, data) => chat.#onOffer("offer", frame, data)],
            ["offer ended", (chat, frame, data) => chat.#onOffer("offerEnded", frame, data)],
            ["deadline", (chat, frame, data) => chat.#onDeadline(frame, data)],
            ["session closed", (chat, frame) => chat.#onClosed(frame)],
            ["session reopened", (chat, frame) => chat.#emit("reopened", at(frame))],
            ["history changed", (chat, frame, data) => chat.#onHistory(frame, data)],
        ]);

        #setPosition(seq, check) {
            this.#lastSeq = seq;
            this.#check = typeof check === "string" ? check : "";
        }

        #advance(seq, check) {
            this.#setPosition(seq, check);
            for (const [id, own] of this.#shown) {
                if (this.#shown.size <= OWN_MOST) return;
                if (own.seq && own.seq <= seq) this.#shown.delete(id);
            }
        }

        //  A fail-over, or a restore: what stood above the seq is not in the log any more. What is
        //  there now follows. An own message may be part of it: nobody knows where exactly the
        //  histories part.
        #onHistory({ seq, check }, { lastSeq }) {
            if (!Number.isSafeInteger(seq) || seq < 0) return;
            if (seq < this.#lastSeq) this.#setPosition(seq, check);
            this.#readSeq = Math.min(this.#readSeq, seq);
            this.#readSent = Math.min(this.#readSent, seq);
            for (const [messageId, own] of this.#shown) {
                if (own.seq <= seq) continue;
                this.#shown.delete(messageId);
                if (own.text) this.#missing.set(messageId, own);
            }
            this.#controls = this.#controls.filter((control) => control.seq <= seq);
            if (!this.#command) this.#inControl = Boolean(this.#controls.at(-1)?.inControl);
            this.#endPart();
            this.#emit("history", { seq });
            this.#controlSeq = Math.min(this.#controlSeq, seq);
            this.#askControl();
            const end = Number.isSafeInteger(lastSeq) ? lastSeq : 0;
            for (const [messageId, own] of this.#missing)
                if (own.seq > end) this.#lose(messageId, own);
        }

        //  Everything up to the seq has come: an own message that stood there and did not is gone.
        #reportLost(seq) {
            for (const [messageId, own] of this.#missing)
                if (own.seq <= seq) this.#lose(messageId, own);
        }

        #lose(messageId, own) {
            this.#missing.delete(messageId);
            this.#emit("lost", { messageId, ...own });
        }

        #onUpdate(data) {
            if (data.sessionCreated === true) {
                this.#timers.stop("join");
                //  The log may be shorter than the one we have seen: one that was restored.
                if (Number.isSafeInteger(data.seq) && data.seq < this.#lastSeq)
                    this.#setPosition(data.seq, data.check);
                if (typeof data.userId === "string") this.#me = data.userId;
                this.#tokensRefused = 0;
                if (this.#joined) return;
                this.#joined = true;
                this.#joins = false;
                this.#readSent = 0;
                this.#timers.start("stable", this.#timing.stable, () => { this.#attempts = 0; });
                this.#setStatus({ status: "open" });
                this.#askControl();
                this.#flush();
                this.#tellRead();
            } else if (FINAL_CODES.has(data.code)) {
                this.#giveUp(data.code, String(data.errorMessage || ""));
            } else if (data.code === TOKEN_CODE) {
                if (this.#mayAskToken()) this.#drop();
                else this.#giveUp(data.code, String(data.errorMessage || ""));
            } else if (data.code === "not_joined" && this.#options.isAdmin) {
                //  Only a visitor opens a session: to try again would not make it one.
                this.#giveUp(data.code, "there is no such session");
            } else {
                this.#drop();
            }
        }

        #onSaid(event, frame, data) {
            const { messageId, seq, timeMs } = frame;
            const sender = frame.sender || {};
            const bot = sender.deviceId === "Bot";
            const agent = !bot && sender.isAdmin === true;
            const mine = !bot && sender.userId === this.#who()
                && agent === Boolean(this.#options.isAdmin);
            //  An id belongs to its participant: somebody else may use the same one.
            //  One that was posted a moment ago is acknowledged by the answer to its POST.
            const isPosted = this.#socket.isListener && this.#inFlight === messageId;
            if (mine && messageId && !isPosted && this.#outbox.entries.has(messageId)) {
                this.#stored({ messageId, seq, timeMs, duplicate: true });
            }
            if (mine && messageId && this.#shown.has(messageId)) return;
            if (bot) this.#endPart();
            if (mine && messageId) {
                this.#missing.delete(messageId);
                const whisper = event === "whisper";
                this.#shown.set(messageId, { seq, timeMs, text: textOf(data), whisper });
            }
            this.#emit(event, {
                messageId,
                seq,
                timeMs,
                from: bot ? "bot" : agent ? "agent" : "visitor",
                mine,
                pending: false,
                sender,
                text: textOf(data),
                data,
            });
        }

        #onAck(data) {
            if (this.#isCommand(data)) this.#command = null;
            this.#stored({
                messageId: data.messageId,
                seq: data.seq,
                timeMs: data.timeMs,
                duplicate: data.duplicate === true,
            });
        }

        #isCommand({ messageId }) {
            return Boolean(this.#command && this.#command.messageId === messageId);
        }

        #onBusy(data) {
            const least = Math.max(0, Number(data.retryAfterMs) || 0);
            const delay = least * (1 + this.#env.random() / 4);
            if (!this.#joined) {
                this.#timers.start("busy", delay, () => this.#resume());
                return;
            }
            this.#answered(data.messageId);
            if (this.#isCommand(data)) this.#command.sent = false;
            this.#timers.start("busy", delay, () => this.#flush());
        }

        #onError(data) {
            const { messageId, code, message, control } = data;
            if (AGAIN_CODES.has(code)) {
                this.#drop();
            } else if (this.#outbox.entries.has(messageId)) {
                this.#refuse(messageId, code, message);
                this.#flush();
            } else if (this.#isCommand(data)) {
                this.#refuseCommand(code, message, control);
            } else if (this.#shown.has(messageId)) {
                //  The second answer to one that was sent twice.
            } else if (code === "unknown_event" && this.#readSent > 0) {
                this.#readSent = Infinity; //  an older router, that is being replaced
            } else if (this.#inFlight) {
                this.#suspect(code, message);
            } else {
                this.#emit("refused", { messageId, code, message });
            }
        }

        #onGoingAway(data) {
            this.#leavingDelay = Math.max(0, Number(data.delayMs) || 0);
            this.#timers.start("goodbye", this.#timing.goodbye, () => this.#drop());
        }

        #onPart({ sender }, data) {
            const text = textOf(data);
            if (!sender || !text) return;
            this.#part = sender;
            this.#emit("part", { sender, text, data });
        }

        //  Half an answer is over: what comes of it is said by another event, if anything does.
        #endPart() {
            const sender = this.#part;
            this.#part = null;
            if (sender) this.#emit("part", { sender, text: "", data: {} });
        }

        #onCompany({ event, sender }, { role, userId, connected, deliveredSeq, readSeq }) {
            const receipt = { deliveredSeq: deliveredSeq || 0, readSeq: readSeq || 0 };
            const who = { role, userId, sender: sender || {} };
            if (event === "receipt") this.#emit("receipt", { ...who, ...receipt });
            else this.#emit("presence", { ...who, connected: connected === true, ...receipt });
            //  Who is not there writes nothing.
            if (event === "presence" && !connected) this.#setTyping(sender, false);
        }

        #onClosed(frame) {
            this.#endPart();
            this.#emit("closed", at(frame));
            this.#noteControl(frame);
        }

        #onFailure(frame, data) {
            this.#endPart();
            const { tries, delay, error } = data;
            this.#emit("failure", { tries, delay, error, sender: frame.sender, seq: frame.seq });
        }

        #onPresence(event, { sender, seq, timeMs }, { why, visitor }) {
            const mine = Boolean(this.#options.isAdmin && sender && sender.isAdmin === true
                && sender.userId === this.#who());
            //  The log says who is in control: an agent reads here that another one took over,
            //  that it was away for too long, or what it did itself in another tab.
            if (mine) {
                this.#inControl = event === "joined";
                this.#controls.push({ seq, inControl: this.#inControl });
                this.#controls = this.#controls.slice(-CONTROLS_MOST);
            }
            if (mine && !this.#inControl) this.typing(false);
            this.#setTyping(sender, false);
            if (sender && sender.isAdmin === true) this.#endPart();
            this.#emit(event, { sender, seq, timeMs, why, mine, visitor });
            if (sender && sender.isAdmin === true) this.#noteControl({ seq });
        }

        #onDeadline(frame, { why, until }) {
            this.#emit("deadline", { ...at(frame), why, until: Date.parse(until) || 0 });
        }

        //  Told to agents. `until` of the router's clock.
        #onOffer(event, frame, { targets, step, why, by, to, until }) {
            this.#emit(event, { ...at(frame), sender: frame.sender, why, by, to, targets, step,
                until: until ? Date.parse(until) : undefined });
            this.#noteControl(frame);
        }

        #onHandoff(frame, data) {
            this.#emit("handoff", { target: data.target, kind: data.kind, seq: frame.seq });
        }

        #setTyping(sender, on) {
            if (!sender) return;
            const who = `${sender.deviceId}:${sender.userId}`;
            if (on === this.#typers.has(who)) return;
            if (on) this.#typers.set(who, sender);
            else this.#typers.delete(who);
            this.#emit("typing", { sender, on });
        }

        // -------------------------------------------------------------------------------------
        //  Control

        //  By the version that the page was shown, when it says no other.
        async #orderByApi(operation, options = {}) {
            if (!this.#options.isAdmin)
                throw new StentorChatError("forbidden", "only agents do this");
            if (options.name) this.#options.displayName = shortName(options.name);
            const version = this.#control?.version;
            try {
                return await this.#desk.order(this.sessionId, operation, { version, ...options });
            } finally {
                this.#askControl();
            }
        }

        //  An entry has changed who answers, or the offer.
        #noteControl({ seq }) {
            this.#controlSeq = Math.max(this.#controlSeq, seq || 0);
            this.#askControl();
        }

        //  The log says that something has changed; the router says how it is now, with the
        //  version. Only a page that wants to know costs this question.
        async #askControl() {
            const { sessionId } = this;
            if (this.#controlAsked === sessionId || !this.#joined) return;
            if (!this.#env.fetch || !this.#listeners.has("control")) return;
            this.#controlAsked = sessionId;
            const session = await this.#desk.session(sessionId).catch(() => null);
            if (this.#controlAsked !== sessionId) return;
            this.#controlAsked = "";
            if (!this.#joined || !session) return;
            if (session.lastSeq < this.#controlSeq)
                this.#timers.start("control", CONTROL_AGAIN, () => this.#askControl());
            const before = JSON.stringify(this.#control);
            this.#control = controlOf(session, this.#agentId());
            if (JSON.stringify(this.#control) !== before) this.#emit("control", this.#control);
        }

        // -------------------------------------------------------------------------------------
        //  Events

        #setStatus(status) {
            this.#status = status;
            this.#emit("status", status);
        }

        #emit(event, detail) {
            this.#listeners.tell(event, detail);
        }
    }

    //  The agents' side of an app as a whole: which sessions there are, who waits, and what is
    //  offered to this agent, kept true by the API's feed.
    class Console {
        #options;
        #timing;
        #env;
        #listeners;
        #timers;
        #api;
        #desk;
        #shelf;
        #status = { status: "closed" };
        #wanted = false;
        #abort = null;            //  of the feed that is listened to
        #attempts = 0;
        #tokensRefused = 0;
        #rows = new Map();        //  sessionId → the newest row
        #listing = null;          //  while sessions are asked for: rows that came meanwhile
        #offered = new Set();     //  offers to this agent that were told
        #decided = new Set();     //  those that it has answered, and of which no row says so yet
        #availability = null;
        #unlisten = [];

        constructor(options) {
            this.#options = { ...options, isAdmin: true };
            this.#timing = { ...TIMING, ...options.timing };
            this.#env = environment(options.environment);
            this.#listeners = new Listeners(this.#env);
            this.#timers = new Timers(this.#env);
            this.#shelf = new Shelf("storage" in options ? options.storage : ownStorage());
            const own = this.#ownId();
            this.#api = new Api(this.#env, this.#timing, options.token,
                (path, query) => apiAddress(path, this.#options, own, query));
            if (typeof options.token === "string") this.#api.token = options.token.trim();
            this.#desk = new Desk(this.#api, () => this.userId,
                () => shortName(options.displayName || ""));
        }

        //  The one that an agent's StentorChat has in this browser, too.
        #ownId() {
            const { userId, token } = this.#options;
            if (userId || token) return wellFormed(userId || "");
            const key = baseKeyOf(this.#options);
            const kept = this.#shelf.getObject(key) || {};
            if (isId(kept.userId, USER_ID_MOST)) return kept.userId;
            const made = randomId();
            this.#shelf.set(key, JSON.stringify({ userId: made }));
            return made;
        }

        get userId() { return subjectOf(this.#api.token) || this.#ownId(); }
        get status() { return this.#status.status; }
        //  As the router has it: null when nobody has set it yet.
        get agent() { return this.#availability; }

        on(event, listener) {
            return this.#listeners.add(event, listener);
        }

        open() {
            if (this.#wanted) return;
            this.#wanted = true;
            const wake = () => this.#wake();
            const { window } = this.#env;
            if (window && window.addEventListener) {
                window.addEventListener("online", wake);
                this.#unlisten.push(() => window.removeEventListener("online", wake));
            }
            this.#connect();
        }

        close() {
            this.#stop({ status: "closed" });
        }

        //  Open ones, the newest first.
        sessions() {
            return this.#open().sort((a, b) => latest(b) - latest(a));
        }

        //  For whom somebody is sought or asked, who waits longest first.
        waiting() {
            return this.#open().filter(({ offer }) => offer)
                .sort((a, b) => Date.parse(a.offer.since) - Date.parse(b.offer.since));
        }

        //  What this agent is asked, and has not answered.
        offers() {
            return this.waiting().filter((row) =>
                this.control(row).offer.mine && !this.#decided.has(versionKey(row)));
        }

        //  A row's, in the words of StentorChat's `control`.
        control(row) {
            return controlOf(row, this.userId);
        }

        take(sessionId, options) { return this.#order(sessionId, "take", options); }
        release(sessionId, options) { return this.#order(sessionId, "release", options); }
        accept(sessionId, options) { return this.#order(sessionId, "accept", options); }
        decline(sessionId, options) { return this.#order(sessionId, "decline", options); }

        offer(sessionId, to, options) {
            return this.#order(sessionId, "offer", { ...options, to: [to].flat() });
        }

        async availability() {
            this.#setAgent(await this.#desk.availability());
            return this.#availability;
        }

        async setAvailability(availability) {
            this.#setAgent(await this.#desk.setAvailability(availability));
            return this.#availability;
        }

        agents({ group, state } = {}) {
            return this.#desk.list("agents", { ...(group && { group }), ...(state && { state }) });
        }

        queue({ target } = {}) {
            return this.#desk.list("queue", target ? { target } : {});
        }

        botHealth() {
            return this.#api.ask("GET", "bot-health");
        }

        async #order(sessionId, operation, options = {}) {
            const row = this.#rows.get(sessionId);
            const version = row?.control.version;
            const answer = await this.#desk.order(sessionId, operation, { version, ...options });
            if (row && (operation === "accept" || operation === "decline")) {
                this.#decided.add(versionKey(row));
                this.#changed();
            }
            return answer;
        }

        #open() {
            return [...this.#rows.values()].filter(({ state }) => state === "open");
        }

        // -------------------------------------------------------------------------------------
        //  The feed

        async #connect() {
            this.#timers.stop("retry");
            this.#setStatus({ status: "connecting" });
            const abort = this.#abort = new AbortController();
            const isOver = () => this.#abort !== abort;
            this.#expectLife();
            try {
                await this.#listen(abort.signal, isOver);
            } catch (error) {
                if (!isOver() && error instanceof StentorChatError) this.#giveUp(error);
            }
            if (!isOver()) this.#lost();
        }

        //  Until the feed ends. Throws a StentorChatError when it will not be given.
        async #listen(signal, isOver) {
            const answer = await this.#api.fetch("feed", {},
                { headers: { accept: "text/event-stream" }, signal });
            if (isOver()) return;
            if (answer.status !== 200) {
                const error = await refusalOf(answer);
                const isFinal = error.code === TOKEN_CODE ? !this.#mayRenew()
                    : FINAL_PROBLEMS.has(error.code);
                if (isFinal) throw error;
                return;
            }
            this.#tokensRefused = 0;
            await readEvents(answer, {
                take: (event, data) => this.#take(event, data),
                alive: () => this.#expectLife(),
                isOver,
            });
        }

        #mayRenew() {
            return this.#api.renew() && ++this.#tokensRefused < TOKENS_MOST;
        }

        //  Something comes from time to time, else it is dead.
        #expectLife() {
            const { quiet, probe } = this.#timing;
            this.#timers.start("quiet", quiet + probe, () => this.#lost());
        }

        #take(event, data) {
            if (event === "session") this.#apply(JSON.parse(data));
            else if (event === "ready" || event === "resync") this.#list();
            else if (event === "end") this.#lost();
        }

        #lost() {
            this.#hangUp();
            const delay = backOff(this.#timing, this.#attempts++, this.#env.random());
            this.#setStatus({ status: "waiting", retryAt: this.#env.now() + delay });
            this.#timers.start("retry", delay, () => this.#connect());
        }

        #wake() {
            if (this.#status.status === "waiting") this.#connect();
        }

        #hangUp() {
            const abort = this.#abort;
            this.#abort = null;
            this.#listing = null;
            this.#timers.stopAll();
            if (abort) abort.abort();
        }

        #stop(status) {
            this.#wanted = false;
            for (const unlisten of this.#unlisten.splice(0)) unlisten();
            this.#hangUp();
            this.#setStatus(status);
        }

        #giveUp({ code, message }) {
            this.#stop({ status: "closed", code, message });
        }

        // -------------------------------------------------------------------------------------
        //  The rows: subscribe, query, apply what is newer

        async #list() {
            const listing = this.#listing = new Map();
            try {
                const rows = new Map();
                for (const row of await this.#desk.list("sessions", { state: "open" }))
                    keepNewer(rows, row);
                if (this.#listing !== listing) return;
                for (const row of listing.values()) keepNewer(rows, row);
                this.#rows = rows;
                this.#listing = null;
                this.#attempts = 0;
                this.#setStatus({ status: "open" });
                this.#changed();
                this.#look();
            } catch {
                if (this.#listing === listing) this.#lost();
            }
        }

        #apply(row) {
            if (this.#listing) keepNewer(this.#listing, row);
            if (!keepNewer(this.#rows, row)) return;
            if (this.#rows.size > 2 * ROWS_MOST) this.#forgetClosed();
            this.#changed();
        }

        #forgetClosed() {
            this.#rows = new Map(this.#open().map((row) => [row.sessionId, row]));
        }

        //  Several changes are told at once.
        #changed() {
            if (this.#timers.has("tell")) return;
            this.#timers.start("tell", TELL_WITHIN, () => {
                this.#tellOffers();
                this.#tell("change", {});
            });
        }

        //  Each once. When one is over, its agent may be seen in another way.
        #tellOffers() {
            const offers = this.offers();
            const now = new Set(offers.map(versionKey));
            const isOneOver = [...this.#offered].some((key) => !now.has(key));
            const fresh = offers.filter((row) => !this.#offered.has(versionKey(row)));
            const known = new Set(this.#open().map(versionKey));
            this.#offered = now;
            this.#decided = new Set([...this.#decided].filter((key) => known.has(key)));
            if (isOneOver) this.#look();
            for (const row of fresh) this.#tell("offer", { row });
        }

        // -------------------------------------------------------------------------------------
        //  The agent

        //  Others change it, too: the router after missed offers, or a manager.
        #look() {
            this.#timers.start("look", this.#timing.look, () => this.#look());
            this.availability().catch(() => {});
        }

        #setAgent(agent) {
            const before = JSON.stringify(this.#availability);
            this.#availability = agent;
            if (JSON.stringify(agent) !== before) this.#tell("availability", { agent });
        }

        #setStatus(status) {
            this.#status = status;
            this.#tell("status", status);
        }

        #tell(event, detail) {
            this.#listeners.tell(event, detail);
        }
    }

    //  An offer has one version as long as it stands.
    function versionKey({ sessionId, control }) {
        return `${control.version} ${sessionId}`;
    }

    function latest({ lastActivity, createdAt }) {
        return Date.parse(lastActivity || createdAt);
    }

    //  Of two rows of a session the one with the higher lastSeq; of two with the same one the
    //  later. False: it was older.
    function keepNewer(rows, row) {
        const known = rows.get(row.sessionId);
        if (known && known.lastSeq > row.lastSeq) return false;
        rows.set(row.sessionId, row);
        return true;
    }

    function ownStorage() {
        try {
            return root.localStorage || null;
        } catch {
            return null; //  forbidden by the browser's settings
        }
    }

    //  The browser, all of it that is used; tests bring their own.
    function environment(given) {
        return {
            WebSocket: root.WebSocket,
            fetch: root.fetch && ((url, init) => root.fetch(url, init)),
            window: root.window,
            document: root.document,
            now: () => Date.now(),
            random: () => Math.random(),
            setTimeout: (action, delay) => root.setTimeout(action, delay),
            clearTimeout: (timer) => root.clearTimeout(timer),
            ...given,
        };
    }

    StentorChat.textOf = textOf;
    StentorChat.Error = StentorChatError;
    StentorChat.Console = Console;
    root.StentorChat = StentorChat;
})(globalThis);
