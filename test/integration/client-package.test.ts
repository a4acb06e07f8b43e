import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { createContext, runInContext } from "node:vm";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeServer, listen } from "../../local/loopback.ts";
import { signedHeaders } from "../../shared/core/deliveries/signing/signing.ts";
import { startTestRun, type TestRun } from "../support/runs/local-run.ts";
import { root, textOf } from "../support/tree.ts";

const run = promisify(execFile);
const tsc = join(root, "node_modules/.bin/tsc");
const tools = `${join(root, "node_modules/.bin")}${delimiter}${process.env.PATH}`;

let folder: string;
/** A copy of the package's sources: packing compiles them, and other tests read the repository. */
let client: string;
/** A project that has the packed package installed, and nothing else. */
let project: string;
let tarball: { filename: string; files: { path: string }[] };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ackwire-client-"));
  [client, project] = [join(folder, "sources/client"), join(folder, "project")];
  await mkdir(project);
  await cp(join(root, "tsconfig.json"), join(folder, "sources/tsconfig.json"));
  await cp(join(root, "client"), client, {
    recursive: true,
    filter: (path) => !path.endsWith("/dist"),
  });
  const packed = await npm(client, "pack", "--json", "--pack-destination", project);
  [tarball] = JSON.parse(packed) as [typeof tarball];
  await writeFile(join(project, "package.json"), '{"type":"module","private":true}');
  const quiet = ["--offline", "--no-audit", "--no-fund"];
  await npm(project, "install", ...quiet, join(project, tarball.filename));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function npm(cwd: string, ...args: string[]): Promise<string> {
  const { stdout } = await run("npm", args, { cwd, env: { ...process.env, PATH: tools } });
  return stdout;
}

/** @throws Error with what the compiler says */
async function compile(...args: string[]): Promise<void> {
  await run(tsc, args, { cwd: project }).catch(({ stdout }: { stdout: string }) => {
    throw new Error(stdout);
  });
}

