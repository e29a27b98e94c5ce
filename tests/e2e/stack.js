//  The real thing for the stories: PostgreSQL, postoffice, edge, both connectors, the demo bot and
//  a scripted Genesys Cloud, as processes of our own on free ports. They end with the test, even
//  with one that is killed: setpriv asks the kernel for that.
//
//  BIN_DIR       where the programs are (build/bin)
//  POSTGRES_URL  a database to use; else a private server is started for the run
//  E2E_LOGS      where the services' logs go; else a temporary directory that is removed

import { execFileSync, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import {
    chmodSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync,
    writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { GenesysCloud } from "./genesys_cloud.js";
import { until } from "./stack_waits.js";

export { sleep, until } from "./stack_waits.js";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const BIN_DIR = resolve(process.env.BIN_DIR || join(ROOT, "build/bin"));
const WIDGET = join(ROOT, "tests/e2e/node_modules/@xapp/chat-widget/dist");
const READY_WITHIN = 20000;

function freePort() {
    return new Promise((done, failed) => {
        const server = createServer();
        server.once("error", failed);
        server.listen(0, "127.0.0.1", () => {
            const { port } = server.address();
            server.close(() => done(port));
        });
    });
}

//  What a site's own server does for its visitors and agents: docs/tokens.md.
const TOKEN_SECRET = "a secret of thirty-two bytes, and more";

//  claims: `app` is demo when they do not say it.
export function makeToken(claims) {
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const exp = Math.floor(Date.now() / 1000) + 600;
    const signed = `${part({ alg: "HS256", kid: "e2e" })}.${part({ app: "demo", exp, ...claims })}`;
    return `${signed}.${createHmac("sha256", TOKEN_SECRET).update(signed).digest("base64url")}`;
}

const TOKENS = {
    tokens: { keys: [{ kid: "e2e", algorithm: "HS256", key: TOKEN_SECRET }], anonymous: false },
};

//  The apps, and whom each one asks when its bot asks for a person. Stories with agents have an app
//  of their own, as an agent is the whole app's.
const SWITCHBOARDS = {
    demo: null,
    talk: { handoff: ["group:desk"] },
    pass: { handoff: ["group:desk"] },
    hasty: { handoff: ["group:desk"], offerSeconds: 5, lastAgentSeconds: 0, awayAfterMissed: 2,
        nobodyText: "Nobody is here right now." },
    barge: { handoff: ["group:desk"] },
    silent: { handoff: ["group:desk"], silenceSeconds: 6, giveBack: "question" },
    queue: { handoff: ["group:desk"], lastAgentSeconds: 0,
        queue: { tell: "place", everySeconds: 5, text: "You are number {place} in the queue." } },
    genesys: { handoff: ["platform:genesys"], giveBack: "question" },
};

//  A private PostgreSQL in a directory of its own, reached by a socket in it.
class Database {
    constructor(directory) {
        this.directory = directory;
        this.data = join(directory, "data");
        this.url = process.env.POSTGRES_URL
            || `postgresql:///postgres?host=${encodeURIComponent(directory)}&user=stentor`;
        this.process = null;
    }

    async start(log) {
        if (process.env.POSTGRES_URL) return;
        mkdirSync(this.directory, { recursive: true });
        if (this.#isRoot()) {
            execFileSync("chown", ["postgres", this.directory]);
        }
        this.#run("initdb", ["-D", this.data, "-U", "stentor", "-A", "trust", "-N", "-E", "UTF8"]);
        const [program, args] = this.#as("postgres", ["-D", this.data, "-k", this.directory,
            "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60"]);
        this.process = spawn(program, args, { stdio: ["ignore", log, log] });
        await until("PostgreSQL is ready", () => this.#isReady(), READY_WITHIN);
    }

    async stop() {
        if (!this.process || this.process.exitCode !== null) return;
        const gone = new Promise((done) => this.process.once("exit", done));
        //  The pid of PostgreSQL itself: the process started may be what changed the user.
        const [pid] = readFileSync(join(this.data, "postmaster.pid"), "utf8").split("\n");
        process.kill(Number(pid), "SIGINT");
        await gone;
    }

    query(sql) {
        this.#run("psql", ["-q", "-v", "ON_ERROR_STOP=1", "-d", this.url, "-c", sql]);
    }

    #isRoot() { return process.getuid() === 0; }

    //  PostgreSQL refuses to run as root: then as the user that its package made.
    #as(program, args) {
        const path = join(postgresDirectory(), program);
        const user = this.#isRoot()
            ? ["--reuid=postgres", "--regid=postgres", "--clear-groups"] : [];
        return ["setpriv", [...user, "--pdeathsig=QUIT", path, ...args]];
    }

    #run(program, args) {
        const [path, all] = this.#as(program, args);
        execFileSync(path, all, { stdio: ["ignore", "ignore", "inherit"] });
    }

    #isReady() {
        try {
            this.#run("pg_isready", ["-q", "-h", this.directory]);
            return true;
        } catch {
            return false;
        }
    }
}

