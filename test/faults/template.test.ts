import { describe, expect, test } from "vitest";
import type { FinalEvent } from "../../shared/core/events/envelope.ts";
import type { EventPublisher } from "../../shared/core/events/ports.ts";
import { makeSweepEventOutbox } from "../../shared/core/events/sweep-event-outbox.ts";
import { makeConsumeWebhooks } from "../../shared/core/inbound/consume-webhooks.ts";
import { all, find, synth } from "../infra/synth.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { unjoined } from "../support/fakes/inbound-reader.ts";
import { makeMemoryEventClaims } from "../support/memory/memory-event-claims.ts";
import { inboundMessage } from "../support/simulations/consume-worker.ts";

const DAY_SECONDS = 86_400;
const { resources } = synth({ stage: "prod" });
const text = (value: unknown) => JSON.stringify(value);
const queue = (idStart: string) => find(resources, "AWS::SQS::Queue", idStart).Properties;

describe("the template's settings against faults", () => {
  test("A23 the API answers 429 above its throttle, and ingest has no reserved concurrency that would reject calls below it", () => {
    const { DefaultRouteSettings } = find(resources, "AWS::ApiGatewayV2::Stage").Properties;
    expect(DefaultRouteSettings).toMatchObject({
      ThrottlingRateLimit: expect.any(Number),
      ThrottlingBurstLimit: expect.any(Number),
    });
    const ingest = find(resources, "AWS::Lambda::Function", "AckwireIngest").Properties;
    expect(ingest.ReservedConcurrentExecutions).toBeUndefined();
  });

  test("B20 consume has no reserved concurrency below the mapping's maximum, at least 5 receives, and a visibility timeout of 6 function timeouts", () => {
    const consume = find(resources, "AWS::Lambda::Function", "AckwireConsume").Properties;
    const mapping = find(resources, "AWS::Lambda::EventSourceMapping", "AckwireInbound").Properties;
    const { VisibilityTimeout, RedrivePolicy } = queue("AckwireInboundQueue");
    expect(consume.ReservedConcurrentExecutions).toBeUndefined();
    expect(mapping.ScalingConfig).toEqual({ MaximumConcurrency: expect.any(Number) });
    expect(mapping.FunctionResponseTypes).toEqual(["ReportBatchItemFailures"]);
    expect((RedrivePolicy as { maxReceiveCount: number }).maxReceiveCount).toBeGreaterThanOrEqual(
      5,
    );
    expect(VisibilityTimeout).toBeGreaterThanOrEqual(6 * Number(consume.Timeout));
  });

  test("B22 the dead-letter queue keeps messages for 14 days, at least 10 days after the 4 of the work queue, and has an alarm", () => {
    const retention = (idStart: string) => Number(queue(idStart).MessageRetentionPeriod);
    expect(retention("AckwireInboundDeadLetters")).toBe(14 * DAY_SECONDS);
    expect(retention("AckwireInboundQueue")).toBeLessThanOrEqual(4 * DAY_SECONDS);
    const alarms = all(resources, "AWS::CloudWatch::Alarm").map(([, alarm]) =>
      text(alarm.Properties),
    );
    const [deadLetters] =
      all(resources, "AWS::SQS::Queue").find(([id]) =>
        id.startsWith("AckwireInboundDeadLetters"),
      ) ?? [];
    expect(alarms.filter((alarm) => alarm.includes(String(deadLetters)))).toHaveLength(1);
  });

  test("B24 each target of a rule or schedule has a dead-letter queue, and that of the schedule has an alarm", () => {
    const targets = [
      ...all(resources, "AWS::Events::Rule").flatMap(
        ([, rule]) => rule.Properties.Targets as object[],
      ),
      ...all(resources, "AWS::Scheduler::Schedule").map(
        ([, one]) => one.Properties.Target as object,
      ),
    ];
    expect(targets.length).toBeGreaterThan(0);
    for (const target of targets) {
      const config = text(target);
      expect(config).toMatch(/DeadLetterConfig":\{"Arn":\{"Fn::GetAtt":\["\w*DeadLetters/);
      const id = /DeadLetterConfig":\{"Arn":\{"Fn::GetAtt":\["(\w+)"/.exec(config)?.[1] ?? "none";
      expect(queue(id).MessageRetentionPeriod).toBe(14 * DAY_SECONDS);
      const alarms = all(resources, "AWS::CloudWatch::Alarm").map(([, alarm]) =>
        text(alarm.Properties),
      );
      expect(alarms.filter((alarm) => alarm.includes(id))).toHaveLength(1);
    }
  });
});

