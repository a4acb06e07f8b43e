import { afterEach, beforeEach, describe, expect, expectTypeOf, test, vi } from "vitest";
import { operations } from "../../client/api-types.ts";
import {
  Ackwire,
  AckwireError,
  type AckwireEvent,
  type BusDetail,
  eventTypes,
  isEvent,
  isKnownEvent,
  type Request as RequestView,
} from "../../client/index.ts";
import { eventTypes as contractTypes } from "../../shared/contracts/events.ts";

const problem = (status: number, code: string, more: object = {}) =>
  Response.json(
    { type: "about:blank", title: "Not done", status, code, ...more },
    { status, headers: { "content-type": "application/problem+json" } },
  );
const lost = () => Promise.reject(new TypeError("fetch failed"));
const accepted = { requestId: "rq_1", status: "QUEUED" };
const body = { provider: "we-link", accountId: "a", action: "connect", params: {} } as const;

type Answer = () => Response | Promise<Response>;
let answers: Answer[];
let sent: { method: string; url: string; headers: Headers; body: unknown }[];
const fetched: typeof fetch = async (url, init = {}) => {
  const text = typeof init.body === "string" ? init.body : "null";
  const headers = new Headers(init.headers);
  sent.push({ method: init.method ?? "", url: String(url), headers, body: JSON.parse(text) });
  init.signal?.throwIfAborted();
  const answer = answers.shift();
  if (!answer) throw new Error("one call too many");
  return answer();
};
const options = { baseUrl: "https://api.example/", apiKey: "ackwire_k_s", fetch: fetched };
let ackwire: Ackwire;

