//  A page's own code, as a module: what it may do, and (below) what the types must refuse.

import Chat, { StentorChat } from "stentor-chat-client";

const options: StentorChat.Options = {
    serverUrl: "wss://chat.example.com/",
    appId: "demo",
    token: async () => "a.b.c",
    attributes: { plan: "gold" },
    storage: null,
    timing: { ack: 5000 },
};
const chat: StentorChat = new StentorChat(options);
const same: typeof StentorChat = Chat;
new same({ serverUrl: new URL("http://127.0.0.1/"), isAdmin: true, sessionId: "s", token: null });

const shown: string[] = [];
const forget = chat.on("message", ({ mine, from, text, data, seq }) => {
    shown.push(`${seq} ${mine ? "me" : from}: ${text} ${data.outputSpeech}`);
});
chat.on("status", ({ status, retryAt = 0, code }) => {
    shown.push(status === "waiting" ? new Date(retryAt).toISOString() : code ?? status);
});
chat.on("joined", ({ sender, why, visitor }) => {
    shown.push(sender.displayName ?? "somebody", why ?? "", visitor?.page ?? "");
});
chat.markRead(chat.lastSeq);
chat.on("presence", ({ role, connected }) => shown.push(`${role} ${connected}`));
chat.on("receipt", ({ readSeq }: StentorChat.Receipt) => shown.push(String(readSeq)));
chat.on("whisper", ({ text, pending }: StentorChat.Message) => shown.push(`${text} ${pending}`));
forget();

async function talk(): Promise<number> {
    chat.open();
    await chat.launch();
    await chat.choose({ token: "t", title: "Title" });
    await chat.send({ type: "INTENT_REQUEST", rawQuery: "hello" });
    shown.push(String((await chat.whisper("a regular customer")).seq));
    try {
        const { messageId, seq, duplicate } = await chat.say("opening hours?");
        shown.push(messageId, String(duplicate));
        return seq + chat.lastSeq + chat.unsent;
    } catch (error) {
        if (error instanceof StentorChat.Error) shown.push(error.code, error.message);
        return 0;
    }
}
void talk();

const desk = new StentorChat.Console({ serverUrl: "https://h/", appId: "demo", token: "t" });
desk.on("offer", ({ row }) => shown.push(row.sessionId, String(desk.control(row).offer?.until)));
desk.on("availability", ({ agent }) => shown.push(agent?.state ?? "not known"));
chat.on("control", ({ role, version, mine }) => shown.push(role, String(version), String(mine)));
async function answer() {
    await desk.setAvailability({ state: "available", capacity: 4 });
    for (const { sessionId } of desk.offers()) await desk.accept(sessionId, { name: "Anna" });
    await chat.take({ version: chat.control?.version });
    await chat.offer(["group:french", "bot"], { why: "French" });
    const { changed, seq, control } = await chat.release({ version: null });
    shown.push(String(changed), String(seq), control.role);
}
void answer().catch((error: StentorChat.Error) => shown.push(error.control?.userId ?? ""));
shown.push(StentorChat.textOf({ rawQuery: "text" }), chat.userId, globalThis.StentorChat.name);

//  Each of these lines is a mistake.

//  @ts-expect-error there is no such event
chat.on("mesage", () => {});
//  @ts-expect-error a status has no text
chat.on("status", ({ text }) => text);
//  @ts-expect-error the server's address is missing
new StentorChat({ appId: "demo" });
//  @ts-expect-error there is no such state
desk.setAvailability({ state: "asleep" });
//  @ts-expect-error it is said whom
chat.offer();
//  @ts-expect-error there is no such option
new StentorChat({ serverUrl: "ws://h/", userID: "u" });
//  @ts-expect-error a text is no number
chat.say(7);
//  @ts-expect-error an item has a token
chat.choose({ title: "Title" });
//  @ts-expect-error nobody sets the session but the client
chat.sessionId = "other";
