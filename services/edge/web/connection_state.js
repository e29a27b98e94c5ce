//  What the visitor's and the agent's page share: the edge's configuration and the words for the
//  state of the connection.

//  { appId, serverUrl, demoMode, hasWidget, token }; where the edge has nothing to say, the address
//  that the page itself comes from: its directory, as a proxy may have the edge under a path.
//  ?appId=… of the page's own address names another app.
export async function readConfiguration() {
    let given = {};
    try {
        const answer = await fetch("config.json", { cache: "no-store" });
        if (answer.ok) given = await answer.json();
    } catch { /* served by something else than an edge */ }
    return {
        appId: new URLSearchParams(window.location.search).get("appId") || given.appId || undefined,
        serverUrl: given.connectionServerUrl || new URL(".", window.location.href).href,
        demoMode: given.demoMode === true,
        hasWidget: given.widget === true,
        //  For trying out (docs/tokens.md): what stands behind a # is sent to nobody.
        token: new URLSearchParams(window.location.hash.slice(1)).get("token") || undefined,
    };
}

const WHY_CLOSED = {
    not_yours: "This conversation belongs to somebody else.",
    not_allowed: "This is not allowed here.",
    unauthenticated: "You need a new token to chat here.",
    unknown_app: "This chat is not set up here.",
    bad_request: "The chat could not be opened.",
};

//  Keeps the state line and the banner true. online: the words for a connection that is up.
export function showStatus(chat, { state, banner, online }) {
    let timer = null;
    const say = (kind, text, alarm) => {
        state.dataset.kind = kind;
        state.textContent = text;
        banner.hidden = !alarm;
        banner.textContent = alarm || "";
    };
    chat.on("status", ({ status, retryAt, code, message }) => {
        clearInterval(timer);
        if (status === "open") say("open", online());
        else if (status === "connecting") say("connecting", "Connecting…", banner.textContent);
        else if (code) say("closed", "Not available", WHY_CLOSED[code] || message);
        else if (status === "closed") say("closed", "Closed");
        else {
            const count = () => {
                const seconds = Math.ceil((retryAt - Date.now()) / 1000);
                const when = seconds > 1 ? ` Next try in ${seconds} s.` : "";
                say("waiting", "Offline",
                    `No connection right now. What you write is kept and sent later.${when}`);
            };
            count();
            timer = setInterval(count, 500);
        }
    });
}

//  While somebody looks at the page, what comes is read. Returns a function that ends it.
export function markSeen(chat) {
    const look = () => {
        if (document.visibilityState === "visible") chat.markRead();
    };
    for (const event of ["message", "whisper", "ack"]) chat.on(event, look);
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
}
