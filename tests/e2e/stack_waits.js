//  Waiting, for the stack and what stands beside it.

export const sleep = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

//  Polls until the condition gives something; its last word is in the error.
export async function until(what, condition, within = 10000) {
    const end = Date.now() + within;
    for (;;) {
        const value = await condition();
        if (value) return value;
        if (Date.now() > end) throw new Error(`not within ${within / 1000} s: ${what}`);
        await sleep(50);
    }
}
