import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { cdkContext } from "./synth.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

const template = (outdir: string) =>
  readFileSync(join(outdir, "ackwire-dev.template.json"), "utf8");
const assets = (outdir: string) => readFileSync(join(outdir, "ackwire-dev.assets.json"), "utf8");

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "ackwire-synth-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** Runs `infra/app.ts` as the CDK CLI does: in a separate process and working directory. */
function runApp(outdir: string, context: Record<string, unknown>) {
  return spawnSync(process.execPath, [join(root, "infra/app.ts")], {
    cwd: outdir,
    env: {
      ...process.env,
      CDK_OUTDIR: outdir,
      CDK_CONTEXT_JSON: JSON.stringify(cdkContext(context)),
    },
    encoding: "utf8",
  });
}

test("An invalid setting ends the app with its error message and no stack trace", () => {
  const { status, stderr } = runApp(temporaryDirectory(), { consumeBatchSize: "11" });
  expect(status).toBe(1);
  expect(stderr).toBe(
    'Ackwire cannot be synthesised with this configuration:\n  - consumeBatchSize: got "11"; allowed is a whole number from 1 to 10 (default 10)\n',
  );
});

test("Syntheses in two directories produce the same bytes, without an account or a path of the machine", () => {
  // The CDK CLI sets this, so that the template contains the paths of the assets.
  const context = { "aws:cdk:enable-asset-metadata": true };
  const [here, there] = [temporaryDirectory(), temporaryDirectory()];
  for (const outdir of [here, there]) {
    expect(runApp(outdir, context)).toMatchObject({ status: 0 });
  }

  expect(template(there)).toBe(template(here));
  expect(assets(there)).toBe(assets(here));

  const bundles = readdirSync(here).filter((name) => name.startsWith("asset."));
  expect(bundles).toHaveLength(7);
  for (const bundle of bundles) {
    expect(template(here)).toContain(bundle);
    for (const file of ["index.js", "handler.js", "handler.js.map"]) {
      const text = readFileSync(join(here, bundle, file), "utf8");
      expect(text === readFileSync(join(there, bundle, file), "utf8")).toBe(true);
      expect(text.includes(root)).toBe(false);
    }
  }
  const manifest = JSON.parse(readFileSync(join(there, "manifest.json"), "utf8"));
  expect(manifest.artifacts["ackwire-dev"].environment).toBe(
    "aws://unknown-account/unknown-region",
  );
  expect(manifest.missing).toBeUndefined();
});
