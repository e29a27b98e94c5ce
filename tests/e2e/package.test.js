//  The npm package of client.js, and its types.

import assert from "node:assert/strict";
import { copyFileSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import ts from "typescript";

import { ClientPackage, ROOT } from "./client_package.js";

const read = (path) => readFileSync(join(ROOT, path), "utf8");

let installed;
before(async () => { installed = await ClientPackage.install(); });
after(() => installed.remove());

test("the package has what it should have, and nothing else", () => {
    assert.deepEqual(readdirSync(installed.installed).sort(), [
        "LICENSE", "README.md", "client.d.ts", "client.js", "client.module.d.ts",
        "client.module.js", "package.json",
    ]);
    for (const name of ["client.js", "client.module.js", "client.d.ts", "client.module.d.ts"]) {
        const packed = readFileSync(join(installed.installed, name), "utf8");
        assert.equal(packed, read(`services/edge/web/${name}`), name);
    }
    const readme = readFileSync(join(installed.installed, "README.md"), "utf8");
    assert.deepEqual(readme.match(/\]\((?!#|https?:)[^)]*\)/g), null);
});

test("the package has the router's version", () => {
    const { version } = JSON.parse(read("services/edge/npm/package.json"));
    assert.equal(version, /project \(\S+ VERSION (\S+)/.exec(read("CMakeLists.txt"))[1]);
});

test("the stock widget that is brought for /widget.html is the one that is tested", () => {
    const of = (place) => JSON.parse(read(`${place}/package-lock.json`))
        .packages["node_modules/@xapp/chat-widget"];
    assert.deepEqual(of("deploy/widget").integrity, of("tests/e2e").integrity);
    const { dependencies } = JSON.parse(read("deploy/widget/package.json"));
    assert.equal(dependencies["@xapp/chat-widget"], of("deploy/widget").version);
});

test("nothing is left of what was packed", () => {
    assert.deepEqual(readdirSync(join(installed.tree, "services/edge/npm")).sort(),
        ["assemble.js", "package.json"]);
});

test("node imports the package", async () => {
    installed.write("page/import.js", `
        import Chat, { StentorChat } from "stentor-chat-client";
        import "stentor-chat-client/client.js";
        const chat = new StentorChat({ serverUrl: "ws://127.0.0.1/", storage: null });
        chat.say("kept until there is a connection");
        console.log(Chat === StentorChat, globalThis.StentorChat === StentorChat, chat.unsent);
    `);
    assert.equal(await installed.run("node", "import.js"), "true true 1\n");
});

test("TypeScript takes what is right and refuses what is wrong", async () => {
    for (const name of ["module.ts", "script.ts"])
        copyFileSync(join(ROOT, "tests/e2e/types", name), join(installed.page, name));
    await installed.run("node", join(ROOT, "tests/e2e/node_modules/typescript/bin/tsc"),
        "--noEmit", "--strict", "--target", "es2022", "--module", "nodenext",
        "module.ts", "script.ts",
    ).catch(({ stdout }) => assert.fail(stdout));
});

// ----------------------------------------------------------------------------------------------
//  The types say what client.js says at its top, and does.

const source = read("services/edge/web/client.js");
//  A part of the comment at the top: from one title to the next line that is no part of it.
const part = (title) => new RegExp(`^//  ${title}.*\\n((?://      .*\\n)+)`, "m").exec(source)[1];

function typesOf() {
    const file = join(ROOT, "services/edge/web/client.d.ts");
    const program = ts.createProgram([file], { lib: ["lib.es2022.d.ts"], types: [] });
    const checker = program.getTypeChecker();
    const names = new Map();
    const enter = (node, path) => {
        const name = path + node.name.text;
        names.set(ts.isModuleDeclaration(node) ? `${name} namespace` : name, node);
        if (ts.isModuleDeclaration(node))
            node.body.statements.forEach((one) => enter(one, `${name}.`));
    };
    const { statements } = program.getSourceFile(file);
    statements.filter((one) => one.name).forEach((one) => enter(one, ""));
    const members = (type) => checker.getPropertiesOfType(type).map(({ name }) => name).sort();
    return {
        of: (name) => members(checker.getTypeAtLocation(names.get(name))),
        ofMember: (name, member) => {
            const type = checker.getTypeAtLocation(names.get(name));
            return members(checker.getTypeOfSymbol(type.getProperty(member)));
        },
    };
}

const types = typesOf();

test("types: every method and property", async () => {
    await import("../../services/edge/web/client.module.js");
    const prototype = globalThis.StentorChat.prototype;
    const own = Object.getOwnPropertyNames(prototype).filter((name) => name !== "constructor");
    assert.deepEqual(types.of("StentorChat"), own.sort());
    const documented = [...part("Methods").matchAll(/(\w+) \(/g)].map(([, name]) => name);
    for (const name of documented.filter((name) => name !== "event"))
        assert.ok(own.includes(name), name);
});

test("types: every option", () => {
    const documented = [...part("Options").matchAll(/^\/\/ {6}(\w+) {2,}\S/gm)];
    assert.deepEqual(types.of("StentorChat.Options"), documented.map(([, name]) => name).sort());
    const timing = /const TIMING = \{\n([^}]*)\}/.exec(source)[1];
    const known = [...timing.matchAll(/^ +(\w+):/gm)].map(([, name]) => name);
    assert.deepEqual(types.of("StentorChat.Timing"), known.sort());
});

test("types: every event, with every member", () => {
    const emitted = [...source.matchAll(/(?:#emit|#onPresence|#onSaid|#onOffer)\("(\w+)"/g)];
    const events = new Set(emitted.map(([, name]) => name));
    assert.deepEqual(types.of("StentorChat.Events"), [...events].sort());
    const documented = part("Events").matchAll(/^\/\/ {6}(\w+(?:, \w+)*) +\{([^}]*)\}/gm);
    let count = 0;
    for (const [, names, members] of documented) {
        for (const name of names.split(", ")) {
            count++;
            assert.deepEqual(types.ofMember("StentorChat.Events", name),
                members.trim().split(/,\s*/).sort(), name);
        }
    }
    assert.equal(count, events.size);
});

test("types: every method, property and event of a console", () => {
    const { prototype } = globalThis.StentorChat.Console;
    const own = Object.getOwnPropertyNames(prototype).filter((name) => name !== "constructor");
    assert.deepEqual(types.of("StentorChat.Console"), own.sort());
    const told = new Set([...source.matchAll(/#tell\("(\w+)"/g)].map(([, name]) => name));
    assert.deepEqual(types.of("StentorChat.ConsoleEvents"), [...told].sort());
});
