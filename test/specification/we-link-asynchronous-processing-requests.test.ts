import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type ApiAnswer,
  type RequestsRun,
  startRequestsRun,
} from "../support/runs/requests-run.ts";
import { makeSpecification } from "../support/specification.ts";

/** "Asynchronous Processing": the sentences about requests and their execution. */
const { states, everySentenceHasItsTest } = makeSpecification([
  "We-Link utilizes an asynchronous processing model for the vast majority of API endpoints, such as sending messages or connection requests.",
  "This design is essential for both performance and account safety.",
  "When you trigger an action through our API, we do not make your system wait for the task to finish.",
  "We immediately acknowledge your request and provide a unique requestId",
  "Your application continues its workflow without interruption",
  "Our engine processes the operation in the background",
  "Once the background operation is complete, you have two options to receive the results:",
  "If you prefer to monitor progress yourself, use the request_id to query our status endpoint:",
  'POST /api/v1/get_response {"request_id": "1234ab5678290...."}',
  "LinkedIn operations through We-Link are long-running tasks by design.",
  "To keep your account safe, our processing engine incorporates human-like delays, randomized timing, and sequential execution between actions.",
  "A single request — such as sending a connection request — may take anywhere from a few seconds to several minutes to complete, depending on the current queue and safety pacing.",
  "Making your application wait synchronously for each operation to finish would:",
  "Block your app unnecessarily — Your system would be idle, waiting on a response that could take minutes",
  "Limit throughput — You wouldn't be able to queue additional actions while waiting for one to complete",
  "Create tight coupling — Network timeouts or transient delays would force complex retry logic on your side",
  "By returning a requestId immediately and processing in the background, We-Link lets your application move on instantly while we handle the heavy lifting — executing each action with the appropriate safety delays and delivering the result to you when it's ready.",
  "Requests that remain queued for too long are automatically marked as failed with the status QUEUE_TIMEOUT_THRESHOLD_EXCEEDED.",
  "This prevents requests from being stuck indefinitely and ensures stable, fair processing of newer requests.",
  "If you receive this error, re-submit the request.",
  "You can schedule any API request to be executed at a later time by including the optional scheduled parameter in the request body.",
  "Add a scheduled field with a date-time string in ISO 8601 format (YYYY-MM-DDTHH:mm:ss.sssZ)",
  "The scheduled time must be at least 2 hours later than the current time — requests that don't meet this minimum will be rejected",
  "The request is queued and automatically executed at the specified time",
  "Results are delivered via your webhook just like any other async request",
  '{"accountId": "1234ab5678290....", "profile_id": "ACoABC1d2f...", "message": "Hi Jane, great connecting with you!", "scheduled": "2025-09-22T18:30:00.000Z"}',
  "The scheduled value must be in UTC.",
  "Ensure proper time zone awareness to avoid executing requests at unintended times.",
]);

/** An hour of business time passes in a real second. */
const SPEED = 3_600;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** At this speed 12 real minutes, which is longer than any of these tests. */
const MONTH_MS = 30 * 24 * HOUR_MS;
const QUEUE_TIMEOUT_MS = MONTH_MS;

let requests: RequestsRun;
let scenarios: { expired: Promise<Expired>; scheduled: Promise<Scheduled> };
beforeAll(async () => {
  requests = await startRequestsRun({
    speed: SPEED,
    settings: {
      queueTimeoutSeconds: String(QUEUE_TIMEOUT_MS / 1_000),
      // A result that is late on a busy machine must not time out.
      laneHoldSeconds: "31536000",
    },
  });
  // These scenarios take long, so they run beside the other tests.
  scenarios = { expired: expire(), scheduled: schedule() };
  for (const scenario of Object.values(scenarios)) scenario.catch(() => undefined);
});
afterAll(() => requests.close());

const ack = (action: string, body: object) => {
  // With a key, the call is repeated when a busy machine does not answer in time.
  const headers = { "idempotency-key": randomUUID() };
  return requests.weLink<{ requestId: string }>(action, body, headers);
};

const poll = async (request_id: string) =>
  (await requests.weLink<Record<string, unknown>>("get_response", { request_id })).body;

async function ackedId(action: string, body: object): Promise<string> {
  const { status, body: acked } = await ack(action, body);
  expect(status).toBe(200);
  return acked.requestId;
}

