//  The suite in containers, as who runs it meets it: up, chatting, scaled, killed, restarted, down,
//  up again, and with everything that can be wrong at its start. The stories build on each other,
//  and each leaves everything healthy. tests/compose/run starts them.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

import { Visitor, launch } from "../e2e/browser.js";
import { ChatPage } from "../e2e/chat_page.js";
import { bareSocket } from "../e2e/node_client.js";
import { until } from "../e2e/stack.js";
import { startWidgetHost } from "../e2e/widget_host.js";
import { WidgetPage } from "../e2e/widget_page.js";
import { Compose, docker } from "./compose.js";
import { Crowd } from "./crowd.js";

const OURS = ["edge", "genesys-connector", "notifier", "postoffice", "stentor-connector"];
const SERVICES = [...OURS, "demo-bot", "door", "postgres"].sort();
const PEOPLE = 20;
const BIG = { edges: 3, postoffices: 3, connectors: 2, notifiers: 2, genesys: 2 };
const WITHIN = { timeout: 180000 };

let compose, browser;

const note = (words) => console.log(`    ${words}`);
const seconds = (since) => `${((Date.now() - since) / 1000).toFixed(1)} s`;
const story = (name, tell) => test(name, WITHIN, tell);

before(async () => {
    compose = await Compose.create();
    browser = await launch();
});

after(async () => {
    if (browser) await browser.close();
    if (compose) await compose.remove();
});

async function assertCounted(crowd) {
    const { stored, answers, refused, longestWait, ...faults } = await crowd.count();
    note(`${stored} messages stored, ${answers} answers; ${faults.lost} lost, ${
        faults.doubled} doubled, ${faults.disordered} out of order; longest wait for an ack ${
        (longestWait / 1000).toFixed(1)} s`);
    assert.deepEqual(refused, []);
    assert.deepEqual(faults, { lost: 0, doubled: 0, disordered: 0 });
}

async function visit(name, tell) {
    const visitor = await Visitor.start(browser, name);
    try {
        await tell(visitor);
        assert.deepEqual(visitor.errors, [], "uncaught in a page");
    } finally {
        await visitor.end();
    }
}

// -------------------------------------------------------------------------------------------------
//  As it comes

story("up: healthy, in order", async () => {
    const began = Date.now();
    await compose.up();
    await compose.answers();
    note(`from up to the first page: ${seconds(began)}`);
    await compose.allHealthy();
    note(`from up to everything healthy: ${seconds(began)}`);
    const all = await compose.inspect();
    const started = Object.fromEntries(all.map(({ Config, State }) =>
        [Config.Labels["com.docker.compose.service"], Date.parse(State.StartedAt)]));
    assert.deepEqual(Object.keys(started).sort(), SERVICES);
    assert.ok(started.postgres < started.postoffice, "the database before its postoffice");
    assert.ok(started.postoffice < started.edge, "a postoffice before the edges");
    assert.ok(started.postoffice < started["stentor-connector"], "and before the connectors");
    assert.ok(started.postoffice < started.notifier, "and before the notifiers");
    assert.ok(started.postoffice < started["genesys-connector"], "and before these");
    assert.ok(started.door < started.edge, "the door before the edges: it is closed after them");
});

//  What the kernel lets a process do: no capability, not by a program that it starts either, and
//  only the system calls of Docker's own list (2: there is a filter).
const UNARMED = { CapEff: 0, CapPrm: 0, CapBnd: 0, CapAmb: 0, NoNewPrivs: 1, Seccomp: 2 };

function rightsOf(pid) {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    return Object.fromEntries(Object.keys(UNARMED).map((name) =>
        [name, parseInt(status.match(new RegExp(`^${name}:\\s*(\\w+)$`, "m"))[1], 16)]));
}

