//  A crowd of visitors who talk to the demo bot without a pause, whatever happens meanwhile, and
//  count in the end: what each said is in its session once and in order, and so is the bot's answer
//  to it; and each was shown every answer once and in order. Most have client.js, which says one
//  thing at a time. One in three is hasty: it has several messages under way on a bare connection,
//  which can overtake each other.

import { bareSocket, nodeChat } from "../e2e/node_client.js";
import { sleep, until } from "../e2e/stack.js";

const PAUSE = 150;            //  ms between an ack and the next message
const MOST_DELAY = 3000;      //  ms between tries to connect; client.js would go up to 30 s
const COUNT_WITHIN = 60000;
const QUIET = 300;            //  ms in which nothing may come any more
const WINDOW = 6;             //  messages that a hasty one says at once
const HASTE = 250;            //  ms from then until it says more
const ACK_WITHIN = 15000;     //  ms without one: the connection is dead
const GOODBYE = 5000;         //  ms from `going away` until it goes
const AGAIN_CODES = ["not_joined", "busy", "store_down", "going_away"];

class Talker {
    constructor(compose, name) {
        this.compose = compose;
        this.name = name;
        this.said = 0;
        this.stored = 0;
        this.shown = [];          //  numbers of the answers, as they came
        this.longestWait = 0;
        this.refused = [];
    }

    number(text) {
        const found = new RegExp(`^(?:echo )?${this.name}-(\\d+)$`).exec(text);
        return found ? Number(found[1]) : NaN;
    }

    answerIn(data) {
        return this.number(data.outputSpeech?.displayText ?? data.outputSpeech ?? "");
    }

    connect(lastSeq, on) {
        return bareSocket(this.compose.webSocketUrl,
            { appId: "demo", userId: `user-${this.name}`, isAdmin: "false", protocol: "2" },
            { event: "resume", sessionId: `session-${this.name}`, lastSeq, timeMs: Date.now() },
            on);
    }

    //  The whole log of the session, on a connection that has nothing yet.
    async log() {
        const log = { said: [], answered: [] };
        let last = Date.now();
        const socket = await this.connect(0, ({ event, data, sender }) => {
            if (event !== "new message") return;
            last = Date.now();
            if (sender?.deviceId === "Bot") log.answered.push(this.answerIn(data));
            else log.said.push(this.number(data.rawQuery));
        });
        const end = Date.now() + COUNT_WITHIN;
        while (Date.now() < end && (log.said.length < this.stored
            || log.answered.length < this.stored || Date.now() - last < QUIET)) await sleep(20);
        socket.close();
        return log;
    }
}

class Visitor extends Talker {
    constructor(compose, name) {
        super(compose, name);
        this.chat = nodeChat({
            serverUrl: compose.webSocketUrl, appId: "demo",
            userId: `user-${name}`, sessionId: `session-${name}`,
            timing: { mostDelay: MOST_DELAY },
        });
        this.chat.on("message", ({ from, text }) => {
            if (from === "bot") this.shown.push(this.number(text));
        });
        this.chat.open();
    }

    async talk(crowd) {
        while (crowd.isTalking) {
            const began = Date.now();
            this.said++;
            try {
                await this.chat.say(`echo ${this.name}-${this.said}`);
                this.stored++;
            } catch (error) {
                this.refused.push(`${this.name}-${this.said}: ${error.code || error}`);
            }
            this.longestWait = Math.max(this.longestWait, Date.now() - began);
            await sleep(PAUSE);
        }
    }

    close() { this.chat.close(); }
}

//  Says up to WINDOW messages ahead, and again, in order, what was not acknowledged when it lost
//  its connection or was told `busy`.
class HastyVisitor extends Talker {
    constructor(compose, name) {
        super(compose, name);
        this.acked = [];          //  numbers, as their acks came
        this.saidAt = new Map();
        this.next = 1;            //  to be sent next
        this.lastSeq = 0;
        this.holdUntil = 0;
        this.isOpen = true;
        this.socket = null;
        this.living = this.#live();
    }