const account = async (accountId: string, pace?: { minSeconds: number; maxSeconds: number }) => {
  const body = { provider: "we-link", ...(pace ? { pace } : {}) };
  const { status } = await requests.native("PUT", `/v1/accounts/${accountId}`, body);
  expect(status).toBe(200);
  return accountId;
};

const forAccount = async (accountId: string, what: "pause" | "resume") => {
  const { status } = await requests.native("POST", `/v1/accounts/${accountId}/${what}`);
  expect(status).toBe(200);
};

/** A pace whose gap is longer than any of these tests. */
const aDay = { minSeconds: 86_400, maxSeconds: 86_400 };

/** Creates an account that has submitted one request and submits no other for a day. */
async function pacedAccount(accountId: string): Promise<string> {
  await account(accountId, aDay);
  await requests.reaches(await ackedId("connect", { accountId }), "SUCCEEDED");
  return accountId;
}

const inFuture = (aheadMs: number) => new Date(requests.businessMs() + aheadMs).toISOString();

interface Expired {
  accountId: string;
  requestId: string;
  answer: Record<string, unknown>;
}

/** Creates a request that exceeds the queue timeout. */
async function expire(): Promise<Expired> {
  const accountId = await account("never-its-turn");
  await forAccount(accountId, "pause");
  const requestId = await ackedId("connect", { accountId, profile_id: "old" });
  await requests.ageBy(requestId, QUEUE_TIMEOUT_MS);
  await requests.reaches(requestId, "FAILED");
  return { accountId, requestId, answer: await poll(requestId) };
}

interface Scheduled {
  requestId: string;
  scheduled: string;
}

/** Submits the document's example with a scheduled time in the future. */
async function schedule(): Promise<Scheduled> {
  // Far enough ahead to be accepted on a busy machine.
  const scheduled = inFuture(12 * HOUR_MS);
  const requestId = await ackedId("send_message", { ...example, scheduled });
  return { requestId, scheduled };
}

const example = {
  accountId: "1234ab5678290....",
  profile_id: "ACoABC1d2f...",
  message: "Hi Jane, great connecting with you!",
  scheduled: "2025-09-22T18:30:00.000Z",
};

states(
  "We-Link utilizes an asynchronous processing model for the vast majority of API endpoints, such as sending messages or connection requests.",
  async () => {
    const actions = ["send_message", "connect", "search_people", "get_profile", "visit_profile"];
    const acked = await Promise.all(
      actions.map((action) => ack(action, { accountId: `any-${action}`, profile_id: "jane" })),
    );
    for (const { status, body } of acked) {
      expect(status).toBe(200);
      // The ack has no status and no result.
      expect(body).toEqual({ requestId: expect.any(String) });
    }
    const ids = acked.map(({ body }) => body.requestId);
    await Promise.all(ids.map((id) => requests.reaches(id, "SUCCEEDED")));
  },
);

states("This design is essential for both performance and account safety.", async () => {
  const accountId = await account("safe", { minSeconds: 60, maxSeconds: 120 });
  const acked = await Promise.all(
    Array.from({ length: 4 }, (_, n) => ack("connect", { accountId, profile_id: `p${n}` })),
  );
  // All requests were acked, and the account executed one at a time.
  const done = await Promise.all(
    acked.map(({ body }) => requests.reaches(body.requestId, "SUCCEEDED")),
  );
  const times = done.map(({ submittedAt = "", finishedAt = "" }) => [submittedAt, finishedAt]);
  const inOrder = times.sort().flat();
  expect(inOrder).toEqual(inOrder.toSorted());
});

states(
  "When you trigger an action through our API, we do not make your system wait for the task to finish.",
  async () => {
    // The task starts only after the caller has its response.
    await forAccount(await account("slow"), "pause");
    const requestId = await ackedId("connect", { accountId: "slow" });
    expect(await requests.get(requestId)).toMatchObject({ status: "QUEUED", attempts: 0 });
    await forAccount("slow", "resume");
    await requests.reaches(requestId, "SUCCEEDED");
  },
);

