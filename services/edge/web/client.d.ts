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
    /** The agents' side of an app as a whole. */
    readonly Console: {
        new (options: StentorChat.ConsoleOptions): StentorChat.Console;
        readonly prototype: StentorChat.Console;
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
    /** Who answers; null: not known yet, or nobody listens to `control`. */
    readonly control: StentorChat.Control | null;
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

    /** The user has read up to there; all that came, when nothing is said. Told once a second. */
    markRead(seq?: number): void;

    /** An agent takes control from the bot. */
    bargeIn(name?: string, options?: StentorChat.Seen): void;
    bargeOut(options?: StentorChat.Seen): void;
    /** Agents, over the HTTP API: the visitor is theirs from now on, whoever answered until now. */
    take(options?: StentorChat.Taking): Promise<StentorChat.Order>;
    /** Gives the visitor back. */
    release(options?: StentorChat.Seen): Promise<StentorChat.Order>;
    /** Offers the visitor to others, who are asked in order. */
    offer(to: string | string[], options?: StentorChat.Offering): Promise<StentorChat.Order>;
    accept(options?: StentorChat.Taking): Promise<StentorChat.Order>;
    decline(options?: StentorChat.Seen): Promise<StentorChat.Order>;
    /** How the router has this agent; null: nobody has set it yet. */
    availability(): Promise<StentorChat.Agent | null>;
    /** What is left out stays as it is. */
    setAvailability(availability: StentorChat.Availability): Promise<StentorChat.Agent>;
    /** Who waits, the longest first. */
    queue(filter?: { target?: string }): Promise<StentorChat.QueueItem[]>;

    /** An agent tells the session's agents, and nobody else; who is in control does not matter. */
    whisper(text: string): Promise<StentorChat.Ack>;

    /** A new session for the same visitor; what is unsent is refused. */
    restart(): void;

    /** Returns a function that takes the listener away. */
    on<Name extends keyof StentorChat.Events>(
        event: Name,
        listener: (detail: StentorChat.Events[Name]) => void,
    ): () => void;
}

declare namespace StentorChat {
    /** What a promise of `say`, `choose`, `launch`, `send` or `whisper` is rejected with. */
    interface Error extends globalThis.Error {
        /** The router's (docs/client-protocol.md), or queue_full, too_large, restarted, no_websocket;
            of what was asked over the HTTP API the last part of the problem's type, or unreachable. */
        readonly code: string;
        /** Of an order that was too late: who was faster, and since when. null: it cannot be had. */
        readonly control?: Control | null;
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
        /** The URL of the visitor's page, for agents and alerts; the page's own when left out. "": nobody is told. */
        page?: string;
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
        /** What was read is told no faster than this. */
        readEvery: number;
        /** For so long Server-Sent Events are tried first, once they worked. */
        events: number;
        /** How often a console asks how its agent is seen. */
        look: number;
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
        /** With `precondition`: who was faster. */
        control?: Pick<Control, "role" | "userId" | "version" | "mine" | "since">;
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

    /** What another participant has received and read. */
    interface Receipt {
        role: "visitor" | "agent";
        userId: string;
        sender: Sender;
        /** Everything up to there; 0: not known. */
        deliveredSeq: number;
        readSeq: number;
    }

    interface Company extends Receipt {
        /** It has a live connection now. */
        connected: boolean;
    }

    /** The bot's answer as far as it has come. */
    interface Part {
        sender: Sender;
        /** All of it up to now; "" takes it away. */
        text: string;
        data: Record<string, any>;
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

    /** Who answers the visitor. Times are milliseconds. */
    interface Control {
        /** "router": nobody, somebody is sought. */
        role: "bot" | "agent" | "platform" | "router";
        /** Of an agent; of a platform its topic. */
        userId: string;
        /** Rises with every change of control or the offer. */
        version: number;
        /** The page's own agent. */
        mine: boolean;
        since: number | null;
        /** Since when the visitor waits for a person. */
        waitingSince: number | null;
        offer: Offer | null;
    }

    /** Who is to answer next, while that one is sought or asked. */
    interface Offer {
        /** `group:NAME`, `agent:ID`, `platform:NAME` or `bot`, in the order in which they are asked. */
        targets: string[];
        /** Which of them is asked now. */
        step: number;
        why: string;
        by: { role: string; userId?: string };
        /** Who has to answer, until when; "": somebody is sought. */
        offeredTo: string;
        until: number | null;
        /** The page's own agent is asked. */
        mine: boolean;
    }

