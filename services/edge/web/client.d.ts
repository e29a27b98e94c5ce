//  client.d.ts — the types of client.js, as a page has them that loads it with a script tag: a class
//  with the name StentorChat. client.module.d.ts gives them to modules. What things are, and what a
//  page can rely on, stands at the top of client.js.

//  A variable, not a class: it is window.StentorChat, too.
declare var StentorChat: {
    new (options: StentorChat.Options): StentorChat;
    readonly prototype: StentorChat;
    /** What a person reads of a request or a response; "" when there is nothing. */
    textOf(data: unknown): string;
    readonly Error: {
        new (code: string, message: string): StentorChat.Error;
        readonly prototype: StentorChat.Error;
    };
};

interface StentorChat {
    readonly userId: string;
    readonly sessionId: string;
    readonly status: StentorChat.StatusName;
    /** The highest seq that was received; 0: none. */
    readonly lastSeq: number;
    /** So many messages are not acknowledged yet. */
    readonly unsent: number;
    /** Of an agent: it answers the visitor, not the bot. */
    readonly inControl: boolean;
    /** How the client is connected; "websocket" when it is not. */
    readonly transport: StentorChat.Transport;

    open(): void;
    /** Keeps what is unsent; a later open goes on with it. */
    close(): void;

    say(text: string): Promise<StentorChat.Ack>;
    /** Picks an item of a list. */
    choose(item: { token: string; title?: string }): Promise<StentorChat.Ack>;
    /** Asks the bot for its greeting: once in a session, however often called. */
    launch(): Promise<StentorChat.Ack>;
    /** Sends any Stentor request: an object that JSON can write. */
    send(request: object): Promise<StentorChat.Ack>;
    /** Tells the others; ends by itself. */
    typing(on: boolean): void;

    /** An agent takes control from the bot. */
    bargeIn(name?: string): void;
    bargeOut(): void;

    /** A new session for the same visitor; what is unsent is refused. */
    restart(): void;

    /** Returns a function that takes the listener away. */
    on<Name extends keyof StentorChat.Events>(
        event: Name,
        listener: (detail: StentorChat.Events[Name]) => void,
    ): () => void;
}

declare namespace StentorChat {
    /** What a promise of `say`, `choose`, `launch` or `send` is rejected with. */
    interface Error extends globalThis.Error {
        /** The router's (docs/client-protocol.md), or queue_full, too_large, restarted, no_websocket. */
        readonly code: string;
    }

    /** A token, or none. */
    type Token = string | null | undefined;

    interface Options {
        /** ws(s):// or http(s):// address of the router. */
        serverUrl: string | URL;
        /** Which app; the router's default app when left out. */
        appId?: string;
        /** The page's own id for the visitor; else a random one is made and kept. */
        userId?: string;
        /** A certain session; else one is made and kept. Agents must give one. */
        sessionId?: string;
        /** True: an agent's connection. */
        isAdmin?: boolean;
        /** Who the user is; a function is asked before each connection. */
        token?: Token | (() => Token | Promise<Token>);
        /** A name to show to others. */
        displayName?: string;
        /** A token for the bot: added when a message is sent, never kept in the storage. */
        accessToken?: string;
        /** Goes with every request to the bot. */
        attributes?: object;
        /** Default: the browser's localStorage. null: keep nothing. */
        storage?: Storage | null;
        /** Most messages that may wait (100). */
        queueLimit?: number;
        /** This and no other; else what works. */
        transport?: Transport;
        timing?: Partial<Timing>;
    }

    /** As much of localStorage as is used. */
    interface Storage {
        readonly length: number;
        key(index: number): string | null;
        getItem(key: string): string | null;
        setItem(key: string, value: string): void;
        removeItem(key: string): void;
    }

    /** Milliseconds. */
    interface Timing {
        /** The first reconnect comes between these two. */
        firstDelayFrom: number;
        firstDelayTo: number;
        /** No reconnect later than this. */
        mostDelay: number;
        /** After a connection of this length the next wait is a first one. */
        stable: number;
        /** From the start of a connection until it is in the session. */
        join: number;
        /** A message that is not answered by then: the connection is dead. */
        ack: number;
        /** No frame for so long on a visible page: ask if the connection still lives. */
        quiet: number;
        /** No answer to that question by then: it does not. */
        probe: number;
        /** From `going away` until the client closes the connection itself. */
        goodbye: number;
        /** `typing` is repeated no faster than this. */
        typingEvery: number;
        /** And ends when it is not repeated. */
        typingEnds: number;
        /** For so long Server-Sent Events are tried first, once they worked. */
        events: number;
    }

    /** "events": Server-Sent Events and POST. */
    type Transport = "websocket" | "events";

    type StatusName = "connecting" | "open" | "waiting" | "closed";

    /** Who said or did something, as the router knows it. */
    interface Sender {
        deviceId?: string;
        userId?: string;
        displayName?: string;
        isAdmin?: boolean;
        avatarPath?: string;
    }

    /** What an agent is told of a visitor. None of it is proven. */
    interface Visitor {
        name?: string;
        page?: string;
        language?: string;
        addressClass?: string;
        agent?: string;
    }

    interface Place {
        seq: number;
        timeMs: number;
    }

    interface Ack extends Place {
        messageId: string;
        duplicate: boolean;
    }

    interface Message extends Place {
        /** Absent in messages of clients that give none. */
        messageId?: string;
        from: "visitor" | "agent" | "bot";
        mine: boolean;
        /** Not acknowledged yet; its seq is 0 then. */
        pending: boolean;
        sender: Sender;
        /** Text, never HTML. */
        text: string;
        /** The Stentor request or response, as it came. */
        data: Record<string, any>;
    }

    interface Refusal {
        /** Absent: some other frame was refused. */
        messageId?: string;
        code: string;
        message: string;
    }

    interface Status {
        status: StatusName;
        /** With "waiting": the time of the next try. */
        retryAt?: number;
        /** With "closed": the router refused, and the client does not try again. */
        code?: string;
        message?: string;
    }

    interface Presence extends Place {
        sender: Sender;
        why?: "asked" | "replaced" | "absent" | "closed";
        /** The page's own agent. */
        mine: boolean;
        /** Of a visitor who came, for agents. */
        visitor?: Visitor;
    }

    interface Failure {
        tries: number;
        /** Seconds until the bot's next try; 0: there is none. */
        delay: number;
        error: string;
        sender: Sender;
        /** Absent while there is a next try. */
        seq?: number;
    }

    /** The events, each with its one object. */
    interface Events {
        message: Message;
        ack: Ack;
        refused: Refusal;
        status: Status;
        typing: { sender: Sender; on: boolean };
        joined: Presence;
        left: Presence;
        failure: Failure;
        handoff: { target?: string; kind?: string; seq: number };
        closed: Place;
        reopened: Place;
        session: { sessionId: string };
        history: { seq: number };
        lost: Place & { messageId: string; text: string };
    }
}
