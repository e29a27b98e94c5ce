//  The page with the stock widget (@xapp/chat-widget): what a site's page does to embed it, and the
//  link to the agent's view, which is this page once more. An agent's page has isAdmin=true and the
//  sessionId in its URL, which the widget reads by itself.

import { readConfiguration } from "./connection_state.js";

const BUNDLE = "widget/xapp-chat-widget.js";
const byId = (id) => document.getElementById(id);
const isAgent = new URLSearchParams(window.location.search).get("isAdmin") === "true";

//  The widget keeps the whole URL when there is an appId in it, and only then. It can carry a token
//  nowhere else.
function socketUrl({ serverUrl, appId, token }) {
    const url = new URL(serverUrl, window.location.href);
    url.protocol = url.protocol.replace("http", "ws");
    if (appId) url.searchParams.set("appId", appId);
    if (token) url.searchParams.set("token", token);
    return url.href;
}

//  The widget always says who it is: with a token it must say the same as that. undefined: it makes
//  up a name.
function userOf(token) {
    try {
        const payload = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
        const bytes = Uint8Array.from(window.atob(payload), (byte) => byte.charCodeAt(0));
        return JSON.parse(new TextDecoder().decode(bytes)).sub;
    } catch {
        return undefined;
    }
}

//  Where the widget keeps what it knows; null: it has not been opened yet.
function sessionOf(serverUrl) {
    const kept = window.localStorage.getItem(`xappchat.${serverUrl}`);
    const found = /"sessionId":"([^"]+)"/.exec(kept || "");
    return found && found[1];
}

function linkAgentPage(serverUrl) {
    const sessionId = sessionOf(serverUrl);
    byId("agent-link").hidden = !sessionId;
    byId("agent-wait").hidden = Boolean(sessionId);
    const query = new URLSearchParams({ isAdmin: "true", sessionId: sessionId || "" });
    byId("agent-link").href = `widget.html?${query}`;
}

//  It begins with the page's `load`, which may be over before the bundle is here.
function loadBundle() {
    const script = document.createElement("script");
    script.id = "xapp-js";
    script.src = BUNDLE;
    script.addEventListener("load", () => {
        if (document.readyState === "complete") window.dispatchEvent(new Event("load"));
    });
    script.addEventListener("error", () => {
        byId("fault").textContent = "The widget's bundle could not be loaded.";
        byId("fault").hidden = false;
    });
    document.head.append(script);
}

const configuration = await readConfiguration();
const serverUrl = socketUrl(configuration);
window.xaConfig = {
    userId: userOf(configuration.token),
    connection: { type: "websocketraw", serverUrl },
    header: { actions: { refresh: true, minimize: true, cancel: true } },
};
if (isAgent) {
    document.title = "Agent’s widget · Stentor Chat Router";
    byId("title").textContent = "The agent’s view";
    byId("lead").textContent = "Open the chat in the corner: it shows the visitor’s conversation. "
        + "Join with a name to answer in the bot’s place, leave to hand it back.";
} else if (configuration.demoMode) {
    byId("agent-hint").hidden = false;
    linkAgentPage(serverUrl);
    setInterval(() => linkAgentPage(serverUrl), 500);
}
loadBundle();
