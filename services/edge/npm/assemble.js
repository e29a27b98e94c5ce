//  assemble — `npm pack` in this directory makes the package of client.js. The package's files
//  stand elsewhere in the tree: npm runs this before, which copies them here, and once more behind,
//  with --clean, which takes the copies away.

import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, "../../..");
const README = "README.md";

const copies = {
    "LICENSE": "LICENSE",
    "client.js": "services/edge/web/client.js",
    "client.d.ts": "services/edge/web/client.d.ts",
    "client.module.js": "services/edge/web/client.module.js",
    "client.module.d.ts": "services/edge/web/client.module.d.ts",
};

//  Links to other documents and files of the tree lead nowhere from there: their words stay.
function readme() {
    return readFileSync(join(ROOT, "docs/client-js.md"), "utf8")
        .replace(/\[([^\]]+)\]\((?!#|https?:)[^)]*\)/g, "$1");
}

if (process.argv[2] === "--clean") {
    for (const name of [README, ...Object.keys(copies)]) rmSync(join(HERE, name), { force: true });
} else {
    for (const [name, from] of Object.entries(copies))
        copyFileSync(join(ROOT, from), join(HERE, name));
    writeFileSync(join(HERE, README), readme());
}
