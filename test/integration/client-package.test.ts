import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signedHeaders } from "../../shared/core/deliveries/signing/signing.ts";

const root = join(import.meta.dirname, "../..");
const tsc = join(root, "node_modules/.bin/tsc");

/** The directory of a project that has the built package installed. */
let project: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "ackwire-client-"));
  const installed = join(project, "node_modules/@ackwire/client");
  mkdirSync(installed, { recursive: true });
  cpSync(join(root, "client/package.json"), join(installed, "package.json"));
  execFileSync(tsc, ["-p", join(root, "client"), "--outDir", join(installed, "dist")]);
  writeFileSync(join(project, "package.json"), '{"type":"module"}');
});
afterAll(() => rmSync(project, { recursive: true, force: true }));

test("The built package verifies a webhook in a project that installs it", () => {
  const secret = `whsec_${Buffer.alloc(32, 1).toString("base64")}`;
  const body = '{"id":"webhook.test:1","type":"webhook.test"}';
  const timestampSeconds = Math.floor(Date.now() / 1000);
  const of = { eventId: "webhook.test:1", body, timestampSeconds, secrets: [secret] };
  const given = JSON.stringify([body, signedHeaders(of), secret]);
  writeFileSync(
    join(project, "use.mjs"),
    `import { verifyWebhook } from "@ackwire/client";
     console.log(verifyWebhook(...${given}).type);`,
  );
  const printed = execFileSync(process.execPath, [join(project, "use.mjs")], { encoding: "utf8" });
  expect(printed.trim()).toBe("webhook.test");
});

test("The types of the built package narrow an event's data by its type", () => {
  writeFileSync(
    join(project, "use.ts"),
    `import { verifyWebhook } from "@ackwire/client";
     const event = verifyWebhook("", {}, "");
     if (event.type === "account.frozen") event.data.accountId satisfies string;
     // @ts-expect-error: only a completed workflow has a result
     if (event.type === "workflow.started") event.data.result;`,
  );
  const types = ["--typeRoots", join(root, "node_modules/@types"), "--types", "node"];
  const options = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", ...types];
  const compile = () => execFileSync(tsc, [...options, join(project, "use.ts")], { cwd: project });
  expect(compile).not.toThrow();
});
