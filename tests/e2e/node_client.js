//  client.js outside of a browser: in node, with a real WebSocket and without a storage. And a bare
//  connection for what client.js would hide.

import { webcrypto } from "node:crypto";
import { createRequire } from "node:module";

import WebSocket from "ws";

const HANDSHAKE_WITHIN = 10000;

globalThis.crypto ??= webcrypto; //  Node 18 has it only as a module
createRequire(import.meta.url)("../../services/edge/web/client.js");

//  A browser's says `close` after an error; to node an error that nobody hears is the end.
class BrowserLike extends WebSocket {
    constructor(url) {
        super(url);
        this.on("error", () => {});
    }
}

export function nodeChat(options) {
    const page = Object.assign(new EventTarget(), { visibilityState: "visible" });
    return new globalThis.StentorChat({
        storage: null,
        environment: {
            WebSocket: BrowserLike, window: new EventTarget(), document: page,
        },
        ...options,
    });
}

//  Connects and says the first frame. on (frame) hears every frame.
export function bareSocket(serverUrl, query, first, on) {
    return new Promise((done, failed) => {
        const socket = new WebSocket(`${serverUrl}?${new URLSearchParams(query)}`,
            { handshakeTimeout: HANDSHAKE_WITHIN });
        socket.on("error", failed);
        socket.on("message", (bytes) => on(JSON.parse(bytes)));
        socket.on("open", () => {
            socket.send(JSON.stringify(first));
            done(socket);
        });
    });
}