function postgresDirectory() {
    const versions = "/usr/lib/postgresql";
    const found = existsSync(versions)
        ? readdirSync(versions).filter((name) => existsSync(join(versions, name, "bin/initdb")))
        : [];
    if (!found.length) throw new Error("PostgreSQL is not installed");
    return join(versions, found.sort((a, b) => a - b).at(-1), "bin");
}

export class Stack {
    #processes = new Map();
    #services;
    #logs;
    #temporary;
    #database;

    constructor() {
        this.#temporary = mkdtempSync(join(tmpdir(), "stentor-e2e-"));
        chmodSync(this.#temporary, 0o755);
        this.#logs = resolve(process.env.E2E_LOGS || join(this.#temporary, "logs"));
        mkdirSync(this.#logs, { recursive: true });
        this.#database = new Database(join(this.#temporary, "postgresql"));
        this.genesys = new GenesysCloud();
    }

    get edgePort() { return this.#services.edge.env.EDGE_PORT; }
    //  Of an edge that is not in demo mode, and lets nobody in without a token.
    get strictUrl() { return `http://127.0.0.1:${this.#services["edge-strict"].env.EDGE_PORT}/`; }
    //  Of one that speaks TLS, with a certificate that nobody knows.
    get tlsUrl() { return `https://127.0.0.1:${this.#services["edge-tls"].env.EDGE_PORT}/`; }
    get pageUrl() { return `http://127.0.0.1:${this.edgePort}/`; }

    //  All but those named in `late`.
    async start({ late = [] } = {}) {
        const genesys = join(this.#temporary, "genesys");
        mkdirSync(genesys);
        await this.genesys.start(genesys, this.#log("genesys"));
        await this.#configure();
        await this.genesys.do("set", { webhookUrl: `${this.pageUrl}webhooks/genesys/genesys` });
        await this.#database.start(this.#log("postgresql"));
        const names = Object.keys(this.#services).filter((name) => !late.includes(name));
        await Promise.all(names.map((name) => this.startOne(name)));
    }

    async #configure() {
        const ports = await Promise.all(Array.from({ length: 11 }, freePort));
        const operations = (port) => ({ OPERATIONS_ADDRESS: "127.0.0.1", OPERATIONS_PORT: port });
        const POSTOFFICE_ADDRESSES = `127.0.0.1:${ports[0]}`;
        const BOT_ANSWER_KEY = "the end to end tests' key of answers";
        const botUrl = `http://127.0.0.1:${ports[1]}/`;
        const APPS_FILE = this.#writeApps("apps", botUrl, {});
        this.#services = {
            "demo-bot": { health: `${botUrl}healthz`, env: { DEMO_BOT_PORT: ports[1] } },
            "postoffice": { env: {
                ...operations(ports[2]),
                POSTOFFICE_BUS_ADDRESS: `tcp://127.0.0.1:${ports[0]}`,
                POSTGRES_URL: this.#database.url,
                APPS_FILE,
            } },
            "stentor-connector": { env: {
                ...operations(ports[3]),
                POSTOFFICE_ADDRESSES,
                APPS_FILE,
                BOT_ANSWER_KEY,
                BOT_ANSWER_URL: `http://127.0.0.1:${ports[5]}`,
                BOT_TIMEOUT: "8s",
                BOT_TRY_DELAY_1: "2s",
                BOT_TRY_DELAY_2: "2s",
            } },
            "genesys-connector": { env: {
                ...operations(ports[8]), POSTOFFICE_ADDRESSES, APPS_FILE,
            } },
            "edge": { env: {
                ...operations(ports[4]),
                POSTOFFICE_ADDRESSES,
                BOT_ANSWER_KEY,
                EDGE_PORT: ports[5],
                EDGE_WEB_ROOT: join(ROOT, "services/edge/web"),
                EDGE_WIDGET_ROOT: WIDGET,
                EDGE_DEMO_MODE: "on",
                APPS_FILE,
            } },
            "edge-strict": { program: "edge", env: {
                ...operations(ports[6]),
                POSTOFFICE_ADDRESSES,
                EDGE_PORT: ports[7],
                EDGE_WEB_ROOT: join(ROOT, "services/edge/web"),
                EDGE_WIDGET_ROOT: WIDGET,
                APPS_FILE: this.#writeApps("apps-strict", botUrl, TOKENS),
            } },
            "edge-tls": { program: "edge", env: {
                ...operations(ports[9]),
                POSTOFFICE_ADDRESSES,
                EDGE_PORT: ports[10],
                EDGE_WEB_ROOT: join(ROOT, "services/edge/web"),
                EDGE_WIDGET_ROOT: WIDGET,
                APPS_FILE,
                ...this.#makeCertificate(),
            } },
        };
    }

    #writeApps(name, url, more) {
        const file = join(this.#temporary, `${name}.json`);
        const apps = Object.entries(SWITCHBOARDS).map(([appId, switchboard]) =>
            ({ appId, bot: { url }, ...(switchboard && { switchboard }),
                ...(appId === "genesys" && { genesys: this.genesys.section }), ...more }));
        writeFileSync(file, JSON.stringify({ apps }));
        return file;
    }

    #makeCertificate() {
        const [certificate, key] = ["tls.crt", "tls.key"].map((name) =>
            join(this.#temporary, name));
        execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=e2e",
            "-addext", "subjectAltName=IP:127.0.0.1", "-out", certificate, "-keyout", key],
            { stdio: "ignore" });
        return { EDGE_TLS_CERTIFICATE: certificate, EDGE_TLS_KEY: key };
    }

    #log(name) {
        return openSync(join(this.#logs, `${name}.log`), "a");
    }

    async startOne(name) {
        const { env, program = name } = this.#services[name];
        const log = this.#log(name);
        const strings = Object.entries(env).map(([key, value]) => [key, String(value)]);
        const child = spawn("setpriv", ["--pdeathsig=KILL", join(BIN_DIR, program)], {
            env: {
                PATH: process.env.PATH,
                NODE_NAME: `e2e-${name}`,
                ...Object.fromEntries(strings),
            },
            stdio: ["ignore", log, log],
        });
        this.#processes.set(name, child);
        await until(`${name} is ready`, () => this.#isReady(name, child), READY_WITHIN)
            .catch((error) => { throw new Error(`${error.message}\n${this.tail(name)}`); });
    }

    async #isReady(name, child) {
        if (child.exitCode !== null || child.pid === undefined) {
            throw new Error(`${name} ended at its start`);
        }
        const { env, health } = this.#services[name];
        try {
            return (await fetch(health || `http://127.0.0.1:${env.OPERATIONS_PORT}/readyz`)).ok;
        } catch {
            return false;
        }
    }

    async stopOne(name, signal = "SIGTERM") {
        const child = this.#processes.get(name);
        this.#processes.delete(name);
        if (!child || child.exitCode !== null || child.signalCode !== null) return;
        const gone = new Promise((done) => child.once("exit", done));
        child.kill(signal);
        const late = setTimeout(() => child.kill("SIGKILL"), 10000);
        await gone;
        clearTimeout(late);
    }

    kill(name) { return this.stopOne(name, "SIGKILL"); }

    //  Runs SQL in the services' database.
    query(sql) { this.#database.query(sql); }

    tail(name) {
        const file = join(this.#logs, `${name}.log`);
        return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(-20).join("\n") : "";
    }

    async stop() {
        for (const name of ["edge", "edge-strict", "edge-tls", "stentor-connector",
            "genesys-connector", "postoffice", "demo-bot"]) {
            await this.stopOne(name);
        }
        await this.genesys.stop();
        await this.#database.stop();
        rmSync(this.#temporary, { recursive: true, force: true });
    }
}
