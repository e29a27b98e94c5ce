//  The images that compose has built: what is in them and what is not, what they say of themselves,
//  and their lists of packages, which another program checks (SPDX_CHECK). Nothing is started but
//  for a moment. BUILD_ARGS: what tools/build-args said when they were built.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { lstatSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PROGRAMS = ["edge", "postoffice", "stentor-connector", "notifier", "genesys-connector",
    "demo-bot"];
const IMAGES = [...PROGRAMS, "mail-catcher", "door"];
const SBOM = "usr/share/doc/stentor/sbom.spdx.json";
const SHELLS = /^(sh|[bdkz]?a?sh|busybox|perl|env|apt|apt-get|dpkg|curl|wget|nc|su|login|mount)$/;
const WITHIN = { timeout: 180000 };

const docker = (...args) =>
    execFileSync("docker", args, { encoding: "utf8", maxBuffer: 1 << 26 });
const inspect = (name) => JSON.parse(docker("image", "inspect", `stentor/${name}`))[0].Config;

//  What they were built with: "BUILD_VERSION=0.2.0 …" as { VERSION: "0.2.0" … }
const told = Object.fromEntries(process.env.BUILD_ARGS.split(" ")
    .map((word) => word.replace(/^BUILD_/, "").split("=")));

let place;
const files = (name) => join(place, name);
const read = (name, path) => readFileSync(join(files(name), path), "utf8");

//  As docs/operations.md has it, but for the whole image.
function unpack(name) {
    const id = docker("create", `stentor/${name}`).trim();
    try {
        execFileSync("bash", ["-c", `mkdir "$1" && docker export ${id} | tar -x -C "$1"`, "-",
            files(name)]);
    } finally {
        docker("rm", id);
    }
}

before(() => {
    place = mkdtempSync(join(tmpdir(), "images-"));
    IMAGES.forEach(unpack);
});

after(() => rmSync(place, { recursive: true, force: true }));

const image = (name, tell) => test(`image: ${name}`, WITHIN, tell);

for (const name of IMAGES) {
    image(`${name} says what it is`, () => {
        const { Labels, User, Healthcheck } = inspect(name);
        const label = (word) => Labels[`org.opencontainers.image.${word}`];
        assert.equal(label("title"), `stentor/${name}`);
        assert.ok(label("description").length > 10);
        assert.equal(label("licenses"), "Apache-2.0");
        assert.equal(label("version"), told.VERSION);
        assert.equal(label("revision"), told.REVISION);
        assert.equal(label("source"), told.SOURCE_URL ?? "");
        assert.equal(User, "10001:10001");
        assert.equal(Healthcheck.Test[0], "CMD", "a shell would be needed for another one");
    });

    image(`${name} has no shell, and nothing that gives rights`, () => {
        let programs = 0;
        for (const path of readdirSync(files(name), { recursive: true })) {
            const status = lstatSync(join(files(name), path));
            if (status.isDirectory()) continue;
            assert.equal(status.mode & 0o6000, 0, `${path} is set-uid`);
            if (!(status.mode & 0o111)) continue;
            assert.doesNotMatch(basename(path), SHELLS);
            programs++;
        }
        assert.ok(programs > 0, "nothing was looked at");
    });

    image(`${name} has everybody's licence`, () => {
        assert.equal(read(name, "usr/share/doc/stentor/LICENSE"),
            readFileSync(join(ROOT, "LICENSE"), "utf8"));
        for (const one of readdirSync(join(files(name), "var/lib/dpkg/status.d"))) {
            assert.ok(read(name, `usr/share/doc/${one}/copyright`).length > 100, one);
        }
    });

    image(`${name} has a list of what is in it`, () => {
        execFileSync(process.env.SPDX_CHECK, ["--infile", join(files(name), SBOM), "--version",
            "SPDX-2.3"], { encoding: "utf8" });
        const { packages, creationInfo } = JSON.parse(read(name, SBOM));
        const of = (kind) => packages.filter(({ SPDXID }) => SPDXID.startsWith(`SPDXRef-${kind}`));
        const there = readdirSync(join(files(name), "var/lib/dpkg/status.d"));
        assert.deepEqual(of("Debian-").map((one) => one.name).sort(), there.sort());
        for (const { name: one, versionInfo } of of("Debian-")) {
            const version = read(name, `var/lib/dpkg/status.d/${one}`).match(/^Version: (.*)$/m)[1];
            assert.equal(versionInfo, version, one);
        }
        const [program] = of("Stentor");
        assert.equal(program.versionInfo, told.VERSION);
        assert.ok(program.sourceInfo.includes(told.REVISION));
        const made = new Date(Number(told.SOURCE_DATE_EPOCH) * 1000).toISOString();
        assert.equal(creationInfo.created, made.replace(".000Z", "Z"));
    });
}

for (const name of PROGRAMS) {
    image(`${name} --version`, () => assert.equal(
        docker("run", "--rm", "--network=none", "--read-only", `stentor/${name}`, "--version"),
        `${name} ${told.VERSION} (revision ${told.REVISION})\n`));
}

//  Once more from the programs that were built, with the same packages.
image("the lists are the same, byte for byte, when they are made again", () => {
    const args = Object.entries(told).map(([key, value]) => `${key}=${value}`);
    docker("build", "-q", ...args.flatMap((one) => ["--build-arg", one]), "--target", "build",
        "-t", "stentor/build", ROOT);
    const again = "apt-get update -q >/dev/null && mkdir /none"
        + " && WIDGET_FILES=/none deploy/image-roots /build/bin /source /again >/dev/null"
        + ` && for one in ${IMAGES.join(" ")}; do cat /again/$one/${SBOM}; done`;
    const made = docker("run", "--rm", ...args.flatMap((one) => ["-e", one]), "stentor/build",
        "sh", "-ec", again);
    assert.equal(made, IMAGES.map((name) => read(name, SBOM)).join(""));
});
