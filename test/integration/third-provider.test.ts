import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { attachBusConsumer } from "../support/fakes/bus-consumer.ts";
import { attempt } from "../support/fakes/sender.ts";
import { startLocalProcess } from "../support/runs/local-process.ts";
import { signAcme } from "../support/third-provider/pack.ts";
import { filesBelow, root } from "../support/tree.ts";

const folder = "shared/providers/acme";
const list = "shared/providers/packs.ts";
const line = 'export { acme } from "./acme/pack.ts";\n';
const sources = filesBelow("test/support/third-provider", ".ts");

/** Copies the repository's files and links the installed packages. */
function copyTree(to: string): void {
  const isLeftOut = /^(node_modules|cdk\.out|test-results|coverage|dist|\.git|\.ackwire)$/;
  cpSync(root, to, { recursive: true, filter: (path) => !isLeftOut.test(basename(path)) });
  symlinkSync(join(root, "node_modules"), join(to, "node_modules"));
}

function addProvider(tree: string): void {
  for (const source of sources) {
    const text = readFileSync(join(root, source), "utf8").replaceAll("../../../shared/", "../../");
    const to = join(tree, folder, basename(source));
    cpSync(join(root, source), to);
    writeFileSync(to, text);
  }
  writeFileSync(join(tree, list), readFileSync(join(root, list), "utf8") + line);
}

/** Returns the files of the copy that are missing or different in the repository. */
function changedFiles(tree: string): string[] {
  // A link is not a directory: the one to the installed packages is listed like a file.
  const paths = filesBelow(".", "", tree).filter((path) => path !== "node_modules");
  const isSame = (path: string) => {
    try {
      return readFileSync(join(root, path)).equals(readFileSync(join(tree, path)));
    } catch {
      return false;
    }
  };
  expect(paths.length).toBeGreaterThan(500);
  return paths.filter((path) => !isSame(path));
}

test("A third provider needs one folder and one line: its webhook becomes an event, and its protocol is served", async () => {
  const directory = mkdtempSync(join(tmpdir(), "ackwire-third-provider-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const tree = join(directory, "tree");
  copyTree(tree);
  addProvider(tree);
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const checked = spawnSync(process.execPath, [tsc, "--noEmit", "--singleThreaded"], {
    cwd: tree,
    encoding: "utf8",
  });
  expect(checked).toMatchObject({ status: 0, stdout: "" });

  const main = join(tree, "local/main.js");
  const { local, end } = await startLocalProcess(directory, ["--no-demo"], main);
  try {
    const connection = local.connections.find(({ provider }) => provider === "acme");
    const { inboundUrl = "", secret = "" } = connection ?? {};
    const consumer = await attachBusConsumer({
      awsUrl: local.awsEndpoint,
      busName: local.busName,
    });

    const body = JSON.stringify({ job: "job-1", state: "done", output: { rows: 2 } });
    const post = (signature: string) =>
      attempt(inboundUrl, body, { "x-acme-signature": signature });
    expect(await post(signAcme(body, "another"))).toMatchObject({ status: 401 });
    expect(await post(signAcme(body, secret))).toMatchObject({ status: 200 });
    await expect.poll(() => consumer.collect(1)).toHaveLength(1);
    expect(consumer.received[0]?.detail).toMatchObject({
      type: "workflow.completed",
      data: { provider: "acme", workflowId: "job-1", status: "completed", result: { rows: 2 } },
    });

    const call = (headers: object) =>
      fetch(`${local.apiUrl}/acme/jobs`, {
        method: "POST",
        headers: { ...headers },
        body: JSON.stringify({ account: "acme-account-1", action: "run" }),
      });
    const accepted = await call(local.dialects.acme?.headers ?? {});
    expect([accepted.status, await accepted.json()]).toEqual([
      200,
      { job: expect.stringMatching(/^rq_/) },
    ]);
    const refused = await call({});
    expect([refused.status, Object.keys((await refused.json()) as object)]).toEqual([
      401,
      ["problem"],
    ]);
  } finally {
    await end("SIGTERM");
  }

  const added = sources.map((source) => `${folder}/${basename(source)}`);
  expect(changedFiles(tree)).toEqual([...added, list].sort());
});