states("We immediately acknowledge your request and provide a unique requestId", async () => {
  const paced = await pacedAccount("paced");
  await forAccount(await account("paused"), "pause");
  await requests.behave({ tooManyRequestsRate: 1 });
  const acked = await Promise.all([
    ...[paced, "paused", "at a provider that takes nothing"].flatMap((accountId) => [
      ack("connect", { accountId }),
      ack("connect", { accountId }),
      requests.request({ accountId, action: "connect" }),
    ]),
    requests
      .linkedApi<{ result: { workflowId: string } }>("POST", "/workflows", {
        actionType: "st.retrieveSSI",
      })
      .then(({ body, ...answer }) => ({ ...answer, body: { requestId: body.result.workflowId } })),
  ]);
  // No request can be submitted, so the acks do not wait for a submission.
  for (const { status } of acked) expect([200, 202]).toContain(status);
  const ids = acked.map(({ body }) => body.requestId);
  expect(new Set(ids).size).toBe(10);
  // An acked request can be read at once.
  for (const id of ids) expect(await requests.get(id)).toMatchObject({ requestId: id });
  await requests.behave({});
});

states("Your application continues its workflow without interruption", async () => {
  const waiting = await ackedId("connect", { accountId: await pacedAccount("busy") });
  const listed = await requests.native<{ items: unknown[] }>("GET", "/v1/requests?accountId=busy");
  expect(listed.body.items).toHaveLength(2);
  const other = await ackedId("send_message", { accountId: "free", message: "Hi" });
  await requests.reaches(other, "SUCCEEDED");
  expect((await requests.get(waiting)).status).toBe("QUEUED");
  expect((await requests.native("DELETE", `/v1/requests/${waiting}`)).status).toBe(200);
});

states("Our engine processes the operation in the background", async () => {
  const requestId = await ackedId("connect", { accountId: "background", profile_id: "jane" });
  // The result arrives on the bus without a poll by the client.
  for (const [type, status] of [
    ["workflow.created", "pending"],
    ["workflow.started", "running"],
    ["workflow.completed", "completed"],
  ] as const) {
    expect((await requests.event(requestId, type)).data).toMatchObject({ status, requestId });
  }
  expect(await requests.submissions("background")).toMatchObject([
    { path: "/api/v1/connect", body: { accountId: "background", profile_id: "jane" }, status: 200 },
  ]);
});

states(
  "Once the background operation is complete, you have two options to receive the results:",
  async () => {
    const result = { connected: true, profile_id: "jane" };
    const good = await ackedId("connect", { accountId: "both", profile_id: "jane" });
    const pushed = await requests.event(good, "workflow.completed");
    expect(pushed.data).toMatchObject({ status: "completed", result });
    expect(await poll(good)).toMatchObject({ status: "SUCCESS", result });
    expect(await requests.get(good)).toMatchObject({ status: "SUCCEEDED", result });

    const bad = await ackedId("connect", { accountId: "both", profile_id: "fail:NOT_FOUND" });
    const failed = await requests.event(bad, "workflow.completed");
    expect(failed.data).toMatchObject({ status: "failed", error: { code: "NOT_FOUND" } });
    expect(await poll(bad)).toMatchObject({ status: "FAILED", error: "NOT_FOUND" });
    const { error } = await requests.get(bad);
    expect(failed.data.error).toEqual(error);
  },
);

states(
  "If you prefer to monitor progress yourself, use the request_id to query our status endpoint:",
  async () => {
    const accountId = await account("monitored");
    await forAccount(accountId, "pause");
    const request_id = await ackedId("connect", { accountId });
    expect(await poll(request_id)).toMatchObject({ request_id, status: "QUEUED" });
    const reaches = (id: string, status: string) =>
      expect.poll(async () => (await poll(id)).status).toBe(status);
    await underLoad(async () => {
      await forAccount(accountId, "resume");
      await reaches(request_id, "PROCESSING");
    });
    await reaches(await ackedId("connect", { accountId: "monitored to its end" }), "SUCCESS");
  },
);

states('POST /api/v1/get_response {"request_id": "1234ab5678290...."}', async () => {
  expect(await requests.weLink("get_response", { request_id: "1234ab5678290...." })).toMatchObject({
    status: 404,
    body: { status: "NOT_FOUND" },
  });
  const requestId = await ackedId("connect", { accountId: "polled" });
  const answer = await requests.weLink("get_response", { request_id: requestId });
  expect(answer).toMatchObject({ status: 200, body: { request_id: requestId, requestId } });
});

