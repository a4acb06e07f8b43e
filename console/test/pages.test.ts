import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { AxeResults } from "axe-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { callWaitOptions } from "../../test/support/wait-timeout.ts";
import { fillRequests } from "./fill-requests.ts";
import { Reader, type Scene, screenshots, startScene } from "./scene.ts";

/** The store has so many requests: the pages must open nevertheless. */
const REQUESTS = Number(process.env.CONSOLE_REQUESTS ?? 100_000);

/** Operations that a page may call before it shows everything, its frame's two among them. */
const MAX_CALLS = 5;

/** Where the pictures of the documents are written to; absent: nowhere. */
const IMAGES = process.env.CONSOLE_IMAGES;

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let scene: Scene;
let paths: Record<string, string>;

beforeAll(async () => {
  scene = await startScene();
  paths = await populate(scene);
});

afterAll(() => scene?.close());

/** Makes one record of each kind. @returns each page's path by its name */
async function populate({ api, receiver, run }: Scene): Promise<Record<string, string>> {
  const endpoint = receiver.endpoint((_, nth) =>
    nth % 2 === 1 ? { status: 500, body: "no" } : 204,
  );
  await api("PUT", "/v1/webhook", { url: endpoint.url });
  const [account] = run.seed.accounts;
  const connection = run.seed.connections.find(({ provider }) => provider === account?.provider);
  const request = {
    provider: account?.provider,
    accountId: account?.accountId,
    action: "connect",
    params: { profile_id: "p" },
  };
  const { requestId } = await api("POST", "/v1/requests", request);
  await api("POST", "/v1/requests", { ...request, scheduled: inDays(20) });
  await api("PUT", "/v1/recurring-requests/weekly", {
    every: { cron: "0 9 ? * MON *", timeZone: "Europe/Berlin" },
    request,
  });
  await vi.waitFor(async () => {
    expect(await api("GET", `/v1/requests/${requestId}`)).toMatchObject({ status: "SUCCEEDED" });
  }, callWaitOptions);
  const idsOf = async (path: string) =>
    ((await api("GET", path)).items as { id: string }[]).map(({ id }) => encodeURIComponent(id));
  const deliveries = await vi.waitFor(async () => {
    const ids = await idsOf("/v1/deliveries");
    expect(ids).not.toEqual([]);
    return ids;
  }, callWaitOptions);
  const [event] = await idsOf("/v1/events");
  await fillRequests(run, REQUESTS);
  const { clientId } = run.seed;
  return {
    overview: "/",
    requests: "/requests",
    request: `/requests/${requestId}`,
    accounts: "/accounts",
    account: `/accounts/${clientId}/${account?.accountId}?connectionId=${connection?.connectionId}`,
    schedules: "/schedules",
    events: "/events",
    event: `/events/${event}`,
    webhooks: "/webhooks",
    webhook: `/webhooks/${clientId}`,
    deliveries: "/deliveries",
    delivery: `/deliveries/${deliveries[0]}`,
    connections: "/connections",
    connection: `/connections/${connection?.connectionId}`,
    "dead-letters": "/dead-letters",
    "dead-letter-queue": "/dead-letters/inbound",
    alarms: "/alarms",
    clients: "/clients",
    client: `/clients/${clientId}`,
    audit: "/audit",
    settings: "/settings",
    find: `/find/${requestId}`,
    simulator: "/simulator",
  };
}

const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString();

const looks = {
  light: { colorScheme: "light", viewport: { width: 1280, height: 800 } },
  dark: { colorScheme: "dark", viewport: { width: 1280, height: 800 } },
  phone: { colorScheme: "light", viewport: { width: 390, height: 844 } },
} as const;