    async #live() {
        while (this.isOpen) {
            this.returnAfter = MOST_DELAY * (0.1 + 0.2 * Math.random());
            await this.#oneConnection().catch(() => null);
            if (this.isOpen) await sleep(this.returnAfter);
        }
    }

    async #oneConnection() {
        this.isIn = this.isLeaving = false;
        this.next = this.stored + 1;
        const socket = await this.connect(this.lastSeq, (frame) => this.#hear(frame));
        this.socket = socket;
        this.heardAt = Date.now();
        const gone = new Promise((done) => socket.once("close", done));
        const watch = setInterval(() => {
            const waits = this.stored < this.said || !this.isIn;
            if (waits && Date.now() - this.heardAt > ACK_WITHIN) socket.terminate();
            else this.#send();
        }, HASTE);
        if (!this.isOpen) socket.close();
        await gone;
        clearInterval(watch);
    }

    #hear({ event, data = {}, seq, sender, messageId }) {
        this.heardAt = Date.now();
        if (seq > this.lastSeq) this.lastSeq = seq;
        if (event === "connection update") {
            this.isIn = data.sessionCreated === true;
            if (!this.isIn) this.socket.close();
        } else if (event === "ack") {
            this.#isStored(data.messageId);
        } else if (event === "busy") {
            this.#isBusy(data);
        } else if (event === "going away") {
            this.#isSentAway(data.delayMs || 0);
        } else if (event === "error") {
            if (AGAIN_CODES.includes(data.code)) this.socket.close();
            else this.refused.push(`${data.messageId}: ${data.code}`);
        } else if (event === "new message" && sender?.deviceId === "Bot") {
            this.shown.push(this.answerIn(data));
        } else if (event === "new message") {
            this.#isStored(messageId); //  it comes back: its ack was lost
        }
    }

    #isStored(messageId) {
        const number = this.number(messageId);
        if (!(number >= 1) || this.acked.includes(number)) return;
        this.acked.push(number);
        this.stored = Math.max(this.stored, number);
        this.next = Math.max(this.next, number + 1);
        this.longestWait = Math.max(this.longestWait, Date.now() - this.saidAt.get(number));
    }

    #isBusy({ messageId, retryAfterMs }) {
        const number = this.number(messageId);
        this.holdUntil = Date.now() + (retryAfterMs || 0);
        if (!this.isIn) this.socket.close();
        else if (number > this.stored && number < this.next) this.next = number;
    }

    #isSentAway(delay) {
        const socket = this.socket;
        this.isLeaving = true;
        this.returnAfter = delay;
        setTimeout(() => socket.close(), GOODBYE);
    }

    #send() {
        if (!this.isIn || this.isLeaving || Date.now() < this.holdUntil) return;
        const end = this.wants ? this.stored + WINDOW : this.said;
        for (; this.next <= end; this.next++) {
            if (this.next > this.said) {
                this.said = this.next;
                this.saidAt.set(this.said, Date.now());
            }
            this.#write(this.next);
        }
    }

    #write(number) {
        const text = `${this.name}-${number}`;
        this.socket.send(JSON.stringify({
            event: "new message", sessionId: `session-${this.name}`, messageId: text,
            timeMs: this.saidAt.get(number),
            data: { type: "INTENT_REQUEST", rawQuery: `echo ${text}` },
        }));
    }

    async talk(crowd) {
        this.wants = true;
        while (crowd.isTalking) await sleep(HASTE);
        this.wants = false;
        await until(`all of ${this.name} is stored`, () => this.stored === this.said,
            COUNT_WITHIN).catch(() => null); //  it is counted later
    }

    close() {
        this.isOpen = false;
        this.socket?.close();
    }
}

//  Numbers that should be 1, 2, 3 … up to `count`.
function faultsOf(numbers, count) {
    const times = new Map();
    for (const one of numbers) times.set(one, (times.get(one) || 0) + 1);
    let lost = 0;
    for (let one = 1; one <= count; one++) if (!times.has(one)) lost++;
    return {
        lost,
        doubled: numbers.length - times.size,
        disordered: numbers.filter((one, at) => !(at === 0 || one > numbers[at - 1])).length,
    };
}

export class Crowd {
    isTalking = true;

    constructor(compose, people, label) {
        this.talkers = Array.from({ length: people }, (_, at) =>
            new (at % 3 === 2 ? HastyVisitor : Visitor)(compose, `${label}${at}`));
        this.talking = Promise.all(this.talkers.map((one) => one.talk(this)));
    }

    get stored() { return this.talkers.reduce((sum, one) => sum + one.stored, 0); }

    //  Everybody has got so many more messages stored.
    async goesOn(more = 3, within = 60000) {
        const goals = this.talkers.map((one) => one.stored + more);
        await until(`everybody gets ${more} more messages stored`, () =>
            this.talkers.every((one, at) => one.stored >= goals[at]), within);
    }

    async stops() {
        this.isTalking = false;
        await this.talking;
    }

    //  Stops, waits for the answers that are due, counts.
    async count() {
        await this.stops();
        await until("every answer is shown", () =>
            this.talkers.every((one) => one.shown.length >= one.stored), COUNT_WITHIN)
            .catch(() => null); //  it is counted below
        const sum = {
            stored: this.stored, answers: 0, lost: 0, doubled: 0, disordered: 0,
            refused: this.talkers.flatMap((one) => one.refused),
            longestWait: Math.max(...this.talkers.map((one) => one.longestWait)),
        };
        for (const talker of this.talkers) {
            talker.close();
            const log = await talker.log();
            sum.answers += log.answered.length;
            const rows = [log.said, log.answered, talker.shown, talker.acked];
            for (const numbers of rows.filter((row) => row)) {
                const faults = faultsOf(numbers, talker.said);
                for (const fault of Object.keys(faults)) sum[fault] += faults[fault];
            }
        }
        return sum;
    }
}