states("LinkedIn operations through We-Link are long-running tasks by design.", async () => {
  await requests.behave({ delayMs: [2 * HOUR_MS, 2 * HOUR_MS] });
  const requestId = await ackedId("connect", { accountId: "long-running" });
  await requests.event(requestId, "workflow.started");
  await requests.behave({});
  const request = await requests.reaches(requestId, "SUCCEEDED");
  const tookMs = Date.parse(request.finishedAt ?? "") - Date.parse(request.submittedAt ?? "");
  expect(tookMs).toBeGreaterThan(1.5 * HOUR_MS);
});

states(
  "To keep your account safe, our processing engine incorporates human-like delays, randomized timing, and sequential execution between actions.",
  async () => {
    const accountId = await account("human", { minSeconds: 420, maxSeconds: 840 });
    const ids: string[] = [];
    for (let n = 0; n < 5; n++)
      ids.push(await ackedId("connect", { accountId, profile_id: `p${n}` }));
    const done = await Promise.all(ids.map((id) => requests.reaches(id, "SUCCEEDED")));
    // Requests are submitted in the order in which they were accepted, …
    const sent = await requests.submissions(accountId);
    expect(sent.map(({ body }) => body)).toEqual(
      ids.map((_, n) => ({ accountId, profile_id: `p${n}` })),
    );
    // … each after the previous one has ended, …
    const gaps: number[] = [];
    for (const [n, request] of done.entries()) {
      const { nextSubmissionNotBeforeMs } = await requests.stored(request.requestId);
      const notBeforeMs = Number(nextSubmissionNotBeforeMs);
      // It counts from the answer, which came after the call; test/property/pace has the longest one.
      gaps.push(notBeforeMs - Date.parse(sent[n]?.at ?? ""));
      const next = sent[n + 1];
      if (!next) continue;
      expect(Date.parse(next.at)).toBeGreaterThanOrEqual(Date.parse(request.finishedAt ?? ""));
      // … and after a random gap, which is drawn for each submission.
      expect(Date.parse(next.at)).toBeGreaterThanOrEqual(Math.floor(notBeforeMs));
    }
    for (const gapMs of gaps) expect(gapMs).toBeGreaterThanOrEqual(420_000);
    expect(new Set(gaps.map(Math.round)).size).toBe(gaps.length);
  },
);

states(
  "A single request — such as sending a connection request — may take anywhere from a few seconds to several minutes to complete, depending on the current queue and safety pacing.",
  async () => {
    const accountId = await account("queue", { minSeconds: 840, maxSeconds: 840 });
    const acked = await Promise.all([1, 2, 3, 4].map(() => ack("connect", { accountId })));
    const done = await Promise.all(
      acked.map(({ body }) => requests.reaches(body.requestId, "SUCCEEDED")),
    );
    const times = done.map(({ submittedAt = "" }) => Date.parse(submittedAt));
    // There are three gaps between the first and the last submission.
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThanOrEqual(3 * 14 * MINUTE_MS);
  },
);

/** Runs `work` while the provider's requests take longer than any of these tests. */
async function underLoad(work: () => Promise<void>): Promise<void> {
  await requests.behave({ delayMs: [MONTH_MS, MONTH_MS] });
  try {
    await work();
  } finally {
    await requests.behave({});
  }
}

states("Making your application wait synchronously for each operation to finish would:", () =>
  underLoad(async () => {
    const answers = await Promise.all([
      ack("connect", { accountId: "sync" }),
      requests.request({ accountId: "sync", action: "connect" }),
      requests.native("GET", "/v1/requests?limit=100"),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 202, 200]);
    const { body } = await requests.native<{ items: { status: string }[] }>(
      "GET",
      "/v1/requests?accountId=sync",
    );
    expect(body.items.filter(({ status }) => status === "SUCCEEDED")).toEqual([]);
  }),
);

states(
  "Block your app unnecessarily — Your system would be idle, waiting on a response that could take minutes",
  () =>
    underLoad(async () => {
      const requestId = await ackedId("connect", { accountId: "minutes" });
      await requests.reaches(requestId, "RUNNING");
      const { body } = await requests.weLink("get_response", { request_id: requestId });
      expect(body).toEqual({ request_id: requestId, requestId, status: "PROCESSING" });
    }),
);

