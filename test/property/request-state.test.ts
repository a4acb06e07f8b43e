import fc from "fast-check";
import { expect, test } from "vitest";
import { isTerminal } from "../../shared/core/requests/state/record.ts";
import {
  type CallEnd,
  callAnswer,
  cancelAnswer,
  type Polled,
  PROVIDER_REQUEST_ID,
  pollAnswer,
  provesNothingHappened,
  purposeOf,
  webhookBody,
} from "../support/payloads/provider-payloads.ts";
import {
  type Beginning,
  beginning,
  type Deed,
  deed,
  MINUTE_MS,
} from "../support/simulations/request-commands.ts";
import {
  checkStory,
  checkWrite,
  nothingSeen,
  PASSWORD,
  PIN,
  type Seen,
} from "../support/simulations/request-invariants.ts";
import { makeRequestWorld } from "../support/simulations/request-simulation.ts";

/**
 * One request, and all who have a hand in it, in any order: workers, some of
 * whom die, the sweep, webhooks and polls that say what they like, a client who
 * cancels and answers prompts, a person who settles what is unknown.
 */

/** Plays the deeds, and then waits until it is over. */
async function play(of: Beginning, deeds: readonly Deed[]): Promise<Seen> {
  const { provider, action } = of;
  const seen = nothingSeen();
  let broken: unknown;
  /** What is thrown inside, a use case takes for a store or a bus that is down. */
  const law = (hold: () => void) => {
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

  const world = makeRequestWorld({
    provider,
    onWrite: (after, before) =>
      law(() => {
        checkWrite(seen, after, before);
        // Who is at it, within his time, is not taken for dead.
        const { sendingUntilRealMs = 0 } = before ?? {};
        const isAtIt = calling > 0 && sendingUntilRealMs > world.clock.realMs();
        if (isAtIt) expect(after.status).not.toBe("UNKNOWN");
      }),
    async onLook() {
      if (current.isBeforeCall) await doMeanwhile();
    },
    async exchange(call) {
      const { end = "incomplete", polls = "knows nothing", cancels = "incomplete" } = current;
      const purpose = purposeOf(call);
      if (purpose === "submit" || purpose === "input") {
        // Only who has taken it sends it, and never a cancelled one.
        law(() => {
          expect(world.now()).toMatchObject({ status: "SUBMITTING", owner: expect.any(String) });
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
      law(() => expect(world.now().status).not.toBe("CANCELLED"));
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

  /** What comes of the calls that the deed makes, and what happens while they are under way. */
  async function as(next: Current, work: () => Promise<unknown>): Promise<void> {
    const before = current;
    current = { ...next };
    await work();
    current = before;
  }

  async function perform(deed: Deed): Promise<void> {
    await done(deed);
    if (broken !== undefined) throw broken;
  }

  async function done(deed: Deed): Promise<void> {
    switch (deed.do) {
      case "bus fails":
      case "bus works":
        isBusDown = deed.do === "bus fails";
        return;
      case "fire":
        // There is a schedule for it, or there is none.
        return of.isScheduled ? as({ meanwhile: [] }, () => world.fire()) : undefined;
      case "hear again":
        return as({ meanwhile: [] }, () => world.hearAgain());
      case "repeat message":
        world.repeatMessage();
        return;
      case "delete connection":
        world.deleteConnection();
        return;
      case "resume account":
        await world.resumeAccount();
        return;
      case "work":
        return as(deed, () => world.work(deed.batch));
      case "webhook": {
        const label = deed.isLabelled ? world.now().requestId : undefined;
        const body = webhookBody(provider, deed.says, label);
        // Before it has it, the provider can say nothing of it.
        if (!body || !isSent) return;
        if (deed.isBound) await world.bind(PROVIDER_REQUEST_ID);
        return as({ meanwhile: deed.meanwhile }, () => world.webhook(body));
      }
      case "sweep":
        // Its runs do not overlap: one ends before the next begins.
        if (isSweeping) return;
        return as({ polls: deed.says, meanwhile: deed.meanwhile }, async () => {
          isSweeping = true;
          await world.sweep();
          isSweeping = false;
        });
      case "cancel":
        return as({ cancels: deed.end, meanwhile: [] }, () => world.cancel());
      case "continue":
        if (await world.continue(PIN)) seen.inputsTaken++;
        return;
      case "resolve":
        if ((await world.resolve({ as: deed.as })) && deed.as === "not-submitted") {
          seen.resolvedAsNotSubmitted++;
        }
        return;
      default:
        world.clock.passBusiness(deed.businessMs);
        world.clock.passReal(deed.realMs);
        // Who is frozen so long counts as dead, and another publishes what he was at.
        if (publishing > 0 && deed.realMs > 0) seen.isFrozenPublishing = true;
    }
  }

  const scheduled = new Date(world.clock.businessMs() + 180 * MINUTE_MS).toISOString();
  const params = { password: PASSWORD };
  await world.accept({ action, params, ...(of.isScheduled ? { scheduled } : {}) }, of.times);
  for (const deed of deeds) await perform(deed);

  // The faults stop: it ends without anybody's help but the sweep's (G12).
  isBusDown = false;
  const isOver = () => isTerminal(world.now()) && world.now().outbox.length === 0;
  for (let day = 0; day < 10 && !isOver(); day++) {
    await perform({ do: "pass", businessMs: 1_500 * MINUTE_MS, realMs: 2 * MINUTE_MS });
    await perform({ do: "work", end: "incomplete", meanwhile: [] });
    await perform({ do: "sweep", says: "knows nothing", meanwhile: [] });
  }
  checkStory(seen, world.now());
  return seen;
}

/** How the calls of a deed end; what is absent, it makes none of. */
interface Current {
  end?: CallEnd;
  polls?: Polled;
  cancels?: "yes" | "no" | "incomplete";
  meanwhile: readonly Deed[];
  /** Done while the worker looks, and not while it calls. */
  isBeforeCall?: boolean;
}

/** What was wrong once: it is played each time. */
const found: [Beginning, Deed[]][] = [
  [
    // Each of those who said the same had it published.
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
    // The answer itself told the end of one whose id a webhook had named before.
    { provider: "we-link", action: "login_v2", isScheduled: false, times: 1 },
    [
      { do: "work", end: "refused", meanwhile: [] },
      { do: "pass", businessMs: 120 * MINUTE_MS, realMs: 2 * MINUTE_MS },
      { do: "webhook", says: "pending", isBound: false, isLabelled: false, meanwhile: [] },
      { do: "work", end: "done", meanwhile: [] },
    ],
  ],
  [
    // It fired while its acceptance was being published.
    { provider: "we-link", action: "connect", isScheduled: true, times: 1 },
    [{ do: "work", end: "accepted", meanwhile: [{ do: "fire" }] }],
  ],
  [
    // The same webhook twice in one batch.
    { provider: "we-link", action: "login_v2", isScheduled: false, times: 1 },
    [
      {
        do: "work",
        end: "accepted",
        meanwhile: [
          { do: "webhook", says: "prompt", isBound: false, isLabelled: false, meanwhile: [] },
        ],
      },
      { do: "webhook", says: "prompt", isBound: true, isLabelled: false, meanwhile: [] },
    ],
  ],
];

test("a request ends once, in whatever order updates, polls and timeouts arrive (G4)", async () => {
  const stories = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(
      beginning,
      fc.array(deed, { maxLength: 40, size: "max" }),
      async (one, deeds) => {
        const { statuses } = await play(one, deeds);
        for (const status of statuses) stories.set(status, (stories.get(status) ?? 0) + 1);
      },
    ),
    { numRuns: 1_500, examples: found },
  );
  // Else it would have shown nothing.
  for (const status of ["ACTION_REQUIRED", "UNKNOWN", "SUCCEEDED", "FAILED", "CANCELLED"]) {
    expect([status, stories.get(status)]).toEqual([status, expect.toSatisfy((n) => n > 100)]);
  }
});
