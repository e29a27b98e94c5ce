//  Debian's Chromium for the stories. Every page is watched: an uncaught error in one fails its
//  story.
//
//  CHROMIUM   its path (/usr/bin/chromium)
//  E2E_SHOTS  a directory for pictures, for people to look at

import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { chromium } from "playwright-core";

const DESKTOP = { viewport: { width: 1180, height: 800 } };
export const PHONE = {
    viewport: { width: 390, height: 780 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true,
    colorScheme: "dark",
};

export function launch() {
    return chromium.launch({
        executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
        args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });
}

//  One visitor's browser (its own storage), and what went wrong in its pages.
export class Visitor {
    static async start(browser, story, options = DESKTOP) {
        const visitor = new Visitor();
        visitor.story = story;
        visitor.errors = [];
        visitor.context = await browser.newContext({ reducedMotion: "reduce", ...options });
        visitor.context.setDefaultTimeout(15000);
        //  Nothing outside of this machine is asked for, as a test must not depend on it.
        const outside = (url) => url.hostname !== "127.0.0.1";
        await visitor.context.route(outside, (route) => route.abort());
        return visitor;
    }

    async newPage() {
        const page = await this.context.newPage();
        page.on("pageerror", (error) => this.errors.push(error.stack || String(error)));
        return page;
    }

    end() { return this.context.close(); }
}

let pictures = 0;

//  Takes a picture if pictures are wanted.
export async function picture(page, story, moment) {
    const directory = process.env.E2E_SHOTS;
    if (!directory) return;
    mkdirSync(directory, { recursive: true });
    const number = String(++pictures).padStart(3, "0");
    const name = `${story} ${moment}`.toLowerCase().replace(/[^a-z0-9]+/g, "-");
    await page.screenshot({ path: join(directory, `${number}-${name}.png`) });
}

//  The page believes that it is hidden or shown, as when a phone sleeps.
export function setVisibility(page, state) {
    return page.evaluate((wanted) => {
        const pretend = (name, value) =>
            Object.defineProperty(document, name, { value, configurable: true });
        pretend("visibilityState", wanted);
        pretend("hidden", wanted === "hidden");
        document.dispatchEvent(new Event("visibilitychange"));
    }, state);
}
