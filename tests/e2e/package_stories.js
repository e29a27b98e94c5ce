//  A site that has the npm package of client.js among its own files, and talks with the router.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

import { ClientPackage } from "./client_package.js";

const TALK = `
    window.heard = [];
    const chat = new StentorChat({ serverUrl: new URLSearchParams(location.search).get("server") });
    chat.on("message", ({ mine, text }) => heard.push((mine ? "me: " : "they: ") + text));
    chat.open();
    chat.say("echo packed").then(({ seq }) => heard.push("stored as " + seq));`;
const PAGES = {
    "/script.html": `<script src="/client.js"></script><script>${TALK}</script>`,
    "/module.html": `<script type="module">
        import StentorChat from "/client.module.js";${TALK}</script>`,
};

async function startSite(directory) {
    const server = createServer((request, response) => {
        const { pathname } = new URL(request.url, "http://site");
        const page = PAGES[pathname];
        response.setHeader("content-type", page ? "text/html" : "text/javascript");
        response.end(page ? `<!doctype html><link rel="icon" href="data:,">${page}`
            : readFileSync(join(directory, pathname)));
    });
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    return server;
}

export function packageStories(story) {
    story("package: as a script and as a module", async ({ stack, more }) => {
        const installed = await ClientPackage.install();
        const site = await startSite(installed.installed);
        const query = new URLSearchParams({ server: stack.pageUrl });
        try {
            for (const name of ["script.html", "module.html"]) {
                const page = await (await more()).newPage();
                await page.goto(`http://127.0.0.1:${site.address().port}/${name}?${query}`);
                await page.waitForFunction(() => window.heard.includes("they: packed"));
                const heard = await page.evaluate(() => window.heard);
                assert.equal(heard[0], "me: echo packed");
                assert.equal(heard.filter((one) => one.startsWith("stored as ")).length, 1);
            }
        } finally {
            installed.remove();
            site.closeAllConnections();
            site.close();
        }
    });
}
