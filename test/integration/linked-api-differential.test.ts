import { readFileSync } from "node:fs";
import { LinkedApi, LinkedApiAdmin, LinkedApiError } from "@linkedapi/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { differences } from "../support/linked-api-clients/differential.ts";
import { haveSimulatedLimit, simulatedLimit } from "../support/linked-api-clients/limits.ts";
import { nodeAdminClient } from "../support/linked-api-clients/node-admin-client.ts";
import { startTestRun, type TestRun } from "../support/runs/local-run.ts";
import { root } from "../support/tree.ts";
import { WAIT_TIMEOUT_MS } from "../support/wait-timeout.ts";

/**
 * Each operation of Linked API's official client for Node.js against the simulated
 * Linked API itself and through Ackwire.
 */
let run: TestRun;
beforeAll(async () => {
  run = await startTestRun({ speed: 600, settings: { paceMinSeconds: "0", paceMaxSeconds: "0" } });
});
afterAll(() => run.close());

const params = JSON.parse(
  readFileSync(`${root}/test/support/linked-api-clients/params.json`, "utf8"),
);
const waiting = { pollInterval: 500, timeout: WAIT_TIMEOUT_MS };

const customWorkflow = [
  { actionType: "st.retrieveSSI" },
  { actionType: "st.searchPeople", ...params },
];

interface Access {
  baseUrl: string;
  linkedApiToken: string;
  identificationToken: string;
}

/** The seeded account, whose id the simulated Linked API knows too. */
const ACCOUNT = "linked-api-account-1";

function accesses(): { direct: Access; through: Access } {
  const account = run.seed.accounts.find(({ accountId }) => accountId === ACCOUNT);
  return {
    direct: {
      baseUrl: run.addresses.providerUrl,
      linkedApiToken: "simulated-token",
      identificationToken: `simulated-${ACCOUNT}`,
    },
    through: {
      // With a slash at its end, as many write a base URL.
      baseUrl: `${run.addresses.apiUrl}/`,
      linkedApiToken: run.seed.apiKey,
      identificationToken: account?.identificationToken ?? "",
    },
  };
}

/** The answer, or the type of the error. A call that is answered "try again later" is made again. */
async function outcomeOf(work: () => Promise<unknown>): Promise<unknown> {
  const untilMs = Date.now() + WAIT_TIMEOUT_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof LinkedApiError)) throw error;
      if (error.type !== "httpError" || Date.now() > untilMs) return { error: error.type };
    }
  }
}

async function all(tasks: Record<string, () => Promise<unknown>>) {
  const outcomes: Record<string, unknown> = {};
  for (const [name, task] of Object.entries(tasks)) outcomes[name] = await outcomeOf(task);
  return outcomes;
}

test("Every workflow of Linked API's client for Node.js has the same result through Ackwire", async () => {
  const results = async (access: Access) => {
    const client = new LinkedApi(access);
    const started: [name: string, workflowId: string][] = [];
    for (const operation of client.operations) {
      const { operationName } = operation;
      const given = operationName === "customWorkflow" ? customWorkflow : params;
      const workflowId = await outcomeOf(() => operation.execute(given as never));
      started.push([operationName, String(workflowId)]);
    }
    const tasks = started.map(([name, workflowId]) => [
      name,
      () => client[name as "customWorkflow"].result(workflowId, waiting),
    ]);
    return all(Object.fromEntries(tasks));
  };
  const { direct, through } = accesses();
  const [one, other] = [await results(direct), await results(through)];
  expect(Object.keys(one).length).toBeGreaterThanOrEqual(25);
  expect(JSON.stringify(one)).not.toContain('"error":');
  expect(differences(one, other)).toEqual({});
});

