import { setTimeout } from "node:timers/promises";
import type { LocalFile } from "../../local/run/local-file.ts";

export interface RequestView {
  requestId: string;
  status: string;
  accountId: string;
  scheduled?: string;
  joinedAt?: string;
  submittedAt?: string;
  finishedAt?: string;
  attempts: number;
  result?: unknown;
  error?: { code: string };
}

interface Call {
  method?: string;
  headers?: Record<string, string>;
  body?: unknown;
}

/** A client that repeats calls while the API is down or answers 429. */
export function makeApi(local: LocalFile) {
  const retries = { tooMany: 0, down: 0 };
  const authorization = { authorization: `Bearer ${local.apiKey}` };

  async function once(path: string, call: Call): Promise<Response> {
    const { method = call.body === undefined ? "GET" : "POST", headers, body } = call;
    return fetch(`${local.apiUrl}${path}`, {
      method,
      headers: {
        "content-type": "application/json",
        ...(headers ?? authorization),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    });
  }

  async function call<Answer>(path: string, options: Call = {}): Promise<Answer> {
    const giveUpAtMs = Date.now() + GIVE_UP_MS;
    for (;;) {
      const response = await once(path, options).catch(() => undefined);
      const status = response?.status ?? 0;
      if (response?.ok) return (await response.json()) as Answer;
      const text = (await response?.text().catch(() => "")) ?? "no answer";
      const isPassing = status === 0 || status === 429 || status >= 500;
      if (!isPassing || Date.now() > giveUpAtMs) {
        throw new Error(`${options.method ?? "call"} ${path}: ${status} ${text}`);
      }
      retries[status === 429 ? "tooMany" : "down"]++;
      await setTimeout(status === 429 ? 1_000 : 250);
    }
  }

  return {
    /** How often it was asked again because of a 429, or because it was down. */
    retries,
    authorization,
    call,
    get: (requestId: string) => call<RequestView>(`/v1/requests/${requestId}`),
    /** Every request, or every one in a state; without results. */
    async list(status?: string): Promise<RequestView[]> {
      const all: RequestView[] = [];
      const filter = status === undefined ? "" : `&status=${status}`;
      for (let cursor = ""; ; ) {
        const page = await call<{ items: RequestView[]; nextCursor?: string }>(
          `/v1/requests?limit=100${filter}${cursor}`,
        );
        all.push(...page.items);
        if (page.nextCursor === undefined) return all;
        cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
      }
    },
  };
}

export type Api = ReturnType<typeof makeApi>;

/** A restart takes some ten seconds; what takes minutes hangs. */
const GIVE_UP_MS = 180_000;

/** Runs the task for each, so many at once; the first error ends it. */
export async function forEach<Item>(
  items: readonly Item[],
  concurrency: number,
  task: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (let at = next++; at < items.length; at = next++) await task(items[at] as Item, at);
    }),
  );
}