states(
  "Limit throughput — You wouldn't be able to queue additional actions while waiting for one to complete",
  () =>
    underLoad(async () => {
      const accountId = "throughput";
      await requests.reaches(await ackedId("connect", { accountId }), "RUNNING");
      const more = await Promise.all(
        Array.from({ length: 10 }, () => ack("connect", { accountId })),
      );
      expect(more.map(({ status }) => status)).toEqual(more.map(() => 200));
      const { body } = await requests.native<{ items: unknown[] }>(
        "GET",
        `/v1/requests?accountId=${accountId}&status=QUEUED&limit=100`,
      );
      expect(body.items).toHaveLength(10);
    }),
);

states(
  "Create tight coupling — Network timeouts or transient delays would force complex retry logic on your side",
  async () => {
    // The client got no response and repeats the call.
    const key = { "idempotency-key": "said-twice" };
    const body = { accountId: "coupled", profile_id: "once" };
    const answers = await Promise.all([1, 2, 3].map(() => requests.weLink("connect", body, key)));
    const [first, ...again] = answers.map(({ body }) => String(body.requestId));
    expect(again).toEqual([first, first]);
    await requests.reaches(first ?? "", "SUCCEEDED");
    expect(await requests.submissions("coupled")).toHaveLength(1);
    // Ackwire, not the client, retries a submission that the provider rejects with 429.
    await requests.behave({ tooManyRequestsRate: 1 });
    const requestId = await ackedId("connect", { accountId: "refused for a while" });
    const refused = async () => (await requests.submissions("refused for a while")).length;
    await expect.poll(refused, { interval: 20 }).toBeGreaterThan(0);
    await requests.behave({});
    await requests.reaches(requestId, "SUCCEEDED");
  },
);

states(
  "By returning a requestId immediately and processing in the background, We-Link lets your application move on instantly while we handle the heavy lifting — executing each action with the appropriate safety delays and delivering the result to you when it's ready.",
  async () => {
    const accountId = await account("moves-on", { minSeconds: 300, maxSeconds: 600 });
    const acked = [await ack("connect", { accountId }), await ack("connect", { accountId })];
    const results = await Promise.all(
      acked.map(({ body }) => requests.event(body.requestId, "workflow.completed")),
    );
    for (const { data } of results) expect(data).toMatchObject({ result: { connected: true } });
    const [one, other] = (await requests.submissions(accountId)).map(({ at }) => Date.parse(at));
    expect((other ?? 0) - (one ?? 0)).toBeGreaterThanOrEqual(300_000);
  },
);

states(
  "You can schedule any API request to be executed at a later time by including the optional scheduled parameter in the request body.",
  async () => {
    const scheduled = inFuture(MONTH_MS);
    const accountId = "tomorrow";
    for (const action of ["connect", "send_message", "search_people", "login_v2"]) {
      const requestId = await ackedId(action, { accountId, scheduled });
      expect((await poll(requestId)).status).toBe("SCHEDULED");
      expect(await requests.get(requestId)).toMatchObject({ status: "SCHEDULED", scheduled });
      await requests.native("DELETE", `/v1/requests/${requestId}`);
    }
    for (const provider of ["we-link", "linked-api"] as const) {
      const account = provider === "linked-api" ? "linked-api-account-2" : accountId;
      const of = { provider, accountId: account, action: "connect", scheduled };
      const { status, body } = await requests.request(of);
      expect([status, body.status, body.scheduled]).toEqual([202, "SCHEDULED", scheduled]);
      await requests.native("DELETE", `/v1/requests/${body.requestId}`);
    }
    // The parameter is optional.
    expect(await requests.get(await ackedId("connect", { accountId }))).not.toHaveProperty(
      "scheduled",
    );
  },
);

