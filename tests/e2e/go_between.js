//  A network between the browser and the edge that can be cut: a TCP relay.

import { connect, createServer } from "node:net";

export class GoBetween {
    #server = null;
    #pairs = new Set();
    #cut = false;

    //  target: () => port, asked for each connection.
    constructor(target) {
        this.target = target;
    }

    async start() {
        this.#server = createServer((near) => this.#relay(near));
        await new Promise((done) => this.#server.listen(0, "127.0.0.1", done));
        return this;
    }

    get port() { return this.#server.address().port; }

    #relay(near) {
        if (this.#cut) {
            near.destroy();
            return;
        }
        const far = connect(this.target(), "127.0.0.1");
        const pair = { near, far };
        this.#pairs.add(pair);
        const end = () => {
            this.#pairs.delete(pair);
            near.destroy();
            far.destroy();
        };
        for (const socket of [near, far]) socket.on("error", end).on("close", end);
        near.pipe(far);
        far.pipe(near);
    }

    //  Ends all connections, and new ones at once until `mend`.
    cut() {
        this.#cut = true;
        this.drop();
    }

    //  Ends all connections; new ones work.
    drop() {
        for (const { near, far } of this.#pairs) {
            near.destroy();
            far.destroy();
        }
    }

    //  Nothing gets through any more, and nobody is told.
    freeze() {
        for (const { near, far } of this.#pairs) {
            near.unpipe(far);
            far.unpipe(near);
            near.pause();
            far.pause();
        }
    }

    mend() { this.#cut = false; }

    stop() {
        this.cut();
        return new Promise((done) => this.#server.close(done));
    }
}
