//  The stories: real browser, real widget, real services, real database. One stack and one browser
//  serve all of them, and every story is a visitor of its own.
//
//  E2E_ONLY   only stories with this in their name

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Visitor, launch, picture } from "./browser.js";
import { eventStories } from "./event_stories.js";
import { genesysStories } from "./genesys_stories.js";
import { GoBetween } from "./go_between.js";
import { packageStories } from "./package_stories.js";
import { pageStories } from "./page_stories.js";
import { servedWidgetStories } from "./served_widget_stories.js";
import { Stack } from "./stack.js";
import { switchboardStories } from "./switchboard_stories.js";
import { startWidgetHost } from "./widget_host.js";
import { tlsStories } from "./tls_stories.js";
import { widgetStories } from "./widget_stories.js";

const world = { stack: null, browser: null, host: null };

before(async () => {
    world.stack = new Stack();
    await world.stack.start();
    world.host = await startWidgetHost();
    world.browser = await launch();
});

after(async () => {
    if (world.browser) await world.browser.close();
    if (world.host) await world.host.stop();
    if (world.stack) await world.stack.stop();
});

//  A story gets: the world; a visitor's browser of its own; more (options) for further people;
//  relay () for a network that can be cut; shot (page, moment).
async function play(name, tell) {
    const people = [];
    const relays = [];
    const more = async (options) => {
        people.push(await Visitor.start(world.browser, name, options));
        return people.at(-1);
    };
    const relay = async () => {
        relays.push(await new GoBetween(() => world.stack.edgePort).start());
        return relays.at(-1);
    };
    const shot = (page, moment) => picture(page.page, name, moment);
    try {
        await tell({ ...world, visitor: await more(), more, relay, shot });
        for (const { errors } of people) assert.deepEqual(errors, [], "uncaught in a page");
    } catch (error) {
        for (const { context, errors } of people) {
            for (const page of context.pages()) await picture(page, name, "failed");
            if (errors.length) error.message += `\nuncaught in a page: ${errors.join("\n")}`;
        }
        throw error;
    } finally {
        for (const person of people) await person.end();
        for (const one of relays) await one.stop();
    }
}

//  Stories in which nothing is stopped are played several at a time; they mostly wait.
const AT_ONCE = 3;
const WITHIN = { timeout: 90000 };
const together = [];
const alone = [];
const isWanted = (name) => name.includes(process.env.E2E_ONLY || "");
const story = (name, tell) => isWanted(name) && together.push({ name, tell });
story.alone = (name, tell) => isWanted(name) && alone.push({ name, tell });

widgetStories(story);
pageStories(story);
eventStories(story);
packageStories(story);
servedWidgetStories(story);
switchboardStories(story);
genesysStories(story);
tlsStories(story);

test("visitors at the same time", { concurrency: AT_ONCE }, (context) =>
    Promise.all(together.map(({ name, tell }) =>
        context.test(name, WITHIN, () => play(name, tell)))));
for (const { name, tell } of alone) test(name, WITHIN, () => play(name, tell));
