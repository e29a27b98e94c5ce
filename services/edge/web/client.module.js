//  client.js as an ES module: import { StentorChat } from "/client.module.js";

import "./client.js";

export const StentorChat = globalThis.StentorChat;
export default StentorChat;
