//  Our own demo page, by what a person sees of it.

import { until } from "./stack.js";

export class ChatPage {
    constructor(page) {
        this.page = page;
    }

    static async open(visitor, url) {
        const page = new ChatPage(await visitor.newPage());
        await page.page.goto(url);
        return page;
    }

    async say(text) {
        await this.page.locator("#text").fill(text);
        await this.page.locator("#send").click();
    }

    said() {
        return this.page.evaluate(() => [...document.querySelectorAll(".message > .bubble")]
            .map((bubble) => [
                bubble.parentElement.classList.contains("mine") ? "me" : "other",
                bubble.textContent,
            ]));
    }

    async texts() {
        return (await this.said()).map(([, text]) => text);
    }

    sees(part, { times = 1, within = 10000 } = {}) {
        return until(`the page shows ${times} x "${part}"`, async () => {
            const found = (await this.texts()).filter((text) => text.includes(part));
            return found.length >= times && found;
        }, within).catch(async (error) => {
            error.message += `; it shows ${JSON.stringify(await this.said())}`;
            throw error;
        });
    }

    //  Everything that was written is acknowledged.
    allSent(within = 15000) {
        return until("nothing is unsent", async () =>
            !await this.page.locator(".message.pending").count(), within);
    }

    isOnline(within = 15000) {
        return this.page.locator('#state[data-kind="open"]').waitFor({ timeout: within });
    }

    isOffline() {
        return this.page.locator('#state:not([data-kind="open"])').waitFor();
    }

    notices() { return this.page.locator(".notice").allTextContents(); }
    chip(text) { return this.page.locator(".chip", { hasText: text }); }
    typing() { return this.page.locator(".typing"); }
    part() { return this.page.locator(".part"); }
    failure() { return this.page.locator(".failure-note"); }

    async agentUrl() {
        return this.page.locator("#agent-link").evaluate((link) => link.href);
    }
}
