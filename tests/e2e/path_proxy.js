//  A proxy that has an edge under a path, as nginx would: /chat/x is the edge's /x.

import { createServer, request as ask } from "node:http";
import { connect } from "node:net";

//  path: "/chat/". target: () => port. refuses: it knows no WebSockets, as some proxies do.
export async function startPathProxy(path, target, { refuses = false } = {}) {
    const inner = (url) => (url.startsWith(path) ? url.slice(path.length - 1) : null);
    const server = createServer((request, response) => {
        const url = inner(request.url);
        if (url === null) {
            response.writeHead(404).end();
            return;
        }
        const { method, headers } = request;
        const far = ask({ host: "127.0.0.1", port: target(), method, path: url, headers });
        far.on("response", (answer) => {
            response.writeHead(answer.statusCode, answer.headers);
            response.flushHeaders();
            answer.on("error", () => response.destroy());
            answer.pipe(response);
        });
        far.on("error", () => response.destroy());
        response.on("close", () => far.destroy());
        request.pipe(far);
    });
    const upgraded = new Set();
    server.on("upgrade", (request, near, head) => {
        if (refuses) {
            near.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
            return;
        }
        const url = inner(request.url);
        const far = url === null ? null : connect(target(), "127.0.0.1");
        const end = () => [near, far].forEach((socket) => socket && socket.destroy());
        if (!far) {
            end();
            return;
        }
        for (const socket of [near, far]) {
            upgraded.add(socket);
            socket.on("error", end).on("close", end);
        }
        const lines = [`GET ${url} HTTP/1.1`];
        for (let i = 0; i < request.rawHeaders.length; i += 2)
            lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
        far.write(`${lines.join("\r\n")}\r\n\r\n`);
        far.write(head);
        near.pipe(far).pipe(near);
    });
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    return {
        url: `http://127.0.0.1:${server.address().port}${path}`,
        //  Ends all connections; new ones work.
        drop: () => server.closeAllConnections(),
        stop: () => new Promise((done) => {
            server.closeAllConnections();
            for (const socket of upgraded) socket.destroy();
            server.close(done);
        }),
    };
}
