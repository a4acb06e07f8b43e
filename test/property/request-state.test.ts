import fc from "fast-check";
import { expect, test } from "vitest";
import { isTerminal } from "../../shared/core/requests/state/record.ts";
import {
  type CallEnd,
  callAnswer,
  cancelAnswer,
  type PollReport,
  PROVIDER_REQUEST_ID,
  pollAnswer,
  provesNothingHappened,
  purposeOf,
  webhookBody,
} from "../support/payloads/provider-payloads.ts";
import { runs } from "../support/runs/runs.ts";
import {
  type Beginning,
  beginning,
  type Command,
  command,
  MINUTE_MS,
} from "../support/simulations/request-commands.ts";
import {
  checkEnd,
  checkWrite,
  nothingSeen,
  PASSWORD,
  PIN,
  type Seen,
} from "../support/simulations/request-invariants.ts";
import { makeRequestSimulation } from "../support/simulations/request-simulation.ts";

/**
 * One request and everything that may change it, in any order: workers, some of
 * which are killed, the sweep, webhooks and polls with any content, a client that
 * cancels and answers prompts, a person who resolves unknown outcomes.
 */

/** Runs the commands and then lets the request end. */
async function play(of: Beginning, commands: readonly Command[]): Promise<Seen> {
  const { provider, action } = of;
  const seen = nothingSeen();
  let broken: unknown;
  /** Keeps the first broken invariant: an error thrown inside a port looks to a use case like a dependency that is down. */
  const invariant = (hold: () => void) => {
    try {
      hold();
    } catch (error) {
      broken ??= error;
    }
  };
  let isSent = false;
  let isBusDown = false;
  let publishing = 0;
  let calling = 0;
  let isSweeping = false;
  let current: Current = { meanwhile: [] };

  const simulation = makeRequestSimulation({
    provider,
    onWrite: (after, before) =>
      invariant(() => {
        checkWrite(seen, after, before);
        // A worker within its time does not count as dead.
        const { sendingUntilRealMs = 0 } = before ?? {};
        const isSending = calling > 0 && sendingUntilRealMs > simulation.clock.realMs();
        if (isSending) expect(after.status).not.toBe("UNKNOWN");
      }),
    async onLook() {
      if (current.isBeforeCall) await doMeanwhile();
    },
    async exchange(call) {
      const { end = "incomplete", polls = "not found", cancels = "incomplete" } = current;
      const purpose = purposeOf(call);
      if (purpose === "submit" || purpose === "input") {
        // Only the worker that has claimed the request sends it, and never a cancelled one.
        invariant(() => {
          expect(simulation.now()).toMatchObject({
            status: "SUBMITTING",
            owner: expect.any(String),
          });
          expect(call.body).toContain(purpose === "input" ? PIN : PASSWORD);
        });
        isSent = true;
      }
      if (purpose === "input") seen.inputsSent++;
      calling++;
      await doMeanwhile();
      calling--;
      if (purpose === "cancel") return cancelAnswer(cancels);
      if (purpose === "poll") return pollAnswer(provider, polls);
      if (purpose === "submit" && !provesNothingHappened.includes(end)) seen.mayHaveApplied++;
      return callAnswer(provider, end);
    },
    async publish(events) {
      // Cancelled is silent (G9).
      invariant(() => expect(simulation.now().status).not.toBe("CANCELLED"));
      publishing++;
      await doMeanwhile();
      publishing--;
      if (!isBusDown) seen.published.push(...events.map(({ id }) => id));
      return !isBusDown;
    },
  });

  async function doMeanwhile(): Promise<void> {
    const { meanwhile } = current;
    current.meanwhile = [];
    for (const one of meanwhile) await perform(one);
  }

  /** Sets how the calls of a command end and what happens during them. */
  async function as(next: Current, work: () => Promise<unknown>): Promise<void> {
    const before = current;
    current = { ...next };
    await work();
    current = before;
  }

  async function perform(command: Command): Promise<void> {
    await done(command);
    if (broken !== undefined) throw broken;
  }

  async function done(command: Command): Promise<void> {
    switch (command.do) {
      case "bus fails":
      case "bus works":
        isBusDown = command.do === "bus fails";
        return;
      case "fire":
        // Only a scheduled request has a schedule.
        return of.isScheduled ? as({ meanwhile: [] }, () => simulation.fire()) : undefined;
      case "redeliver webhooks":
        return as({ meanwhile: [] }, () => simulation.redeliverWebhooks());
      case "repeat message":
        simulation.repeatMessage();
        return;
      case "delete connection":
        simulation.deleteConnection();
        return;
      case "resume account":
        await simulation.resumeAccount();
        return;
      case "work":
        return as(command, () => simulation.work(command.batch));
      case "webhook": {
        const label = command.isLabelled ? simulation.now().requestId : undefined;
        const body = webhookBody(provider, command.report, label);
        // The provider reports nothing about a request that it does not have yet.
        if (!body || !isSent) return;
        if (command.isBound) await simulation.bind(PROVIDER_REQUEST_ID);
        return as({ meanwhile: command.meanwhile }, () => simulation.webhook(body));
      }
      case "sweep":
        // Runs of the sweep do not overlap.
        if (isSweeping) return;
        return as({ polls: command.report, meanwhile: command.meanwhile }, async () => {
          isSweeping = true;
          await simulation.sweep();
          isSweeping = false;
        });
      case "cancel":
        return as({ cancels: command.end, meanwhile: [] }, () => simulation.cancel());
      case "continue":
        if (await simulation.continue(PIN)) seen.inputsTaken++;
        return;
      case "resolve":
        if ((await simulation.resolve({ as: command.as })) && command.as === "not-submitted") {
          seen.resolvedAsNotSubmitted++;
        }
        return;
      default:
        simulation.clock.passBusiness(command.businessMs);
        simulation.clock.passReal(command.realMs);
        // A worker that is frozen for so long counts as dead, and the sweep publishes its events again.
        if (publishing > 0 && command.realMs > 0) seen.isFrozenPublishing = true;
    }
  }

  const scheduled = new Date(simulation.clock.businessMs() + 180 * MINUTE_MS).toISOString();
  const params = { password: PASSWORD };
  await simulation.accept({ action, params, ...(of.isScheduled ? { scheduled } : {}) }, of.times);
  for (const command of commands) await perform(command);

  // The faults stop: the request ends by workers and the sweep alone (G12).
  isBusDown = false;
  const isOver = () => isTerminal(simulation.now()) && simulation.now().outbox.length === 0;
  for (let day = 0; day < 10 && !isOver(); day++) {
    await perform({ do: "pass", businessMs: 1_500 * MINUTE_MS, realMs: 2 * MINUTE_MS });
    await perform({ do: "work", end: "incomplete", meanwhile: [] });
    await perform({ do: "sweep", report: "not found", meanwhile: [] });
  }
  checkEnd(seen, simulation.now());
  return seen;
}