describe("The tarball", () => {
  test("contains the compiled modules with their types, the licence and the README, and nothing else", async () => {
    const modules = globSync("*.ts", { cwd: join(root, "client") });
    const compiled = modules.flatMap((file) =>
      [".js", ".d.ts"].map((end) => `dist/${file.replace(/\.ts$/, end)}`),
    );
    expect(modules.length).toBeGreaterThan(5);
    expect(tarball.files.map(({ path }) => path).sort()).toEqual(
      [...compiled, "LICENSE", "README.md", "package.json"].sort(),
    );
    expect(textOf("client/LICENSE")).toBe(textOf("LICENSE"));
  });

  test("can be published", async () => {
    // A registry that has no package.
    const registry = createServer((_request, response) => response.writeHead(404).end("{}"));
    await listen(registry, 0);
    const { port } = registry.address() as AddressInfo;
    const to = ["--registry", `http://127.0.0.1:${port}/`];
    const published = await npm(client, "publish", "--dry-run", "--json", ...to);
    await closeServer(registry);
    expect(published).toContain('"@ackwire/client@');
  });

  test("has a README whose links lead somewhere without the repository", () => {
    const links = [...textOf("client/README.md").matchAll(/\]\(([^)]+)\)/g)].map(([, to]) => to);
    expect(links.filter((to) => !/^(https:|#)/.test(to ?? ""))).toEqual([]);
  });
});

/** As documented, and as a user under `strict` writes it. */
const program = `
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { Ackwire, AckwireError, type BusEvent, isEvent, verifyWebhook } from "@ackwire/client";

const ackwire = new Ackwire({ baseUrl: process.env.ACKWIRE_URL, apiKey: process.env.ACKWIRE_KEY });

const received: string[] = [];
let secret: string | undefined = process.env.WEBHOOK_SECRET;
const server = createServer(async (request, response) => {
  const event = await verifyWebhook(await buffer(request), request.headers, secret);
  if (event.type === "workflow.completed") received.push(event.data.requestId ?? "");
  response.writeHead(204).end();
}).listen(0, "127.0.0.1", use);

async function use(): Promise<void> {
  const { port } = server.address() as AddressInfo;
  ({ secret } = await ackwire.webhook.put({ url: \`http://127.0.0.1:\${port}/\` }));
  const ids: string[] = [];
  for (let n = 0; n < 3; n += 1) {
    const { requestId } = await ackwire.requests.create({
      provider: "we-link",
      accountId: "we-link-account-1",
      action: "connect",
      params: { profile_id: \`p\${n}\` },
    });
    ids.push(requestId);
  }
  const ended = [];
  for (const id of ids) ended.push((await ackwire.requests.waitFor(id, { timeoutMs: 240_000 })).status);
  const listed = new Set<string>();
  for await (const { requestId } of ackwire.requests.list({ limit: 1 })) listed.add(requestId);
  while (ids.some((id) => !received.includes(id))) await new Promise((resolve) => setTimeout(resolve, 50));
  const types = new Set<string>();
  for await (const event of ackwire.events.list()) {
    if (isEvent(event, "workflow.completed")) types.add(event.data.status);
  }
  const refused = await ackwire.requests.get("rq_none").catch((error: unknown) =>
    error instanceof AckwireError ? { code: error.code, status: error.status } : String(error),
  );
  console.log(JSON.stringify({ ended, isListed: ids.every((id) => listed.has(id)), types: [...types], refused }));
  server.close();
  server.closeAllConnections();
}

export function handler(event: BusEvent): string {
  if (event["detail-type"] === "delivery.failed") return event.detail.data.deliveryId;
  return event.detail.clientId;
}
`;

const mistakes = `
import { type AckwireEvent, Ackwire, isEvent, verifyWebhook } from "@ackwire/client";
const ackwire = new Ackwire({ baseUrl: "", apiKey: "" });
export const wrong = async (event: AckwireEvent) => {
  // @ts-expect-error: a provider that does not exist
  await ackwire.requests.create({ provider: "other", accountId: "a", action: "b", params: {} });
  // @ts-expect-error: accountId is missing
  await ackwire.requests.create({ provider: "we-link", action: "b", params: {} });
  // @ts-expect-error: a status that does not exist
  ackwire.requests.list({ status: "DONE" });
  // @ts-expect-error: it is not awaited
  verifyWebhook("", {}, process.env.WEBHOOK_SECRET).type;
  // @ts-expect-error: only a completed workflow has a result
  if (event.type === "workflow.started") event.data.result;
  // @ts-expect-error: an account's event has no attempts
  if (isEvent(event, "account.frozen")) event.data.attempts;
  if (isEvent(event, "account.frozen")) event.data.accountId satisfies string;
};
`;

test.each([
  ["nodenext", "nodenext"],
  ["node16", "node16"],
  ["preserve", "bundler"],
])(
  "Under strict, with module %s and moduleResolution %s, correct programs compile and wrong ones do not",
  async (module, resolution) => {
    await writeFile(join(project, "program.ts"), program);
    await writeFile(join(project, "mistakes.ts"), mistakes);
    const types = ["--typeRoots", join(root, "node_modules/@types"), "--types", "node"];
    const strict = ["--strict", "--noUncheckedIndexedAccess", "--exactOptionalPropertyTypes"];
    // Without skipLibCheck: the package's own types are checked too.
    const how = [
      "--module",
      module,
      "--moduleResolution",
      resolution,
      "--target",
      "es2022",
      ...types,
    ];
    const files = ["program.ts", "mistakes.ts"];
    await compile(...strict, ...how, "--outDir", "out", ...files);
    expect(globSync("out/*.js", { cwd: project })).toHaveLength(2);
  },
);

describe("Against a local run", () => {
  let local: TestRun;
  beforeAll(async () => {
    local = await startTestRun({ speed: 60 });
  });
  afterAll(() => local.close());

  test("The program sends requests, waits for them, reads lists and receives its webhooks", async () => {
    await writeFile(join(project, "program.ts"), program);
    const types = ["--typeRoots", join(root, "node_modules/@types"), "--types", "node"];
    const how = ["--module", "nodenext", "--target", "es2022", "--skipLibCheck", ...types];
    await compile("--strict", ...how, "program.ts");
    const { apiUrl } = local.addresses;
    const env = { ...process.env, ACKWIRE_URL: apiUrl, ACKWIRE_KEY: local.seed.apiKey };
    const { stdout } = await run(process.execPath, ["program.js"], { cwd: project, env });
    expect(JSON.parse(stdout)).toEqual({
      ended: ["SUCCEEDED", "SUCCEEDED", "SUCCEEDED"],
      isListed: true,
      types: ["completed"],
      refused: { code: "NOT_FOUND", status: 404 },
    });
  });
});

test("A bundle for edge runtimes has no import of Node and works with web globals alone", async () => {
  const { outputFiles } = await build({
    stdin: { contents: 'export * from "@ackwire/client";', resolveDir: project },
    bundle: true,
    platform: "neutral",
    conditions: ["import"],
    format: "iife",
    globalName: "ackwire",
    write: false,
  });
  const code = outputFiles[0]?.text ?? "";
  expect(code).not.toMatch(/\brequire\(|node:|\bBuffer\b|\bprocess\b/);
  const secret = `whsec_${Buffer.alloc(32, 1).toString("base64")}`;
  const body = '{"id":"webhook.test:1","type":"webhook.test"}';
  const timestampSeconds = Math.floor(Date.now() / 1000);
  const headers = signedHeaders({
    eventId: "webhook.test:1",
    body,
    timestampSeconds,
    secrets: [secret],
  });
  const calls: string[] = [];
  const answer = async (url: string) => {
    calls.push(url);
    return Response.json({ items: [{ requestId: "rq_1" }] });
  };
  // What Cloudflare Workers, Deno and Vercel's edge functions have, and nothing of Node.
  const web = {
    AbortController,
    AbortSignal,
    URLSearchParams,
    TextEncoder,
    TextDecoder,
    Headers,
    atob,
    btoa,
    crypto,
    setTimeout,
    clearTimeout,
    fetch: answer,
  };
  const context = createContext({ ...web, given: [body, new Headers(headers), secret] });
  runInContext(code, context);
  const used = `(async () => {
    const client = new ackwire.Ackwire({ baseUrl: "https://api.example", apiKey: "ackwire_k_s" });
    const [first] = await client.requests.list().take(1);
    return [first.requestId, (await ackwire.verifyWebhook(...given)).type];
  })()`;
  expect([...(await runInContext(used, context))]).toEqual(["rq_1", "webhook.test"]);
  expect(calls).toEqual(["https://api.example/v1/requests"]);
});
