//  docker-compose.yml of this checkout as a project of the test's own, with secrets of its own, on
//  a free port; and what Docker says of its containers.
//
//  COMPOSE                the command, such as "docker compose" (docker-compose)
//  STENTOR_TEST_PROJECT   the project's name
//  STENTOR_TEST_SECRETS   a directory for its secrets, with an empty file none.env

import { execFile, execFileSync, spawn } from "node:child_process";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { until } from "../e2e/stack.js";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const [COMPOSE, ...COMPOSE_ARGS] = (process.env.COMPOSE || "docker-compose").split(" ");
const PROJECT_LABEL = "com.docker.compose.project";
const SERVICE_LABEL = "com.docker.compose.service";

//  { code, output }: standard output and error together.
function run(program, args, env = process.env) {
    return new Promise((done) => {
        execFile(program, args, { env, cwd: ROOT, maxBuffer: 1 << 26 }, (error, out, complaint) =>
            done({ code: error ? error.code ?? 1 : 0, output: out + complaint }));
    });
}

async function must(promise, what) {
    const { code, output } = await promise;
    if (code !== 0) throw new Error(`${what} ended with ${code}:\n${output}`);
    return output.trim();
}

export const docker = (...args) => must(run("docker", args), `docker ${args.join(" ")}`);

const lines = (text) => text.split("\n").filter((line) => line);

function freePort() {
    return new Promise((done) => {
        const server = createServer();
        server.listen(0, "127.0.0.1", () => {
            const { port } = server.address();
            server.close(() => done(port));
        });
    });
}

export class Compose {
    static async create() {
        const compose = new Compose();
        compose.project = process.env.STENTOR_TEST_PROJECT;
        compose.secrets = process.env.STENTOR_TEST_SECRETS;
        compose.port = await freePort();
        compose.makeSecrets();
        return compose;
    }

    makeSecrets(...options)
    {
        execFileSync (join (ROOT, "deploy/make-secrets"), [...options, this.secrets ],
                      { stdio : "ignore" });
    }

    get url() { return `http://127.0.0.1:${this.port}/`; }
    get webSocketUrl() { return `ws://127.0.0.1:${this.port}/`; }

    #environment(more) {
        const mine = { SECRETS: this.secrets, EDGE_PORT: String(this.port), ...more };
        const all = { ...process.env, ...mine };
        for (const [name, value] of Object.entries(all)) if (value === null) delete all[name];
        return all;
    }

    //  What was said and the exit code, whatever it is. The checkout's own .env is not read.
    say(args, environment = {}) {
        const own = ["--env-file", join(this.secrets, "none.env"), "-p", this.project];
        return run(COMPOSE, [...COMPOSE_ARGS, ...own, ...args], this.#environment(environment));
    }

    do(...args) { return must(this.say(args), `${COMPOSE} ${args.join(" ")}`); }

    up(scale = {}, ...more) {
        const scales = Object.entries(scales_of(scale)).flatMap(([name, count]) =>
            ["--scale", `${name}=${count}`]);
        return this.do("up", "-d", "--no-build", ...scales, ...more);
    }

    //  Ids of the containers of a service (of all), the stopped ones included.
    async containers(service) {
        const filters = [`label=${PROJECT_LABEL}=${this.project}`];
        if (service) filters.push(`label=${SERVICE_LABEL}=${service}`);
        return lines(await docker("ps", "-aq", ...filters.flatMap((one) => ["--filter", one])));
    }

    async inspect(service) {
        const ids = await this.containers(service);
        return ids.length ? JSON.parse(await docker("inspect", ...ids)) : [];
    }

    allHealthy(within = 60000) {
        return until("all containers are healthy", async () => {
            const all = await this.inspect();
            return all.length > 0 && all.every(({ State }) => State.Health?.Status === "healthy");
        }, within);
    }

    //  A page comes through the door, which says more than that a port is open.
    answers(within = 60000) {
        return until("the door leads to an edge", () =>
            fetch(`${this.url}config.json`).then((answer) => answer.ok, () => false), within);
    }

    //  Waits for a line of a service's log that has all these words.
    logged(service, words, within = 30000) {
        return until(`${service} says ${words.join(" … ")}`, async () => {
            const logs = await Promise.all((await this.containers(service)).map((id) =>
                run("docker", ["logs", id])));
            return lines(logs.map(({ output }) => output).join("\n"))
                .find((line) => words.every((word) => line.includes(word)));
        }, within);
    }

    //  One metric of one container, asked at its own address: no operations port is published, and
    //  there is nothing in the container to ask with.
    async metric(id, port, sample) {
        const [{ NetworkSettings }] = JSON.parse(await docker("inspect", id));
        const [{ IPAddress }] = Object.values(NetworkSettings.Networks);
        const page = await (await fetch(`http://${IPAddress}:${port}/metrics`)).text();
        const line = lines(page).find((one) => one.startsWith(`${sample} `));
        return line ? Number(line.slice(sample.length)) : 0;
    }

    async sql(text) {
        const [id] = await this.containers("postgres");
        return docker("exec", id, "psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1",
            "-h", "/var/run/postgresql", "-U", "stentor", "-d", "stentor", "-c", text);
    }

    async #running() {
        const all = await this.inspect();
        return all.filter(({ State }) => State.Running).map(({ Id }) => Id);
    }

    //  Exit codes of what ends while `work` is done, as { service: [codes] }. What has ended may be
    //  removed by then, so Docker is listened to, from now on.
    async endings(work) {
        const format = `{{.Actor.ID}} {{index .Actor.Attributes "${SERVICE_LABEL}"}} ${
            "{{.Actor.Attributes.exitCode}}"}`;
        const before = await this.#running();
        const watcher = spawn("docker", ["events", "--since", String(Date.now() / 1000),
            "--filter", "event=die", "--filter", `label=${PROJECT_LABEL}=${this.project}`,
            "--format", format]);
        let heard = "";
        watcher.stdout.on("data", (chunk) => { heard += chunk; });
        try {
            await work();
            const after = new Set(await this.#running());
            await until("Docker has told of everything that ended", () =>
                before.every((id) => after.has(id) || heard.includes(id)));
        } finally {
            watcher.kill();
        }
        const codes = {};
        for (const [, service, code] of lines(heard).map((line) => line.split(" "))) {
            (codes[service] ||= []).push(Number(code));
        }
        return codes;
    }

    //  The health checks of all of a service's containers say this.
    sayUnwell(service, word) {
        return until(`health checks of the ${service} say ${word}`, async () =>
            (await this.inspect(service)).every(({ State }) =>
                State.Running && State.Health.Log.at(-1)?.Output.includes(word)), 30000);
    }

    remove() { return this.say(["down", "-v", "--remove-orphans", "-t", "5"]); }
}

function scales_of({ edges = 1, postoffices = 1, connectors = 1, notifiers = 1, genesys = 1 }) {
    return {
        "edge": edges, "postoffice": postoffices, "stentor-connector": connectors,
        "notifier": notifiers, "genesys-connector": genesys,
    };
}
