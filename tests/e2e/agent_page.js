//  The agent's console, by what a person sees of it.

import { ChatPage } from "./chat_page.js";
import { until } from "./stack.js";

export class AgentPage extends ChatPage {
    static async open(visitor, url) {
        const page = new AgentPage(await visitor.newPage());
        await page.page.goto(url);
        await page.page.locator('#desk-state[data-kind="open"]').waitFor();
        return page;
    }

    //  As the page shows what the router says, not what was chosen.
    async becomes(state, { name, group = "desk", capacity = 3 } = {}) {
        const { page } = this;
        if (name) await page.locator("#name").fill(name);
        await page.locator("#groups").fill(group);
        await page.locator("#capacity").fill(String(capacity));
        const answer = page.waitForResponse((response) =>
            response.request().method() === "PUT" && response.url().includes("/agents/"));
        await page.locator("#availability").selectOption(state);
        await (await answer).finished();
        await this.is(state);
    }

    is(state) {
        return until(`the agent is ${state}`, async () =>
            await this.page.locator("#availability").inputValue() === state, 25000);
    }

    offer() { return this.page.locator("#offers .offer"); }
    accept() { return this.page.locator("#offers .accept").click(); }
    decline() { return this.page.locator("#offers .decline").click(); }

    async offerTo(target) {
        const choice = this.page.locator("#pass-to");
        await until(`${target} may be asked`, async () => {
            await choice.blur();
            await choice.focus();
            return choice.locator(`option[value="${target}"]`).count();
        });
        await choice.selectOption(target);
        await this.page.locator("#pass button").click();
    }

    missed(words) {
        return this.page.locator("#missed", { hasText: words }).waitFor({ timeout: 25000 });
    }

    notice(words) {
        return this.page.locator(".notice", { hasText: words }).first().waitFor();
    }

    answers(words) {
        return this.page.locator("#answers", { hasText: words }).waitFor();
    }
}