beforeEach(() => {
  answers = [];
  sent = [];
  ackwire = new Ackwire(options);
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Settles a call while all timers that it waits for fire. Returns its outcome and the time that passed. */
async function settled<T>(call: Promise<T>) {
  const startedAt = Date.now();
  const outcome = call.then(
    (value) => ({ value, error: undefined }),
    (error: AckwireError) => ({ value: undefined, error }),
  );
  await vi.runAllTimersAsync();
  return { ...(await outcome), waitedMs: Date.now() - startedAt };
}

/** Only timers of the call may fire, not those of `AbortSignal.timeout`: they are not faked. */
const json =
  (value: unknown, status = 200) =>
  () =>
    Response.json(value, { status });

test("A call has the key, the path with its values encoded, and the query", async () => {
  answers = [json({ items: [] }), json(accepted)];
  await settled(ackwire.requests.list({ accountId: "a/b", limit: 5 }).take(1));
  await settled(ackwire.requests.get("rq/1?x"));
  expect(sent.map(({ method, url }) => `${method} ${url}`)).toEqual([
    "GET https://api.example/v1/requests?accountId=a%2Fb&limit=5",
    "GET https://api.example/v1/requests/rq%2F1%3Fx",
  ]);
  expect(sent[0]?.headers.get("authorization")).toBe("Bearer ackwire_k_s");
});

describe("Repeated calls", () => {
  const unclear: [string, Answer][] = [
    ["a lost connection", lost],
    ["a 503", () => problem(503, "DEPENDENCY_DOWN")],
    ["a 500", () => problem(500, "INTERNAL_ERROR")],
    ["a 502 of a proxy", () => new Response("<html>", { status: 502 })],
  ];

  test.each(unclear)("After %s a request is created again with the same key", async (_, answer) => {
    answers = [answer, answer, json(accepted, 202)];
    const { value } = await settled(ackwire.requests.create(body));
    expect(value).toEqual(accepted);
    const keys = sent.map(({ headers }) => headers.get("idempotency-key"));
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(new Set(keys).size).toBe(1);
    expect(sent.map((one) => one.body)).toEqual([body, body, body]);
  });

  test("Two calls have two keys, and the caller's own key is sent", async () => {
    answers = [json(accepted), json(accepted), json(accepted)];
    await settled(ackwire.requests.create(body));
    await settled(ackwire.requests.create(body));
    await settled(ackwire.requests.create(body, { idempotencyKey: "mine" }));
    const keys = sent.map(({ headers }) => headers.get("idempotency-key"));
    expect(new Set(keys).size).toBe(3);
    expect(keys[2]).toBe("mine");
  });

  test.each(unclear)(
    "After %s a call without a key that has an effect is not repeated",
    async (_, answer) => {
      answers = [answer];
      const { error } = await settled(ackwire.keys.create());
      expect(error).toBeInstanceOf(AckwireError);
      expect(error?.retryable).toBe(true);
      expect(sent).toHaveLength(1);
    },
  );

  test("A refused call is repeated also without a key, after Retry-After", async () => {
    const refused = () =>
      Response.json(
        { message: "Too Many Requests" },
        { status: 429, headers: { "retry-after": "7" } },
      );
    answers = [refused, json({ keyId: "k" }, 201)];
    const { value, waitedMs } = await settled(ackwire.keys.create());
    expect(value).toEqual({ keyId: "k" });
    expect(waitedMs).toBeGreaterThanOrEqual(7_000);
    expect(waitedMs).toBeLessThanOrEqual(8_000);
  });

  test("Retry-After may be a date", async () => {
    const at = new Date(Math.ceil(Date.now() / 1000) * 1000 + 9_000).toUTCString();
    answers = [
      () => new Response("", { status: 503, headers: { "retry-after": at } }),
      json(accepted),
    ];
    const { waitedMs } = await settled(ackwire.requests.get("rq_1"));
    expect(waitedMs).toBeGreaterThanOrEqual(9_000);
  });

  test("Delays double, differ from client to client, and end after four repetitions", async () => {
    answers = Array.from({ length: 5 }, () => lost);
    const { error, waitedMs } = await settled(ackwire.requests.get("rq_1"));
    expect(error?.code).toBe("NETWORK");
    expect(sent).toHaveLength(5);
    // 0.5 + 1 + 2 + 4 seconds, of which each is at least half.
    expect(waitedMs).toBeGreaterThanOrEqual(3_750);
    expect(waitedMs).toBeLessThanOrEqual(7_500);
  });

  test("A Retry-After beyond the time of the call is not waited for, and is told", async () => {
    answers = [() => new Response("{}", { status: 429, headers: { "retry-after": "3600" } })];
    const { error, waitedMs } = await settled(ackwire.requests.create(body));
    expect(error).toMatchObject({ code: "TOO_MANY_REQUESTS", retryAfterSeconds: 3600 });
    expect(waitedMs).toBeLessThan(1_000);
  });

  test("A deletion that is repeated after a lost answer succeeds although nothing is left", async () => {
    answers = [lost, () => problem(404, "NOT_FOUND")];
    expect((await settled(ackwire.webhook.delete())).error).toBeUndefined();
    answers = [() => problem(404, "NOT_FOUND")];
    expect((await settled(ackwire.webhook.delete())).error?.code).toBe("NOT_FOUND");
    answers = [lost, () => problem(404, "NOT_FOUND")];
    expect((await settled(ackwire.requests.cancel("rq_1"))).error?.code).toBe("NOT_FOUND");
  });
});

describe("Errors", () => {
  test("A problem document is an error with its code, status and fields", async () => {
    const errors = [{ field: "accountId", message: "is missing" }];
    answers = [() => problem(400, "REQUEST_INVALID", { detail: "accountId: is missing", errors })];
    const { error } = await settled(ackwire.requests.create(body));
    expect(error).toMatchObject({ code: "REQUEST_INVALID", status: 400, errors, retryable: false });
    expect(error?.message).toBe("Not done: accountId: is missing");
  });

  test("An answer that is not Ackwire's says so", async () => {
    answers = [() => new Response("<html>moved", { status: 301 }), () => new Response("<html>")];
    for (const status of [301, 200]) {
      const { error } = await settled(ackwire.health());
      expect(error).toMatchObject({ code: "UNEXPECTED_ANSWER", status });
    }
  });

  test.each([
    [{ baseUrl: undefined }, /baseUrl is missing/],
    [{ baseUrl: "api.example" }, /no http\(s\) URL/],
    [{ apiKey: undefined }, /apiKey is missing/],
    [{ apiKey: "sk_1" }, /another form/],
  ])("The options %j are refused", (wrong, message) => {
    expect(() => new Ackwire({ ...options, ...wrong })).toThrow(message);
  });

  test("An empty id is refused: it would be the path of the list", async () => {
    const { error } = await settled(ackwire.requests.get(""));
    expect(String(error)).toContain("requestId is missing");
    expect(sent).toEqual([]);
  });

  test.each([".", ".."])("The id %s is refused: a URL leaves it out of its path", async (id) => {
    const { error } = await settled(ackwire.requests.get(id));
    expect(String(error)).toContain('requestId must not be "." or ".."');
    expect(sent).toEqual([]);
  });

  test("A call ends with the caller's reason, and after its own time", async () => {
    const stop = new AbortController();
    answers = [lost, lost, lost];
    const ended = expect(ackwire.requests.get("rq_1", { signal: stop.signal })).rejects.toBe(
      "enough",
    );
    stop.abort("enough");
    await ended;
    const never: Answer = () => new Promise(() => {});
    const hanging = new Ackwire({
      ...options,
      fetch: (_url, init) =>
        new Promise((_, reject) => {
          init?.signal?.addEventListener("abort", () => reject(init.signal?.reason));
          void never;
        }),
    });
    const { error } = await settled(hanging.requests.get("rq_1", { timeoutMs: 2_000 }));
    expect(error).toMatchObject({ code: "TIMEOUT", status: undefined, retryable: true });
  });
});

test("Every operation has a method", async () => {
  const called = new Set<string>();
  const recording = new Ackwire({
    ...options,
    fetch: async (url, init) => {
      called.add(`${init?.method} ${new URL(String(url)).pathname}`);
      return Response.json({ items: [] });
    },
  });
  const groups = Object.values(recording) as Record<string, (...given: unknown[]) => unknown>[];
  await recording.health();
  for (const [name, method] of groups.flatMap((group) => Object.entries(group))) {
    const answer = method("id", { status: "SUCCEEDED" }, { timeoutMs: 1_000 });
    if (name === "list") await (answer as ReturnType<Ackwire["keys"]["list"]>).take(1);
    // It reads until its time is over: the answer has no status.
    else if (name !== "waitFor") await answer;
    else await settled(answer as Promise<unknown>);
  }
  const expected = Object.values(operations).map(
    ({ method, path }) => `${method} ${path.replace(/\{\w+\}/, "id")}`,
  );
  expect([...called].sort()).toEqual(expected.sort());
});

describe("Lists", () => {
  test("An iteration reads every page, each when it is needed", async () => {
    answers = [json({ items: [1, 2], nextCursor: "c/1" }), json({ items: [3] })];
    const seen: unknown[] = [];
    for await (const item of ackwire.requests.list({ status: "FAILED" })) {
      seen.push(item);
      if (seen.length === 2) expect(sent).toHaveLength(1);
    }
    expect(seen).toEqual([1, 2, 3]);
    expect(sent[1]?.url).toBe("https://api.example/v1/requests?status=FAILED&cursor=c%2F1");
  });

  test("Pages can be read from a stored cursor", async () => {
    answers = [json({ items: [3], nextCursor: "c2" }), json({ items: [] })];
    const pages = [];
    for await (const page of ackwire.events.list({ cursor: "c1" }).pages()) pages.push(page);
    expect(pages.map(({ nextCursor }) => nextCursor)).toEqual(["c2", undefined]);
    expect(sent[0]?.url).toContain("cursor=c1");
  });
});

describe("waitFor", () => {
  const at = (status: string) => json({ requestId: "rq_1", status });

  test.each(["SUCCEEDED", "FAILED", "CANCELLED", "ACTION_REQUIRED"])(
    "A request is read until it is %s",
    async (end) => {
      answers = [at("QUEUED"), at("RUNNING"), at("UNKNOWN"), at(end)];
      const { value } = await settled(ackwire.requests.waitFor("rq_1"));
      expect(value?.status).toBe(end);
    },
  );

  test("A caller can wait for something else", async () => {
    answers = [at("QUEUED"), at("RUNNING")];
    const until = ({ status }: RequestView) => status === "RUNNING";
    const { value } = await settled(ackwire.requests.waitFor("rq_1", { until }));
    expect(value?.status).toBe("RUNNING");
  });

  test("It ends after its time, or with the reason of the caller's signal", async () => {
    answers = Array.from({ length: 100 }, () => at("QUEUED"));
    const { error, waitedMs } = await settled(
      ackwire.requests.waitFor("rq_1", { timeoutMs: 60_000 }),
    );
    expect(error).toMatchObject({ code: "TIMEOUT" });
    expect(waitedMs).toBeGreaterThanOrEqual(60_000);
    const stop = new AbortController();
    const waiting = settled(ackwire.requests.waitFor("rq_1", { signal: stop.signal }));
    stop.abort(new Error("stopped"));
    expect((await waiting).error?.message).toBe("stopped");
  });
});

describe("Events", () => {
  test("The package knows every type, those about deliveries among them", () => {
    expect([...eventTypes].sort()).toEqual([...contractTypes].sort());
  });

  test("The guards narrow an event", () => {
    const event = { type: "delivery.failed", data: { attempts: 8 } } as unknown as AckwireEvent;
    expect(isEvent(event, "delivery.failed") && event.data.attempts).toBe(8);
    expect(isEvent(event, "webhook.disabled")).toBe(false);
    expect(isKnownEvent(event)).toBe(true);
    expect(isKnownEvent({ type: "workflow.paused" })).toBe(false);
    expectTypeOf<Extract<BusDetail, { type: "account.frozen" }>["clientId"]>().toBeString();
    expectTypeOf<Extract<BusDetail, { type: "webhook.disabled" }>["data"]>().toEqualTypeOf<{
      webhookId: string;
      reason: string;
    }>();
  });
});
