//  The code of a page that loads client.js with a script tag.

/// <reference types="stentor-chat-client/client.js" />

const page = new StentorChat({ serverUrl: location.href });
const listeners: Array<() => void> = [
    page.on("ack", ({ messageId }: StentorChat.Ack) => { document.title = messageId; }),
    new window.StentorChat({ serverUrl: "/" }).on("lost", ({ text, seq }) => `${text} ${seq}`),
];
listeners.forEach((forget) => forget());

//  @ts-expect-error there is no such method
page.shout("hello");
