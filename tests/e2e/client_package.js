//  The npm package of client.js: packed as its authors do, from a copy of as much of the tree as
//  that needs, and installed as its users do, into a directory of its own.

import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const WEB = "services/edge/web";
const execute = promisify(execFile);

async function npm(directory, ...words) {
    await execute("npm", [...words, "--offline", "--no-audit", "--no-fund", "--loglevel=error",
        "--ignore-scripts=false"], { cwd: directory });
}

export class ClientPackage {
    #temporary = mkdtempSync(join(tmpdir(), "stentor-package-"));

    get page() { return join(this.#temporary, "page"); }
    get tree() { return join(this.#temporary, "tree"); }
    get installed() { return join(this.page, "node_modules/stentor-chat-client"); }

    static async install() {
        const self = new ClientPackage();
        for (const path of ["LICENSE", "docs/client-js.md", "services/edge/npm", WEB])
            cpSync(join(ROOT, path), join(self.tree, path), { recursive: true });
        mkdirSync(self.page);
        await npm(join(self.tree, "services/edge/npm"), "pack", "--pack-destination", self.page);
        const [packed] = readdirSync(self.page);
        self.write("page/package.json", { name: "page", private: true, type: "module" });
        await npm(self.page, "install", `./${packed}`);
        return self;
    }

    write(name, content) {
        const text = typeof content === "string" ? content : JSON.stringify(content);
        writeFileSync(join(this.#temporary, name), text);
    }

    //  What a program in the page's directory prints.
    async run(program, ...words) {
        return (await execute(program, words, { cwd: this.page })).stdout;
    }

    remove() { rmSync(this.#temporary, { recursive: true, force: true }); }
}