describe.each(Object.entries(looks))("Each page, %s", (look, options) => {
  test("opens, fits, and has no serious finding of axe", async () => {
    // axe is put into the page, which the page's policy forbids.
    const reader = await Reader.open(scene, { ...options, bypassCSP: true });
    const findings: string[] = [];
    const calls: Record<string, number> = {};
    for (const [name, path] of Object.entries(paths)) {
      await reader.goto(path);
      await reader.page.waitForLoadState("networkidle").catch(() => undefined);
      calls[name] = new Set(reader.calls).size;
      await reader.page.screenshot({
        path: join(screenshots, `${name}-${look}.png`),
        fullPage: true,
      });
      const [scrollWidth = 0, clientWidth = 0] = await reader.page.evaluate<number[]>(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]",
      );
      if (scrollWidth > clientWidth) findings.push(`${name}: ${scrollWidth} px wide`);
      findings.push(...(await seriousFindings(reader)).map((finding) => `${name}: ${finding}`));
    }
    console.log(`console, ${look}: requests per page ${JSON.stringify(calls)}`);
    console.log(
      `console, ${look}: axe has ${findings.length} serious findings on ${Object.keys(paths).length} pages`,
    );
    expect(findings).toEqual([]);
    expect(Object.entries(calls).filter(([, count]) => count > MAX_CALLS)).toEqual([]);
    await reader.close();
  });
});

async function seriousFindings({ page }: Reader): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate<AxeResults>("axe.run()");
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id} at ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
}

test("Requests are shown a page at a time, whatever their number", async () => {
  const reader = await Reader.open(scene);
  await reader.goto("/requests");
  const rows = reader.page.getByRole("table", { name: "Requests" }).getByRole("row");
  await reader.sees(/The newest \d+/);
  const shown = await rows.count();
  expect(shown).toBeLessThanOrEqual(101);
  await reader.click(reader.button("Load older"));
  await reader.sees(/stands still/);
  expect(await rows.count()).toBeGreaterThan(shown);
  await reader.close();
});

test("The pages keep to their policy, and no secret is on them", async () => {
  const reader = await Reader.open(scene);
  const { apiKey, operatorKey, connections } = scene.run.seed;
  const secrets = [apiKey, operatorKey, ...connections.flatMap(({ secret }) => secret ?? [])];
  for (const path of Object.values(paths)) {
    await reader.goto(path);
    const content = await reader.page.content();
    expect(
      secrets.filter((secret) => content.includes(secret)),
      path,
    ).toEqual([]);
    expect(reader.page.url()).not.toContain(operatorKey);
  }
  await reader.close();
});

test.runIf(IMAGES !== undefined)("The pictures of the documents are taken", async () => {
  const viewport = { width: 1000, height: 640 };
  const reader = await Reader.open(scene, { viewport });
  for (const name of ["overview", "requests", "request", "delivery"]) {
    await reader.goto(paths[name] ?? "");
    await reader.page.waitForLoadState("networkidle").catch(() => undefined);
    await reader.page.screenshot({ path: join(IMAGES ?? "", `${name}.png`) });
  }
  await reader.close();
});

test("Another site's page cannot read the operator key", async () => {
  const url = `${scene.run.addresses.consoleUrl}/local/session`;
  const statusOf = async (headers: Record<string, string>) =>
    (await fetch(url, { headers })).status;
  expect(await statusOf({})).toBe(403);
  expect(await statusOf({ "x-ackwire-console": "1", "sec-fetch-site": "cross-site" })).toBe(403);
  expect(await statusOf({ "x-ackwire-console": "1", origin: "https://evil.example" })).toBe(403);
});

test("The keyboard reaches the search and a page's content", async () => {
  const reader = await Reader.open(scene);
  await reader.overview();
  await reader.page.keyboard.press("/");
  await reader.page.keyboard.type("rq_unknown");
  await reader.page.keyboard.press("Enter");
  await reader.page.waitForURL(/\/find\/rq_unknown$/);
  await reader.goto("/");
  await reader.page.locator(".ackwire-skip").focus();
  await reader.page.keyboard.press("Enter");
  expect(new URL(reader.page.url()).hash).toBe("#content");
  await reader.close();
});
