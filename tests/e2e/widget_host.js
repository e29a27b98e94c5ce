//  A customer's site: serves the real widget's page script and a page that loads it. The page's own
//  query says what the widget is configured with.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const DIST = join(dirname(fileURLToPath(import.meta.url)), "node_modules/@xapp/chat-widget/dist");
const TYPES = { js: "text/javascript", css: "text/css", svg: "image/svg+xml" };

//  Without a network the widget's own web fonts and pictures only cost time.
const PAGE = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>A customer's site</title>
<link rel="icon" href="data:,">
<body><h1>A customer's site</h1>
<script>
window.xaConfig = {
    connection: {
        type: "websocketraw",
        serverUrl: new URLSearchParams(window.location.search).get("server"),
    },
    header: { actions: { refresh: true, minimize: true, cancel: true } },
};
</script>
<script id="xapp-js" src="/xapp-chat-widget.js"></script>
</body></html>`;

export async function startWidgetHost() {
    const server = createServer(async (request, response) => {
        const { pathname } = new URL(request.url, "http://host");
        if (pathname === "/") {
            response.writeHead(200, { "content-type": "text/html" }).end(PAGE);
            return;
        }
        try {
            const body = await readFile(join(DIST, normalize(pathname)));
            const type = TYPES[pathname.split(".").at(-1)] || "application/octet-stream";
            response.writeHead(200, { "content-type": type }).end(body);
        } catch {
            response.writeHead(404).end();
        }
    });
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address();
    return {
        //  more: isAdmin, sessionId
        url: (serverUrl, more = {}) => `http://127.0.0.1:${port}/?${
            new URLSearchParams({ server: serverUrl, ...more })}`,
        stop: () => new Promise((done) => {
            server.closeAllConnections();
            server.close(done);
        }),
    };
}