/** Expects a rejection that names the field in both APIs, and returns its message. */
async function rejectionOf(scheduled: string): Promise<string> {
  const body = { accountId: "refused", scheduled };
  const asWeLink = (await ack("connect", body)) as ApiAnswer<Record<string, unknown>>;
  expect(asWeLink).toMatchObject({ status: 400, body: { status: "REQUEST_INVALID" } });
  const native = (await requests.request({ ...body, action: "connect" })) as ApiAnswer<unknown>;
  expect(native).toMatchObject({
    status: 400,
    body: { errors: [{ field: "scheduled", message: expect.any(String) }] },
  });
  expect(asWeLink.body.message).toContain("scheduled");
  const { errors } = native.body as { errors: { message: string }[] };
  expect(asWeLink.body.message).toContain(errors[0]?.message.slice(0, 40));
  return errors[0]?.message ?? "";
}

states(
  "Add a scheduled field with a date-time string in ISO 8601 format (YYYY-MM-DDTHH:mm:ss.sssZ)",
  async () => {
    const at = inFuture(MONTH_MS);
    for (const scheduled of [at, `${at.slice(0, 19)}Z`, `${at.slice(0, 21)}Z`]) {
      const requestId = await ackedId("connect", { accountId: "formats", scheduled });
      const shown = (await requests.get(requestId)).scheduled;
      expect(shown).toBe(new Date(scheduled).toISOString());
      await requests.native("DELETE", `/v1/requests/${requestId}`);
    }
    for (const bad of ["tomorrow", String(Date.now()), at.slice(0, 10), at.replace("T", " ")]) {
      expect(await rejectionOf(bad)).toContain("YYYY-MM-DDTHH:mm:ss.sssZ");
    }
  },
);

states(
  "The scheduled time must be at least 2 hours later than the current time — requests that don't meet this minimum will be rejected",
  async () => {
    for (const aheadMs of [-HOUR_MS, 0, 2 * HOUR_MS - 1]) {
      expect(await rejectionOf(inFuture(aheadMs))).toContain("at least 2 hours later than now");
    }
    // The earliest time in the message was valid at the time of the rejection.
    const beforeMs = requests.businessMs();
    const earliest = /\S+Z/.exec(await rejectionOf(inFuture(0)))?.[0] ?? "";
    expect(Date.parse(earliest)).toBeGreaterThanOrEqual(Math.floor(beforeMs) + 2 * HOUR_MS);
    expect(Date.parse(earliest)).toBeLessThanOrEqual(requests.businessMs() + 2 * HOUR_MS + 1);
    const scheduled = inFuture(MONTH_MS);
    const requestId = await ackedId("connect", { accountId: "two-hours", scheduled });
    await requests.native("DELETE", `/v1/requests/${requestId}`);
    expect(await requests.submissions("refused")).toEqual([]);
  },
);

states("The request is queued and automatically executed at the specified time", async () => {
  const { requestId, scheduled } = await scenarios.scheduled;
  const { joinedAt = "" } = await requests.reaches(requestId, "SUCCEEDED");
  const dueMs = Date.parse(scheduled);
  const sent = await requests.submissions(example.accountId);
  expect(sent.filter(({ status }) => status === 200)).toHaveLength(1);
  for (const { at } of sent) expect(Date.parse(at)).toBeGreaterThanOrEqual(dueMs);
  expect(Date.parse(joinedAt)).toBeGreaterThanOrEqual(dueMs);
});

states("Results are delivered via your webhook just like any other async request", async () => {
  const { requestId } = await scenarios.scheduled;
  const result = { thread_id: "thread-ACoABC1d2f...", message_id: expect.any(String) };
  const { data } = await requests.event(requestId, "workflow.completed");
  expect(data).toMatchObject({ status: "completed", eventType: "MESSAGE_SENT", result });
  // Its acceptance was published, as for any other request.
  const created = await requests.event(requestId, "workflow.created");
  expect(created.data.status).toBe("pending");
  expect(await poll(requestId)).toMatchObject({ status: "SUCCESS", result });
});

states(
  '{"accountId": "1234ab5678290....", "profile_id": "ACoABC1d2f...", "message": "Hi Jane, great connecting with you!", "scheduled": "2025-09-22T18:30:00.000Z"}',
  async () => {
    // The document's example has a valid format and a time in the past.
    expect(await ack("send_message", example)).toMatchObject({
      status: 400,
      body: { message: expect.stringMatching(/scheduled.*at least 2 hours later than now/) },
    });
    const { requestId } = await scenarios.scheduled;
    await requests.reaches(requestId, "SUCCEEDED");
    // The provider gets the body unchanged, without the scheduled time.
    const { scheduled: _, ...body } = example;
    const taken = (await requests.submissions(example.accountId)).filter(
      ({ status }) => status === 200,
    );
    expect(taken).toMatchObject([{ path: "/api/v1/send_message", body }]);
    expect(taken[0]?.body).not.toHaveProperty("scheduled");
  },
);

