//  A chat server as a team would write it in an afternoon, to compare the router with: every
//  message is inserted, then acknowledged, then sent to the others in its session. It speaks as
//  much of the router's protocol as bench/load uses, and does not try to be slow: a pool of
//  connections, and a session's messages one after the other, so that their order is kept.
//
//  It promises less than the router: it is one process, and what was stored but not delivered when
//  it dies, nobody sees.
//
//  Settings from the environment: PORT, POSTGRES_URL; NODE_PREPARED=on makes the statement a
//  prepared one, as somebody would who has measured. Prints "ready" when it listens.

import pg from "pg";
import { WebSocketServer } from "ws";

const TABLE = `
    create table if not exists node_message (
        id bigserial primary key,
        session text not null,
        message_id text not null,
        time_ms bigint not null,
        sender jsonb not null,
        data jsonb not null,
        unique (session, message_id)
    )`;
const INSERT = {
    ...(process.env.NODE_PREPARED === "on" && { name: "insert" }),
    text: `insert into node_message (session, message_id, time_ms, sender, data)
           values ($1, $2, $3, $4, $5) returning id`
};

const pool = new pg.Pool({ connectionString: process.env.POSTGRES_URL });
const sessions = new Map();

function join(client, sessionId) {
    if (client.session) return;
    if (!sessions.has(sessionId)) sessions.set(sessionId, { clients: new Set(), last: null });
    client.session = sessions.get(sessionId);
    client.session.clients.add(client);
}

function leave(client, sessionId) {
    client.session?.clients.delete(client);
    if (client.session?.clients.size === 0) sessions.delete(sessionId);
}

function send(client, frame) {
    client.socket.send(JSON.stringify(frame));
}

async function store(client, frame) {
    const { sessionId, messageId, data } = frame;
    const timeMs = Date.now();
    const values = [sessionId, messageId, timeMs, client.sender, data];
    const { rows } = await pool.query({ ...INSERT, values });
    const seq = Number(rows[0].id);
    send(client, { event: "ack", sessionId, data: { messageId, seq, timeMs, duplicate: false } });
    const message = { event: "new message", sessionId, messageId, seq, timeMs };
    for (const other of client.session.clients)
        if (other !== client) send(other, { ...message, sender: client.sender, data });
}

function receive(client, text) {
    const frame = JSON.parse(text);
    const { sessionId, messageId } = frame;
    switch (frame.event) {
        case "user joined":
            join(client, sessionId);
            client.sessionId = sessionId;
            send(client, { event: "connection update", sessionId, data: { sessionCreated: true } });
            break;
        case "new message":
            client.session.last = Promise.resolve(client.session.last)
                .then(() => store(client, frame))
                .catch((error) => {
                    const data = { code: "failed", message: error.message, messageId };
                    send(client, { event: "error", sessionId, data });
                });
            break;
    }
}

await pool.query(TABLE);
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.env.PORT) });
server.on("connection", (socket, request) => {
    const query = new URL(request.url, "ws://localhost").searchParams;
    const isAdmin = query.get("isAdmin") === "true";
    const sender = { deviceId: "web", userId: query.get("userId"), isAdmin };
    const client = { socket, sender, session: null, sessionId: null };
    socket.on("message", (text) => receive(client, text));
    socket.on("close", () => leave(client, client.sessionId));
    socket.on("error", () => socket.terminate());
});
server.on("listening", () => console.log("ready"));