    /** An entry of the log that says so; `control` says how it is now. */
    interface OfferEntry extends Place {
        sender?: Sender;
        why?: string;
        by?: { role: string; userId?: string };
        to?: string;
        targets?: string[];
        step?: number;
        until?: number;
    }

    /** Which version of control the page means; left out: the one that it was shown; null: any. */
    interface Seen {
        version?: number | null;
    }

    interface Taking extends Seen {
        /** What others are shown. */
        name?: string;
    }

    interface Offering extends Seen {
        why?: string;
    }

    interface Order {
        sessionId: string;
        /** False: it was so already. */
        changed: boolean;
        seq?: number;
        time: number | null;
        control: { role: Control["role"]; userId?: string; version: number; since?: string };
    }

    type AgentState = "available" | "busy" | "away";

    interface Availability {
        state?: AgentState;
        /** Visitors at a time. */
        capacity?: number;
        /** Only with the permission AGENT_MANAGE. */
        groups?: string[];
        name?: string;
    }

    /** As the HTTP API has it (docs/api.md). */
    interface Agent {
        userId: string;
        name: string;
        groups: string[];
        state: AgentState;
        why: "asked" | "managed" | "missed";
        changedAt: string;
        capacity: number;
        sessions: number;
        offers: number;
        missed: number;
        awayAfterMissed: number;
    }

    interface QueueItem {
        sessionId: string;
        target: string | null;
        waitingSince: string;
        waitedSeconds: number;
        place: number | null;
        expectedSeconds: number | null;
        offeredTo: string | null;
        offeredUntil: string | null;
    }

    /** Whether the app's bot is asked, as one postoffice sees it (docs/api.md). */
    interface BotHealth {
        hasBot: boolean;
        /** "open": it is not asked; "half-open": it is being tried out. */
        state?: "closed" | "open" | "half-open";
        since?: string;
        nextTryAt?: string;
        waiting?: number;
    }

    /** A session of a list or of the feed (docs/api.md). */
    interface Row {
        sessionId: string;
        appId: string;
        visitor: string;
        createdAt: string;
        state: "open" | "closed";
        lastSeq: number;
        lastActivity?: string;
        control: { role: Control["role"]; userId?: string; version: number; since?: string };
        offer: Record<string, any> | null;
        waiting: boolean;
        participants: { role: string; userId: string; present: boolean }[];
        presentCount: number;
    }

    type ConsoleOptions = Pick<Options, "serverUrl" | "appId" | "userId" | "token" | "displayName"
        | "storage" | "timing">;

    interface ConsoleEvents {
        change: {};
        offer: { row: Row };
        availability: { agent: Agent | null };
        status: Status;
    }

    interface Console {
        readonly userId: string;
        readonly status: StatusName;
        readonly agent: Agent | null;
        open(): void;
        close(): void;
        sessions(): Row[];
        waiting(): Row[];
        offers(): Row[];
        control(row: Row): Control;
        take(sessionId: string, options?: Taking): Promise<Order>;
        release(sessionId: string, options?: Seen): Promise<Order>;
        offer(sessionId: string, to: string | string[], options?: Offering): Promise<Order>;
        accept(sessionId: string, options?: Taking): Promise<Order>;
        decline(sessionId: string, options?: Seen): Promise<Order>;
        availability(): Promise<Agent | null>;
        setAvailability(availability: Availability): Promise<Agent>;
        agents(filter?: { group?: string; state?: AgentState }): Promise<Agent[]>;
        queue(filter?: { target?: string }): Promise<QueueItem[]>;
        botHealth(): Promise<BotHealth>;
        on<Name extends keyof ConsoleEvents>(
            event: Name,
            listener: (detail: ConsoleEvents[Name]) => void,
        ): () => void;
    }

    /** The events, each with its one object. */
    interface Events {
        message: Message;
        /** What an agent whispered: for agents only, and never a `message`. */
        whisper: Message;
        ack: Ack;
        refused: Refusal;
        status: Status;
        typing: { sender: Sender; on: boolean };
        part: Part;
        presence: Company;
        receipt: Receipt;
        joined: Presence;
        left: Presence;
        failure: Failure;
        handoff: { target?: string; kind?: string; seq: number };
        control: Control;
        offer: OfferEntry;
        offerEnded: OfferEntry;
        deadline: Place & { why?: string; until: number };
        closed: Place;
        reopened: Place;
        session: { sessionId: string };
        history: { seq: number };
        lost: Place & { messageId: string; text: string; whisper: boolean };
    }
}