function setUp() {
  const clock = makeTestClock();
  const claims = makeMemoryEventClaims({ clock, retentionMs: 30 * DAY_SECONDS * 1_000 });
  const published: FinalEvent[] = [];
  let owners = 0;
  const common = {
    claims,
    publisher: {
      publish: async (events: readonly FinalEvent[]) => {
        published.push(...events);
        return events.map(() => ({ ok: true as const }));
      },
    },
    clock,
    newOwner: () => `owner-${++owners}`,
    claimLeaseMs: 30_000,
    leaseMs: 30_000,
  };
  const decoding = unjoined({ clock, dedupeRetentionMs: 30 * DAY_SECONDS * 1_000 });
  const sweeping = { ...common, graceMs: 30_000, limit: 100 };
  return {
    clock,
    published,
    message: (id: string) => inboundMessage(id, { receivedAtMs: clock.businessMs() }),
    consume: makeConsumeWebhooks({ ...common, ...decoding }),
    consumeWith: (over: object) => makeConsumeWebhooks({ ...common, ...decoding, ...over }),
    sweep: makeSweepEventOutbox(sweeping),
    sweepWith: (over: object) => makeSweepEventOutbox({ ...sweeping, ...over }),
    claims,
  };
}

test("B21 10,000 messages that are redriven after a week are not published again, and those older than the dedupe window are parked", async () => {
  const { clock, consume, message, published } = setUp();
  const bodies = Array.from({ length: 10_000 }, (_, n) => message(`B21-${n}`));
  const redrive = async () => {
    const kinds = new Map<string, number>();
    for (let at = 0; at < bodies.length; at += 10) {
      const { messages } = await consume(bodies.slice(at, at + 10));
      for (const outcome of messages) {
        const kind = outcome.kind === "failed" ? outcome.code : outcome.kind;
        kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      }
    }
    return Object.fromEntries(kinds);
  };
  expect(await redrive()).toEqual({ published: 10_000 });
  clock.passBusiness(7 * DAY_SECONDS * 1_000);
  expect(await redrive()).toEqual({ duplicate: 10_000 });
  clock.passBusiness(24 * DAY_SECONDS * 1_000);
  expect(await redrive()).toEqual({ MESSAGE_STALE: 10_000 });
  expect(published).toHaveLength(10_000);
});

describe("B23 the outbox sweep, which is used instead of a stream relay", () => {
  const enoughTime = () => 50_000;
  /** The bus accepts nothing: the events enter the outbox. */
  const failing: EventPublisher = {
    publish: async (events) =>
      events.map(() => ({ ok: false, reason: "InternalFailure", isFinal: false })),
  };

  test("B23 the outbox sweep crashes after publishing: the next sweep publishes the same id and bytes once more, and no later one does", async () => {
    const { clock, consumeWith, message, published, sweep, sweepWith, claims } = setUp();
    await consumeWith({ publisher: failing })([message("B23")]);
    clock.passReal(30_001);
    const unrecorded = { ...claims, complete: () => new Promise<never>(() => undefined) };
    void sweepWith({ claims: unrecorded })(enoughTime);
    await expect.poll(() => published.length).toBe(1);
    clock.passReal(30_001);
    expect(await sweep(enoughTime)).toEqual({ published: 1, held: 0, failures: [] });
    expect(published[1]).toEqual(published[0]);
    clock.passReal(30_001);
    expect(await sweep(enoughTime)).toEqual({ published: 0, held: 0, failures: [] });
  });

  test("B23 the outbox sweep publishes an event that has waited for more than 24 hours", async () => {
    const { clock, consumeWith, message, published, sweep } = setUp();
    await consumeWith({ publisher: failing })([message("B23")]);
    clock.passReal(10 * DAY_SECONDS * 1_000);
    clock.passBusiness(10 * DAY_SECONDS * 1_000);
    expect(await sweep(enoughTime)).toMatchObject({ published: 1 });
    expect(published).toHaveLength(1);
  });

  test("B23 a sweep that does not run or that fails raises an alarm", () => {
    const names = all(resources, "AWS::CloudWatch::Alarm").map(([id]) => id.toLowerCase());
    for (const name of ["reconcilenotrunning", "reconcileerrors", "publishfailures"]) {
      expect(names.filter((id) => id.includes(name))).toHaveLength(1);
    }
  });
});
