import { expect, test } from "vitest";
import { isTerminal } from "../../shared/core/requests/state/record.ts";
import { runs } from "../support/runs/runs.ts";
import { makeInterleaving, seededRandom, settled } from "../support/simulations/interleaving.ts";
import { makeSequenceSimulation } from "../support/simulations/sequence-simulation.ts";

/**
 * An invitation, a message that depends on it, and a second message that depends on the first:
 * neither is sent after a reply was acknowledged, in whatever order the webhooks come, and
 * wherever processes are killed.
 */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const STEPS = 400;
const faults = { refused: 0.02, lost: 0.02 };
const person = "jane-doe";

/** What was seen in one run. */
interface Seen {
  sentAfterReply: string[];
  calls: string[];
  /** In which order the webhooks were acknowledged, and the calls made. */
  order: string[];
  ends: Record<string, string>;
}

async function play(seed: number): Promise<Seen> {
  const random = seededRandom(seed);
  const world = makeInterleaving(random);
  const seen: Seen = { sentAfterReply: [], calls: [], order: [], ends: {} };
  const simulation = makeSequenceSimulation({
    step: world.step,
    onCall({ action }) {
      seen.order.push(`call ${action}`);
      seen.calls.push(action);
      const isAfter = action !== "connect" && seen.order.includes("ack reply");
      if (isAfter) seen.sentAfterReply.push(action);
    },
  });
  const invitation = await simulation.accept({ action: "connect", person });
  await simulation.runFor(MINUTE_MS);
  const { providerRequestId = "" } = simulation.calls[0] ?? {};
  const onEvent = random() < 0.5;
  const releasing = onEvent
    ? ({ on: "event", event: "connection.accepted" } as const)
    : ({ on: "succeeded" } as const);
  const after = world.pick([0, 0, 60, 1_200]);
  const hasReply = random() < 0.8;
  // Both identify the person; a provider may send only one of them.
  const namesPerson = { request_id: "unsolicited", result: { profile_id: person } };
  const namesRequest = { request_id: providerRequestId };
  const webhooks = [
    ["success", { status: "SUCCESS", request_id: providerRequestId, result: { connected: true } }],
    [
      "acceptance",
      {
        ...{ status: "SUCCESS", event_type: "CONNECTION_ACCEPTED" },
        ...world.pick([namesPerson, namesRequest]),
      },
    ],
    ...(hasReply
      ? [
          [
            "reply",
            {
              ...{ status: "SUCCESS", event_type: "MESSAGE_REPLY" },
              ...world.pick([namesPerson, namesRequest]),
            },
          ] as const,
        ]
      : []),
  ] as const;

  // A person answers at some time; what the provider has done it reports earlier.
  const fromStep = { success: 0, acceptance: STEPS / 8, reply: STEPS };
  const dueWebhooks = webhooks.map((webhook) => {
    const latest = fromStep[webhook[0]];
    // Late rather than early, so that some replies come after the message.
    return { webhook, fromStep: Math.sqrt(random()) * latest };
  });
  let processes = 0;
  const start = (name: string, run: (who: string) => Promise<unknown>) => {
    processes++;
    // What fails is tried again: the provider, the client, the queue and the sweep do so.
    run(`${name} ${processes}`).catch(() => undefined);
  };
  const acceptMessage = (requestId: string, action: string) => async (who: string) => {
    const dependsOn = {
      ...(action === "send_message" ? { ...releasing, after } : { on: "succeeded" as const }),
      ...{ requestId, within: 21_600, unless: "message.reply" as const },
    };
    const accepted = await simulation.accept({ action, person, dependsOn, key: action }, who);
    ids.set(action, accepted.requestId);
  };
  const ids = new Map<string, string>();

  world.begin();
  for (let at = 0; at < STEPS; at++) {
    const chance = random();
    const first = ids.get("send_message");
    const due = dueWebhooks.filter((one) => one.fromStep <= at);
    if (chance < 0.1 && due.length > 0) {
      const [name, body] = world.pick(due).webhook;
      start("ingest", async (who) => {
        if (await simulation.webhook(body, who)) seen.order.push(`ack ${name}`);
      });
    } else if (chance < 0.14 && first === undefined) {
      start("api", acceptMessage(invitation.requestId, "send_message"));
    } else if (chance < 0.14 && first !== undefined && !ids.has("send_inmail_message")) {
      start("api", acceptMessage(first, "send_inmail_message"));
    } else if (chance < 0.2) start("consume", (who) => simulation.consume(who));
    else if (chance < 0.28) start("submit", (who) => simulation.submit(who));
    else if (chance < 0.3) start("sweep", (who) => simulation.sweep(who));
    else if (chance < 0.33) simulation.pass(world.pick([1_000, 5_000, 61_000, 10 * MINUTE_MS]));
    else if (chance < 0.345 && !world.isIdle()) world.kill();
    await (world.isIdle() ? settled() : world.advance(faults));
  }
  world.end();

  const sentSuccess = seen.order.includes("ack success");
  for (let hours = 0; hours < 9; hours++) {
    await simulation.runFor(2 * MINUTE_MS);
    simulation.pass(HOUR_MS);
    await simulation.runFor(2 * MINUTE_MS);
  }
  for (const [action, requestId] of ids) {
    const request = await simulation.find(requestId);
    const { status, error } = request;
    seen.ends[action] = error?.code ?? status;
    // Nothing waits for ever.
    expect(isTerminal(request) || seen.calls.includes(action) || status === "UNKNOWN").toBe(true);
  }
  const first = seen.ends.send_message;
  const wasReleased = onEvent ? seen.order.includes("ack acceptance") : sentSuccess;
  if (first !== undefined && wasReleased && !hasReply) {
    // A worker that was killed between its claim and the call leaves it UNKNOWN.
    const isSent = seen.calls.includes("send_message");
    expect([isSent, first]).toEqual(
      isSent ? [true, first] : [false, expect.stringMatching(/UNKNOWN/)],
    );
  }
  return seen;
}

test("a message that depends on an invitation is never sent after a reply was acknowledged, in every order of the webhooks and with kills", async () => {
  const { numRuns } = runs(1_000);
  const counts = { stopped: 0, sent: 0, sentBeforeReply: 0, unreplied: 0 };
  for (let seed = 1; seed <= numRuns; seed++) {
    const seen = await play(seed).catch((cause: unknown) => {
      throw new Error(`seed ${seed}`, { cause });
    });
    expect(seen.sentAfterReply, `seed ${seed}: ${seen.order.join(", ")}`).toEqual([]);
    for (const action of new Set(seen.calls)) {
      expect(
        seen.calls.filter((one) => one === action),
        `seed ${seed}`,
      ).toHaveLength(1);
    }
    const isReplied = seen.order.includes("ack reply");
    const isSent = seen.calls.includes("send_message");
    if (seen.ends.send_message === "DEPENDENCY_STOPPED") counts.stopped++;
    if (isSent) counts.sent++;
    if (isSent && isReplied) counts.sentBeforeReply++;
    if (!isReplied) counts.unreplied++;
  }
  // Otherwise the property would not have been exercised.
  for (const [what, count] of Object.entries(counts)) {
    expect([what, count]).toEqual([what, expect.toSatisfy((n) => n >= numRuns / 50)]);
  }
}, 600_000);