states("The scheduled value must be in UTC.", async () => {
  const at = inFuture(MONTH_MS).slice(0, 23);
  for (const zone of ["", "+02:00", "-0500", "+00:00"]) {
    expect(await rejectionOf(`${at}${zone}`)).toContain("must be a time in UTC");
  }
});

states(
  "Ensure proper time zone awareness to avoid executing requests at unintended times.",
  async () => {
    // A time with an offset is rejected and not interpreted as UTC.
    const at = inFuture(MONTH_MS);
    expect(await rejectionOf(at.replace("Z", "+02:00"))).toContain("a local offset is not allowed");
    const { body } = await requests.request({
      accountId: "aware",
      action: "connect",
      scheduled: at,
    });
    // The response has the time in UTC.
    expect(body.scheduled).toBe(at);
    await requests.native("DELETE", `/v1/requests/${body.requestId}`);
  },
);

const EXPIRED = "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED";

states(
  "Requests that remain queued for too long are automatically marked as failed with the status QUEUE_TIMEOUT_THRESHOLD_EXCEEDED.",
  async () => {
    const { requestId, answer } = await scenarios.expired;
    expect(answer).toMatchObject({ status: EXPIRED, requestId });
    const { error, joinedAt = "", finishedAt = "" } = await requests.get(requestId);
    expect(error?.code).toBe(EXPIRED);
    expect(Date.parse(finishedAt) - Date.parse(joinedAt)).toBeGreaterThan(QUEUE_TIMEOUT_MS);
    const { data } = await requests.event(requestId, "workflow.completed");
    expect(data).toMatchObject({ status: "failed", error });
  },
);

states(
  "This prevents requests from being stuck indefinitely and ensures stable, fair processing of newer requests.",
  async () => {
    const { accountId } = await scenarios.expired;
    const newer = await ackedId("connect", { accountId, profile_id: "newer" });
    await forAccount(accountId, "resume");
    await requests.reaches(newer, "SUCCEEDED");
    // The expired request does not block later ones and was never sent.
    expect(await requests.submissions(accountId)).toMatchObject([
      { body: { profile_id: "newer" } },
    ]);
  },
);

states("If you receive this error, re-submit the request.", async () => {
  const { accountId, requestId } = await scenarios.expired;
  expect((await requests.get(requestId)).error?.message).toMatch(/create a new request/);
  const again = await ackedId("connect", { accountId, profile_id: "old" });
  expect(again).not.toBe(requestId);
  await requests.reaches(again, "SUCCEEDED");
  const old = (await requests.submissions(accountId)).filter(
    ({ body }) => (body as typeof example).profile_id === "old",
  );
  expect(old).toHaveLength(1);
  // The failed request stays unchanged.
  expect(await poll(requestId)).toMatchObject({ status: EXPIRED });
});

test("A waiting account does not delay other accounts", async () => {
  const waiting = await ackedId("connect", { accountId: await pacedAccount("hot") });
  const others = await Promise.all(
    Array.from({ length: 5 }, (_, n) => ackedId("connect", { accountId: `cool-${n}` })),
  );
  await Promise.all(others.map((id) => requests.reaches(id, "SUCCEEDED")));
  expect((await requests.get(waiting)).status).toBe("QUEUED");
});

test("Each event of a request has one id and the same bytes whenever it is published, and no error of ours is printed", () => {
  const texts = new Map(requests.received.map(({ detail }) => [detail.id, JSON.stringify(detail)]));
  // On a busy machine the sweep may publish an event a second time.
  for (const { detail } of requests.received) {
    expect(JSON.stringify(detail)).toBe(texts.get(detail.id));
  }
  // On a busy machine a call to AWS may take too long, which is printed too.
  expect(requests.run.printed.filter((line) => line.includes("INTERNAL_ERROR"))).toEqual([]);
});

everySentenceHasItsTest();
