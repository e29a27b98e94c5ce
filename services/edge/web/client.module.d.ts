//  client.module.d.ts — the types of client.module.js: those of client.js, as a module's.

/// <reference path="./client.d.ts" />

import Chat = StentorChat;

export { Chat as StentorChat, Chat as default };