test("Every other call of Linked API's client for Node.js has the same answer through Ackwire", async () => {
  const results = (access: Access) => {
    const client = new LinkedApi(access);
    const person = { personUrl: params.personUrl };
    return all({
      getAccountInfo: () => client.getAccountInfo(),
      getApiUsage: () =>
        client.getApiUsage({ start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z" }),
      pollConversations: () => client.pollConversations([{ ...person, type: "st" }]),
      pollUnsynced: () =>
        client.pollConversations([{ personUrl: "fail:conversationsNotSynced", type: "st" }]),
      unknownWorkflow: () => client.customWorkflow.status("wf-nobody"),
      cancelUnknown: () => client.customWorkflow.cancel("wf-nobody"),
    });
  };
  const { direct, through } = accesses();
  const one = await results(direct);
  expect(one).toMatchObject({
    getAccountInfo: { data: { name: expect.any(String) } },
    pollUnsynced: { errors: [{ type: "conversationsNotSynced" }] },
    unknownWorkflow: { error: "workflowNotFound" },
  });
  expect(differences(one, await results(through))).toEqual({});
});

test("Every admin call of Linked API's client for Node.js has the same answer through Ackwire", async () => {
  await haveSimulatedLimit(run, ACCOUNT);
  const results = (access: Access) => {
    const admin = new LinkedApiAdmin(nodeAdminClient(access));
    const of = { accountId: ACCOUNT };
    const limits = [{ category: "stMessages", period: "daily", maxValue: 5 } as const];
    const session = { sessionId: "simulated-session" };
    const seats = { quantity: 1, seatType: "core", billingPeriod: "month" } as const;
    const { accounts, subscription } = admin;
    const tasks = {
      "accounts.getAll": () => accounts.getAll(),
      "accounts.disconnect": () => accounts.disconnect(of),
      "accounts.regenerateIdentificationToken": () => accounts.regenerateIdentificationToken(of),
      "accounts.createConnectionSession": () => accounts.createConnectionSession(),
      "accounts.getConnectionSession": () => accounts.getConnectionSession(session),
      "accounts.cancelConnectionSession": () => accounts.cancelConnectionSession(session),
      "limits.getDefaults": () => admin.limits.getDefaults(),
      "limits.get": () => admin.limits.get(of),
      "limits.getUsage": () => admin.limits.getUsage(of),
      "limits.set": () => admin.limits.set({ ...of, limits }),
      "limits.delete": () => admin.limits.delete({ ...of, limits }),
      "limits.resetToDefaults": () => admin.limits.resetToDefaults(of),
      "subscription.getStatus": () => subscription.getStatus(),
      "subscription.getSeats": () => subscription.getSeats(),
      "subscription.getPricing": () => subscription.getPricing(),
      "subscription.setSeats": () => subscription.setSeats(seats),
      "subscription.getBillingLink": () => subscription.getBillingLink(),
      "subscription.cancel": () => subscription.cancel(),
    };
    const own = Object.entries({ accounts, limits: admin.limits, subscription }).flatMap(
      ([name, part]) =>
        Object.getOwnPropertyNames(Object.getPrototypeOf(part))
          .filter((method) => method !== "constructor")
          .map((method) => `${name}.${method}`),
    );
    expect(Object.keys(tasks).sort()).toEqual(own.sort());
    return all({
      ...tasks,
      "an unknown account": () => admin.limits.get({ accountId: "nobody" }),
      "an unknown session": () => accounts.getConnectionSession({ sessionId: "nobody" }),
    });
  };
  const { direct, through } = accesses();
  const one = await results(direct);
  expect(one).toMatchObject({
    "subscription.getStatus": { status: "active" },
    "an unknown account": { error: "accountNotFound" },
    "an unknown session": { error: "sessionNotFound" },
  });
  // Ackwire keeps the limits: a new account here has no limits, and none were used.
  expect(differences(one, await results(through))).toEqual({
    "limits.getDefaults": { direct: { limits: [simulatedLimit] }, through: { limits: [] } },
    "limits.getUsage": {
      direct: { usage: [{ ...simulatedLimit, currentUsage: 7 }] },
      through: { usage: [{ ...simulatedLimit, currentUsage: expect.any(Number) }] },
    },
  });
});

test("The limits of an account are set, used and deleted by Linked API's client for Node.js, at Ackwire", async () => {
  const { limits } = new LinkedApiAdmin(nodeAdminClient(accesses().through));
  const of = { accountId: ACCOUNT };
  const posts = { category: "stPosts", period: "weekly" } as const;
  const shown = async () =>
    (await limits.get(of)).limits.filter(({ category }) => category === posts.category);
  await limits.set({ ...of, limits: [{ ...posts, maxValue: 3, isEnabled: false }] });
  expect(await shown()).toEqual([{ ...posts, maxValue: 3, isEnabled: false }]);
  await limits.set({ ...of, limits: [{ ...posts, maxValue: 4 }] });
  expect((await limits.getUsage(of)).usage).toContainEqual({
    ...posts,
    maxValue: 4,
    currentUsage: expect.any(Number),
    isEnabled: true,
  });
  await limits.delete({ ...of, limits: [posts] });
  expect(await shown()).toEqual([]);
  await limits.resetToDefaults(of);
  expect(await limits.get(of)).toEqual(await limits.getDefaults());
});

test("The token that accounts.getAll shows for an account is valid in the account's calls", async () => {
  const { through } = accesses();
  const admin = new LinkedApiAdmin(nodeAdminClient(through));
  const { accounts } = await admin.accounts.getAll();
  const names = await Promise.all(
    accounts.map(async ({ identificationToken }) => {
      expect(identificationToken).not.toMatch(/^simulated-/);
      const client = new LinkedApi({ ...through, identificationToken });
      return (await client.getAccountInfo()).data?.name;
    }),
  );
  expect(names).toEqual(accounts.map(({ id }) => `Jane Doe (${id})`));
});
