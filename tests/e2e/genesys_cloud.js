//  The scripted Genesys Cloud (tests/genesys) for stories: what people there do and see.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { until } from "./stack_waits.js";

const RUN = resolve(dirname(fileURLToPath(import.meta.url)), "../genesys/run");
const READY_WITHIN = 300000;   //  the first time it brings what it stands on

export class GenesysCloud {
    #process = null;

    //  Its files go into the directory, what it prints to the log.
    async start(directory, log) {
        this.#process = spawn("setpriv", ["--pdeathsig=KILL", RUN, directory],
            { stdio: ["ignore", log, log] });
        this.url = await until("Genesys Cloud is there", () => this.#url(directory), READY_WITHIN);
        await until("Genesys Cloud answers", () => this.do("wrong").catch(() => null), 20000);
    }

    #url(directory) {
        try {
            return readFileSync(join(directory, "url"), "utf8");
        } catch {
            if (this.#process.exitCode !== null) throw new Error("tests/genesys/run has ended");
            return null;
        }
    }

    //  The section `genesys` of an app of its organisation.
    get section() {
        return {
            apiUrl: this.url, loginUrl: this.url, clientId: "client-demo",
            clientSecret: "very-secret-demo", pollSeconds: 1,
            integrationId: "11111111-aaaa-bbbb-cccc-111111111111",
            webhookSecret: "webhook-secret-of-demo",
        };
    }

    //  A verb of its control protocol.
    async do(verb, parameters = {}) {
        const answer = await fetch(`${this.url}/control/${verb}`, {
            method: "POST", body: JSON.stringify(parameters),
            headers: { "Content-Type": "application/json" },
        });
        const said = await answer.json();
        assert.equal(answer.status, 200, `${verb}: ${JSON.stringify(said)}`);
        return said;
    }

    async conversations() { return (await this.do("state")).conversations; }

    //  Waits until the visitor has said this to whoever is there.
    hears(part) {
        return until(`Genesys Cloud hears "${part}"`, async () =>
            (await this.conversations()).flatMap(({ messages }) => messages)
                .filter(({ direction, text = "" }) =>
                    direction === "inbound" && text.includes(part))
                .at(-1));
    }

    async stop() {
        if (!this.#process || this.#process.exitCode !== null) return;
        const gone = new Promise((done) => this.#process.once("exit", done));
        this.#process.kill();
        await gone;
    }
}
