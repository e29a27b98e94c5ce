//  The agent's page (demo mode, or #token=… of an agent): who waits and what is offered on one
//  side, a conversation on the other.
//
//  ?user=anna       in demo mode: which agent this window is; else one of this browser's own
//  ?sessionId=…     the conversation that is open at first

import { Conversation } from "./agent_conversation.js";
import { AgentDesk } from "./agent_desk.js";
import { readConfiguration } from "./connection_state.js";

const query = new URLSearchParams(window.location.search);
const configuration = await readConfiguration();
if (!configuration.token && query.get("user")) configuration.userId = query.get("user");

const desk = new window.StentorChat.Console(configuration);
if (!configuration.token) configuration.userId = desk.userId;
const conversation = new Conversation(configuration, desk);
const view = new AgentDesk(desk, { demoMode: configuration.demoMode, onOpen: open });

function open(sessionId) {
    const here = new URL(window.location.href);
    here.searchParams.set("sessionId", sessionId);
    window.history.replaceState(null, "", here);
    conversation.open(sessionId);
    view.mark(sessionId);
}

if (query.get("sessionId")) open(query.get("sessionId"));
desk.open();
