import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { type Browser, chromium, type Locator, type Page } from "playwright-core";
import { expect } from "vitest";
import { startWebhookReceiver } from "../../test/support/fakes/webhook-receiver.ts";
import { callApi } from "../../test/support/runs/call-api.ts";
import { startTestRun, type TestRun } from "../../test/support/runs/local-run.ts";
import { WAIT_TIMEOUT_MS } from "../../test/support/wait-timeout.ts";

/** A local run, a receiver of webhooks and a browser, for the tests of one file. */
export interface Scene {
  run: TestRun;
  receiver: Awaited<ReturnType<typeof startWebhookReceiver>>;
  browser: Browser;
  /** Calls the clients' API as the seeded client. @throws if the answer is no 2xx */
  api(method: string, path: string, body?: object): Promise<Record<string, unknown>>;
  /** Replaces what the simulated providers do. */
  providersDo(behaviour: object): Promise<void>;
  close(): Promise<void>;
}

/** All of a delivery's attempts follow each other at once, and no breaker holds them back. */
const settings = {
  deliveryDelaysSeconds: "0,0,0,0,0,0,0",
  deliveryBreakerFailures: "1000",
  paceMinSeconds: "0",
  paceMaxSeconds: "0",
};

export const screenshots = resolve(import.meta.dirname, "../../test-results/console");

export async function startScene(options: Parameters<typeof startTestRun>[0] = {}): Promise<Scene> {
  mkdirSync(screenshots, { recursive: true });
  const run = await startTestRun({ settings, ...options });
  const receiver = await startWebhookReceiver();
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "",
    // Root may not use the sandbox, and the only pages are ours.
    args: ["--no-sandbox"],
  });
  return {
    run,
    receiver,
    browser,
    async api(method, path, body) {
      const headers = { authorization: `Bearer ${run.seed.apiKey}` };
      const of = { method, headers, body, isRepeatable: true };
      const { status, text } = await callApi(`${run.addresses.apiUrl}${path}`, of);
      if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
      return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
    },
    async providersDo(behaviour) {
      const response = await fetch(`${run.addresses.providerUrl}/_control/behaviour`, {
        method: "PUT",
        body: JSON.stringify(behaviour),
      });
      expect(response.status).toBe(200);
    },
    async close() {
      await browser.close();
      await receiver.close();
      await run.close();
    },
  };
}

/** A reader of the console: a tab of its own, which counts its clicks and its calls. */
export class Reader {
  readonly page: Page;
  /** Clicks since the overview was opened. */
  clicks = 0;
  /** Calls of the API since the last page was opened. */
  calls: string[] = [];
  /** What the page logged as an error, and what it threw. */
  readonly errors: string[] = [];
  readonly #url: string;

  private constructor(page: Page, url: string) {
    this.page = page;
    this.#url = url;
    page.setDefaultTimeout(WAIT_TIMEOUT_MS);
    page.on("request", (request) => {
      const { pathname } = new URL(request.url());
      if (pathname.startsWith("/v1/")) this.calls.push(`${request.method()} ${pathname}`);
    });
    page.on("console", (message) => {
      // An answer that is no 2xx is shown on the page, and is a part of some tests.
      if (message.type() === "error" && !/Failed to load resource/.test(message.text())) {
        this.errors.push(message.text());
      }
    });
    page.on("pageerror", (error) => this.errors.push(error.message));
  }

  static async open(
    { browser, run }: Scene,
    options: Parameters<Browser["newContext"]>[0] = {},
  ): Promise<Reader> {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      ...options,
    });
    return new Reader(await context.newPage(), run.addresses.consoleUrl);
  }

  /** Opens a page by its address. */
  async goto(path: string): Promise<void> {
    this.calls = [];
    await this.page.goto(`${this.#url}${path}`);
    await this.settled();
  }

  /** Opens the overview; clicks are counted from here. */
  async overview(): Promise<void> {
    await this.goto("/");
    this.clicks = 0;
  }

  /** Waits until the page has a title, and nothing of it is loading. */
  async settled(): Promise<void> {
    await this.page.locator("main h1").waitFor();
    await this.page.getByRole("status", { name: "Loading" }).first().waitFor({ state: "hidden" });
  }

  async click(locator: Locator): Promise<void> {
    this.clicks++;
    await locator.click();
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole("button", { name, exact: typeof name === "string" });
  }

  link(name: string | RegExp): Locator {
    return this.page.getByRole("link", { name });
  }

  /** Waits until this text is on the page. */
  async sees(text: string | RegExp): Promise<void> {
    await this.page.getByText(text).filter({ visible: true }).first().waitFor();
  }

  /** Something of “Needs you” on the overview. */
  need(title: string | RegExp): Locator {
    return this.page.getByRole("article").filter({ hasText: title }).first();
  }

  /** Opens a dialog, fills its fields in, says why, and confirms. */
  async does(
    action: string,
    {
      fields = {},
      fill,
      why,
    }: {
      fields?: Record<string, string>;
      fill?: (dialog: Locator) => Promise<void>;
      why?: string;
    } = {},
  ): Promise<void> {
    await this.click(this.button(action).first());
    const dialog = this.page.getByRole("dialog");
    for (const [label, value] of Object.entries(fields)) {
      await dialog.getByLabel(label, { exact: false }).first().fill(value);
    }
    await fill?.(dialog);
    if (why !== undefined) await dialog.getByLabel("Why").fill(why);
    await this.click(dialog.getByRole("button", { name: action, exact: true }));
    // It may be followed by a dialog that shows what came of it.
    await dialog.getByRole("button", { name: action, exact: true }).waitFor({ state: "hidden" });
  }

  async close(): Promise<void> {
    expect(this.errors).toEqual([]);
    await this.page.context().close();
  }
}