/** How the calls of a command end. */
interface Current {
  end?: CallEnd;
  polls?: PollReport;
  cancels?: "yes" | "no" | "incomplete";
  meanwhile: readonly Command[];
  /** `meanwhile` runs before the worker claims the request, and not during its call. */
  isBeforeCall?: boolean;
}

/** Sequences that once broke an invariant. They run each time. */
const regressions: [Beginning, Command[]][] = [
  [
    // Three accepts with one key each published workflow.created.
    { provider: "we-link", action: "connect", isScheduled: false, times: 3 },
    [
      {
        do: "work",
        end: "accepted",
        batch: 1,
        meanwhile: [{ do: "work", end: "accepted", meanwhile: [] }],
      },
    ],
  ],
  [
    // The answer contained the result of a request whose id a webhook had named before.
    { provider: "we-link", action: "login_v2", isScheduled: false, times: 1 },
    [
      { do: "work", end: "refused", meanwhile: [] },
      { do: "pass", businessMs: 120 * MINUTE_MS, realMs: 2 * MINUTE_MS },
      { do: "webhook", report: "pending", isBound: false, isLabelled: false, meanwhile: [] },
      { do: "work", end: "done", meanwhile: [] },
    ],
  ],
  [
    // The schedule fired while workflow.created was being published.
    { provider: "we-link", action: "connect", isScheduled: true, times: 1 },
    [{ do: "work", end: "accepted", meanwhile: [{ do: "fire" }] }],
  ],
  [
    // One batch contained the same webhook twice.
    { provider: "we-link", action: "login_v2", isScheduled: false, times: 1 },
    [
      {
        do: "work",
        end: "accepted",
        meanwhile: [
          { do: "webhook", report: "prompt", isBound: false, isLabelled: false, meanwhile: [] },
        ],
      },
      { do: "webhook", report: "prompt", isBound: true, isLabelled: false, meanwhile: [] },
    ],
  ],
];

test("a request ends once, in whatever order updates, polls and timeouts arrive (G4)", async () => {
  const runsByStatus = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(
      beginning,
      fc.array(command, { maxLength: 40, size: "max" }),
      async (one, commands) => {
        const { statuses } = await play(one, commands);
        for (const status of statuses)
          runsByStatus.set(status, (runsByStatus.get(status) ?? 0) + 1);
      },
    ),
    { ...runs(20_000), examples: regressions },
  );
  // Each of these states was reached often enough.
  for (const status of ["ACTION_REQUIRED", "UNKNOWN", "SUCCEEDED", "FAILED", "CANCELLED"]) {
    expect([status, runsByStatus.get(status)]).toEqual([status, expect.toSatisfy((n) => n > 100)]);
  }
});