story("nothing is published but the door, nobody is root, nothing can be written", async () => {
    const published = [];
    for (const one of await compose.inspect()) {
        const name = one.Config.Labels["com.docker.compose.service"];
        for (const places of Object.values(one.NetworkSettings.Ports || {})) {
            for (const { HostIp, HostPort } of places || []) {
                published.push([name, HostIp, Number(HostPort)]);
            }
        }
        assert.ok(one.HostConfig.ReadonlyRootfs, `${name} can write`);
        assert.match(one.Config.User, /^(10001:10001|postgres)$/, `who is ${name}?`);
        assert.deepEqual(one.HostConfig.CapDrop, ["ALL"], name);
        assert.deepEqual(one.HostConfig.CapAdd, null, name);
        assert.deepEqual(one.HostConfig.SecurityOpt, ["no-new-privileges:true"], name);
        assert.deepEqual(rightsOf(one.State.Pid), UNARMED, name);
        assert.doesNotMatch(one.Config.Env.join("\n"), /postgres:\/\//, "a secret is in sight");
    }
    assert.deepEqual(published, [["door", "127.0.0.1", compose.port]]);
    for (const network of ["bus", "database"]) {
        assert.equal(await docker("network", "inspect", `${compose.project}_${network}`,
            "--format", "{{.Internal}}"), "true", network);
    }
});

//  The demo app's own rule, and the catcher of its profile.
story("an alert's mail arrives, and is acknowledged by its link", async () => {
    const apps = { APPS_FILE: "/run/apps/apps.json", MAIL_PORT: "0" };
    const up = async (args, environment) => {
        const { code, output } =
            await compose.say([...args, "up", "-d", "--no-build"], environment);
        assert.equal(code, 0, output);
        await compose.allHealthy();
        await compose.answers();
    };
    await up(["--profile", "mail"], apps);
    const session = `alert-${Date.now()}`;
    const socket = await bareSocket(compose.webSocketUrl,
        { appId: "demo", userId: "vic", isAdmin: "false", createWsReason: "first" },
        { event: "user joined", sessionId: session, data: {}, timeMs: Date.now() }, () => {});
    socket.send(JSON.stringify({ event: "new message", sessionId: session, timeMs: Date.now(),
        data: { type: "INTENT_REQUEST", rawQuery: "person" } }));
    const [catcher] = await compose.containers("mail-catcher");
    const look = "import urllib.request as u\n"
        + "print(u.urlopen('http://127.0.0.1:8025/mails.json').read().decode())";
    const mail = await until("a mail to Anna", async () =>
        JSON.parse(await docker("exec", catcher, "python3", "-c", look))
            .find(({ to }) => to.includes("anna@example.com")), 60000);
    assert.match(mail.text, /person/);
    const { pathname } = new URL(mail.text.match(/http\S+\/alerts\/\S+/)[0]);
    const link = new URL(pathname, compose.url);
    assert.match(await (await fetch(link)).text(), /<button>/);
    const done = await fetch(link, { method: "POST" });
    assert.match(await done.text(), /Nobody else is called/);
    socket.close();
    note(`mail: ${mail.subject}`);
    await docker("rm", "-f", catcher);
    await up([], {});
});

story("the widget's protocol: asks, is answered", async () => {
    const heard = [];
    const session = `plain-${Date.now()}`;
    const socket = await bareSocket(compose.webSocketUrl,
        { appId: "demo", userId: "plain", isAdmin: "false", createWsReason: "first" },
        { event: "user joined", sessionId: session, data: {}, timeMs: Date.now() },
        (frame) => heard.push(frame));
    await until("it is let in", () => heard.find(({ event, data }) =>
        event === "connection update" && data.sessionCreated));
    socket.send(JSON.stringify({ event: "new message", sessionId: session, timeMs: Date.now(),
        data: { type: "INTENT_REQUEST", rawQuery: "echo from a container" } }));
    const answer = await until("the bot answers", () =>
        heard.find(({ event }) => event === "new message"));
    assert.equal(answer.data.outputSpeech?.displayText ?? answer.data.outputSpeech,
        "from a container");
    socket.close();
});

//  An edge beside the others, with keys of its own or none: what it and the postoffice say.
async function strangeEdge (words, ...options)
{
    const name = `${compose.project}_strange`;
    const { code, output } =
        await compose.say([ "run", "-d", "--no-deps", "--name", name, ...options, "edge" ]);
    assert.equal(code, 0, output);
    try {
        note ((await compose.logged("edge", [ "postoffice refuses us" ])).slice(0, 200));
        note ((await compose.logged("postoffice", words)).slice(0, 200));
        assert.equal(await compose.metric(name, 9001, "stentor_edge_postoffices"), 0);
    } finally {
        await docker ("rm", "-f", name);
    }
}

story ("the bus: who has no key, or one of another role, gets nothing", async () => {
    await compose.logged("postoffice", [ "bus keys in force", '"nodes":4' ]);
    await strangeEdge ([ "handshake refused", "only one side has keys" ], "-e", "BUS_KEYS=");
    await strangeEdge ([ "peer refused", '"role_of_key":"worker"' ], "-e", "BUS_KEYS=/run/other",
                       "-v", `${join (compose.secrets, "bus/stentor-connector")}:/run/other:ro`);
    const crowd = new Crowd (compose, 2, "keys");
    await crowd.goesOn(2);
    await assertCounted (crowd);
});

story("client.js: five visitors in node", async () => {
    const crowd = new Crowd(compose, 5, "first");
    await crowd.goesOn(5);
    await assertCounted(crowd);
});

story("the demo page in Chromium", () => visit("demo page", async (visitor) => {
    const page = await ChatPage.open(visitor, compose.url);
    await page.sees("Welcome! I am the demo bot");
    await page.say("echo hello from Chromium");
    await page.sees("hello from Chromium", { times: 2 });
    await page.say("card");
    await page.page.locator(".card h3", { hasText: "The demo shop" }).waitFor();
    await page.page.reload();
    await page.sees("hello from Chromium", { times: 2 });
}));

story("the real widget in Chromium, on a customer's page", async () => {
    const host = await startWidgetHost();
    await visit("widget", async (visitor) => {
        const widget = await WidgetPage.open(visitor, host.url(compose.webSocketUrl));
        await widget.sees("Welcome! I am the demo bot");
        await widget.say("echo hello from the widget");
        await widget.sees("hello from the widget", { times: 2 });
    }).finally(() => host.stop());
});

// -------------------------------------------------------------------------------------------------
//  Scaled, and hurt

story("scaled to 3 edges, 3 postoffices, 2 connectors, while people talk", async () => {
    const crowd = new Crowd(compose, PEOPLE, "scaled");
    await crowd.goesOn();
    await compose.up(BIG, "--no-recreate");
    await compose.allHealthy();
    for (const id of await compose.containers("edge")) {
        await until("an edge has found all postoffices", async () =>
            await compose.metric(id, 9001, "stentor_edge_postoffices") === 3);
    }
    const names = (await compose.sql("SELECT count (DISTINCT name) FROM node"
        + " WHERE beat_at > now () - interval '5 seconds'"));
    assert.equal(names, "3", "postoffices have names of their own");
    await crowd.goesOn(10);
    for (const id of await compose.containers("postoffice")) {
        const entries = await compose.metric(id, 9101, "stentor_postoffice_entries_total");
        assert.ok(entries > 0, "every postoffice has its part of the sessions");
    }
    await assertCounted(crowd);
    const again = new Crowd(compose, 12, "spread");
    await again.goesOn();
    for (const id of await compose.containers("edge")) {
        const sample = 'stentor_edge_connections{dialect="rich"}';
        assert.ok(await compose.metric(id, 9001, sample) > 0, "every edge has clients");
    }
    await assertCounted(again);
});

for (const service of OURS) {
    story(`one ${service} of several is killed under load, and started again`, async () => {
        const crowd = new Crowd(compose, PEOPLE, service);
        await crowd.goesOn();
        const [victim] = await compose.containers(service);
        await docker("kill", victim);
        await crowd.goesOn(8);
        await docker("start", victim);
        await compose.allHealthy();
        await crowd.goesOn();
        await assertCounted(crowd);
    });
}

const postofficesOf = (id) => compose.metric(id, 9001, "stentor_edge_postoffices");

async function restartOneByOne (service)
{
    for (const id of await compose.containers(service)) {
        await docker ("restart", id);
        await compose.allHealthy();
        for (const edge of await compose.containers("edge")) {
            await until ("an edge has all postoffices",
                         async () => await postofficesOf (edge) === 3);
        }
    }
}

//  The new key of the postoffices is listed beside the old one, they are restarted one by one, and
//  the old one is taken away.
story ("the keys of the postoffices are changed under load", async () => {
    const crowd = new Crowd (compose, PEOPLE, "new-keys");
    await crowd.goesOn();
    compose.makeSecrets("--new-postoffice-key");
    await restartOneByOne ("postoffice");
    for (const service of ["edge", "genesys-connector", "notifier", "stentor-connector"]) {
        rmSync (join (compose.secrets, "bus", service, "postoffices/first"));
    }
    await restartOneByOne ("edge");
    await crowd.goesOn(8);
    await assertCounted (crowd);
});

story("PostgreSQL is restarted under load, then killed", async () => {
    const crowd = new Crowd(compose, PEOPLE, "database");
    await crowd.goesOn();
    const [id] = await compose.containers("postgres");
    await docker("restart", id);
    await crowd.goesOn(8);
    await docker("kill", id);
    await compose.sayUnwell("postoffice", "database");
    await docker("start", id);
    await crowd.goesOn(8);
    await compose.allHealthy();
    await assertCounted(crowd);
});

story("a process that dies by itself is started again by Docker", async () => {
    const crowd = new Crowd(compose, PEOPLE, "crash");
    await crowd.goesOn();
    for (const service of OURS) {
        const [one] = await compose.inspect(service);
        //  From outside of its container, where a first process can be killed; not by `docker
        //  kill`, after which Docker leaves it dead.
        await docker("run", "--rm", "--pid=host", "--user=0", "--network=none",
            "--entrypoint=bash", "debian:bookworm-slim", "-c", `kill -9 ${one.State.Pid}`);
        await until(`the ${service} is back`, async () =>
            (await compose.inspect(service)).some(({ RestartCount }) => RestartCount > 0));
    }
    await compose.allHealthy();
    await crowd.goesOn();
    await assertCounted(crowd);
});

story("scaled down to one of each while people talk: all end with 0", async () => {
    await compose.up(BIG, "--no-recreate");
    await compose.allHealthy();
    const crowd = new Crowd(compose, PEOPLE, "shrink");
    await crowd.goesOn();
    const codes = await compose.endings(() => compose.up({}, "--no-recreate"));
    assert.deepEqual(codes,
        { "edge": [0, 0], "genesys-connector": [0], "notifier": [0], "postoffice": [0, 0],
          "stentor-connector": [0] });
    await crowd.goesOn(8);
    await compose.allHealthy();
    await assertCounted(crowd);
});

story("down while people talk drains; what was said is there after the next up", async () => {
    await compose.up(BIG, "--no-recreate");
    await compose.allHealthy();
    const crowd = new Crowd(compose, PEOPLE, "down");
    await crowd.goesOn();
    const began = Date.now();
    const codes = await compose.endings(() => compose.do("down"));
    note(`down took ${seconds(began)}; exit codes ${JSON.stringify(codes)}`);
    assert.deepEqual(codes, {
        "demo-bot": [0], "door": [0], "edge": [0, 0, 0], "genesys-connector": [0, 0],
        "notifier": [0, 0], "postgres": [0],
        "postoffice": [0, 0, 0], "stentor-connector": [0, 0],
    });
    await compose.up();
    await crowd.goesOn(5);
    await compose.allHealthy();
    await assertCounted(crowd);
});

// -------------------------------------------------------------------------------------------------
//  Wrong from the start: one line that says what, and what to do

//  Runs one container of a service in the foreground, without those that it depends on.
async function trial(service, ...options) {
    const { code, output } = await compose.say(["run", "--rm", "--no-deps", "-T", ...options,
        service]);
    const line = output.split("\n").find((one) => one.includes('"level":"fatal"')) || output;
    note(line.slice(0, 300));
    return { code, line };
}

const secret = (name) => join(compose.secrets, name);

story("no secrets at all: compose says what to run", async () => {
    const { code, output } = await compose.say(["up", "-d"], { SECRETS: null });
    note(output.trim().split("\n")[0]);
    assert.notEqual(code, 0);
    assert.match(output, /run deploy\/make-secrets first/);
});

story("one secret file is missing, or empty", async () => {
    const url = secret("postgres_url");
    rmSync(url);
    const gone = await compose.say(["run", "--rm", "--no-deps", "-T", "postoffice"]);
    note(gone.output.split("\n").find((line) => line.includes(url)));
    assert.notEqual(gone.code, 0);
    assert.ok(gone.output.includes(url), "which one");
    writeFileSync(url, "");
    const empty = await trial("postoffice");
    assert.equal(empty.code, 78);
    assert.match(empty.line, /POSTGRES_URL must be set, but its file .* is empty/);
    putUrl(password());
    //  Containers that are there have the file that is gone.
    await compose.do("up", "-d", "--no-build", "--force-recreate", "--no-deps", "postoffice");
    await compose.allHealthy();
});

const password = () => readFileSync(secret("postgres_password"), "utf8");

//  In its place: a file that is mounted is the same one for as long as the container is there.
function putUrl(word, host = "postgres") {
    writeFileSync(secret("postgres_url"), `postgres://stentor:${word}@${host}/stentor`);
}

story("a wrong apps.json: the line of the mistake, and 78", async () => {
    writeFileSync(secret("apps/apps.json"), '{\n    "demo": {\n        "nonsense": 1\n    }\n}\n');
    for (const service of OURS) {
        const { code, line } = await trial(service, "-e", "APPS_FILE=/run/apps/apps.json");
        assert.equal(code, 78, service);
        assert.match(line, /line \d/, service);
    }
    const { code, line } = await trial("edge", "-e", "APPS_FILE=/run/apps/other.json");
    assert.equal(code, 78);
    assert.match(line, /other\.json/);
    rmSync(secret("apps/apps.json"));
});

story("the port is in use: Docker names it, and EDGE_PORT takes another", async () => {
    const holder = createServer();
    await new Promise((done) => holder.listen(0, "127.0.0.1", done));
    const port = String(holder.address().port);
    const { code, output } = await compose.say(["up", "-d", "--no-build", "--no-deps", "door"],
        { EDGE_PORT: port });
    holder.close();
    const line = output.split("\n").find((one) => one.includes(port) && /in use/.test(one));
    note(line || output);
    assert.notEqual(code, 0);
    assert.ok(line);
    await compose.up();
    await compose.allHealthy();
});

//  The postoffice begins anew, waits for a database that it cannot use, and says why; when that is
//  mended it goes on, by itself if it can see it.
async function waitsSaying(words, mend) {
    const [id] = await compose.containers("postoffice");
    try {
        await docker("restart", id);
        note((await compose.logged("postoffice", words)).slice(0, 300));
        await compose.sayUnwell("postoffice", "database");
    } finally {
        await mend(id);
    }
    await compose.allHealthy();
}

async function mendUrl(id) {
    putUrl(password());
    await docker("restart", id); //  settings are read at the start
}

story("PostgreSQL has another password: the postoffice waits, and says so", async () => {
    putUrl("wrong");
    await waitsSaying(["database link lost", "password authentication failed", "POSTGRES_URL"],
        mendUrl);
});

story("there is no such database host: the postoffice waits, and says so", async () => {
    putUrl(password(), "elsewhere");
    await waitsSaying(["host name not found", "elsewhere"], mendUrl);
});

story("a newer schema: the postoffice waits for the right version of itself", () =>
    compose.sql("INSERT INTO migration (number, name, readable_from)" +
        " VALUES (9999, 'of the future', 9999)").then(() =>
        waitsSaying(["schema is newer than this program", "run the version"], () =>
            compose.sql("DELETE FROM migration WHERE number = 9999"))));

story("an older schema: it is migrated", async () => {
    const postoffices = await compose.containers("postoffice");
    const first =
        new URL ("../../services/postoffice/store/schema/0001_tables.sql", import.meta.url);
    await docker("stop", ...postoffices);
    await compose.sql(`DROP SCHEMA public CASCADE; CREATE SCHEMA public;
        CREATE TABLE migration (number int PRIMARY KEY, name text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now ());
        ${readFileSync(first, "utf8")};
        INSERT INTO migration (number, name) VALUES (1, 'tables')`);
    await docker("start", ...postoffices);
    note((await compose.logged("postoffice", ['"schema migrated"', '"from":1'])).slice(0, 300));
    await compose.allHealthy();
    const crowd = new Crowd(compose, 5, "migrated");
    await crowd.goesOn();
    await assertCounted(crowd);
});
