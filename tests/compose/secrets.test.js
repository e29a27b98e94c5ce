//  deploy/make-secrets: what it makes, and what it leaves alone. Needs no Docker.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
    chmodSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    readdirSync,
    rmSync,
    statSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";

const MAKE_SECRETS = fileURLToPath(new URL("../../deploy/make-secrets", import.meta.url));

let place;

const path = (name) => join(place, name);
const read = (name) => readFileSync(path(name), "utf8");
const modeOf = (name) => statSync(path(name)).mode & 0o777;

function makeSecrets() {
    const { status, stdout, stderr } = spawnSync(MAKE_SECRETS, [place], { encoding: "utf8" });
    return { status, stdout, stderr };
}

beforeEach(() => { place = join(mkdtempSync(join(tmpdir(), "secrets-")), "new"); });
afterEach(() => rmSync(join(place, ".."), { recursive: true }));

test("make-secrets: all of it, once", () => {
    assert.equal(makeSecrets().status, 0);
    const password = read("postgres_password");
    assert.match(password, /^[0-9a-f]{48}$/);
    assert.equal(read("postgres_url"), `postgres://stentor:${password}@postgres/stentor`);
    assert.equal(read("bot_key"), "");
    assert.match(read("bot_answer_key"), /^[0-9a-f]{64}$/);
    const [app] = JSON.parse(read("apps/apps.json")).apps;
    assert.deepEqual([app.appId, app.switchboard.handoff], ["demo", ["group:front-desk"]]);
    assert.deepEqual([".", "apps", "postgres_password", "postgres_url"].map(modeOf),
        [0o700, 0o755, 0o644, 0o644]);
    writeFileSync(path("bot_key"), "mine");
    assert.equal(makeSecrets().status, 0);
    assert.deepEqual([read("postgres_password"), read("bot_key")], [password, "mine"]);
});

test("make-secrets: password and URL are made from each other", () => {
    makeSecrets();
    const [password, url] = [read("postgres_password"), read("postgres_url")];
    for (const gone of ["postgres_password", "postgres_url"]) {
        rmSync(path(gone));
        assert.equal(makeSecrets().status, 0, gone);
        assert.deepEqual([read("postgres_password"), read("postgres_url")], [password, url], gone);
    }
});

test("make-secrets: a URL without a plain password is refused in one line", () => {
    for (const url of ["", "postgres://db.example.com/stentor", "postgres://me@host/stentor",
        "postgres://me:a%40b@host/stentor", "host=db user=me"]) {
        mkdirSync(place, { recursive: true });
        writeFileSync(path("postgres_url"), url);
        const { status, stdout, stderr } = makeSecrets();
        assert.equal(status, 78, url);
        assert.equal(stdout, "");
        assert.match(stderr, /^make-secrets: .*postgres_password is gone .*\n$/);
        assert.throws(() => read("postgres_password"), /ENOENT/);
    }
});

test("make-secrets: a directory that was there keeps its mode", () => {
    mkdirSync(path("apps"), { recursive: true });
    chmodSync(place, 0o750);
    chmodSync(path("apps"), 0o700);
    const { status, stdout } = makeSecrets();
    assert.equal(status, 0);
    assert.deepEqual([modeOf("."), modeOf("apps")], [0o750, 0o700]);
    assert.match(stdout, /others may look into it/);
});

const certificate = (name) => {
    const text = read (`bus/${name}`);
    return Object.fromEntries(
        [...text.matchAll(/([a-z-]+) = "([^"]*)"/g) ].map(([, key, value ]) => [key, value]));
};

const WORKERS = ["stentor-connector", "notifier", "genesys-connector"];

test ("make-secrets: every service has a key of its own, and those of the others", () => {
    assert.equal(makeSecrets ().status, 0);
    const own = Object.fromEntries([ "postoffice", "edge", ...WORKERS ].map(
        (name) => [name, certificate (`${name}/own_secret`)]));
    for (const { "public-key" : open, "secret-key" : secret } of Object.values(own)) {
        assert.equal(open.length, 40);
        assert.equal(secret.length, 40);
    }
    assert.deepEqual(Object.values(own).map(({ role }) => role),
                     [ "postoffice", "edge", "worker", "worker", "worker" ]);
    for (const name of ["edge", ...WORKERS]) {
        assert.deepEqual(certificate (`postoffice/nodes/${name}`),
                         { role : own[name].role, "public-key" : own[name]["public-key"] });
        assert.equal(certificate (`${name}/postoffices/first`)["public-key"],
                     own.postoffice["public-key"]);
    }
    assert.equal(new Set (Object.values(own).map((one) => one["secret-key"])).size, 5);
    assert.equal(makeSecrets ().status, 0);
    assert.deepEqual(certificate ("edge/own_secret"), own.edge, "a second time changes nothing");
});

test ("make-secrets: the next key of the postoffices stands beside the old one", () => {
    makeSecrets ();
    const before = certificate ("postoffice/own_secret");
    const { status } = spawnSync (MAKE_SECRETS, [ "--new-postoffice-key", place ]);
    assert.equal(status, 0);
    const after = certificate ("postoffice/own_secret");
    assert.notEqual(after["public-key"], before["public-key"]);
    for (const name of ["edge", ...WORKERS]) {
        const listed =
            readdirSync (path (`bus/${name}/postoffices`))
                .map((file) => certificate (`${name}/postoffices/${file}`)["public-key"]);
        assert.deepEqual(listed.sort(), [ before["public-key"], after["public-key"] ].sort());
    }
});
