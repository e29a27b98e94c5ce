//  A crowd of visitors with client.js who talk to the demo bot without a pause, whatever happens
//  meanwhile, and count in the end: what each said is in its session once and in order, and so is
//  the bot's answer to it; and each was shown every answer once and in order.

import { bareSocket, nodeChat } from "../e2e/node_client.js";
import { sleep, until } from "../e2e/stack.js";

const PAUSE = 150;            //  ms between an ack and the next message
const MOST_DELAY = 3000;      //  ms between tries to connect; client.js would go up to 30 s
const COUNT_WITHIN = 60000;
const QUIET = 300;            //  ms in which nothing may come any more

class Talker {
    constructor(compose, name) {
        this.compose = compose;
        this.name = name;
        this.said = 0;
        this.stored = 0;
        this.shown = [];          //  numbers of the answers, as they came
        this.longestWait = 0;
        this.refused = [];
        this.chat = nodeChat({
            serverUrl: compose.webSocketUrl, appId: "demo",
            userId: `user-${name}`, sessionId: `session-${name}`,
            timing: { mostDelay: MOST_DELAY },
        });
        this.chat.on("message", ({ from, text }) => {
            if (from === "bot") this.shown.push(this.#number(text));
        });
        this.chat.open();
    }

    #number(text) {
        const found = new RegExp(`^(?:echo )?${this.name}-(\\d+)$`).exec(text);
        return found ? Number(found[1]) : NaN;
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

    //  The whole log of the session, on a connection that has nothing yet.
    async log() {
        const log = { said: [], answered: [] };
        let last = Date.now();
        const socket = await bareSocket(this.compose.webSocketUrl,
            { appId: "demo", userId: `user-${this.name}`, isAdmin: "false", protocol: "2" },
            { event: "resume", sessionId: `session-${this.name}`, lastSeq: 0, timeMs: Date.now() },
            ({ event, data, sender }) => {
                if (event !== "new message") return;
                last = Date.now();
                if (sender?.deviceId === "Bot") {
                    const speech = data.outputSpeech;
                    log.answered.push(this.#number(speech?.displayText ?? speech ?? ""));
                } else {
                    log.said.push(this.#number(data.rawQuery));
                }
            });
        const end = Date.now() + COUNT_WITHIN;
        while (Date.now() < end && (log.said.length < this.stored
            || log.answered.length < this.stored || Date.now() - last < QUIET)) await sleep(20);
        socket.close();
        return log;
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
            new Talker(compose, `${label}${at}`));
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
            talker.chat.close();
            const log = await talker.log();
            sum.answers += log.answered.length;
            for (const numbers of [log.said, log.answered, talker.shown]) {
                const faults = faultsOf(numbers, talker.stored);
                for (const fault of Object.keys(faults)) sum[fault] += faults[fault];
            }
        }
        return sum;
    }
}
