//  The real widget's page, by what a person sees of it.

import { until } from "./stack.js";

const TEXT = ".chat-text-bubble > span:not(.message-sr-only)";

export class WidgetPage {
    constructor(page) {
        this.page = page;
    }

    static async open(visitor, url) {
        const page = new WidgetPage(await visitor.newPage());
        await page.page.goto(url);
        await page.openWindow();
        return page;
    }

    async openWindow() {
        const window = this.page.locator(".widget-container.visible");
        await this.page.locator("#xapp-widget-button").waitFor();
        if (!await window.count()) await this.page.locator("#xapp-widget-button").click();
        await window.waitFor();
    }

    async say(text) {
        await this.page.locator("#chatWidgetInput").fill(text);
        await this.page.locator("#chatWidgetInput").press("Enter");
    }

    //  Of an agent's page.
    async bargeIn(name) {
        await this.page.locator("#adminBarInput").fill(name);
        await this.page.locator(".xappw-admin-input-form__btn", { hasText: "Join" }).click();
    }

    //  All that was said, as [who, text]: "me" or "other".
    said() {
        return this.page.evaluate((selector) => [...document.querySelectorAll(selector)]
            .map((span) => [
                span.parentElement.className.includes("--mine") ? "me" : "other",
                span.textContent,
            ]), TEXT);
    }

    async texts() {
        return (await this.said()).map(([, text]) => text);
    }

    //  Waits until a text that contains this was said so many times.
    sees(part, { times = 1, within = 10000 } = {}) {
        return until(`the widget shows ${times} x "${part}"`, async () => {
            const found = (await this.texts()).filter((text) => text.includes(part));
            return found.length >= times && found;
        }, within).catch(async (error) => {
            error.message += `; it shows ${JSON.stringify(await this.said())}`;
            throw error;
        });
    }

    notices() { return this.page.locator(".system-msg").allTextContents(); }
    chips() { return this.page.locator(".chat-chip").allTextContents(); }
    chip(text) { return this.page.locator(".chat-chip", { hasText: text }); }
    typing() { return this.page.locator(".typing-indicator"); }

    async sessionId() {
        return this.page.evaluate(() => {
            for (const [key, value] of Object.entries(localStorage)) {
                const found = key.startsWith("xappchat.") && /"sessionId":"([^"]+)"/.exec(value);
                if (found) return found[1];
            }
            return null;
        });
    }
}
